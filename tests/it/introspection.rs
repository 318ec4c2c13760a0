//! Bundled models that ask the database while they are rendered, in a run and where there is none.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use std::path::Path;

fn write(folder: &Path, name: &str, sql: &str) {
    std::fs::create_dir_all(folder.join("models")).expect("a folder");
    std::fs::write(folder.join("models").join(name), sql).expect("a model");
}

/// One column a row of `kinds`, and the columns of that relation.
fn pivot(materialized: &str) -> String {
    format!(
        "{{{{ config(materialized='{materialized}') }}}}\n-- depends_on: {{{{ ref('kinds') }}}}\nSELECT 0 AS zero\n\
         {{% if execute %}}{{% set found = run_query('SELECT kind FROM ' ~ ref('kinds') ~ ' ORDER BY 1') %}}\n\
         {{% for kind in found.columns[0].values() %}}, {{{{ loop.index }}}} AS {{{{ kind }}}}{{% endfor %}}\n\
         , {{{{ adapter.get_columns_in_relation(ref('kinds')) | map(attribute='name') | list | last | literal }}}} AS named\n\
         {{% do run_query('CREATE TABLE public.left_behind ()') %}}\n\
         {{% endif %}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_may_ask_about_what_its_run_has_built_and_leaves_nothing_else_behind() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { project_dir: folder.path().to_path_buf(), ..db.settings() };
    let kinds = "{{ config(materialized='table') }}\nSELECT * FROM (VALUES ('small'), ('large')) AS v (kind)";
    write(folder.path(), "kinds.sql", kinds);
    write(folder.path(), "pivot.sql", &pivot("table"));
    let report = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!((report.state.as_str(), &report.failed), ("published", &Vec::new()));
    let shown = "SELECT concat_ws(' ', zero, large, small, named) FROM marts.pivot";
    assert_eq!(shop::value(&warehouse, shown).await, "0 1 2 kind");
    assert_eq!(shop::value(&warehouse, "SELECT to_regclass('public.left_behind') IS NULL").await, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_told_that_it_cannot_ask() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings { project_dir: folder.path().to_path_buf(), ..db.settings() };
    write(folder.path(), "kinds.sql", "{{ config(materialized='table') }}\nSELECT 'small'::text AS kind");
    write(folder.path(), "pivot.sql", &pivot("view"));
    let report = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(report.state, "failed");
    let (name, why) = report.failed.first().expect("a failure");
    assert!(name == "pivot" && why.contains("needs a database") && why.contains("hint: let a model"), "{why}");
}
