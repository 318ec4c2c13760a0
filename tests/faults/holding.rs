//! Publishes while somebody holds on to the views: each must take less than a second, and space comes back later.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::holders;
use crate::ledger;
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// The longest that a publish may take.
const PROMISED: Duration = Duration::from_secs(1);
/// The longest that a whole build of the small project may take beside a holder.
const PATIENCE: Duration = Duration::from_secs(60);

/// Each holder in turn, with several publishes during each.
pub async fn publish(trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "holding", Project::Till).await;
    let readers = bench.readers();
    for holder in holders::ALL {
        let held = holder.hold(&bench.server).await;
        let (mut slowest, mut slowest_build) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..trial.rounds {
            let generation = bench.change_orders().await;
            let began = Instant::now();
            let built = tokio::time::timeout(PATIENCE, bench.program.build()).await;
            slowest_build = slowest_build.max(began.elapsed());
            let Ok(built) = built else {
                verdict.require(false, format!("a build beside {holder:?} does not end in {} s", PATIENCE.as_secs()));
                continue;
            };
            verdict.require(built.is_good(), format!("a build beside {holder:?} failed: {}", built.tail()));
            verdict.require(bench.published_generation().await == generation, format!("{holder:?} kept the old rows"));
            slowest = slowest.max(bench.publish_time(&built).unwrap_or(PATIENCE));
            verdict.rounds += 1;
        }
        verdict.require(slowest < PROMISED, format!("a publish beside {holder:?} took {} ms", slowest.as_millis()));
        verdict.fact(format!(
            "{holder:?}: slowest publish {} ms, slowest build {:.1} s",
            slowest.as_millis(),
            slowest_build.as_secs_f64()
        ));
        held.release().await;
    }
    ledger::recovers(&bench, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}
