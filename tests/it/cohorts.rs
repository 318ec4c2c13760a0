//! Cohorts of hand-made customers, whose periods can be told on the fingers: ends of months and years, leap days, time zones.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::pipeline::{self, BuildRequest};
use quintile::warehouse::Warehouse;
use tokio::sync::watch;

/// A database with a few orders, and the bundled project on it.
pub struct Till {
    /// The warehouse.
    pub warehouse: Warehouse,
    /// Settings that a test may change.
    pub settings: Settings,
    _database: Database,
}

impl Till {
    /// On a database without orders.
    pub async fn on(database: Database) -> Till {
        Till { settings: database.settings(), warehouse: database.warehouse().await, _database: database }
    }

    /// `orders` gives customer, instant, quantity and category of each line as rows of VALUES; every line is an order of its own.
    pub async fn of(orders: &str) -> Till {
        let till = Till::on(Database::new().await).await;
        let fill = format!(
            "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, product_id, category, quantity, unit_price, \
                unit_cost, channel, country, currency, load_id) \
             SELECT 'till', row_number() OVER (), 1, customer, at::timestamptz, 'P-' || category, category, quantity, 10, 4, \
                'shop', 'Utopia', 'EUR', 0 FROM (VALUES {orders}) AS o (customer, at, quantity, category)"
        );
        shop::execute(&till.warehouse, &fill).await;
        till
    }

    /// Builds a selection as of an instant and publishes it, data tests included.
    pub async fn build(&self, select: &[&str], as_of: &str) {
        let (_keep, stop) = watch::channel(false);
        let request = BuildRequest {
            select: select.iter().map(|s| (*s).to_owned()).collect(),
            as_of: Some(as_of.parse().expect("an instant")),
            trigger: "test".into(),
            rebuild: true,
            ..BuildRequest::default()
        };
        let report = pipeline::build(&self.warehouse, &self.settings, &request, stop).await;
        let report = report.unwrap_or_else(|e| panic!("{}", e.report()));
        assert_eq!(report.state, "published", "{:?}", report.failed);
    }

    /// One value as text.
    pub async fn value(&self, sql: &str) -> String {
        shop::value(&self.warehouse, sql).await
    }

    /// `period:active/orders` of each period of one cohort in which somebody ordered.
    async fn periods(&self, grain: &str, basis: &str, cohort: &str) -> String {
        self.value(&format!(
            "SELECT string_agg(format('%s:%s/%s', period_n, active, orders), ' ' ORDER BY period_n) FROM marts.cohort_cells
            WHERE grain = '{grain}' AND basis = '{basis}' AND dimension = 'all' AND cohort_start_date = '{cohort}' AND orders > 0"
        ))
        .await
    }

    /// Numbers of the complete periods of one cohort.
    async fn complete(&self, grain: &str, basis: &str, cohort: &str) -> String {
        self.value(&format!(
            "SELECT string_agg(period_n::text, ' ' ORDER BY period_n) FROM marts.cohort_cells
            WHERE grain = '{grain}' AND basis = '{basis}' AND dimension = 'all' AND cohort_start_date = '{cohort}' AND is_complete"
        ))
        .await
    }
}

const COHORTS: &[&str] = &["+cohort_averages", "+lifecycle_months"];

