//! Clusters from run to run.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::pipeline::{self, BuildRequest};
use quintile::warehouse::Warehouse;
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_its_number_in_the_next_run() {
    let db = Database::new().await;
    let (warehouse, settings) = (db.warehouse().await, db.settings());
    shop::fill_orders(&warehouse, 400).await;
    assert_eq!(shop::build(&warehouse, &settings, &[]).await.state, "published");
    let agreement = "SELECT coalesce(adjusted_rand_index::text, 'none') FROM marts.cluster_quality WHERE is_chosen";
    assert_eq!(shop::value(&warehouse, agreement).await, "none");
    shop::execute(&warehouse, "CREATE TABLE before AS SELECT customer_id, cluster_id FROM marts.customer_clusters")
        .await;
    // A former fit with other numbers, as one that began long ago would have.
    let renumber = "UPDATE quintile.fits SET facts = jsonb_set(facts, '{clusters}', (SELECT jsonb_agg(
        c || jsonb_build_object('cluster_id', 17 - (c ->> 'cluster_id')::int)) FROM jsonb_array_elements(facts -> 'clusters') AS c))
        WHERE model = 'customer_clusters'";
    shop::execute(&warehouse, renumber).await;
    // Some new orders: most customers are where they were.
    let more = "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
        SELECT source, 'new ' || order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id + 1
        FROM raw.orders WHERE hashtext(order_id) % 50 = 0";
    shop::execute(&warehouse, more).await;
    assert_eq!(shop::build(&warehouse, &settings, &[]).await.state, "published");
    let kept = "SELECT (avg((c.cluster_id = 17 - b.cluster_id)::int) > 0.9)::text
        FROM marts.customer_clusters AS c INNER JOIN before AS b USING (customer_id)";
    assert_eq!(shop::value(&warehouse, kept).await, "true");
    let agreement = "SELECT (adjusted_rand_index BETWEEN 0.7 AND 1)::text FROM marts.cluster_quality WHERE is_chosen";
    assert_eq!(shop::value(&warehouse, agreement).await, "true");
    let others =
        "SELECT count(*)::text FROM marts.cluster_quality WHERE NOT is_chosen AND adjusted_rand_index IS NOT NULL";
    assert_eq!(shop::value(&warehouse, others).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_clustering_is_one_more_file() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    let model = "{{ config(materialized='cluster', key='customer_id', algorithm='gaussian_mixture', k_min=2, k_max=4) }}\n\
        SELECT s.customer_id, s.recency_days::float8 AS recency_days, s.frequency::float8 AS frequency FROM {{ ref('rfm_scores') }} AS s\n";
    std::fs::write(folder.path().join("models/analytics/rhythms.sql"), model).expect("written");
    let settings = quintile::config::Settings { project_dir: folder.path().into(), ..db.settings() };
    shop::fill_orders(&warehouse, 400).await;
    let run = shop::build(&warehouse, &settings, &["+rhythms"]).await;
    assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
    let all = "SELECT (count(*) = (SELECT count(*) FROM marts.customers) AND min(cluster_id) = 1 AND max(cluster_id) BETWEEN 2 AND 4
        AND bool_and(persona_confidence BETWEEN 0 AND 1))::text FROM marts.rhythms";
    assert_eq!(shop::value(&warehouse, all).await, "true");
    let reason = "SELECT (facts ->> 'reason') LIKE 'k = _ has the least criterion of Bayes from k = 2 to 4 (%).' FROM quintile.fits WHERE model = 'rhythms'";
    assert_eq!(shop::value(&warehouse, &format!("SELECT ({reason} LIMIT 1)::text")).await, "true");
    let wrong = model.replace("gaussian_mixture", "dbscan");
    std::fs::write(folder.path().join("models/analytics/rhythms.sql"), wrong).expect("written");
    let error = shop::try_build(&warehouse, &settings, &["+rhythms"]).await.expect_err("no such algorithm");
    assert!(error.report().contains("'kmeans' or 'gaussian_mixture'"), "{}", error.report());
}

/// As `shop::build`, but what need not be made anew is not.
async fn refresh(warehouse: &Warehouse, settings: &Settings) {
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest { trigger: "test".into(), ..BuildRequest::default() };
    let run = pipeline::build(warehouse, settings, &request, stop).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(run.state, "published", "{:?}", run.failed);
}

fn order(customer: &str, at: &str, quantity: i32) -> String {
    format!(
        "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
         VALUES ('made_up', '{customer} at {at}', 1, '{customer}', '{at}', {quantity}, 20, 'EUR', 1)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn between_two_fits_customers_are_assigned_by_the_server() {
    let db = Database::new().await;
    let (warehouse, settings) = (db.warehouse().await, db.settings());
    shop::fill_orders(&warehouse, 400).await;
    refresh(&warehouse, &settings).await;
    let fitted_in = "SELECT (facts -> 'fit' ->> 'run_id') FROM quintile.fits WHERE model = 'customer_clusters' ORDER BY run_id DESC";
    assert_eq!(shop::value(&warehouse, fitted_in).await, "1");
    shop::execute(&warehouse, "CREATE TABLE before AS SELECT * FROM marts.customer_clusters").await;
    shop::execute(&warehouse, &order("new", "2025-06-01 09:00+00", 2)).await;
    refresh(&warehouse, &settings).await;
    assert_eq!(shop::value(&warehouse, fitted_in).await, "1");
    // Nobody else has moved, and to the server they are where the fit has put them.
    let alike = "SELECT count(*) || ' ' || bool_and(c.cluster_id = b.cluster_id AND
            abs(c.persona_confidence - b.persona_confidence) < 1e-9 AND c.run_id > b.run_id)
        FROM marts.customer_clusters AS c INNER JOIN before AS b USING (customer_id)";
    assert_eq!(shop::value(&warehouse, alike).await, "400 true");
    let new = "SELECT (cluster_id IS NOT NULL AND persona_confidence BETWEEN 0 AND 1)::text FROM marts.customer_clusters WHERE customer_id = 'new'";
    assert_eq!(shop::value(&warehouse, new).await, "true");
    let told = "SELECT reason LIKE 'Customers were assigned to the clusters that run 1 made as of 2025-06-30. k = %'
        FROM marts.cluster_quality WHERE is_chosen";
    assert_eq!(shop::value(&warehouse, told).await, "true");
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.persona_summary WHERE customers > 0").await, "4");
    // A month later a new fit is due.
    shop::execute(&warehouse, &order("new", "2025-07-31 09:00+00", 1)).await;
    refresh(&warehouse, &settings).await;
    assert_eq!(shop::value(&warehouse, fitted_in).await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_who_have_moved_away_make_a_new_fit_due() {
    let db = Database::new().await;
    let (warehouse, settings) = (db.warehouse().await, db.settings());
    shop::fill_orders(&warehouse, 300).await;
    refresh(&warehouse, &settings).await;
    for n in 0..40 {
        shop::execute(&warehouse, &order(&format!("large {n}"), "2025-06-30 09:00+00", 1_000_000)).await;
    }
    refresh(&warehouse, &settings).await;
    let fitted_in = "SELECT (facts -> 'fit' ->> 'run_id') FROM quintile.fits WHERE model = 'customer_clusters' ORDER BY run_id DESC";
    assert_eq!(shop::value(&warehouse, fitted_in).await, "2");
}
