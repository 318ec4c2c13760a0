//! Insights over customers that a test makes up: each one must speak where the figures carry it, and be silent elsewhere.

use crate::shop;
use crate::small::Small;
use quintile::pipeline::{self, BuildRequest};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// Customers who are alike but for a spread of what an order brings.
struct Group {
    persona: &'static str,
    customers: i32,
    frequency: i32,
    /// Revenue of an order, and how far it spreads above.
    per_order: (f64, f64),
    first: &'static str,
    last: &'static str,
}

const fn group(persona: &'static str, customers: i32, frequency: i32, per_order: (f64, f64)) -> Group {
    Group { persona, customers, frequency, per_order, first: "2023-01-01", last: "2024-12-20" }
}

/// The bundled insights over customers and daily revenue of a test's own.
struct Insights(Small);

impl Insights {
    async fn new() -> Insights {
        let small = Small::new().await;
        let (from, to) = (shop::project_folder(), small.settings.project_dir.clone());
        shop::copy_folder(&from.join("macros"), &to.join("macros"));
        shop::copy_folder(&from.join("models/insights"), &to.join("models/insights"));
        std::fs::create_dir_all(to.join("seeds")).expect("a folder");
        for (file, place) in [
            ("models/personas/value_distribution.sql", "models/value_distribution.sql"),
            ("seeds/insight_templates.csv", "seeds/insight_templates.csv"),
        ] {
            std::fs::copy(from.join(file), to.join(place)).expect("a copy");
        }
        small.execute("CREATE TABLE public.customers (customer_id serial, persona text, frequency integer, monetary numeric, profit numeric,
            predicted_ltv float8, recency_days integer, first_order_date date, last_order_date date, average_order_value numeric,
            currency text, id_is_synthetic boolean);
            CREATE TABLE public.days (order_date date, revenue numeric)").await;
        small.table("customer_360", "SELECT * FROM public.customers");
        small.table("order_days", "SELECT * FROM public.days");
        Insights(small)
    }

    /// Fills the customers; profit is unknown.
    async fn groups(&self, groups: &[Group]) {
        self.0.execute("TRUNCATE public.customers, public.days").await;
        for Group { persona, customers, frequency, per_order: (least, spread), first, last } in groups {
            self.0.execute(&format!(
                "INSERT INTO public.customers (persona, frequency, monetary, recency_days, first_order_date, last_order_date,
                    average_order_value, currency, id_is_synthetic)
                SELECT '{persona}', {frequency}, {frequency} * v, date '2024-12-31' - (date '{last}' - n % 10), date '{first}' - n % 10,
                    date '{last}' - n % 10, v, 'EUR', false
                FROM generate_series(1, {customers}) AS n CROSS JOIN LATERAL (SELECT round({least} + {spread} * (n * 37 % 101) / 100.0, 4)) AS p (v)"
            ))
            .await;
        }
    }

    /// Revenue of every day: so much lately, so much the year before; it varies by weekday and by week.
    async fn days(&self, lately: f64, before: f64) {
        self.0.execute(&format!(
            "INSERT INTO public.days SELECT d::date, CASE WHEN d >= '2024-07-01' THEN {lately} ELSE {before} END
                + extract(isodow FROM d) + (extract(doy FROM d)::integer / 7 * 37 + (d >= '2024-07-01')::integer * 5) % 11
            FROM generate_series(timestamp '2023-01-01', '2024-12-31', '1 day') AS d"
        ))
        .await;
    }

    async fn ask(&self) {
        let (_keep, stop) = watch::channel(false);
        let as_of = Some("2025-01-01T00:00:00Z".parse().expect("an instant"));
        let request = BuildRequest { as_of, trigger: "test".into(), rebuild: true, ..BuildRequest::default() };
        let run = pipeline::build(&self.0.warehouse, &self.0.settings, &request, stop).await.expect("a run");
        assert_eq!(run.state, "published", "{:?}", run.failed);
    }

    /// Why an insight is not told; empty where it is.
    async fn silence(&self, insight: &str) -> String {
        let told = self.0.value(&format!("SELECT count(*) FROM marts.insights WHERE insight = '{insight}'")).await;
        let reason = self.0.value(&format!("SELECT reason FROM marts.insight_tests WHERE insight = '{insight}'")).await;
        assert_eq!(told == "1", reason.is_empty(), "{insight}: {told} rows, reason {reason:?}");
        reason
    }

    async fn figure(&self, insight: &str, name: &str) -> f64 {
        let sql = format!("SELECT figures ->> '{name}' FROM marts.insight_tests WHERE insight = '{insight}'");
        self.0.value(&sql).await.parse().unwrap_or_else(|e| panic!("{insight}.{name}: {e}"))
    }

    async fn told(&self) -> String {
        self.0.value("SELECT string_agg(insight, ' ' ORDER BY priority) FROM marts.insights").await
    }
}

