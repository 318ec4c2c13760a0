//! Views and tables: what changes, what survives, and what stands in the way.

use super::support::{Place, name, told};
use quintile::warehouse::in_place::index::Index;
use quintile::warehouse::in_place::table::{self, TableDefinition};
use quintile::warehouse::in_place::view::{self, ViewDefinition};
use quintile::warehouse::in_place::{Change, SqlFault};

const RULE: &str = "SELECT r.xmin FROM pg_rewrite r WHERE ev_class = 'shop.v'::regclass";

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_view_costs_no_ddl() {
    let mut place = Place::new().await;
    place.table("t", "select 1 as a").await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Created);
    let rule = place.rows(RULE).await;
    place.next_run().await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Unchanged);
    assert_eq!(place.rows(RULE).await, rule);
    // The table below is built anew with the same columns: the view was moved to it and needs nothing.
    place.table("t", "select 2 as a").await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Unchanged);
    assert_eq!(place.rows("TABLE shop.v").await, "2");
    place.next_run().await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Unchanged);
    // Others changed the view, or what it reads from.
    place.sql("CREATE OR REPLACE VIEW shop.v AS SELECT 7 AS a").await;
    place.next_run().await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Replaced);
    assert_eq!(place.rows("TABLE shop.v").await, "2");
    place.sql("ALTER TABLE shop.t ADD COLUMN b int DEFAULT 3").await;
    place.next_run().await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Replaced);
    assert_eq!(place.rows("TABLE shop.v").await, "2|3");
    place.table("t", "select 1 as a, 2 as b, 3 as c").await;
    assert_eq!(place.view("v", "select * from shop.t").await.change, Change::Replaced, "within one run");
    assert_eq!(place.rows("TABLE shop.v").await, "1|2|3");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_rights_and_comments_of_others_survive_a_table() {
    let place = Place::new().await;
    place.table("t", "select 1 as a, 'x' as b").await;
    place
        .sql(
            "CREATE ROLE shop_reader; CREATE ROLE shop_analyst;
            CREATE SCHEMA bi; CREATE TABLE bi.outside AS SELECT 5 AS z;
            CREATE VIEW bi.report WITH (security_barrier = true) AS SELECT a, z FROM shop.t, bi.outside;
            CREATE VIEW bi.top AS SELECT a FROM bi.report;
            COMMENT ON VIEW bi.report IS 'kept';
            GRANT SELECT ON bi.report TO shop_reader;
            GRANT SELECT ON shop.t TO shop_reader WITH GRANT OPTION;
            GRANT SELECT (a) ON shop.t TO shop_analyst;
            COMMENT ON TABLE shop.t IS 'it''s a table'; COMMENT ON COLUMN shop.t.b IS 'a column'",
        )
        .await;
    let facts = "SELECT c.relname, c.oid, c.relacl, c.reloptions, obj_description(c.oid) FROM pg_class c
        WHERE relnamespace = 'bi'::regnamespace ORDER BY 1";
    let (before, rights) = (place.rows(facts).await, "SELECT relacl FROM pg_class WHERE oid = 'shop.t'::regclass");
    let granted = place.rows(rights).await;
    for round in 2..5 {
        let outcome = place.table("t", &format!("select {round} as a, 'y' as b")).await;
        assert_eq!((outcome.change, outcome.rows), (Change::Replaced, Some(1)));
        assert_eq!(place.rows("SELECT * FROM bi.top").await, round.to_string());
    }
    assert_eq!(place.rows(facts).await, before);
    assert_eq!(place.rows(rights).await, granted);
    let told_of = "SELECT obj_description('shop.t'::regclass), col_description('shop.t'::regclass, 2),
        (SELECT attacl FROM pg_attribute WHERE attrelid = 'shop.t'::regclass AND attname = 'a')";
    assert_eq!(
        place.rows(told_of).await,
        "it's a table|a column|{shop_analyst=r/postgres}".replace("postgres", &place.rows("SELECT current_user").await)
    );
    assert_eq!(place.relations().await, "t:r");
    place.sql("DROP OWNED BY shop_reader, shop_analyst; DROP ROLE shop_reader, shop_analyst").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_no_longer_fits_is_named_and_nothing_is_lost() {
    let place = Place::new().await;
    place.table("t", "select 1 as a, 2 as b").await;
    place.sql("CREATE SCHEMA bi; CREATE VIEW bi.report AS SELECT b FROM shop.t").await;
    let definition = TableDefinition { name: name("t"), select: "select 1 as a".into(), ..TableDefinition::default() };
    let error = table::build(&place.session, &place.catalog, &definition).await.expect_err("a view in the way");
    assert_eq!(error.message, "view \"bi\".\"report\" stands in the way of the new \"shop\".\"t\"");
    assert!(error.detail.as_deref().is_some_and(|d| d.contains("column t.b does not exist")), "{}", error.report());
    told(place.session.rollback().await);
    assert_eq!(place.rows("TABLE bi.report").await, "2");
    // A view that is built again later in the run gives way, with what reads from it.
    place.sql("DROP VIEW bi.report; CREATE VIEW shop.v AS SELECT b FROM shop.t; CREATE VIEW shop.w AS SELECT * FROM shop.v").await;
    let definition = TableDefinition { may_drop: std::sync::Arc::new([name("v"), name("w")].into()), ..definition };
    let outcome = told(table::build(&place.session, &place.catalog, &definition).await);
    told(place.session.commit().await);
    assert_eq!(outcome.dropped, [name("v"), name("w")]);
    assert_eq!(place.relations().await, "t:r");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_move_keeps_its_table_while_the_columns_stay() {
    let place = Place::new().await;
    place.table("t", "select 1 as a").await;
    place.sql("CREATE MATERIALIZED VIEW shop.m AS SELECT a FROM shop.t; CREATE TABLE shop.child (a int)").await;
    let oid = place.rows("SELECT 'shop.t'::regclass::oid").await;
    let outcome = place.table("t", "select 2 as a").await;
    assert!(outcome.notes[0].contains("materialized view shop.m"), "{:?}", outcome.notes);
    assert_eq!(place.rows("SELECT 'shop.t'::regclass::oid, a FROM shop.t").await, format!("{oid}|2"));
    place.sql("REFRESH MATERIALIZED VIEW shop.m").await;
    let definition = TableDefinition { name: name("t"), select: "select 1 as b".into(), ..TableDefinition::default() };
    let error = table::build(&place.session, &place.catalog, &definition).await.expect_err("in the way");
    assert_eq!(error.message, "materialized view shop.m stands in the way of the new \"shop\".\"t\"");
    told(place.session.rollback().await);
    assert_eq!(place.rows("TABLE shop.m").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_of_others_follow_the_table() {
    let place = Place::new().await;
    place.sql("CREATE TABLE shop.t (a int PRIMARY KEY); CREATE TABLE shop.child (a int CONSTRAINT \"to T\" REFERENCES shop.t)").await;
    let index = Index { columns: vec!["a".into()], is_unique: true, ..Index::default() };
    let definition = TableDefinition {
        name: name("t"),
        select: "select 1 as a".into(),
        indexes: vec![index],
        ..TableDefinition::default()
    };
    let outcome = told(table::build(&place.session, &place.catalog, &definition).await);
    told(place.session.commit().await);
    assert_eq!(outcome.notes.len(), 1);
    let there =
        "SELECT conname, confrelid = 'shop.t'::regclass FROM pg_constraint WHERE conrelid = 'shop.child'::regclass";
    assert_eq!(place.rows(there).await, "to T|t");
    let other = place.other.execute("INSERT INTO shop.child VALUES (2)", &[]).await;
    assert!(other.is_err(), "new rows are checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_may_change_its_kind_below_the_views_of_others() {
    let place = Place::new().await;
    place.view("x", "select 1 as a").await;
    place.sql("CREATE SCHEMA bi; CREATE VIEW bi.report AS SELECT a FROM shop.x").await;
    assert_eq!(place.table("x", "select 2 as a").await.change, Change::Replaced);
    assert_eq!(place.rows("TABLE bi.report").await, "2");
    assert_eq!(place.view("x", "select 3 as a").await.change, Change::Replaced);
    assert_eq!(place.rows("TABLE bi.report").await, "3");
    // Columns that CREATE OR REPLACE refuses.
    assert_eq!(place.view("x", "select 'b' as b, 4 as a").await.change, Change::Replaced);
    assert_eq!(place.rows("TABLE bi.report").await, "4");
    assert_eq!(place.relations().await, "x:v");
    let wrong = ViewDefinition { name: name("x"), select: "select 1 as a, 2 as a".into(), ..ViewDefinition::default() };
    let error = view::build(&place.session, &place.catalog, &wrong).await.expect_err("two columns of one name");
    assert!(SqlFault::of(&error).is_some_and(|f| f.sqlstate == "42701"), "{}", error.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_keep_their_names_and_are_there_with_the_rows() {
    let place = Place::new().await;
    let definition = TableDefinition {
        name: name("t"),
        select: "select g as a, g % 3 as b from generate_series(1, 50) g -- all".into(),
        is_unlogged: true,
        indexes: vec![
            Index { columns: vec!["a".into()], is_unique: true, include: vec!["b".into()], ..Index::default() },
            Index { columns: vec!["b".into()], predicate: Some("b > 0".into()), ..Index::default() },
        ],
        ..TableDefinition::default()
    };
    let indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 't' ORDER BY 1";
    let mut names = Vec::new();
    for _ in 0..3 {
        told(table::build(&place.session, &place.catalog, &definition).await);
        told(place.session.commit().await);
        names.push(place.rows(indexes).await);
    }
    assert_eq!(names[0].lines().count(), 2);
    assert!(names.iter().all(|n| *n == names[0]) && !names[0].contains("__qt"), "{names:?}");
    let facts = "SELECT relpersistence, reltuples FROM pg_class WHERE oid = 'shop.t'::regclass";
    assert_eq!(place.rows(facts).await, "u|50", "unlogged, and analysed before readers see it");
}