#[tokio::test(flavor = "multi_thread")]
async fn a_month_from_its_31st_day_is_over_on_the_last_day_of_a_shorter_one() {
    let till = Till::of(
        "('A', '2023-01-31 10:00+00', 1, 'Tea'), ('A', '2023-02-27 10:00+00', 1, 'Tea'), ('A', '2023-02-28 10:00+00', 1, 'Tea'),
        ('A', '2023-03-30 10:00+00', 1, 'Tea'), ('A', '2023-03-31 10:00+00', 1, 'Tea'), ('A', '2023-04-30 10:00+00', 1, 'Tea'),
        ('L', '2024-02-29 10:00+00', 1, 'Tea'), ('L', '2024-03-28 10:00+00', 1, 'Tea'), ('L', '2024-03-29 10:00+00', 1, 'Tea'),
        ('L', '2025-02-27 10:00+00', 1, 'Tea'), ('L', '2025-02-28 10:00+00', 1, 'Tea')",
    )
    .await;
    till.build(COHORTS, "2025-03-15T00:00:00Z").await;
    assert_eq!(till.periods("month", "anniversary", "2023-01-01").await, "0:1/2 1:1/2 2:1/1 3:1/1");
    assert_eq!(till.periods("month", "calendar", "2023-01-01").await, "0:1/1 1:1/2 2:1/2 3:1/1");
    assert_eq!(till.periods("quarter", "anniversary", "2023-01-01").await, "0:1/5 1:1/1");
    assert_eq!(till.periods("quarter", "calendar", "2023-01-01").await, "0:1/5 1:1/1");
    assert_eq!(till.periods("month", "anniversary", "2024-02-01").await, "0:1/2 1:1/1 11:1/1 12:1/1");
    assert_eq!(till.periods("quarter", "anniversary", "2024-01-01").await, "0:1/3 3:1/1 4:1/1");
    // The leap day's 13th month runs to 29 March 2025, so at 15 March the twelve before it are over.
    assert_eq!(till.complete("month", "anniversary", "2024-02-01").await, "0 1 2 3 4 5 6 7 8 9 10 11");
    let later = "SELECT string_agg(active_or_later::text, ' ' ORDER BY period_n) FROM marts.cohort_cells
        WHERE grain = 'quarter' AND basis = 'anniversary' AND dimension = 'all' AND cohort_start_date = '2024-01-01'";
    assert_eq!(till.value(later).await, "1 1 1 1 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_begin_on_monday_also_across_the_year() {
    let till = Till::of(
        "('S', '2024-12-29 10:00+00', 1, 'Tea'), ('S', '2024-12-30 10:00+00', 1, 'Tea'), ('S', '2025-01-04 10:00+00', 1, 'Tea'),
        ('S', '2025-01-05 10:00+00', 1, 'Tea'), ('S', '2025-01-06 10:00+00', 1, 'Tea'), ('M', '2024-12-30 09:00+00', 1, 'Tea')",
    )
    .await;
    till.build(COHORTS, "2025-01-13T00:00:00Z").await;
    assert_eq!(till.periods("week", "calendar", "2024-12-23").await, "0:1/1 1:1/3 2:1/1");
    assert_eq!(till.periods("week", "anniversary", "2024-12-23").await, "0:1/3 1:1/2");
    assert_eq!(till.periods("week", "calendar", "2024-12-30").await, "0:1/1");
    assert_eq!(till.complete("week", "calendar", "2024-12-23").await, "0 1 2");
    assert_eq!(till.complete("week", "anniversary", "2024-12-23").await, "0 1");
    assert_eq!(till.complete("week", "anniversary", "2024-12-30").await, "0 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_those_of_the_time_zone_and_a_day_half_seen_is_not_over() {
    let mut till = Till::of(
        "('A', '2024-12-31 23:30+00', 1, 'Tea'), ('B', '2024-12-31 22:30+00', 1, 'Tea'), ('A', '2025-01-31 23:30+00', 1, 'Tea')",
    )
    .await;
    till.settings.vars.insert("timezone".into(), "Europe/Berlin".into());
    till.build(COHORTS, "2025-02-28T12:00:00Z").await;
    assert_eq!(till.periods("month", "calendar", "2024-12-01").await, "0:1/1");
    assert_eq!(till.periods("month", "calendar", "2025-01-01").await, "0:1/1 1:1/1");
    assert_eq!(till.complete("month", "calendar", "2025-01-01").await, "0", "half of 28 February is still to come");
    till.build(COHORTS, "2025-02-28T23:00:00Z").await;
    assert_eq!(till.complete("month", "calendar", "2025-01-01").await, "0 1", "midnight in Berlin");
}

#[tokio::test(flavor = "multi_thread")]
async fn anniversaries_are_complete_when_the_last_of_the_cohort_has_lived_through_them() {
    let till = Till::of(
        "('A', '2024-01-02 10:00+00', 1, 'Tea'), ('B', '2024-01-20 10:00+00', 3, 'Tea'), ('A', '2024-02-05 10:00+00', 1, 'Tea'),
        ('B', '2024-01-10 10:00+00', -1, 'Tea')",
    )
    .await;
    till.build(COHORTS, "2024-02-20T00:00:00Z").await;
    assert_eq!(till.complete("month", "anniversary", "2024-01-01").await, "0");
    assert_eq!(till.complete("month", "calendar", "2024-01-01").await, "0");
    assert_eq!(till.complete("quarter", "anniversary", "2024-01-01").await, "");
    // The return before B's first order counts in its first period; profit is 6 of each 10.
    let cells = "SELECT string_agg(concat_ws('|', period_n, cohort_size, active, revenue, profit, revenue_to_date, revenue_per_customer, is_complete),
            ' ' ORDER BY period_n) FROM marts.cohort_cells WHERE grain = 'month' AND basis = 'anniversary' AND dimension = 'all'";
    assert_eq!(
        till.value(cells).await,
        "0|2|2|30.0000|18.0000|30.0000|15.0000|t 1|2|1|10.0000|6.0000|40.0000|5.0000|f"
    );
    let averages =
        "SELECT string_agg(concat_ws('|', period_n, cohorts, customers, active_share, revenue_per_customer), ' ')
        FROM marts.cohort_averages WHERE grain = 'month' AND basis = 'anniversary' AND dimension = 'all'";
    assert_eq!(till.value(averages).await, "0|1|2|1|15.0000", "the running period bends no average");
}

#[tokio::test(flavor = "multi_thread")]
async fn averages_weigh_cohorts_by_their_size() {
    let till = Till::of(
        "('A', '2024-01-02 10:00+00', 1, 'Tea'), ('B', '2024-01-20 10:00+00', 3, 'Tea'), ('C', '2024-01-21 10:00+00', 3, 'Tea'),
        ('D', '2024-02-05 10:00+00', 1, 'Tea'), ('A', '2024-02-10 10:00+00', 1, 'Tea'), ('D', '2024-03-10 10:00+00', 1, 'Tea')",
    )
    .await;
    till.build(COHORTS, "2024-04-01T00:00:00Z").await;
    let average =
        "SELECT concat_ws(' ', cohorts, customers, active_share, active_or_later_share) FROM marts.cohort_averages
        WHERE grain = 'month' AND basis = 'calendar' AND dimension = 'all' AND period_n = 1";
    assert_eq!(till.value(average).await, "2 4 0.5 0.5", "one of three and one of one");
    let states = "SELECT string_agg(concat_ws('|', new_customers, returning_customers, resurrecting_customers, dormant_customers), ' ' ORDER BY month_date)
        FROM marts.lifecycle_months";
    assert_eq!(till.value(states).await, "3|0|0|0 1|1|0|2 0|1|0|1");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_how_is_told_by_the_best_source() {
    let mut till = Till::of(
        "('A', '2024-01-02 10:00+00', 1, 'Tea'), ('B', '2024-01-20 10:00+00', 3, 'Cups'), ('C', '2024-01-21 10:00+00', 3, 'Tea'),
        ('D', '2024-01-22 10:00+00', 1, NULL)",
    )
    .await;
    let lines = "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, category, quantity, unit_price, currency, load_id)
        VALUES ('till', '1', 2, 'A', '2024-01-02 10:00+00', 'Cups', 1, 10, 'EUR', 0), ('till', '1', 3, 'A', '2024-01-02 10:00+00', 'Ale', 2, 4, 'EUR', 0);
        INSERT INTO raw.campaign_members (source, campaign_id, customer_id, arm, assigned_at, load_id)
        VALUES ('till', 'spring', 'B', 'treated', '2024-01-10 10:00+00', 0), ('till', 'winter', 'B', 'treated', '2024-01-20 10:00+00', 0),
            ('till', 'late', 'B', 'treated', '2024-01-20 10:01+00', 0), ('till', 'spring', 'C', 'control', '2024-01-10 10:00+00', 0),
            ('till', 'spring', 'D', 'treated', NULL, 0)";
    shop::execute(&till.warehouse, lines).await;
    till.build(COHORTS, "2024-02-01T00:00:00Z").await;
    let origins = "SELECT string_agg(concat_ws('|', customer_id, channel, category, campaign_id, country), ' ' ORDER BY customer_id)
        FROM marts.customer_acquisition";
    // Of two lines of the same amount the greater name counts.
    assert_eq!(
        till.value(origins).await,
        "A|shop|Tea|Utopia B|shop|Cups|winter|Utopia C|shop|Tea|Utopia D|shop|Utopia"
    );
    let values = "SELECT string_agg(format('%s=%s:%s', dimension, dimension_value, cohort_size), ' ' ORDER BY dimension, dimension_value)
        FROM marts.cohort_cells WHERE grain = 'month' AND basis = 'calendar'";
    let expected = "all=all:4 campaign=(none):3 campaign=winter:1 category=(unknown):1 category=Cups:1 category=Tea:2 \
        channel=shop:4 country=Utopia:4";
    assert_eq!(till.value(values).await, expected);
    // Where the customers' own table tells channels, it alone is believed; and beyond the largest values the rest is one.
    let told = "INSERT INTO raw.customers (source, customer_id, acquisition_channel, acquisition_campaign_id, load_id)
        VALUES ('crm', 'A', 'search', 'ads', 0), ('crm', 'B', 'friends', NULL, 0), ('crm', 'C', 'search', NULL, 0)";
    shop::execute(&till.warehouse, told).await;
    till.settings.vars.insert("cohort_values".into(), 1.into());
    till.settings.vars.insert("cohort_dimensions".into(), serde_json::json!(["channel", "campaign"]));
    till.settings.vars.insert("cohort_grains".into(), serde_json::json!(["quarter"]));
    till.build(COHORTS, "2024-04-01T00:00:00Z").await;
    let expected = "calendar:all=all:4 calendar:campaign=(none):2 calendar:campaign=(other):1 calendar:campaign=ads:1 \
        calendar:channel=(other):1 calendar:channel=(unknown):1 calendar:channel=search:2";
    let values = "SELECT string_agg(format('%s:%s=%s:%s', basis, dimension, dimension_value, cohort_size), ' ' ORDER BY dimension, dimension_value)
        FROM marts.cohort_cells WHERE basis = 'calendar' AND period_n = 0";
    assert_eq!(till.value(values).await, expected);
    assert_eq!(till.value("SELECT string_agg(DISTINCT grain, ' ') FROM marts.cohort_cells").await, "quarter");
    till.settings.vars.insert("cohort_grains".into(), serde_json::json!(["year"]));
    let wrong = shop::try_build(&till.warehouse, &till.settings, &["+cohort_cells"]).await.expect_err("no such grain");
    assert!(wrong.report().contains("\"year\", which is no grain; known: week, month, quarter"), "{}", wrong.report());
}
