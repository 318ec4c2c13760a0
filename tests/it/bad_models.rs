//! Hostile models: each is refused before the run or fails it, readers keep what they had, and nothing else is touched.

use crate::shop;
use crate::small::Small;
use std::fmt::Write as _;

/// Names and texts of models that stand alone in their project, beside good ones.
fn hostile() -> Vec<(&'static str, String)> {
    let fixed = [
        ("self_reference", "select * from {{ ref('self_reference') }}"),
        ("missing_ref", "select * from {{ ref('nope') }}"),
        ("bad_syntax", "select {{ 1 + }}"),
        ("unclosed", "{% if true %} select 1"),
        ("undefined", "select {{ no_such_var }}"),
        (
            "loop_fuel",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}select 1",
        ),
        (
            "doubling",
            "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}select 1",
        ),
        ("format_bomb", "select {{ '%1000000000d' | format(1) | length }}"),
        ("indent_bomb", "select {{ 'a' | indent(1000000000) | length }}"),
        ("recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        ("half_way", "select 1/(5-g) as x from generate_series(1,10) g"),
        ("two_statements", "select 1; drop schema mart cascade"),
        ("commit", "select 1; commit; begin; select 2"),
        ("comment_escape", "select 1 -- {{ ref('good') }}\n) x; drop schema mart cascade; --"),
        ("copy_program", "copy (select 1) to program 'id'"),
        ("set_role", "reset role; select current_user"),
        ("sleep", "select pg_sleep(100000)"),
        ("sleep_for_a_column", "select 1 as a where pg_sleep(100000) is not null"),
        ("cross_join", "select a.i from generate_series(1,1000000) a(i), generate_series(1,1000000) b(i)"),
        ("dup_columns", "select 1 as a, 2 as a"),
        ("no_columns", "select"),
        ("write_cte", "with d as (delete from raw.orders returning 1) select * from d"),
    ];
    let deep = format!("select {{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    fixed.into_iter().map(|(name, text)| (name, text.to_owned())).chain([("deep", deep)]).collect()
}

/// A project with good relations that are published, and tables of others that hostile models go for.
async fn published() -> Small {
    let mut small = Small::new().await;
    // What never ends is stopped by its limit.
    small.settings.run.model_timeout_seconds = Some(1);
    small.execute("CREATE SCHEMA mart; CREATE TABLE mart.canary AS SELECT 1 AS a").await;
    shop::fill_orders(&small.warehouse, 10).await;
    small.table("good", "SELECT 1 AS a");
    small.publish(&[]).await;
    small
}

/// What a run tells, with what differs between runs masked; `None` where it was published.
async fn told(small: &Small) -> Option<String> {
    match shop::try_build(&small.warehouse, &small.settings, &[]).await {
        Ok(report) if report.state == "published" => None,
        Ok(report) => {
            let reasons: Vec<&str> = report.failed.iter().map(|(_, reason)| reason.as_str()).collect();
            Some(format!("failed: {}", reasons.join("\n")).replace(&format!("__r{}", report.run_id), "__rN"))
        }
        Err(error) => Some(error.report().replace(&small.settings.project_dir.display().to_string(), "PROJECT")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_models_change_nothing_that_readers_see() {
    let small = published().await;
    let canaries =
        "SELECT concat_ws(' ', (SELECT count(*) FROM mart.canary), (SELECT count(*) FROM raw.orders), current_user)";
    let (shown, before) = (small.shown().await, small.value(canaries).await);
    let mut all = String::new();
    for (name, text) in hostile() {
        small.table(name, &text);
        let told = told(&small).await.unwrap_or_else(|| panic!("{name} was published"));
        // Of a text without end the message shows a part.
        assert!(told.len() < 4_000, "{name}: {told}");
        writeln!(all, "== {name}\n{told}\n").unwrap();
        assert_eq!((small.shown().await, small.value(canaries).await), (shown.clone(), before.clone()), "{name}");
        small.remove(name);
    }
    insta::assert_snapshot!(all);
    assert_eq!(told(&small).await, None, "the project is as good as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_cannot_be_made_changes_nothing_either() {
    let small = published().await;
    let shown = small.shown().await;
    // What a view computes is found out by its readers; these cannot even be made.
    for name in ["two_statements", "comment_escape", "copy_program", "sleep", "dup_columns", "no_columns", "write_cte"]
    {
        let (_, text) = hostile().into_iter().find(|(other, _)| *other == name).unwrap();
        small.model(name, "materialized='view'", &text);
        assert!(told(&small).await.is_some(), "{name} was published");
        assert_eq!(small.shown().await, shown, "{name}");
        small.remove(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_in_a_circle_are_refused_before_the_run() {
    let small = published().await;
    small.table("cycle_a", "select * from {{ ref('cycle_b') }}");
    small.table("cycle_b", "select * from {{ ref('cycle_a') }}");
    let told = told(&small).await.unwrap();
    assert!(told.starts_with("error: models refer to each other in a circle: cycle_a"), "{told}");
    assert_eq!(small.value("SELECT count(*) FROM quintile.runs").await, "1");
}
