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
