//! Rejected rows that are listed, and tried again after the mapping was corrected.

use super::shop::{HEADER, MAPPING, Shop};
use quintile::ingest::{IngestRequest, ingest, rejected_files, retry};
use quintile::warehouse::rejects::RejectsFilter;
use serde_json::json;

const ROWS: &str = "1,C,2023-01-01,1,10,\n1,C,2023-01-01,two,10,\n2,C,2023-01-02,two,10,\n3,C,soon,1,10,\n";

#[tokio::test]
async fn rejected_rows_are_listed_by_reason_and_one_by_one() {
    let shop = Shop::new().await;
    let report = shop.load("a.csv", HEADER.to_owned() + ROWS).await.unwrap();
    let filter = RejectsFilter { source: Some("shop".into()), load_id: Some(report.counts.load_id) };
    let reasons = shop.warehouse.reject_reasons(&filter).await.unwrap();
    let told: Vec<_> = reasons.iter().map(|r| (r.rows, r.column.as_deref(), r.reason.as_str())).collect();
    let expected =
        [(2, Some("Qty"), "... is not a number"), (1, Some("Date"), "... is not a date of the form %Y-%m-%d")];
    assert_eq!(told, expected);
    let rows = shop.warehouse.kept_rejects(&filter, 2).await.unwrap();
    assert_eq!((rows.len(), rows[0].line, rows[0].raw_text.as_str()), (2, 3, "1,C,2023-01-01,two,10,"));
    let others = RejectsFilter { source: Some("other".into()), load_id: None };
    assert_eq!(shop.warehouse.reject_reasons(&others).await.unwrap(), []);
}

#[tokio::test]
async fn rows_that_fit_now_join_their_orders_and_leave_the_rejects() {
    let shop = Shop::new().await;
    let first = shop.load("a.csv", HEADER.to_owned() + ROWS).await.unwrap();
    assert_eq!((first.counts.rows_loaded, first.counts.rows_rejected), (1, 3));
    // The quantity comes from elsewhere now; the date of order 3 still does not fit.
    shop.write("shop.toml", MAPPING.replace("quantity = \"Qty\"", "quantity = { constant = 2 }"));
    let files = rejected_files(&shop.warehouse, shop.dir.path(), "shop").await.unwrap();
    assert_eq!(files.len(), 1);
    let report = retry(&shop.warehouse, shop.dir.path(), "shop", &files[0]).await.unwrap();
    assert_eq!(
        (report.counts.rows_read, report.counts.rows_loaded, report.counts.rows_updated, report.counts.rows_rejected),
        (3, 2, 1, 1)
    );
    let rows = shop.rows("SELECT order_id, line, quantity, load_id FROM {raw}.orders ORDER BY order_id, line").await;
    let row = |order: &str, line, quantity| json!({"order_id": order, "line": line, "quantity": quantity, "load_id": report.counts.load_id});
    assert_eq!(rows, [row("1", 1, 1), row("1", 2, 2), row("2", 1, 2)]);
    let left = shop.rows("SELECT line, column_name FROM {raw}.rejected_rows").await;
    assert_eq!(left, [json!({"line": 5, "column_name": "Date"})]);
    // The file itself is not taken for loaded by the new mapping: line 2 has the old quantity.
    let again = shop.load("a.csv", HEADER.to_owned() + ROWS).await.unwrap();
    assert_eq!(
        (again.is_unchanged, again.counts.rows_updated, again.counts.rows_unchanged, again.counts.rows_rejected),
        (false, 2, 1, 1)
    );
}

#[tokio::test]
async fn what_was_not_kept_whole_is_not_tried_again() {
    let shop = Shop::new().await;
    shop.load("a.csv", [HEADER.as_bytes(), b"1,C,2023-01-01,1,10,\n2,C\xff,2023-01-01,1,10,\n"].concat())
        .await
        .unwrap();
    let files = rejected_files(&shop.warehouse, shop.dir.path(), "shop").await.unwrap();
    let report = retry(&shop.warehouse, shop.dir.path(), "shop", &files[0]).await.unwrap();
    assert_eq!((report.counts.rows_read, report.counts.rows_loaded, report.counts.rows_rejected), (1, 0, 1));
    assert_eq!(
        shop.rows("SELECT reason FROM {raw}.rejected_rows").await,
        [json!({"reason": "the value is not valid UTF-8"})]
    );
    // Row numbers are not kept either.
    let mapping = MAPPING.replace("order_id = \"Order\"", "order_id = { join = [\"Order\"], row_number = true }");
    shop.write("shop.toml", mapping);
    let error = retry(&shop.warehouse, shop.dir.path(), "shop", &files[0]).await.unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("load the file again with the corrected mapping"));
}

