//! Incremental tables: each strategy, changed columns, batches and their ledger.

use super::support::{Place, name, told};
use quintile::warehouse::in_place::incremental::{self, IncrementalDefinition, Strategy, Window};
use quintile::warehouse::in_place::intervals::{self, Batch, BatchSize, Finished, LedgerKey, Wanted};
use quintile::warehouse::in_place::schema_change::OnSchemaChange;
use quintile::warehouse::in_place::table::TableDefinition;
use quintile::warehouse::in_place::{Change, Outcome};

const ALL: &str = "SELECT * FROM shop.t ORDER BY 1, 2";

fn definition(strategy: Strategy, select: &str) -> IncrementalDefinition {
    IncrementalDefinition {
        table: TableDefinition { name: name("t"), select: select.into(), ..TableDefinition::default() },
        strategy,
        unique_key: vec!["id".into()],
        predicates: Vec::new(),
        update_columns: None,
        exclude_columns: Vec::new(),
        on_schema_change: OnSchemaChange::Ignore,
    }
}

async fn build(place: &Place, definition: &IncrementalDefinition) -> Outcome {
    let outcome = told(incremental::build(&place.session, &place.catalog, definition, false).await);
    told(place.session.commit().await);
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn each_strategy_brings_new_rows_in() {
    let place = Place::new().await;
    let first = definition(Strategy::Append, "select * from (values (1, 'a', 'x'), (2, 'b', 'x')) v (id, n, m)");
    assert_eq!(build(&place, &first).await.change, Change::Created);
    place.sql("CREATE VIEW shop.top AS SELECT * FROM shop.t").await;
    let more = |strategy| definition(strategy, "select * from (values (2, 'B', 'y'), (3, 'c', 'y')) v (id, n, m)");
    let outcome = build(&place, &more(Strategy::DeleteInsert)).await;
    assert_eq!((outcome.change, outcome.rows), (Change::Updated, Some(2)));
    assert_eq!(place.rows(ALL).await, "1|a|x\n2|B|y\n3|c|y");
    let merge = definition(Strategy::Merge, "select * from (values (1, 'A', 'z'), (4, 'd', 'z')) v (id, n, m)");
    build(&place, &IncrementalDefinition { exclude_columns: vec!["m".into()], ..merge.clone() }).await;
    assert_eq!(place.rows(ALL).await, "1|A|x\n2|B|y\n3|c|y\n4|d|z");
    build(&place, &IncrementalDefinition { update_columns: Some(vec!["m".into()]), ..merge.clone() }).await;
    assert_eq!(place.rows(ALL).await, "1|A|z\n2|B|y\n3|c|y\n4|d|z");
    let pruned = IncrementalDefinition { predicates: vec!["DBT_INTERNAL_DEST.id > 1".into()], ..merge };
    build(&place, &pruned).await;
    assert_eq!(place.rows("SELECT count(*) FROM shop.t").await, "5", "rows outside the predicates do not match");
    build(&place, &more(Strategy::Append)).await;
    assert_eq!(place.rows("SELECT count(*) FROM shop.top").await, "7");
    assert_eq!(place.relations().await, "t:r top:v");
    let pair = IncrementalDefinition { unique_key: vec!["id".into(), "n".into()], ..more(Strategy::DeleteInsert) };
    build(&place, &pair).await;
    assert_eq!(place.rows("SELECT count(*) FROM shop.t WHERE id IN (2, 3)").await, "2");
    let again = incremental::build(&place.session, &place.catalog, &first, true).await;
    assert_eq!(told(again).change, Change::Replaced, "a full refresh");
    told(place.session.commit().await);
    assert_eq!(place.rows(ALL).await, "1|a|x\n2|b|x");
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_columns_are_answered_in_four_ways() {
    let place = Place::new().await;
    build(&place, &definition(Strategy::Append, "select 1 as id, 'a' as gone")).await;
    let other = |on_schema_change| IncrementalDefinition {
        on_schema_change,
        ..definition(Strategy::Append, "select 2::bigint as id, 'n' as fresh")
    };
    for mode in [OnSchemaChange::Fail, OnSchemaChange::Ignore] {
        let refused = incremental::build(&place.session, &place.catalog, &other(mode), false).await;
        let error = refused.expect_err("out of sync");
        let detail = error.detail.unwrap_or_default();
        assert!(detail.contains("added \"fresh\" (text), removed \"gone\", retyped \"id\" (bigint)"), "{detail}");
        assert_eq!(place.rows(ALL).await, "1|a");
    }
    build(&place, &other(OnSchemaChange::AppendNewColumns)).await;
    assert_eq!(place.rows(ALL).await, "1|a|-\n2|-|n");
    build(&place, &other(OnSchemaChange::SyncAllColumns)).await;
    assert_eq!(place.rows(ALL).await, "1|-\n2|n\n2|n");
    assert_eq!(place.rows("SELECT pg_typeof(id) FROM shop.t LIMIT 1").await, "bigint");
    let extra = definition(Strategy::Append, "select 3 as id, 'n' as fresh, 1 as extra");
    build(&place, &extra).await;
    assert_eq!(place.rows("SELECT * FROM shop.t WHERE id = 3").await, "3|n", "ignored columns are left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_replaces_its_window_and_the_ledger_finds_the_gap() {
    let place = Place::new().await;
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().expect("an instant");
    let window = |day: u32| Window {
        event_time: "at".into(),
        start: at(&format!("2024-01-0{day}T00:00:00Z")),
        end: at(&format!("2024-01-0{}T00:00:00Z", day + 1)),
    };
    let select = |day: u32, n: u32| format!("select timestamptz '2024-01-0{day} 05:00+00' as at, {n} as n");
    let key = LedgerKey { workspace: "main", relation: "shop.t" };
    for (day, n) in [(1, 1), (3, 1), (3, 2)] {
        let batch = definition(Strategy::Microbatch(window(day)), &select(day, n));
        told(incremental::build(&place.session, &place.catalog, &batch, false).await);
        let Window { start, end, .. } = window(day);
        let finished = Finished {
            batch: Batch { start, end },
            is_built: true,
            run: "7",
            rows: Some(1),
            fingerprint: "f",
            as_of: at("2024-01-04T00:00:00Z"),
        };
        told(intervals::record(&place.session, key, &finished).await);
        let failed = Finished { is_built: false, ..finished };
        told(intervals::record(&place.session, key, &failed).await);
        told(place.session.commit().await);
    }
    assert_eq!(place.rows("SELECT n FROM shop.t ORDER BY at").await, "1\n2");
    let wanted = Wanted {
        begin: at("2024-01-01T00:00:00Z"),
        now: at("2024-01-04T10:00:00Z"),
        size: BatchSize::Day,
        lookback: 0,
        only: None,
        full_refresh: false,
    };
    let built = told(intervals::built(&place.session, key).await);
    let missing = intervals::to_build(&wanted, &built);
    assert_eq!(missing.iter().map(|b| b.start).collect::<Vec<_>>(), [window(2).start, window(4).start]);
    told(intervals::forget(&place.session, key).await);
    assert!(told(intervals::built(&place.session, key).await).is_empty());
}
