//! Tiers by value against their definition: the best `ceil(share x customers)`, and whoever ties with the last of them.

use super::shop::Shop;

/// Customers in another tier than their definition's; `rank` is how many are strictly better, plus one.
const WRONG: &str = "
    SELECT string_agg(format('%s: %s not %s', customer_id, value_tier, tier), ', ') FROM (
        SELECT t.customer_id, t.value_tier,
            CASE
                WHEN value IS NULL THEN NULL
                WHEN place <= ceil(0.01 * customers) THEN 'Platinum'
                WHEN place <= ceil(0.05 * customers) THEN 'Gold'
                WHEN place <= ceil(0.10 * customers) THEN 'Silver'
                WHEN place <= ceil(0.25 * customers) THEN 'Bronze'
                WHEN place <= ceil(0.50 * customers) THEN 'Medium'
                ELSE 'Low'
            END AS tier
        FROM (SELECT *, rank() OVER (ORDER BY value DESC NULLS LAST) AS place, count(value) OVER () AS customers FROM marts.value_tiers) AS t
    ) AS d
    WHERE value_tier IS DISTINCT FROM tier";

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_the_best_shares_with_their_ties() {
    let mut shop = Shop::of("SELECT 1, 1, 1, 1, 1").await;
    let shapes = ["n * 1.01", "n / 7", "5", "CASE WHEN n < 4 THEN 100 ELSE 1 END", "n - 20"];
    for revenue in shapes {
        for customers in [1, 2, 3, 19, 20, 21, 99, 100, 101, 1000] {
            shop.refill(&format!("SELECT n, n, n, {revenue}, NULL::numeric FROM generate_series(1, {customers}) AS n"))
                .await;
            shop.publish().await;
            assert_eq!(shop.value(WRONG).await, "", "{revenue}, {customers} customers");
        }
    }
    let tiers = "SELECT string_agg(concat_ws(' ', value_tier, n), ', ' ORDER BY n, value_tier) FROM (
        SELECT value_tier, count(*) AS n FROM marts.value_tiers GROUP BY value_tier) AS t";
    assert_eq!(shop.value(tiers).await, "Platinum 10, Gold 40, Silver 50, Bronze 150, Medium 250, Low 500");
    // On a profit that nobody knows there are no tiers, and that is no fault.
    shop.set("value_tier_basis", "profit");
    shop.publish().await;
    assert_eq!(shop.value("SELECT count(value_tier) FROM marts.value_tiers").await, "0");
    assert_eq!(shop.value("SELECT DISTINCT basis FROM marts.value_tiers").await, "profit");
}
