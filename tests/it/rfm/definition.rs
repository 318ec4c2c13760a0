//! The cheap scores are the defined ones, `least(5, 1 + floor(5 * percent_rank))`, whatever the customers are like.

use super::shop::Shop;

/// Customers whose scores are not those of the definition; the windows run over all customers, as the models must not.
const WRONG: &str = "
    SELECT string_agg(format('%s: %s%s%s not %s%s%s', customer_id, r_score, f_score, m_score, r, f, m), ', ') FROM (
        SELECT s.customer_id, s.r_score, s.f_score, s.m_score,
            least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY s.recency_days DESC))) AS r,
            least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY s.frequency))) AS f,
            CASE WHEN c.scored IS NOT NULL
                THEN least(5, 1 + floor(5 * percent_rank() OVER (PARTITION BY c.scored IS NULL ORDER BY c.scored))) END AS m
        FROM marts.rfm_scores AS s
        JOIN (SELECT customer_id, {scored} AS scored FROM shop.customers) AS c USING (customer_id)
    ) AS t
    WHERE (r_score, f_score, m_score) IS DISTINCT FROM (r, f, m)";

/// Distributions by name: days, orders, revenue as expressions of `n` out of `{n}` customers.
const SHAPES: [(&str, &str); 8] = [
    ("all different", "n, n, n * 1.5"),
    ("all equal", "30, 2, 99.99"),
    ("two values", "CASE WHEN n % 3 = 0 THEN 1 ELSE 300 END, 1 + n % 2, CASE WHEN n % 5 = 0 THEN 10 ELSE 20 END"),
    ("most buy once", "n % 400, CASE WHEN n % 4 = 0 THEN 2 + n % 9 ELSE 1 END, 5 + n % 17"),
    ("a best group of a quarter", "CASE WHEN n % 4 = 0 THEN 0 ELSE n END, least(n, 75), least(n, 75) * 10"),
    ("below zero", "n % 50, 1 + n % 5, n - 60"),
    ("skewed", "(hashint4(n) & 1023), 1 + (hashint4(n + 7) & 255) / 64 * (n % 3), exp((hashint4(n) & 65535) / 5000.0)"),
    ("a whale", "n % 90, n % 12 + 1, CASE WHEN n = 1 THEN 1000000000000.0001 ELSE n % 40 END"),
];

#[tokio::test(flavor = "multi_thread")]
async fn scores_equal_their_definition_on_every_shape_and_size() {
    let mut shop = Shop::of("SELECT 1, 1, 1, 1, 1").await;
    shop.set("min_customers", 1);
    let wrong = WRONG.replace("{scored}", "net_revenue");
    for (name, expressions) in SHAPES {
        for customers in [1, 2, 4, 5, 6, 99, 100, 101, 317] {
            shop.refill(&format!("SELECT n, {expressions}, NULL::numeric FROM generate_series(1, {customers}) AS n"))
                .await;
            shop.publish().await;
            assert_eq!(shop.value(&wrong).await, "", "{name}, {customers} customers");
            let scored = shop.value("SELECT count(rfm_code) FROM marts.rfm_scores").await;
            assert_eq!(scored, customers.to_string(), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_customers_have_no_scores_and_are_told_why() {
    let shop = Shop::of("SELECT n, n, n, n, n FROM generate_series(1, 99) AS n").await;
    let told = "SELECT string_agg(DISTINCT format('%s %s', rfm_code, unscored_reason), ', ') FROM marts.rfm_scores";
    shop.publish().await;
    assert_eq!(shop.value(told).await, " fewer than 100 customers");
    assert_eq!(shop.value("SELECT count(*) FROM marts.rfm_score_sizes WHERE is_empty").await, "15");
    shop.refill("SELECT n, n, n, n, n FROM generate_series(1, 100) AS n").await;
    shop.publish().await;
    assert_eq!(shop.value("SELECT count(rfm_code) FROM marts.rfm_scores WHERE unscored_reason IS NULL").await, "100");
    shop.refill("SELECT n, n, n, n, n FROM generate_series(1, 0) AS n").await;
    // Losing all rows is what the guard of publishes refuses; the models themselves have a defined answer.
    let report = shop.try_build().await.expect("a run");
    assert!(report.failed.iter().all(|(_, why)| why.contains("has no rows")), "{:?}", report.failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn profit_is_scored_where_it_is_known() {
    let known = "SELECT n, n, n, n, CASE WHEN n % 3 > 0 THEN -n END FROM generate_series(1, 300) AS n";
    let mut shop = Shop::of(known).await;
    shop.set("rfm_monetary", "profit");
    shop.publish().await;
    assert_eq!(shop.value(&WRONG.replace("{scored}", "profit")).await, "");
    let told = "SELECT string_agg(told, ', ' ORDER BY told) FROM (
        SELECT concat_ws(' ', coalesce(unscored_reason, 'scored'), monetary_basis, count(*), count(m_score), count(r_score))
        FROM marts.rfm_scores GROUP BY unscored_reason, monetary_basis) AS t (told)";
    assert_eq!(shop.value(told).await, "profit not known profit 100 0 100, scored profit 200 200 200");
    shop.refill("SELECT n, n, n, n, CASE WHEN n < 100 THEN n END FROM generate_series(1, 300) AS n").await;
    shop.publish().await;
    assert_eq!(shop.value(told).await, "profit known of fewer than 100 customers profit 300 0 300");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_that_ties_leave_empty_is_told() {
    let shop =
        Shop::of("SELECT n, n, CASE WHEN n <= 150 THEN 1 ELSE n END, n, n FROM generate_series(1, 300) AS n").await;
    shop.publish().await;
    let told =
        "SELECT string_agg(concat_ws(' ', measure, score, reason), ', ') FROM marts.rfm_score_sizes WHERE is_empty";
    // Half of the customers ordered once: they are the worst, and nobody is among the second or third fifth.
    assert_eq!(shop.value(told).await, "frequency 2 more than a fifth of the customers share one value");
    assert_eq!(shop.value("SELECT sum(customers) FROM marts.rfm_score_sizes WHERE measure = 'frequency'").await, "300");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_weighted_score_follows_the_weights() {
    let mut shop =
        Shop::of("SELECT n, (n * 7) % 100, (n * 3) % 11 + 1, (n * 5) % 77, n FROM generate_series(1, 200) AS n").await;
    let wrong = |r: &str, f: &str, m: &str| {
        format!(
            "SELECT count(*) FROM marts.rfm_scores
             WHERE weighted_score::numeric IS DISTINCT FROM {r} * r_score + {f} * f_score + {m} * m_score"
        )
    };
    shop.publish().await;
    assert_eq!(shop.value(&wrong("0.5", "0.3", "0.2")).await, "0");
    shop.set("rfm_weights", serde_json::json!({"r": 0.1, "f": 0.1, "m": 0.8}));
    shop.publish().await;
    assert_eq!(shop.value(&wrong("0.1", "0.1", "0.8")).await, "0");
    shop.set("rfm_weights", serde_json::json!({"r": 0.5, "f": 0.5, "m": 0.5}));
    assert!(shop.refuse().await.contains("rfm_weights add up to 1.5; they must add up to 1"));
}
