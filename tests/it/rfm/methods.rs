//! The other methods against their definitions, and what is said of settings that mean nothing.

use super::shop::Shop;
use serde_json::json;

/// Customers with ties in every measure, some below zero.
const CUSTOMERS: &str = "
    SELECT n, (hashint4(n) & 255), 1 + (hashint4(n * 3) & 31) / (1 + n % 5), ((hashint4(n * 7) & 4095) - 300) / 2, n
    FROM generate_series(1, 1000) AS n";

#[tokio::test(flavor = "multi_thread")]
async fn nested_scores_are_fifths_within_fifths() {
    let mut shop = Shop::of(CUSTOMERS).await;
    shop.set("rfm_method", "nested");
    shop.publish().await;
    let wrong = "
        WITH recent AS (
            SELECT *, least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY recency_days DESC))) AS r FROM marts.rfm_scores
        ),
        frequent AS (
            SELECT *, least(5, 1 + floor(5 * percent_rank() OVER (PARTITION BY r ORDER BY frequency))) AS f FROM recent
        ),
        rich AS (
            SELECT *, least(5, 1 + floor(5 * percent_rank() OVER (PARTITION BY r, f ORDER BY monetary))) AS m FROM frequent
        )
        SELECT count(*) FROM rich WHERE (r_score, f_score, m_score) IS DISTINCT FROM (r, f, m)";
    assert_eq!(shop.value(wrong).await, "0");
    // Independent fifths are other scores, or the test would prove nothing.
    let independent = "SELECT count(*) > 0 FROM (
        SELECT f_score, least(5, 1 + floor(5 * percent_rank() OVER (ORDER BY frequency))) AS f FROM marts.rfm_scores) AS t
        WHERE f_score <> f";
    assert_eq!(shop.value(independent).await, "true");
    let cells = "SELECT string_agg(concat_ws(' ', measure, n), ', ' ORDER BY measure) FROM (
        SELECT measure, count(*) AS n FROM marts.rfm_cut_points WHERE r_score IS NOT NULL GROUP BY measure) AS t";
    assert_eq!(shop.value(cells).await, "frequency 20, monetary 100");
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_scores_of_new_cells_fall_back_to_all_customers() {
    // Everybody has one recency, so that 2 to 5 have no cells.
    let mut shop = Shop::of("SELECT n, 10, n, n, n FROM generate_series(1, 200) AS n").await;
    shop.set("rfm_method", "nested");
    let run = shop.publish().await.run_id;
    shop.set("rfm_breaks", "frozen");
    shop.set("rfm_frozen_run", run);
    shop.refill("SELECT n, n % 20, n, n, n FROM generate_series(1, 200) AS n").await;
    shop.publish().await;
    assert_eq!(shop.value("SELECT count(rfm_code) FROM marts.rfm_scores").await, "200");
    let moved = "SELECT count(*) FROM marts.rfm_scores WHERE r_score = 5 AND f_score <> least(5, 1 + (frequency - 1) * 5 / 199)";
    assert_eq!(shop.value(moved).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_width_scores_are_steps_of_the_logarithm() {
    let mut shop = Shop::of(CUSTOMERS).await;
    shop.set("rfm_method", "log_width");
    shop.publish().await;
    // The step that the logarithm lies in, counted anew; within a rounding of the cut points either neighbour is right.
    let wrong = "
        WITH logs AS (
            SELECT r_score, f_score, m_score, ln(1 + recency_days) AS r, ln(1 + frequency) AS f,
                ln((1 + greatest(monetary, 0))::float8) AS m
            FROM marts.rfm_scores
        ),
        steps AS (
            SELECT l.*, 5 * (b.r_high - r) / (b.r_high - b.r_low) AS r_step, 5 * (f - b.f_low) / (b.f_high - b.f_low) AS f_step,
                5 * (m - b.m_low) / (b.m_high - b.m_low) AS m_step
            FROM logs AS l
            CROSS JOIN (SELECT min(r) AS r_low, max(r) AS r_high, min(f) AS f_low, max(f) AS f_high, min(m) AS m_low, max(m) AS m_high FROM logs) AS b
        )
        SELECT count(*) FROM steps
        WHERE least(5, greatest(1, ceil(r_step - 0.001))) > r_score OR least(5, greatest(1, ceil(r_step + 0.001))) < r_score
            OR least(5, greatest(1, ceil(f_step - 0.001))) > f_score OR least(5, greatest(1, ceil(f_step + 0.001))) < f_score
            OR least(5, greatest(1, ceil(m_step - 0.001))) > m_score OR least(5, greatest(1, ceil(m_step + 0.001))) < m_score";
    assert_eq!(shop.value(wrong).await, "0");
    assert_eq!(shop.value("SELECT count(DISTINCT r_score) FROM marts.rfm_scores").await, "5");
    for alike in ["3, 3, 3.33", "0, 1, 1000000000000.1234", "5, 1, -7"] {
        shop.refill(&format!("SELECT n, {alike}, NULL::numeric FROM generate_series(1, 100) AS n")).await;
        shop.publish().await;
        assert_eq!(
            shop.value("SELECT string_agg(DISTINCT rfm_code::text, ' ') FROM marts.rfm_scores").await,
            "111",
            "{alike}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_breaks_score_any_number_of_customers() {
    let rows = "SELECT * FROM (VALUES
        ('best', 0, 100, 5000.0, 1.0), ('on the cuts', 10, 9, 1000, 1), ('just better', 9, 10, 1000.01, 1), ('worst', 999, 1, 1, 1)
    ) AS v";
    let mut shop = Shop::of(rows).await;
    shop.set("rfm_method", "breaks");
    let points =
        json!({"recency_days": [180, 90, 45, 10], "frequency": [1, 2, 4, 9], "monetary": [50, 150, 400, 1000]});
    shop.set("rfm_break_points", points);
    shop.publish().await;
    let codes =
        "SELECT string_agg(concat_ws(' ', customer_id, rfm_code), ', ' ORDER BY customer_id) FROM marts.rfm_scores";
    assert_eq!(shop.value(codes).await, "best 555, just better 555, on the cuts 444, worst 111");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_mean_nothing_are_refused_with_what_may_be() {
    let cases = [
        (
            json!({"rfm_method": "ntile"}),
            "rfm_method is \"ntile\", which is no method; known: quintile, nested, breaks, log_width",
        ),
        (json!({"rfm_monetary": "margin"}), "rfm_monetary is \"margin\", which is no basis; known: revenue, profit"),
        (json!({"rfm_breaks": "never"}), "rfm_breaks is \"never\", which is unknown; known: refit, frozen"),
        (json!({"rfm_breaks": "frozen"}), "rfm_breaks = \"frozen\" needs the number of a run"),
        (json!({"rfm_frozen_run": 3}), "rfm_frozen_run is set, but rfm_breaks is \"refit\""),
        (json!({"rfm_method": "breaks", "rfm_breaks": "frozen", "rfm_frozen_run": 3}), "whose cut points never move"),
        (
            json!({"rfm_method": "breaks"}),
            "rfm_break_points.recency_days must be four numbers, from the worst to the best",
        ),
        (
            json!({"rfm_method": "breaks", "rfm_break_points": {"recency_days": [10, 20, 30, 40]}}),
            "rfm_break_points.recency_days goes from 10 to 20, which is not better; give the worst first, the most days",
        ),
        (
            json!({"rfm_method": "breaks", "rfm_break_points": {"recency_days": [4, 3, 2, 1], "frequency": [1, 2, 2, 3]}}),
            "rfm_break_points.frequency goes from 2 to 2, which is not better; give the worst first",
        ),
        (
            json!({"value_tier_basis": "hope"}),
            "value_tier_basis is \"hope\", which is no basis; known: revenue, profit, predicted_ltv",
        ),
        (json!({"segment_schemes": "mine"}), "segment_schemes must be a list of names of seeds"),
        (json!({"segment_schemes": ["rf10"]}), "segment_schemes names \"rf10\", which is taken"),
    ];
    let shop = Shop::of("SELECT n, n, n, n, n FROM generate_series(1, 100) AS n").await;
    for (vars, message) in cases {
        let mut settings = shop.settings.clone();
        settings.vars = serde_json::from_value(vars.clone()).expect("variables");
        let error = crate::shop::try_build(&shop.warehouse, &settings, &[]).await.expect_err("refused");
        assert!(error.report().contains(message), "{vars}: {}", error.report());
    }
}
