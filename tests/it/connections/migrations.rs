//! Processes that start at once on an empty database, and one that is older than the schema.

use super::pooler::Pooler;
use crate::harness::Database;
use std::process::{Command, Output, Stdio};

fn migrate(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
    command.args(["migrate", "--project-dir", env!("CARGO_MANIFEST_DIR"), "--database-url", url]);
    command.env_remove("DATABASE_URL").env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Five processes at once, through `url`, on the empty database `db`.
async fn five_at_once(db: &Database, url: &str) {
    let started: Vec<_> = (0..5).map(|_| migrate(url).spawn().expect("the program runs")).collect();
    for process in started {
        let output = tokio::task::spawn_blocking(move || process.wait_with_output()).await;
        let output = output.expect("joined").expect("an end");
        assert!(output.status.success(), "{}", told(&output));
    }
    let sql = "SELECT count(*), count(DISTINCT version) FROM quintile.schema_history";
    let row = db.client().await.query_one(sql, &[]).await.expect("a row");
    let (rows, versions): (i64, i64) = (row.get(0), row.get(1));
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).expect("the migrations").count();
    assert_eq!((rows, versions), (files as i64, files as i64), "each migration once");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_processes_that_start_at_once_migrate_once() {
    let db = Database::empty().await;
    five_at_once(&db, db.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_processes_that_start_at_once_behind_a_pooler_migrate_once() {
    let db = Database::empty().await;
    let Some(pooler) = Pooler::before(db.url()).await else { return };
    five_at_once(&db, &pooler.url(db.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_program_refuses_a_newer_schema() {
    let db = Database::new().await;
    let newer = "INSERT INTO quintile.schema_history (version, name, applied_on, checksum)
        VALUES (9999, 'later', '2030-01-01T00:00:00Z', '1')";
    db.client().await.batch_execute(newer).await.expect("a later version");
    let output = migrate(db.url()).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(told(&output));
}
