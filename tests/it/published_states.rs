//! Roll-back restores what a publish showed, relation by relation, and keeps to what is kept.

use crate::small::Small;
use quintile::error::Kind;

/// Tables `a` and `b`, and a view over both.
async fn two_tables() -> Small {
    let small = Small::new().await;
    small.table("a", "SELECT 1 AS n");
    small.table("b", "SELECT 1 AS n");
    small.model("both", "materialized='view'", "SELECT n FROM {{ ref('a') }} UNION ALL SELECT n FROM {{ ref('b') }}");
    small
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_restores_the_state_of_a_partial_run_with_its_carried_pointers() {
    let mut small = two_tables().await;
    small.settings.run.keep_runs = 3;
    let first = small.publish(&[]).await;
    let second = small.publish(&["a"]).await;
    let third = small.publish(&[]).await;
    assert_eq!(small.rollback(None).await.expect("a roll-back"), second);
    assert_eq!(small.shown().await, format!("a:{second} b:{first} both:{first}"));
    assert_eq!(small.rollback(None).await.expect("one further"), first);
    assert_eq!(small.shown().await, format!("a:{first} b:{first} both:{first}"));
    let refused = small.rollback(None).await.expect_err("nothing before");
    assert_eq!(refused.message, "there is no earlier published run to go back to");
    assert_eq!(small.rollback(Some(third)).await.expect("forward"), third);
    assert_eq!(small.shown().await, format!("a:{third} b:{third} both:{third}"));
    assert_eq!(small.rollback(None).await.expect("the step before again"), second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_after_a_rollback_does_not_lead_back_to_the_run_turned_away_from() {
    let small = two_tables().await;
    let good = small.publish(&[]).await;
    let bad = small.publish(&[]).await;
    small.rollback(None).await.expect("a roll-back");
    small.collect().await;
    assert!(small.tables().await.contains(&format!("a__r{bad}")), "one can go forward again");
    let next = small.publish(&[]).await;
    small.collect().await;
    assert_eq!(small.tables().await, format!("a__r{good} a__r{next} b__r{good} b__r{next}"));
    assert_eq!(small.rollback(None).await.expect("a roll-back"), good);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_collection_keeps_what_the_kept_publishes_show_and_nothing_else() {
    let small = two_tables().await;
    let first = small.publish(&[]).await;
    let second = small.publish(&["a"]).await;
    let third = small.publish(&["a"]).await;
    small.collect().await;
    assert_eq!(small.tables().await, format!("a__r{second} a__r{third} b__r{first}"), "b of the first run is shown");
    let gone = small.rollback(Some(first)).await.expect_err("too old");
    assert_eq!((gone.kind, gone.message), (Kind::Failed, format!("what run {first} published is not kept any more")));
    assert_eq!(gone.detail.as_deref(), Some(&*format!("Kept are the publishes of runs {third}, {second}.")));
    small.rollback(Some(second)).await.expect("kept");
    assert_eq!(small.value("SELECT count(*) FROM marts.both").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_readers_see_already_is_no_step() {
    let small = two_tables().await;
    let only = small.publish(&[]).await;
    let refused = small.rollback(Some(only)).await.expect_err("the same");
    assert_eq!((refused.kind, refused.message), (Kind::Usage, format!("run {only} is what readers see already")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_moves_nothing_is_no_step_and_pushes_nothing_out() {
    let small = two_tables().await;
    let first = small.publish(&[]).await;
    let second = small.publish(&[]).await;
    let fence = quintile::pipeline::Fence { lease: "run:default".into(), token: 1 };
    for _ in 0..3 {
        let still = quintile::warehouse::runs::NewRun {
            trigger: "test".into(),
            as_of: chrono::DateTime::UNIX_EPOCH,
            lease: fence.lease.clone(),
            fence: 100,
            process: "a test".into(),
            request: String::new(),
            slot: None,
        };
        let run_id = small.warehouse.start_run(&still).await.expect("a run");
        small.warehouse.publish(run_id, &[], &[], std::time::Duration::ZERO).await.expect("a publish of nothing");
        let published = format!("SELECT state FROM quintile.runs WHERE run_id = {run_id} AND published_at IS NOT NULL");
        assert_eq!(small.value(&published).await, "published");
        let refused = small.rollback(Some(run_id)).await.expect_err("no state");
        assert_eq!(refused.message, format!("run {run_id} moved nothing: readers saw what the run before it showed"));
    }
    small.collect().await;
    assert_eq!(small.shown().await, format!("a:{second} b:{second} both:{second}"));
    assert_eq!(small.rollback(None).await.expect("a roll-back"), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_restores_the_definition_of_a_view() {
    let small = two_tables().await;
    small.publish(&[]).await;
    small.execute("CREATE VIEW public.mine AS SELECT n FROM marts.both").await;
    let narrower = "SELECT n, true AS is_one FROM {{ ref('a') }}";
    small.model("both", "materialized='view'", narrower);
    let second = small.publish(&[]).await;
    assert_eq!(small.value("SELECT count(*) FROM public.mine").await, "1");
    small.rollback(None).await.expect("a roll-back");
    assert_eq!(small.value("SELECT count(*) FROM public.mine").await, "2");
    assert_eq!(
        small.value("SELECT count(*) FROM marts.both WHERE is_one IS NULL").await,
        "2",
        "the column stays, empty"
    );
    small.rollback(Some(second)).await.expect("forward");
    assert_eq!(small.value("SELECT count(*) FROM marts.both WHERE is_one").await, "1");
    small.publish(&[]).await;
    assert_eq!(small.value("SELECT count(*) FROM marts.both WHERE is_one").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_comments_views_on_top_and_policies_live_through_publish_shape_change_and_rollback() {
    let small = Small::new().await;
    let role = format!("policy_{}", std::process::id());
    small.table("a", "SELECT * FROM (VALUES (1, 'north'), (2, 'south')) AS t (n, region)");
    small.publish(&[]).await;
    for sql in [
        format!("CREATE ROLE {role}"),
        format!("GRANT USAGE ON SCHEMA marts TO {role}"),
        format!("GRANT SELECT (n, region) ON marts.a TO {role}"),
        "CREATE VIEW public.on_top AS SELECT n FROM marts.a".into(),
        "COMMENT ON VIEW marts.a IS 'said by hand'".into(),
        // Policies hang on tables: the user's own one, joined to our view, is the usual way.
        "CREATE TABLE public.regions AS SELECT 'north' AS region".into(),
        "ALTER TABLE public.regions ENABLE ROW LEVEL SECURITY".into(),
        format!("CREATE POLICY mine ON public.regions TO {role} USING (region = 'north')"),
        format!("GRANT SELECT ON public.regions TO {role}"),
        "CREATE VIEW public.by_region WITH (security_invoker) AS SELECT a.n FROM marts.a JOIN public.regions USING (region)".into(),
        format!("GRANT SELECT ON public.by_region TO {role}"),
    ] {
        small.execute(&sql).await;
    }
    let intact = async |step: &str| {
        let acl = format!("SELECT has_column_privilege('{role}', 'marts.a', 'n', 'SELECT')");
        assert_eq!(small.value(&acl).await, "true", "{step}");
        assert_eq!(small.value("SELECT count(*) FROM public.on_top").await, "2", "{step}");
        assert_eq!(small.value("SELECT obj_description('marts.a'::regclass)").await, "said by hand", "{step}");
        let client = small.db.client().await;
        client.batch_execute(&format!("SET ROLE {role}")).await.expect("the role");
        let rows = client.query("SELECT n FROM public.by_region", &[]).await.expect("rows that the policy leaves");
        assert_eq!(rows.len(), 1, "{step}");
    };
    small.publish(&[]).await;
    intact("the same shape").await;
    small.table("a", "SELECT *, 0 AS more FROM (VALUES (1, 'north'), (2, 'south')) AS t (n, region)");
    small.publish(&[]).await;
    intact("another shape").await;
    small.rollback(None).await.expect("a roll-back");
    intact("a roll-back").await;
    small.publish(&[]).await;
    intact("a publish after it").await;
    small.execute(&format!("DROP OWNED BY {role}")).await;
    small.execute(&format!("DROP ROLE {role}")).await;
}
