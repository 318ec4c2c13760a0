//! Publish by pointer: one short fenced transaction moves every relation of a run; readers never wait.
//!
//! The rows lie ready in partitions. Only a changed definition needs DDL on a view: it comes last in the transaction,
//! with a short lock timeout and retries, so that a long BI query delays the publish and never the other readers.

use super::Warehouse;
use super::connect::Transaction;
use super::fault::fault;
pub use super::fence::Fence;
use super::fence::hold;
use super::patience::{LIMITS, Patience, VIEW_LIMIT};
pub use super::public_view::{Publication, ViewBody};
use crate::crash_point;
use crate::error::{Error, Kind, Result};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const DOING: &str = "publish failed";

/// How long the outcome of a COMMIT is asked for at least when its answer was lost.
const READ_BACK: Duration = Duration::from_secs(30);

/// What the pointers show before the publish, by relation.
type Shown = BTreeMap<String, Before>;

/// One of them.
struct Before {
    model: String,
    /// Access and fingerprint of the view.
    view: String,
}

impl Warehouse {
    /// Moves the pointers of all `publications` to `run_id` in one transaction, in the order given.
    ///
    /// Every fence must still be held. Locks and lost connections are met with new tries for `patience`. Errors: a lost
    /// fence, a view that cannot be changed in place, or time is up; in each case nothing moved.
    pub async fn publish(
        &self,
        run_id: i64,
        publications: &[Publication],
        fences: &[Fence],
        patience: Duration,
    ) -> Result<()> {
        let deadline = Instant::now() + patience.max(READ_BACK);
        let mut patience = Patience::new(patience, &format!("publish {run_id}"));
        crash_point::reach("publish: begin").await?;
        loop {
            let Err(error) = self.try_publish(run_id, publications, fences).await else { break };
            if error.kind == Kind::Unreachable
                && error.may_pass()
                && self.was_published(run_id, deadline, &error).await?
            {
                break;
            }
            let views: Vec<(&str, &str)> =
                publications.iter().map(|p| (self.schema_of(p.access), p.relation.as_str())).collect();
            patience.again(self.name_holders(error, &views).await).await?;
        }
        crash_point::reach("publish: committed").await
    }

