//! Slots: one row for each due time of a job, so that it fires once whatever the number of daemons.

use super::Warehouse;
use super::connect::Parameter;
use super::lease::Lease;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Nothing here takes longer on a healthy server.
const WAIT: Duration = Duration::from_secs(5);

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The slot is ours to run.
    Ours,
    /// The slot was recorded before, by us or by another.
    Taken,
    /// We no longer lead.
    NotLeader,
}

/// A slot marked as running that nobody runs: its leader stopped, or the answer to its claim was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// The due time.
    pub scheduled_for: DateTime<Utc>,
    /// Which attempt the next run of it is; the first was 1.
    pub attempt: i32,
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
    /// Claims a due time of a job for running.
    pub async fn claim_slot(&self, lease: &Lease, workspace: &str, job: &str, due: DateTime<Utc>) -> Result<Claim> {
        let (leads, recorded) = self.record_slots(lease, workspace, job, &[due], "running", None).await?;
        Ok(match (leads, recorded) {
            (false, _) => Claim::NotLeader,
            (true, 0) => Claim::Taken,
            (true, _) => Claim::Ours,
        })
    }

    /// Records due times that will not be run, with the reason; the number of those not recorded before.
    pub async fn skip_slots(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: &[DateTime<Utc>],
        reason: &str,
    ) -> Result<i64> {
        let (leads, recorded) = self.record_slots(lease, workspace, job, due, "skipped", Some(reason)).await?;
        if leads { Ok(recorded) } else { Err(not_leader(lease)) }
    }

    /// Ends a slot that we run; an error when a newer leader has taken it over.
    pub async fn finish_slot(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: DateTime<Utc>,
        outcome: &Outcome,
    ) -> Result<()> {
        let sql = include_str!("sql/slot_finish.sql");
        let rows = self
            .answer_within(WAIT, "slot cannot be finished", async |client| {
                let values: [&dyn Parameter; 7] =
                    [&workspace, &job, &due, &lease.token, &outcome.state, &outcome.reason, &outcome.run_id];
                client.execute(sql, &values).await
            })
            .await?;
        if rows == 1 { Ok(()) } else { Err(not_leader(lease)) }
    }

    /// Takes over the slots of a job that are marked as running, but for those in `at_work`; oldest first.
    pub async fn take_over_slots(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        at_work: &[DateTime<Utc>],
    ) -> Result<Vec<Orphan>> {
        let sql = include_str!("sql/slot_take_over.sql");
        let rows = self
            .answer_within(WAIT, "slots cannot be taken over", async |client| {
                client.query(sql, &[&lease.name, &lease.token, &workspace, &job, &at_work]).await
            })
            .await?;
        let mut orphans: Vec<Orphan> = rows
            .iter()
            .map(|row| Orphan { scheduled_for: row.get("scheduled_for"), attempt: row.get("attempt") })
            .collect();
        orphans.sort_by_key(|orphan| orphan.scheduled_for);
        Ok(orphans)
    }

    /// Ends the slots left running by jobs of the workspace that are not among `jobs` any more.
    pub async fn retire_slots(&self, lease: &Lease, workspace: &str, jobs: &[String]) -> Result<u64> {
        let sql = include_str!("sql/slot_retire.sql");
        self.answer_within(WAIT, "slots cannot be retired", async |client| {
            client.execute(sql, &[&lease.name, &lease.token, &workspace, &jobs]).await
        })
        .await
    }

    /// The newest due time of a job that was recorded.
    pub async fn newest_slot(&self, workspace: &str, job: &str) -> Result<Option<DateTime<Utc>>> {
        let sql = include_str!("sql/slot_newest.sql");
        let row = self
            .answer_within(WAIT, "slots cannot be read", async |client| {
                client.query_one(sql, &[&workspace, &job]).await
            })
            .await?;
        Ok(row.get("scheduled_for"))
    }

    async fn record_slots(
        &self,
        lease: &Lease,
        workspace: &str,
        job: &str,
        due: &[DateTime<Utc>],
        state: &str,
        reason: Option<&str>,
    ) -> Result<(bool, i64)> {
        let sql = include_str!("sql/slot_record.sql");
        let row = self
            .answer_within(WAIT, "slot cannot be recorded", async |client| {
                let values: [&dyn Parameter; 7] = [&lease.name, &lease.token, &workspace, &job, &due, &state, &reason];
                client.query_one(sql, &values).await
            })
            .await?;
        Ok((row.get::<_, i64>("leaders") == 1, row.get("recorded")))
    }
}

fn not_leader(lease: &Lease) -> Error {
    Error::failed(format!("lease \"{}\" is no longer ours", lease.name))
        .detail(format!("Fence {} is not valid any more.", lease.token))
}
