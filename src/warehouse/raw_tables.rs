//! The raw tables of a workspace, each made where it is missing, and brought up to date where it is old.

use super::connect::{Client, Warehouse};
use super::copy::Transaction;
use super::entity::Entity;
use super::fault::fault;
use super::statement::fill;
use crate::error::Result;
use crate::project::quote_identifier;

/// The statements that make them, in order; each may run again.
pub(super) const RAW_TABLES: [&str; 10] = [
    include_str!("sql/create_raw_orders.sql"),
    include_str!("sql/create_raw_customers.sql"),
    include_str!("sql/create_raw_products.sql"),
    include_str!("sql/create_raw_campaigns.sql"),
    include_str!("sql/create_raw_campaign_members.sql"),
    include_str!("sql/create_raw_loads.sql"),
    include_str!("sql/alter_raw_loads.sql"),
    include_str!("sql/create_raw_rejected_rows.sql"),
    include_str!("sql/create_raw_loads_index.sql"),
    include_str!("sql/comment_raw.sql"),
];

/// Waits until no other transaction holds the lock named `name`; it is released with the transaction.
pub(super) async fn lock(client: &Client, name: &str) -> Result<()> {
    let waited = client.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&name]).await;
    waited.map(drop).map_err(|e| fault("load cannot wait for its turn", &e))
}

impl Warehouse {
    /// Creates the raw tables of the workspace where they are missing; the schema itself must be there.
    pub async fn create_raw_tables(&self, client: &Client) -> Result<()> {
        let doing = "raw tables cannot be created";
        let mut names = vec!["loads", "rejected_rows", "loads_by_file"];
        names.extend(Entity::ALL.iter().map(|entity| entity.table()));
        let schema = quote_identifier(&self.schemas.raw);
        let asked = include_str!("sql/load_find_raw_tables.sql");
        let found = client.query_one(asked, &[&schema, &names]).await.map_err(|e| fault(doing, &e))?;
        if found.get::<_, i64>(0) == names.len() as i64 && found.get(1) {
            return Ok(());
        }
        let transaction = Transaction::begin(client).await?;
        // Two at once would both find nothing and then collide in the catalogue.
        lock(client, &format!("quintile raw tables {}", self.schemas.raw)).await?;
        for statement in RAW_TABLES {
            let statement = fill(statement, &[("raw", &self.schemas.raw)]);
            client.batch_execute(&statement).await.map_err(|e| fault(doing, &e))?;
        }
        transaction.commit().await
    }
}
