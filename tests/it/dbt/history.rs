//! What grows from run to run: incremental models, batches, snapshots, materialized views.

use super::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn changed_columns_are_answered_as_the_model_asks() {
    let mut text = String::new();
    for mode in ["ignore", "fail", "append_new_columns", "sync_all_columns"] {
        text.push_str(&format!(
            "=== models/on_{mode}.sql\n{{{{ config(materialized='incremental', on_schema_change='{mode}') }}}}\n\
             select 1 as id, {{% if var('wide', false) %}}2 as fresh{{% else %}}3 as gone{{% endif %}}\n"
        ));
    }
    let place = Place::of(&text).await;
    place.good(&["run"]);
    let told = place.run(&["run", "--vars", "{wide: true}"]);
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert!(told.stderr.contains("added \"fresh\" (integer), removed \"gone\""), "{}", told.stderr);
    let columns =
        "SELECT table_name, string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns
        WHERE table_schema = 'shop' GROUP BY 1 ORDER BY 1";
    assert_eq!(
        place.rows(columns).await,
        "on_append_new_columns|id gone fresh\non_fail|id gone\non_ignore|id gone\non_sync_all_columns|id fresh"
    );
    assert_eq!(place.rows("SELECT fresh FROM shop.on_append_new_columns ORDER BY 1").await, "2\n-");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_failed_is_a_gap_that_the_next_run_fills() {
    let place = Place::of(
        "=== models/events.sql\n{{ config(event_time='at') }}\nselect at, n from {{ target.schema }}.raw_events\n\
         === models/yearly.sql\n{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at',\n\
         begin='2021-01-01', batch_size='year', lookback=0) }}\nselect at, 100 / n as share from {{ ref('events') }}\n",
    )
    .await;
    place
        .sql("CREATE TABLE shop.raw_events AS SELECT * FROM (VALUES (timestamp '2021-05-01', 1), ('2022-05-01', 0), ('2023-05-01', 4)) v (at, n)")
        .await;
    let told = place.run(&["run"]);
    assert_eq!(told.code, 1);
    assert!(
        told.stderr.contains("batch 2022-01-01 00:00") && told.stderr.contains("division by zero"),
        "{}",
        told.stderr
    );
    let rows = "SELECT extract(year FROM at), share FROM shop.yearly ORDER BY 1";
    assert_eq!(place.rows(rows).await, "2021|100\n2023|25");
    place.sql("UPDATE shop.raw_events SET n = 2; UPDATE shop.yearly SET share = 7 WHERE at = '2021-05-01'").await;
    place.good(&["run"]);
    assert_eq!(place.rows(rows).await, "2021|7\n2022|50\n2023|25", "the gap alone was built");
    place.good(&["run", "--full-refresh"]);
    assert_eq!(place.rows(rows).await, "2021|50\n2022|50\n2023|50");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_keeps_three_changes_and_a_deletion() {
    let place = Place::of(
        "=== snapshots/prices.sql\n{% snapshot prices %}\n{{ config(unique_key='id', strategy='timestamp', updated_at='at',\n\
         hard_deletes='invalidate') }}\nselect * from {{ target.schema }}.items\n{% endsnapshot %}\n",
    )
    .await;
    place.sql("CREATE TABLE shop.items AS SELECT 1 AS id, 10 AS price, timestamp '2024-01-01' AS at").await;
    place.good(&["snapshot"]);
    for month in ["02", "03", "04"] {
        place.sql(&format!("UPDATE shop.items SET price = price + 1, at = '2024-{month}-01'")).await;
        place.good(&["snapshot"]);
        place.good(&["snapshot"]);
    }
    let versions = "SELECT price, dbt_valid_from::date, dbt_valid_to::date FROM shop.prices ORDER BY 2";
    let kept = "10|2024-01-01|2024-02-01\n11|2024-02-01|2024-03-01\n12|2024-03-01|2024-04-01\n13|2024-04-01|-";
    assert_eq!(place.rows(versions).await, kept);
    place.sql("DELETE FROM shop.items").await;
    place.good(&["snapshot"]);
    assert_eq!(
        place.rows("SELECT count(*), count(*) FILTER (WHERE dbt_valid_to IS NULL) FROM shop.prices").await,
        "4|0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_materialized_view_is_refreshed_in_its_place() {
    let place = Place::of(
        "=== models/totals.sql\n{{ config(materialized='materialized_view') }}\nselect sum(n) as n from {{ target.schema }}.src\n",
    )
    .await;
    place.sql("CREATE TABLE shop.src AS SELECT 1 AS n").await;
    place.good(&["run"]);
    place.sql("CREATE VIEW shop.report AS SELECT n FROM shop.totals; INSERT INTO shop.src VALUES (2)").await;
    let oid = place.rows("SELECT 'shop.totals'::regclass::oid").await;
    place.good(&["run"]);
    assert_eq!(place.rows("SELECT n, 'shop.totals'::regclass::oid FROM shop.report").await, format!("3|{oid}"));
}
