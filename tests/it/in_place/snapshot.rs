//! Snapshots: versions are opened and closed as dbt does it.

use super::support::{Place, name, told};
use quintile::warehouse::in_place::snapshot::{self, HardDeletes, MetaColumns, SnapshotDefinition, SnapshotStrategy};
use quintile::warehouse::in_place::table::TableDefinition;

fn definition(strategy: SnapshotStrategy, hard_deletes: HardDeletes) -> SnapshotDefinition {
    SnapshotDefinition {
        table: TableDefinition {
            name: name("t"),
            select: "select * from shop.src".into(),
            ..TableDefinition::default()
        },
        strategy,
        unique_key: vec!["id".into()],
        hard_deletes,
        valid_to_current: None,
        columns: MetaColumns::default(),
    }
}

async fn take(place: &Place, definition: &SnapshotDefinition) {
    told(snapshot::build(&place.session, &place.catalog, definition).await);
    told(place.session.commit().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timestamp_strategy_opens_and_closes_versions() {
    let place = Place::new().await;
    place.sql("CREATE TABLE shop.src AS SELECT * FROM (VALUES (1, 'a', timestamp '2024-01-01'), (2, 'b', '2024-01-01')) v (id, n, at)").await;
    let strategy = SnapshotStrategy::Timestamp { updated_at: "at".into() };
    let definition = definition(strategy, HardDeletes::Invalidate);
    take(&place, &definition).await;
    let ids = "SELECT count(*) FROM shop.t WHERE dbt_scd_id = md5(id::varchar || '|' || at::varchar)";
    assert_eq!(place.rows(ids).await, "2");
    place.sql("UPDATE shop.src SET n = 'A', at = '2024-02-01' WHERE id = 1; INSERT INTO shop.src VALUES (3, 'c', '2024-02-01'); DELETE FROM shop.src WHERE id = 2").await;
    take(&place, &definition).await;
    take(&place, &definition).await;
    let versions = "SELECT id, n, dbt_valid_from::date, CASE WHEN dbt_valid_to::date > '2024-12-31' THEN 'now' ELSE dbt_valid_to::date::text END
        FROM shop.t ORDER BY id, dbt_valid_from";
    let expected = "1|a|2024-01-01|2024-02-01\n1|A|2024-02-01|-\n2|b|2024-01-01|now\n3|c|2024-02-01|-";
    assert_eq!(place.rows(versions).await, expected);
    assert_eq!(place.relations().await, "src:r t:r");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_strategy_records_deletions_and_returns() {
    let place = Place::new().await;
    place.sql("CREATE TABLE shop.src AS SELECT * FROM (VALUES (1, 'x', 'a'), (2, 'x', null)) v (id, k, n)").await;
    let strategy = SnapshotStrategy::Check { columns: None, updated_at: None };
    let definition = SnapshotDefinition {
        unique_key: vec!["id".into(), "k".into()],
        valid_to_current: Some("'9999-12-31'::timestamp".into()),
        columns: MetaColumns { valid_to: "until".into(), ..MetaColumns::default() },
        ..definition(strategy, HardDeletes::NewRecord)
    };
    take(&place, &definition).await;
    place.sql("DELETE FROM shop.src WHERE id = 1; UPDATE shop.src SET n = 'b'").await;
    take(&place, &definition).await;
    take(&place, &definition).await;
    let versions = "SELECT id, n, until = '9999-12-31', dbt_is_deleted FROM shop.t ORDER BY id, dbt_valid_from, until";
    assert_eq!(place.rows(versions).await, "1|a|f|False\n1|a|t|True\n2|-|f|False\n2|b|t|False");
    // The row comes back, with a column that the snapshot has not seen yet.
    place.sql("INSERT INTO shop.src VALUES (1, 'x', 'a'); ALTER TABLE shop.src ADD COLUMN m int DEFAULT 5").await;
    take(&place, &definition).await;
    let versions =
        "SELECT id, m, until = '9999-12-31', dbt_is_deleted FROM shop.t WHERE id = 1 ORDER BY dbt_valid_from, until";
    assert_eq!(place.rows(versions).await, "1|-|f|False\n1|-|f|True\n1|5|t|False");
}
