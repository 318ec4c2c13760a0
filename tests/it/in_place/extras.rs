//! Contracts, materialized views, grants, comments, freshness and the catalogue.

use super::support::{Place, name, told};
use quintile::project::RelationKind;
use quintile::warehouse::in_place::comments::{self, Comments};
use quintile::warehouse::in_place::contract::{Constraint, Contract, ContractColumn, Rule};
use quintile::warehouse::in_place::freshness::{self, LoadedAt};
use quintile::warehouse::in_place::grants;
use quintile::warehouse::in_place::index::Index;
use quintile::warehouse::in_place::matview::{self, MatviewDefinition};
use quintile::warehouse::in_place::table::{self, TableDefinition};
use quintile::warehouse::in_place::{Change, docs};

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_checked_before_any_work_and_its_constraints_hold() {
    let place = Place::new().await;
    place.sql("CREATE TABLE shop.parent (id int PRIMARY KEY); INSERT INTO shop.parent VALUES (1)").await;
    let rule = |rule, expression: Option<&str>| Constraint {
        rule,
        name: None,
        columns: Vec::new(),
        expression: expression.map(Into::into),
    };
    let key = Rule::ForeignKey { to: Some("shop.parent".into()), to_columns: vec!["id".into()] };
    let column = |name: &str, data_type: &str, constraints| ContractColumn {
        name: name.into(),
        data_type: data_type.into(),
        constraints,
        ..ContractColumn::default()
    };
    let contract = Contract {
        columns: vec![
            column("id", "int", vec![rule(Rule::PrimaryKey, None), rule(key, None)]),
            column("n", "varchar(9)", vec![rule(Rule::NotNull, None), rule(Rule::Check, Some("n <> ''"))]),
        ],
        constraints: Vec::new(),
    };
    let mut definition = TableDefinition {
        name: name("t"),
        select: "select 'x'::varchar as n, 1 as id".into(),
        contract: Some(contract),
        ..TableDefinition::default()
    };
    for _ in 0..2 {
        told(table::build(&place.session, &place.catalog, &definition).await);
        told(place.session.commit().await);
    }
    let constraints = "SELECT conname, contype FROM pg_constraint WHERE conrelid = 'shop.t'::regclass ORDER BY 1";
    assert_eq!(place.rows(constraints).await, "t_id_fkey|f\nt_n_check|c\nt_pkey|p");
    definition.select = "select 1.5 as n, pg_sleep(100) as other".into();
    let error = table::build(&place.session, &place.catalog, &definition).await.expect_err("a broken contract");
    let detail = error.detail.unwrap_or_default();
    for line in [
        "| id          |                 | INTEGER              | missing in definition |",
        "data type mismatch",
        "missing in contract",
    ] {
        assert!(detail.contains(line), "{detail}");
    }
    assert_eq!(place.relations().await, "parent:r t:r");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_materialized_view_is_refreshed_indexed_and_swapped() {
    let mut place = Place::new().await;
    place.sql("CREATE TABLE shop.src AS SELECT 1 AS a").await;
    let mut view =
        MatviewDefinition { name: name("m"), select: "select a from shop.src".into(), ..MatviewDefinition::default() };
    let build = async |place: &Place, view: &MatviewDefinition| {
        let outcome = told(matview::build(&place.session, &place.catalog, view, false).await);
        told(place.session.commit().await);
        outcome.change
    };
    assert_eq!(build(&place, &view).await, Change::Created);
    place.sql("CREATE VIEW shop.top AS SELECT a FROM shop.m; INSERT INTO shop.src VALUES (2)").await;
    place.next_run().await;
    view.indexes = vec![Index { columns: vec!["a".into()], is_unique: true, ..Index::default() }];
    let oid = place.rows("SELECT 'shop.m'::regclass::oid").await;
    assert_eq!(build(&place, &view).await, Change::Updated);
    assert_eq!(place.rows("SELECT count(*), 'shop.m'::regclass::oid FROM shop.top").await, format!("2|{oid}"));
    assert_eq!(place.rows("SELECT count(*) FROM pg_indexes WHERE tablename = 'm'").await, "1");
    view.select = "select a + 1 as a from shop.src".into();
    assert_eq!(build(&place, &view).await, Change::Replaced);
    assert_eq!(place.rows("SELECT a FROM shop.top ORDER BY a").await, "2\n3");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_comments_are_made_so_and_no_more() {
    let place = Place::new().await;
    place.table("t", "select 1 as a").await;
    place.sql("CREATE ROLE extras_one; CREATE ROLE extras_two; GRANT SELECT, UPDATE ON shop.t TO extras_one").await;
    let wanted = [("select".to_owned(), vec!["extras_two".to_owned()])].into();
    assert_eq!(told(grants::apply(&place.session, &name("t"), &wanted).await).len(), 2);
    assert_eq!(told(grants::apply(&place.session, &name("t"), &wanted).await).len(), 0);
    let held = "SELECT has_table_privilege('extras_one', 'shop.t', 'select'), has_table_privilege('extras_one', 'shop.t', 'update'),
        has_table_privilege('extras_two', 'shop.t', 'select')";
    assert_eq!(place.rows(held).await, "f|t|t");
    place.sql("DROP OWNED BY extras_one, extras_two; DROP ROLE extras_one, extras_two").await;
    let wanted = Comments {
        relation: Some("it's".into()),
        columns: [("A".to_owned(), "first".to_owned()), ("gone".to_owned(), "x".to_owned())].into(),
    };
    let apply = async || told(comments::apply(&place.session, &name("t"), RelationKind::Table, &wanted).await);
    assert_eq!((apply().await, apply().await), (2, 0));
    let catalogue = told(docs::relations(&place.session, &["shop".to_owned()]).await);
    let [relation] = catalogue.as_slice() else { panic!("{catalogue:?}") };
    assert_eq!((relation.relation_type.as_str(), relation.comment.as_deref()), ("BASE TABLE", Some("it's")));
    let column = &relation.columns[0];
    let told_of = (column.name.as_str(), column.index, column.data_type.as_str(), column.comment.as_deref());
    assert_eq!(told_of, ("a", 1, "integer", Some("first")));
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_is_told_in_utc() {
    let place = Place::new().await;
    place.sql("CREATE TABLE shop.src AS SELECT timestamp '2024-01-02 03:00' AS at, 1 AS n").await;
    let field = |filter: Option<&str>| LoadedAt::Field { expression: "at".into(), filter: filter.map(Into::into) };
    let found = told(freshness::look(&place.session, &name("src"), &field(None)).await);
    assert_eq!(found.max_loaded_at.map(|t| t.to_rfc3339()).as_deref(), Some("2024-01-02T03:00:00+00:00"));
    let none = told(freshness::look(&place.session, &name("src"), &field(Some("n > 1"))).await);
    assert_eq!(none.max_loaded_at, None);
    let query = LoadedAt::Query("select date '2024-05-01'".into());
    let found = told(freshness::look(&place.session, &name("src"), &query).await);
    assert_eq!(found.max_loaded_at.map(|t| t.to_rfc3339()).as_deref(), Some("2024-05-01T00:00:00+00:00"));
    let wrong = LoadedAt::Query("select 1, 2".into());
    assert!(freshness::look(&place.session, &name("src"), &wrong).await.is_err());
}
