//! Data tests that share a scan or are proven by an index end as each would alone, and take no other along.

use crate::small::Small;
use quintile::pipeline::{self, BuildRequest, Event, Progress};
use quintile::project::{Context, RelationName};
use quintile::warehouse::run_models::TestOutcome;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tokio::sync::{mpsc, watch};

/// Rows of many types, with gaps, twins and a zero to divide by.
const ITEMS: &str = r#"
SELECT * FROM (VALUES
    (1, 'a', 1.0, 1.5::float8, true, 'fine'::public.mood, '{"k": 1}'::jsonb, '{"k": 1}'::json, date '2024-01-01'),
    (2, 'b', 1.00, 'NaN', false, 'sad', '{"k":1}', '{"k":1}', '2024-01-02'),
    (3, 'b', 2.0, 2.5, NULL, 'angry', '{"k": 2}', NULL, NULL),
    (4, 'B', 3, 2.5, NULL, NULL, NULL, NULL, NULL),
    (0, NULL, NULL, NULL, false, 'angry', '[]', '[]', '2024-01-01'),
    (NULL, '', 3.000, 0, true, 'sad', 'null', 'null', NULL)
) AS items (id, word, amount, score, flag, mood, facts, plain, found_on)"#;

/// Tests that all work: they pass, warn and fail.
const SOUND: &str = r#"
      - not_null: {column_name: id}
      - not_null: {column_name: id, name: id_where_flagged, where: flag}
      - not_null: {column_name: word, name: word_where_unknown, where: flag IS NULL}
      - not_null: {column_name: word, name: word_above, where: "id > {{ var('least', 1) }}"}
      - not_null: {column_name: score, severity: warn}
      - not_null: {column_name: flag, severity: warn, where: "id IN (SELECT max(id) FROM {{ ref('sizes') }})"}
      - not_null: {column_name: run_id}
      - accepted_values: {column_name: word, values: [a]}
      - accepted_values: {column_name: word, name: word_of_all, values: [a, b, B, '', null]}
      - accepted_values: {column_name: amount, values: [2, 3], quote: false, severity: warn}
      - accepted_values: {column_name: amount, name: amount_as_text, values: [1, 2]}
      - accepted_values: {column_name: score, values: [1.5, 'NaN']}
      - accepted_values: {column_name: score, name: score_or_id, values: [1.5, id], quote: false}
      - accepted_values: {column_name: score, name: score_of_none, values: ["SELECT 1 WHERE false"], quote: false}
      - accepted_values: {column_name: flag, values: [true], quote: false}
      - accepted_values: {column_name: flag, name: flag_as_text, values: [true, false]}
      - accepted_values: {column_name: mood, values: [fine, angry]}
      - accepted_values: {column_name: mood, name: mood_of_few, values: [fine, sad], where: "found_on IS NULL OR id = 0"}
      - accepted_values: {column_name: facts, values: ['{"k": 1}', '[]']}
      - accepted_values: {column_name: found_on, values: ['2024-01-01', '2024-01-02']}
      - unique: {column_name: word}
      - unique: {column_name: id}
      - relationships: {column_name: id, to: ref('sizes'), field: id}
"#;

/// Tests that cannot work, that some rows keep from working beside others, or that work only alone: name, kind, the rest.
const SICK: [(&str, &str, &str); 17] = [
    ("divides", "not_null", "column_name: flag, where: 10 / (id - 3) > 0"),
    ("divides_and_warns", "not_null", "column_name: flag, where: 10 / (id - 3) > 0, severity: warn"),
    ("divides_for_others", "not_null", "column_name: amount, where: 10 / (id - 3) > 0"),
    ("no_column", "not_null", "column_name: missing"),
    ("no_column_but_a_relation", "not_null", "column_name: tested_together"),
    ("names_the_alias", "not_null", "column_name: word, where: tested_together.id > 0"),
    ("no_condition", "not_null", "column_name: word, where: id"),
    ("aggregate", "not_null", "column_name: word, where: count(*) > 1"),
    ("rows_for_a_row", "not_null", "column_name: word, where: 'generate_series(1, 2) > 1'"),
    ("names_no_relation", "not_null", "column_name: word, where: tested.id > 0"),
    ("unclosed", "not_null", "column_name: word, where: 'id > 1) OR (id < 0'"),
    ("commented", "not_null", "column_name: word, where: 'id > 1 -- only these'"),
    ("works_alone", "not_null", "column_name: word, where: 'true ORDER BY id DESC NULLS LAST LIMIT 2'"),
    ("names_the_relation", "not_null", "column_name: word, where: '{{ this }}.id < 3'"),
    ("no_equality", "accepted_values", "column_name: plain, values: ['{}']"),
    ("no_such_word", "accepted_values", "column_name: mood, values: [fine, furious]"),
    ("no_number", "accepted_values", "column_name: amount, values: [much]"),
];

