//! Frames out of a SELECT and into a table of the store.

use crate::harness::Database;
use chrono::DateTime;
use quintile::analytics::{Column, Values};

#[tokio::test]
async fn a_select_becomes_a_frame_with_text_keys_and_nan_for_null() {
    let db = Database::new().await;
    let sql = "SELECT 2.5::numeric AS spend, id AS customer_id, NULLIF(id, 2) AS \"Order Count\"\n\
               FROM generate_series(1, 3) AS id ORDER BY id -- the end";
    let frame = db.warehouse().await.read_frame(sql, "customer_id").await.unwrap();
    assert_eq!(frame.keys, ["1", "2", "3"]);
    assert_eq!(frame.floats("spend").unwrap(), [2.5, 2.5, 2.5]);
    let counts = frame.floats("Order Count").unwrap();
    assert_eq!((counts[0], counts[1].is_nan(), counts[2]), (1.0, true, 3.0));
}

#[tokio::test]
async fn what_cannot_be_a_frame_is_told() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let error = warehouse.read_frame("SELECT 1 AS id, 'x' AS name;\n", "id").await.unwrap_err();
    assert!(error.report().contains("Column \"name\" is of type text, not a number."), "{}", error.report());
    let error = warehouse.read_frame("SELECT NULL::text AS id, 1 AS x", "id").await.unwrap_err();
    assert_eq!(error.message, "key column \"id\" holds NULL");
    let error = warehouse.read_frame("SELECT id,\n  frm AS x", "id").await.unwrap_err();
    assert_eq!(error.sqlstate.as_deref(), Some("42703"));
    assert!(error.report().contains("SELECT id,\n"), "{}", error.report());
}

#[tokio::test]
async fn a_frame_becomes_a_table_and_nan_becomes_null() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let keys = ["a", "b\"é"].map(String::from);
    let columns = [
        Column::float("share", vec![0.5, f64::NAN]),
        Column { name: "cluster_id".into(), values: Values::Integer(vec![Some(4), None]) },
        Column { name: "per\"sona".into(), values: Values::Text(vec![None, Some("VIP".into())]) },
        Column { name: "is_new".into(), values: Values::Boolean(vec![Some(true), None]) },
    ];
    let as_of = DateTime::from_timestamp(1_600_000_000, 0).unwrap();
    let client = warehouse.client().await.unwrap();
    let schema = &warehouse.schemas.store;
    // The second time as a run does that is taken up after its process died.
    for _ in 0..2 {
        let write = warehouse.write_frame(&client, schema, "t__1", 7, as_of, "customer_id", &keys, &columns);
        assert_eq!(write.await.unwrap(), 2);
    }
    let rows =
        client.query(&format!("SELECT to_jsonb(t) FROM {schema}.t__1 AS t ORDER BY customer_id"), &[]).await.unwrap();
    let rows: Vec<serde_json::Value> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(rows[0]["share"], 0.5);
    assert_eq!(rows[0]["cluster_id"], 4);
    assert_eq!(rows[0]["is_new"], true);
    assert_eq!(rows[0]["run_id"], 7);
    assert!(rows[1]["share"].is_null() && rows[1]["cluster_id"].is_null() && rows[1]["is_new"].is_null());
    assert_eq!((&rows[1]["per\"sona"], &rows[1]["customer_id"]), (&"VIP".into(), &"b\"é".into()));
}

#[tokio::test]
async fn a_failed_write_leaves_no_table_and_a_usable_connection() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let client = warehouse.client().await.unwrap();
    let schema = &warehouse.schemas.store;
    let keys = ["a".to_owned(), "nul\0".to_owned()];
    let columns = [Column::float("x", vec![1.0, 2.0])];
    let as_of = DateTime::from_timestamp(0, 0).unwrap();
    let written = warehouse.write_frame(&client, schema, "broken", 1, as_of, "id", &keys, &columns).await;
    assert_eq!(written.unwrap_err().sqlstate.as_deref(), Some("22021"));
    let left = client.query_one("SELECT to_regclass($1) IS NULL", &[&format!("{schema}.broken")]).await.unwrap();
    assert!(left.get::<_, bool>(0));
    let short = warehouse.write_frame(&client, schema, "short", 1, as_of, "id", &keys[..1], &columns).await;
    assert_eq!(short.unwrap_err().message, "column \"x\" does not fit its table");
}

#[tokio::test]
async fn a_write_whose_caller_goes_away_leaves_no_open_transaction() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let client = warehouse.client().await.unwrap();
    let keys: Vec<String> = (0..200_000).map(|i| i.to_string()).collect();
    let columns = [Column::float("x", vec![1.0; keys.len()])];
    let as_of = DateTime::from_timestamp(0, 0).unwrap();
    let writing = warehouse.write_frame(&client, &warehouse.schemas.store, "gone", 1, as_of, "id", &keys, &columns);
    let gone = format!("{}.gone", warehouse.schemas.store);
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(15), writing).await;
    let asked = "SELECT to_regclass($1) IS NULL, pg_current_xact_id_if_assigned() IS NULL";
    let row = client.query_one(asked, &[&gone]).await.unwrap();
    assert!(row.get::<_, bool>(1), "a transaction is still open");
    assert_eq!(row.get::<_, bool>(0), given_up.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_hold_all_rows_once_and_end() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let client = warehouse.client().await.expect("a connection");
    for (rows, sizes) in [(7, vec![3, 3, 1]), (6, vec![3, 3]), (2, vec![2]), (0, vec![])] {
        let sql = format!("SELECT 'c' || i AS key, i AS x FROM generate_series(1, {rows}) AS i");
        let mut reader = warehouse.read_batches(&client, &sql, "key", 3).await.expect("a reader");
        let mut found = Vec::new();
        while let Some(frame) = reader.next().await.expect("rows") {
            found.push(frame.keys.len());
        }
        assert_eq!(found, sizes);
        assert!(reader.next().await.expect("nothing more").is_none());
    }
}
