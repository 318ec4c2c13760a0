//! A leader that sleeps past its lease, as in a paused virtual machine, and wakes in the midst of its publish.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::ledger;
use crate::verdict::{Allowed, Verdict};
use rustix::process::Signal;
use std::time::Duration;

/// Where the paused run stands: all is built, nothing moved yet.
const PLACE: &str = "publish: begin";

/// SIGSTOP, another leads and publishes, SIGCONT: what the first one then writes must be refused.
pub async fn leader(trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "paused", Project::Till).await;
    bench.schedule(1).await;
    let readers = bench.readers();
    for _ in 0..trial.rounds {
        bench.change_orders().await;
        let mut first = bench.program.with("QUINTILE_CRASH_POINT", &format!("{PLACE}:delay=500")).serve();
        let stands = first.says("crash point", Duration::from_secs(90)).await;
        verdict.require(stands, "the first daemon does not come to its publish");
        first.signal(Signal::STOP);
        let sleeping: i64 = bench.server.value("SELECT max(run_id) FROM quintile.runs").await;
        let before = ledger::newest_live_run(&bench.server).await;
        let mut second = bench.program.serve();
        let published = second.says("run published", Duration::from_secs(90)).await;
        verdict.require(published, "the second daemon publishes nothing");
        let live = ledger::newest_live_run(&bench.server).await;
        verdict.require(live > before, format!("run {live} is live after run {before}"));
        first.signal(Signal::CONT);
        let noticed = first.says_any(&["leadership lost", "leadership given up"], Duration::from_secs(20)).await;
        verdict.require(noticed, "the first daemon does not notice that it leads no more");
        // Time enough for the woken run to do its worst.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let resumed: bool = bench
            .server
            .value(&format!("SELECT published_at IS NOT NULL FROM quintile.runs WHERE run_id = {sleeping}"))
            .await;
        verdict.require(first.count("run published") == 0, "the first daemon published after it was paused");
        // The second one may have gone on with that very run, under its own fence.
        let by_second = second.count(&format!("run_id={sleeping} ")) > 0;
        verdict.require(!resumed || by_second, format!("run {sleeping} was published by the daemon that had slept"));
        first.terminate().await;
        second.terminate().await;
        verdict.rounds += 1;
    }
    ledger::recovers(&bench, &mut verdict).await;
    ledger::audit(&bench.server, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}
