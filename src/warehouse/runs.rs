//! The run ledger: what ran, which models it built, which tests it passed, what was fitted.

use super::Warehouse;
use super::connect::Parameter;
use super::fault::fault;
use super::slots::{HeldSlot, SlotKey};
use super::statement::fill;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};

/// One line of the list of runs.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunSummary {
    /// The run's number.
    pub run_id: i64,
    /// `running`, `built`, `published`, `failed` or `interrupted`.
    pub state: String,
    /// Why the run was made.
    pub trigger: String,
    /// The instant its rows are true for.
    pub as_of: DateTime<Utc>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<String>,
    /// Models it built.
    pub models_built: i64,
    /// Whether readers see rows of it now.
    pub is_live: bool,
    /// Whether `quintile rollback --to` can show again what it published.
    pub is_rollback_target: bool,
}

/// What the ledger keeps of a new run.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Why the run is made.
    pub trigger: String,
    /// The instant its rows are true for.
    pub as_of: DateTime<Utc>,
    /// Name and token of the lease it is made under.
    pub lease: String,
    /// Token of the lease.
    pub fence: i64,
    /// Host and process id, for the people who look.
    pub process: String,
    /// What was asked for: a run of another request is never taken up again.
    pub request: String,
    /// The slot that it is made for, which is to name it.
    pub slot: Option<HeldSlot>,
}

/// A run that ended without publishing and can be taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedRun {
    /// Its number.
    pub run_id: i64,
    /// The instant its rows are true for.
    pub as_of: DateTime<Utc>,
}

/// The newest run, as far as a retry needs it.
#[derive(Clone, Debug)]
pub struct LastRun {
    /// Its number.
    pub run_id: i64,
    /// `running`, `built`, `published`, `failed` or `interrupted`.
    pub state: String,
    /// What was asked for.
    pub request: Option<String>,
}

/// A pointer: which run's rows readers see of a relation.
#[derive(Clone, Debug)]
pub struct Live {
    /// Name of the view: the model's, with `_v2` and so on for later versions of its contract.
    pub relation: String,
    /// Name of the model or seed.
    pub model: String,
    /// The run.
    pub run_id: i64,
    /// `view`, `table`, `seed`, `cluster`, `ltv` or `history`.
    pub materialization: String,
    /// `public` or `private`.
    pub access: String,
    /// Partitioned parent in the store, or the table of a history; none for views.
    pub parent_relation: Option<String>,
    /// Hash of the published view's definition and comments.
    pub view_fingerprint: String,
    /// Rows that the run's table had.
    pub row_count: Option<i64>,
    /// Hash of what the rows were made from, where it is known.
    pub inputs: Option<String>,
    /// Hash of how the rows were made, whatever the sources held; see `pipeline::recipe`.
    pub recipe: Option<String>,
    /// The instant that the rows are true for.
    pub as_of: DateTime<Utc>,
    /// The snapshot in which the run saw its sources, where changes of orders are followed.
    pub sources_seen: Option<String>,
    /// What the model reads besides refs and declared sources.
    pub hidden_reads: Vec<String>,
    /// Whether the rows that the pointer names are there; true for views.
    pub has_rows: bool,
}

const LEDGER: &str = "run ledger cannot be written";

impl Warehouse {
    /// Opens a run and returns its number; its slot names it from then on.
    pub async fn start_run(&self, run: &NewRun) -> Result<i64> {
        let client = self.client().await?;
        let slot = run.slot.as_ref();
        let row = client
            .query_opt(
                include_str!("sql/start_run.sql"),
                &[
                    &self.schemas.workspace,
                    &run.trigger,
                    &run.as_of,
                    &run.lease,
                    &run.fence,
                    &run.process,
                    &run.request,
                    &slot.map(|slot| &slot.key.job),
                    &slot.map(|slot| slot.key.scheduled_for),
                    &slot.map(|slot| &slot.fence.lease),
                    &slot.map(|slot| slot.fence.token),
                ],
            )
            .await
            .map_err(|e| fault(LEDGER, &e))?;
        row.map(|row| row.get(0)).ok_or_else(|| lost_slot(run))
    }

    /// The run to take up again: the one `named`, or else the newest of the same request and instant whose process
    /// died. `fence` is the token of our lease on the workspace's runs. Runs of open slots other than `slot` are theirs.
    pub async fn find_unfinished_run(
        &self,
        request: &str,
        as_of: DateTime<Utc>,
        fence: i64,
        named: Option<i64>,
        slot: Option<&SlotKey>,
    ) -> Result<Option<UnfinishedRun>> {
        let client = self.client().await?;
        let row = client
            .query_opt(
                include_str!("sql/find_unfinished_run.sql"),
                &[
                    &self.schemas.workspace,
                    &request,
                    &fence,
                    &named,
                    &as_of,
                    &slot.map(|slot| &slot.job),
                    &slot.map(|slot| slot.scheduled_for),
                ],
            )
            .await
            .map_err(|e| fault("run ledger cannot be read", &e))?;
        Ok(row.map(|row| UnfinishedRun { run_id: row.get("run_id"), as_of: row.get("as_of") }))
    }

    /// The newest run of the workspace.
    pub async fn last_run(&self) -> Result<Option<LastRun>> {
        let client = self.client().await?;
        let row = client
            .query_opt(include_str!("sql/find_last_run.sql"), &[&self.schemas.workspace])
            .await
            .map_err(|e| fault("run ledger cannot be read", &e))?;
        Ok(row.map(|row| LastRun { run_id: row.get("run_id"), state: row.get("state"), request: row.get("request") }))
    }

