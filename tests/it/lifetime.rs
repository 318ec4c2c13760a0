//! Lifetime values on schedule: scored by the server with the fit there is, until it is too old or purchases leave their band.

use crate::small::Small;
use quintile::analytics::Values;
use quintile::analytics::ltv::Outlook;
use quintile::analytics::ltv::clock::Clock;
use quintile::pipeline::{self, BuildRequest, RunReport};
use tokio::sync::watch;

/// The columns that scores are made from, and one that is carried through.
const HISTORIES: &str = "SELECT h.customer_id, h.repeat_count, h.last_days AS last_purchase_age_days,
    (h.days + {{ var('later', 0) }}) AS age_days, h.mean AS mean_repeat_value, h.so_far FROM public.histories AS h";

/// Customers who buy at different paces, a third of whom have been silent for long.
const FILL: &str = "CREATE TABLE public.histories AS
    SELECT 'C' || i AS customer_id, x AS repeat_count, CASE WHEN x = 0 THEN 0 ELSE 1 + (days - 1) * (i % 3 + 1) / 3 END AS last_days,
        days, CASE WHEN x > 0 THEN 10 + (i * 7919 % 97) / 3.0 END::float8 AS mean, (i * 1.25)::numeric AS so_far
    FROM generate_series(1, 400) AS i, LATERAL (SELECT i * i % 11 * (i % 5) / 4 AS x, 90 + i % 200 AS days) AS h";

async fn small(config: &str, select: &str) -> Small {
    let small = Small::new().await;
    small.execute(FILL).await;
    small.model("values_ahead", &format!("materialized='ltv', key='customer_id', {config}"), select);
    small
}

/// As `Small::build`, but a fit that still serves is not made anew.
async fn run(small: &Small, as_of: &str) -> RunReport {
    let (_keep, stop) = watch::channel(false);
    let as_of = Some(format!("{as_of}T00:00:00Z").parse().expect("an instant"));
    let request = BuildRequest { trigger: "test".into(), as_of, ..BuildRequest::default() };
    let run = pipeline::build(&small.warehouse, &small.settings, &request, stop).await;
    run.unwrap_or_else(|e| panic!("{}", e.report()))
}

async fn publish(small: &Small, as_of: &str) -> i64 {
    let report = run(small, as_of).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    report.run_id
}

async fn fact(small: &Small, path: &str) -> String {
    let sql = format!(
        "SELECT facts #>> '{{{path}}}' FROM quintile.fits WHERE model = 'values_ahead' ORDER BY run_id DESC LIMIT 1"
    );
    small.value(&sql).await
}

