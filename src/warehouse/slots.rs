//! Slots: one row for each due time of a job and for each request, so that it runs once whatever the number of daemons.
//!
//! Every change here names the lease and fence under which it is made, and is refused when they are no longer valid.
//! What only reads, and what anybody may ask for, is in [`super::slot_look`].

use super::Warehouse;
use super::connect::Parameter;
use super::fence::Fence;
use super::lease::Lease;
use super::slot_look::OpenSlot;
use crate::crash_point;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Nothing here takes longer on a healthy server.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// What one slot is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotKey {
    /// Workspace of the job.
    pub workspace: String,
    /// Name of the job.
    pub job: String,
    /// Its due time, or the time of the request.
    pub scheduled_for: DateTime<Utc>,
}

/// A slot that somebody runs, with the proof that it is his.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSlot {
    /// Which one.
    pub key: SlotKey,
    /// Fence of the lease under which it was claimed.
    pub fence: Fence,
}

/// What a recorded slot waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Its turn.
    ItsTurn,
    /// The end of a run of its own job; a newer due time takes its place.
    Queued,
    /// Its turn, at a time that somebody named and the schedule does not know.
    Asked,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The slot is ours to run; the first attempt is 1.
    Ours {
        /// Which attempt this is.
        attempt: i32,
    },
    /// Somebody else has it, or a run of its job is at work.
    Taken,
    /// We no longer lead.
    NotLeader,
}

/// How a slot ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `published`, `failed` or `skipped`.
    pub state: &'static str,
    /// Why, unless published.
    pub reason: Option<String>,
    /// The run that was made for it.
    pub run_id: Option<i64>,
}

impl Warehouse {
    /// Records due times that wait for their run; the number of those not recorded before.
    pub async fn record_waiting(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: &[DateTime<Utc>],
        waits: Waits,
    ) -> Result<i64> {
        self.record_slots(lease, workspace, job, due, "waiting", None, waits).await
    }

    /// Records due times that will not be run, with the reason; the number of those not recorded before.
    pub async fn record_skipped(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: &[DateTime<Utc>],
        reason: &str,
    ) -> Result<i64> {
        self.record_slots(lease, workspace, job, due, "skipped", Some(reason), Waits::ItsTurn).await
    }

    #[allow(clippy::too_many_arguments)] // One call behind two names; a struct would only rename it.
    async fn record_slots(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: &[DateTime<Utc>],
        state: &str,
        reason: Option<&str>,
        waits: Waits,
    ) -> Result<i64> {
        let is_queued = waits == Waits::Queued;
        let trigger = if waits == Waits::Asked { "manual" } else { "schedule" };
        crash_point::reach("slots are recorded").await?;
        let sql = include_str!("sql/slot_record.sql");
        let row = self
            .answer_within(WAIT, "slots cannot be recorded", async |client| {
                let values: [&dyn Parameter; 9] =
                    [&lease.name, &lease.token, &workspace, &job, &due, &state, &reason, &is_queued, &trigger];
                client.query_one(sql, &values).await
            })
            .await?;
        crash_point::reach("slots were recorded").await?;
        if row.get::<_, i64>("leaders") == 1 { Ok(row.get("recorded")) } else { Err(not_leader(lease)) }
    }

    /// Ends waiting slots of a job as skipped, with the reason; the number of those that were still waiting.
    pub async fn skip_waiting(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: &[DateTime<Utc>],
        reason: &str,
    ) -> Result<i64> {
        crash_point::reach("waiting slots are skipped").await?;
        let sql = include_str!("sql/slot_skip.sql");
        let row = self
            .answer_within(WAIT, "slots cannot be skipped", async |client| {
                client.query_one(sql, &[&lease.name, &lease.token, &workspace, &job, &due, &reason]).await
            })
            .await?;
        crash_point::reach("waiting slots were skipped").await?;
        if row.get::<_, i64>("leaders") == 1 { Ok(row.get("recorded")) } else { Err(not_leader(lease)) }
    }

    /// Claims a waiting slot for running.
    pub async fn claim_slot(&self, lease: &Lease, slot: &SlotKey) -> Result<Claim> {
        let sql = include_str!("sql/slot_claim.sql");
        let values: [&dyn Parameter; 5] = [&lease.name, &lease.token, &slot.workspace, &slot.job, &slot.scheduled_for];
        self.claim("slot cannot be claimed", sql, &values).await
    }

    /// Takes over a slot that is marked as running though nobody runs it.
    pub async fn take_over_slot(&self, lease: &Lease, slot: &OpenSlot) -> Result<Claim> {
        let sql = include_str!("sql/slot_take_over.sql");
        let key = &slot.key;
        let values: [&dyn Parameter; 8] = [
            &lease.name,
            &lease.token,
            &key.workspace,
            &key.job,
            &key.scheduled_for,
            &slot.attempt,
            &slot.lease,
            &slot.fence,
        ];
        self.claim("slot cannot be taken over", sql, &values).await
    }

    async fn claim(&self, doing: &str, sql: &str, values: &[&dyn Parameter]) -> Result<Claim> {
        crash_point::reach("slot is claimed").await?;
        let answer = self.answer_within(WAIT, doing, async |client| client.query_one(sql, values).await).await;
        let row = match answer {
            // Another slot of the job was claimed in the same moment: the index lets one be at work.
            Err(e) if e.sqlstate.as_deref() == Some("23505") => return Ok(Claim::Taken),
            answer => answer?,
        };
        crash_point::reach("slot was claimed").await?;
        Ok(match (row.get::<_, i64>("leaders"), row.get("attempt")) {
            (0, _) => Claim::NotLeader,
            (_, Some(attempt)) => Claim::Ours { attempt },
            (_, None) => Claim::Taken,
        })
    }

    /// Ends a slot that we run; an error when another has taken it over.
    pub async fn finish_slot(&self, lease: &Lease, slot: &SlotKey, outcome: &Outcome) -> Result<()> {
        crash_point::reach("slot is finished").await?;
        let sql = include_str!("sql/slot_finish.sql");
        let values: [&dyn Parameter; 8] = [
            &slot.workspace,
            &slot.job,
            &slot.scheduled_for,
            &lease.name,
            &lease.token,
            &outcome.state,
            &outcome.reason,
            &outcome.run_id,
        ];
        self.change_own(lease, "slot cannot be finished", sql, &values).await?;
        crash_point::reach("slot was finished").await
    }

    async fn change_own(&self, lease: &Lease, doing: &str, sql: &str, values: &[&dyn Parameter]) -> Result<()> {
        let rows = self.answer_within(WAIT, doing, async |client| client.execute(sql, values).await).await?;
        if rows == 1 { Ok(()) } else { Err(not_leader(lease)) }
    }

    /// Ends the slots left open by jobs of the workspace that are not among `jobs` any more.
    pub async fn retire_slots(&self, lease: &Lease, workspace: &str, jobs: &[String]) -> Result<u64> {
        let sql = include_str!("sql/slot_retire.sql");
        self.answer_within(WAIT, "slots cannot be retired", async |client| {
            client.execute(sql, &[&lease.name, &lease.token, &workspace, &jobs]).await
        })
        .await
    }
}

fn not_leader(lease: &Lease) -> Error {
    Error::failed(format!("lease \"{}\" is no longer ours", lease.name))
        .detail(format!("Fence {} is not valid any more.", lease.token))
}
