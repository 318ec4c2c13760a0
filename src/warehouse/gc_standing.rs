//! How garbage collection stands, for the metrics: space in use, and how long some of it waits for old readers.

use super::Warehouse;
use crate::config::Schemas;
use crate::error::Result;
use std::time::Duration;

/// Space of one workspace.
#[derive(Clone, Debug)]
pub struct GcStanding {
    /// The workspace.
    pub workspace: String,
    /// The longest time that a superseded table waits; 0 when none does.
    pub waiting_seconds: f64,
    /// Bytes of all tables in the store, indexes included.
    pub store_bytes: f64,
}

impl Warehouse {
    /// Of every workspace.
    pub async fn gc_standing(&self, wait: Duration) -> Result<Vec<GcStanding>> {
        let doing = "size of the store cannot be read";
        let (list, measure) = (include_str!("sql/page_workspaces.sql"), include_str!("sql/gc_standing.sql"));
        let rows = self
            .answer_within(wait, doing, async |client| {
                let names: Vec<String> =
                    client.query(list, &[]).await?.iter().map(|row| row.get("workspace")).collect();
                let schemas = names.iter().filter_map(|name| Schemas::of(name).ok());
                let (names, stores): (Vec<String>, Vec<String>) = schemas.map(|s| (s.workspace, s.store)).unzip();
                client.query(measure, &[&names, &stores]).await
            })
            .await?;
        Ok(rows
            .iter()
            .map(|row| GcStanding {
                workspace: row.get("workspace"),
                waiting_seconds: row.get("waiting_seconds"),
                store_bytes: row.get("store_bytes"),
            })
            .collect())
    }
}
