//! Errors that only a run can meet, told in full: where in the model's file, in PostgreSQL's words, with what to do.

use super::support::Place;

/// What a run of one model tells.
async fn model(text: &str) -> String {
    Place::of(&format!("=== models/staging/orders.sql\n{text}\n")).await.bad(&["run"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_server_points_into_the_model() {
    insta::assert_snapshot!(
        "wrong_column",
        model("select\n    1 as id,\n    amuont\nfrom (select 1 as amount) as o").await
    );
    insta::assert_snapshot!("wrong_syntax", model("select 1 as id,\nfrom pg_class").await);
    insta::assert_snapshot!("wrong_table", model("{{ config(materialized='table') }}\nselect *\nfrom nowhere").await);
    insta::assert_snapshot!(
        "wrong_in_a_rendered_line",
        model("select\n{% for c in ['id', 'name'] %}\n  {{ c }}, {{ c }},\n{% endfor %} 1").await
    );
    insta::assert_snapshot!("wrong_at_run_time", model("{{ config(materialized='table') }}\nselect 1 / 0 as id").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_no_query_are_refused() {
    insta::assert_snapshot!("two_statements", model("select 1 as id; drop schema shop").await);
    insta::assert_snapshot!("a_commit", model("commit").await);
    insta::assert_snapshot!("rows_deleted", model("{{ config(materialized='table') }}\ndelete from pg_class").await);
    insta::assert_snapshot!("nothing", model("-- nothing here").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_templates_meet_at_run_time_is_told_in_both_places() {
    let text = "=== macros/statuses.sql\n{% macro statuses() %}\n  {% if execute %}\n    {% set rows = run_query('select stauts from pg_class') %}\n  {% endif %}\n{% endmacro %}\n\
        === models/orders.sql\nselect 1 as id\n{{ statuses() }}\n=== models/hooked.sql\n{{ config(post_hook='grant select on {{ thsi }} to nobody') }}\nselect 1 as id\n\
        === models/raised.sql\nselect {% if execute %}{{ exceptions.raise_compiler_error('set the variable region') }}{% endif %} 1 as id\n";
    insta::assert_snapshot!(Place::of(text).await.bad(&["run", "--threads", "1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn seeds_that_are_no_table_name_their_line() {
    let text = "=== seeds/ragged.csv\nid,name\n1,a\n2\n3,c,d\n=== seeds/empty.csv\n=== seeds/good.csv\nid,id\n1,2\n";
    insta::assert_snapshot!(Place::of(text).await.bad(&["seed", "--threads", "1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_leads_nowhere_is_told() {
    let place = Place::of("=== models/a.sql\nselect 1 as a\n").await;
    insta::assert_snapshot!("wrong_profile", place.bad(&["run", "--profile", "shopp"]));
    insta::assert_snapshot!("wrong_target", place.bad(&["run", "--target", "prod"]));
    insta::assert_snapshot!("wrong_adapter", place.bad(&["run", "--target", "snow"]));
    insta::assert_snapshot!("database_down", place.bad(&["run", "--target", "down"]));
    insta::assert_snapshot!("wrong_password", place.bad(&["run", "--target", "stranger"]));
    std::fs::remove_file(place.folder.path().join("profiles.yml")).expect("removed");
    insta::assert_snapshot!("no_profiles", place.bad(&["run"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_line_is_told() {
    let place =
        Place::of("=== models/orders.sql\nselect 1 as a\n=== macros/m.sql\n{% macro grant_all() %}{% endmacro %}\n")
            .await;
    insta::assert_snapshot!("vars_of_no_shape", place.bad(&["run", "--vars", "[1]"]));
    insta::assert_snapshot!("vars_not_yaml", place.bad(&["run", "--vars", "{a: "]));
    insta::assert_snapshot!("unknown_method", place.bad(&["run", "--select", "tagg:x"]));
    insta::assert_snapshot!("unknown_selector", place.bad(&["run", "--selector", "marts"]));
    insta::assert_snapshot!("unknown_operation", place.bad(&["run-operation", "grant_al"]));
    let nothing = place.run(&["run", "--select", "order"]);
    insta::assert_snapshot!("nothing_picked", format!("exit {}\n{}", nothing.code, nothing.stderr.trim_end()));
}
