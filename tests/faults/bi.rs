//! A BI query of a minute holds locks on everything that is published, while runs publish and others read.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::holders::Holder;
use crate::readers::Seen;
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// How long the query lasts, and how long is read without it to compare.
const QUERY: Duration = Duration::from_secs(60);
/// The promise: 99 of 100 publishes take no longer.
const PUBLISH_P99: Duration = Duration::from_millis(100);
/// The promise: no reader waits longer because of the query.
const STALL: Duration = Duration::from_millis(50);
/// Readers: few, so that they wait for locks and not for a processor.
const READERS: usize = 4;

/// Builds without pause for a minute without the query and for a minute with it.
pub async fn query(trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "bi", Project::Till).await;
    let (without, calm) = publishes(&bench, &mut verdict).await;
    let held = Holder::LongQuery.hold(&bench.server).await;
    let (with, busy) = publishes(&bench, &mut verdict).await;
    held.release().await;
    let p99 = |times: &[Duration]| times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    for (name, times, seen) in [("without", &without, &calm), ("with", &with, &busy)] {
        verdict.fact(format!(
            "{name} the query: {} publishes, p50 {} ms, p99 {} ms; readers p50 {:.1} ms, p99.9 {:.1} ms, longest {:.1} ms",
            times.len(),
            times[times.len() / 2].as_millis(),
            p99(times).as_millis(),
            millis(seen.wait(0.5)),
            millis(seen.wait(0.999)),
            millis(seen.stall()),
        ));
    }
    verdict.require(p99(&with) <= PUBLISH_P99, format!("publish p99 is {} ms", p99(&with).as_millis()));
    let added = busy.stall().saturating_sub(calm.stall());
    verdict.require(added <= STALL, format!("the longest wait of a reader grew by {} ms", added.as_millis()));
    verdict.rounds = u64::try_from(with.len()).unwrap_or_default();
    verdict.judge(&calm, Allowed::Nothing);
    verdict.judge(&busy, Allowed::Nothing);
    verdict
}

/// Publish times in order, and what readers saw meanwhile.
async fn publishes(bench: &Bench, verdict: &mut Verdict) -> (Vec<Duration>, Seen) {
    let readers = bench.some_readers(READERS);
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < QUERY {
        bench.change_orders().await;
        let built = bench.program.build().await;
        verdict.require(built.is_good(), format!("a build failed: {}", built.tail()));
        times.extend(bench.publish_time(&built));
    }
    times.sort_unstable();
    (times, readers.stop().await)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
