//! Movers: whose score changed by what they did, and whose only because the others moved the cut points.

use super::shop::Shop;

/// Moves of frequency and monetary; recency is the same in all these shops.
const MOVES: &str = "
    SELECT string_agg(concat_ws(' ', measure, from_score, to_score, cause, customers), ', ' ORDER BY measure, from_score, to_score, cause)
    FROM marts.rfm_movers";

#[tokio::test(flavor = "multi_thread")]
async fn moves_are_parted_by_their_cause() {
    let shop = Shop::of("SELECT n, 5, n, n, n FROM generate_series(1, 100) AS n").await;
    shop.publish().await;
    assert_eq!(shop.value("SELECT count(*) FROM marts.rfm_movers").await, "0", "nothing was published before");

    // The worst customer becomes the best. Nobody else did anything, and one place moves under each cut point.
    shop.refill("SELECT n, 5, CASE WHEN n = 1 THEN 500 ELSE n END, n, n FROM generate_series(1, 100) AS n").await;
    shop.publish().await;
    let expected = "frequency 1 5 own behaviour 1, frequency 2 1 moving cut points 1, frequency 3 2 moving cut points 1, \
        frequency 4 3 moving cut points 1, frequency 5 4 moving cut points 1";
    assert_eq!(shop.value(MOVES).await, expected);
    assert_eq!(shop.value("SELECT DISTINCT customer_share FROM marts.rfm_movers").await, "0.01");

    // A hundred better customers arrive: who was there falls, and did nothing for it. New customers are no movers.
    shop.refill(
        "SELECT n, 5, CASE WHEN n = 1 THEN 500 ELSE n END, n, n FROM generate_series(1, 100) AS n
         UNION ALL SELECT n, 5, 1000 + n, 1000 + n, n FROM generate_series(101, 200) AS n",
    )
    .await;
    shop.publish().await;
    let causes = "SELECT string_agg(DISTINCT cause, ', ') FROM marts.rfm_movers";
    assert_eq!(shop.value(causes).await, "moving cut points");
    assert_eq!(shop.value("SELECT sum(customers) > 100 FROM marts.rfm_movers").await, "true");

    // All double what they have: the scores stay, and nobody is a mover, whatever the cut points did.
    shop.refill(
        "SELECT n, 5, 2 * CASE WHEN n = 1 THEN 500 ELSE n END, 2 * n, n FROM generate_series(1, 100) AS n
         UNION ALL SELECT n, 5, 2000 + 2 * n, 2000 + 2 * n, n FROM generate_series(101, 200) AS n",
    )
    .await;
    shop.publish().await;
    assert_eq!(shop.value("SELECT count(*) FROM marts.rfm_movers").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_cut_points_leave_only_own_behaviour() {
    let mut shop = Shop::of("SELECT n, 5, n, n, n FROM generate_series(1, 100) AS n").await;
    let run = shop.publish().await.run_id;
    shop.set("rfm_breaks", "frozen");
    shop.set("rfm_frozen_run", run);
    shop.refill("SELECT n, 5, CASE WHEN n = 1 THEN 500 ELSE n END, n, n FROM generate_series(1, 200) AS n").await;
    shop.publish().await;
    assert_eq!(shop.value(MOVES).await, "frequency 1 5 own behaviour 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_of_revenue_and_of_profit_are_not_compared() {
    let mut shop = Shop::of("SELECT n, 5, n, n, -n FROM generate_series(1, 100) AS n").await;
    shop.publish().await;
    shop.set("rfm_monetary", "profit");
    shop.publish().await;
    assert_eq!(shop.value("SELECT count(*) FROM marts.rfm_movers").await, "0");
    assert_eq!(shop.value("SELECT m_score FROM marts.rfm_scores WHERE customer_id = '1'").await, "5");
}
