//! A shop with one mapping, whose files are loaded into a database of its own.

use crate::harness::Database;
use quintile::error::Error;
use quintile::ingest::{IngestRequest, LoadReport, ingest};
use quintile::warehouse::Warehouse;
use std::path::PathBuf;

pub const MAPPING: &str = r#"
description = "a shop"
[file]
nulls = ["", "N/A"]
[defaults]
currency = "EUR"
timezone = "Europe/Berlin"
[columns]
order_id = "Order"
customer_id = { column = "Customer", strip_suffix = ".0" }
ordered_at = { column = "Date", format = "%Y-%m-%d" }
quantity = "Qty"
unit_price = "Price"
discount = { column = "Percent", scale = 0.01 }
channel = { constant = "online" }
"#;
pub const HEADER: &str = "Order,Customer,Date,Qty,Price,Percent\n";

/// A database, and a folder with one mapping `shop`.
pub struct Shop {
    pub warehouse: Warehouse,
    _database: Database,
    pub dir: tempfile::TempDir,
}

impl Shop {
    pub async fn new() -> Shop {
        let database = Database::new().await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("shop.toml"), MAPPING).unwrap();
        Shop { warehouse: database.warehouse().await, _database: database, dir }
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn request(&self, file: PathBuf) -> IngestRequest {
        IngestRequest { file, source: "shop".into(), mapping_dir: self.dir.path().into(), ..IngestRequest::default() }
    }

    pub async fn load(&self, name: &str, content: impl AsRef<[u8]>) -> Result<LoadReport, Error> {
        let file = self.write(name, content);
        ingest(&self.warehouse, &self.request(file), &mut |_| {}).await
    }

    /// The rows of a SELECT as JSON; `{raw}` is the raw schema.
    pub async fn rows(&self, sql: &str) -> Vec<serde_json::Value> {
        let sql = sql.replace("{raw}", &self.warehouse.schemas.raw);
        let client = self.warehouse.client().await.unwrap();
        let rows = client.query(&format!("SELECT to_jsonb(t) FROM ({sql}) AS t"), &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.rows(&format!("SELECT count(*) FROM {{raw}}.{table}")).await[0]["count"].as_i64().unwrap()
    }
}

/// A file of so many orders of one line each.
pub fn orders(count: usize) -> String {
    let row = |i: usize| format!("{i},C{}.0,2023-{:02}-{:02},1,{}.50,0\n", i % 37, 1 + i % 12, 1 + i % 28, i % 90);
    HEADER.to_owned() + &(1..=count).map(row).collect::<String>()
}
