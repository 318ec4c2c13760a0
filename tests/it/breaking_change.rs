//! A public relation whose columns change: refused before its tests, and the way out by a new contract version.

use crate::small::Small;

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_renamed_or_retyped_column_is_refused_by_name() {
    let small = Small::new().await;
    small.table("pair", "SELECT 1 AS first, 'x' AS second");
    small.model("shown", "materialized='view'", "SELECT first FROM {{ ref('pair') }}");
    let published = small.publish(&[]).await;
    for (select, told) in [
        ("SELECT 1 AS first", "Column \"second\" (text) is published and no longer there."),
        ("SELECT 1 AS first, 'x' AS other", "Column \"second\" (text) is published and no longer there."),
        ("SELECT 1::bigint AS first, 'x' AS second", "Column \"first\" was integer and is bigint now."),
        ("SELECT 'x' AS second, 1 AS first", "Column 3 was \"first\" (integer) and is \"second\" now."),
    ] {
        small.table("pair", select);
        let report = small.build(&[]).await;
        assert_eq!((report.state.as_str(), report.failed[0].0.as_str()), ("failed", "pair"));
        let why = &report.failed[0].1;
        assert!(
            why.contains("model \"pair\" breaks the contract of view \"marts.pair\"") && why.contains(told),
            "{why}"
        );
        assert!(why.contains("config(contract_version=2)"), "{why}");
        assert_eq!(report.skipped, ["shown"], "what reads it is not built");
    }
    assert_eq!(small.shown().await, format!("pair:{published} shown:{published}"));
    small.table("pair", "SELECT 1 AS first, 'x' AS second, 3 AS third");
    small.publish(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_keeps_its_contract_too_and_a_private_table_has_none() {
    let small = Small::new().await;
    small.model("hidden", "materialized='table', access='private'", "SELECT 1 AS first");
    small.model("shown", "materialized='view'", "SELECT first FROM {{ ref('hidden') }}");
    small.publish(&[]).await;
    small.model("hidden", "materialized='table', access='private'", "SELECT 'x' AS other");
    small.model("shown", "materialized='view'", "SELECT other AS first FROM {{ ref('hidden') }}");
    let report = small.build(&[]).await;
    assert_eq!(report.built, ["hidden"], "{:?}", report.failed);
    assert!(report.failed[0].1.contains("Column \"first\" was integer and is text now."), "{:?}", report.failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contract_version_stands_beside_the_old_one_with_its_rights() {
    let small = Small::new().await;
    small.table("pair", "SELECT 1 AS first, 'x' AS second");
    small.model("shown", "materialized='view'", "SELECT first FROM {{ ref('pair') }}");
    let first = small.publish(&[]).await;
    small.execute("GRANT SELECT ON marts.pair TO PUBLIC").await;
    small.execute("CREATE VIEW public.mine AS SELECT second FROM marts.pair").await;
    small.model("pair", "materialized='table', contract_version=2", "SELECT 10 AS first");
    for _ in 0..4 {
        let run = small.publish(&[]).await;
        small.collect().await;
        assert_eq!(small.shown().await, format!("pair:{first} pair_v2:{run} shown:{run}"));
    }
    assert_eq!(small.value("SELECT second FROM public.mine").await, "x", "the old version keeps its last rows");
    assert_eq!(small.value("SELECT first FROM marts.shown").await, "10", "ref() goes on by the model's name");
    let granted = "SELECT count(*) FROM information_schema.role_table_grants
        WHERE table_name = 'pair_v2' AND grantee = 'PUBLIC' AND privilege_type = 'SELECT'";
    assert_eq!(small.value(granted).await, "1");
    small.model("pair", "materialized='table', contract_version=3", "SELECT true AS first");
    small.model("shown", "materialized='view'", "SELECT first::int AS first FROM {{ ref('pair') }}");
    let third = small.publish(&[]).await;
    assert_eq!(small.value("SELECT first FROM marts.pair_v3").await, "true");
    small.rollback(None).await.expect("a roll-back over the new version");
    assert_eq!(small.value("SELECT first FROM marts.shown").await, "10");
    small.rollback(Some(third)).await.expect("forward");
    assert_eq!(small.value("SELECT first FROM marts.shown").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_views_of_one_name_are_refused_when_the_project_is_read() {
    let small = Small::new().await;
    small.model("pair", "materialized='table', contract_version=2", "SELECT 1 AS n");
    small.table("pair_v2", "SELECT 1 AS n");
    let refused = quintile::pipeline::read_project(&small.settings).expect_err("two of one name");
    assert_eq!(refused.message, "model \"pair\" is published as \"pair_v2\", which is a model too");
}
