//! The bundled data through the whole job, against the counts and fits that others published.

use crate::harness::Database;
use crate::shop;
use chrono::{DateTime, Utc};
use quintile::ingest::{self, IngestRequest};
use quintile::pipeline::{self, BuildRequest};
use quintile::warehouse::Warehouse;
use tokio::sync::watch;

/// Estimator, log-likelihood, parameters, their relative tolerance.
type Reference = (&'static str, f64, &'static [(&'static str, f64)], f64);

/// Loads a bundled file; rows loaded and rejected.
pub async fn load(warehouse: &Warehouse, file: &str, source: &str) -> (i64, i64) {
    let request = IngestRequest {
        file: shop::project_folder().join("seeds/demo").join(file),
        source: source.into(),
        mapping_dir: shop::project_folder().join("config/sources"),
        ..IngestRequest::default()
    };
    let report = ingest::ingest(warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
    (report.counts.rows_loaded, report.counts.rows_rejected)
}

/// Builds the selection as of an instant, leaving out the data tests, which other tests run.
async fn build(db: &Database, warehouse: &Warehouse, select: &str, as_of: Option<DateTime<Utc>>) {
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest {
        select: vec![select.into()],
        as_of,
        trigger: "test".into(),
        skip_tests: true,
        ..BuildRequest::default()
    };
    let report = pipeline::build(warehouse, &db.settings(), &request, stop).await.expect("a run");
    assert_eq!(report.state, "published", "{:?}", report.failed);
}

/// Chen, Sain and Guo (2012), cleaned as everybody does: no blank customers, positive quantity and price.
#[tokio::test(flavor = "multi_thread")]
async fn online_retail_has_4338_customers_and_18532_invoices() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    assert_eq!(load(&warehouse, "online_retail.csv.gz", "online_retail").await, (541_909, 0));
    build(&db, &warehouse, "+rfm_segments", None).await;
    let counts =
        "SELECT concat_ws(' ', (SELECT count(*) FROM marts.customers), (SELECT sum(order_count) FROM marts.customers),
        (SELECT count(*) FROM marts.rfm_segments), (SELECT max(as_of AT TIME ZONE 'UTC')::date FROM marts.customers))";
    assert_eq!(shop::value(&warehouse, counts).await, "4338 18532 4338 2011-12-10");
    let unfair = "SELECT count(*) FROM (
            SELECT r_score, f_score, m_score,
                least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY recency_days DESC))) AS r,
                least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY frequency))) AS f,
                least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY monetary))) AS m
            FROM marts.rfm_scores) AS scores
        WHERE (r_score, f_score, m_score) IS DISTINCT FROM (r, f, m)";
    assert_eq!(shop::value(&warehouse, unfair).await, "0", "the cheap scores equal their definition");
}

/// Fits of the CDNOW master file (23,570 customers, to 1997-09-30); parameters within 0.1 % (Pareto/NBD: 0.5 %).
#[tokio::test(flavor = "multi_thread")]
async fn cdnow_master_gives_the_reference_fits() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    assert_eq!(load(&warehouse, "CDNOW_master.txt.gz", "cdnow").await, (69_659, 0));
    let end = "1997-10-01T00:00:00Z".parse().expect("an instant");
    build(&db, &warehouse, "+customer_ltv", Some(end)).await;
    let facts = shop::value(&warehouse, "SELECT facts FROM quintile.fits WHERE model = 'customer_ltv'").await;
    let facts: serde_json::Value = serde_json::from_str(&facts).expect("JSON");
    assert_eq!((&facts["customers"], &facts["repeat_purchases"]), (&23_570.into(), &24_337.0.into()));
    let reference: [Reference; 3] = [
        ("bg_nbd", -95_368.443_93, &[("r", 0.251_624), ("alpha", 4.788_943), ("a", 0.723_434), ("b", 2.161_088)], 1e-3),
        (
            "mbg_nbd",
            -95_336.958_32,
            &[("r", 0.637_140), ("alpha", 7.310_289), ("a", 0.807_474), ("b", 1.228_394)],
            1e-3,
        ),
        (
            "pareto_nbd",
            -95_415.118_62,
            &[("r", 0.597_420), ("alpha", 11.585_658), ("s", 0.522_186), ("beta", 8.827_760)],
            5e-3,
        ),
    ];
    for (name, log_likelihood, parameters, tolerance) in reference {
        let fit =
            facts["candidates"].as_array().and_then(|all| all.iter().find(|c| c["estimator"] == name)).expect(name);
        let found = fit["log_likelihood"].as_f64().expect("a number");
        assert!(found > log_likelihood - 0.01, "{name}: log-likelihood {found}, reference {log_likelihood}");
        for (parameter, expected) in parameters {
            let found = fit["parameters"][parameter].as_f64().expect(parameter);
            assert!((found / expected - 1.0).abs() < tolerance, "{name}: {parameter} is {found}, reference {expected}");
        }
    }
    let judged = facts["appraisal"]["champion"]["candidates"].as_array().expect("cuts of the past");
    let best =
        judged.iter().map(|candidate| &candidate["estimator"]).find(|name| *name == "mbg_nbd" || *name == "pareto_nbd");
    assert_eq!(Some(&facts["estimator"]), best, "the best at cuts of the past of those that identify dropout");
    // The job counts the first purchase as an order; without it the fit is that of the reference (analytics::ltv::cdnow_tests).
    assert_eq!(
        (&facts["spend"]["estimator"], &facts["spend"]["includes_first_purchase"]),
        (&"gamma_gamma".into(), &true.into())
    );
}
