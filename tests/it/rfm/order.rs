//! The same orders in another physical order give the same rows, byte for byte; and the summary adds up.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;

/// Rows of the relation as one text in the order of its columns, without the run and its instant.
fn rows_of(relation: &str) -> String {
    format!(
        "SELECT md5(string_agg(told, E'\\n' ORDER BY told)) FROM (
            SELECT (to_jsonb(t) - 'run_id' - 'as_of')::text FROM marts.{relation} AS t) AS r (told)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn another_physical_order_gives_the_same_rows() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 700).await;
    let relations =
        ["rfm_cut_points", "rfm_scores", "rfm_score_sizes", "rfm_segments", "value_tier_cut_points", "value_tiers"];
    let select: Vec<String> = relations.iter().map(|name| format!("+{name}")).collect();
    let select: Vec<&str> = select.iter().map(String::as_str).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    for order in ["order_id", "md5(order_id || customer_id)", "customer_id DESC"] {
        let shuffle = format!(
            "CREATE TABLE shuffled AS SELECT * FROM raw.orders ORDER BY {order}, line;
             DELETE FROM raw.orders; INSERT INTO raw.orders SELECT * FROM shuffled; DROP TABLE shuffled;"
        );
        shop::execute(&warehouse, &shuffle).await;
        let report = shop::build(&warehouse, &db.settings(), &select).await;
        assert_eq!(report.state, "published", "{:?}", report.failed);
        let mut rows = Vec::new();
        for relation in relations {
            rows.push(shop::value(&warehouse, &rows_of(relation)).await);
        }
        found.push(rows);
    }
    assert!(found[0].iter().all(|hash| hash.len() == 32), "{found:?}");
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_adds_up_for_every_scheme() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 400).await;
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let sums = "SELECT string_agg(concat_ws(' ', scheme, n, share, revenue), ', ' ORDER BY scheme) FROM (
        SELECT scheme, sum(customers) AS n, round(sum(customer_share)::numeric, 9)::float8 AS share,
            sum(revenue) = (SELECT sum(net_revenue) FROM marts.customers) AS revenue
        FROM marts.segment_summary GROUP BY scheme) AS t";
    let whole =
        ["classic11", "persona4", "rf10", "seed5", "seed7", "value_tier"].map(|scheme| format!("{scheme} 400 1 t"));
    assert_eq!(shop::value(&warehouse, sums).await, whole.join(", "));
    let members = "SELECT count(*) FROM (
        SELECT scheme, segment, count(*) AS customers, sum(monetary) AS revenue FROM marts.customer_segments GROUP BY scheme, segment
        EXCEPT SELECT scheme, segment, customers, revenue FROM marts.segment_summary) AS t";
    assert_eq!(shop::value(&warehouse, members).await, "0");
    // The demo's own figures are not whole numbers, so the means are compared with those of customer_360.
    let means = "SELECT count(*) FROM marts.segment_summary AS s
        JOIN (SELECT lifecycle_segment, avg(recency_days) AS r, avg(frequency) AS f, avg(m_score) AS m FROM marts.customer_360 GROUP BY 1) AS c
            ON s.scheme = 'seed7' AND s.segment = c.lifecycle_segment
        WHERE abs(s.mean_recency_days - c.r) > 1e-9 OR abs(s.mean_frequency - c.f) > 1e-9 OR abs(s.mean_m_score - c.m) > 1e-9";
    assert_eq!(shop::value(&warehouse, means).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_without_members_are_in_the_summary() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    // Too few for scores: the schemes by scores have segments and no members, tiers have both.
    shop::fill_orders(&warehouse, 60).await;
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let told = "SELECT string_agg(concat_ws(' ', scheme, n, customers), ', ' ORDER BY scheme) FROM (
        SELECT scheme, count(*) AS n, sum(customers) AS customers FROM marts.segment_summary
        WHERE scheme <> 'persona4' GROUP BY scheme) AS t";
    assert_eq!(shop::value(&warehouse, told).await, "classic11 11 0, rf10 10 0, seed5 5 0, seed7 7 0, value_tier 6 60");
    let wrong = "SELECT count(*) FROM marts.segment_summary
        WHERE (customers = 0) <> (mean_recency_days IS NULL) OR customer_share IS NULL OR revenue IS NULL";
    assert_eq!(shop::value(&warehouse, wrong).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_of_ones_own_reaches_every_list_of_schemes() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    let cells = "r_score,f_score,m_score,segment\n4-5,*,*,Here\n1-3,*,*,Away\n";
    std::fs::write(folder.path().join("seeds/presence.csv"), cells).expect("a seed");
    let mut settings = Settings { project_dir: folder.path().to_path_buf(), ..db.settings() };
    settings.vars.insert("segment_schemes".into(), serde_json::json!(["presence"]));
    shop::fill_orders(&warehouse, 200).await;
    let report = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    for (relation, segments) in [
        ("customer_360", "SELECT DISTINCT presence FROM marts.customer_360"),
        ("customer_segments", "SELECT DISTINCT segment FROM marts.customer_segments WHERE scheme = 'presence'"),
        ("segment_summary", "SELECT segment FROM marts.segment_summary WHERE scheme = 'presence'"),
        ("segment_history", "SELECT DISTINCT to_segment FROM marts.segment_history WHERE scheme = 'presence'"),
    ] {
        let told = format!("SELECT string_agg(s, ', ' ORDER BY s) FROM ({segments}) AS t (s)");
        assert_eq!(shop::value(&warehouse, &told).await, "Away, Here", "{relation}");
    }
}
