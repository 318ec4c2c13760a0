//! The jobs as people look at them: schedule, next due time, what became of the last ones.

use super::jobs::PlannedJob;
use crate::config::{CatchUp, Overlap};
use crate::error::Result;
use crate::warehouse::Warehouse;
use crate::warehouse::slot_look::SlotEntry;
use chrono::{DateTime, Utc};

/// One job.
#[derive(Clone, Debug, serde::Serialize)]
pub struct JobEntry {
    /// Its name.
    pub job: String,
    /// Workspace that it works on.
    pub workspace: String,
    /// Crontab line.
    pub schedule: String,
    /// Zone in which the line is read.
    pub timezone: String,
    /// What becomes of missed due times.
    pub catch_up: CatchUp,
    /// What becomes of due times while it runs.
    pub overlap: Overlap,
    /// The next due time.
    pub next_due: Option<DateTime<Utc>>,
    /// The same by the clocks of its zone, with their offset.
    pub next_due_local: Option<String>,
    /// Its newest slots, newest first.
    pub slots: Vec<SlotEntry>,
}

/// The jobs with at most `limit` slots each, by the database's time.
pub async fn list_jobs(warehouse: &Warehouse, jobs: &[PlannedJob], limit: i64) -> Result<Vec<JobEntry>> {
    let keys: Vec<_> = jobs.iter().map(PlannedJob::key).collect();
    let standings = warehouse.standings(&keys).await?;
    let mut slots = warehouse.newest_slots(&keys, limit).await?;
    let entry = |(planned, standing): (&PlannedJob, &crate::warehouse::slot_look::Standing)| {
        let (workspace, name) = planned.key();
        let next_due = planned.next_after(standing.database_time);
        JobEntry {
            schedule: planned.job.schedule.clone(),
            timezone: planned.job.timezone.clone(),
            catch_up: planned.job.catch_up,
            overlap: planned.job.overlap,
            next_due,
            next_due_local: next_due.map(|next| planned.local(next).to_rfc3339()),
            slots: slots.extract_if(.., |slot| slot.workspace == workspace && slot.job == name).collect(),
            job: name,
            workspace,
        }
    };
    Ok(jobs.iter().zip(&standings).map(entry).collect())
}
