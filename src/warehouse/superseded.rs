//! Old snapshots: a superseded table stays until every transaction has ended that was open when it was superseded.
//!
//! A repeatable-read transaction goes on reading the pointer of its beginning. DDL knows no snapshots: were the table
//! dropped, the transaction would find no rows and no error. So the open transactions are remembered by their virtual
//! ids, which every role may see, and the table is dropped by a later collection when none of them is left.

use super::Warehouse;
use super::connect::Client;
use super::fault::fault;
use crate::error::Result;
use std::collections::BTreeMap;

/// A superseded table that somebody may still read.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct WaitingTable {
    /// Its name in the store.
    pub table: String,
    /// Time since it was found superseded.
    pub waiting_seconds: f64,
    /// Whose transactions it waits for: `process 7 (user bi)`.
    pub holders: Vec<String>,
}

impl Warehouse {
    /// Forgets tables that are dropped.
    pub(super) async fn forget_superseded(&self, dropped: &[String]) -> Result<()> {
        let client = self.client().await?;
        client
            .execute(include_str!("sql/forget_dropped.sql"), &[&self.schemas.workspace, &dropped])
            .await
            .map_err(|e| fault("dropped tables cannot be forgotten", &e))?;
        Ok(())
    }

    /// Remembers who may still read these tables, and returns those that somebody may.
    pub(super) async fn find_waiting(
        &self,
        client: &Client,
        superseded: &[String],
    ) -> Result<BTreeMap<String, WaitingTable>> {
        let doing = "open transactions cannot be read";
        let workspace = &self.schemas.workspace;
        client
            .execute(include_str!("sql/record_superseded.sql"), &[workspace, &superseded])
            .await
            .map_err(|e| fault(doing, &e))?;
        let rows = client
            .query(include_str!("sql/list_waiting_tables.sql"), &[workspace])
            .await
            .map_err(|e| fault(doing, &e))?;
        let waiting = rows.iter().map(|row| WaitingTable {
            table: row.get("table_name"),
            waiting_seconds: row.get("waiting_seconds"),
            holders: row.get("holders"),
        });
        Ok(waiting.map(|table| (table.table.clone(), table)).collect())
    }
}
