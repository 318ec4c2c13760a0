//! `quintile run --once`: one due time of a job, for Kubernetes CronJobs and others who keep the schedule themselves.

use super::session::Session;
use super::{Global, build, print, stop};
use crate::error::{Error, Result};
use crate::serve::{self, Ended, Once, OnceRequest};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    #[command(flatten)]
    build: build::Arguments,
    /// Run the newest due time of a job as the daemon would, data tests included, unless it was run already
    #[arg(long, requires = "job", help_heading = "One due time of a job")]
    once: bool,
    /// The job of the settings
    #[arg(long, value_name = "NAME", requires = "once", help_heading = "One due time of a job")]
    job: Option<String>,
    /// A due time of its schedule, such as 2026-11-21T03:00:00+01:00, instead of the newest
    #[arg(long, value_name = "INSTANT", requires = "once", help_heading = "One due time of a job")]
    slot: Option<DateTime<Utc>>,
    /// Let --slot be a time that the schedule does not know
    #[arg(long, requires = "slot", help_heading = "One due time of a job")]
    force: bool,
}

/// Runs the models, or one due time of a job.
pub async fn run(global: &Global, arguments: RunArguments) -> Result<ExitCode> {
    let Some(job) = arguments.job.filter(|_| arguments.once) else {
        return build::run(global, arguments.build, build::WithTests(false)).await;
    };
    let request = OnceRequest { job, slot: arguments.slot, is_forced: arguments.force };
    let session = Session::open(global).await?;
    let done = serve::once(&session.warehouse, &session.settings, &request, stop::on_signals()).await;
    session.close().await;
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    match done? {
        Once::Ended(slot) => {
            let why = slot.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let at = instant(slot.scheduled_for);
            print::data(&format!("slot {at} of job \"{}\" has ended already as {}{why}", slot.job, slot.state));
        }
        Once::AtWork(slot) => {
            let at = instant(slot.scheduled_for);
            print::data(&format!("slot {at} of job \"{}\" is left to another process: it runs the job now", slot.job));
        }
        Once::Ran(slot, Ended::Interrupted) => {
            let at = instant(slot.scheduled_for);
            return Err(Error::interrupted(format!("slot {at} of job \"{}\" was interrupted", slot.job))
                .hint("run the command again to go on with it; a daemon does so by itself"));
        }
        Once::Ran(slot, Ended::With(outcome)) => {
            let at = instant(slot.scheduled_for);
            if outcome.state == "failed" {
                let error = Error::failed(format!("slot {at} of job \"{}\" failed", slot.job));
                return Err(error
                    .detail(outcome.reason.unwrap_or_default())
                    .hint("see quintile jobs and quintile runs"));
            }
            let why = outcome.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let run = outcome.run_id.map(|run| format!(" by run {run}")).unwrap_or_default();
            print::data(&format!("slot {at} of job \"{}\" {}{run}{why}", slot.job, outcome.state));
        }
    }
    Ok(ExitCode::SUCCESS)
}
