//! Histories: what each run adds, what nobody sees, and what a roll-back, a crash and an erasure do to it.

use crate::shop;
use crate::small::Small;
use quintile::error::Kind;
use quintile::pipeline::{self, BuildRequest, RunReport};
use quintile::warehouse::erase::EraseRequest;
use quintile::warehouse::person::Person;
use std::process::Command;
use tokio::sync::watch;

/// What changed since the published state: an arrow for each customer, from where to where.
const CHANGES: &str = "{%- set former = live('state', seen_by='changes') %}
SELECT
    COALESCE(s.customer_id, b.customer_id) AS customer_id,
    COALESCE(b.place, '-') || '>' || COALESCE(s.place, '-') AS move
FROM {{ ref('state') }} AS s
FULL JOIN {{ former if former else \"(SELECT NULL::text AS customer_id, NULL::text AS place WHERE false)\" }} AS b
    ON b.customer_id = s.customer_id
WHERE s.place IS DISTINCT FROM b.place";

/// A project of the table `state`, whose rows a test writes, and of the history of its changes.
async fn a_history() -> Small {
    let mut small = Small::new().await;
    small.settings.run.skip_unchanged = true;
    small.model("changes", "materialized='history', indexes=[{'columns': ['customer_id']}]", CHANGES);
    small
}

/// `a:1 b:2` is customer a in place 1, customer b in place 2.
fn set(small: &Small, places: &str) {
    let rows: Vec<String> =
        places.split(' ').filter_map(|p| p.split_once(':')).map(|(id, place)| format!("('{id}', '{place}')")).collect();
    small.table("state", &format!("SELECT * FROM (VALUES {}) AS v (customer_id, place)", rows.join(", ")));
}

/// A run that builds only what has changed.
async fn spared(small: &Small) -> RunReport {
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest { trigger: "test".into(), ..BuildRequest::default() };
    pipeline::build(&small.warehouse, &small.settings, &request, stop).await.expect("a run")
}

/// What readers see: `run: customer move, ...` for each run, the oldest first.
async fn told(small: &Small) -> String {
    small
        .value(
            "SELECT string_agg(run_id || ':' || moves, ' ' ORDER BY run_id) FROM (
                 SELECT run_id, string_agg(customer_id || move, ',' ORDER BY customer_id) AS moves
                 FROM marts.changes GROUP BY run_id) AS runs",
        )
        .await
}

/// All rows in the tables of the history, seen or not.
async fn stored(small: &Small) -> String {
    let tables = small
        .value(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname ~ '^changes__h[0-9a-f]{8}$'",
        )
        .await;
    let mut rows = 0;
    for table in tables.split_whitespace() {
        let count = small.value(&format!("SELECT count(*) FROM quintile_store.{table}")).await;
        rows += count.parse::<u64>().expect("a count");
    }
    format!("{rows} in {}", tables.split_whitespace().count())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_adds_what_changed_and_a_run_without_changes_adds_nothing() {
    let small = a_history().await;
    set(&small, "a:1 b:1");
    let first = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{first}:a->1,b->1"));
    let idle = spared(&small).await;
    assert_eq!((idle.built.len(), idle.carried.len()), (0, 2), "comparing is no reason to build");
    set(&small, "a:2 b:1 c:1");
    let second = small.publish(&[]).await;
    set(&small, "b:1 c:1");
    let third = small.publish(&[]).await;
    let all = format!("{first}:a->1,b->1 {second}:a1>2,c->1 {third}:a2>-");
    assert_eq!(told(&small).await, all);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, all, "what is built again from the same rows is no news");
    small.collect().await;
    assert_eq!((told(&small).await, stored(&small).await), (all, "5 in 1".to_owned()));
    assert_eq!(small.tables().await.matches("changes").count(), 0, "the runs' own tables are not needed any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_published_leaves_no_trace() {
    let small = a_history().await;
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    set(&small, "a:2");
    small.model("broken", "materialized='table'", "SELECT 1 / count(*) AS n FROM {{ ref('changes') }} WHERE false");
    let failed = small.build(&[]).await;
    assert_eq!((failed.state.as_str(), told(&small).await), ("failed", format!("{first}:a->1")));
    small.remove("broken");
    set(&small, "a:3");
    let third = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{first}:a->1 {third}:a1>3"), "compared with what readers saw");
    assert_eq!(small.value("SELECT left_out::text FROM quintile.live WHERE relation = 'changes'").await, "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_shows_the_history_as_it_was_and_the_next_run_goes_on_from_there() {
    let mut small = a_history().await;
    small.settings.run.keep_runs = 10;
    let mut runs = Vec::new();
    for place in 1..=3 {
        set(&small, &format!("a:{place}"));
        runs.push(small.publish(&[]).await);
    }
    let [one, two, three] = runs[..] else { panic!("three runs") };
    small.rollback(Some(one)).await.expect("a roll-back");
    assert_eq!(told(&small).await, format!("{one}:a->1"));
    small.rollback(Some(three)).await.expect("forward again");
    assert_eq!(told(&small).await, format!("{one}:a->1 {two}:a1>2 {three}:a2>3"));

    small.rollback(Some(one)).await.expect("back");
    set(&small, "a:4");
    let four = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{one}:a->1 {four}:a1>4"), "runs 2 and 3 never were");
    // Not collected yet, so that one can go to the other past, and on from there: what run 4 left out is seen again.
    small.rollback(Some(three)).await.expect("kept");
    assert_eq!(told(&small).await, format!("{one}:a->1 {two}:a1>2 {three}:a2>3"));
    set(&small, "a:5");
    let five = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{one}:a->1 {two}:a1>2 {three}:a2>3 {five}:a3>5"));
    assert_eq!(stored(&small).await, "5 in 1");
    small.collect().await;
    assert_eq!(stored(&small).await, "4 in 1", "nobody can go back to run 4");
    assert_eq!(told(&small).await, format!("{one}:a->1 {two}:a1>2 {three}:a2>3 {five}:a3>5"));
    assert_eq!(small.value("SELECT left_out::text FROM quintile.live WHERE relation = 'changes'").await, "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_an_older_state_goes_on_seeing_its_rows() {
    let small = a_history().await;
    set(&small, "a:1");
    small.publish(&[]).await;
    set(&small, "a:2");
    small.publish(&[]).await;
    let reader = small.db.client().await;
    let count = "SELECT count(*) FROM marts.changes";
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("begun");
    let before: i64 = reader.query_one(count, &[]).await.expect("a count").get(0);
    small.rollback(None).await.expect("a roll-back");
    set(&small, "a:3");
    small.publish(&[]).await;
    small.collect().await;
    let after: i64 = reader.query_one(count, &[]).await.expect("a count").get(0);
    assert_eq!((before, after), (2, 2));
    assert_eq!(small.value("SELECT string_agg(move, ' ' ORDER BY run_id) FROM marts.changes").await, "->1 1>3");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partial_run_published_without_the_history_is_not_compared_with() {
    let small = a_history().await;
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    set(&small, "a:2");
    small.publish(&["state"]).await;
    set(&small, "a:3");
    let third = small.publish(&[]).await;
    // The template is told that its history knows nothing of the live rows; this one then begins anew.
    assert_eq!(told(&small).await, format!("{first}:a->1 {third}:a->3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_the_run_read_the_history_with_its_own_events() {
    let small = a_history().await;
    small.table("sums", "SELECT count(*) AS events, max(run_id) AS newest FROM {{ ref('changes') }}");
    set(&small, "a:1");
    small.publish(&[]).await;
    set(&small, "a:2");
    let second = small.publish(&[]).await;
    assert_eq!(small.value("SELECT events || ' ' || newest FROM marts.sums").await, format!("2 {second}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_at_the_end_keeps_the_old_rows_and_a_changed_one_is_refused() {
    let small = a_history().await;
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    let more = CHANGES.replacen("AS move", "AS move, 7 AS weight", 1);
    small.model("changes", "materialized='history', indexes=[{'columns': ['customer_id']}]", &more);
    set(&small, "a:2");
    let second = small.publish(&[]).await;
    let weights =
        "SELECT string_agg(run_id || ':' || COALESCE(weight::text, 'null'), ' ' ORDER BY run_id) FROM marts.changes";
    assert_eq!(small.value(weights).await, format!("{first}:null {second}:7"));
    assert_eq!(stored(&small).await, "2 in 2");
    small.rollback(None).await.expect("a roll-back");
    assert_eq!(small.value(weights).await, format!("{first}:null"));
    set(&small, "a:3");
    let third = small.publish(&[]).await;
    assert_eq!(small.value(weights).await, format!("{first}:null {third}:7"));
    small.model("changes", "materialized='history'", CHANGES);
    let refused = small.build(&[]).await;
    assert!(
        refused.failed[0].1.contains("Column \"weight\" (integer) is published and no longer there."),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_keep_days_go() {
    let small = a_history().await;
    small.model("changes", "materialized='history', keep_days=30", CHANGES);
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    small.execute("UPDATE quintile.runs SET as_of = as_of - INTERVAL '31 days'").await;
    set(&small, "a:2");
    let second = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{first}:a->1 {second}:a1>2"));
    small.collect().await;
    assert_eq!(told(&small).await, format!("{second}:a1>2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_reaches_every_run_of_a_history() {
    let small = a_history().await;
    set(&small, "a:1 b:1");
    let first = small.publish(&[]).await;
    set(&small, "a:2 b:2");
    let second = small.publish(&[]).await;
    let person = Person { customer_id: "a".into(), ..Person::default() };
    let request = EraseRequest { person, reason: None, ..EraseRequest::default() };
    pipeline::erase(&small.warehouse, &small.settings, request).await.expect("an erasure");
    assert_eq!(told(&small).await, format!("{first}:b->1 {second}:b1>2"));
    small.rollback(None).await.expect("a roll-back");
    assert_eq!(told(&small).await, format!("{first}:b->1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_history_is_gone_and_one_of_its_name_begins_anew() {
    let small = a_history().await;
    set(&small, "a:1");
    small.publish(&[]).await;
    small.remove("changes");
    small.publish(&["state"]).await;
    pipeline::unpublish(&small.warehouse, &small.settings, "changes", false).await.expect("withdrawn");
    small.model("changes", "materialized='history', indexes=[{'columns': ['customer_id']}]", CHANGES);
    let again = small.publish(&[]).await;
    assert_eq!((told(&small).await, stored(&small).await), (format!("{again}:a->1"), "2 in 1".to_owned()));
    small.collect().await;
    assert_eq!(stored(&small).await, "1 in 1");
    small.remove("changes");
    pipeline::unpublish(&small.warehouse, &small.settings, "changes", false).await.expect("withdrawn");
    small.collect().await;
    assert_eq!(stored(&small).await, "0 in 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_have_histories_of_their_own() {
    let mut small = a_history().await;
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    let here = small.settings.clone();
    small.settings.workspace = "trial".into();
    let there = quintile::warehouse::Warehouse::connect(&small.settings, small.db.url()).await.expect("connected");
    set(&small, "a:2");
    let other = shop::build(&there, &small.settings, &[]).await;
    assert_eq!(other.state, "published", "{:?}", other.failed);
    small.settings = here;
    set(&small, "a:3");
    let third = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{first}:a->1 {third}:a1>3"));
    assert_eq!(
        small.value("SELECT string_agg(run_id || move, ' ') FROM trial_marts.changes").await,
        format!("{}->2", other.run_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn live_is_for_what_is_stored() {
    let small = a_history().await;
    set(&small, "a:1");
    small.model("seen", "materialized='view'", "SELECT 1 AS n {% if live('state') %}{% endif %}");
    let refused = shop::try_build(&small.warehouse, &small.settings, &[]).await.expect_err("a view compares nothing");
    assert_eq!((refused.kind, refused.message.as_str()), (Kind::Config, "model \"seen\" uses live(), and is a view"));
    small.model("seen", "materialized='table'", "SELECT 1 AS n {% if live('stat') %}{% endif %}");
    let refused = shop::try_build(&small.warehouse, &small.settings, &[]).await.expect_err("an unknown name");
    assert_eq!(refused.message, "model \"seen\" refers to unknown model \"stat\"");
    small.model(
        "seen",
        "materialized='table'",
        "SELECT {{ 'yes' if live('state', columns=['place', 'age']) else 'no' }} AS n",
    );
    let select = shop::try_build(&small.warehouse, &small.settings, &["changes", "state"]).await;
    assert_eq!(select.expect("a run").state, "published");
    let compiled = Command::new(env!("CARGO_BIN_EXE_quintile"))
        .args(["compile", "seen", "changes", "--project-dir"])
        .arg(&small.settings.project_dir)
        .env("DATABASE_URL", small.db.url())
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&compiled.stdout).into_owned();
    assert!(text.contains("SELECT no AS n") && text.contains("FULL JOIN \"marts\".\"state\" AS b"), "{text}");
}

/// A build by the program, killed or failing at a point.
async fn cut_off(small: &Small, plan: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
    command.args(["build", "--project-dir"]).arg(&small.settings.project_dir).env("DATABASE_URL", small.db.url());
    command.env("QUINTILE_CRASH_POINT", plan).env("QUINTILE__RUN__LEASE_SECONDS", "2");
    let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("the program runs");
    assert!(!ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_after_it_added_its_rows_adds_them_once() {
    let mut small = a_history().await;
    small.settings.run.lease_seconds = 2;
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    set(&small, "a:2");
    cut_off(&small, "history: appended:kill").await;
    assert_eq!((told(&small).await, stored(&small).await), (format!("{first}:a->1"), "2 in 1".to_owned()));
    let again = small.publish(&[]).await;
    assert_eq!(again, first + 1, "the same run, taken up");
    assert_eq!((told(&small).await, stored(&small).await), (format!("{first}:a->1 {again}:a1>2"), "2 in 1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_run_whose_publish_failed_are_left_out_and_collected() {
    let mut small = a_history().await;
    small.settings.run.lease_seconds = 2;
    set(&small, "a:1");
    let first = small.publish(&[]).await;
    set(&small, "a:2");
    cut_off(&small, "publish: begin:fail").await;
    assert_eq!((told(&small).await, stored(&small).await), (format!("{first}:a->1"), "2 in 1".to_owned()));
    set(&small, "a:3");
    let third = small.publish(&[]).await;
    assert_eq!(told(&small).await, format!("{first}:a->1 {third}:a1>3"));
    let out = "SELECT left_out::text FROM quintile.live WHERE relation = 'changes'";
    assert_eq!(small.value(out).await, format!("{{{}}}", third - 1));
    small.collect().await;
    assert_eq!((small.value(out).await, stored(&small).await), ("{}".to_owned(), "2 in 1".to_owned()));
    assert_eq!(told(&small).await, format!("{first}:a->1 {third}:a1>3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_of_rows_ask_what_a_run_adds_and_a_new_test_asks_all() {
    let small = a_history().await;
    let tested = |tests: &str| {
        let columns = "models:\n  - name: changes\n    columns:\n      - name: move\n        tests:";
        std::fs::write(small.settings.project_dir.join("models/schema.yml"), format!("{columns} {tests}\n"))
            .expect("a file");
    };
    tested("[not_null]");
    set(&small, "a:1");
    assert_eq!(spared(&small).await.state, "published");
    // No run looks at this row again: it was sound when it came.
    small.execute("DO $$ BEGIN EXECUTE (SELECT format('UPDATE quintile_store.%I SET move = NULL', relname) FROM pg_class WHERE relname ~ '^changes__h[0-9a-f]{8}$'); END $$").await;
    set(&small, "a:2");
    let second = spared(&small).await;
    assert_eq!((second.state.as_str(), second.built.len()), ("published", 2), "{:?}", second.failed);
    tested("[not_null, {accepted_values: {values: ['1>2', '2>3']}}]");
    set(&small, "a:3");
    assert_eq!(spared(&small).await.state, "published", "a null is no value that is not accepted");
    set(&small, "a:4");
    let fourth = spared(&small).await;
    assert_eq!(fourth.state, "failed", "what a run adds is asked");
    assert_eq!(fourth.failed[0].0, "accepted_values_changes_move");
    tested("[{not_null: {severity: error, name: whole}}, {accepted_values: {values: ['1>2', '2>3', '3>4']}}]");
    assert_eq!(spared(&small).await.failed[0].0, "whole", "a new test asks all rows");
}
