//! A run of the whole project over the fewest connections that the settings allow.

use crate::harness::Database;
use crate::shop;
use quintile::warehouse::Warehouse;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gets_through_with_the_fewest_connections() {
    let db = Database::new().await;
    let mut settings = db.settings();
    settings.database.max_connections = 4;
    // The lease is renewed many times in this run.
    settings.run.lease_seconds = 3;
    shop::fill_orders(&db.warehouse().await, 60).await;
    let warehouse = Warehouse::connect(&settings, db.url()).await.unwrap_or_else(|e| panic!("{}", e.report()));
    // A page that somebody reads all the time.
    let _page = warehouse.client().await.expect("a connection");
    let built = tokio::time::timeout(Duration::from_secs(300), shop::build(&warehouse, &settings, &[])).await;
    let report = built.expect("an end");
    assert_eq!(report.state, "published", "{:?}", report.failed);
}
