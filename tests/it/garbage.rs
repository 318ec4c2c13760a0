//! Garbage collection: what is kept, old snapshots, cut-off detaches, one collector at a time.

use crate::small::Small;
use quintile::pipeline;
use quintile::warehouse::gc::Collection;
use quintile::warehouse::gc_bound::Bound;
use std::time::Duration;
use tokio_postgres::{Client, IsolationLevel};

async fn one_table(keep_runs: usize) -> Small {
    let mut small = Small::new().await;
    small.settings.run.keep_runs = keep_runs;
    small.model(
        "a",
        "materialized='table', indexes=[{'columns': ['n'], 'unique': true}]",
        "SELECT n FROM generate_series(1, 100) AS n",
    );
    small
}

async fn collect(small: &Small) -> Collection {
    let collected =
        pipeline::collect_garbage(&small.warehouse, &small.settings, &Bound::after(Duration::from_secs(60))).await;
    collected.expect("a collection").expect("nobody else collects")
}

async fn count(reader: &Client) -> (i64, i64) {
    let row = reader.query_one("SELECT count(*), max(run_id) FROM marts.a", &[]).await.expect("rows");
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_from_before_finds_its_rows_after_many_publishes() {
    let small = one_table(1).await;
    let first = small.publish(&[]).await;
    let reader = small.db.client().await;
    // It looks at another table first: its snapshot is old, and it holds no lock on ours.
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM quintile.runs")
        .await
        .expect("begun");
    let pid: i32 = small
        .db
        .client()
        .await
        .query_one(
            "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()",
            &[],
        )
        .await
        .expect("the reader")
        .get(0);
    let mut last = first;
    for round in 0..4 {
        last = small.publish(&[]).await;
        let done = collect(&small).await;
        let waiting: Vec<&str> = done.waiting.iter().map(|w| w.table.as_str()).collect();
        assert!(waiting.contains(&format!("a__r{first}").as_str()), "round {round}: {done:?}");
        assert!(done.waiting.iter().all(|w| w.holders == [format!("process {pid} (user quintile)")]), "{done:?}");
        assert!(done.left.is_empty(), "{done:?}");
    }
    assert_eq!(count(&reader).await, (100, first), "rows, and those of its own run");
    let standing = small.warehouse.gc_standing(Duration::from_secs(5)).await.expect("a standing");
    assert!(standing[0].waiting_seconds > 0.0 && standing[0].store_bytes > 0.0, "{standing:?}");
    reader.batch_execute("COMMIT").await.expect("the end");
    let done = collect(&small).await;
    assert!(done.waiting.is_empty(), "{done:?}");
    assert_eq!(small.tables().await, format!("a__r{last}"));
    let standing = small.warehouse.gc_standing(Duration::from_secs(5)).await.expect("a standing");
    assert!(standing[0].waiting_seconds < f64::EPSILON, "{standing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_began_after_holds_nothing_up() {
    let small = one_table(1).await;
    small.publish(&[]).await;
    let second = small.publish(&[]).await;
    let old = small.db.client().await;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("begun");
    collect(&small).await;
    old.batch_execute("COMMIT").await.expect("the end");
    let late = small.db.client().await;
    late.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("begun");
    let done = collect(&small).await;
    assert!(done.waiting.is_empty() && done.left.is_empty(), "{done:?}");
    assert_eq!(small.tables().await, format!("a__r{second}"));
    assert_eq!(count(&late).await, (100, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_runs_that_were_never_published_wait_for_nobody() {
    let small = one_table(2).await;
    let first = small.publish(&[]).await;
    for run in [901, 902] {
        small
            .execute(&format!("CREATE TABLE quintile_store.a__r{run} (run_id bigint, as_of timestamptz, n int)"))
            .await;
    }
    let reader = small.db.client().await;
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("begun");
    let done = collect(&small).await;
    assert_eq!(done.dropped, ["a__r901", "a__r902"], "oldest first: {done:?}");
    assert_eq!(small.tables().await, format!("a__r{first}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detach_that_was_cut_off_is_taken_up_again() {
    let small = one_table(1).await;
    let first = small.publish(&[]).await;
    let second = small.publish(&[]).await;
    // A reader that began after the publish holds the parent; the detach waits for it, and is cut off.
    let mut reader = small.db.client().await;
    let held = reader.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await.expect("begun");
    held.query("SELECT count(*) FROM marts.a", &[]).await.expect("rows");
    let parent = small.value("SELECT parent_relation FROM quintile.live").await;
    let detach =
        format!("ALTER TABLE quintile_store.{parent} DETACH PARTITION quintile_store.a__r{first} CONCURRENTLY");
    let cut = small.db.client().await;
    cut.batch_execute("SET statement_timeout = 300").await.expect("set");
    cut.batch_execute(&detach).await.expect_err("cut off");
    assert_eq!(small.value("SELECT bool_or(inhdetachpending) FROM pg_inherits").await, "true");
    held.commit().await.expect("the end");
    let third = small.publish(&[]).await;
    let done = collect(&small).await;
    assert_eq!(done.dropped, [format!("a__r{first}"), format!("a__r{second}")], "{done:?}");
    assert_eq!(small.tables().await, format!("a__r{third}"));
}

/// Begins a detach of the run's table and cuts it off while somebody holds the parent.
async fn cut_off_detach(small: &Small, model: &str, run_id: i64) {
    let mut reader = small.db.client().await;
    let held = reader.transaction().await.expect("begun");
    held.query(&format!("SELECT count(*) FROM marts.{model}"), &[]).await.expect("rows");
    let parent = small.value(&format!("SELECT parent_relation FROM quintile.live WHERE model = '{model}'")).await;
    let cut = small.db.client().await;
    cut.batch_execute("SET statement_timeout = 300").await.expect("set");
    let detach =
        format!("ALTER TABLE quintile_store.{parent} DETACH PARTITION quintile_store.{model}__r{run_id} CONCURRENTLY");
    cut.batch_execute(&detach).await.expect_err("cut off");
    held.commit().await.expect("the end");
    // Nobody is open who was when the table was superseded: only the detach is waited for.
    let superseded = "INSERT INTO quintile.superseded_tables (workspace, table_name, open_transactions) VALUES";
    small.execute(&format!("{superseded} ('default', '{model}__r{run_id}', '{{}}')")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_detach_is_ended_though_younger_snapshots_are_open() {
    let small = one_table(1).await;
    let first = small.publish(&[]).await;
    let second = small.publish(&[]).await;
    cut_off_detach(&small, "a", first).await;
    let reader = small.db.client().await;
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("begun");
    let reading = async {
        // The collection waits for this snapshot, and locks nothing that it may ask for.
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(count(&reader).await, (100, second));
        reader.batch_execute("COMMIT").await.expect("the end");
    };
    let (done, ()) = tokio::join!(collect(&small), reading);
    assert_eq!(done.dropped, [format!("a__r{first}")], "{done:?}");
    assert_eq!(small.tables().await, format!("a__r{second}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_detaches_of_two_tables_do_not_wait_for_each_other() {
    let small = one_table(1).await;
    small.table("b", "SELECT 1 AS n");
    let first = small.publish(&[]).await;
    let second = small.publish(&[]).await;
    for model in ["a", "b"] {
        cut_off_detach(&small, model, first).await;
    }
    let done = collect(&small).await;
    assert!(done.left.is_empty(), "{done:?}");
    assert_eq!(small.tables().await, format!("a__r{second} b__r{second}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_snapshot_reads_on_while_a_cut_off_detach_waits_for_it() {
    let small = one_table(1).await;
    let first = small.publish(&[]).await;
    let second = small.publish(&[]).await;
    let old = small.db.client().await;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("begun");
    cut_off_detach(&small, "a", first).await;
    let (done, answer) = tokio::join!(collect(&small), async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        old.batch_execute("SET LOCAL lock_timeout = '2s'").await.expect("set");
        count(&old).await
    });
    assert_eq!(answer, (100, second));
    assert_eq!(done.left, [format!("a__r{first}")], "{done:?}");
    old.batch_execute("COMMIT").await.expect("the end");
    assert_eq!(collect(&small).await.dropped, [format!("a__r{first}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_collects_at_a_time() {
    let small = one_table(1).await;
    small.publish(&[]).await;
    let wait = Duration::from_secs(5);
    let held = small.warehouse.acquire_lease("gc:default", "another process", wait, wait).await.expect("a lease");
    let none =
        pipeline::collect_garbage(&small.warehouse, &small.settings, &Bound::after(wait)).await.expect("an answer");
    assert!(none.is_none());
    let (lease, _) = held.expect("free");
    small.warehouse.release_lease(&lease, wait).await.expect("released");
    small.publish(&[]).await;
    assert_eq!(collect(&small).await.left.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_that_read_each_other_go_in_one_collection() {
    let small = one_table(1).await;
    for (name, from) in [("v1", "a"), ("v2", "v1"), ("v3", "v2")] {
        let select = format!("SELECT n FROM {{{{ ref('{from}') }}}}");
        small.model(name, "materialized='view', access='private'", &select);
    }
    small.model("last", "materialized='table'", "SELECT n FROM {{ ref('v3') }}");
    small.publish(&[]).await;
    let done = collect(&small).await;
    assert!(done.left.is_empty(), "{done:?}");
    let views = "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relname ~ '__r[0-9]+$'";
    assert_eq!(small.value(views).await, "0", "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_collection_that_waits_and_gives_its_lease_back() {
    let small = one_table(1).await;
    let first = small.publish(&[]).await;
    small.publish(&[]).await;
    let mut reader = small.db.client().await;
    let held = reader.transaction().await.expect("begun");
    held.query("SELECT count(*) FROM marts.a", &[]).await.expect("rows");
    // It counts as one that began after the table was superseded: the detach waits for it all the same.
    let superseded = "INSERT INTO quintile.superseded_tables (workspace, table_name, open_transactions) VALUES";
    small.execute(&format!("{superseded} ('default', 'a__r{first}', '{{}}')")).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let bound = Bound::after(Duration::from_secs(600)).or_with(stopped);
    let collecting = pipeline::collect_garbage(&small.warehouse, &small.settings, &bound);
    let (done, ()) = tokio::join!(collecting, async {
        let detach = "FROM pg_stat_activity WHERE query ~ '^ALTER TABLE .* DETACH' AND wait_event_type = 'Lock'";
        tokio::time::timeout(Duration::from_secs(30), async {
            while !small.db.shows(detach).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("a detach that waits");
        stop.send_replace(true);
    });
    assert_eq!(done.expect("a collection").expect("nobody else collects").left, [format!("a__r{first}")]);
    held.commit().await.expect("the end");
    assert_eq!(collect(&small).await.dropped, [format!("a__r{first}")], "the lease is free at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_waits_keeps_its_lease_and_ends_when_it_is_lost() {
    let small = one_table(1).await;
    let first = small.publish(&[]).await;
    small.publish(&[]).await;
    let mut reader = small.db.client().await;
    let held = reader.transaction().await.expect("begun");
    held.query("SELECT count(*) FROM marts.a", &[]).await.expect("rows");
    let superseded = "INSERT INTO quintile.superseded_tables (workspace, table_name, open_transactions) VALUES";
    small.execute(&format!("{superseded} ('default', 'a__r{first}', '{{}}')")).await;
    let bound = Bound::after(Duration::from_secs(600));
    let collecting = pipeline::collect_garbage(&small.warehouse, &small.settings, &bound);
    let renewed =
        "SELECT EXISTS (SELECT FROM quintile.leases WHERE lease = 'gc:default' AND renewed_at > $1::text::timestamptz)";
    let (done, ()) = tokio::join!(collecting, async {
        let client = small.db.client().await;
        let now: String = client.query_one("SELECT clock_timestamp()::text", &[]).await.expect("a time").get(0);
        tokio::time::timeout(Duration::from_secs(60), async {
            while !client.query_one(renewed, &[&now]).await.expect("a row").get::<_, bool>(0) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .expect("a renewal though the table is waited for");
        let taken =
            "UPDATE quintile.leases SET holder = 'another process', fence = fence + 1 WHERE lease = 'gc:default'";
        client.batch_execute(taken).await.expect("taken away");
    });
    assert_eq!(done.expect("a collection").expect("it began").left, [format!("a__r{first}")]);
    held.commit().await.expect("the end");
    small.execute("UPDATE quintile.leases SET expires_at = clock_timestamp()").await;
    assert_eq!(collect(&small).await.dropped, [format!("a__r{first}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_have_statistics_after_the_first_collection() {
    let small = one_table(2).await;
    small.publish(&[]).await;
    let known = "SELECT count(*) FROM pg_stats WHERE schemaname = 'quintile_store' AND inherited AND attname = 'n'";
    assert_eq!(small.value(known).await, "0");
    collect(&small).await;
    assert_eq!(small.value(known).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_shown_again_waits_for_its_new_readers() {
    let mut small = one_table(1).await;
    let first = small.publish(&[]).await;
    small.publish(&[]).await;
    small.rollback(Some(first)).await.expect("shown again");
    let blocker = small.db.client().await;
    blocker.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.expect("begun");
    let third = small.publish(&[]).await;
    let waiting = collect(&small).await.waiting;
    assert!(waiting.iter().any(|w| w.table == format!("a__r{first}")), "{waiting:?}");
    // The state of the first run went with that collection; the third is gone back to instead.
    small.settings.run.keep_runs = 2;
    let fourth = small.publish(&[]).await;
    small.rollback(Some(third)).await.expect("shown again");
    let remembered = "SELECT count(*) FROM quintile.superseded_tables";
    assert_eq!(small.value(remembered).await, "0", "a roll-back begins the watch anew");
    let waiting = collect(&small).await.waiting;
    assert!(waiting.iter().any(|w| w.table == format!("a__r{first}")), "{waiting:?}");
    assert_eq!(small.shown().await, format!("a:{third}"));
    assert_eq!(count(&blocker).await, (100, first));
    blocker.batch_execute("COMMIT").await.expect("the end");
    collect(&small).await;
    assert_eq!(small.tables().await, format!("a__r{third} a__r{fourth}"));
}
