//! What readers of the raw tables need of them: the block index, fresh statistics, and triggers that note changes.
//!
//! A load leaves them to whoever reads next. For the first file of a source they are a third of the server's work, and
//! of a hundred files in a row only the last would need them.

use super::connect::{Client, Warehouse};
use super::copy::Transaction;
use super::entity::Entity;
use super::fault::fault;
use super::raw_tables::lock;
use super::statement::fill;
use crate::error::Result;
use crate::project::quote_identifier;
use tokio_postgres::error::SqlState;

impl Warehouse {
    /// Indexes and analyses the raw tables where rows came since it was done; `client` must not be in a transaction.
    pub async fn tend_raw_tables(&self, client: &Client) -> Result<()> {
        let doing = "raw tables cannot be tended";
        let mut tables: Vec<&str> = Entity::ALL.iter().map(|entity| entity.table()).collect();
        tables.extend(["loads", "rejected_rows"]);
        let schema = quote_identifier(&self.schemas.raw);
        let asked = include_str!("sql/raw_upkeep.sql");
        let found = client.query_one(asked, &[&schema, &tables]).await.map_err(|e| fault(doing, &e))?;
        let (lacks_index, stale, unnoted): (bool, Vec<String>, Vec<String>) =
            (found.get(0), found.get(1), found.get(2));
        if lacks_index {
            let statement = fill(include_str!("sql/create_raw_orders_index.sql"), &[("raw", &self.schemas.raw)]);
            self.alter_raw_tables(client, &[statement]).await?;
        }
        if !unnoted.is_empty() {
            let statements: Vec<String> = unnoted.iter().map(|table| self.note_changes_of(table)).collect();
            self.alter_raw_tables(client, &statements).await?;
        }
        self.fold_change_notes(client).await?;
        for table in stale {
            let statement = fill("ANALYZE {raw}.{table}", &[("raw", &self.schemas.raw), ("table", &table)]);
            client.batch_execute(&statement).await.map_err(|e| fault(doing, &e))?;
        }
        Ok(())
    }

    /// Without index and notes all is right, only slower: so they are left for the next time where a load is under way, and
    /// to the owner where that is another role than ours.
    async fn alter_raw_tables(&self, client: &Client, statements: &[String]) -> Result<()> {
        let doing = "raw tables cannot be tended";
        let transaction = Transaction::begin(client).await?;
        // Two at once would both find nothing and then collide in the catalogue.
        lock(client, &format!("quintile raw tables {}", self.schemas.raw)).await?;
        client.batch_execute("SET LOCAL lock_timeout = '200ms'").await.map_err(|e| fault(doing, &e))?;
        for statement in statements {
            match client.batch_execute(statement).await {
                Err(e)
                    if [Some(&SqlState::LOCK_NOT_AVAILABLE), Some(&SqlState::INSUFFICIENT_PRIVILEGE)]
                        .contains(&e.code()) =>
                {
                    return Ok(());
                }
                other => other.map_err(|e| fault(doing, &e))?,
            }
        }
        transaction.commit().await
    }
}