    /// Makes a run ours again; which attempt at it this is.
    pub async fn resume_run(&self, run_id: i64, run: &NewRun) -> Result<i32> {
        let client = self.client().await?;
        let slot = run.slot.as_ref();
        let row = client
            .query_opt(
                include_str!("sql/resume_run.sql"),
                &[
                    &run_id,
                    &run.lease,
                    &run.fence,
                    &run.process,
                    &self.schemas.workspace,
                    &slot.map(|slot| &slot.key.job),
                    &slot.map(|slot| slot.key.scheduled_for),
                    &slot.map(|slot| &slot.fence.lease),
                    &slot.map(|slot| slot.fence.token),
                ],
            )
            .await
            .map_err(|e| fault(LEDGER, &e))?;
        row.map(|row| row.get("attempt")).ok_or_else(|| lost_slot(run))
    }

    /// Closes the runs that a dead process left open, but for `resumed`; `fence` is the token of our lease.
    pub async fn close_abandoned_runs(&self, fence: i64, resumed: Option<i64>) -> Result<()> {
        let workspace = &self.schemas.workspace;
        self.ledger(include_str!("sql/close_abandoned_runs.sql"), &[workspace, &fence, &resumed]).await
    }

    /// Ends a run that was not published: `built`, `failed` or `interrupted`.
    pub async fn finish_run(&self, run_id: i64, state: &str, error: Option<&str>) -> Result<()> {
        self.ledger(include_str!("sql/finish_run.sql"), &[&run_id, &state, &error]).await
    }

    /// The newest runs first.
    pub async fn runs(&self, limit: i64) -> Result<Vec<RunSummary>> {
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/list_runs.sql"), &[&self.schemas.workspace, &limit])
            .await
            .map_err(|e| fault("runs cannot be read", &e))?;
        Ok(rows
            .iter()
            .map(|row| RunSummary {
                run_id: row.get("run_id"),
                state: row.get("state"),
                trigger: row.get("trigger"),
                as_of: row.get("as_of"),
                started_at: row.get("started_at"),
                finished_at: row.get("finished_at"),
                error: row.get("error"),
                models_built: row.get("models_built"),
                is_live: row.get("is_live"),
                is_rollback_target: row.get("is_rollback_target"),
            })
            .collect())
    }

    /// All pointers of the workspace whose views are there.
    pub async fn live(&self) -> Result<Vec<Live>> {
        let client = self.client().await?;
        let rows = client
            .query(
                include_str!("sql/list_live.sql"),
                &[&self.schemas.workspace, &self.schemas.marts, &self.schemas.store],
            )
            .await
            .map_err(|e| fault("published relations cannot be read", &e))?;
        Ok(rows
            .iter()
            .map(|row| Live {
                relation: row.get("relation"),
                model: row.get("model"),
                run_id: row.get("run_id"),
                materialization: row.get("materialization"),
                access: row.get("access"),
                parent_relation: row.get("parent_relation"),
                view_fingerprint: row.get("view_fingerprint"),
                row_count: row.get("row_count"),
                inputs: row.get("inputs"),
                recipe: row.get("recipe"),
                as_of: row.get("as_of"),
                sources_seen: row.get("sources_seen"),
                hidden_reads: row.get("hidden_reads"),
                has_rows: row.get("has_rows"),
            })
            .collect())
    }

    /// End of the last complete day of `raw.orders`, in UTC; of the rows of `orders` where relations are read beside it.
    pub async fn last_complete_day(&self, orders: Option<&str>) -> Result<DateTime<Utc>> {
        let client = self.client().await?;
        let doing = "orders cannot be read";
        let newest = self.newest_order(&client, orders).await.map_err(|e| fault(doing, &e))?.ok_or_else(|| {
            Error::failed(format!("table \"{}.orders\" has no orders before now", self.schemas.raw))
                .hint("load some first: quintile ingest FILE --source NAME")
        })?;
        let row = client.query_one(include_str!("sql/find_last_day.sql"), &[&newest]).await;
        Ok(row.map_err(|e| fault(doing, &e))?.get(0))
    }

    /// Sources whose files were loaded into the workspace.
    pub async fn loaded_sources(&self) -> Result<Vec<String>> {
        let client = self.client().await?;
        let sql = fill("SELECT DISTINCT source FROM {raw}.loads ORDER BY source", &[("raw", &self.schemas.raw)]);
        let rows = client.query(&sql, &[]).await.map_err(|e| fault("loads cannot be read", &e))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The last midnight in UTC, by the server's clock.
    pub async fn last_midnight(&self) -> Result<DateTime<Utc>> {
        let client = self.client().await?;
        let row = client
            .query_one("SELECT date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'", &[])
            .await
            .map_err(|e| fault("the server's clock cannot be read", &e))?;
        Ok(row.get(0))
    }

    pub(super) async fn ledger(&self, sql: &str, values: &[&dyn Parameter]) -> Result<()> {
        let client = self.client().await?;
        client.execute(sql, values).await.map_err(|e| fault(LEDGER, &e))?;
        Ok(())
    }
}

fn lost_slot(run: &NewRun) -> Error {
    let job = run.slot.as_ref().map(|slot| slot.key.job.as_str()).unwrap_or_default();
    Error::failed(format!("slot of job \"{job}\" is no longer ours"))
        .detail("Another process has taken it over, or its run was published meanwhile.")
}
