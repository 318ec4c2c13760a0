//! Early warnings: each kind with exact figures, and silence where only the fit or the groups have moved.

use crate::small::Small;

/// The bundled model over two tables that a test writes.
async fn watched() -> Small {
    let small = Small::new().await;
    let folder = &small.settings.project_dir;
    let own = crate::shop::project_folder();
    std::fs::create_dir_all(folder.join("macros")).expect("a folder");
    for (from, to) in [
        ("models/history/early_warnings.sql", "models/early_warnings.sql"),
        ("macros/wording.sql", "macros/wording.sql"),
    ] {
        std::fs::copy(own.join(from), folder.join(to)).expect("copied");
    }
    // Ten orders of c1, ten days apart, but for the last gap of 40; three of c2; the last ones 25 days ago.
    small.table(
        "customer_orders",
        "SELECT 'c1' AS customer_id, false AS is_return,
             DATE '2024-01-01' + 10 * n + CASE WHEN n = 9 THEN 30 ELSE 0 END AS order_date
         FROM generate_series(0, 9) AS n
         UNION ALL
         SELECT 'c2', false, DATE '2024-01-01' + 10 * n FROM generate_series(0, 2) AS n",
    );
    small.table(
        "customer_purchases",
        "SELECT g.customer_id, (count(*) - 1)::integer AS repeat_count,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY g.gap_days) AS usual_gap_days
         FROM (SELECT o.customer_id, o.order_date - lag(o.order_date) OVER (PARTITION BY o.customer_id ORDER BY o.order_date) AS gap_days
             FROM {{ ref('customer_orders') }} AS o) AS g
         GROUP BY g.customer_id",
    );
    small
}

/// Twenty customers c1 to c20: `persona` and `probability` are SQL over the number n, `recency` days since the last order.
fn set(small: &Small, persona: &str, probability: &str, recency: i32) {
    small.table(
        "customer_360",
        &format!(
            "SELECT 'c' || n AS customer_id, {persona} AS persona, ({probability})::float8 AS purchase_probability_90d,
                 100.0 * n AS predicted_ltv, CASE n WHEN 1 THEN 10 WHEN 2 THEN 3 ELSE 1 END AS frequency,
                 CASE WHEN n <= 2 THEN {recency} ELSE 0 END AS recency_days, 30.5 AS average_order_value,
                 500.0 AS monetary, 'EUR' AS currency
             FROM generate_series(1, 20) AS n"
        ),
    );
}

async fn told(small: &Small) -> String {
    small
        .value(
            "SELECT string_agg(format('%s %s %s', kind, customer_id, value_at_stake::float8), ', ' ORDER BY kind, rank)
             FROM marts.early_warnings",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fall_beyond_that_of_all_is_told_and_a_fall_of_all_is_not() {
    let small = watched().await;
    set(&small, "'Loyalists'", "0.9", 0);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, "", "there is nothing to compare with");
    // All fall by 0.02; c5 by 0.52, c4 by 0.32, c3 by 0.1, which is not 0.1 more than all.
    set(&small, "'Loyalists'", "0.88 - CASE n WHEN 5 THEN 0.5 WHEN 4 THEN 0.3 WHEN 3 THEN 0.08 ELSE 0 END", 0);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, "fading c5 250, fading c4 120");
    let message = small.value("SELECT message FROM marts.early_warnings WHERE rank = 1").await;
    assert_eq!(
        message,
        "A purchase in the next 90 days was expected with 90.0% and is now with 38.0%; that is worth EUR 250."
    );
    set(&small, "'Loyalists'", "0.5 - CASE n WHEN 6 THEN 0.4 ELSE 0 END", 0);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, "", "another fit moved everybody: what c6 did is not known");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_silent_for_several_of_the_own_gaps_is_overdue_until_it_is_too_late() {
    let small = watched().await;
    for (recency, expected) in [
        (19, ""),
        // Two and a half times the median gap of 10 days: two orders of 30.50 are missed. c2 has too few orders.
        (25, "overdue c1 61"),
        (60, "overdue c1 183"),
        (61, ""),
    ] {
        set(&small, "'Loyalists'", "0.9", recency);
        small.publish(&[]).await;
        assert_eq!(told(&small).await, expected, "{recency} days");
    }
    set(&small, "'Loyalists'", "0.9", 25);
    small.publish(&[]).await;
    let message = small.value("SELECT message FROM marts.early_warnings").await;
    assert_eq!(
        message,
        "No order for 25 days, 2.5 times the usual 10 days between orders; what is missed so far is worth EUR 61."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vip_who_moves_down_is_told_and_vips_who_are_regrouped_are_not() {
    let small = watched().await;
    let vips = |count: i32| format!("CASE WHEN n > 20 - {count} THEN 'VIPs' ELSE 'Loyalists' END");
    set(&small, &vips(10), "0.9", 0);
    small.publish(&[]).await;
    set(&small, &vips(8), "0.9", 0);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, "downgraded c12 1200, downgraded c11 1100");
    let message = small.value("SELECT message FROM marts.early_warnings WHERE rank = 1").await;
    assert_eq!(message, "Moved down from VIPs to Loyalists; EUR 1,200 were expected of the customer.");
    set(&small, &vips(3), "0.9", 0);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, "", "five of eight at once: the group has moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_limit_are_told_and_those_with_most_at_stake() {
    let mut small = watched().await;
    small.settings.vars.insert("warning_limit".into(), 2.into());
    set(&small, "'Loyalists'", "0.9", 0);
    small.publish(&[]).await;
    set(&small, "'Loyalists'", "0.9 - CASE WHEN n % 5 = 0 THEN 0.2 ELSE 0 END", 0);
    small.publish(&[]).await;
    assert_eq!(told(&small).await, "fading c20 400, fading c15 300");
    assert_eq!(small.value("SELECT string_agg(rank::text, ' ' ORDER BY rank) FROM marts.early_warnings").await, "1 2");
}
