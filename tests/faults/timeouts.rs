//! Short timeouts set on the program's role by somebody else: the run fails and says why, or goes through.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::ledger;
use crate::verdict::{Allowed, Verdict};

/// A model that takes two seconds.
const SLOW_MODEL: &str = "{{ config(materialized='table') }}

SELECT 1 AS n, pg_sleep(2)::text AS slept
";

/// `statement_timeout` too short for one model; then `lock_timeout` while the source is locked.
pub async fn on_role(trial: Trial<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let bench = Bench::new(trial.lab, "timeouts", Project::Till).await;
    let readers = bench.readers();
    let slow = bench.program.project.join("models/slow.sql");
    for _ in 0..trial.rounds {
        std::fs::write(&slow, SLOW_MODEL).expect("a model");
        bench.server.execute("ALTER ROLE quintile SET statement_timeout = '1s'").await;
        refused(&bench, &mut verdict, "57014", "\"slow\"").await;
        std::fs::remove_file(&slow).expect("removed");
        // Long enough for every statement of ours but the slow one.
        let generation = bench.change_orders().await;
        let built = bench.program.build().await;
        verdict.require(built.is_good(), format!("statement_timeout of 1 s: {}", built.tail()));
        verdict.require(bench.published_generation().await == generation, "statement_timeout kept the old rows");
        bench.server.execute("ALTER ROLE quintile RESET statement_timeout").await;

        bench.server.execute("ALTER ROLE quintile SET lock_timeout = '50ms'").await;
        let locker = bench.server.client().await;
        locker.batch_execute("BEGIN; LOCK TABLE raw.orders").await.expect("locked");
        refused_without_change(&bench, &mut verdict, "55P03", "orders").await;
        locker.batch_execute("ROLLBACK").await.expect("unlocked");
        bench.server.execute("ALTER ROLE quintile RESET lock_timeout").await;
        verdict.rounds += 2;
    }
    ledger::recovers(&bench, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict
}

/// As [`refused_without_change`], after new orders.
async fn refused(bench: &Bench, verdict: &mut Verdict, sqlstate: &str, name: &str) {
    bench.change_orders().await;
    refused_without_change(bench, verdict, sqlstate, name).await;
}

/// A build that must fail, naming the SQLSTATE and the object, and change nothing.
async fn refused_without_change(bench: &Bench, verdict: &mut Verdict, sqlstate: &str, name: &str) {
    let before = bench.published_generation().await;
    let built = bench.program.build().await;
    verdict.require(!built.is_good(), format!("{sqlstate}: the build went through"));
    let is_named = built.text.contains(&format!("SQLSTATE {sqlstate}")) && built.text.contains(name);
    verdict.require(is_named, format!("{sqlstate} or {name} is not named: {}", built.tail()));
    let published = bench.published_generation().await;
    verdict.require(published == before, format!("{sqlstate}: generation {published} is published"));
}
