//! Seasons, holidays, trends and patterns of made-up shops whose answers are known.

use crate::cohorts::Till;
use crate::harness::Database;
use crate::shop;

impl Till {
    /// `orders` is a SELECT of customer and instant; each order has one line of 10 euros.
    async fn with(orders: &str) -> Till {
        let till = Till::on(Database::new().await).await;
        let fill = format!(
            "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
            SELECT 'till', row_number() OVER (), 1, customer, at, 1, 10, 'EUR', 0 FROM ({orders}) AS o (customer, at)"
        );
        shop::execute(&till.warehouse, &fill).await;
        till
    }

    async fn indices(&self, cycle: &str) -> String {
        self.value(&format!(
            "SELECT string_agg(round(orders_index::numeric, 3)::text, ' ' ORDER BY position) || ' ' || min(cycle_count) || '-' || max(cycle_count)
                || ' ' || bool_and(is_detrended) || ' ' || bool_and(is_supported)
            FROM marts.seasonality WHERE cycle = '{cycle}'"
        ))
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_is_found_under_growth() {
    // Days grow by a fifth of an order a month; December has twice, Saturday three times its share. All at noon.
    let till = Till::with(
        "SELECT 'C' || n % 40, d + interval '12 hours' FROM generate_series(timestamptz '2020-01-01 00:00+00', '2023-12-31 00:00+00', '1 day') AS d
        CROSS JOIN LATERAL generate_series(1, ((20 + 12 * (extract(year FROM d) - 2020) + extract(month FROM d))
            * CASE WHEN extract(month FROM d) = 12 THEN 2 ELSE 1 END
            * CASE WHEN extract(isodow FROM d) = 6 THEN 3 ELSE 1 END)::integer) AS n",
    )
    .await;
    till.build(&["+seasonality", "+revenue_trends"], "2024-01-01T00:00:00Z").await;
    let months = "SELECT concat_ws(' ', bool_and(CASE position WHEN 12 THEN orders_index BETWEEN 1.75 AND 1.95 ELSE orders_index BETWEEN 0.85 AND 0.98 END),
            max(orders_index) FILTER (WHERE position < 12) - min(orders_index) FILTER (WHERE position < 12) < 0.08,
            round(avg(orders_index)::numeric, 5), min(cycle_count), bool_and(is_detrended), bool_and(is_supported))
        FROM marts.seasonality WHERE cycle = 'month'";
    assert_eq!(till.value(months).await, "t t 1.00000 3 t t");
    // Three of nine parts are Saturday's; the ends of December move the third decimal.
    assert!(till.indices("weekday").await.starts_with("0.77"), "{}", till.indices("weekday").await);
    let saturday =
        "SELECT orders_index BETWEEN 2.31 AND 2.35 FROM marts.seasonality WHERE cycle = 'weekday' AND position = 6";
    assert_eq!(till.value(saturday).await, "true");
    let noon = "SELECT string_agg(position || ':' || orders_index, ' ') FROM marts.seasonality WHERE cycle = 'hour' AND orders > 0";
    assert_eq!(till.value(noon).await, "12:24");
    // November 2023 has 12 more a day than the year before, and the same weekdays but one.
    let month = "SELECT concat_ws(' ', round(revenue_year_change_share::numeric, 2), round(revenue_change_share::numeric, 2), customers, new_customers, is_complete)
        FROM marts.revenue_trends WHERE grain = 'month' AND period_start_date = '2023-11-01'";
    assert_eq!(till.value(month).await, "0.22 -0.01 40 0 t");
    let totals = "SELECT count(DISTINCT (orders, revenue, new_customers)) FROM (
        SELECT sum(orders) AS orders, sum(revenue) AS revenue, sum(new_customers) AS new_customers FROM marts.revenue_trends GROUP BY grain) AS t";
    assert_eq!(till.value(totals).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_year_is_no_season_and_half_a_year_says_nothing() {
    let days = |from: &str| {
        format!(
            "SELECT 'C' || extract(day FROM d), d FROM generate_series(timestamptz '{from} 00:00+00', '2023-12-31 00:00+00', '1 day') AS d"
        )
    };
    let year = Till::with(&days("2023-01-01")).await;
    year.build(&["+seasonality", "+purchase_patterns"], "2024-01-01T00:00:00Z").await;
    let even = format!("{}1-1 false false", "1.000 ".repeat(12));
    assert_eq!(year.indices("month").await, even);
    let half = Till::with(&days("2023-06-02")).await;
    half.build(&["+seasonality", "+purchase_patterns"], "2024-01-01T00:00:00Z").await;
    let months = "SELECT concat_ws(' ', count(*), count(orders_index), bool_or(is_supported)) FROM marts.seasonality WHERE cycle = 'month'";
    assert_eq!(half.value(months).await, "6 0 f", "June is not whole");
    let hours = "SELECT concat_ws(' ', (SELECT count(*) FROM marts.seasonality WHERE cycle = 'hour'),
        (SELECT count(*) FROM marts.purchase_patterns WHERE pattern = 'weekday_hour'))";
    assert_eq!(half.value(hours).await, "0 0", "midnight stands for no time of day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holiday_is_held_against_the_weekdays_around() {
    // Ten orders a day and thirty on Valentine's week; half of those who came in it come back, all others do.
    let till = Till::with(
        "SELECT format('%s-%s', d::date, n), d + interval '9 hours' FROM generate_series(timestamptz '2023-01-08 00:00+00', '2023-03-31 00:00+00', '1 day') AS d
            CROSS JOIN LATERAL generate_series(1, CASE WHEN d::date BETWEEN '2023-02-07' AND '2023-02-14' THEN 30 ELSE 10 END) AS n
        UNION ALL SELECT format('%s-%s', d::date, n), d + interval '130 days' FROM generate_series(timestamptz '2023-01-08 00:00+00', '2023-03-31 00:00+00', '1 day') AS d
            CROSS JOIN LATERAL generate_series(1, CASE WHEN d::date BETWEEN '2023-02-07' AND '2023-02-14' THEN 30 ELSE 10 END) AS n
            WHERE n % 5 = 0
        UNION ALL SELECT format('%s-%s', d::date, n), timestamptz '2023-04-08 09:00+00' FROM generate_series(timestamptz '2023-01-08 00:00+00', '2023-03-31 00:00+00', '1 day') AS d
            CROSS JOIN LATERAL generate_series(1, CASE WHEN d::date BETWEEN '2023-02-07' AND '2023-02-14' THEN 30 ELSE 10 END) AS n
            WHERE n % 2 = 0 OR d::date NOT BETWEEN '2023-02-07' AND '2023-02-14'",
    )
    .await;
    till.build(&["+holiday_effects"], "2023-12-01T00:00:00Z").await;
    let valentine = "SELECT concat_ws(' ', window_start_date, orders, expected_orders, orders_uplift_share, revenue_uplift_share, acquired_customers,
            repeat_90d_share, other_repeat_90d_share, is_supported)
        FROM marts.holiday_effects WHERE name = 'Valentine''s Day'";
    assert_eq!(till.value(valentine).await, "2023-02-07 240 80.0000 2 2 240 0.5 1 t");
    let new_year = "SELECT count(*) FROM marts.holiday_effects WHERE name = 'New Year''s Day'";
    assert_eq!(till.value(new_year).await, "0", "its days are not in the data");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_a_few_persons_are_put_together() {
    let till = Till::with(
        "SELECT 'c' || n, timestamptz '2024-03-01 10:00+00' + n * interval '1 hour' FROM generate_series(1, 10) AS n",
    )
    .await;
    let described = "INSERT INTO raw.customers (source, customer_id, city, gender, birth_date, signed_up_at, load_id)
        SELECT 'crm', 'c' || n, CASE WHEN n <= 12 THEN 'Aden' WHEN n <= 18 THEN 'Bonn' WHEN n <= 21 THEN 'Cork' ELSE 'Dole' END, CASE WHEN n <= 3 THEN 'x' END,
            CASE WHEN n = 1 THEN date '1800-01-01' ELSE date '1990-03-02' END, timestamptz '2024-02-10 10:00+00' + (n % 3) * interval '15 days', 0
        FROM generate_series(1, 22) AS n";
    shop::execute(&till.warehouse, described).await;
    till.build(&["+customer_demographics", "+registration_trends"], "2024-03-02T00:00:00Z").await;
    let groups = "SELECT string_agg(concat_ws('|', attribute, value, customers, buyers, revenue, revenue_per_buyer), ' ' ORDER BY attribute, value COLLATE \"C\")
        FROM marts.customer_demographics";
    // Cork (3) and Dole (1) are four, so that Bonn joins them; the three of one gender draw all others in.
    let expected = "age_band|(other)|22|10|100.0000|10.0000 city|(other)|10|0|0 city|Aden|12|10|100.0000|10.0000 gender|(other)|22|10|100.0000|10.0000";
    assert_eq!(till.value(groups).await, expected);
    // Of 22, fifteen registered in February; the rest on 11 March, after as_of.
    let months = "SELECT string_agg(concat_ws('|', month_date, registered_customers, already_customers, converted_customers, round(converted_share::numeric, 4),
            COALESCE(converted_30d_share::text, '-'), mean_conversion_days, median_conversion_days, first_orders, is_complete), ' ' ORDER BY month_date)
        FROM marts.registration_trends";
    assert_eq!(till.value(months).await, "2024-02-01|15|0|7|0.4667|-|11.4286|5|0|t");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sells_best_is_told_with_returns_taken_off() {
    let till = Till::of(
        "('A', '2024-01-02 10:00+00', 5, 'Tea'), ('A', '2024-01-03 10:00+00', 1, 'Tea'), ('B', '2024-01-02 10:00+00', 4, 'Tea'),
        ('B', '2024-01-02 20:00+00', 1, 'Tea'), ('B', '2024-01-05 10:00+00', -4, 'Tea'), ('C', '2024-01-02 10:00+00', 8, 'Cups'), ('C', '2024-01-02 10:00+00', 5, NULL)",
    )
    .await;
    till.build(&["+category_performance", "+purchase_patterns"], "2024-02-01T00:00:00Z").await;
    let told = "SELECT string_agg(concat_ws('|', level, category, product_id, revenue_rank, customers, repeat_customers, units, revenue, returned_revenue, revenue_share, profit), ' '
            ORDER BY level, revenue_rank) FROM marts.category_performance";
    let expected = "category|Cups|1|1|0|8|80.0000|0.0000|0.4|48.0000 category|Tea|2|2|1|7|70.0000|40.0000|0.35|42.0000 \
        product|Cups|P-Cups|1|1|0|8|80.0000|0.0000|0.4|48.0000 product|Tea|P-Tea|2|2|1|7|70.0000|40.0000|0.35|42.0000";
    assert_eq!(till.value(told).await, expected);
    let patterns = "SELECT string_agg(format('%s %s: %s', pattern, band, orders), ', ' ORDER BY pattern, band_number)
        FROM marts.purchase_patterns WHERE pattern <> 'weekday_hour'";
    let expected = "basket_lines 1: 6, basket_units 1: 2, basket_units 4: 1, basket_units 5: 2, basket_units 6 to 10: 1, \
        gap_days 0: 2, gap_days 1 to 7: 1, order_value 10 to below 20: 2, order_value 20 to below 50: 1, order_value 50 to below 100: 3";
    assert_eq!(till.value(patterns).await, expected);
}
