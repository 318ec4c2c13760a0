//! The network between the leading daemon and its server breaks; a second daemon has a good one.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::ledger;
use crate::proxy::{Proxy, Weather};
use crate::verdict::{Allowed, Verdict};
use std::time::{Duration, Instant};

/// Length of the lease and of the interval between two tries to get it, as the bench sets them.
const LEASE: Duration = Duration::from_secs(3);
const INTERVAL: Duration = Duration::from_secs(1);
/// What the machine may add: the log is read and the statement made within it.
const SLACK: Duration = Duration::from_millis(500);

/// Connections are reset and refused.
pub async fn cut(trial: Trial<'_>) -> Verdict {
    takeover(trial, Weather::Cut).await
}

/// Nothing arrives any more, and nobody is told.
pub async fn half_open(trial: Trial<'_>) -> Verdict {
    takeover(trial, Weather::BlackHole).await
}

/// The other daemon must lead within the lease's time and one interval.
async fn takeover(mut trial: Trial<'_>, weather: Weather) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "network", Project::Till).await;
    bench.schedule(1).await;
    let proxy = Proxy::start(bench.server.port).await;
    let readers = bench.readers();
    let mut slowest = Duration::ZERO;
    for _ in 0..trial.rounds {
        bench.change_orders().await;
        proxy.set(Weather::Fair);
        let mut first = bench.program.on(&proxy.url()).serve();
        verdict.require(first.says("leading", Duration::from_secs(20)).await, "the first daemon does not lead");
        let mut second = bench.program.serve();
        verdict.require(first.says("run started", Duration::from_secs(75)).await, "no run began in 75 s");
        tokio::time::sleep(trial.moment(Duration::from_millis(1500))).await;
        proxy.set(weather);
        let broken_at = Instant::now();
        let takes_over = second.says("leading", Duration::from_secs(30)).await;
        let waited = broken_at.elapsed();
        verdict.require(takes_over, "the second daemon does not take over in 30 s");
        verdict.require(
            waited <= LEASE + INTERVAL + SLACK,
            format!("the second daemon leads after {:.1} s", waited.as_secs_f64()),
        );
        slowest = slowest.max(waited);
        verdict.require(second.says("run published", Duration::from_secs(75)).await, "no run on the second daemon");
        proxy.set(Weather::Fair);
        let gave_up = first.says_any(&["leadership lost", "leadership given up"], Duration::from_secs(20)).await;
        verdict.require(gave_up, "the first daemon does not notice that it leads no more");
        first.kill().await;
        second.terminate().await;
        verdict.rounds += 1;
    }
    verdict.fact(format!("takeover after at most {:.1} s", slowest.as_secs_f64()));
    finish(bench, verdict, readers).await
}

/// Every piece is 200 ms late: no reason to lose the leadership.
pub async fn delayed(trial: Trial<'_>) -> Verdict {
    endured(trial, Weather::Delayed(Duration::from_millis(200))).await
}

/// 50 kB a second: likewise.
pub async fn throttled(trial: Trial<'_>) -> Verdict {
    endured(trial, Weather::Throttled(50_000)).await
}

/// The first daemon must keep leading and publish, though slowly.
async fn endured(trial: Trial<'_>, weather: Weather) -> Verdict {
    let mut verdict = Verdict::default();
    let mut bench = Bench::new(trial.lab, "network", Project::Till).await;
    // As it is delivered: on a network like this nobody would ask for the shortest lease there is.
    bench.program.lease_seconds = 15;
    bench.schedule(1).await;
    let proxy = Proxy::start(bench.server.port).await;
    let readers = bench.readers();
    let mut first = bench.program.on(&proxy.url()).serve();
    verdict.require(first.says("leading", Duration::from_secs(20)).await, "the first daemon does not lead");
    let second = bench.program.serve();
    proxy.set(weather);
    for _ in 0..trial.rounds {
        bench.change_orders().await;
        let published = first.count("run published");
        let goes_on = first.says_often("run published", published + 1, Duration::from_secs(300)).await;
        verdict.require(goes_on, "no run was published in 300 s");
        verdict.rounds += 1;
    }
    verdict.require(second.count("leading") == 0, "the second daemon took over from a living leader");
    verdict.require(first.count("leadership") == 0, "the first daemon gave up its leadership");
    proxy.set(Weather::Fair);
    let (code, took) = first.terminate().await;
    verdict.require(code == Some(0) && took < Duration::from_secs(10), format!("SIGTERM: {code:?} after {took:?}"));
    second.terminate().await;
    finish(bench, verdict, readers).await
}

/// Builds whose connections are reset after so many bytes: anywhere, the COMMIT of the publish included.
pub async fn cut_after(mut trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "network", Project::Till).await;
    let proxy = Proxy::start(bench.server.port).await;
    let program = bench.program.on(&proxy.url());
    let readers = bench.readers();
    let (mut good, mut wrongly_told) = (0, 0);
    for _ in 0..trial.rounds {
        let before = bench.published_generation().await;
        let changed = bench.change_orders().await;
        let bytes = usize::try_from(200 + trial.below(60_000)).expect("small");
        proxy.set(Weather::CutAfter(bytes));
        let built = program.build().await;
        proxy.set(Weather::Fair);
        let published = bench.published_generation().await;
        verdict.require([before, changed].contains(&published), format!("generation {published} is published"));
        verdict.require(
            !built.is_good() || published == changed,
            format!("cut after {bytes} bytes: says published and is not"),
        );
        good += u64::from(built.is_good());
        wrongly_told += u64::from(!built.is_good() && published == changed);
        verdict.rounds += 1;
    }
    verdict.fact(format!("{good} builds came through, {wrongly_told} published and could not tell"));
    finish(bench, verdict, readers).await
}

async fn finish(bench: Bench, mut verdict: Verdict, readers: crate::readers::Readers) -> Verdict {
    ledger::recovers(&bench, &mut verdict).await;
    ledger::audit(&bench.server, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}
