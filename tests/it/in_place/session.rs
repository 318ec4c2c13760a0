//! Sessions: several statements, typed cells, faults with their place, transactions.

use super::support::{Place, name, told};
use quintile::project::{Cell, Database as _};
use quintile::warehouse::in_place::shape::{self, TypedColumn};
use quintile::warehouse::in_place::{Blocking, Limits, Session, SqlFault};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn several_statements_run_in_order_and_the_last_one_answers() {
    let place = Place::new().await;
    let answer = told(
        place
            .session
            .execute("create table shop.t (a int, b text); insert into shop.t values (1, 'x;y'), (2, null); -- end\n select * from shop.t order by a;")
            .await,
    );
    assert_eq!(answer.columns, ["a", "b"]);
    assert_eq!(answer.rows, [vec![Cell::Int(1), Cell::Text("x;y".into())], vec![Cell::Int(2), Cell::Null]]);
    assert_eq!((answer.tag.as_str(), answer.rows_affected), ("SELECT 2", 2));
    let answer = told(place.session.execute("delete from shop.t returning b").await);
    assert_eq!((answer.tag.as_str(), answer.rows.len()), ("DELETE 2", 2));
    assert_eq!(told(place.session.execute("vacuum shop.t").await).tag, "VACUUM");
    assert_eq!(told(place.session.execute("show server_encoding").await).rows, [[Cell::Text("UTF8".into())]]);
    assert_eq!(told(place.session.execute(" -- nothing\n").await).tag, "");
    assert!(!place.session.is_in_transaction());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_has_a_cell() {
    let place = Place::new().await;
    place.sql("CREATE TYPE shop.mood AS ENUM ('fine'); CREATE TYPE shop.pair AS (a int, b text)").await;
    let sql = "select true, 1::smallint, 123456789012345678901234567890.120::numeric, 0.1::float8, date '2020-01-02',
        time '10:11:12.5', timestamp '2020-01-02 03:04:05', '{\"a\": [1]}'::jsonb, 'fine'::shop.mood, (1, 'x')::shop.pair,
        array[1, null], interval '1 day 2 hours', '10.0.0.1/8'::inet, '6f1b7cf2-0a4e-4c86-8a4b-7d2f2b2f1a00'::uuid,
        int4range(1, 5), 'infinity'::date, '\\x01ff'::bytea, null::money";
    let row = told(place.session.execute(sql).await).rows.remove(0);
    let text = |s: &str| Cell::Text(s.into());
    let day = chrono::NaiveDate::from_ymd_opt(2020, 1, 2).expect("a day");
    let expected = vec![
        Cell::Bool(true),
        Cell::Int(1),
        Cell::Number("123456789012345678901234567890.120".into()),
        Cell::Float(0.1),
        Cell::Date(day),
        Cell::Time(chrono::NaiveTime::from_hms_milli_opt(10, 11, 12, 500).expect("a time")),
        Cell::Timestamp(day.and_hms_opt(3, 4, 5).expect("an instant")),
        text("{\"a\": [1]}"),
        text("fine"),
        text("(1,x)"),
        text("{1,NULL}"),
        text("1 day 02:00:00"),
        text("10.0.0.1/8"),
        text("6f1b7cf2-0a4e-4c86-8a4b-7d2f2b2f1a00"),
        text("[1,5)"),
        text("infinity"),
        text("\\x01ff"),
        Cell::Null,
    ];
    assert_eq!(row, expected);
    let instant =
        told(place.session.execute("set timezone to 'Asia/Kolkata'; select timestamptz '2020-01-01 00:00+00'").await);
    assert!(matches!(&instant.rows[0][0], Cell::TimestampTz(t) if t.to_rfc3339() == "2020-01-01T05:30:00+05:30"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_names_the_character_in_the_callers_text() {
    let place = Place::new().await;
    let error = place.session.execute("select 'ü';\nselect wrong").await.expect_err("no such column");
    let fault = SqlFault::of(&error).expect("the server's answer");
    assert_eq!((fault.sqlstate.as_str(), fault.position), ("42703", Some(20)));
    assert!(!place.session.is_in_transaction(), "a transaction of its own is rolled back");
    let definition = quintile::warehouse::in_place::view::ViewDefinition {
        name: name("v"),
        select: "select 1 as a,\n  wrong".into(),
        ..Default::default()
    };
    let error = quintile::warehouse::in_place::view::build(&place.session, &place.catalog, &definition)
        .await
        .expect_err("no such column");
    assert_eq!(SqlFault::of(&error).and_then(|fault| fault.position), Some(18));
    let definition = quintile::warehouse::in_place::view::ViewDefinition {
        select: "select 1 as a; drop schema shop".into(),
        ..definition
    };
    let error = quintile::warehouse::in_place::view::build(&place.session, &place.catalog, &definition).await;
    assert_eq!(error.expect_err("two statements").sqlstate.as_deref(), Some("42601"));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_and_a_dropped_session_rolls_back() {
    let place = Place::new().await;
    let limits = Limits { statement: Some(Duration::from_millis(50)), lock: None };
    let session = told(Session::open(&place.warehouse, None, limits).await);
    told(session.execute("begin").await);
    assert!(session.is_in_transaction(), "a BEGIN of the user is followed");
    told(session.execute("rollback").await);
    told(session.begin().await);
    let error = session.execute("select pg_sleep(10)").await.expect_err("too long");
    assert_eq!(error.sqlstate.as_deref(), Some("57014"));
    let error = session.commit().await.expect_err("nothing to commit");
    assert_eq!(error.sqlstate.as_deref(), Some("25P02"));
    told(session.rollback().await);
    told(session.begin().await);
    told(session.execute("create table shop.gone (a int)").await);
    drop(session);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(place.rows("select to_regclass('shop.gone')").await, "-");
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_ask_through_a_waiting_thread() {
    let place = Place::new().await;
    place.sql("CREATE TABLE shop.t (a varchar(20), b numeric(10, 2), c int[]); CREATE VIEW shop.v AS SELECT * FROM shop.t").await;
    let session = Arc::new(place.session);
    let database = Blocking::new(tokio::runtime::Handle::current(), session);
    let work = move || {
        let columns = told(database.columns(&name("t")));
        let told_as: Vec<_> =
            columns.iter().map(|c| (c.data_type.as_str(), c.char_size, c.numeric_precision)).collect();
        assert_eq!(
            told_as,
            [("character varying", Some(20), None), ("numeric", None, Some(10)), ("ARRAY", None, None)]
        );
        let names: Vec<_> =
            told(database.relations("shop")).into_iter().map(|r| (r.name.identifier, r.kind.as_str())).collect();
        assert_eq!(names, [("t".to_owned(), "table"), ("v".to_owned(), "view")]);
        let table = told(database.relation(&name("t"))).expect("a table");
        assert_eq!(told(database.relation(&name("none"))), None);
        told(database.truncate_relation(&name("t")));
        told(database.rename_relation(&table, &name("u")));
        let renamed = told(database.relation(&name("u"))).expect("a table");
        told(database.drop_relation(&renamed));
        assert!(told(database.relations("shop")).is_empty(), "what depends on it goes with it");
        told(database.create_schema("new one"));
        assert!(told(database.schemas()).contains(&"new one".to_owned()));
        told(database.drop_schema("new one"));
        assert_eq!(told(database.execute("select 1")).rows, [[Cell::Int(1)]]);
    };
    tokio::task::spawn_blocking(work).await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_select_is_described_without_being_run() {
    let place = Place::new().await;
    let columns =
        told(shape::select_columns(&place.session, "select 1.5::numeric(6, 2) as n, (1 / 0)::text as t").await);
    let column = |name: &str, data_type: &str| TypedColumn { name: name.into(), data_type: data_type.into() };
    assert_eq!(columns, [column("n", "numeric(6,2)"), column("t", "text")]);
}