/// Tests beside the sick ones.
const BESIDE: &str = "
      - not_null: {column_name: id}
      - not_null: {column_name: flag, severity: warn}
      - accepted_values: {column_name: id, values: [0, 1, 2, 3, 4]}
";

/// A shop with both kinds of tests about equal rows.
async fn mixed() -> Small {
    let small = Small::new().await;
    small.execute("CREATE TYPE public.mood AS ENUM ('fine', 'sad', 'angry')").await;
    small.table("sizes", "SELECT 3 AS id UNION ALL SELECT 0 UNION ALL SELECT 2");
    small.table("sound", ITEMS);
    let mut models = vec![("sound".to_owned(), SOUND.to_owned())];
    let mut all = BESIDE.to_owned();
    for (name, kind, rest) in SICK {
        models.push((name.to_owned(), format!("{BESIDE}      - {kind}: {{name: test_{name}, {rest}}}\n")));
        writeln!(all, "      - {kind}: {{name: among_all_{name}, {rest}}}").unwrap();
    }
    models.push(("all_sick".to_owned(), all));
    for (model, _) in &models[1..] {
        small.model(model, "materialized='view'", ITEMS);
    }
    schema(&small, &models.iter().map(|(model, tests)| (model.as_str(), tests.as_str())).collect::<Vec<_>>());
    small
}

/// Writes the property file.
fn schema(small: &Small, models: &[(&str, &str)]) {
    let mut text = "models:\n".to_owned();
    for (model, tests) in models {
        writeln!(text, "  - name: {model}\n    data_tests:{tests}").unwrap();
    }
    std::fs::write(small.settings.project_dir.join("models/schema.yml"), text).expect("a property file");
}

/// What each test's own SELECT tells over these relations, as `state count`.
async fn one_by_one(small: &Small, relation: impl Fn(&str) -> (String, String)) -> BTreeMap<String, String> {
    let project = pipeline::read_project(&small.settings).expect("a project");
    let named = |name: &String| {
        let (schema, identifier) = relation(name);
        (name.clone(), RelationName { schema, identifier, ..RelationName::default() })
    };
    let context = Context { relations: project.models.keys().map(named).collect(), ..Context::default() };
    let client = small.warehouse.client().await.expect("a connection");
    let mut told = BTreeMap::new();
    for (name, test) in &project.tests {
        let select = project.compile_test(name, &context).expect("SQL");
        let counted = client.query_one(&format!("SELECT count(*) FROM (\n{select}\n) AS failures"), &[]).await;
        let bad = if test.severity.as_str() == "warn" { "warned" } else { "failed" };
        let outcome = match counted.map(|row| row.get::<_, i64>(0)) {
            Ok(0) => "passed 0".to_owned(),
            Ok(count) => format!("{bad} {count}"),
            Err(e) => format!("errored {}", e.as_db_error().expect("the server's word").message()),
        };
        told.insert(name.clone(), outcome);
    }
    told
}

/// The same of outcomes.
fn told(outcomes: &[TestOutcome]) -> BTreeMap<String, String> {
    let one = |outcome: &TestOutcome| match (&outcome.error, outcome.failure_count) {
        (Some(error), None) => {
            let doing = format!("error: data test \"{}\" did not work: ", outcome.test);
            let first = error.lines().next().unwrap_or_default();
            let message = first.strip_prefix(&doing).unwrap_or_else(|| panic!("{}: {error}", outcome.test));
            (outcome.test.clone(), format!("{} {message}", outcome.state))
        }
        (None, Some(count)) => (outcome.test.clone(), format!("{} {count}", outcome.state)),
        other => panic!("{}: {other:?}", outcome.test),
    };
    outcomes.iter().map(one).collect()
}