/// What the server made equals what the same outlook says in memory, to rounding.
async fn assert_scores(small: &Small, outlook: &Outlook, clock: &Clock, select: &str) {
    let frame = small.warehouse.read_frame(&select.replace(", h.so_far", ""), "customer_id").await.expect("histories");
    let wanted = outlook.score(&frame, clock, None).expect("scores");
    let names: Vec<&str> =
        wanted.iter().map(|column| column.name.as_str()).filter(|n| *n != "is_dropout_identified").collect();
    let columns = names.join(", ");
    let published = format!("SELECT customer_id, {columns} FROM marts.values_ahead");
    let made = small.warehouse.read_frame(&published, "customer_id").await.expect("rows");
    assert_eq!(made.keys.len(), frame.keys.len());
    for name in names {
        let column = wanted.iter().find(|column| column.name == name).expect("a column");
        let Values::Float(wanted) = &column.values else { panic!("{name}") };
        let found = made.floats(name).expect("a column");
        for (key, wanted) in frame.keys.iter().zip(wanted) {
            let place = made.keys.iter().position(|other| other == key).expect("a customer");
            let found = found[place];
            let is_alike =
                found.is_nan() && wanted.is_nan() || (found - wanted).abs() <= 1e-9 * wanted.abs().max(1e-12);
            assert!(is_alike, "{name} of {key}: {found}, not {wanted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_scores_as_the_outlook_does_and_goes_on_with_the_fit() {
    let small = small("refit_days=30", HISTORIES).await;
    assert_eq!(publish(&small, "2025-06-30").await, 1);
    let select = |later: i32| HISTORIES.replace("{{ var('later', 0) }}", &later.to_string());
    let outlook = |facts: String| serde_json::from_str::<Outlook>(&facts).expect("an outlook");
    let first = outlook(fact(&small, "outlook").await);
    assert_scores(&small, &first, &Clock::calendar(), &select(0)).await;
    let carried = "SELECT bool_and(v.so_far = h.so_far)::text FROM marts.values_ahead AS v INNER JOIN public.histories AS h USING (customer_id)";
    assert_eq!(small.value(carried).await, "true");

    // Twelve days later, with a new customer: the same fit, other scores.
    small.execute("INSERT INTO public.histories VALUES ('new', 2, 5, 9, 20.5, 61.5)").await;
    small.execute("UPDATE public.histories SET days = days + 12").await;
    assert_eq!(publish(&small, "2025-07-12").await, 2);
    assert_eq!((fact(&small, "fit,run_id").await, fact(&small, "customers").await), ("1".into(), "400".into()));
    assert_scores(&small, &first, &Clock::calendar(), &select(0)).await;
    // Nothing that it was scored with is left.
    let left = "SELECT count(*) FROM pg_class WHERE relname ~ '__(moments|levels)__r'";
    assert_eq!(small.value(left).await, "0");

    // A month after the fit a new one is due, and so is one of another model.
    assert_eq!(publish(&small, "2025-07-30").await, 3);
    assert_eq!((fact(&small, "fit,run_id").await, fact(&small, "customers").await), ("3".into(), "401".into()));
    small.model("values_ahead", "materialized='ltv', key='customer_id', refit_days=30, margin_share=0.5", HISTORIES);
    assert_eq!(publish(&small, "2025-07-31").await, 4);
    assert_eq!(fact(&small, "fit,run_id").await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_that_leave_their_band_ask_for_a_new_fit() {
    let small = small("refit_days=90, tracking='days'", &format!("{HISTORIES} -- {{{{ ref('days') }}}}")).await;
    // A few purchases on each day of the past; after the fit as many, or far more.
    let days = |after: i32| {
        format!(
            "SELECT d AS days_ago, CASE WHEN d < {{{{ var('age', 0) }}}} THEN {after} ELSE 3.0 END AS repeat_purchases
             FROM generate_series(0, 300) AS d"
        )
    };
    small.table("days", &days(3));
    publish(&small, "2025-06-30").await;
    assert_eq!(fact(&small, "tracking,alarm").await, "");
    let weeks = "SELECT jsonb_array_length(facts #> '{tracking,weeks}')::text FROM quintile.fits WHERE model = 'values_ahead' ORDER BY run_id LIMIT 1";
    assert_eq!(small.value(weeks).await, "43");
    // Four weeks later the same customers are four weeks older; so many purchases at once are no chance.
    small.execute("UPDATE public.histories SET days = days + 28").await;
    small.table("days", &days(400).replace("{{ var('age', 0) }}", "28"));
    publish(&small, "2025-07-28").await;
    assert_eq!(fact(&small, "fit,run_id").await, "2", "{}", fact(&small, "tracking,weeks").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_fitted_customers_have_rows_without_predictions() {
    let small = small("refit_days=30", &format!("{HISTORIES} WHERE h.repeat_count = 0 OR h.customer_id ~ '1$'")).await;
    publish(&small, "2025-06-30").await;
    let told = "SELECT count(*) || ' ' || count(predicted_ltv) || ' ' || count(so_far) || ' ' || bool_or(is_dropout_identified)
        FROM marts.values_ahead";
    let rows = small.value("SELECT count(*) FROM public.histories WHERE repeat_count = 0 OR customer_id ~ '1$'").await;
    assert_eq!(small.value(told).await, format!("{rows} 0 {rows} false"));
    assert_eq!(fact(&small, "flags,0").await, "too_few_repeat_customers");
    // There is nothing to go on with: the next run tries again.
    publish(&small, "2025-07-01").await;
    assert_eq!(fact(&small, "fit,run_id").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_contradicts_itself_is_refused_by_name_also_between_fits() {
    let small = small("refit_days=30", HISTORIES).await;
    publish(&small, "2025-06-30").await;
    small.execute("INSERT INTO public.histories VALUES ('odd one', 2, 50, 9, 20.5, 61.5)").await;
    let report = run(&small, "2025-07-01").await;
    let failed = format!("{:?}", report.failed);
    assert!(failed.contains("odd one") && failed.contains("after the end of observation"), "{failed}");
}

/// A made-up past in which what a customer brings follows from a feature, so that one that learns becomes champion.
const WINDOWS: &str = "SELECT h.customer_id, n AS origin_n, 90 AS horizon_days, (20000 - 90 * n)::float8 AS cut_day,
        h.repeat_count, h.last_days AS last_purchase_age_days, h.days AS age_days, h.mean AS mean_repeat_value,
        (10 * (h.repeat_count + 1))::float8 AS revenue, seat::float8 AS seats,
        CASE WHEN n > 0 THEN seat * (5 + (hashtext(h.customer_id || n) & 15)) ELSE 0 END::float8 AS outcome_revenue,
        CASE WHEN n > 0 AND seat > 0 THEN 1 ELSE 0 END::float8 AS outcome_purchases
    FROM public.histories AS h CROSS JOIN generate_series(0, 2) AS n
    CROSS JOIN LATERAL (SELECT hashtext(h.customer_id) & 7 AS seat) AS s";

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_that_learns_tells_the_level_in_later_runs_too() {
    let select = format!("{HISTORIES} -- {{{{ ref('windows') }}}}");
    let small = small("refit_days=30, windows='windows'", &select).await;
    small.model("windows", "materialized='view', access='private'", WINDOWS);
    publish(&small, "2025-06-30").await;
    let champion = fact(&small, "fit,champion").await;
    assert!(!champion.is_empty(), "{}", fact(&small, "appraisal,champion").await);
    let kept = "SELECT count(*) FROM quintile.fits WHERE model = 'values_ahead:level'";
    assert_eq!(small.value(kept).await, "1");
    let total: f64 = fact(&small, "appraisal,total,predicted").await.parse().expect("a number");
    let brought = small.value("SELECT sum((hashtext(customer_id) & 7) * 12.5) FROM public.histories").await;
    let brought: f64 = brought.parse().expect("a number");
    assert!((total / brought - 1.0).abs() < 0.25, "{total} against {brought}");
    small.execute("CREATE TABLE before AS SELECT * FROM marts.values_ahead").await;
    publish(&small, "2025-07-01").await;
    assert_eq!((fact(&small, "fit,run_id").await, small.value(kept).await), ("1".into(), "1".into()));
    let alike = "SELECT bool_and(abs(v.predicted_ltv - b.predicted_ltv) <= 1e-9 * b.predicted_ltv)::text
        FROM marts.values_ahead AS v INNER JOIN before AS b USING (customer_id)";
    assert_eq!(small.value(alike).await, "true");
    let again: f64 = fact(&small, "appraisal,total,predicted").await.parse().expect("a number");
    assert!((again / total - 1.0).abs() < 1e-9);
}

/// The factors of a calendar: December holds three times as much as another month.
const CHRISTMAS: &str =
    "SELECT m AS month, CASE WHEN m = 12 THEN 3.0 ELSE 1.0 END AS factor FROM generate_series(1, 12) AS m";

#[tokio::test(flavor = "multi_thread")]
async fn a_season_that_is_given_is_seen_by_the_server_as_in_memory() {
    let small = small("refit_days=30, season='christmas'", &format!("{HISTORIES} -- {{{{ ref('christmas') }}}}")).await;
    small.table("christmas", CHRISTMAS);
    // As of the end of November the next month is December.
    publish(&small, "2025-12-01").await;
    let outlook = serde_json::from_str::<Outlook>(&fact(&small, "outlook").await).expect("an outlook");
    let today = chrono::NaiveDate::from_ymd_opt(2025, 11, 30).expect("a date");
    let clock = outlook.clock(today, 289);
    assert!(clock.table().is_some());
    assert_scores(&small, &outlook, &clock, &HISTORIES.replace("{{ var('later', 0) }}", "0")).await;
    let year = "SELECT round((sum(predicted_purchases) / sum(predicted_purchases_unadjusted))::numeric, 2) FROM marts.values_ahead";
    assert_eq!(small.value(year).await, "1.00");
    // The same fit a month later: January is an average month, so a purchase within 30 days is less likely.
    let soon = "SELECT sum(purchase_probability_30d) FROM marts.values_ahead";
    let before: f64 = small.value(soon).await.parse().expect("a number");
    publish(&small, "2025-12-30").await;
    assert_eq!(fact(&small, "fit,run_id").await, "1");
    let after: f64 = small.value(soon).await.parse().expect("a number");
    assert!(after < 0.7 * before, "{after} after {before}");

    // A calendar that lacks a month is named.
    small.table("christmas", &format!("{CHRISTMAS} WHERE m <> 5"));
    let failed = format!("{:?}", run(&small, "2025-12-31").await.failed);
    assert!(failed.contains("no factor for month 5"), "{failed}");
}
