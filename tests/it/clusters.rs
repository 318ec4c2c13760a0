//! Clusters from run to run.

use crate::harness::Database;
use crate::shop;

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
    let reason = "SELECT (facts ->> 'reason') LIKE 'k = _ has the least criterion of Bayes from k = 2 to 4 (%).' FROM quintile.fits";
    assert_eq!(shop::value(&warehouse, &format!("SELECT ({reason} LIMIT 1)::text")).await, "true");
    let wrong = model.replace("gaussian_mixture", "dbscan");
    std::fs::write(folder.path().join("models/analytics/rhythms.sql"), wrong).expect("written");
    let error = shop::try_build(&warehouse, &settings, &["+rhythms"]).await.expect_err("no such algorithm");
    assert!(error.report().contains("'kmeans' or 'gaussian_mixture'"), "{}", error.report());
}
