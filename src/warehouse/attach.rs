//! A run's tables become partitions, and every statement that was planned without them gets its rows first.

use super::Warehouse;
use super::connect::Client;
use super::fault::fault;
use super::materialize::{execute, failed, run_relation};
use super::statement::{fill, qualified, splice};
use crate::error::Result;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How long statements that were under way when the partitions came are waited for.
const SETTLING: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(5);

impl Warehouse {
    /// Makes a run's table a partition of its parent; readers do not see it before the pointer moves.
    ///
    /// A run that is taken up again finds it there already.
    pub async fn attach(&self, client: &Client, model: &str, run_id: i64, parent: &str) -> Result<()> {
        let table = run_relation(model, run_id);
        let there = client
            .query_opt(include_str!("sql/find_partition.sql"), &[&self.schemas.store, &parent, &table])
            .await
            .map_err(|e| fault(&failed(model), &e))?;
        if there.is_some() {
            return Ok(());
        }
        let place = [("schema", self.schemas.store.as_str()), ("table", table.as_str()), ("parent", parent)];
        let statement =
            splice(&fill(include_str!("sql/attach_partition.sql"), &place), &[("run_id", &run_id.to_string())]);
        execute(client, model, &statement).await
    }

    /// Waits until the statements that use the parents now have ended, but not for long.
    ///
    /// A statement chooses the partitions it may read when it is planned, and takes its snapshot a moment later. One
    /// that was planned before a partition came, and takes its snapshot after the pointer moved, would look for the
    /// rows of a run whose partition it does not know, and find none. That moment is short, unless the machine is busy:
    /// whoever still runs after the wait has its snapshot, and reads the run before.
    pub async fn settle(&self, parents: &[String]) -> Result<()> {
        let doing = "readers cannot be looked at";
        let names: Vec<String> = parents.iter().map(|parent| qualified(&self.schemas.store, parent)).collect();
        let client = self.client().await?;
        let look = async || -> Result<BTreeSet<String>> {
            let rows = client
                .query(include_str!("sql/list_statements_on.sql"), &[&names])
                .await
                .map_err(|e| fault(doing, &e))?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        };
        let deadline = Instant::now() + SETTLING;
        let mut under_way = look().await?;
        while !under_way.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
            let now = look().await?;
            under_way.retain(|statement| now.contains(statement));
        }
        Ok(())
    }
}
