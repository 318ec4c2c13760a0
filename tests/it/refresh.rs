//! Models that are refreshed hold, after any change of the orders, the rows that making them anew gives.

use crate::harness::Database;
use crate::shop::{self, execute, value};
use crate::small::Small;
use quintile::pipeline::{self, BuildRequest};
use quintile::warehouse::Warehouse;
use quintile::warehouse::erase::EraseRequest;
use quintile::warehouse::person::Person;
use std::collections::BTreeMap;
use tokio::sync::watch;

/// Every model that is refreshed, and some that read them.
const COMPARED: [&str; 24] = [
    "category_buyers",
    "category_performance",
    "cohort_averages",
    "cohort_cells",
    "cohort_sums",
    "cohort_values",
    "customer_orders",
    "customer_purchases",
    "customers",
    "data_quality",
    "data_quality_columns",
    "data_quality_sources",
    "holiday_effects",
    "order_hours",
    "order_sizes",
    "product_sales",
    "purchase_patterns",
    "revenue_trends",
    "stg_id_matches",
    "stg_line_counts",
    "stg_line_days",
    "stg_line_values",
    "stg_order_counts",
    "stg_source_facts",
];

/// Those that are refreshed from the lines that came and went.
const FROM_LINES: &str = "'category_buyers', 'product_sales', 'stg_line_days', 'stg_line_values', 'stg_order_counts'";

struct Refreshed {
    db: Database,
    warehouse: Warehouse,
}

impl Refreshed {
    async fn new(customers: i32) -> Refreshed {
        let db = Database::new().await;
        let warehouse = db.warehouse().await;
        shop::fill_orders(&warehouse, customers).await;
        let costs = "UPDATE raw.orders SET unit_cost = unit_price * 0.6, channel = 'c' || length(customer_id), category = product_id
            WHERE right(customer_id, 1) <> '7'";
        execute(&warehouse, costs).await;
        Refreshed { db, warehouse }
    }

    async fn build(&self, rebuild: bool) -> i64 {
        self.build_at(rebuild, None).await
    }

    async fn build_at(&self, rebuild: bool, day: Option<&str>) -> i64 {
        let select = COMPARED.iter().map(|model| format!("+{model}")).collect();
        let as_of = day.map(|day| day.parse().expect("an instant"));
        let request = BuildRequest { select, as_of, trigger: "test".into(), rebuild, ..BuildRequest::default() };
        let (_keep, stop) = watch::channel(false);
        let built = pipeline::build(&self.warehouse, &self.db.settings(), &request, stop).await;
        let report = built.unwrap_or_else(|e| panic!("{}", e.report()));
        assert_eq!(report.state, "published", "{:?}", report.failed);
        report.run_id
    }

    /// All rows of each relation, by its name.
    async fn rows(&self) -> BTreeMap<&'static str, String> {
        let mut found = BTreeMap::new();
        for model in COMPARED {
            let schema = value(
                &self.warehouse,
                &format!("SELECT CASE access WHEN 'public' THEN 'marts' ELSE 'quintile_store' END FROM quintile.live WHERE relation = '{model}'"),
            )
            .await;
            // Sums that were added to and taken from may have more zeros behind the point.
            let trim = match schema.as_str() {
                "marts" => "line",
                _ => r"regexp_replace(line, '(\.[0-9]*[1-9])0+(?=[,}])|\.0+(?=[,}])', '\1', 'g')",
            };
            let lines = format!(
                "SELECT string_agg({trim}, E'\\n' ORDER BY {trim}) FROM (SELECT (to_jsonb(t) - 'run_id')::text AS line FROM {schema}.{model} AS t) AS l"
            );
            found.insert(model, value(&self.warehouse, &lines).await);
        }
        found
    }

    /// How many customers of each refreshed model a run made anew.
    async fn changed_keys(&self, run_id: i64) -> String {
        self.keys_where(run_id, &format!("model NOT IN ({FROM_LINES})")).await
    }

    /// The same of the models that are refreshed from what came.
    async fn changed_lines(&self, run_id: i64) -> String {
        self.keys_where(run_id, &format!("model IN ({FROM_LINES})")).await
    }

    async fn keys_where(&self, run_id: i64, condition: &str) -> String {
        let asked = format!(
            "SELECT string_agg(model || ' ' || changed_keys, ', ' ORDER BY model) FROM quintile.run_models
            WHERE run_id = {run_id} AND changed_keys IS NOT NULL AND {condition}"
        );
        value(&self.warehouse, &asked).await
    }

    /// What the refreshed relations hold is what they hold when they are made anew.
    async fn agrees_with_a_rebuild(&self, change: &str) {
        self.agrees_with_a_rebuild_at(change, None).await;
    }

    async fn agrees_with_a_rebuild_at(&self, change: &str, day: Option<&str>) {
        let refreshed = self.rows().await;
        self.build_at(true, day).await;
        let rebuilt = self.rows().await;
        for model in COMPARED {
            let only = |here: &str, there: &str| {
                let there: std::collections::BTreeSet<&str> = there.lines().collect();
                here.lines().filter(|line| !there.contains(line)).map(str::to_owned).collect::<Vec<_>>()
            };
            let (was, is) = (&refreshed[model], &rebuilt[model]);
            assert!(was == is, "{model} after {change}: refreshed {:#?}, rebuilt {:#?}", only(was, is), only(is, was));
        }
    }
}

