//! The scoring models alone, over a table `shop.customers` that a test fills: a build takes a fraction of a second.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::pipeline::{self, BuildRequest, RunReport};
use quintile::warehouse::Warehouse;
use serde_json::Value;
use tokio::sync::watch;

const SCHEMA: &str = "
sources:
  - name: shop
    schema: shop
    tables: [{name: customers}]
  - name: quintile
    tables: [{name: fits}]
";

const CUSTOMERS: &str = "{{ config(materialized='table') }}
SELECT customer_id, false AS id_is_synthetic, last_order_date, order_count, net_revenue, profit
FROM {{ source('shop', 'customers') }}";

/// The bundled models that the tests build.
const MODELS: [&str; 8] = [
    "rfm_cut_points",
    "rfm_scores",
    "rfm_score_sizes",
    "rfm_movers",
    "segment_rules",
    "rfm_segments",
    "value_tier_cut_points",
    "value_tiers",
];

/// A database with customers and the project of these models.
pub struct Shop {
    /// Its warehouse.
    pub warehouse: Warehouse,
    /// Settings that name the project; a test sets variables in them.
    pub settings: Settings,
    folder: tempfile::TempDir,
    _database: Database,
}

impl Shop {
    /// `customers` gives customer, days since the latest order, orders, net revenue and profit, as a SELECT.
    pub async fn of(customers: &str) -> Shop {
        let database = Database::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        shop::copy_folder(&shop::project_folder().join("macros"), &folder.path().join("macros"));
        let shop = Shop {
            warehouse: database.warehouse().await,
            settings: Settings { project_dir: folder.path().to_path_buf(), ..database.settings() },
            folder,
            _database: database,
        };
        for model in MODELS {
            let from = shop::project_folder().join(format!("models/marts/{model}.sql"));
            shop.write(&format!("models/{model}.sql"), &std::fs::read_to_string(from).expect("a model"));
        }
        shop.write("models/customers.sql", CUSTOMERS);
        shop.write("models/schema.yml", SCHEMA);
        let rules = shop::project_folder().join("seeds/rfm_segment_rules.csv");
        shop.write("seeds/rfm_segment_rules.csv", &std::fs::read_to_string(rules).expect("the seed"));
        shop::execute(&shop.warehouse, "CREATE SCHEMA shop").await;
        shop.refill(customers).await;
        shop
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Replaces the customers; see [`Shop::of`].
    pub async fn refill(&self, customers: &str) {
        shop::execute(&self.warehouse, "DROP TABLE IF EXISTS shop.customers").await;
        let fill = format!(
            "CREATE TABLE shop.customers AS
             SELECT customer::text AS customer_id, date '2024-12-31' - days AS last_order_date, orders AS order_count,
                round(revenue::numeric, 4) AS net_revenue, round(profit::numeric, 4) AS profit
             FROM ({customers}) AS c (customer, days, orders, revenue, profit)"
        );
        shop::execute(&self.warehouse, &fill).await;
    }

    /// Sets a variable of the project.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.settings.vars.insert(name.to_owned(), value.into());
    }

    /// Builds all models as of the end of 2024.
    pub async fn try_build(&self) -> quintile::error::Result<RunReport> {
        let (_keep, stop) = watch::channel(false);
        let request = BuildRequest {
            trigger: "test".into(),
            as_of: Some("2025-01-01T00:00:00Z".parse().expect("an instant")),
            ..BuildRequest::default()
        };
        pipeline::build(&self.warehouse, &self.settings, &request, stop).await
    }

    /// Builds and asserts that it was published; the report.
    pub async fn publish(&self) -> RunReport {
        let report = self.try_build().await.unwrap_or_else(|e| panic!("{}", e.report()));
        assert_eq!(report.state, "published", "{:?}", report.failed);
        report
    }

    /// Builds what must fail; the reasons, in the words of the report.
    pub async fn refuse(&self) -> String {
        match self.try_build().await {
            Err(e) => e.report(),
            Ok(report) => {
                assert_eq!(report.state, "failed", "{report:?}");
                report.failed.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// One value, as text.
    pub async fn value(&self, sql: &str) -> String {
        shop::value(&self.warehouse, sql).await
    }
}
