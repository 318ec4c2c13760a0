//! Publishing: everything at once or nothing, others' views and rights survive, roll-back, workspaces, garbage.

use crate::harness::Database;
use crate::shop;
use quintile::pipeline::Fence;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_publishes_all_relations_and_every_customer_has_one_persona() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 600).await;
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!((report.state.as_str(), report.failed.len()), ("published", 0), "{:?}", report.failed);
    let customers = shop::value(&warehouse, "SELECT count(*) FROM marts.customers").await;
    assert_eq!(customers, "600");
    let by_persona = "SELECT (SELECT count(*) FROM marts.persona_vips) + (SELECT count(*) FROM marts.persona_loyalists)
        + (SELECT count(*) FROM marts.persona_casual_shoppers) + (SELECT count(*) FROM marts.persona_at_risk)";
    assert_eq!(shop::value(&warehouse, by_persona).await, "600");
    let runs = "SELECT string_agg(DISTINCT run_id::text, ',') FROM (
        SELECT run_id FROM marts.customer_360 UNION ALL SELECT run_id FROM marts.persona_vips
        UNION ALL SELECT run_id FROM marts.cohort_cells) AS all_rows";
    assert_eq!(shop::value(&warehouse, runs).await, report.run_id.to_string());
    let undescribed = "SELECT string_agg(table_name || '.' || column_name, ', ') FROM information_schema.columns
        WHERE table_schema = 'marts' AND col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position) IS NULL";
    assert_eq!(shop::value(&warehouse, undescribed).await, "", "every published column has a comment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_keeps_views_rights_and_views_on_top() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 300).await;
    shop::build(&warehouse, &db.settings(), &[]).await;
    let role = format!("bi_{}", std::process::id());
    shop::execute(&warehouse, &format!("CREATE ROLE {role}")).await;
    shop::execute(&warehouse, &format!("GRANT SELECT ON marts.rfm_scores TO {role}")).await;
    shop::execute(&warehouse, "CREATE VIEW public.mine AS SELECT customer_id, persona FROM marts.customer_360").await;
    let oids =
        "SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_class WHERE relnamespace = 'marts'::regnamespace";
    let before = shop::value(&warehouse, oids).await;
    let rows = "SELECT md5(string_agg(t::text, ',' ORDER BY customer_id)) FROM (SELECT customer_id, rfm_code, monetary FROM marts.rfm_scores) AS t";
    let contents = shop::value(&warehouse, rows).await;
    let again = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(shop::value(&warehouse, oids).await, before, "no view was made anew");
    assert_eq!(shop::value(&warehouse, rows).await, contents, "the same orders give the same rows");
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM public.mine").await, "300");
    let granted = format!("SELECT has_table_privilege('{role}', 'marts.rfm_scores', 'SELECT')");
    assert_eq!(shop::value(&warehouse, &granted).await, "true");
    assert_eq!(shop::value(&warehouse, "SELECT max(run_id) FROM marts.customer_360").await, again.run_id.to_string());
    shop::execute(&warehouse, &format!("DROP OWNED BY {role}")).await;
    shop::execute(&warehouse, &format!("DROP ROLE {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_data_test_publishes_nothing_and_leaves_the_run_to_look_at() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 200).await;
    let first = shop::build(&warehouse, &db.settings(), &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    std::fs::create_dir_all(folder.path().join("tests/data")).expect("a folder");
    let rule = "SELECT customer_id FROM {{ ref('rfm_scores') }} WHERE frequency > 1";
    std::fs::write(folder.path().join("tests/data/nobody_buys_twice.sql"), rule).expect("a test");
    let mut settings = db.settings();
    settings.project_dir = folder.path().to_path_buf();
    let second = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(second.state, "failed");
    assert_eq!(second.failed[0].0, "nobody_buys_twice");
    assert_eq!(shop::value(&warehouse, "SELECT max(run_id) FROM marts.customer_360").await, first.run_id.to_string());
    let kept = format!("SELECT count(*) FROM quintile_store.rfm_scores__r{}", second.run_id);
    assert_eq!(shop::value(&warehouse, &kept).await, "200");
    let state = format!("SELECT state FROM quintile.runs WHERE run_id = {}", second.run_id);
    assert_eq!(shop::value(&warehouse, &state).await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_model_skips_its_children_and_is_pointed_at() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 200).await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    std::fs::write(
        folder.path().join("models/marts/rfm_scores.sql"),
        "{{ config(materialized='table') }}\nSELECT\n    customer_idd\nFROM {{ ref('customers') }}",
    )
    .expect("a model");
    let mut settings = db.settings();
    settings.project_dir = folder.path().to_path_buf();
    let report = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(report.state, "failed");
    assert_eq!(report.failed.len(), 1);
    let told = &report.failed[0].1;
    assert!(
        told.contains("column \"customer_idd\" does not exist")
            && told.contains("customer_idd\n")
            && told.contains('^'),
        "{told}"
    );
    assert!(report.skipped.contains(&"customer_360".to_owned()), "{:?}", report.skipped);
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM quintile.live").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_run_carries_the_other_pointers() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 200).await;
    let refused = shop::try_build(&warehouse, &db.settings(), &["rfm_scores"]).await.expect_err("nothing to read from");
    assert!(refused.message.contains("which was never published"), "{}", refused.report());
    let first = shop::build(&warehouse, &db.settings(), &[]).await;
    let second = shop::build(&warehouse, &db.settings(), &["rfm_scores"]).await;
    assert_eq!(second.built, ["rfm_scores"]);
    let of = |relation: &str| format!("SELECT run_id FROM quintile.live WHERE relation = '{relation}'");
    assert_eq!(shop::value(&warehouse, &of("rfm_scores")).await, second.run_id.to_string());
    assert_eq!(shop::value(&warehouse, &of("customers")).await, first.run_id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn rollback_shows_the_earlier_run_and_the_next_run_goes_on() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 200).await;
    let first = shop::build(&warehouse, &db.settings(), &[]).await;
    let nothing = quintile::pipeline::rollback(&warehouse, &db.settings(), None).await.expect_err("only one run");
    assert_eq!(nothing.message, "there is no earlier published run to go back to");
    shop::execute(&warehouse, "DELETE FROM raw.orders WHERE customer_id = 'c1'").await;
    shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.customers").await, "199");
    let done = quintile::pipeline::rollback(&warehouse, &db.settings(), None).await.expect("a roll-back");
    assert_eq!((done.run_id, done.kept.len()), (first.run_id, 0));
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.customers").await, "200");
    let third = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(shop::value(&warehouse, "SELECT max(run_id) FROM marts.customers").await, third.run_id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_publishes_nothing() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let stale = Fence { lease: "run:default".into(), token: 41 };
    let refused = warehouse.publish(1, &[], &[stale], std::time::Duration::ZERO).await.expect_err("no such lease");
    assert_eq!(refused.message, "lease \"run:default\" was lost to another process");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_source_is_refused() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 200).await;
    shop::build(&warehouse, &db.settings(), &["+customers"]).await;
    shop::execute(&warehouse, "UPDATE raw.orders SET customer_id = NULL").await;
    let report = shop::build(&warehouse, &db.settings(), &["+customers"]).await;
    assert_eq!(report.state, "failed");
    assert!(
        report.failed.iter().any(|(_, why)| why.contains("has no rows, and 200 are published")),
        "{:?}",
        report.failed
    );
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.customers").await, "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_share_a_database_and_nothing_else() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let settings = db.settings();
    let other_settings = settings.with_workspace("shop_b");
    let other = warehouse.with_schemas(other_settings.schemas().expect("names"));
    other.prepare_workspace(Some("Shop B")).await.expect("a workspace");
    shop::fill_orders(&warehouse, 150).await;
    shop::fill_orders(&other, 250).await;
    shop::build(&warehouse, &settings, &[]).await;
    shop::build(&other, &other_settings, &[]).await;
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.customer_360").await, "150");
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM shop_b_marts.customer_360").await, "250");
    assert_eq!(
        shop::value(&warehouse, "SELECT string_agg(workspace, ',' ORDER BY workspace) FROM quintile.workspaces").await,
        "default,shop_b"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_shop_is_published_without_predictions_and_with_the_reason() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 30).await;
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!((report.state.as_str(), report.failed.len()), ("published", 0), "{:?}", report.failed);
    let empty = "SELECT count(*) FROM marts.customer_360 WHERE predicted_ltv IS NULL AND persona IS NOT NULL";
    assert_eq!(shop::value(&warehouse, empty).await, "30");
    let reason = "SELECT warnings ->> 0 FROM marts.ltv_estimators WHERE estimator = 'none' AND is_chosen";
    assert!(shop::value(&warehouse, reason).await.contains("at least 50 are needed"));
}
