//! Index and statistics of the raw tables: not a load's work, and there when somebody reads.

use super::shop::{Shop, orders};
use serde_json::{Value, json};

/// Whether the orders have their block index, and whether they were ever analysed.
async fn tended(shop: &Shop) -> (Value, Value) {
    let sql = "SELECT to_regclass('{raw}.orders_by_load') IS NOT NULL AS indexed, reltuples >= 0 AS analysed \
        FROM pg_class WHERE oid = '{raw}.orders'::regclass";
    let rows = shop.rows(sql).await;
    (rows[0]["indexed"].clone(), rows[0]["analysed"].clone())
}

#[tokio::test]
async fn the_second_file_finds_what_the_first_did_not_pay_for() {
    let shop = Shop::new().await;
    shop.load("january.csv", orders(5_000)).await.unwrap();
    assert_eq!(tended(&shop).await, (json!(false), json!(false)));
    shop.load("february.csv", orders(10)).await.unwrap();
    assert_eq!(tended(&shop).await, (json!(true), json!(true)));
}

#[tokio::test]
async fn a_load_under_way_does_not_hold_up_who_reads() {
    let shop = Shop::new().await;
    shop.load("january.csv", orders(5_000)).await.unwrap();
    let mut loader = shop.warehouse.client().await.expect("a connection");
    let load = loader.transaction().await.expect("a transaction");
    load.batch_execute(&format!("LOCK TABLE {}.orders IN ROW EXCLUSIVE MODE", shop.warehouse.schemas.raw))
        .await
        .expect("locked");
    let reader = shop.warehouse.client().await.expect("a connection");
    shop.warehouse.tend_raw_tables(&reader).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(tended(&shop).await, (json!(false), json!(true)));
    load.commit().await.expect("ended");
    shop.warehouse.tend_raw_tables(&reader).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(tended(&shop).await, (json!(true), json!(true)));
}
