//! The server breaks under the daemon: sessions ended, everything dropped, the postmaster killed.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::lab::Stop;
use crate::ledger;
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// `pg_terminate_backend` of the program's sessions.
    Terminated,
    Stopped(Stop),
}

/// The daemon's own sessions are ended.
pub async fn terminated(trial: Trial<'_>) -> Verdict {
    broken(trial, Fault::Terminated).await
}

/// Immediate stop and start.
pub async fn stopped(trial: Trial<'_>) -> Verdict {
    broken(trial, Fault::Stopped(Stop::Immediate)).await
}

/// `kill -9` of the postmaster, and start.
pub async fn killed(trial: Trial<'_>) -> Verdict {
    broken(trial, Fault::Stopped(Stop::Kill)).await
}

/// One daemon through all rounds; each waits for a run at work, breaks the server, and waits for a published run.
async fn broken(mut trial: Trial<'_>, fault: Fault) -> Verdict {
    let mut verdict = Verdict::default();
    let mut bench = Bench::new(trial.lab, "server", Project::Till).await;
    bench.schedule(1).await;
    let readers = bench.readers();
    let mut daemon = bench.program.serve();
    let mut slowest = Duration::ZERO;
    for _ in 0..trial.rounds {
        bench.change_orders().await;
        let started = daemon.count("run started");
        verdict.require(
            daemon.says_often("run started", started + 1, Duration::from_secs(75)).await,
            "no run began in 75 s",
        );
        tokio::time::sleep(trial.moment(Duration::from_millis(800))).await;
        // Whatever is live now was acknowledged, if not to us then to the program.
        let acknowledged = ledger::newest_live_run(&bench.server).await;
        match fault {
            Fault::Terminated => {
                let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'quintile'";
                bench.server.execute(sql).await;
            }
            Fault::Stopped(how) => {
                bench.server.stop(how).await;
                bench.server.start().await;
            }
        }
        verdict.rounds += 1;
        let broken_at = Instant::now();
        let now = ledger::newest_live_run(&bench.server).await;
        verdict.require(now >= acknowledged, format!("run {acknowledged} was acknowledged and run {now} is live"));
        let published = daemon.count("run published");
        verdict.require(
            daemon.says_often("run published", published + 1, Duration::from_secs(100)).await,
            "no run was published in 100 s after the fault",
        );
        slowest = slowest.max(broken_at.elapsed());
        verdict.require(!daemon.has_ended(), "the daemon ended by itself");
    }
    verdict.fact(format!("next publish at most {:.1} s after the fault", slowest.as_secs_f64()));
    let (code, took) = daemon.terminate().await;
    verdict.require(code == Some(0) && took < Duration::from_secs(10), format!("SIGTERM: {code:?} after {took:?}"));
    ledger::recovers(&bench, &mut verdict).await;
    ledger::audit(&bench.server, &mut verdict).await;
    verdict.fact(format!("slots: {}", ledger::slots(&bench.server).await));
    let allowed = if fault == Fault::Terminated { Allowed::Nothing } else { Allowed::LostConnections };
    verdict.judge(&readers.stop().await, allowed);
    verdict
}
