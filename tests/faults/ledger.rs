//! The program's own books, checked from outside: no double publish, no slot without an end, no leftovers.

use crate::bench::Bench;
use crate::lab::Server;
use crate::verdict::Verdict;
use std::time::{Duration, Instant};

/// Published runs of a job that no slot names: the slot was run and published twice.
const DOUBLE_PUBLISHES: &str = "
    SELECT count(*) FROM quintile.runs AS r
    WHERE r.trigger LIKE 'job:%' AND r.published_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM quintile.slots AS s WHERE s.run_id = r.run_id)
        AND NOT EXISTS (SELECT FROM quintile.slots AS s WHERE s.state = 'running' AND r.trigger = 'job:' || s.job)";

/// Slots that name a run which never was published, though they say so; or one run for two slots.
const WRONG_SLOTS: &str = "
    SELECT count(*) FROM (
        SELECT s.run_id FROM quintile.slots AS s LEFT JOIN quintile.runs AS r USING (run_id)
        WHERE s.state = 'published' AND (r.published_at IS NULL)
        UNION ALL
        SELECT s.run_id FROM quintile.slots AS s WHERE s.state = 'published' GROUP BY s.run_id HAVING count(*) > 1
    ) AS wrong";

/// Relations of the store that belong to runs nobody keeps: neither shown, nor published before, nor the newest that
/// failed or was only built, which stays to be looked at.
const LEFTOVERS: &str = "
    SELECT coalesce(string_agg(relname, ' ' ORDER BY run_id, relname), '') FROM (
        SELECT c.relname,  substring(c.relname FROM '__r([0-9]+)$')::bigint AS run_id
        FROM pg_class AS c WHERE c.relnamespace = 'quintile_store'::regnamespace AND c.relname ~ '__r[0-9]+$'
            AND c.relkind IN ('r', 'v')
    ) AS stored
    WHERE run_id NOT IN (SELECT run_id FROM quintile.runs WHERE published_at IS NOT NULL)
        AND run_id NOT IN (SELECT run_id FROM quintile.live)
        AND run_id <> coalesce((SELECT max(run_id) FROM quintile.runs WHERE state IN ('failed', 'built')), 0)";

/// The newest run that any reader sees.
pub async fn newest_live_run(server: &Server) -> i64 {
    server.value("SELECT coalesce(max(run_id), 0) FROM quintile.live").await
}

/// Requires that the books are right.
pub async fn audit(server: &Server, verdict: &mut Verdict) {
    let doubles: i64 = server.value(DOUBLE_PUBLISHES).await;
    verdict.require(doubles == 0, format!("{doubles} double publishes"));
    let wrong: i64 = server.value(WRONG_SLOTS).await;
    verdict.require(wrong == 0, format!("{wrong} slots say published and were not"));
}

/// Requires that two builds work unaided, that readers then see what the orders are now, and that nothing is left over.
pub async fn recovers(bench: &Bench, verdict: &mut Verdict) {
    builds_again(bench, verdict).await;
    is_tidy(bench, verdict, Duration::from_secs(10)).await;
}

/// Requires that two builds work unaided, and that readers then see what the orders are now.
pub async fn builds_again(bench: &Bench, verdict: &mut Verdict) {
    let began = Instant::now();
    for number in 1..=2 {
        let generation = bench.change_orders().await;
        let built = bench.program.build().await;
        verdict.require(built.is_good(), format!("run {number} after the faults failed: {}", built.tail()));
        let published = bench.published_generation().await;
        verdict
            .require(published == generation, format!("generation {published} is published instead of {generation}"));
        if number == 1 {
            verdict.fact(format!("next run after {:.1} s", began.elapsed().as_secs_f64()));
        }
    }
}

/// Requires that nothing is left over, once a collector that works in the background had its time.
pub async fn is_tidy(bench: &Bench, verdict: &mut Verdict, within: Duration) {
    let began = Instant::now();
    loop {
        let left: String = bench.server.value(LEFTOVERS).await;
        if left.is_empty() {
            break;
        }
        if began.elapsed() > within {
            return verdict.require(false, format!("leftovers after two runs: {left}"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    verdict.fact(format!("tidy {:.1} s after the last run", began.elapsed().as_secs_f64()));
}

/// How slots ended, as a figure.
pub async fn slots(server: &Server) -> String {
    let sql = "SELECT coalesce(string_agg(format('%s %s', n, state), ', ' ORDER BY state), 'none')
        FROM (SELECT state, count(*) AS n FROM quintile.slots WHERE fence > 0 GROUP BY state) AS by_state";
    server.value::<String>(sql).await
}