#[tokio::test]
async fn what_an_erasure_left_of_a_row_is_not_tried_again_and_is_no_fault_of_the_mapping() {
    let shop = Shop::new().await;
    shop.load("a.csv", HEADER.to_owned() + ROWS).await.unwrap();
    let erased = "UPDATE {raw}.rejected_rows SET raw_text = '(erased)', reason = '(erased)' WHERE line = 4 RETURNING 1";
    let client = shop.warehouse.client().await.unwrap();
    client.execute(&erased.replace("{raw}", &shop.warehouse.schemas.raw), &[]).await.unwrap();
    drop(client);
    shop.write("shop.toml", MAPPING.replace("quantity = \"Qty\"", "quantity = { constant = 2 }"));
    for rejected_before in [2, 1] {
        let files = rejected_files(&shop.warehouse, shop.dir.path(), "shop").await.unwrap();
        let counts = retry(&shop.warehouse, shop.dir.path(), "shop", &files[0]).await.unwrap().counts;
        let expected = (rejected_before + 1, rejected_before - 1, 1, 1);
        assert_eq!((counts.rows_read, counts.rows_loaded, counts.rows_rejected, counts.rows_erased), expected);
        let left = shop.rows("SELECT line, reason, raw_text FROM {raw}.rejected_rows ORDER BY line").await;
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(left[0], json!({"line": 4, "reason": "(erased)", "raw_text": "(erased)"}));
    }
    // A file whose only column says so was erased by nobody.
    let words = shop.load("b.csv", HEADER.to_owned() + "1,C,2023-01-01,1,10,\n(erased)\n").await.unwrap();
    assert_eq!((words.counts.rows_rejected, words.counts.rows_erased), (1, 0));
}

#[tokio::test]
async fn one_file_for_two_tables_of_one_source_keeps_what_each_rejected() {
    let shop = Shop::new().await;
    let people = "source = \"shop\"\ntable = \"customers\"\n[columns]\ncustomer_id = \"Customer\"\n\
        birth_date = { column = \"Date\", format = \"%Y-%m-%d\" }\n";
    shop.write("people.toml", people);
    // Order 2 has no quantity, and neither order 3 nor its customer has a day.
    let rows = "1,C,2023-01-01,1,10,\n2,D,2023-01-02,two,10,\n3,E,soon,1,10,\n";
    let file = shop.write("a.csv", HEADER.to_owned() + rows);
    let of = |mapping: &str| IngestRequest { source: mapping.into(), ..shop.request(file.clone()) };
    for _ in 0..2 {
        for (mapping, rejected) in [("shop", 2), ("people", 1)] {
            let counts = ingest(&shop.warehouse, &of(mapping), &mut |_| {}).await.unwrap().counts;
            assert_eq!(counts.rows_rejected, rejected, "{mapping}");
        }
        assert_eq!((shop.count("orders").await, shop.count("customers").await), (1, 2));
        assert_eq!(shop.count("rejected_rows").await, 3);
    }
    // The same file by the same mapping, although that of the other table came between.
    assert!(ingest(&shop.warehouse, &of("shop"), &mut |_| {}).await.unwrap().is_unchanged);
    // A retry of the one leaves the rows of the other.
    let files = rejected_files(&shop.warehouse, shop.dir.path(), "shop").await.unwrap();
    shop.write("shop.toml", MAPPING.replace("quantity = \"Qty\"", "quantity = { constant = 2 }"));
    let counts = retry(&shop.warehouse, shop.dir.path(), "shop", &files[0]).await.unwrap().counts;
    assert_eq!((counts.rows_read, counts.rows_loaded, counts.rows_rejected), (2, 1, 1));
    assert_eq!(shop.count("rejected_rows").await, 2);
}
