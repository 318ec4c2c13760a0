//! Roll-back: the pointers go to an earlier published run, in one transaction, without touching a row of data.

use super::Warehouse;
use super::connect::Transaction;
use super::fault::fault;
use super::publish::{Fence, LOCK_TIMEOUT, Publication, TRIES, ViewBody, hold_fence};
use crate::error::{Error, Result};
use crate::project::Access;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a roll-back did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Rollback {
    /// The run that readers see now.
    pub run_id: i64,
    /// Relations whose pointer moved.
    pub moved: Vec<String>,
    /// Relations that had no earlier rows and stay where they are.
    pub kept: Vec<String>,
}

impl Warehouse {
    /// Points every relation to its newest rows of a run up to `to` (default: the run before the live one).
    ///
    /// As in a publish, a view that must change is never waited for with a lock that other readers queue behind.
    pub async fn rollback(&self, to: Option<i64>, fence: &Fence) -> Result<Rollback> {
        for _ in 1..TRIES {
            match self.try_rollback(to, fence).await {
                Err(e) if e.is_lock_trouble() => tokio::time::sleep(Duration::from_millis(500)).await,
                outcome => return outcome,
            }
        }
        self.try_rollback(to, fence).await
    }

    async fn try_rollback(&self, to: Option<i64>, fence: &Fence) -> Result<Rollback> {
        let doing = "roll-back failed";
        let workspace = &self.schemas.workspace;
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|e| fault(doing, &e))?;
        transaction.batch_execute(LOCK_TIMEOUT).await.map_err(|e| fault(doing, &e))?;
        hold_fence(&transaction, fence).await?;
        let target = match to {
            Some(run_id) => self.require_published(&transaction, run_id).await?,
            None => transaction
                .query_one(include_str!("sql/find_previous_run.sql"), &[workspace])
                .await
                .map_err(|e| fault(doing, &e))?
                .get::<_, Option<i64>>(0)
                .ok_or_else(|| {
                    Error::failed("there is no earlier published run to go back to").hint("see quintile runs")
                })?,
        };
        let rows = transaction
            .query(include_str!("sql/find_rollback_targets.sql"), &[workspace, &target])
            .await
            .map_err(|e| fault(doing, &e))?;
        let mut done = Rollback { run_id: target, ..Rollback::default() };
        for row in &rows {
            let relation: String = row.get("relation");
            let (Some(run_id), parent) =
                (row.get::<_, Option<i64>>("target_run_id"), row.get::<_, Option<String>>("parent_relation"))
            else {
                done.kept.push(relation);
                continue;
            };
            if let Some(parent) = &parent {
                self.require_rows(&transaction, &relation, run_id, parent).await?;
                let access = if row.get::<_, &str>("access") == "public" { Access::Public } else { Access::Private };
                let publication = Publication {
                    relation: relation.clone(),
                    materialization: row.get("materialization"),
                    access,
                    body: ViewBody::EarlierShape { parent: parent.clone() },
                    description: String::new(),
                    column_descriptions: BTreeMap::new(),
                };
                let live_parent = self.live_parent(&transaction, &relation).await?;
                if live_parent.as_deref() != Some(parent) {
                    self.define_view(&transaction, &publication).await?;
                }
            }
            transaction
                .execute(include_str!("sql/set_pointer.sql"), &[workspace, &relation, &run_id, &parent])
                .await
                .map_err(|e| fault(doing, &e))?;
            done.moved.push(relation);
        }
        if done.moved.is_empty() {
            return Err(Error::failed(format!("run {target} published nothing that could be gone back to"))
                .hint("see quintile runs"));
        }
        let facts = serde_json::json!({ "run_id": target, "relations": done.moved.len() });
        transaction
            .execute(include_str!("sql/audit.sql"), &[workspace, &"quintile", &"rollback", &facts])
            .await
            .map_err(|e| fault(doing, &e))?;
        transaction.commit().await.map_err(|e| fault(doing, &e))?;
        Ok(done)
    }

    async fn require_published(&self, transaction: &Transaction<'_>, run_id: i64) -> Result<i64> {
        let workspace = &self.schemas.workspace;
        let found = transaction
            .query_opt(include_str!("sql/find_published_run.sql"), &[workspace, &run_id])
            .await
            .map_err(|e| fault("roll-back failed", &e))?;
        match found {
            Some(_) => Ok(run_id),
            None => Err(Error::usage(format!("run {run_id} was never published in workspace \"{workspace}\""))
                .hint("see quintile runs")),
        }
    }

    async fn live_parent(&self, transaction: &Transaction<'_>, relation: &str) -> Result<Option<String>> {
        let row = transaction
            .query_one(
                "SELECT parent_relation FROM quintile.live WHERE workspace = $1 AND relation = $2",
                &[&self.schemas.workspace, &relation],
            )
            .await
            .map_err(|e| fault("roll-back failed", &e))?;
        Ok(row.get(0))
    }

    /// The run's partition must still be there: garbage collection keeps only the newest ones.
    async fn require_rows(
        &self,
        transaction: &Transaction<'_>,
        relation: &str,
        run_id: i64,
        parent: &str,
    ) -> Result<()> {
        let table = super::materialize::run_relation(relation, run_id);
        let found = transaction
            .query_opt(include_str!("sql/find_partition.sql"), &[&self.schemas.store, &parent, &table])
            .await
            .map_err(|e| fault("roll-back failed", &e))?;
        match found {
            Some(_) => Ok(()),
            None => Err(Error::failed(format!("rows of run {run_id} of \"{relation}\" are not kept any more"))
                .hint("raise run.keep_runs to keep more runs, or go back to a newer run: see quintile runs")),
        }
    }
}
