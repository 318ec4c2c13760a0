//! Looking at slots, and asking for one: what needs no lease.

use super::Warehouse;
use super::connect::Parameter;
use super::slots::{SlotKey, WAIT};
use crate::crash_point;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;

/// Where the schedule of a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The newest due time that was recorded; none for a job that was never seen.
    pub newest: Option<DateTime<Utc>>,
    /// The database's time.
    pub database_time: DateTime<Utc>,
    /// Slots that have not ended, oldest first.
    pub open: Vec<OpenSlot>,
}

/// A slot that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSlot {
    /// Which one.
    pub key: SlotKey,
    /// Claimed; else it waits.
    pub is_running: bool,
    /// Somebody asked for it; else the schedule did.
    pub is_manual: bool,
    /// Waits behind a run of its own job.
    pub is_queued: bool,
    /// The number of attempts so far.
    pub attempt: i32,
    /// The lease under which it was recorded or claimed; none for a request.
    pub lease: Option<String>,
    /// The fence of that lease.
    pub fence: Option<i64>,
    /// The holder of the lease is alive.
    pub is_held: bool,
    /// The run that was begun for it.
    pub run_id: Option<i64>,
}

impl OpenSlot {
    /// A slot that was recorded just now and waits.
    #[must_use]
    pub fn new(key: SlotKey) -> OpenSlot {
        OpenSlot {
            key,
            is_running: false,
            is_manual: false,
            is_queued: false,
            attempt: 0,
            lease: None,
            fence: None,
            is_held: false,
            run_id: None,
        }
    }
}

/// A slot as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SlotEntry {
    /// Workspace of the job.
    pub workspace: String,
    /// Name of the job.
    pub job: String,
    /// Its due time, or the time of the request.
    pub scheduled_for: DateTime<Utc>,
    /// `waiting`, `running`, `published`, `failed` or `skipped`.
    pub state: String,
    /// `schedule` or `manual`.
    pub trigger: String,
    /// Id of the request, if one was given.
    pub request_id: Option<String>,
    /// The number of attempts so far.
    pub attempt: i32,
    /// The run that was made for it.
    pub run_id: Option<i64>,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
    /// Start of the last attempt.
    pub started_at: Option<DateTime<Utc>>,
    /// Its end.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What a request for a run led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requested {
    /// A new slot.
    New(DateTime<Utc>),
    /// The slot of the same request id.
    Known(DateTime<Utc>),
    /// Another request for the job waits already.
    Waits(DateTime<Utc>),
}

/// Tries against somebody who takes the row away between our two statements.
const REQUEST_TRIES: u32 = 20;

impl Warehouse {
    /// Where these jobs, each `(workspace, name)`, stand; in the same order.
    pub async fn standings(&self, jobs: &[(String, String)]) -> Result<Vec<Standing>> {
        let (workspaces, names): (Vec<&str>, Vec<&str>) = jobs.iter().map(|(w, n)| (w.as_str(), n.as_str())).unzip();
        let (standing, open) = (include_str!("sql/slot_standing.sql"), include_str!("sql/slot_open.sql"));
        let (standing, open) = self
            .answer_within(WAIT, "slots cannot be read", async |client| {
                // In this order: what is recorded between the two shows up as open, and is not due again.
                let standing = client.query(standing, &[&workspaces, &names]).await?;
                Ok((standing, client.query(open, &[&workspaces, &names]).await?))
            })
            .await?;
        let mut open: Vec<OpenSlot> = open.iter().map(open_slot).collect();
        let find = |(workspace, name): &(String, String)| {
            let row = standing
                .iter()
                .find(|r| r.get::<_, &str>("workspace") == workspace && r.get::<_, &str>("name") == name);
            let row =
                row.ok_or_else(|| Error::failed(format!("job \"{name}\" was not found in the server's answer")))?;
            let is_own = |slot: &mut OpenSlot| slot.key.workspace == *workspace && slot.key.job == *name;
            let open = open.extract_if(.., is_own).collect();
            Ok(Standing { newest: row.get("newest"), database_time: row.get("database_time"), open })
        };
        jobs.iter().map(find).collect()
    }

    /// The newest slots of these jobs, at most `limit` a job, newest first.
    pub async fn newest_slots(&self, jobs: &[(String, String)], limit: i64) -> Result<Vec<SlotEntry>> {
        self.list_slots(jobs, limit, None).await
    }

    /// One slot.
    pub async fn slot(&self, slot: &SlotKey) -> Result<Option<SlotEntry>> {
        let job = (slot.workspace.clone(), slot.job.clone());
        Ok(self.list_slots(&[job], 1, Some(slot.scheduled_for)).await?.pop())
    }

    async fn list_slots(
        &self,
        jobs: &[(String, String)],
        limit: i64,
        only: Option<DateTime<Utc>>,
    ) -> Result<Vec<SlotEntry>> {
        let (workspaces, names): (Vec<&str>, Vec<&str>) = jobs.iter().map(|(w, n)| (w.as_str(), n.as_str())).unzip();
        let sql = include_str!("sql/slot_list.sql");
        let rows = self
            .answer_within(WAIT, "slots cannot be read", async |client| {
                client.query(sql, &[&workspaces, &names, &limit, &only]).await
            })
            .await?;
        Ok(rows.iter().map(slot_entry).collect())
    }

    /// Asks for a run of a job; the same `request_id` is the same slot, however often it comes.
    pub async fn request_slot(&self, workspace: &str, job: &str, request_id: &str) -> Result<Requested> {
        let (request, known) = (include_str!("sql/slot_request.sql"), include_str!("sql/slot_of_request.sql"));
        crash_point::reach("run is requested").await?;
        for _ in 0..REQUEST_TRIES {
            let (new, known) = self
                .answer_within(WAIT, "run cannot be requested", async |client| {
                    let values: [&dyn Parameter; 3] = [&workspace, &job, &request_id];
                    match client.query_opt(request, &values).await? {
                        Some(new) => Ok((Some(new), None)),
                        None => Ok((None, client.query_opt(known, &values).await?)),
                    }
                })
                .await?;
            match (new, known) {
                (Some(new), _) => return Ok(Requested::New(new.get("scheduled_for"))),
                (None, Some(row)) if row.get("is_same") => return Ok(Requested::Known(row.get("scheduled_for"))),
                (None, Some(row)) => return Ok(Requested::Waits(row.get("scheduled_for"))),
                // It began to run in between.
                (None, None) => {}
            }
        }
        Err(Error::failed(format!("run of job \"{job}\" could not be requested")).hint("ask again"))
    }
}

fn open_slot(row: &Row) -> OpenSlot {
    OpenSlot {
        key: SlotKey { workspace: row.get("workspace"), job: row.get("job"), scheduled_for: row.get("scheduled_for") },
        is_running: row.get::<_, &str>("state") == "running",
        is_manual: row.get::<_, &str>("trigger") == "manual",
        is_queued: row.get("is_queued"),
        attempt: row.get("attempt"),
        lease: row.get("lease"),
        fence: row.get("fence"),
        is_held: row.get("is_held"),
        run_id: row.get("run_id"),
    }
}

fn slot_entry(row: &Row) -> SlotEntry {
    SlotEntry {
        workspace: row.get("workspace"),
        job: row.get("job"),
        scheduled_for: row.get("scheduled_for"),
        state: row.get("state"),
        trigger: row.get("trigger"),
        request_id: row.get("request_id"),
        attempt: row.get("attempt"),
        run_id: row.get("run_id"),
        reason: row.get("reason"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
    }
}
