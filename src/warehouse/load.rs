//! Loads: the one transaction that replaces the rows of a file in `raw.orders` and `raw.rejected_rows`.

use super::connect::{Client, Parameter, Warehouse};
use super::copy::{Cell, CopyIn, Transaction};
use super::fault::fault;
use super::statement::fill;
use super::tombstones::{Screened, screen};
use crate::config::Schemas;
use crate::error::Result;
use crate::project::quote_identifier;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use tokio_postgres::types::Type;

/// A row of `raw.orders`, without what is the same for the whole load.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLine {
    /// Text as in the file.
    pub order_id: String,
    /// Number of the data row in its file, from 1.
    pub line: i32,
    /// `None` for a customer who is not known.
    pub customer_id: Option<String>,
    /// The id was made up.
    pub id_is_synthetic: bool,
    /// When the order was placed.
    pub ordered_at: DateTime<Utc>,
    /// Text as in the file.
    pub product_id: Option<String>,
    /// Text as in the file.
    pub description: Option<String>,
    /// Text as in the file.
    pub category: Option<String>,
    /// Units; negative for a return.
    pub quantity: Decimal,
    /// Money for one unit.
    pub unit_price: Decimal,
    /// Share of the price, 0 to 1.
    pub discount: Decimal,
    /// Money for one unit.
    pub unit_cost: Option<Decimal>,
    /// Text as in the file.
    pub channel: Option<String>,
    /// Text as in the file.
    pub country: Option<String>,
    /// Three letters.
    pub currency: String,
}

/// A row that did not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedRow {
    /// Line in the file, from 1, the header included.
    pub line: i64,
    /// Column of the file that does not fit, if it is one.
    pub column: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// The row's text, cut where it is very long.
    pub raw_text: String,
}

/// What identifies a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// Name of the source.
    pub source: String,
    /// Name of the file, without its folder.
    pub file_name: String,
    /// blake3 of the file's bytes.
    pub checksum: String,
    /// blake3 of the mapping's text.
    pub mapping_checksum: String,
}

/// Counts of a load; `rows_read = rows_loaded + rows_rejected`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadCounts {
    /// Number of the load.
    pub load_id: i64,
    /// Data rows of the file.
    pub rows_read: i64,
    /// Rows in `raw.orders`.
    pub rows_loaded: i64,
    /// Rows in `raw.rejected_rows`.
    pub rows_rejected: i64,
}

/// What [`Warehouse::begin_load`] found.
pub enum LoadStart<'a> {
    /// The same file by the same mapping is there already; nothing was written.
    Unchanged(LoadCounts),
    /// The file's former rows are gone, and new ones can come.
    Started(Box<Load<'a>>),
}

/// An open load. Dropped before [`Load::finish`], it leaves everything as it was.
pub struct Load<'a> {
    // Before the transaction, so that a dropped load ends its COPY first.
    orders: Option<CopyIn>,
    transaction: Transaction<'a>,
    client: &'a Client,
    schemas: Schemas,
    file: LoadedFile,
    load_id: i64,
    rows_loaded: i64,
}

const ORDER_TYPES: [Type; 17] = [
    Type::TEXT,
    Type::TEXT,
    Type::INT4,
    Type::TEXT,
    Type::BOOL,
    Type::TIMESTAMPTZ,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::NUMERIC,
    Type::NUMERIC,
    Type::NUMERIC,
    Type::NUMERIC,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
];
const REJECTED_TYPES: [Type; 7] = [Type::TEXT, Type::TEXT, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8];

/// The raw tables of a workspace, each made where it is missing.
pub(super) const RAW_TABLES: [&str; 5] = [
    include_str!("sql/create_raw_orders.sql"),
    include_str!("sql/create_raw_loads.sql"),
    include_str!("sql/create_raw_rejected_rows.sql"),
    include_str!("sql/create_raw_orders_index.sql"),
    include_str!("sql/comment_raw.sql"),
];

fn filled(statement: &str, schemas: &Schemas) -> String {
    fill(statement, &[("raw", &schemas.raw)])
}

/// Waits until no other transaction holds the lock named `name`; it is released with the transaction.
pub(super) async fn lock(client: &Client, name: &str) -> Result<()> {
    let waited = client.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&name]).await;
    waited.map(drop).map_err(|e| fault("load cannot wait for its turn", &e))
}

impl Warehouse {
    /// Creates the raw tables of the workspace where they are missing; the schema itself must be there.
    pub async fn create_raw_tables(&self, client: &Client) -> Result<()> {
        let doing = "raw tables cannot be created";
        let names = ["orders", "loads", "rejected_rows", "orders_by_load"];
        let asked = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relname = ANY($2)";
        let schema = quote_identifier(&self.schemas.raw);
        let found = client.query_one(asked, &[&schema, &names.as_slice()]).await.map_err(|e| fault(doing, &e))?;
        if found.get::<_, i64>(0) == names.len() as i64 {
            return Ok(());
        }
        let transaction = Transaction::begin(client).await?;
        // Two at once would both find nothing and then collide in the catalogue.
        lock(client, &format!("quintile raw tables {}", self.schemas.raw)).await?;
        for statement in RAW_TABLES {
            client.batch_execute(&filled(statement, &self.schemas)).await.map_err(|e| fault(doing, &e))?;
        }
        transaction.commit().await
    }

