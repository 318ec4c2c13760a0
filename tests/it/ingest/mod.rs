//! Loads of files into the raw tables: what is written, what is kept aside, and that nothing half-done stays.

mod cancelled;
mod exactly_once;
mod killed;
mod late;
mod shop;
mod upkeep;

use quintile::error::Kind;
use quintile::ingest::{IngestRequest, Limit, Progress, ingest};
use shop::{HEADER, MAPPING, Shop, orders};
use std::io::Write;

#[tokio::test]
async fn rows_are_loaded_exactly_and_bad_ones_kept_with_their_reason() {
    let shop = Shop::new().await;
    let content = [
        HEADER.as_bytes(),
        b"A1,17850.0,2023-07-01,-2,12.345678901234567890,5\n",
        b"A2,N/A,2023-07-01,1,0,\n",
        b"A3,C,2023-02-30,1,1,\n",
        b"A4,C\xff,2023-07-01,1,1,\n",
        b"A5,\"'; drop table orders; --\",2023-07-01,1,1,\n",
        b"\\.\n",
    ];
    let report = shop.load("orders.csv", content.concat()).await.unwrap();
    assert_eq!((report.counts.rows_read, report.counts.rows_loaded, report.counts.rows_rejected), (6, 3, 3));
    let rows = shop
        .rows(
            "SELECT *, unit_price::text AS price, ordered_at AT TIME ZONE 'UTC' AS utc FROM {raw}.orders ORDER BY order_id",
        )
        .await;
    assert_eq!((&rows[0]["source"], &rows[0]["order_id"]), (&"shop".into(), &"A1".into()));
    assert_eq!((&rows[0]["customer_id"], &rows[0]["utc"]), (&"17850".into(), &"2023-06-30T22:00:00".into()));
    assert_eq!(rows[0]["price"], "12.345678901234567890");
    assert_eq!((rows[0]["quantity"].to_string(), rows[0]["discount"].to_string()), ("-2".into(), "0.05".into()));
    assert!(rows[1]["customer_id"].is_null());
    assert_eq!(rows[2]["customer_id"], "'; drop table orders; --");
    assert_eq!((&rows[2]["order_id"], &rows[2]["line"]), (&"A5".into(), &1.into()));
    let rejected = shop.rows("SELECT line, column_name, reason, raw_text FROM {raw}.rejected_rows ORDER BY line").await;
    assert_eq!((&rejected[0]["line"], &rejected[0]["column_name"]), (&4.into(), &"Date".into()));
    assert_eq!(rejected[0]["reason"], "\"2023-02-30\" does not exist in the calendar");
    assert_eq!(rejected[1]["raw_text"], "A4,C\u{fffd},2023-07-01,1,1,");
    assert!(rejected[2]["column_name"].is_null());
    let loads = shop.rows("SELECT * FROM {raw}.loads").await;
    assert_eq!((&loads[0]["rows_read"], &loads[0]["rows_rejected"]), (&6.into(), &3.into()));
    assert_eq!(loads[0]["load_id"], report.counts.load_id);
}

#[tokio::test]
async fn loading_again_changes_nothing_and_a_changed_file_replaces_its_rows() {
    let shop = Shop::new().await;
    let first = shop.load("orders.csv", orders(5_000)).await.unwrap();
    assert!(!first.is_unchanged);
    // Another file with orders that are there already.
    let other = shop.load("other.csv", orders(10)).await.unwrap();
    assert_eq!((other.is_unchanged, other.counts.rows_loaded, other.counts.rows_unchanged), (false, 0, 10));
    let again = shop.load("orders.csv", orders(5_000)).await.unwrap();
    assert!(again.is_unchanged && again.counts.load_id > first.counts.load_id);
    assert_eq!((again.counts.rows_read, again.counts.rows_loaded, again.counts.rows_unchanged), (5_000, 0, 5_000));
    assert_eq!(shop.count("orders").await, 5_000);
    let changed = shop.load("orders.csv", orders(4_000) + "x,C,bad,1,1,\n").await.unwrap();
    assert_eq!(
        (changed.is_unchanged, changed.counts.rows_unchanged, changed.counts.rows_removed),
        (false, 4_000, 1_000)
    );
    assert_eq!((shop.count("orders").await, shop.count("rejected_rows").await), (4_000, 1));
    // A changed mapping is a reason to load the same file anew.
    shop.write("shop.toml", MAPPING.replace("\"EUR\"", "\"GBP\""));
    let remapped = shop.load("other.csv", orders(10)).await.unwrap();
    assert_eq!(
        (remapped.counts.rows_loaded, remapped.counts.rows_updated, remapped.counts.rows_unchanged),
        (10, 10, 0)
    );
    let pounds = shop.rows("SELECT load_id FROM {raw}.orders WHERE currency = 'GBP'").await;
    assert_eq!((pounds.len(), &pounds[0]["load_id"]), (10, &remapped.counts.load_id.into()));
    assert_eq!(shop.count("orders").await, 4_000);
    let outcomes = shop.rows("SELECT outcome, rows_read FROM {raw}.loads ORDER BY load_id").await;
    let told: Vec<_> = outcomes.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(told, ["loaded", "loaded", "unchanged", "loaded", "loaded"]);
}

