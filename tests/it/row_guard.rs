//! The row-count guard: a public relation that lost too much fails the run and stays to look at.

use crate::shop;
use crate::small::Small;
use quintile::pipeline::{self, BuildRequest};

fn rows(small: &Small, config: &str, count: i32) {
    let config = format!("materialized='table'{config}");
    small.model("a", &config, &format!("SELECT n FROM generate_series(1, {count}) AS n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_share_goes_before_the_projects_and_one_run_may_pass() {
    let mut small = Small::new().await;
    rows(&small, "", 100);
    let first = small.publish(&[]).await;
    rows(&small, "", 10);
    assert_eq!(small.build(&[]).await.state, "published", "without a share only losing all is refused");
    rows(&small, "", 100);
    let full = small.publish(&[]).await;
    assert!(full > first);
    rows(&small, "", 40);
    small.settings.run.max_row_loss_share = Some(0.5);
    let report = small.build(&[]).await;
    let told = &report.failed[0].1;
    assert!(
        told.contains("has 40 rows, and 100 are published: it lost 60.0 %, and max_row_loss_share allows 50.0 %"),
        "{told}"
    );
    let table = format!("quintile_store.a__r{}", report.run_id);
    assert!(told.contains(&table), "{told}");
    small.collect().await;
    assert_eq!(small.value(&format!("SELECT count(*) FROM {table}")).await, "40", "the failed run stays to look at");
    assert_eq!(small.value("SELECT count(*) FROM marts.a").await, "100");
    rows(&small, ", max_row_loss_share=0.7", 40);
    assert_eq!(small.build(&[]).await.state, "published", "the model's own share goes first");
    rows(&small, "", 0);
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let request = BuildRequest { accept_row_loss: true, ..BuildRequest::default() };
    let accepted = pipeline::build(&small.warehouse, &small.settings, &request, stop).await.expect("a run");
    assert_eq!(accepted.state, "published", "{:?}", accepted.failed);
    assert_eq!(shop::value(&small.warehouse, "SELECT count(*) FROM marts.a").await, "0");
}
