//! Many daemons, many due times, faults all the while: each due time ends exactly once.

use crate::Trial;
use crate::bench::{Bench, JOBS, Project};
use crate::ledger;
use crate::pooler::Pooler;
use crate::program::{Program, Running};
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// Daemons at once.
const DAEMONS: usize = 5;

/// Due times between the first and the last of each job that have no row, and rows that have not ended.
const WITHOUT_END: &str = "
    SELECT (SELECT count(*) FROM quintile.slots WHERE state IN ('waiting', 'running')),
        (SELECT coalesce(sum(wanted - there), 0)::bigint FROM (
            SELECT 1 + (extract(epoch FROM max(scheduled_for) - min(scheduled_for)) / 60)::bigint AS wanted,
                count(*) AS there
            FROM quintile.slots WHERE trigger = 'schedule' GROUP BY job
        ) AS per_job)";

/// Slots of due times that have not ended.
const OPEN: &str = "SELECT count(*) FROM quintile.slots WHERE state IN ('waiting', 'running')";

/// Each daemon with connections of its own.
pub async fn direct(trial: Trial<'_>) -> Verdict {
    fire(trial, false).await
}

/// All through one pooler.
pub async fn pooled(trial: Trial<'_>) -> Verdict {
    fire(trial, true).await
}

/// `rounds` is the number of due times.
async fn fire(mut trial: Trial<'_>, through_pooler: bool) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "slots", Project::Till).await;
    let wanted = trial.rounds;
    bench.schedule(i32::try_from(wanted.div_ceil(JOBS as u64) + 1).expect("few")).await;
    let pooler = match through_pooler {
        false => None,
        true => match Pooler::start(&bench.server, &trial.lab.folder.join("pooler")).await {
            Ok(pooler) => Some(pooler),
            Err(why) => {
                verdict.require(false, why);
                return verdict;
            }
        },
    };
    let program = pooler.as_ref().map_or_else(|| bench.program.clone(), |pooler| bench.program.on(&pooler.url()));
    let readers = bench.some_readers(6);
    let mut daemons: Vec<Running> = (0..DAEMONS).map(|_| program.serve()).collect();
    let began = Instant::now();
    let (mut kills, mut terminations) = (0, 0);
    while ended(&bench).await < wanted {
        if began.elapsed() > Duration::from_secs(600) {
            verdict.require(false, "not all due times ended in 10 minutes");
            break;
        }
        tokio::time::sleep(trial.moment(Duration::from_secs(3))).await;
        bench.change_orders().await;
        if trial.below(2) == 0 {
            // The leader most of the time: a fault of the others proves little.
            let leading = daemons.iter().position(|daemon| daemon.count("leading") > 0);
            let victim = leading.filter(|_| trial.below(4) > 0).unwrap_or(0);
            daemons.remove(victim).kill().await;
            daemons.push(program.serve());
            kills += 1;
        } else {
            let sql =
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'quintile' AND random() < 0.5";
            bench.server.execute(sql).await;
            terminations += 1;
        }
    }
    verdict.fact(format!("{kills} kills and {terminations} terminations in {} s", began.elapsed().as_secs()));
    wind_down(&bench, &program, daemons, &mut verdict).await;
    verdict.rounds = ended(&bench).await;
    verdict.fact(format!("slots: {}", ledger::slots(&bench.server).await));
    ledger::audit(&bench.server, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}

/// Ends all daemons but one, and that one when it has ended every slot.
async fn wind_down(bench: &Bench, program: &Program, daemons: Vec<Running>, verdict: &mut Verdict) {
    for daemon in daemons {
        daemon.terminate().await;
    }
    let last = program.serve();
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline && bench.server.value::<i64>(OPEN).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A stop may leave a slot to the next leader; a stopped daemon has none when it was idle.
    last.terminate().await;
    let row = bench.server.client().await.query_one(WITHOUT_END, &[]).await.expect("a row");
    let (open, missing): (i64, i64) = (row.get(0), row.get(1));
    verdict.require(missing == 0, format!("{missing} due times have no slot"));
    verdict.require(open <= 1, format!("{open} slots have no end"));
}

/// Due times that ended.
async fn ended(bench: &Bench) -> u64 {
    let sql = "SELECT count(*) FROM quintile.slots WHERE state NOT IN ('waiting', 'running') AND fence > 0";
    u64::try_from(bench.server.value::<i64>(sql).await).expect("a count")
}