/// Builds, and takes down the outcomes in the order in which they were told.
async fn outcomes(small: &Small, skip_tests: bool) -> (pipeline::RunReport, Vec<TestOutcome>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let progress = Progress::to(sender);
    let request = BuildRequest { progress, rebuild: true, skip_tests, ..BuildRequest::default() };
    let (_keep, stop) = watch::channel(false);
    let report = pipeline::build(&small.warehouse, &small.settings, &request, stop).await.expect("a run");
    drop(request);
    let mut found = Vec::new();
    while let Some(event) = receiver.recv().await {
        if let Event::TestFinished(outcome) = event {
            found.push(outcome);
        }
    }
    (report, found)
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_of_one_relation_end_as_if_each_were_asked_alone() {
    let small = mixed().await;
    let (report, found) = outcomes(&small, false).await;
    assert_eq!(report.state, "failed");
    let of_run = |name: &str| ("quintile_store".to_owned(), format!("{name}__r{}", report.run_id));
    let expected = one_by_one(&small, of_run).await;
    assert_eq!(told(&found), expected);
    let lines: Vec<String> = expected.iter().map(|(name, outcome)| format!("{name}: {outcome}")).collect();
    let own = lines.iter().filter(|line| {
        !SICK
            .iter()
            .any(|(name, ..)| line.contains(&format!("_{name}_id: ")) || line.contains(&format!("_{name}_flag: ")))
    });
    insta::assert_snapshot!(own.cloned().collect::<Vec<_>>().join("\n"));

    let bad = expected.iter().filter(|(_, outcome)| outcome.starts_with("failed") || outcome.starts_with("errored"));
    let bad: Vec<&String> = bad.map(|(name, _)| name).collect();
    assert_eq!(report.failed.iter().map(|(name, _)| name).collect::<Vec<_>>(), bad, "in order of their names");
    let recorded = "SELECT string_agg(test || ': ' || state || ' ' || coalesce(failure_count::text, split_part(split_part(error, E'\\n', 1), ' did not work: ', 2)),
        E'\\n' ORDER BY test COLLATE \"C\") FROM quintile.run_tests";
    assert_eq!(small.value(recorded).await, lines.join("\n"), "the ledger");
    let unsigned = "SELECT count(*) FROM quintile.run_tests WHERE length(fingerprint) IS DISTINCT FROM 16";
    assert_eq!(small.value(unsigned).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_of_what_is_published_end_as_if_each_were_asked_alone() {
    let small = mixed().await;
    let (report, none) = outcomes(&small, true).await;
    assert_eq!((report.state.as_str(), none.len()), ("published", 0), "{:?}", report.failed);
    let found = pipeline::test_published(&small.warehouse, &small.settings, &[], &[], &Progress::default())
        .await
        .expect("tests");
    assert_eq!(told(&found), one_by_one(&small, |name| ("marts".to_owned(), name.to_owned())).await);
    let names: Vec<&str> = found.iter().map(|outcome| outcome.test.as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_is_scanned_once_for_all_its_tests_of_rows() {
    let small = Small::new().await;
    small.execute("CREATE SEQUENCE public.scans").await;
    // One row, so that the sequence counts scans.
    small.model(
        "watched",
        "materialized='view'",
        "SELECT 1 AS a, 2 AS b, NULL::int AS c WHERE nextval('public.scans') > 0",
    );
    let sound = "
      - not_null: {column_name: a}
      - not_null: {column_name: b, where: a = 1}
      - accepted_values: {column_name: a, values: [1, 2]}
      - accepted_values: {column_name: c, values: [1, 2]}
      - not_null: {column_name: c, where: a = 2}
";
    schema(&small, &[("watched", sound)]);
    small.publish(&[]).await;
    assert_eq!(small.value("SELECT last_value FROM public.scans").await, "1");
    // Who has a row to complain of is asked alone; the others are not.
    schema(
        &small,
        &[("watched", &format!("{sound}      - not_null: {{column_name: c, severity: warn, name: gap}}\n"))],
    );
    small.publish(&[]).await;
    assert_eq!(small.value("SELECT last_value FROM public.scans").await, "3");
    assert_eq!(small.value("SELECT failure_count FROM quintile.run_tests WHERE test = 'gap'").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_answers_for_its_column_and_for_nothing_else() {
    let small = Small::new().await;
    let rows = "SELECT n AS a, n AS b, n AS c, n AS d, n AS e FROM generate_series(1, 3) AS n";
    let indexes =
        "indexes=[{'columns': ['a'], 'unique': true}, {'columns': ['b']}, {'columns': ['c', 'd'], 'unique': true}]";
    small.model("indexed", &format!("materialized='table', {indexes}"), rows);
    small.model("shown", "materialized='view'", "SELECT a, 1 AS b FROM {{ ref('indexed') }}");
    let tests = "
      - unique: {column_name: a}
      - unique: {column_name: a, name: a_where, where: a > 1}
      - unique: {column_name: b}
      - unique: {column_name: c}
      - unique: {column_name: d}
      - unique: {column_name: run_id, severity: warn}
      - not_null: {column_name: a}
";
    schema(
        &small,
        &[
            ("indexed", tests),
            ("shown", "\n      - unique: {column_name: a}\n      - unique: {column_name: b, severity: warn}\n"),
        ],
    );
    let (report, found) = outcomes(&small, false).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    assert_eq!(found.len(), 9, "each is recorded");
    // What is asked takes some time, however little.
    let proven: Vec<&str> = found.iter().filter(|o| o.elapsed.is_zero()).map(|o| o.test.as_str()).collect();
    assert_eq!(proven, ["unique_indexed_a"]);
    let warned = found.iter().filter(|o| o.state == "warned").map(|o| (o.test.as_str(), o.failure_count));
    assert_eq!(
        warned.collect::<BTreeMap<_, _>>(),
        [("unique_indexed_run_id", Some(1)), ("unique_shown_b", Some(1))].into()
    );
    let recorded = "SELECT concat_ws(' ', state, failure_count, elapsed_ms) FROM quintile.run_tests WHERE test = 'unique_indexed_a'";
    assert_eq!(small.value(recorded).await, "passed 0 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_index_that_holds_every_row_of_one_run_is_a_proof() {
    let small = Small::new().await;
    small
        .execute(
            "CREATE COLLATION public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            SET search_path = quintile_store;
            CREATE TABLE checked (run_id bigint, a int, b int, c int, d int, e text COLLATE public.any_case, f int, g int, h int,
                CONSTRAINT checked_run CHECK (run_id IS NOT NULL AND run_id = 1));
            CREATE UNIQUE INDEX ON checked (a, run_id);
            CREATE UNIQUE INDEX ON checked (b, run_id) WHERE b > 0;
            CREATE UNIQUE INDEX ON checked ((c + 1), run_id);
            CREATE INDEX ON checked (d, run_id);
            CREATE UNIQUE INDEX ON checked (e COLLATE \"C\", run_id);
            CREATE UNIQUE INDEX ON checked (f, g, run_id);
            CREATE UNIQUE INDEX ON checked (g) INCLUDE (f);
            ALTER TABLE checked ADD CONSTRAINT later UNIQUE (h) DEFERRABLE;
            CREATE TABLE unchecked (run_id bigint, a int);
            CREATE UNIQUE INDEX ON unchecked (a, run_id);
            CREATE TABLE doubtful (run_id bigint, a int);
            CREATE UNIQUE INDEX ON doubtful (a, run_id);
            ALTER TABLE doubtful ADD CONSTRAINT doubtful_run CHECK (run_id = 1) NOT VALID;
            CREATE TABLE spread (run_id bigint, a int) PARTITION BY LIST (run_id);
            CREATE UNIQUE INDEX ON spread (a, run_id);
            RESET search_path",
        )
        .await;
    let tables = ["checked", "unchecked", "doubtful", "spread", "nowhere"].map(str::to_owned);
    let found = small.warehouse.unique_columns(&tables).await.expect("a look");
    let found: Vec<String> = found.into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
    assert_eq!(found, ["checked.a", "checked.g"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_scan_that_tests_share() {
    let small = Small::new().await;
    small.model("endless", "materialized='view'", "SELECT 1 AS a, 2 AS b WHERE pg_sleep(3600) IS NOT NULL");
    schema(&small, &[("endless", "\n      - not_null: {column_name: a}\n      - not_null: {column_name: b}\n")]);
    let (brake, stop) = watch::channel(false);
    let (warehouse, settings) = (small.warehouse.clone(), small.settings.clone());
    let run = tokio::spawn(async move {
        let request = BuildRequest { rebuild: true, ..BuildRequest::default() };
        pipeline::build(&warehouse, &settings, &request, stop).await
    });
    wait_for_sleepers(&small, "1").await;
    brake.send(true).expect("a run that listens");
    let error = run.await.expect("joined").expect_err("stopped");
    assert_eq!(error.kind, quintile::error::Kind::Interrupted, "{}", error.report());
    assert_eq!(error.message, "data tests of \"endless\" were stopped: a stop was asked for");
    // The server hears of it in its own time; left alone it would sleep for an hour.
    wait_for_sleepers(&small, "0").await;
    assert_eq!(small.value("SELECT count(*) FROM quintile.run_tests").await, "0");
}

/// Waits until this many statements of the test's database sleep.
async fn wait_for_sleepers(small: &Small, count: &str) {
    let sleepers =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    for _ in 0..3_000 {
        if small.value(sleepers).await == count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("there are not {count} statements that sleep");
}
