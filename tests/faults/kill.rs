//! `kill -9` of a daemon at random moments, most of them while a run is at work.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::ledger;
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// Every so often the next daemon waits for the dead one's leases by itself; else the wait is spared.
const UNAIDED: u64 = 10;

/// On the small project.
pub async fn till(trial: Trial<'_>) -> Verdict {
    kill(trial, Project::Till).await
}

/// On the bundled models.
pub async fn bundled(trial: Trial<'_>) -> Verdict {
    kill(trial, Project::Bundled).await
}

async fn kill(mut trial: Trial<'_>, project: Project) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "kill", project).await;
    bench.schedule(1).await;
    let readers = bench.readers();
    let length_of_run = length_of_run(&bench, &mut verdict).await;
    let (mut last, mut advanced, mut mid_run) = (ledger::newest_live_run(&bench.server).await, 0, 0);
    for round in 0..trial.rounds {
        bench.change_orders().await;
        let mut daemon = bench.program.serve();
        // Three of four kills hit a run, the others any moment from the very start.
        if trial.below(4) > 0 {
            verdict.require(daemon.says("run started", Duration::from_secs(75)).await, "no run began in 75 s");
            mid_run += 1;
        }
        tokio::time::sleep(trial.moment(length_of_run)).await;
        verdict.require(!daemon.has_ended(), format!("the daemon ended by itself: {}", daemon.log()));
        daemon.kill().await;
        let now = ledger::newest_live_run(&bench.server).await;
        verdict.require(now >= last, format!("run {now} is live after run {last}"));
        advanced += u64::from(now > last);
        last = now.max(last);
        verdict.rounds += 1;
        if round % UNAIDED != 0 {
            bench.expire_leases().await;
        }
    }
    verdict.fact(format!("{mid_run} kills after a run began, {advanced} rounds published"));
    ledger::builds_again(&bench, &mut verdict).await;
    settle(&bench, &mut verdict).await;
    ledger::audit(&bench.server, &mut verdict).await;
    verdict.fact(format!("slots: {}", ledger::slots(&bench.server).await));
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}

/// Three times what a run lasts on this machine beside the readers: kills hit before, in and after publishes, of the
/// first run and of those after it.
async fn length_of_run(bench: &Bench, verdict: &mut Verdict) -> Duration {
    bench.change_orders().await;
    let mut daemon = bench.program.serve();
    verdict.require(daemon.says("run started", Duration::from_secs(75)).await, "no run began in 75 s");
    let began = Instant::now();
    verdict.require(daemon.says("run published", Duration::from_secs(75)).await, "no run was published in 75 s");
    let length = began.elapsed().mul_f64(3.0);
    daemon.terminate().await;
    verdict.fact(format!("kills fall within {:.1} s after a run began", length.as_secs_f64()));
    length
}

/// Lets one more daemon end what the dead ones left and drop what is left over, and stops it.
async fn settle(bench: &Bench, verdict: &mut Verdict) {
    let mut daemon = bench.program.serve();
    verdict.require(daemon.says("run published", Duration::from_secs(75)).await, "the last daemon publishes nothing");
    // Readers with long transactions are there all the time, and each table waits for those who may see it.
    ledger::is_tidy(bench, verdict, Duration::from_secs(300)).await;
    let (code, took) = daemon.terminate().await;
    verdict.require(code == Some(0), format!("SIGTERM ended the daemon with {code:?}"));
    verdict.require(took < Duration::from_secs(10), format!("SIGTERM took {} s", took.as_secs()));
}
