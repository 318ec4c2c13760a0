//! The same lines in whatever file and however often are there once; what changed is replaced; what is in doubt is kept.

use super::shop::{HEADER, MAPPING, Shop, orders};
use quintile::ingest::{IngestRequest, Limit, LoadReport, ingest};
use serde_json::json;

/// A mapping whose files number the lines of an order.
fn with_lines() -> String {
    MAPPING.replace("discount = { column = \"Percent\", scale = 0.01 }", "line = \"Percent\"")
}

fn counts(report: &LoadReport) -> [i64; 6] {
    let parts = report.counts.rows_loaded
        + report.counts.rows_unchanged
        + report.counts.rows_rejected
        + report.counts.rows_erased;
    assert_eq!(report.counts.rows_read, parts, "{report:?}");
    [
        report.counts.rows_read,
        report.counts.rows_loaded,
        report.counts.rows_updated,
        report.counts.rows_unchanged,
        report.counts.rows_rejected,
        report.counts.rows_removed,
    ]
}

async fn lines(shop: &Shop) -> Vec<serde_json::Value> {
    let sql = "SELECT jsonb_agg(jsonb_build_array(order_id, line, quantity) ORDER BY order_id, line) AS lines FROM {raw}.orders";
    shop.rows(sql).await[0]["lines"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_old_order_that_changed_is_replaced_as_a_whole_by_whatever_file_has_it() {
    let shop = Shop::new().await;
    let january = "1,C,2023-01-01,1,10,\n2,C,2023-01-02,1,20,\n2,C,2023-01-02,2,20,\n3,C,2023-01-03,1,30,\n";
    let first = shop.load("january.csv", HEADER.to_owned() + january).await.unwrap();
    assert_eq!(counts(&first), [4, 4, 0, 0, 0, 0]);
    // Order 2 lost a line and changed the other; order 3 is as it was, though its price is written otherwise.
    let february = "2,C,2023-01-02,5,20,\n3,C,2023-01-03,1,30.00,\n4,C,2023-02-01,1,1,\n";
    let second = shop.load("february.csv", HEADER.to_owned() + february).await.unwrap();
    assert_eq!(counts(&second), [3, 2, 1, 1, 0, 0]);
    assert_eq!(lines(&shop).await, [json!(["1", 1, 1]), json!(["2", 1, 5]), json!(["3", 1, 1]), json!(["4", 1, 1])]);
    // An incremental model asks for what came after the greatest number it has seen.
    let sql = format!("SELECT order_id FROM {{raw}}.orders WHERE load_id > {} ORDER BY order_id", first.counts.load_id);
    assert_eq!(shop.rows(&sql).await, [json!({"order_id": "2"}), json!({"order_id": "4"})]);
}

#[tokio::test]
async fn identical_lines_are_legitimate_where_the_file_numbers_none() {
    let shop = Shop::new().await;
    let twice = "1,C,2023-01-01,1,10,\n1,C,2023-01-01,1,10,\n";
    assert_eq!(counts(&shop.load("a.csv", HEADER.to_owned() + twice).await.unwrap()), [2, 2, 0, 0, 0, 0]);
    assert_eq!(counts(&shop.load("b.csv", HEADER.to_owned() + twice).await.unwrap()), [2, 0, 0, 2, 0, 0]);
    assert_eq!(lines(&shop).await, [json!(["1", 1, 1]), json!(["1", 2, 1])]);
}

#[tokio::test]
async fn orders_that_do_not_stand_together_are_numbered_all_the_same() {
    let shop = Shop::new().await;
    let scattered =
        "1,C,2023-01-01,1,1,\n2,C,2023-01-01,2,1,\n1,C,2023-01-01,3,1,\n2,C,2023-01-01,4,1,\n1,C,2023-01-01,5,1,\n";
    let first = shop.load("a.csv", HEADER.to_owned() + scattered).await.unwrap();
    assert_eq!(counts(&first), [5, 5, 0, 0, 0, 0]);
    let expected = [json!(["1", 1, 1]), json!(["1", 2, 3]), json!(["1", 3, 5]), json!(["2", 1, 2]), json!(["2", 2, 4])];
    assert_eq!(lines(&shop).await, expected);
    // The same lines, sorted: the same lines.
    let mut sorted: Vec<&str> = scattered.lines().collect();
    sorted.sort_unstable();
    let again = shop.load("b.csv", HEADER.to_owned() + &sorted.join("\n") + "\n").await.unwrap();
    assert_eq!(counts(&again), [5, 0, 0, 5, 0, 0]);
    // One attempt went another way and left nothing, not even a record.
    assert_eq!(shop.count("loads").await, 2);
    let tables = "SELECT count(*) FROM pg_class WHERE relname ~ '^load_[0-9]'";
    assert_eq!(shop.rows(tables).await, [json!({"count": 0})]);
}

#[tokio::test]
async fn numbered_lines_count_once_and_contradictions_are_kept_with_both_lines() {
    let shop = Shop::new().await;
    shop.write("shop.toml", with_lines());
    let rows = "1,C,2023-01-01,1,10,1\n1,C,2023-01-01,1,10,2\n1,C,2023-01-01,1,10,1\n2,C,2023-01-01,1,10,1\n2,C,2023-01-01,7,10,1\n";
    let report = shop.load("a.csv", HEADER.to_owned() + rows).await.unwrap();
    assert_eq!(counts(&report), [5, 2, 0, 1, 2, 0]);
    assert_eq!(report.counts.rows_duplicate, 1);
    assert_eq!(lines(&shop).await, [json!(["1", 1, 1]), json!(["1", 2, 1])]);
    let rejected = shop.rows("SELECT line, reason, raw_text FROM {raw}.rejected_rows ORDER BY line").await;
    let reason = "lines 5, 6 have the same order_id and line and other content";
    assert_eq!(rejected[0], json!({"line": 5, "reason": reason, "raw_text": "2,C,2023-01-01,1,10,1"}));
    assert_eq!((rejected.len(), &rejected[1]["line"]), (2, &json!(6)));
    // What the database finds counts for the limit too, and then nothing is kept.
    let file = shop.write("b.csv", HEADER.to_owned() + &rows.replace("2023-01-01", "2023-01-05"));
    let request = IngestRequest { max_rejects: Some(Limit::Rows(1)), ..shop.request(file) };
    let error = ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap_err();
    assert!(error.report().contains("At most 1 rows are borne."), "{}", error.report());
    assert_eq!(
        shop.rows("SELECT count(*) FROM {raw}.orders WHERE ordered_at > '2023-01-03'").await,
        [json!({"count": 0})]
    );
    let failed = shop.rows("SELECT outcome, error, rows_read FROM {raw}.loads ORDER BY load_id DESC LIMIT 1").await;
    let error = "too many rows of file \"b.csv\" were rejected";
    assert_eq!(failed, [json!({"outcome": "failed", "error": error, "rows_read": 0})]);
}

#[tokio::test]
async fn an_unchanged_file_is_held_to_the_limit_too() {
    let shop = Shop::new().await;
    let file = shop.write("a.csv", orders(5) + "x,C,bad,1,1,\n");
    assert_eq!(
        ingest(&shop.warehouse, &shop.request(file.clone()), &mut |_| {}).await.unwrap().counts.rows_rejected,
        1
    );
    let request = IngestRequest { max_rejects: Some(Limit::Share(0.1)), ..shop.request(file) };
    let error = ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap_err();
    assert!(error.report().contains("At most 10 % of the rows are borne."), "{}", error.report());
}

#[tokio::test]
async fn an_empty_export_takes_nothing_out_unless_it_is_meant() {
    let shop = Shop::new().await;
    shop.load("a.csv", orders(5)).await.unwrap();
    let file = shop.write("a.csv", HEADER);
    let error = ingest(&shop.warehouse, &shop.request(file.clone()), &mut |_| {}).await.unwrap_err();
    assert_eq!(error.message, "file \"a.csv\" holds no row, and held some before");
    assert_eq!(shop.count("orders").await, 5);
    let request = IngestRequest { allow_empty: true, ..shop.request(file) };
    let report = ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap();
    assert_eq!((counts(&report), shop.count("orders").await), ([0, 0, 0, 0, 0, 5], 0));
}

#[tokio::test]
async fn files_of_one_name_in_two_folders_are_two_files() {
    let shop = Shop::new().await;
    for year in ["2022", "2023"] {
        std::fs::create_dir(shop.dir.path().join(year)).unwrap();
        let name = format!("{year}/orders.csv");
        let row = format!("{year},C,{year}-01-01,1,1,\n");
        assert_eq!(counts(&shop.load(&name, HEADER.to_owned() + &row).await.unwrap()), [1, 1, 0, 0, 0, 0]);
    }
    assert_eq!(shop.count("orders").await, 2);
}

#[tokio::test]
async fn customers_products_and_members_of_campaigns_load_the_same_way() {
    let shop = Shop::new().await;
    let mapping = r#"
        table = "customers"
        [columns]
        customer_id = "Order"
        name = "Customer"
        birth_date = { column = "Date", format = "%Y-%m-%d" }
        has_consent = "Qty"
    "#;
    shop.write("shop.toml", mapping);
    let people = "c1,Zoë,1980-02-29,yes,,\nc2,\"O'Hara, Ann\",,no,,\nc1,Zoë,1980-02-29,yes,,\nc3,Max,,maybe,,\n";
    let first = shop.load("people.csv", HEADER.to_owned() + people).await.unwrap();
    assert_eq!((counts(&first), first.counts.rows_duplicate, first.table), ([4, 2, 0, 1, 1, 0], 1, "customers"));
    let row = shop.rows("SELECT name, birth_date, has_consent, email FROM {raw}.customers ORDER BY customer_id").await;
    assert_eq!(row[0], json!({"name": "Zoë", "birth_date": "1980-02-29", "has_consent": true, "email": null}));
    let moved = people.replace("O'Hara", "Ohara");
    let second = shop.load("people2.csv", HEADER.to_owned() + &moved).await.unwrap();
    assert_eq!(counts(&second), [4, 1, 1, 2, 1, 0]);
}
