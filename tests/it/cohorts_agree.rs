//! Cohort cells against the definitions, written down anew as slow SQL, on real orders and on a made-up shop.

use crate::cohorts::Till;
use crate::harness::Database;
use crate::{papers, shop};
use quintile::warehouse::Warehouse;

/// Customers of each cohort that were active in each period, and their net revenue, by the textbook: each customer once a period by
/// DISTINCT, months of anniversaries counted by PostgreSQL's own arithmetic of dates.
const TEXTBOOK: &str = "
    WITH first AS (
        SELECT customer_id, min(order_date) AS d0 FROM marts.customer_orders WHERE NOT is_return GROUP BY customer_id
    ),
    placed AS (
        SELECT g.grain, b.basis, date_trunc(g.grain, f.d0::timestamp)::date AS cohort, o.customer_id, o.is_return, o.revenue,
            CASE
                WHEN o.order_date < f.d0 THEN 0
                WHEN b.basis = 'anniversary' THEN (
                    SELECT max(k) FROM generate_series(0, (o.order_date - f.d0) / CASE g.grain WHEN 'week' THEN 7 WHEN 'month' THEN 28 ELSE 89 END) AS k
                    WHERE (f.d0::timestamp + k * ('1 ' || replace(g.grain, 'quarter', 'month'))::interval * CASE g.grain WHEN 'quarter' THEN 3 ELSE 1 END)::date <= o.order_date
                )
                WHEN g.grain = 'week' THEN (date_trunc('week', o.order_date::timestamp)::date - date_trunc('week', f.d0::timestamp)::date) / 7
                ELSE (SELECT count(*) FROM generate_series(date_trunc(g.grain, f.d0::timestamp), date_trunc(g.grain, o.order_date::timestamp),
                    CASE g.grain WHEN 'quarter' THEN interval '3 months' ELSE interval '1 month' END)) - 1
            END AS n
        FROM marts.customer_orders AS o
        INNER JOIN first AS f USING (customer_id)
        CROSS JOIN (VALUES ('week'), ('month'), ('quarter')) AS g (grain)
        CROSS JOIN (VALUES ('calendar'), ('anniversary')) AS b (basis)
    )
    SELECT grain, basis, cohort, n, count(DISTINCT customer_id) FILTER (WHERE NOT is_return) AS active,
        count(*) FILTER (WHERE NOT is_return) AS orders, sum(revenue) AS revenue
    FROM placed GROUP BY grain, basis, cohort, n";

/// Cells that differ from the textbook, and how many were compared.
async fn against_the_textbook(warehouse: &Warehouse) -> String {
    let sql = format!(
        "WITH textbook AS ({TEXTBOOK}),
        cells AS (
            SELECT grain, basis, cohort_start_date AS cohort, period_n AS n, active, orders, revenue FROM marts.cohort_cells
            WHERE dimension = 'all'
        )
        SELECT concat_ws(' ', count(*) FILTER (WHERE (COALESCE(t.active, 0), COALESCE(t.orders, 0), COALESCE(t.revenue, 0))
                IS DISTINCT FROM (c.active::bigint, c.orders::bigint, c.revenue)), count(*) FILTER (WHERE t.active > 0) > 100)
        FROM textbook AS t FULL JOIN cells AS c USING (grain, basis, cohort, n)"
    );
    shop::value(warehouse, &sql).await
}

/// Grains, bases and dimensions whose cells do not add up to all net revenue, profit and orders, or to their own cohorts.
async fn sums_that_are_off(warehouse: &Warehouse) -> String {
    let sql = "WITH sums AS (
            SELECT grain, basis, dimension, sum(revenue) AS revenue, sum(profit) AS profit, sum(orders) AS orders,
                sum(cohort_size) FILTER (WHERE period_n = 0) AS customers
            FROM marts.cohort_cells GROUP BY grain, basis, dimension
        ),
        kept AS (
            SELECT bool_and(active_or_later >= active AND active <= cohort_size AND orders >= active
                AND (period_n > 0 OR active = cohort_size)) AS holds FROM marts.cohort_cells
        )
        SELECT concat_ws(' ', count(*) > 5, count(*) FILTER (WHERE (s.revenue, s.profit, s.orders, s.customers) IS DISTINCT FROM (
            (SELECT sum(net_revenue) FROM marts.customers), (SELECT sum(profit) FROM marts.customers),
            (SELECT sum(order_count) FROM marts.customers), (SELECT count(*) FROM marts.customers))), bool_and(k.holds))
        FROM sums AS s CROSS JOIN kept AS k";
    shop::value(warehouse, sql).await
}

