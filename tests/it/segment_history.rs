//! The bundled history of segments: what it tells adds up to what customer_360 shows, whatever happened in between.

use crate::harness::Database;
use crate::shop;
use quintile::warehouse::Warehouse;

/// Customers and schemes of which the history's last word is not what customer_360 says.
const DIFFERENCES: &str = "SELECT count(*) FROM (
        SELECT customer_id, scheme, segment AS told FROM marts.segment_members
        WHERE scheme IN ('classic11', 'rf10', 'seed5', 'persona4')
    ) AS m
    FULL JOIN (
        SELECT c.customer_id, v.scheme, v.shown
        FROM marts.customer_360 AS c
        CROSS JOIN LATERAL (
            VALUES ('classic11', c.segment), ('rf10', c.rf_segment), ('seed5', c.value_segment), ('persona4', c.persona)
        ) AS v (scheme, shown)
        WHERE v.shown IS NOT NULL
    ) AS c ON c.customer_id = m.customer_id AND c.scheme = m.scheme
    WHERE m.told IS DISTINCT FROM c.shown";

async fn assert_it_adds_up(warehouse: &Warehouse, when: &str) {
    assert_eq!(shop::value(warehouse, DIFFERENCES).await, "0", "{when}");
}

/// Everybody's scores change a little: some buy again, some are gone, some are new.
async fn a_month_goes_by(warehouse: &Warehouse) {
    for change in [
        "DELETE FROM raw.orders WHERE customer_id IN ('c3', 'c4')",
        "UPDATE raw.orders SET customer_id = 'new' || customer_id WHERE customer_id IN ('c5', 'c6')",
        "UPDATE raw.orders SET quantity = quantity * 40 WHERE right(customer_id, 1) = '7'",
    ] {
        shop::execute(warehouse, change).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_adds_up_after_runs_partial_runs_and_a_rollback() {
    let db = Database::new().await;
    let (warehouse, settings) = (db.warehouse().await, db.settings());
    shop::fill_orders(&warehouse, 200).await;
    let first = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(first.state, "published", "{:?}", first.failed);
    assert_it_adds_up(&warehouse, "after the first run").await;
    let entries =
        "SELECT string_agg(DISTINCT event || ' ' || (from_segment IS NULL)::text, ',') FROM marts.segment_history";
    assert_eq!(shop::value(&warehouse, entries).await, "enter true", "at the beginning everybody enters");

    a_month_goes_by(&warehouse).await;
    let second = shop::build(&warehouse, &settings, &[]).await;
    assert_it_adds_up(&warehouse, "after a change").await;
    let gone = "SELECT string_agg(DISTINCT customer_id || ' ' || event || ' ' || (to_segment IS NULL)::text, ',')
        FROM marts.segment_history WHERE customer_id IN ('c3', 'newc5')";
    assert_eq!(shop::value(&warehouse, gone).await, "c3 enter false,c3 exit true,newc5 enter false");

    let stored = format!(
        "SELECT string_agg(format('%s>%s %s', from_segment, to_segment, customer_count), ' '
             ORDER BY from_segment NULLS FIRST, to_segment NULLS LAST)
         FROM marts.segment_transitions WHERE run_id = {} AND scheme = 'rf10'",
        second.run_id
    );
    let between = |found: quintile::warehouse::transitions::Transitions| -> String {
        let text = |name: Option<String>| name.unwrap_or_default();
        let lines = found
            .transitions
            .into_iter()
            .map(|one| format!("{}>{} {}", text(one.from_segment), text(one.to_segment), one.customer_count));
        lines.collect::<Vec<_>>().join(" ")
    };
    let found = warehouse.transitions("rf10", None, None).await.expect("two runs");
    assert_eq!((found.from_run, found.to_run), (first.run_id, second.run_id));
    assert_eq!(between(found), shop::value(&warehouse, &stored).await, "rows of changes tell the same as the matrix");

    // customer_360 is published without the history, and then changes once more.
    shop::execute(&warehouse, "DELETE FROM raw.orders WHERE customer_id IN ('c8', 'c9')").await;
    shop::build(&warehouse, &settings, &["+customer_360"]).await;
    shop::execute(&warehouse, "UPDATE raw.orders SET quantity = quantity * 90 WHERE right(customer_id, 1) = '1'").await;
    let fourth = shop::build(&warehouse, &settings, &[]).await;
    assert_it_adds_up(&warehouse, "after a partial run").await;
    let whole = warehouse.transitions("seed5", Some(first.run_id), Some(fourth.run_id)).await.expect("from the first");
    let at_the_end: i64 = whole.transitions.iter().filter(|t| t.to_segment.is_some()).map(|t| t.customer_count).sum();
    let members = "SELECT count(*) FROM marts.segment_members WHERE scheme = 'seed5'";
    assert_eq!(shop::value(&warehouse, members).await, at_the_end.to_string());

    quintile::pipeline::rollback(&warehouse, &settings, None).await.expect("one step");
    a_month_goes_by(&warehouse).await;
    let last = shop::build(&warehouse, &settings, &[]).await;
    assert_it_adds_up(&warehouse, "after a roll-back").await;
    let unknown =
        warehouse.transitions("seed5", Some(fourth.run_id), Some(last.run_id)).await.expect_err("turned away");
    assert_eq!(unknown.message, format!("run {} is not in the segment history", fourth.run_id));
}
