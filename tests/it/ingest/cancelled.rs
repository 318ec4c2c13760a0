//! Orders of a monster's size that were cancelled within minutes: they net out, and are nobody's revenue.

use crate::harness::Database;
use crate::shop as made_up;
use quintile::ingest::{IngestRequest, ingest};

/// Lines of UCI "Online Retail": both monster orders, and the one other order of the customer of the second.
const LINES: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
541431,23166,MEDIUM CERAMIC TOP STORAGE JAR,74215,2011-01-18 10:01:00,1.04,12346.0,United Kingdom
C541433,23166,MEDIUM CERAMIC TOP STORAGE JAR,-74215,2011-01-18 10:17:00,1.04,12346.0,United Kingdom
553573,22980,PANTRY SCRUBBING BRUSH,1,2011-05-18 09:52:00,1.65,16446.0,United Kingdom
553573,22982,PANTRY PASTRY BRUSH,1,2011-05-18 09:52:00,1.25,16446.0,United Kingdom
581483,23843,\"PAPER CRAFT , LITTLE BIRDIE\",80995,2011-12-09 09:15:00,2.08,16446.0,United Kingdom
C581484,23843,\"PAPER CRAFT , LITTLE BIRDIE\",-80995,2011-12-09 09:27:00,2.08,16446.0,United Kingdom
";

#[tokio::test(flavor = "multi_thread")]
async fn monster_orders_that_were_cancelled_the_same_day_net_out() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("monsters.csv");
    std::fs::write(&file, LINES).unwrap();
    let request = IngestRequest {
        file,
        source: "online_retail".into(),
        mapping_dir: made_up::project_folder().join("config/sources"),
        ..IngestRequest::default()
    };
    // Twice: what nets out once must not be doubled by a second load.
    for rows_loaded in [6, 0] {
        assert_eq!(ingest(&warehouse, &request, &mut |_| {}).await.unwrap().counts.rows_loaded, rows_loaded);
    }
    let report = made_up::build(&warehouse, &database.settings(), &["+customers"]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let totals = "SELECT string_agg(concat_ws(' ', customer_id, gross_revenue, returned_revenue, net_revenue), ', ' ORDER BY customer_id) FROM marts.customers";
    let expected = "12346 77183.6000 77183.6000 0.0000, 16446 168472.5000 168469.6000 2.9000";
    assert_eq!(made_up::value(&warehouse, totals).await, expected);
}
