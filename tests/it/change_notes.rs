//! Whether a raw table has changed is known from notes: no change goes unnoticed, and nothing else looks like one.

use crate::harness::Database;
use crate::shop::{self, execute, value};
use quintile::pipeline::{self, BuildRequest, RunReport};
use quintile::warehouse::Warehouse;
use quintile::warehouse::sources::SourceTable;
use tokio::sync::watch;

async fn noted_orders(customers: i32) -> (Database, Warehouse) {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, customers).await;
    tend(&warehouse).await;
    (db, warehouse)
}

async fn tend(warehouse: &Warehouse) {
    let client = warehouse.client().await.expect("a connection");
    warehouse.tend_raw_tables(&client).await.unwrap_or_else(|e| panic!("{}", e.report()));
}

async fn version(warehouse: &Warehouse) -> String {
    let orders = SourceTable { name: "raw.orders".into(), schema: "raw".into(), table: "orders".into() };
    let versions = warehouse.source_versions(&[orders]).await.expect("versions");
    versions["raw.orders"].clone().expect("a table has a version")
}

async fn build(db: &Database, warehouse: &Warehouse) -> RunReport {
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest { trigger: "test".into(), ..BuildRequest::default() };
    let built = pipeline::build(warehouse, &db.settings(), &request, stop).await;
    built.unwrap_or_else(|e| panic!("{}", e.report()))
}

#[tokio::test]
async fn each_statement_that_changes_a_row_changes_the_version_and_no_other_does() {
    let (_db, warehouse) = noted_orders(20).await;
    let mut last = version(&warehouse).await;
    assert!(last.starts_with("noted 0 0 "), "{last}");
    for change in [
        "INSERT INTO raw.orders SELECT * FROM raw.orders LIMIT 1",
        "UPDATE raw.orders SET quantity = quantity + 1 WHERE customer_id = 'c1'",
        "DELETE FROM raw.orders WHERE customer_id = 'c2'",
        "SET session_replication_role = replica; DELETE FROM raw.orders WHERE customer_id = 'c4'; \
         RESET session_replication_role",
        "MERGE INTO raw.orders AS o USING (SELECT 'c3' AS id) AS n ON o.customer_id = n.id WHEN MATCHED THEN DELETE",
        "TRUNCATE raw.orders",
    ] {
        execute(&warehouse, change).await;
        let now = version(&warehouse).await;
        assert_ne!(now, last, "{change}");
        last = now;
    }
    // The counts of the session's last statements are to be gone.
    execute(&warehouse, "SELECT pg_stat_force_next_flush()").await;
    for no_change in [
        "INSERT INTO raw.orders SELECT * FROM raw.orders WHERE false",
        "UPDATE raw.orders SET quantity = 1 WHERE false",
        "DELETE FROM raw.orders WHERE false",
        "BEGIN; TRUNCATE raw.orders; ROLLBACK",
        "ANALYZE raw.orders",
        "VACUUM raw.orders",
        "INSERT INTO raw.products (source, product_id, load_id) VALUES ('s', 'p', 1)",
    ] {
        execute(&warehouse, no_change).await;
        assert_eq!(version(&warehouse).await, last, "{no_change}");
    }
}

#[tokio::test]
async fn many_notes_become_one_and_the_version_stays() {
    let (_db, warehouse) = noted_orders(1).await;
    execute(
        &warehouse,
        "DO $$ BEGIN FOR i IN 1..1200 LOOP UPDATE raw.orders SET quantity = i WHERE customer_id = 'c1'; END LOOP; END $$",
    )
    .await;
    let before = version(&warehouse).await;
    for _ in 0..2 {
        tend(&warehouse).await;
        assert_eq!(version(&warehouse).await, before);
        assert_eq!(value(&warehouse, "SELECT count(*) FROM quintile.change_notes").await, "1");
    }
    execute(&warehouse, "DELETE FROM raw.orders").await;
    assert_ne!(version(&warehouse).await, before);
}

#[tokio::test]
async fn a_table_whose_trigger_is_off_is_read_instead() {
    let (_db, warehouse) = noted_orders(3).await;
    for switch in ["DISABLE", "ENABLE REPLICA"] {
        execute(&warehouse, &format!("ALTER TABLE raw.orders {switch} TRIGGER quintile_note_change")).await;
        let before = version(&warehouse).await;
        assert!(!before.starts_with("noted"), "{before}");
        execute(&warehouse, "INSERT INTO raw.orders SELECT * FROM raw.orders LIMIT 1").await;
        assert_ne!(version(&warehouse).await, before);
    }
    execute(&warehouse, "DROP TRIGGER quintile_note_change ON raw.orders").await;
    assert!(!version(&warehouse).await.starts_with("noted"));
    tend(&warehouse).await;
    assert!(version(&warehouse).await.starts_with("noted"));
}

#[tokio::test]
async fn the_last_day_follows_the_orders_and_the_clock() {
    let (_db, warehouse) = noted_orders(5).await;
    let last_day = async || warehouse.last_complete_day(None).await.expect("orders").to_rfc3339();
    let append = |at: &str| {
        format!(
            "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
             VALUES ('s', 'of ' || {at}, 1, 'c1', {at}, 1, 1, 'EUR', 0)"
        )
    };
    let first = last_day().await;
    assert_eq!(last_day().await, first);
    execute(&warehouse, &append("timestamptz '2025-07-03 15:00+00'")).await;
    assert_eq!(last_day().await, "2025-07-04T00:00:00+00:00");
    // One of the future is remembered as the newest and is no answer, today or tomorrow.
    execute(&warehouse, &append("now() + interval '3 days'")).await;
    assert_eq!(last_day().await, "2025-07-04T00:00:00+00:00");
    assert_eq!(last_day().await, "2025-07-04T00:00:00+00:00");
    // Today is not over.
    execute(&warehouse, &append("now() - interval '1 second'")).await;
    let midnight = warehouse.last_midnight().await.expect("a clock");
    assert_eq!(last_day().await, midnight.to_rfc3339());
}

#[tokio::test]
async fn a_run_that_finds_nothing_new_builds_no_model_and_reads_no_source() {
    let (db, warehouse) = noted_orders(150).await;
    let first = build(&db, &warehouse).await;
    assert_eq!(first.state, "published", "{first:?}");
    let scans = "SELECT string_agg(relname || ' ' || seq_scan + COALESCE(idx_scan, 0), ', ' ORDER BY relname)
        FROM pg_stat_user_tables WHERE schemaname = 'raw'";
    // Sessions report what they did at their end, idle ones late.
    drop(warehouse);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let warehouse = db.warehouse().await;
    let before = value(&warehouse, scans).await;
    let second = build(&db, &warehouse).await;
    assert_eq!((second.state.as_str(), second.built.len()), ("published", 0), "{:?}", second.built);
    drop(warehouse);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(value(&db.warehouse().await, scans).await, before);
}
