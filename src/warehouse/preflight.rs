//! What can be seen before any work: whether views can be made and SELECTs be planned, and may be run, by our role.

use super::Warehouse;
use super::fault::{fault, fault_within};
use super::materialize::{failed, run_relation};
use super::statement::{fill, splice};
use crate::error::{Error, Result};

/// A model's SELECT that is tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Name of the model.
    pub model: String,
    /// Its compiled SELECT.
    pub select: String,
    /// Models that it reads: what is wrong with them is not told of it again.
    pub parents: Vec<String>,
    /// Made as the run's view, for those after it; the others are only planned.
    pub is_view: bool,
}

impl Warehouse {
    /// Version and cipher of TLS on the way to the server, as the server sees it; `none` without.
    pub async fn encryption(&self) -> Result<String> {
        let client = self.client().await?;
        let row = client
            .query_one(include_str!("sql/describe_encryption.sql"), &[])
            .await
            .map_err(|e| fault("encryption cannot be read", &e))?;
        Ok(row.get(0))
    }

    /// Whether the workspace's schemas are there.
    pub async fn has_workspace(&self) -> Result<bool> {
        let names = &self.schemas;
        let client = self.client().await?;
        let row = client
            .query_one(include_str!("sql/has_schemas.sql"), &[&names.raw, &names.store, &names.marts])
            .await
            .map_err(|e| fault("schemas cannot be read", &e))?;
        Ok(row.get(0))
    }

    /// Rights on the workspace's schemas and the ledger that our role does not have, as `CREATE on marts`.
    pub async fn missing_rights(&self) -> Result<Vec<String>> {
        let names = &self.schemas;
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/list_rights.sql"), &[&names.raw, &names.store, &names.marts])
            .await
            .map_err(|e| fault("rights cannot be read", &e))?;
        let missing = rows.iter().filter(|row| !row.get::<_, bool>("is_granted"));
        Ok(missing
            .map(|row| format!("{} on {}", row.get::<_, &str>("right_name"), row.get::<_, &str>("object")))
            .collect())
    }

    /// Tries the SELECTs in their order, in one transaction that is rolled back; what is wrong, by model.
    ///
    /// Planning finds missing tables and columns, and the missing right to read one; no row is read.
    pub async fn try_out(&self, run_id: i64, trials: &[Trial]) -> Result<Vec<(String, Error)>> {
        let doing = "models cannot be tried out";
        let mut client = self.client().await?;
        let mut transaction = client.transaction().await.map_err(|e| fault(doing, &e))?;
        let mut wrong: Vec<(String, Error)> = Vec::new();
        for trial in trials {
            if trial.parents.iter().any(|parent| wrong.iter().any(|(model, _)| model == parent)) {
                continue;
            }
            let statement = if trial.is_view {
                let view = run_relation(&trial.model, run_id);
                let place = [("schema", self.schemas.store.as_str()), ("view", view.as_str())];
                splice(
                    &fill("CREATE OR REPLACE VIEW {schema}.{view} AS\n[select]", &place),
                    &[("select", &trial.select)],
                )
            } else {
                splice("EXPLAIN\n[select]", &[("select", &trial.select)])
            };
            let attempt = transaction.transaction().await.map_err(|e| fault(doing, &e))?;
            match attempt.execute(&statement, &[]).await {
                Ok(_) => attempt.commit().await.map_err(|e| fault(doing, &e))?,
                // Without the connection there is nothing to tell about the model.
                Err(e) if e.as_db_error().is_none() => return Err(fault(doing, &e)),
                Err(e) => wrong
                    .push((trial.model.clone(), fault_within(&failed(&trial.model), &trial.select, &statement, &e))),
            }
        }
        Ok(wrong)
    }
}