    /// Begins the load of a file; `client` must not be in a transaction. Loads of one file wait for each other.
    pub async fn begin_load<'a>(&self, client: &'a Client, file: &LoadedFile) -> Result<LoadStart<'a>> {
        let schemas = self.schemas.clone();
        self.create_raw_tables(client).await?;
        let doing = format!("load of file \"{}\" cannot begin", file.file_name);
        let transaction = Transaction::begin(client).await?;
        lock(client, &format!("quintile load {}\n{}\n{}", schemas.raw, file.source, file.file_name)).await?;
        let asked = filled(include_str!("sql/load_find.sql"), &schemas);
        let found = client.query_opt(&asked, &[&file.source, &file.file_name]).await.map_err(|e| fault(&doing, &e))?;
        if let Some(row) = found {
            let counts = LoadCounts {
                load_id: row.get(0),
                rows_read: row.get(3),
                rows_loaded: row.get(4),
                rows_rejected: row.get(5),
            };
            let (checksum, mapping_checksum): (&str, &str) = (row.get(1), row.get(2));
            if checksum == file.checksum && mapping_checksum == file.mapping_checksum {
                transaction.commit().await?;
                return Ok(LoadStart::Unchanged(counts));
            }
            for table in ["orders", "rejected_rows", "loads"] {
                let delete = filled(&format!("DELETE FROM {{raw}}.{table} WHERE load_id = $1"), &schemas);
                client.execute(&delete, &[&counts.load_id]).await.map_err(|e| fault(&doing, &e))?;
            }
        }
        let insert = filled(include_str!("sql/load_start.sql"), &schemas);
        let values: [&dyn Parameter; 4] = [&file.source, &file.file_name, &file.checksum, &file.mapping_checksum];
        let load_id = client.query_one(&insert, &values).await.map_err(|e| fault(&doing, &e))?.get(0);
        let copy = filled(include_str!("sql/load_copy_orders.sql"), &schemas);
        let doing = format!("orders of file \"{}\" cannot be written", file.file_name);
        let orders = Some(CopyIn::start(client, &copy, &ORDER_TYPES, &doing).await?);
        Ok(LoadStart::Started(Box::new(Load {
            orders,
            transaction,
            client,
            schemas,
            file: file.clone(),
            load_id,
            rows_loaded: 0,
        })))
    }

    /// Lets the server count the values of the raw orders again, so that plans over them are good.
    pub async fn analyze_raw_orders(&self, client: &Client) -> Result<()> {
        let analyze = filled("ANALYZE {raw}.orders", &self.schemas);
        client.batch_execute(&analyze).await.map_err(|e| fault("raw orders cannot be analysed", &e))
    }
}

impl Load<'_> {
    /// Sends order lines.
    pub async fn write(&mut self, lines: &[OrderLine]) -> Result<()> {
        let Some(orders) = &mut self.orders else { return Ok(()) };
        for line in lines {
            let cells = [
                Cell::Text(Some(&self.file.source)),
                Cell::Text(Some(&line.order_id)),
                Cell::Integer(Some(line.line)),
                Cell::Text(line.customer_id.as_deref()),
                Cell::Boolean(Some(line.id_is_synthetic)),
                Cell::Instant(line.ordered_at),
                Cell::Text(line.product_id.as_deref()),
                Cell::Text(line.description.as_deref()),
                Cell::Text(line.category.as_deref()),
                Cell::Numeric(Some(line.quantity)),
                Cell::Numeric(Some(line.unit_price)),
                Cell::Numeric(Some(line.discount)),
                Cell::Numeric(line.unit_cost),
                Cell::Text(line.channel.as_deref()),
                Cell::Text(line.country.as_deref()),
                Cell::Text(Some(&line.currency)),
                Cell::Bigint(self.load_id),
            ];
            orders.row(&cells).await?;
        }
        self.rows_loaded += lines.len() as i64;
        Ok(())
    }

    /// Ends the load: the rejected rows, the counts, and COMMIT.
    pub async fn finish(mut self, rejected: &[RejectedRow]) -> Result<LoadCounts> {
        if let Some(orders) = self.orders.take() {
            orders.finish().await?;
        }
        let file_name = &self.file.file_name;
        if !rejected.is_empty() {
            let copy = filled(include_str!("sql/load_copy_rejected_rows.sql"), &self.schemas);
            let doing = format!("rejected rows of file \"{file_name}\" cannot be written");
            let mut writer = CopyIn::start(self.client, &copy, &REJECTED_TYPES, &doing).await?;
            for row in rejected {
                let cells = [
                    Cell::Text(Some(&self.file.source)),
                    Cell::Text(Some(file_name)),
                    Cell::Bigint(row.line),
                    Cell::Text(row.column.as_deref()),
                    Cell::Text(Some(&row.reason)),
                    Cell::Text(Some(&row.raw_text)),
                    Cell::Bigint(self.load_id),
                ];
                writer.row(&cells).await?;
            }
            writer.finish().await?;
        }
        let screened = Screened { source: &self.file.source, file_name, load_id: self.load_id, table: "orders" };
        let taken_out = screen(self.client, &self.schemas, &screened).await?;
        let rows_rejected = rejected.len() as i64 + taken_out;
        let rows_loaded = self.rows_loaded - taken_out;
        let counts =
            LoadCounts { load_id: self.load_id, rows_read: rows_loaded + rows_rejected, rows_loaded, rows_rejected };
        let update = filled(include_str!("sql/load_finish.sql"), &self.schemas);
        self.client
            .execute(&update, &[&counts.load_id, &counts.rows_read, &counts.rows_loaded, &counts.rows_rejected])
            .await
            .map_err(|e| fault(&format!("load of file \"{file_name}\" cannot end"), &e))?;
        self.transaction.commit().await?;
        Ok(counts)
    }
}
