//! Roll-back: the pointers go to what an earlier publish showed, in one transaction, without touching a row of data.

use super::Warehouse;
use super::connect::{Parameter, Transaction};
use super::fault::fault;
use super::fence::{Fence, hold};
use super::patience::{LIMITS, Patience, VIEW_LIMIT};
use super::public_view::{Publication, ViewBody};
use crate::crash_point;
use crate::error::{Error, Kind, Result};
use crate::project::Access;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_postgres::Row;

const DOING: &str = "roll-back failed";

/// The materialization whose rows of all runs lie in one table.
const HISTORY: &str = "history";

/// How often a lost answer to COMMIT is read back, a little apart.
const READ_BACKS: u32 = 100;

/// What a roll-back did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Rollback {
    /// The run that readers see now.
    pub run_id: i64,
    /// Relations whose pointer moved.
    pub moved: Vec<String>,
    /// Relations that the earlier publish did not have and that stay where they are.
    pub kept: Vec<String>,
}

impl Warehouse {
    /// Shows what the publish of run `to` showed (default: the publish before the live one), relation by relation.
    ///
    /// As in a publish, a view that must change is never waited for with a lock that other readers queue behind.
    pub async fn rollback(&self, to: Option<i64>, fence: &Fence, patience: Duration) -> Result<Rollback> {
        let mut patience = Patience::new(patience, "roll-back");
        let mut done = Rollback { run_id: to.unwrap_or_default(), ..Rollback::default() };
        let mut to = to;
        crash_point::reach("roll-back: begin").await?;
        loop {
            let Err(error) = self.try_rollback(to, fence, &mut done).await else { break };
            if error.kind == Kind::Unreachable && error.may_pass() && done.run_id > 0 {
                // Never repeated blindly: the step before the one that took place would be another.
                to = Some(done.run_id);
                if self.is_shown(done.run_id, &error).await? {
                    break;
                }
            }
            let views: Vec<(&str, &str)> =
                done.moved.iter().map(|name| (self.schemas.marts.as_str(), name.as_str())).collect();
            patience.again(self.name_holders(error, &views).await).await?;
        }
        crash_point::reach("roll-back: committed").await?;
        Ok(done)
    }

