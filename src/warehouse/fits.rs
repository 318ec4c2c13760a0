//! What was learnt from the data: the facts of each fit, by run and model.

use super::Warehouse;
use super::connect::Client;
use super::fault::fault;
use super::materialize::run_relation;
use super::statement::fill;
use crate::error::Result;
use serde_json::Value;

impl Warehouse {
    /// Keeps the facts of a fit (centroids, parameters).
    pub async fn record_fit(&self, run_id: i64, model: &str, facts: &Value) -> Result<()> {
        self.ledger(include_str!("sql/record_fit.sql"), &[&run_id, &model, facts]).await
    }

    /// The facts that a run kept under this name.
    pub async fn fit_of(&self, run_id: i64, model: &str) -> Result<Option<Value>> {
        let client = self.client().await?;
        let asked = client.query_opt(include_str!("sql/fit_of.sql"), &[&run_id, &model]).await;
        Ok(asked.map_err(|e| fault("facts of a fit cannot be read", &e))?.map(|row| row.get(0)))
    }

    /// Keeps the rows of a small table as facts of a fit: they outlive the table, so that later runs can read them by number.
    pub async fn record_rows_as_fit(&self, client: &Client, model: &str, run_id: i64) -> Result<()> {
        let table = run_relation(model, run_id);
        let sql =
            fill(include_str!("sql/record_rows_as_fit.sql"), &[("schema", &self.schemas.store), ("table", &table)]);
        let recorded = client.execute(&sql, &[&run_id, &model]).await;
        recorded.map_err(|e| fault(&format!("rows of model \"{model}\" cannot be kept as a fit"), &e))?;
        Ok(())
    }

    /// The facts of the fit whose rows readers see; none where the model was never published.
    pub async fn published_fit(&self, model: &str) -> Result<Option<Value>> {
        let client = self.client().await?;
        let asked = client.query_opt(include_str!("sql/published_fit.sql"), &[&self.schemas.workspace, &model]).await;
        Ok(asked.map_err(|e| fault("facts of the published fit cannot be read", &e))?.map(|row| row.get(0)))
    }
}