/// Fader and Hardie (2001): 23,570 customers began in the first quarter of 1997, and spent 2,500,315.63 dollars up to June 1998.
#[tokio::test(flavor = "multi_thread")]
async fn the_cohort_of_cdnow_is_that_of_the_papers() {
    let till = Till::on(Database::new().await).await;
    papers::load(&till.warehouse, "CDNOW_master.txt.gz", "cdnow").await;
    till.build(&["+cohort_averages"], "1998-07-01T00:00:00Z").await;
    let cohort =
        "SELECT concat_ws(' ', count(*), min(cohort_size), max(revenue_to_date), min(profit), bool_and(is_complete))
        FROM marts.cohort_cells WHERE grain = 'quarter' AND basis = 'calendar' AND dimension = 'all'";
    assert_eq!(till.value(cohort).await, "6 23570 2500315.6300 t");
    let months = "SELECT string_agg(format('%s %s', cohort_start_date, cohort_size), ', ' ORDER BY cohort_start_date) FROM marts.cohort_cells
        WHERE grain = 'month' AND basis = 'calendar' AND dimension = 'all' AND period_n = 0";
    assert_eq!(till.value(months).await, "1997-01-01 7846, 1997-02-01 8476, 1997-03-01 7248");
    assert_eq!(against_the_textbook(&till.warehouse).await, "0 t");
    assert_eq!(sums_that_are_off(&till.warehouse).await, "t 0 t");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cells_of_online_retail_agree_with_the_textbook() {
    let till = Till::on(Database::new().await).await;
    papers::load(&till.warehouse, "online_retail.csv.gz", "online_retail").await;
    till.build(&["+cohort_averages"], "2011-12-10T00:00:00Z").await;
    assert_eq!(against_the_textbook(&till.warehouse).await, "0 t");
    assert_eq!(sums_that_are_off(&till.warehouse).await, "t 0 t");
    let first = "SELECT concat_ws(' ', cohort_size, active) FROM marts.cohort_cells
        WHERE grain = 'month' AND basis = 'calendar' AND dimension = 'all' AND cohort_start_date = '2010-12-01' AND period_n = 1";
    assert_eq!(till.value(first).await, "885 324");
}

const ALL: &[&str] = &[
    "+cohort_averages",
    "+lifecycle_months",
    "+seasonality",
    "+holiday_effects",
    "+revenue_trends",
    "+category_performance",
    "+customer_demographics",
    "+registration_trends",
    "+purchase_patterns",
];

/// Every row of what these models publish, as one hash a relation.
async fn rows(warehouse: &Warehouse) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for selected in
        ALL.iter().map(|s| &s[1..]).chain(["cohort_cells", "customer_acquisition", "customers", "customer_orders"])
    {
        let sql = format!(
            "SELECT concat_ws(' ', count(*) > 0, md5(string_agg(r, E'\\n' ORDER BY r COLLATE \"C\")))
            FROM (SELECT (to_jsonb(t) - 'run_id')::text AS r FROM marts.{selected} AS t) AS x"
        );
        told.push((selected.to_owned(), shop::value(warehouse, &sql).await));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_physical_order_of_rows_decides_nothing() {
    let till = Till::on(Database::new().await).await;
    shop::fill_orders(&till.warehouse, 300).await;
    let more = "UPDATE raw.orders SET category = 'K' || hashtext(order_id) % 5, channel = 'C' || hashtext(customer_id) % 4, unit_cost = unit_price * 0.617,
            discount = 0.0175 * (abs(hashtext(order_id)) % 7);
        INSERT INTO raw.orders SELECT source, order_id, 2, customer_id, id_is_synthetic, ordered_at, 'q', description, 'K9', 1, unit_price, discount,
            unit_cost, channel, country, currency, load_id FROM raw.orders WHERE hashtext(order_id) % 3 = 0;
        INSERT INTO raw.orders SELECT source, 'R' || order_id, 1, customer_id, id_is_synthetic, ordered_at + interval '5 days', product_id, description,
            category, -1, unit_price, discount, unit_cost, channel, country, currency, load_id FROM raw.orders WHERE hashtext(order_id) % 11 = 0 AND line = 1;
        INSERT INTO raw.customers (source, customer_id, country, city, birth_date, signed_up_at, acquisition_campaign_id, has_consent, load_id)
            SELECT 'crm', 'c' || n, 'Utopia', 'T' || n % 9, date '1950-01-01' + n * 60, timestamptz '2023-06-01' + n * interval '1 day',
                CASE WHEN n % 3 = 0 THEN 'k' || n % 2 END, n % 2 = 0, 0 FROM generate_series(1, 300) AS n";
    shop::execute(&till.warehouse, more).await;
    till.build(ALL, "2025-07-01T00:00:00Z").await;
    let before = rows(&till.warehouse).await;
    assert!(
        before.iter().all(|(_, told)| told.starts_with("t ")),
        "a relation without rows proves nothing: {before:?}"
    );
    let turned = "CREATE TABLE turned AS SELECT * FROM raw.orders ORDER BY md5(order_id || line); TRUNCATE raw.orders;
        INSERT INTO raw.orders SELECT * FROM turned;
        CREATE TABLE others AS SELECT * FROM raw.customers ORDER BY md5(customer_id); TRUNCATE raw.customers; INSERT INTO raw.customers SELECT * FROM others";
    shop::execute(&till.warehouse, turned).await;
    till.build(ALL, "2025-07-01T00:00:00Z").await;
    assert_eq!(rows(&till.warehouse).await, before);
    assert_eq!(against_the_textbook(&till.warehouse).await, "0 t");
    assert_eq!(sums_that_are_off(&till.warehouse).await, "t 0 t");
    // The values of a dimension are parts of all, cell by cell.
    let parts = "SELECT concat_ws(' ', count(*) > 1000, count(*) FILTER (WHERE p.active <> a.active OR p.later <> a.active_or_later OR p.revenue <> a.revenue
            OR p.profit IS DISTINCT FROM a.profit))
        FROM marts.cohort_cells AS a
        INNER JOIN (SELECT grain, basis, dimension, cohort_start_date, period_n, sum(active) AS active, sum(active_or_later) AS later, sum(revenue) AS revenue,
            sum(profit) AS profit FROM marts.cohort_cells WHERE dimension <> 'all' GROUP BY 1, 2, 3, 4, 5) AS p
            USING (grain, basis, cohort_start_date, period_n)
        WHERE a.dimension = 'all'";
    assert_eq!(till.value(parts).await, "t 0");
}