    async fn try_publish(&self, run_id: i64, publications: &[Publication], fences: &[Fence]) -> Result<()> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|e| fault(DOING, &e))?;
        transaction.batch_execute(LIMITS).await.map_err(|e| fault(DOING, &e))?;
        for fence in fences {
            hold(&transaction, fence).await?;
        }
        crash_point::reach("publish: fences held").await?;
        let shown = self.shown(&transaction).await?;
        let token = fences.last().map(|fence| fence.token);
        for publication in publications {
            self.move_pointer(&transaction, run_id, publication, token).await?;
            crash_point::reach("publish: pointer moved").await?;
        }
        self.record_publish(&transaction, run_id, publications.len()).await?;
        transaction.batch_execute(VIEW_LIMIT).await.map_err(|e| fault(DOING, &e))?;
        for publication in publications {
            let wanted = format!("{} {}", publication.access.as_str(), publication.fingerprint());
            if shown.get(&publication.relation).is_none_or(|before| before.view != wanted) {
                self.define_view(&transaction, publication, version_before(&shown, publication)).await?;
                crash_point::reach("publish: view defined").await?;
            }
        }
        crash_point::reach("publish: before commit").await?;
        transaction.commit().await.map_err(|e| fault("publish: the answer to COMMIT was lost", &e))
    }

    async fn shown(&self, transaction: &Transaction<'_>) -> Result<Shown> {
        let rows = transaction
            .query(
                include_str!("sql/list_live.sql"),
                &[&self.schemas.workspace, &self.schemas.marts, &self.schemas.store],
            )
            .await
            .map_err(|e| fault(DOING, &e))?;
        let before = |row: &tokio_postgres::Row| Before {
            model: row.get("model"),
            view: format!("{} {}", row.get::<_, &str>("access"), row.get::<_, &str>("view_fingerprint")),
        };
        Ok(rows.iter().map(|row| (row.get("relation"), before(row))).collect())
    }

    async fn move_pointer(
        &self,
        transaction: &Transaction<'_>,
        run_id: i64,
        publication: &Publication,
        token: Option<i64>,
    ) -> Result<()> {
        let before = match &publication.body {
            ViewBody::History { .. } => self.history_pointer(transaction, &publication.relation).await?,
            ViewBody::Pointer { .. } | ViewBody::Select { .. } => 0,
        };
        let moved = transaction
            .execute(
                include_str!("sql/move_pointer.sql"),
                &[
                    &self.schemas.workspace,
                    &publication.relation,
                    &run_id,
                    &publication.materialization,
                    &publication.access.as_str(),
                    &publication.parent(),
                    &publication.fingerprint(),
                    &token,
                    &publication.model,
                    &publication.definition(),
                ],
            )
            .await
            .map_err(|e| fault(DOING, &e))?;
        match moved {
            0 => Err(Error::failed(format!(
                "run {run_id} cannot be published: a newer run of \"{}\" is live",
                publication.relation
            ))),
            _ => match &publication.body {
                ViewBody::History { keep_days, .. } => {
                    let of = (publication.model.as_str(), publication.relation.as_str());
                    self.extend_history(transaction, of, (before, run_id), *keep_days).await
                }
                ViewBody::Pointer { .. } | ViewBody::Select { .. } => Ok(()),
            },
        }
    }

    /// Notes the publish and what the workspace shows after it. One that moves nothing is no step of a roll-back.
    async fn record_publish(&self, transaction: &Transaction<'_>, run_id: i64, relations: usize) -> Result<()> {
        let workspace = &self.schemas.workspace;
        let marked = transaction
            .execute(include_str!("sql/mark_published.sql"), &[&run_id])
            .await
            .map_err(|e| fault(DOING, &e))?;
        if marked == 0 {
            return Err(Error::failed(format!("run {run_id} cannot be published: it is not running any more")));
        }
        if relations > 0 {
            transaction
                .execute(include_str!("sql/end_live_state.sql"), &[workspace])
                .await
                .map_err(|e| fault(DOING, &e))?;
            transaction
                .execute(include_str!("sql/record_published_state.sql"), &[workspace, &run_id])
                .await
                .map_err(|e| fault(DOING, &e))?;
        }
        let facts = serde_json::json!({ "run_id": run_id, "relations": relations });
        transaction
            .execute(include_str!("sql/audit.sql"), &[workspace, &"quintile", &"publish", &facts])
            .await
            .map_err(|e| fault(DOING, &e))?;
        Ok(())
    }

    /// Whether the run was published; waits for a transaction that is just publishing it.
    pub async fn is_published(&self, run_id: i64) -> Result<bool> {
        let sql = include_str!("sql/find_publish.sql");
        let row = self
            .answer_within(Duration::from_secs(5), "publish cannot be read back", async |client| {
                client.query_opt(sql, &[&run_id]).await
            })
            .await?;
        Ok(row.is_some_and(|row| row.get(0)))
    }

    /// A lost answer to COMMIT says nothing: the run's row tells whether it took place. While the server still works
    /// on the transaction it holds the row, and we wait.
    async fn was_published(&self, run_id: i64, deadline: Instant, lost: &Error) -> Result<bool> {
        tracing::warn!(run_id, reason = %lost, "publish: the connection was lost, reading back");
        loop {
            match self.is_published(run_id).await {
                Ok(is_published) => return Ok(is_published),
                Err(e) if Instant::now() >= deadline => {
                    return Err(e.hint(format!(
                        "nobody knows yet whether run {run_id} was published: quintile runs tells it once the database answers"
                    )));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(300)).await,
            }
        }
    }
}

/// The newest other relation of the same model: the version of the contract that a new one stands beside.
fn version_before<'a>(shown: &'a Shown, publication: &Publication) -> Option<&'a str> {
    let others =
        shown.iter().filter(|(name, before)| before.model == publication.model && **name != publication.relation);
    // `x_v10` comes after `x_v9`, and both after `x`.
    others.map(|(name, _)| name.as_str()).max_by_key(|name| (name.len(), *name))
}