/// A shop of which everything can be said.
fn outspoken() -> Vec<Group> {
    vec![
        group("VIPs", 1, 6, (10_000.0, 0.0)),
        group("VIPs", 11, 6, (4_000.0, 500.0)),
        group("Loyalists", 150, 10, (6.0, 2.0)),
        group("Casual Shoppers", 600, 1, (30.0, 10.0)),
        group("Casual Shoppers", 100, 3, (30.0, 10.0)),
        Group { first: "2022-01-20", last: "2023-02-01", ..group("At Risk", 138, 5, (20.0, 10.0)) },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_which_everything_can_be_said_is_told_everything() {
    let shop = Insights::new().await;
    shop.groups(&outspoken()).await;
    shop.days(80.0, 120.0).await;
    shop.ask().await;
    assert_eq!(
        shop.told().await,
        "concentration_risk churn_warning whale_effect loyalty_trap growth_opportunity second_order_gap revenue_decline"
    );
    let words =
        shop.0.value("SELECT string_agg(headline || '. ' || body, E'\\n' ORDER BY priority) FROM marts.insights").await;
    insta::assert_snapshot!(words);
    let levels = "SELECT string_agg(insight || ' ' || confidence, ', ' ORDER BY priority) FROM marts.insights";
    assert_eq!(
        shop.0.value(levels).await,
        "concentration_risk high, churn_warning medium, whale_effect low, loyalty_trap medium, growth_opportunity high, \
         second_order_gap high, revenue_decline high"
    );
    // Benjamini and Hochberg once more: p times tests over rank, never above that of a larger p.
    let client = shop.0.warehouse.client().await.expect("a connection");
    let rows = client
        .query("SELECT p_value, p_adjusted FROM marts.insight_tests WHERE p_value IS NOT NULL ORDER BY 1 DESC", &[]);
    let rows: Vec<(f64, f64)> = rows.await.expect("rows").iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows.len(), 6);
    let mut least = 1.0_f64;
    for (place, (p, adjusted)) in rows.iter().enumerate() {
        least = least.min(p * 6.0 / (6 - place) as f64);
        assert!((adjusted - least).abs() <= 1e-12 * least, "{p}: {adjusted}, not {least}");
    }
    let welch = "SELECT (avg(x) FILTER (WHERE l) - avg(x) FILTER (WHERE NOT l))
            / sqrt(var_samp(x) FILTER (WHERE l) / count(*) FILTER (WHERE l) + var_samp(x) FILTER (WHERE NOT l) / count(*) FILTER (WHERE NOT l))
        FROM (SELECT average_order_value::float8 AS x, persona = 'Loyalists' AS l FROM public.customers) AS c";
    let sql = format!(
        "SELECT (abs(statistic - ({welch})) < 1e-6)::text FROM marts.insight_tests WHERE insight = 'loyalty_trap'"
    );
    assert_eq!(shop.0.value(&sql).await, "true");

    // The same of made-up customers is told with a warning, and nobody may be sure of it.
    shop.0.execute("UPDATE public.customers SET id_is_synthetic = true").await;
    shop.ask().await;
    let sure = "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE confidence = 'low'), count(*) FILTER (WHERE body LIKE '%made up%')) FROM marts.insights";
    assert_eq!(shop.0.value(sure).await, "7 7 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_which_nothing_can_be_said_is_told_nothing() {
    let shop = Insights::new().await;
    let alike = ["VIPs", "Loyalists", "Casual Shoppers", "At Risk"].map(|persona| group(persona, 100, 2, (50.0, 0.0)));
    shop.groups(&alike).await;
    shop.days(100.0, 100.0).await;
    shop.ask().await;
    assert_eq!(shop.told().await, "");
    for (insight, reason) in [
        ("whale_effect", "all customers are alike"),
        ("concentration_risk", "no customer brings a tenth of net revenue"),
        ("loyalty_trap", "the persona does not order more often than the others"),
        ("churn_warning", "fewer than ten customers of the persona once ordered more often than the typical customer"),
        ("growth_opportunity", "another persona has as many customers"),
        ("second_order_gap", "fewer than ten customers ordered once, or more than once, and first half a year ago"),
    ] {
        assert_eq!(shop.silence(insight).await, reason);
    }
    let trend = "SELECT string_agg(reason, ' ') FROM marts.insight_tests WHERE insight LIKE 'revenue_%'";
    assert_eq!(shop.0.value(trend).await, "it may well be chance");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_customer_is_no_shop() {
    let shop = Insights::new().await;
    shop.groups(&[group("VIPs", 1, 3, (50.0, 0.0))]).await;
    shop.ask().await;
    assert_eq!(shop.told().await, "");
    assert_eq!(
        shop.0.value("SELECT count(*) FROM marts.insight_tests WHERE reason IS NULL OR p_value IS NOT NULL").await,
        "0"
    );
    assert_eq!(shop.silence("concentration_risk").await, "there is one customer only");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_insight_falls_silent_when_its_figures_are_not_there() {
    let shop = Insights::new().await;
    // Loyal customers whose orders bring more; dormant ones who were never frequent; casual ones are few; who came once
    // comes again as easily as later on; revenue grows.
    shop.groups(&[
        group("VIPs", 100, 4, (50.0, 20.0)),
        group("Loyalists", 150, 10, (60.0, 20.0)),
        group("Casual Shoppers", 50, 2, (30.0, 10.0)),
        group("Casual Shoppers", 45, 1, (30.0, 10.0)),
        Group { last: "2023-02-01", ..group("At Risk", 130, 2, (20.0, 10.0)) },
    ])
    .await;
    shop.days(120.0, 80.0).await;
    shop.ask().await;
    assert_eq!(shop.told().await, "revenue_growth");
    assert_eq!(shop.silence("loyalty_trap").await, "it may well be chance");
    assert_eq!(shop.silence("growth_opportunity").await, "another persona has as many customers");
    assert_eq!(shop.silence("second_order_gap").await, "it may well be chance");
    assert_eq!(shop.silence("whale_effect").await, "it may well be chance");

    // A year of data only: no season to compare with.
    shop.0
        .execute("UPDATE public.customers SET first_order_date = '2024-03-01' WHERE first_order_date < '2024-03-01'")
        .await;
    shop.ask().await;
    assert_eq!(shop.silence("revenue_growth").await, "the data do not reach back 65 weeks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_share_and_its_error_are_those_of_the_definition() {
    let shop = Insights::new().await;
    let customers = |amount: &str| {
        format!(
            "TRUNCATE public.customers; INSERT INTO public.customers (persona, frequency, monetary, recency_days, first_order_date,
                last_order_date, average_order_value, currency, id_is_synthetic)
            SELECT 'VIPs', 1, v, 11, '2024-12-20', '2024-12-20', v, 'EUR', false FROM generate_series(1, 4000) AS n
            CROSS JOIN LATERAL (SELECT round(({amount})::numeric, 4)) AS p (v)"
        )
    };
    // Quantiles of an exponential distribution: what is expected, and no more.
    shop.0.execute(&customers("-100 * ln((n - 0.5) / 4000.0)")).await;
    shop.ask().await;
    let expected = 0.01 * (1.0 - 0.01_f64.ln());
    assert!((shop.figure("whale_effect", "expected_share").await - expected).abs() < 1e-9);
    assert!((shop.figure("whale_effect", "top_amount_share").await - expected).abs() < 0.001);
    assert_eq!(shop.silence("whale_effect").await, "it may well be chance");

    // Quantiles of a Pareto distribution. The standard error is that of the jackknife, which leaves out one at a time.
    shop.0.execute(&customers("100 * ((n - 0.5) / 4000.0) ^ (-0.3)")).await;
    shop.ask().await;
    let amounts: Vec<f64> = (1..=4000).map(|n| 100.0 * ((f64::from(n) - 0.5) / 4000.0).powf(-0.3)).collect();
    let (all, top, next): (f64, f64, f64) = (amounts.iter().sum(), amounts[..40].iter().sum(), amounts[40]);
    let without = |place: usize| if place < 40 { top - amounts[place] + next } else { top } / (all - amounts[place]);
    let mean = (0..4000).map(without).sum::<f64>() / 4000.0;
    let jackknife = ((0..4000).map(|place| (without(place) - mean).powi(2)).sum::<f64>() * 3999.0 / 4000.0).sqrt();
    let error = shop.figure("whale_effect", "standard_error_share").await;
    assert!((error / jackknife - 1.0).abs() < 0.02, "standard error {error}, jackknife {jackknife}");
    assert!((shop.figure("whale_effect", "top_amount_share").await - top / all).abs() < 1e-6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_with_a_figure_that_there_is_not_publishes_nothing() {
    let shop = Insights::new().await;
    let seed = shop.0.settings.project_dir.join("seeds/insight_templates.csv");
    let text = std::fs::read_to_string(&seed).expect("templates");
    std::fs::write(&seed, text.replace("{highest_amount}", "{higest_amount}")).expect("written");
    shop.groups(&outspoken()).await;
    let run = shop.0.build(&[]).await;
    let failed: Vec<&str> = run.failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((run.state.as_str(), failed), ("failed", vec!["not_null_insights_body"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_macros_of_statistics_are_right() {
    let small = Small::new().await;
    shop::copy_folder(&shop::project_folder().join("macros"), &small.settings.project_dir.join("macros"));
    // Values of erfc to 16 digits, by the C library.
    let known: BTreeMap<&str, f64> = BTreeMap::from([
        ("-1", 1.842_700_792_949_715),
        ("0", 1.0),
        ("0.5", 0.479_500_122_186_953_5),
        ("1", 0.157_299_207_050_285_13),
        ("2", 4.677_734_981_047_266e-3),
        ("3", 2.209_049_699_858_544e-5),
        ("5", 1.537_459_794_428_035e-12),
        ("10", 2.088_487_583_762_545e-45),
    ]);
    for (x, erfc) in known {
        small.table("tail", &format!("SELECT {{{{ erfc('{x}') }}}} AS tail"));
        small.publish(&[]).await;
        let found: f64 = small.value("SELECT tail FROM marts.tail").await.parse().expect("a number");
        assert!((found / erfc - 1.0).abs() < 1e-11, "erfc({x}) is {erfc}, found {found}");
    }
    // What cannot be told from 0 is no error; 2.1788 is the 5 % point of Student's t with 12 degrees of
    // freedom, which the approximation takes for 5.1 %.
    small.table(
        "others",
        "SELECT concat_ws(' ', {{ erfc('1e9') }} < 1e-290, {{ erfc('1e9') }} > 0, round({{ p_beyond(z_of_t('2.1788', '12')) }}::numeric, 3),
            round({{ p_above('1.6448536') }}::numeric, 6), {{ sample_variance('3', '6::numeric', '14::numeric') }}) AS others",
    );
    small.publish(&[]).await;
    assert_eq!(small.value("SELECT others FROM marts.others").await, "t t 0.051 0.050000 1");
}
