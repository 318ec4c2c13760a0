//! Withdrawing what the project makes no more: refused while it is made or depended on, never more than was named.

use crate::small::Small;
use quintile::error::{Kind, Result};
use quintile::pipeline;

async fn unpublish(small: &Small, relation: &str, is_forced: bool) -> Result<()> {
    pipeline::unpublish(&small.warehouse, &small.settings, relation, is_forced).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_model_is_withdrawn_with_its_tables_and_nothing_else() {
    let small = Small::new().await;
    small.table("kept", "SELECT 1 AS n");
    small.table("gone", "SELECT 1 AS n");
    let first = small.publish(&[]).await;
    let refused = unpublish(&small, "gone", false).await.expect_err("still made");
    assert_eq!((refused.kind, refused.message.as_str()), (Kind::Usage, "relation \"gone\" is made by the project"));
    small.remove("gone");
    let second = small.publish(&[]).await;
    assert_eq!(small.shown().await, format!("gone:{first} kept:{second}"), "it stays published");
    small.execute("CREATE VIEW public.mine AS SELECT n FROM marts.gone").await;
    let refused = unpublish(&small, "gone", false).await.expect_err("somebody reads it");
    assert!(
        refused.detail.as_deref().is_some_and(|d| d.contains("view mine depends on view marts.gone")),
        "{}",
        refused.report()
    );
    assert_eq!(small.value("SELECT n FROM public.mine").await, "1");
    small.execute("DROP VIEW public.mine").await;
    unpublish(&small, "gone", false).await.expect("withdrawn");
    assert_eq!(small.value("SELECT to_regclass('marts.gone')").await, "");
    assert_eq!(small.shown().await, format!("kept:{second}"));
    small.rollback(None).await.expect("a roll-back to when it was there");
    assert_eq!(small.shown().await, format!("kept:{first}"), "withdrawn is withdrawn");
    small.collect().await;
    assert_eq!(small.tables().await, format!("kept__r{first} kept__r{second}"));
    let unknown = unpublish(&small, "gone", false).await.expect_err("not there");
    assert_eq!(unknown.message, "relation \"gone\" is not published in workspace \"default\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn force_withdraws_what_the_next_run_brings_back() {
    let small = Small::new().await;
    small.table("a", "SELECT 1 AS n");
    small.publish(&[]).await;
    unpublish(&small, "a", true).await.expect("withdrawn");
    assert_eq!(small.value("SELECT to_regclass('marts.a')").await, "");
    let again = small.publish(&[]).await;
    assert_eq!(small.value("SELECT max(run_id) FROM marts.a").await, again.to_string());
}
