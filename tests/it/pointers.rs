//! Pointers and tables in unusual hands: roll-backs over changed shapes, dropped views, paused processes, two starts at once.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::error::Kind;
use quintile::pipeline;
use quintile::warehouse::runs::NewRun;
use std::path::Path;

/// A project of one small table, with an index on `column`.
fn write_project(folder: &Path, column: &str) {
    std::fs::create_dir_all(folder.join("models")).expect("a folder");
    let sql = format!(
        "{{{{ config(materialized='table', indexes=[{{'columns': ['{column}']}}]) }}}}\nSELECT 1 AS first, 2 AS second"
    );
    std::fs::write(folder.join("models/pair.sql"), sql).expect("a model");
}

fn settings_in(db: &Database, folder: &Path) -> Settings {
    Settings { project_dir: folder.to_path_buf(), ..db.settings() }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rollback_over_another_shape_the_next_run_is_seen() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings_in(&db, folder.path());
    write_project(folder.path(), "first");
    let first = shop::build(&warehouse, &settings, &[]).await;
    write_project(folder.path(), "second");
    shop::build(&warehouse, &settings, &[]).await;
    pipeline::rollback(&warehouse, &settings, None).await.expect("a roll-back");
    assert_eq!(shop::value(&warehouse, "SELECT run_id FROM marts.pair").await, first.run_id.to_string());
    let third = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(shop::value(&warehouse, "SELECT run_id FROM marts.pair").await, third.run_id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_over_an_added_column_shows_it_empty() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings_in(&db, folder.path());
    write_project(folder.path(), "first");
    shop::build(&warehouse, &settings, &[]).await;
    let wider = "{{ config(materialized='table') }}\nSELECT 1 AS first, 2 AS second, 3 AS third";
    std::fs::write(folder.path().join("models/pair.sql"), wider).expect("a model");
    let second = shop::build(&warehouse, &settings, &[]).await;
    pipeline::rollback(&warehouse, &settings, None).await.expect("a roll-back");
    let shown = "SELECT concat_ws(' ', first, second, coalesce(third::text, 'empty')) FROM marts.pair";
    assert_eq!(shop::value(&warehouse, shown).await, "1 2 empty");
    pipeline::rollback(&warehouse, &settings, Some(second.run_id)).await.expect("forward again");
    assert_eq!(shop::value(&warehouse, shown).await, "1 2 3");
    shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(shop::value(&warehouse, shown).await, "1 2 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_to_a_run_that_was_never_published_is_refused() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings_in(&db, folder.path());
    write_project(folder.path(), "first");
    shop::build(&warehouse, &settings, &[]).await;
    let refused = pipeline::rollback(&warehouse, &settings, Some(999)).await.expect_err("no such run");
    assert_eq!(
        (refused.kind, refused.message.as_str()),
        (Kind::Usage, "run 999 was never published in workspace \"default\"")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_view_comes_back_with_the_next_run() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings_in(&db, folder.path());
    write_project(folder.path(), "first");
    shop::build(&warehouse, &settings, &[]).await;
    shop::execute(&warehouse, "DROP VIEW marts.pair").await;
    let second = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(shop::value(&warehouse, "SELECT run_id FROM marts.pair").await, second.run_id.to_string());
}

fn run_under(fence: i64) -> NewRun {
    NewRun {
        trigger: "test".into(),
        as_of: chrono::DateTime::UNIX_EPOCH,
        lease: "run:default".into(),
        fence,
        process: "a test".into(),
        request: String::new(),
        slot: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_lost_its_lease_does_not_close_the_run_of_the_next() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let dead = warehouse.start_run(&run_under(1)).await.expect("a run");
    let newer = warehouse.start_run(&run_under(3)).await.expect("a run");
    warehouse.close_abandoned_runs(2, None).await.expect("a process that was slow");
    let state = |run_id: i64| format!("SELECT state FROM quintile.runs WHERE run_id = {run_id}");
    assert_eq!(shop::value(&warehouse, &state(dead)).await, "interrupted");
    assert_eq!(shop::value(&warehouse, &state(newer)).await, "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_collection_leaves_the_new_parent_of_a_run_under_way() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let run_id = warehouse.start_run(&run_under(1)).await.expect("a run");
    let parent = "CREATE TABLE quintile_store.pair__0123abcd (run_id bigint) PARTITION BY LIST (run_id)";
    shop::execute(&warehouse, parent).await;
    let settings = db.settings();
    assert!(shop::collect(&warehouse, &settings).await.is_empty());
    warehouse.finish_run(run_id, "failed", None).await.expect("an end");
    assert_eq!(shop::collect(&warehouse, &settings).await, ["pair__0123abcd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_prepare_one_workspace() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    for number in 0..5 {
        let settings = db.settings().with_workspace(&format!("shop_{number}"));
        let other = warehouse.with_schemas(settings.schemas().expect("names"));
        let prepared = futures_util::future::join_all((0..4).map(|_| other.prepare_workspace(None))).await;
        for result in prepared {
            result.unwrap_or_else(|e| panic!("{}", e.report()));
        }
    }
    let indexes = "SELECT count(*) FROM pg_indexes WHERE indexname = 'loads_by_file' AND schemaname LIKE 'shop%'";
    assert_eq!(shop::value(&warehouse, indexes).await, "5");
}
