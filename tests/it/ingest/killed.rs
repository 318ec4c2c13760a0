//! A load killed once at every point where it changes something: it is there whole or not at all, and the next one ends.

use super::shop::{HEADER, MAPPING};
use crate::harness::Database;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

/// No load of this file has more points.
const MOST: u64 = 60;

async fn load(database: &Database, project: &Path, plan: Option<String>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
    command.arg("ingest").arg(project.join("orders.csv")).args(["--source", "shop", "--project-dir"]).arg(project);
    command.env("DATABASE_URL", database.url()).envs(plan.map(|plan| ("QUINTILE_CRASH_POINT", plan)));
    tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("the program runs")
}

/// Sum of the quantities, rejected rows, tables that loads left behind.
async fn state(database: &Database) -> (i64, i64, i64) {
    let sql = "SELECT coalesce(sum(quantity), 0)::bigint, (SELECT count(*) FROM raw.rejected_rows),
        (SELECT count(*) FROM pg_class WHERE relname ~ '^load_[0-9]') FROM raw.orders";
    let row = database.client().await.query_one(sql, &[]).await.expect("a row");
    (row.get(0), row.get(1), row.get(2))
}

/// Ten orders, each of this quantity, and as many rows that do not fit.
fn orders(quantity: u64) -> String {
    let row = |order| format!("{order},C,2023-01-01,{quantity},1,\n{order},C,never,{quantity},1,\n");
    HEADER.to_owned() + &(1..=10).map(row).collect::<String>()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_killed_at_any_point_is_there_whole_or_not_at_all() {
    let database = Database::new().await;
    let project = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(project.path().join("config/sources")).expect("a folder");
    std::fs::write(project.path().join("config/sources/shop.toml"), MAPPING).expect("written");
    let file = project.path().join("orders.csv");
    std::fs::write(&file, orders(1)).expect("written");
    assert!(load(&database, project.path(), None).await.status.success());
    let (mut killed, mut after_commit) = (0, 0);
    for number in 1..=MOST {
        let before = state(&database).await;
        std::fs::write(&file, orders(number + 1)).expect("written");
        let ended = load(&database, project.path(), Some(format!("{number}:kill"))).await;
        if ended.status.signal().is_none() {
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            break;
        }
        killed += 1;
        let whole = (10 * i64::try_from(number + 1).expect("small"), 10, 0);
        let now = state(&database).await;
        assert!(now == before || now == whole, "point {number}: {now:?} is neither {before:?} nor {whole:?}");
        after_commit += u64::from(now == whole);
        let next = load(&database, project.path(), None).await;
        assert!(next.status.success(), "after point {number}: {}", String::from_utf8_lossy(&next.stderr));
        assert_eq!(state(&database).await, whole, "after point {number}");
    }
    assert!(killed >= 8 && after_commit > 0 && after_commit < killed, "{killed} points, {after_commit} after COMMIT");
}
