//! A made-up shop for tests: deterministic orders, and copies of the project that a test may change.

use quintile::config::Settings;
use quintile::pipeline::{self, BuildRequest, RunReport};
use quintile::warehouse::Warehouse;
use quintile::warehouse::gc_bound::Bound;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// The project of this repository.
pub fn project_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Orders of `customers` customers over two years up to 2025-06-30, the same every time.
///
/// A quarter buys once, some come back often; amounts and gaps come from hashes, so that no two tests differ.
pub async fn fill_orders(warehouse: &Warehouse, customers: i32) {
    let sql = "
        INSERT INTO {raw}.orders (
            source, order_id, line, customer_id, ordered_at, product_id, quantity, unit_price, country, currency, load_id
        )
        SELECT
            'made_up', format('%s-%s', c, n), 1, format('c%s', c),
            timestamptz '2023-07-01 10:00+00' + make_interval(days => least(
                (abs(hashint4(c)) % 500) + (n - 1) * (7 + abs(hashint4(c * 31)) % 60) + abs(hashint4(c * 7 + n)) % 9, 729)),
            format('p%s', n % 10), 1 + abs(hashint4(c + n)) % 4, 5 + (abs(hashint4(c * 3 + n)) % 9000) / 100.0, 'Utopia', 'EUR', 0
        FROM generate_series(1, $1::int) AS c
        CROSS JOIN LATERAL generate_series(1, 1 + (abs(hashint4(c * 13)) % 100) * (abs(hashint4(c * 17)) % 100) / 900) AS n"
        .replace("{raw}", &warehouse.schemas.raw);
    let client = warehouse.client().await.expect("a connection");
    client.execute(&sql, &[&customers]).await.expect("orders");
}

/// Builds everything (or what is selected) and returns the report.
pub async fn build(warehouse: &Warehouse, settings: &Settings, select: &[&str]) -> RunReport {
    try_build(warehouse, settings, select).await.expect("a run")
}

/// As [`build`], with the error.
pub async fn try_build(
    warehouse: &Warehouse,
    settings: &Settings,
    select: &[&str],
) -> quintile::error::Result<RunReport> {
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest {
        select: select.iter().map(|s| (*s).to_owned()).collect(),
        trigger: "test".into(),
        // Also where nothing has changed, so that each call is a run of its own.
        rebuild: true,
        ..BuildRequest::default()
    };
    pipeline::build(warehouse, settings, &request, stop).await
}

/// Collects garbage as the command line does after a run; the names of the dropped relations.
pub async fn collect(warehouse: &Warehouse, settings: &Settings) -> Vec<String> {
    let mut dropped = Vec::new();
    for _ in 0..50 {
        let collected =
            pipeline::collect_garbage(warehouse, settings, &Bound::after(std::time::Duration::from_secs(60))).await;
        let collected = collected.expect("a collection").expect("nobody else collects");
        dropped.extend(collected.dropped);
        if collected.waiting.is_empty() && collected.left.is_empty() {
            break;
        }
        // A connection of the pool may be ending a transaction just now.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    dropped
}

/// One value of the first row, as text.
pub async fn value(warehouse: &Warehouse, sql: &str) -> String {
    let client = warehouse.client().await.expect("a connection");
    let wrapped = format!("SELECT (SELECT v::text FROM ({sql}) AS t (v) LIMIT 1)");
    let row = client.query_one(&wrapped, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    row.get::<_, Option<String>>(0).unwrap_or_default()
}

/// Runs one statement.
pub async fn execute(warehouse: &Warehouse, sql: &str) {
    let client = warehouse.client().await.expect("a connection");
    client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

/// A copy of the project's models, macros, seeds and mappings that a test may break.
pub fn copy_project(to: &Path) {
    for folder in ["models", "macros", "seeds", "config"] {
        copy_folder(&project_folder().join(folder), &to.join(folder));
    }
}

/// A folder with all below it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            if entry.file_name() != "demo" {
                copy_folder(&entry.path(), &target);
            }
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
