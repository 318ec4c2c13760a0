//! `quintile trigger`: asks the daemon for a run of a job now.

use super::session::Session;
use super::{Format, Global, print, stop};
use crate::error::{Error, Result};
use crate::serve::{self, Asked, jobs};
use crate::warehouse::slot_look::SlotEntry;
use crate::warehouse::slots::SlotKey;
use clap::Args;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Between two looks at the slot.
const LOOK: Duration = Duration::from_millis(500);
/// After this time without a daemon that takes it up, the user should know.
const TAKEN_UP: Duration = Duration::from_secs(10);

/// Arguments of `trigger`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The job of the settings
    #[arg(value_name = "JOB")]
    job: String,
    /// Wait for the end of the run; exit code 1 when it failed
    #[arg(long)]
    wait: bool,
    /// Makes a repeated request harmless: the same id is the same run
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

/// Records the request, and waits for its end if asked to.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let ended = trigger(&session, global, &arguments).await;
    session.close().await;
    ended
}

async fn trigger(session: &Session, global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let jobs = jobs::plan(&session.settings)?;
    let planned = jobs::find(&jobs, &arguments.job)?;
    let asked = serve::request_run(&session.warehouse, planned, arguments.request_id.as_deref()).await?;
    let slot = match asked {
        Asked::New(slot) | Asked::Known(slot) => slot,
        Asked::Waits(slot) if arguments.wait => {
            print::note("another requested run of this job waits already; waiting for that one");
            slot
        }
        Asked::Waits(_) => {
            return Err(Error::failed(format!("a requested run of job \"{}\" waits already", arguments.job))
                .hint("add --wait to wait for it; quintile jobs shows it"));
        }
    };
    let slot = if arguments.wait { wait(session, slot).await? } else { slot };
    match global.format {
        Format::Json => print::json(&slot),
        Format::Text => {
            let why = slot.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let run = slot.run_id.map(|run| format!(", run {run}")).unwrap_or_default();
            print::data(&format!("requested run of job \"{}\" is {}{run}{why}", slot.job, slot.state));
        }
    }
    Ok(if slot.state == "failed" { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Looks at the slot until it has ended.
async fn wait(session: &Session, mut slot: SlotEntry) -> Result<SlotEntry> {
    let key = SlotKey { workspace: slot.workspace.clone(), job: slot.job.clone(), scheduled_for: slot.scheduled_for };
    let began = Instant::now();
    let mut has_told = false;
    let mut stop = stop::on_signals();
    while ["waiting", "running"].contains(&slot.state.as_str()) {
        if slot.state == "waiting" && began.elapsed() > TAKEN_UP && !has_told {
            print::note(
                "no daemon has taken it up yet: quintile serve must run with this job, and run nothing else in the workspace",
            );
            has_told = true;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => {
                return Err(Error::interrupted("wait was interrupted; the request stands"));
            }
        }
        match session.warehouse.slot(&key).await {
            Ok(Some(now)) => slot = now,
            Ok(None) => return Err(Error::failed("slot of the request is gone")),
            Err(e) if e.may_pass() => print::note(&format!("waiting: {e}")),
            Err(e) => return Err(e),
        }
    }
    Ok(slot)
}