const KEYS_OF_ALL: &str =
    "cohort_sums {n}, customer_orders {n}, customer_purchases {n}, customers {n}, order_hours {n}, order_sizes {n}";

/// Two new lines for c3, dated by the argument.
fn new_order(order: &str, at: &str) -> String {
    format!(
        "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, product_id, quantity, unit_price, country, currency, load_id)
        SELECT 'made_up', '{order}', n, 'c3', '{at}', 'p1', 2, 7.5, 'Utopia', 'EUR', 1 FROM generate_series(1, 2) AS n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_orders_refreshed_models_hold_what_a_rebuild_gives() {
    let shop = Refreshed::new(120).await;
    let first = shop.build(false).await;
    assert_eq!(shop.changed_keys(first).await, "", "nothing is there to be taken over");
    // What also changes what a dimension of cohorts is made of makes cohorts anew: only the orders are sure to be refreshed.
    let rounds = [
        vec![
            (new_order("new", "2025-06-29 12:00+00"), "1", true),
            ("UPDATE raw.orders SET quantity = quantity + 1 WHERE customer_id IN ('c5', 'c6')".into(), "2", true),
            ("UPDATE raw.orders SET unit_cost = NULL WHERE customer_id = 'c12'".into(), "1", true),
            ("DELETE FROM raw.orders WHERE customer_id = 'c11'".into(), "1", false),
        ],
        vec![
            (new_order("backdated", "2023-08-01 12:00+00"), "1", false),
            ("UPDATE raw.orders SET customer_id = 'c9' WHERE order_id = '8-2'".into(), "2", false),
            ("UPDATE raw.orders SET quantity = -quantity WHERE order_id = '10-2'".into(), "1", false),
            // Days later: all of the calendar moves on, and only c3 has other orders.
            (new_order("later", "2025-07-02 12:00+00"), "1", true),
        ],
    ];
    for round in rounds {
        for (change, keys, are_all) in &round {
            execute(&shop.warehouse, change).await;
            let run = shop.build(false).await;
            assert!(!shop.changed_lines(run).await.is_empty(), "{change}");
            let found = shop.changed_keys(run).await;
            assert!(found.contains(&format!("customer_orders {keys}, customer_purchases {keys}")), "{change}: {found}");
            assert!(!are_all || found == KEYS_OF_ALL.replace("{n}", keys), "{change}: {found}");
        }
        shop.agrees_with_a_rebuild(&format!("{round:?}")).await;
    }
    // One after the other, without a rebuild in between; the second is the first from which nothing is left.
    for change in
        [new_order("chained", "2025-06-29 18:00+00"), "DELETE FROM raw.orders WHERE order_id = 'chained'".into()]
    {
        execute(&shop.warehouse, &change).await;
        let run = shop.build(false).await;
        assert_eq!(shop.changed_keys(run).await, KEYS_OF_ALL.replace("{n}", "1"), "{change}");
    }
    shop.agrees_with_a_rebuild("two changes in a row").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_come_are_added_to_what_is_known_of_lines_orders_and_days() {
    let shop = Refreshed::new(60).await;
    let line = |order: &str, line: i32, customer: &str, at: &str, more: &str| {
        format!(
            "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, product_id, description, category, quantity, unit_price,
                discount, channel, country, currency, load_id)
            VALUES ('made_up', '{order}', {line}, {customer}, '{at}', {more}, 0, NULL, 'Utopia', 'EUR', 1)"
        )
    };
    let cup = "'p1', 'a cup', 'p1', 2, 7.5";
    shop.build(false).await;
    let rounds = [
        (
            vec![line("a", 1, "'c3'", "2025-06-29 12:00+00", cup), line("a", 2, "'c3'", "2025-06-29 12:00+00", cup)],
            "category_buyers 1, product_sales 2, stg_line_days 1, stg_line_values 2, stg_order_counts 1",
        ),
        // A line of nobody, one of an order that was there, of another customer too, and one that came back; a new source.
        (
            vec![
                line("b", 1, "NULL", "2025-06-29 13:00+00", "'p2', NULL, NULL, 1, 1.25"),
                line("b", 2, "''", "2025-06-29 13:00+00", "'p2', NULL, '', 0, 1.25"),
                line("a", 3, "'c4'", "2025-06-28 12:00+00", "NULL, 'a saucer', 'p1', -1, 7.5"),
                line("c", 1, "'somebody'", "2025-06-28 12:00+00", "'p99', 'a jug', 'jugs', 1, 90")
                    .replace("made_up", "till"),
            ],
            "category_buyers 2, product_sales 4, stg_line_days 2, stg_line_values 4, stg_order_counts 3",
        ),
        (
            vec![line("d", 1, "'c5'", "2023-07-09 10:00:00.5+00", "'p3', 'a pan', 'p3', 3, 0")],
            "category_buyers 1, product_sales 1, stg_line_days 1, stg_line_values 1, stg_order_counts 1",
        ),
    ];
    for (changes, lines) in &rounds {
        for change in changes {
            execute(&shop.warehouse, change).await;
        }
        let run = shop.build(false).await;
        assert_eq!(shop.changed_lines(run).await, *lines, "{changes:?}");
    }
    shop.agrees_with_a_rebuild("lines that came").await;
    // Lines of the future are there for those who count lines, and come in for those who count sales.
    execute(&shop.warehouse, &line("e", 1, "'c6'", "2025-07-05 12:00+00", cup)).await;
    for (day, lines) in [
        (
            "2025-07-04T00:00:00Z",
            "category_buyers 1, product_sales 1, stg_line_days 1, stg_line_values 1, stg_order_counts 1",
        ),
        ("2025-07-05T06:00:00Z", ""),
        (
            "2025-07-05T18:00:00Z",
            "category_buyers 1, product_sales 1, stg_line_days 1, stg_line_values 1, stg_order_counts 1",
        ),
    ] {
        let run = shop.build_at(false, Some(day)).await;
        let found = shop.changed_lines(run).await;
        assert!(lines.is_empty() || found == lines, "{day}: {found}");
        shop.agrees_with_a_rebuild_at(day, Some(day)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_of_lines_ask_those_that_came_and_nothing_collected_is_left() {
    let shop = Refreshed::new(60).await;
    shop.build(false).await;
    execute(&shop.warehouse, &new_order("new", "2025-06-29 12:00+00")).await;
    let run = shop.build(false).await;
    let asked = format!(
        "SELECT count(*) FILTER (WHERE state = 'passed') || ' of ' || count(*) FROM quintile.run_tests WHERE run_id = {run} AND test ~ '^not_null_stg_orders_'"
    );
    let passed = value(&shop.warehouse, &asked).await;
    assert_eq!(passed, "12 of 12");
    let left = "SELECT count(*) FROM pg_class WHERE relname ~ '^raw_orders__since|__new__r|__then$'";
    assert_eq!(value(&shop.warehouse, left).await, "0", "what was collected is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_the_future_come_in_when_their_day_is_there() {
    let shop = Refreshed::new(60).await;
    execute(&shop.warehouse, &new_order("announced", "2100-01-01 12:00+00")).await;
    shop.build(false).await;
    execute(&shop.warehouse, "UPDATE raw.orders SET ordered_at = '2025-07-03 09:00+00' WHERE order_id = '1-2'").await;
    execute(&shop.warehouse, "UPDATE raw.orders SET ordered_at = '2025-07-05 09:00+00' WHERE order_id = 'announced'")
        .await;
    // As of the third of July, on which the order of the fifth lies in the future.
    let request = |day: &str| BuildRequest {
        select: COMPARED.iter().map(|model| format!("+{model}")).collect(),
        as_of: Some(day.parse().expect("an instant")),
        trigger: "test".into(),
        ..BuildRequest::default()
    };
    for (day, keys) in [("2025-07-04T00:00:00Z", "2"), ("2025-07-06T00:00:00Z", "1")] {
        let (_keep, stop) = watch::channel(false);
        let built = pipeline::build(&shop.warehouse, &shop.db.settings(), &request(day), stop).await;
        let run = built.unwrap_or_else(|e| panic!("{}", e.report())).run_id;
        assert_eq!(shop.changed_keys(run).await, KEYS_OF_ALL.replace("{n}", keys), "{day}");
    }
    let seen = "SELECT count(*) FROM marts.customer_orders WHERE order_id = 'announced'";
    assert_eq!(value(&shop.warehouse, seen).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_were_updated_or_went_are_taken_off_what_is_known_of_them() {
    let shop = Refreshed::new(60).await;
    shop.build(false).await;
    let rounds = [
        // A line of nobody that came in between is in no sum yet when it goes; it and all that it ever was leave no trace.
        (
            "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, product_id, quantity, unit_price, currency, load_id)
                VALUES ('made_up', 'x', 1, NULL, '2025-06-20 12:00+00', 'p1', 1, 5, 'EUR', 1);
            UPDATE raw.orders SET unit_price = 6 WHERE order_id = 'x';
            DELETE FROM raw.orders WHERE order_id = 'x'",
            "category_buyers 0, product_sales 0, stg_line_days 0, stg_line_values 0, stg_order_counts 0",
        ),
        // To another customer, product, category, day and source; one line twice, and back to what it was.
        (
            "UPDATE raw.orders SET customer_id = 'c9' WHERE order_id = '8-2';
            UPDATE raw.orders SET product_id = 'p77', category = 'other' WHERE order_id = '9-2';
            UPDATE raw.orders SET ordered_at = ordered_at - INTERVAL '3 days' WHERE order_id = '10-2';
            UPDATE raw.orders SET source = 'till' WHERE order_id = '11-2';
            UPDATE raw.orders SET quantity = 1000 WHERE order_id = '12-2';
            UPDATE raw.orders SET quantity = 2.5 WHERE order_id = '12-2';
            UPDATE raw.orders SET unit_price = unit_price + 1 WHERE order_id = '13-2';
            UPDATE raw.orders SET unit_price = unit_price - 1 WHERE order_id = '13-2'",
            "",
        ),
        // What went comes again, as a load does that replaces a day; a return that is one no more; a line without a name.
        (
            "CREATE TABLE raw.kept AS SELECT * FROM raw.orders WHERE order_id IN ('14-2', '15-2');
            DELETE FROM raw.orders WHERE order_id IN ('14-2', '15-2', '16-2');
            INSERT INTO raw.orders SELECT * FROM raw.kept;
            DROP TABLE raw.kept;
            UPDATE raw.orders SET quantity = -quantity WHERE order_id = '17-2';
            UPDATE raw.orders SET customer_id = NULL WHERE order_id = '18-2';
            UPDATE raw.orders SET customer_id = '' WHERE order_id = '19-2'",
            "",
        ),
        // Within one transaction, and what a savepoint takes back.
        (
            "BEGIN;
            UPDATE raw.orders SET quantity = -quantity WHERE order_id = '17-2';
            SAVEPOINT s;
            DELETE FROM raw.orders WHERE order_id = '20-2';
            ROLLBACK TO SAVEPOINT s;
            DELETE FROM raw.orders WHERE order_id = '17-2';
            DELETE FROM raw.orders WHERE order_id = '18-2';
            COMMIT",
            "",
        ),
        // The last of a product, and all of a day.
        (
            "DELETE FROM raw.orders WHERE product_id = 'p77' OR order_id = '10-2';
            UPDATE raw.orders SET source = 'made_up' WHERE order_id = '11-2'",
            "",
        ),
    ];
    for (change, lines) in rounds {
        execute(&shop.warehouse, change).await;
        let run = shop.build(false).await;
        let found = shop.changed_lines(run).await;
        assert_eq!(found.split(", ").count(), 5, "{change}: {found}");
        assert!(lines.is_empty() || found == lines, "{change}: {found}");
    }
    shop.agrees_with_a_rebuild("lines that were updated and went").await;
    // A line of the future goes before its day comes, another after the run that saw it.
    for (day, change) in [
        (
            "2025-07-04T00:00:00Z",
            new_order("one", "2025-07-05 12:00+00") + ";" + &new_order("two", "2025-07-06 12:00+00"),
        ),
        ("2025-07-05T18:00:00Z", "DELETE FROM raw.orders WHERE order_id = 'two'".into()),
        ("2025-07-07T00:00:00Z", "DELETE FROM raw.orders WHERE order_id = 'one'".into()),
    ] {
        execute(&shop.warehouse, &change).await;
        let run = shop.build_at(false, Some(day)).await;
        assert!(!shop.changed_lines(run).await.is_empty(), "{change}");
        shop.agrees_with_a_rebuild_at(&change, Some(day)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_under_way_behind_a_savepoint_is_not_lost() {
    let shop = Refreshed::new(60).await;
    let writer = shop.warehouse.client().await.expect("a connection");
    let begin = format!("BEGIN; SAVEPOINT one; {}; RELEASE SAVEPOINT one", new_order("slow", "2025-06-29 12:00+00"));
    writer.batch_execute(&begin).await.expect("begun");
    shop.build(false).await;
    writer.batch_execute("COMMIT").await.expect("committed");
    // The snapshot of the run before knows the transaction, but not its part that wrote the order.
    let run = shop.build(false).await;
    assert_eq!(shop.changed_lines(run).await, "");
    let seen = "SELECT count(*) FROM marts.customer_orders WHERE order_id = 'slow'";
    assert_eq!(value(&shop.warehouse, seen).await, "1");
    shop.agrees_with_a_rebuild("an order behind a savepoint").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_follow_makes_models_anew() {
    let shop = Refreshed::new(60).await;
    shop.build(false).await;
    for change in [
        // Whose lines they were is not noted one by one.
        "CREATE TABLE raw.kept AS SELECT * FROM raw.orders; TRUNCATE raw.orders; INSERT INTO raw.orders SELECT * FROM raw.kept; DROP TABLE raw.kept",
        // Removals went unnoticed for a while.
        "ALTER TABLE raw.orders DISABLE TRIGGER quintile_note_removed_line; DELETE FROM raw.orders WHERE customer_id = 'c5'",
        // More than a quarter of all customers.
        "UPDATE raw.orders SET quantity = quantity + 1 WHERE length(customer_id) = 3",
    ] {
        execute(&shop.warehouse, change).await;
        let run = shop.build(false).await;
        assert_eq!(shop.changed_keys(run).await + &shop.changed_lines(run).await, "", "{change}");
        shop.agrees_with_a_rebuild(change).await;
        execute(&shop.warehouse, "ALTER TABLE raw.orders ENABLE ALWAYS TRIGGER quintile_note_removed_line").await;
        shop.build(true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_makes_sums_anew_and_leaves_no_name_behind() {
    let shop = Refreshed::new(60).await;
    shop.build(false).await;
    let person = Person { customer_id: "c5".into(), ..Person::default() };
    let request = EraseRequest { person, ..EraseRequest::default() };
    pipeline::erase(&shop.warehouse, &shop.db.settings(), request).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let noted = "SELECT string_agg(DISTINCT COALESCE(customer_id || line, 'anybody'), ' ') FROM quintile.removed_rows";
    assert_eq!(value(&shop.warehouse, noted).await, "anybody");
    let run = shop.build(false).await;
    assert_eq!(shop.changed_keys(run).await, "");
    shop.agrees_with_a_rebuild("an erasure").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_over_where_the_settings_forbid_it() {
    let shop = Refreshed::new(60).await;
    shop.build(false).await;
    execute(&shop.warehouse, &new_order("new", "2025-06-29 12:00+00")).await;
    let mut settings = shop.db.settings();
    settings.run.skip_unchanged = false;
    let (_keep, stop) = watch::channel(false);
    let request =
        BuildRequest { select: vec!["+order_hours".into()], trigger: "test".into(), ..BuildRequest::default() };
    let built = pipeline::build(&shop.warehouse, &settings, &request, stop).await;
    let run = built.unwrap_or_else(|e| panic!("{}", e.report())).run_id;
    assert_eq!(shop.changed_keys(run).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_that_could_not_be_refreshed_are_refused_at_once() {
    let small = Small::new().await;
    small.execute("CREATE TABLE public.sales AS SELECT 'c1' AS customer_id, 'x' AS country, 1 AS amount").await;
    small.table("sales", "SELECT * FROM public.sales");
    let select = "SELECT s.country, sum(s.amount) AS amount{more} FROM {{ ref('sales') }} AS s GROUP BY s.country";
    for (config, more, message) in [
        (
            "refresh_key='customer_id', group_by='country'",
            "",
            "model \"totals\" is refreshed by sums and has no column \"row_count\"",
        ),
        (
            "refresh_key='customer_id', group_by='region'",
            ", count(*) AS row_count",
            "model \"totals\" has group_by \"region\", which is no column of it",
        ),
        ("group_by='country'", ", count(*) AS row_count", "model \"totals\" is to be refreshed, but by no key"),
    ] {
        let text = format!(
            "{{{{ config(materialized='table', refresh='sums', {config}) }}}}\n{}",
            select.replace("{more}", more)
        );
        std::fs::write(small.settings.project_dir.join("models/totals.sql"), text).expect("a file");
        let told = match shop::try_build(&small.warehouse, &small.settings, &[]).await {
            Ok(report) => report.failed.iter().map(|(_, why)| why.clone()).collect::<String>(),
            Err(e) => e.report(),
        };
        assert!(told.contains(message), "{told}");
    }
}
