//! Readers in front, and a process that ends in the middle.

use super::support::{Place, name, told};
use quintile::warehouse::in_place::table::{self, TableDefinition};
use std::time::{Duration, Instant};

fn definition(select: &str) -> TableDefinition {
    TableDefinition { name: name("t"), select: select.into(), ..TableDefinition::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_dies_anywhere_leaves_the_old_table_and_the_next_run_sweeps() {
    let mut place = Place::new().await;
    place.table("t", "select 1 as a").await;
    place.sql("CREATE VIEW shop.top AS SELECT a FROM shop.t").await;
    // Ended after the filling, then after the swap but before the commit.
    for swaps in [false, true] {
        told(table::fill(&place.session, &definition("select 2 as a")).await);
        if swaps {
            told(table::swap_in(&place.session, &place.catalog, &name("t"), &[].into(), 1).await);
        }
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()").await;
        assert!(place.session.execute("select 1").await.is_err(), "the connection is gone");
        assert_eq!(place.rows("TABLE shop.top").await, "1");
        assert_eq!(place.relations().await, "t:r t__qt_new:r top:v");
        let warehouse = place.db.warehouse().await;
        place.session = told(quintile::warehouse::in_place::Session::open(&warehouse, None, Default::default()).await);
        place.warehouse = warehouse;
        place.next_run().await;
        assert_eq!(told(place.catalog.sweep(&place.session).await), [name("t__qt_new")]);
        assert_eq!(place.relations().await, "t:r top:v");
    }
    place.table("t", "select 3 as a").await;
    assert_eq!(place.rows("TABLE shop.top").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reader_delays_the_swap_and_not_the_readers_behind_it() {
    let place = Place::new().await;
    place.table("t", "select 1 as a").await;
    let long = place.db.client().await;
    long.batch_execute("BEGIN; SELECT * FROM shop.t").await.expect("a reader");
    let reading = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let start = Instant::now();
            place.rows("TABLE shop.t").await;
            slowest = slowest.max(start.elapsed());
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        long.batch_execute("COMMIT").await.expect("the reader ends");
        slowest
    };
    let (outcome, slowest) = tokio::join!(place.table("t", "select 2 as a"), reading);
    assert_eq!(outcome.rows, Some(1));
    assert!(slowest < Duration::from_secs(1), "a reader waited {slowest:?}");
    assert_eq!(place.rows("TABLE shop.t").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_an_error_or_a_half_table() {
    let place = Place::new().await;
    place.table("t", "select g as a from generate_series(1, 100) g").await;
    let readers = async {
        for _ in 0..300 {
            let seen = place.rows("SELECT count(*) FROM shop.t").await;
            assert_eq!(seen, "100");
        }
    };
    let building = async {
        let session =
            told(quintile::warehouse::in_place::Session::open(&place.warehouse, None, Default::default()).await);
        for _ in 0..15 {
            told(
                table::build(&session, &place.catalog, &definition("select g as a from generate_series(1, 100) g"))
                    .await,
            );
            told(session.commit().await);
        }
    };
    tokio::join!(readers, building);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_an_open_transaction_all_of_the_build_is_in_it() {
    let place = Place::new().await;
    place.table("t", "select 1 as a").await;
    told(place.session.begin().await);
    told(place.session.execute("create table shop.hooked as select 7 as a").await);
    told(table::build(&place.session, &place.catalog, &definition("select a from shop.hooked")).await);
    assert_eq!(place.relations().await, "t:r", "nothing is committed yet");
    told(place.session.rollback().await);
    assert_eq!((place.rows("TABLE shop.t").await, place.relations().await), ("1".into(), "t:r".into()));
}