#[tokio::test]
async fn gzip_is_read_whatever_the_name_and_progress_adds_up() {
    let shop = Shop::new().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(orders(9_000).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let file = shop.write("orders.csv", &packed);
    let mut seen: Vec<Progress> = Vec::new();
    let report = ingest(&shop.warehouse, &shop.request(file), &mut |progress| seen.push(progress)).await.unwrap();
    assert_eq!((report.counts.rows_loaded, report.bytes), (9_000, packed.len() as u64));
    assert!(seen.len() > 3 && seen.windows(2).all(|pair| pair[0].rows_read <= pair[1].rows_read));
    let last = seen.last().unwrap();
    assert_eq!((last.rows_read, last.bytes_read, last.bytes_total), (9_000, report.bytes, report.bytes));
    // An upload that broke off leaves the former rows alone.
    let error = shop.load("orders.csv", &packed[..packed.len() - 20]).await.unwrap_err();
    assert_eq!(error.message, "file \"orders.csv\" cannot be read to its end");
    assert_eq!(shop.count("orders").await, 9_000);
}

#[tokio::test]
async fn a_load_that_fails_leaves_everything_as_it_was() {
    let shop = Shop::new().await;
    shop.load("orders.csv", orders(3_000)).await.unwrap();
    let none_fits = orders(3_000).replace(".50", ".fifty");
    let error = shop.load("orders.csv", &none_fits).await.unwrap_err();
    assert_eq!(error.message, "no row of file \"orders.csv\" fits mapping \"shop\" because of column \"Price\"");
    let bad = orders(6_000) + "x,C,bad,1,1,\n";
    let file = shop.write("orders.csv", &bad);
    for limit in [Limit::Rows(0), Limit::Share(0.0001)] {
        let request = IngestRequest { max_rejects: Some(limit), ..shop.request(file.clone()) };
        let error = ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap_err();
        assert_eq!((error.kind, error.message.contains("too many rows")), (Kind::Failed, true), "{}", error.report());
    }
    assert_eq!((shop.count("orders").await, shop.count("rejected_rows").await), (3_000, 0));
    assert_eq!(shop.rows("SELECT rows_loaded FROM {raw}.loads").await[0]["rows_loaded"], 3_000);
}

#[tokio::test]
async fn a_load_whose_caller_goes_away_leaves_nothing() {
    let shop = Shop::new().await;
    let file = shop.write("orders.csv", orders(40_000));
    let request = shop.request(file);
    let (told, mut tell) = (std::sync::Arc::new(tokio::sync::Notify::new()), 0);
    let begun = told.clone();
    let mut progress = |_| {
        tell += 1;
        begun.notify_one();
    };
    tokio::select! {
        _ = ingest(&shop.warehouse, &request, &mut progress) => panic!("the load ended before it was given up"),
        () = told.notified() => {}
    }
    assert_eq!((shop.count("orders").await, shop.count("loads").await), (0, 0));
    let report = ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap();
    assert_eq!(report.counts.rows_loaded, 40_000);
}

#[tokio::test]
async fn loads_of_one_file_at_once_write_it_once() {
    let shop = Shop::new().await;
    let request = shop.request(shop.write("orders.csv", orders(3_000)));
    let (mut quiet, mut silent) = (|_| {}, |_| {});
    let (a, b) =
        tokio::join!(ingest(&shop.warehouse, &request, &mut quiet), ingest(&shop.warehouse, &request, &mut silent));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(a.is_unchanged != b.is_unchanged);
    assert_eq!((a.counts.rows_read, b.counts.rows_read, shop.count("orders").await), (3_000, 3_000, 3_000));
}

#[tokio::test]
async fn what_cannot_be_loaded_is_told_with_the_next_step() {
    let shop = Shop::new().await;
    shop.write("café.toml", MAPPING);
    let file = shop.write("orders.csv", orders(1));
    let request = IngestRequest { source: "shoop".into(), ..shop.request(file) };
    let error = ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Config, "mapping \"shoop\" cannot be read"));
    assert!(error.detail.unwrap().ends_with("are: café, shop."));
    let request = IngestRequest { source: "../shop".into(), ..request };
    assert_eq!(ingest(&shop.warehouse, &request, &mut |_| {}).await.unwrap_err().kind, Kind::Usage);
    let error = shop.load("orders.csv", orders(3).replace("Price", "price in euro")).await.unwrap_err();
    assert!(error.report().contains("Column \"Price\" is missing"), "{}", error.report());
    let error = ingest(&shop.warehouse, &shop.request("none.csv".into()), &mut |_| {}).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Config, "file \"none.csv\" cannot be read"));
    let report = shop.load("header_only.csv", HEADER).await.unwrap();
    assert_eq!((report.counts.rows_read, report.counts.rows_loaded), (0, 0));
}
