//! Cut points of an earlier run, used again: they outlive its tables, and a run that has none is named.

use super::shop::Shop;
use crate::shop::collect;

const FORMER: &str = "SELECT n, n, n, n, n FROM generate_series(1, 200) AS n";
const DOUBLED: &str = "SELECT n, n, 2 * n, 2 * n, n FROM generate_series(1, 200) AS n";

#[tokio::test(flavor = "multi_thread")]
async fn frozen_cut_points_outlive_the_tables_of_their_run() {
    let mut shop = Shop::of(FORMER).await;
    let run = shop.publish().await.run_id;
    let cuts = "SELECT string_agg(concat_ws(' ', measure, score, cut_point), ', ' ORDER BY measure, score) FROM marts.rfm_cut_points";
    let former = shop.value(cuts).await;
    shop.refill(DOUBLED).await;
    for _ in 0..4 {
        shop.refill(DOUBLED).await;
        shop.publish().await;
    }
    let dropped = collect(&shop.warehouse, &shop.settings).await;
    assert!(dropped.contains(&format!("rfm_cut_points__r{run}")), "{dropped:?}");
    assert_ne!(shop.value(cuts).await, former);
    shop.set("rfm_breaks", "frozen");
    shop.set("rfm_frozen_run", run);
    shop.publish().await;
    assert_eq!(shop.value(cuts).await, former);
    assert_eq!(shop.value("SELECT DISTINCT frozen_run_id FROM marts.rfm_cut_points").await, run.to_string());
    // Twice the orders and revenue by the former measure: the upper half has the best score.
    assert_eq!(shop.value("SELECT count(*) FROM marts.rfm_scores WHERE f_score = 5 AND m_score = 5").await, "120");
    // The cut points of a run that froze them are kept as well, and a run with nothing new carries them on.
    let again = shop.publish().await;
    assert!(again.built.is_empty() && again.carried.contains(&"rfm_cut_points".to_owned()), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_fitting_cut_points_are_refused_by_name() {
    let mut shop = Shop::of("SELECT n, n, n, n, n FROM generate_series(1, 20) AS n").await;
    let few = shop.publish().await.run_id;
    shop.refill(FORMER).await;
    let enough = shop.publish().await.run_id;
    shop.set("rfm_breaks", "frozen");
    shop.set("rfm_frozen_run", 4711);
    let told = shop.refuse().await;
    assert!(told.contains("run 4711 of rfm_frozen_run has fitted no cut points"), "{told}");
    assert!(told.contains(&format!("Runs that have: {enough}.")), "{told}");
    shop.set("rfm_frozen_run", few);
    let told = shop.refuse().await;
    assert!(told.contains(&format!("run {few} of rfm_frozen_run had too few customers for cut points")), "{told}");
    shop.set("rfm_frozen_run", enough);
    shop.set("rfm_method", "log_width");
    let told = shop.refuse().await;
    assert!(told.contains("They are by method quintile over revenue."), "{told}");
    assert_eq!(shop.value("SELECT count(rfm_code) FROM marts.rfm_scores").await, "200", "readers keep what they have");
}
