//! What the server answers to data tests: by one SELECT, by one for several tests, or by an index that is there.

use super::Warehouse;
use super::connect::Client;
use super::fault::{fault, fault_in};
use super::statement::splice;
use crate::error::{Error, Result};
use crate::project::Tally;
use std::collections::BTreeSet;

impl Warehouse {
    /// Rows that break the rule of a data test.
    pub async fn count_failures(&self, client: &Client, test: &str, select: &str) -> Result<i64> {
        let statement = splice("SELECT count(*) FROM (\n[select]\n) AS failures", &[("select", select)]);
        let row = client
            .query_one(&statement, &[])
            .await
            .map_err(|e| fault_in(&format!("data test \"{test}\" did not work"), &statement, &e))?;
        Ok(row.get(0))
    }

    /// For each test of a tally the rows that break its rule; an error does not say whose it is.
    pub async fn count_together(&self, client: &Client, tally: &Tally) -> Result<Vec<i64>> {
        let doing = format!("data tests of \"{}\" did not work", tally.model);
        let row = client.query_one(&tally.select, &[]).await.map_err(|e| fault(&doing, &e))?;
        let counts = (0..row.len()).map(|index| row.try_get(index)).collect::<std::result::Result<Vec<i64>, _>>();
        let counts = counts.map_err(|e| fault(&doing, &e))?;
        if counts.len() == tally.tests.len() {
            return Ok(counts);
        }
        Err(Error::failed(doing).detail(format!("{} tests have {} answers.", tally.tests.len(), counts.len())))
    }

    /// Columns of these tables of the store, as (table, column), in which a unique index lets no value be twice.
    pub async fn unique_columns(&self, tables: &[String]) -> Result<BTreeSet<(String, String)>> {
        if tables.is_empty() {
            return Ok(BTreeSet::new());
        }
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/list_unique_columns.sql"), &[&self.schemas.store, &tables])
            .await
            .map_err(|e| fault("indexes cannot be looked at", &e))?;
        Ok(rows.iter().map(|row| (row.get("table_name"), row.get("column_name"))).collect())
    }
}
