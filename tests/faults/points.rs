//! Every numbered point of a run, in turn: the process is killed there, fails there, waits there.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::ledger;
use crate::program::Ended;
use crate::verdict::{Allowed, Verdict};

/// No run has more points than this; past it the walk does not come to an end.
const MOST: u64 = 2000;

/// Killed: the next run needs no help.
pub async fn kill(trial: Trial<'_>) -> Verdict {
    walk(trial, "kill").await
}

/// Failed: the program says so, and the next run needs no help.
pub async fn fail(trial: Trial<'_>) -> Verdict {
    walk(trial, "fail").await
}

/// Delayed: nothing goes wrong.
pub async fn delay(trial: Trial<'_>) -> Verdict {
    walk(trial, "delay=300").await
}

async fn walk(trial: Trial<'_>, action: &str) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "points", Project::Till).await;
    let readers = bench.some_readers(6);
    // One model at a time, so that a number means the same point each time.
    let program = bench.program.with("QUINTILE__RUN__THREADS", "1");
    let mut survived = 0;
    for number in 1..=MOST {
        let before = bench.published_generation().await;
        let changed = bench.change_orders().await;
        let plan = format!("{number}:{action}");
        let ended = program.with("QUINTILE_CRASH_POINT", &plan).build().await;
        let was_reached = ended.text.contains("crash point");
        let published = bench.published_generation().await;
        if !was_reached {
            verdict.require(ended.is_good(), format!("the run without a fault failed: {}", ended.tail()));
            verdict.fact(format!("{} points, {survived} of them after the publish", number - 1));
            verdict.require(number > 20, "a run has more than 20 points");
            break;
        }
        verdict.rounds += 1;
        survived += u64::from(published == changed);
        verdict.require([before, changed].contains(&published), format!("{plan}: generation {published} is published"));
        expect(action, &plan, &ended, published == changed, &mut verdict);
        if action.starts_with("delay") {
            continue;
        }
        if action == "kill" {
            bench.expire_leases().await;
        }
        let next = program.build().await;
        verdict.require(next.is_good(), format!("{plan}: the next run failed: {}", next.tail()));
        let published = bench.published_generation().await;
        verdict.require(published == changed, format!("{plan}: the next run published generation {published}"));
    }
    ledger::recovers(&bench, &mut verdict).await;
    ledger::audit(&bench.server, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}

/// What the run that met the fault may end with.
fn expect(action: &str, plan: &str, ended: &Ended, was_published: bool, verdict: &mut Verdict) {
    match action {
        "kill" => verdict.require(ended.code.is_none(), format!("{plan}: ended with {:?}", ended.code)),
        // What fails after the publish, such as tidying up, is no failure of the run.
        "fail" => {
            verdict.require(ended.code.is_some(), format!("{plan}: was killed"));
            let is_told = ended.is_good() || ended.text.contains("failed, as asked");
            verdict.require(is_told, format!("{plan}: does not tell what failed: {}", ended.tail()));
            verdict
                .require(!ended.is_good() || was_published, format!("{plan}: says it is done and published nothing"));
        }
        _ => verdict.require(ended.is_good() && was_published, format!("{plan}: {}", ended.tail())),
    }
}
