//! `quintile jobs`: the schedule, when each job is due next, and what became of its last due times.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::serve::{self, jobs};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `jobs`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// How many of the newest due times and requests of each job
    #[arg(long, short = 'n', value_name = "N", default_value_t = 5)]
    limit: i64,
}

/// Prints the jobs and their newest slots.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let settings = super::session::settings(global)?;
    let jobs = jobs::plan(&settings)?;
    if jobs.is_empty() {
        print::note("no jobs are set; add a [[jobs]] entry to config/quintile.toml");
    }
    let session = Session::open_with(settings).await?;
    let listed = serve::list_jobs(&session.warehouse, &jobs, arguments.limit.max(0)).await;
    session.close().await;
    let listed = listed?;
    if global.format == Format::Json {
        print::json(&listed);
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["job", "workspace", "schedule", "zone", "next due there", "next due in UTC"];
    let lines: Vec<Vec<String>> = listed
        .iter()
        .map(|job| {
            vec![
                job.job.clone(),
                job.workspace.clone(),
                job.schedule.clone(),
                job.timezone.clone(),
                job.next_due_local.clone().unwrap_or_default(),
                job.next_due.map(|next| next.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    print::data(&print::table(&head, &lines));
    let slots: Vec<Vec<String>> = listed
        .iter()
        .flat_map(|job| &job.slots)
        .map(|slot| {
            vec![
                slot.job.clone(),
                slot.scheduled_for.format("%Y-%m-%d %H:%M:%S").to_string(),
                slot.trigger.clone(),
                slot.state.clone(),
                slot.attempt.to_string(),
                slot.run_id.map(|run| run.to_string()).unwrap_or_default(),
                slot.reason
                    .as_deref()
                    .and_then(|why| why.lines().next())
                    .unwrap_or_default()
                    .chars()
                    .take(80)
                    .collect(),
            ]
        })
        .collect();
    if !slots.is_empty() {
        let head = ["job", "due (UTC)", "by", "state", "attempts", "run", "reason"];
        print::data(&format!("\n{}", print::table(&head, &slots)));
    }
    Ok(ExitCode::SUCCESS)
}
