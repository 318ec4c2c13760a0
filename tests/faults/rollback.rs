//! Roll-back by one command, measured from its start to the moment that readers see the earlier rows.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// The promise, start of the program included.
const PROMISED: Duration = Duration::from_secs(1);

/// Publishes two generations and goes back by one, again and again.
pub async fn back(trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "rollback", Project::Till).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..trial.rounds {
        let earlier = build(&bench, &mut verdict).await;
        let later = build(&bench, &mut verdict).await;
        // A reader of this step may go back once, so each round has readers of its own after it.
        let readers = bench.some_readers(6);
        tokio::time::sleep(Duration::from_millis(100)).await;
        verdict.judge(&readers.stop().await, Allowed::Nothing);
        let began = Instant::now();
        let done = bench.program.run(&["rollback"]).await;
        let took = began.elapsed();
        verdict.require(done.is_good(), format!("roll-back failed: {}", done.tail()));
        let shown = bench.published_generation().await;
        verdict.require(shown == earlier, format!("roll-back from generation {later} shows {shown}, not {earlier}"));
        let readers = bench.some_readers(6);
        tokio::time::sleep(Duration::from_millis(100)).await;
        verdict.judge(&readers.stop().await, Allowed::Nothing);
        slowest = slowest.max(took);
        verdict.rounds += 1;
    }
    verdict.require(slowest < PROMISED, format!("the slowest roll-back took {} ms", slowest.as_millis()));
    verdict.fact(format!("slowest roll-back {} ms, start of the program included", slowest.as_millis()));
    verdict
}

async fn build(bench: &Bench, verdict: &mut Verdict) -> u32 {
    let generation = bench.change_orders().await;
    let built = bench.program.build().await;
    verdict.require(built.is_good(), format!("a build failed: {}", built.tail()));
    generation
}
