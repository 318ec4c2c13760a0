//! Fail-over to a synchronous standby: the daemon goes on there, and nothing that was acknowledged is lost.

use crate::Trial;
use crate::bench::{Bench, CUSTOMERS, Project};
use crate::lab::Stop;
use crate::ledger;
use crate::readers::Readers;
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// Each round has a primary and a standby of its own.
pub async fn standby(mut trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut slowest = Duration::ZERO;
    for round in 0..trial.rounds {
        let name = format!("primary{round}");
        let mut bench = Bench::new(trial.lab, &name, Project::Till).await;
        bench.schedule(1).await;
        let standby = trial.lab.standby(&bench.server, &format!("standby{round}")).await;
        let url = |user: &str| {
            let (one, other) = (bench.server.port, standby.port);
            format!("postgres://{user}@127.0.0.1:{one},127.0.0.1:{other}/shop?target_session_attrs=read-write")
        };
        bench.change_orders().await;
        let readers = Readers::start(&url("reader"), 20, CUSTOMERS);
        let program = bench.program.on(&url("quintile"));
        let mut daemon = program.serve();
        verdict.require(daemon.says("run started", Duration::from_secs(75)).await, "no run began in 75 s");
        tokio::time::sleep(trial.moment(Duration::from_secs(3))).await;
        let acknowledged = ledger::newest_live_run(&bench.server).await;
        bench.server.stop(Stop::Immediate).await;
        let lost_at = Instant::now();
        standby.promote().await;
        let now = ledger::newest_live_run(&standby).await;
        verdict.require(now >= acknowledged, format!("run {acknowledged} was acknowledged and run {now} is live"));
        // Without news the run would carry everything on, and move no pointer.
        bench.change_orders_on(&standby).await;
        let published = daemon.count("run published");
        let goes_on = daemon.says_often("run published", published + 1, Duration::from_secs(100)).await;
        verdict.require(goes_on, "no run was published on the new primary in 100 s");
        slowest = slowest.max(lost_at.elapsed());
        // The first may have looked at the orders just before they changed.
        let mut after = ledger::newest_live_run(&standby).await;
        while after <= now && lost_at.elapsed() < Duration::from_secs(100) {
            tokio::time::sleep(Duration::from_millis(200)).await;
            after = ledger::newest_live_run(&standby).await;
        }
        verdict.require(after > now, format!("run {after} is live on the new primary, and run {now} was before"));
        let (code, _) = daemon.terminate().await;
        verdict.require(code == Some(0), format!("SIGTERM ended the daemon with {code:?}"));
        ledger::audit(&standby, &mut verdict).await;
        verdict.judge(&readers.stop().await, Allowed::LostConnections);
        verdict.rounds += 1;
    }
    verdict.fact(format!("first publish on the new primary at most {:.1} s after the stop", slowest.as_secs_f64()));
    verdict
}
