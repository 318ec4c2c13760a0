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

/// The control schema as the program of migration 5 left it: runs 1 to 3 published `a` and `b`, the tables of the first
/// are gone, and run 3 built only `a`.
async fn of_version_5() -> Database {
    let db = Database::empty().await;
    let client = db.client().await;
    client.batch_execute("CREATE SCHEMA quintile; CREATE SCHEMA quintile_store").await.expect("schemas");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let files = std::fs::read_dir(folder).expect("the migrations").flatten().map(|entry| entry.path());
    let number = |path: &std::path::Path| -> Option<u32> {
        path.file_name()?.to_str()?.strip_prefix('V')?.split_once("__")?.0.parse().ok()
    };
    let mut old: Vec<_> = files.filter(|path| number(path).is_some_and(|number| number <= 5)).collect();
    old.sort_by_key(|path| number(path));
    for path in old {
        client.batch_execute(&std::fs::read_to_string(path).expect("SQL")).await.expect("applied");
    }
    let history = "CREATE TABLE quintile.schema_history (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255))";
    client.batch_execute(history).await.expect("the history");
    let current = Database::new().await;
    let ours = current.client().await;
    let applied = "SELECT version, name, applied_on, checksum FROM quintile.schema_history WHERE version <= 5";
    for row in ours.query(applied, &[]).await.expect("rows") {
        let (version, texts): (i32, [String; 3]) = (row.get(0), [row.get(1), row.get(2), row.get(3)]);
        let insert = "INSERT INTO quintile.schema_history VALUES ($1, $2, $3, $4)";
        client.execute(insert, &[&version, &texts[0], &texts[1], &texts[2]]).await.expect("a row");
    }
    client.batch_execute(include_str!("of_version_5.sql")).await.expect("what was published");
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_program_published_can_be_gone_back_to() {
    let db = of_version_5().await;
    let output = migrate(db.url()).output().expect("the program runs");
    assert!(output.status.success(), "{}", told(&output));
    let states = "SELECT string_agg(format('%s%s: %s', s.run_id, CASE WHEN is_live THEN ' live' END, shown), '; ' ORDER BY s.run_id)
        FROM quintile.published_states AS s
        JOIN (
            SELECT run_id, string_agg(relation || ':' || shown_run_id, ' ' ORDER BY relation) AS shown
            FROM quintile.published_relations GROUP BY run_id
        ) AS r ON r.run_id = s.run_id";
    let row = db.client().await.query_one(states, &[]).await.expect("a row");
    assert_eq!(row.get::<_, &str>(0), "2: a:2 b:2; 3 live: a:3 b:2");
    let warehouse = db.warehouse().await;
    let back = quintile::pipeline::rollback(&warehouse, &db.settings(), None).await.expect("a roll-back");
    assert_eq!(back.run_id, 2);
    let row = db.client().await.query_one("SELECT count(*) FROM marts.a", &[]).await.expect("a row");
    assert_eq!(row.get::<_, i64>(0), 2, "the rows of run 2");
}