    /// One try; `done` tells what it would do also when the answer to COMMIT is lost.
    async fn try_rollback(&self, to: Option<i64>, fence: &Fence, done: &mut Rollback) -> Result<()> {
        let workspace = &self.schemas.workspace;
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|e| fault(DOING, &e))?;
        transaction.batch_execute(LIMITS).await.map_err(|e| fault(DOING, &e))?;
        hold(&transaction, fence).await?;
        crash_point::reach("roll-back: fence held").await?;
        let (live, target) = self.find_state(&transaction, to).await?;
        *done = Rollback { run_id: target, ..Rollback::default() };
        let rows = transaction
            .query(include_str!("sql/find_rollback_targets.sql"), &[workspace, &target])
            .await
            .map_err(|e| fault(DOING, &e))?;
        let mut redefined = Vec::new();
        for row in &rows {
            let relation: String = row.get("relation");
            let Some(earlier) = earlier_of(row) else {
                done.kept.push(relation);
                continue;
            };
            let shown: i64 = row.get("shown_run_id");
            match &earlier.body {
                ViewBody::Pointer { parent } => {
                    self.require_rows(&transaction, &earlier.model, shown, parent).await?;
                }
                // Its rows lie with those of all runs.
                ViewBody::History { .. } | ViewBody::Select { .. } => {}
            }
            let is_redefined = is_defined_otherwise(row);
            if shown != row.get::<_, i64>("run_id") || is_redefined {
                transaction
                    .execute(
                        include_str!("sql/set_pointer.sql"),
                        &[
                            workspace,
                            &relation,
                            &shown,
                            &earlier.parent(),
                            &row.get::<_, Option<String>>("definition"),
                            &earlier.materialization,
                            &earlier.access.as_str(),
                            &is_redefined,
                        ],
                    )
                    .await
                    .map_err(|e| fault(DOING, &e))?;
                done.moved.push(relation);
                crash_point::reach("roll-back: pointer moved").await?;
            }
            if is_redefined {
                redefined.push(earlier);
            }
        }
        transaction
            .execute(include_str!("sql/history_restore.sql"), &[workspace, &target])
            .await
            .map_err(|e| fault(DOING, &e))?;
        self.record_rollback(&transaction, live, target, done.moved.len()).await?;
        transaction.batch_execute(VIEW_LIMIT).await.map_err(|e| fault(DOING, &e))?;
        for earlier in &redefined {
            self.restore_view(&transaction, earlier).await?;
            crash_point::reach("roll-back: view defined").await?;
        }
        crash_point::reach("roll-back: before commit").await?;
        transaction.commit().await.map_err(|e| fault("roll-back: the answer to COMMIT was lost", &e))
    }

    /// The run of the live state and that of the state wanted, both kept from garbage collection until the end.
    async fn find_state(&self, transaction: &Transaction<'_>, to: Option<i64>) -> Result<(i64, i64)> {
        let workspace = &self.schemas.workspace;
        let states = transaction
            .query(include_str!("sql/list_published_states.sql"), &[workspace])
            .await
            .map_err(|e| fault(DOING, &e))?;
        let live = states.iter().find(|row| row.get("is_live")).map(|row| row.get::<_, i64>("run_id"));
        let kept: Vec<i64> = states.iter().map(|row| row.get("run_id")).collect();
        let Some(wanted) = to else {
            let earlier = |row: &&Row| Some(row.get::<_, i64>("run_id")) < live && !row.get::<_, bool>("is_withdrawn");
            let before = states.iter().find(earlier).map(|row| row.get("run_id"));
            return live.zip(before).ok_or_else(|| {
                Error::failed("there is no earlier published run to go back to").hint("see quintile runs")
            });
        };
        match live {
            Some(live) if live == wanted => {
                Err(Error::usage(format!("run {wanted} is what readers see already")).hint("see quintile runs"))
            }
            Some(live) if kept.contains(&wanted) => Ok((live, wanted)),
            _ => Err(self.why_not(transaction, wanted, &kept).await?),
        }
    }

    /// Why there is no state of this run.
    async fn why_not(&self, transaction: &Transaction<'_>, run_id: i64, kept: &[i64]) -> Result<Error> {
        let workspace = &self.schemas.workspace;
        let found = transaction
            .query_opt(include_str!("sql/find_published_run.sql"), &[workspace, &run_id])
            .await
            .map_err(|e| fault(DOING, &e))?;
        let Some(found) = found else {
            return Ok(Error::usage(format!("run {run_id} was never published in workspace \"{workspace}\""))
                .hint("see quintile runs"));
        };
        if found.get("moved_nothing") {
            return Ok(Error::usage(format!("run {run_id} moved nothing: readers saw what the run before it showed"))
                .hint("go back to that one: see quintile runs"));
        }
        let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
        Ok(Error::failed(format!("what run {run_id} published is not kept any more"))
            .detail(format!("Kept are the publishes of runs {}.", kept.join(", ")))
            .hint("raise run.keep_runs to keep more of them"))
    }

    /// The rows must still be there: somebody may have dropped a table by hand.
    async fn require_rows(&self, transaction: &Transaction<'_>, model: &str, run_id: i64, parent: &str) -> Result<()> {
        let table = super::materialize::run_relation(model, run_id);
        let found = transaction
            .query_opt(include_str!("sql/find_partition.sql"), &[&self.schemas.store, &parent, &table])
            .await
            .map_err(|e| fault(DOING, &e))?;
        match found {
            Some(_) => Ok(()),
            None => Err(Error::failed(format!("rows of run {run_id} of \"{model}\" are not kept any more"))
                .detail(format!("Table \"{}.{table}\" is not there.", self.schemas.store))
                .hint("go back to another run: see quintile runs")),
        }
    }

    async fn record_rollback(
        &self,
        transaction: &Transaction<'_>,
        live: i64,
        target: i64,
        relations: usize,
    ) -> Result<()> {
        let workspace = &self.schemas.workspace;
        let facts = serde_json::json!({ "run_id": target, "relations": relations });
        let statements: [(&str, &[&dyn Parameter]); 4] = [
            (include_str!("sql/end_live_state.sql"), &[workspace]),
            (include_str!("sql/set_live_state.sql"), &[workspace, &target, &live]),
            // Readers see these tables again: who reads them when they are superseded once more is another question.
            (include_str!("sql/forget_superseded.sql"), &[workspace]),
            (include_str!("sql/audit.sql"), &[workspace, &"quintile", &"rollback", &facts]),
        ];
        for (sql, values) in statements {
            transaction.execute(sql, values).await.map_err(|e| fault(DOING, &e))?;
        }
        Ok(())
    }

    /// A lost answer to COMMIT says nothing: the state's row tells, once the server has ended the transaction.
    async fn is_shown(&self, run_id: i64, lost: &Error) -> Result<bool> {
        tracing::warn!(run_id, reason = %lost, "roll-back: the connection was lost, reading back");
        let sql = include_str!("sql/find_live_state.sql");
        let mut last = None;
        for _ in 0..READ_BACKS {
            let asked = self.answer_within(Duration::from_secs(5), "roll-back cannot be read back", async |client| {
                client.query_opt(sql, &[&self.schemas.workspace, &run_id]).await
            });
            match asked.await {
                Ok(row) => return Ok(row.is_some_and(|row| row.get(0))),
                Err(e) => last = Some(e),
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let error = last.unwrap_or_else(|| Error::unreachable("roll-back cannot be read back"));
        Err(error.hint("nobody knows yet whether it took place: quintile runs tells it once the database answers"))
    }
}

/// What the relation was in the earlier state; none if that state did not have it.
fn earlier_of(row: &Row) -> Option<Publication> {
    row.get::<_, Option<i64>>("shown_run_id")?;
    let parent: Option<String> = row.get("parent_relation");
    let body = match parent {
        Some(table) if row.get::<_, &str>("materialization") == HISTORY => ViewBody::History { table, keep_days: None },
        Some(parent) => ViewBody::Pointer { parent },
        None => ViewBody::Select { sql: row.get::<_, Option<String>>("definition").unwrap_or_default() },
    };
    Some(Publication {
        relation: row.get("relation"),
        model: row.get("model"),
        materialization: row.get("materialization"),
        access: if row.get::<_, &str>("access") == "public" { Access::Public } else { Access::Private },
        body,
        description: String::new(),
        column_descriptions: BTreeMap::new(),
    })
}

/// Whether the view that readers have shows something else than in the earlier state. What a view was before
/// definitions were kept is not known: it stays.
fn is_defined_otherwise(row: &Row) -> bool {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    match text("parent_relation") {
        // The view of a history shows tables of all shapes, and which rows is a matter of the pointer.
        Some(_)
            if row.get::<_, &str>("live_materialization") == HISTORY
                && text("materialization").as_deref() == Some(HISTORY) =>
        {
            row.get::<_, &str>("access") != row.get::<_, &str>("live_access")
        }
        Some(parent) => {
            Some(parent) != text("live_parent") || row.get::<_, &str>("access") != row.get::<_, &str>("live_access")
        }
        None => text("definition").is_some_and(|earlier| Some(earlier) != text("live_definition")),
    }
}
