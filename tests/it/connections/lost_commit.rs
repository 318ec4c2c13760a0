//! The connection breaks at a COMMIT, before it reaches the server or after it took place: each COMMIT of a run or of an erasure, in turn.

use crate::harness::Database;
use crate::shop;
use crate::small::Small;
use quintile::pipeline;
use quintile::warehouse::Warehouse;
use quintile::warehouse::erase::EraseRequest;
use quintile::warehouse::person::Person;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the network does to a COMMIT.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The server never hears of it.
    Before,
    /// The server does it, and its answer is lost.
    After,
}

/// A way to the server that breaks once.
struct Relay {
    /// COMMITs until the cut; below zero once it was made.
    left: Arc<AtomicI64>,
}

impl Relay {
    /// A relay before the server of `url` that cuts in this way, and the URL that leads through it.
    async fn before(url: &str, cut: Cut) -> (Relay, String) {
        let server: tokio_postgres::Config = url.parse().expect("a URL");
        let (host, behind) = ("127.0.0.1", server.get_ports()[0]);
        let listener = TcpListener::bind((host, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let counted = Arc::clone(&left);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((host, behind)).await else { continue };
                tokio::spawn(carry(client, server, cut, Arc::clone(&counted)));
            }
        });
        (Relay { left }, url.replace(&format!(":{behind}/"), &format!(":{port}/")))
    }

    /// The COMMIT of this number from now on is cut.
    fn arm(&self, number: i64) {
        self.left.store(number, Ordering::SeqCst);
    }

    /// Ends the lying in wait; whether it came to the cut.
    fn disarm(&self) -> bool {
        self.left.swap(i64::MAX, Ordering::SeqCst) <= 0
    }
}

/// Hands on what comes until either side ends, or until the cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, cut: Cut, left: Arc<AtomicI64>) {
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Some(count) = read.ok().filter(|count| *count > 0) else { return };
                let is_commit = up[..count].windows(7).any(|bytes| bytes == b"COMMIT\0");
                let is_cut = is_commit && left.fetch_sub(1, Ordering::SeqCst) == 1;
                if is_cut && matches!(cut, Cut::Before) {
                    return;
                }
                if server.write_all(&up[..count]).await.is_err() {
                    return;
                }
                if is_cut {
                    // The answer says that it is done, and goes no further.
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Some(count) = read.ok().filter(|count| *count > 0) else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Cuts each COMMIT of a run in turn; how many there are.
async fn walk(cut: Cut) -> i64 {
    let mut small = Small::new().await;
    small.settings.run.lease_seconds = 3;
    small.table("a", "SELECT 1 AS n");
    small.model("b", "materialized='view'", "SELECT n FROM {{ ref('a') }}");
    let before = small.publish(&[]).await;
    let (relay, url) = Relay::before(small.db.url(), cut).await;
    let broken = connect(&small.db, &url).await;
    let mut shown = before;
    for number in 1..=200 {
        relay.arm(number);
        let told = shop::try_build(&broken, &small.settings, &[]).await;
        if !relay.disarm() {
            assert_eq!(told.expect("nothing was in the way").state, "published");
            return number - 1;
        }
        let now: i64 = small.value("SELECT max(run_id) FROM quintile.live").await.parse().expect("a number");
        let is_published = told.as_ref().is_ok_and(|report| report.state == "published");
        let run_id = told.as_ref().map_or(shown, |report| report.run_id);
        // An error may come after the publish; a publish that is told has taken place.
        assert!(now == shown && !is_published || now > shown, "{cut:?} {number}: {told:?}, and run {now} is live");
        assert!(!is_published || now == run_id, "{cut:?} {number}: run {run_id} is told, and run {now} is live");
        let states = "SELECT count(*) FROM quintile.published_states WHERE is_live";
        assert_eq!(small.value(states).await, "1", "{cut:?} {number}");
        let doubles =
            "SELECT count(*) - count(DISTINCT (facts ->> 'run_id')) FROM quintile.audit_log WHERE action = 'publish'";
        assert_eq!(small.value(doubles).await, "0", "{cut:?} {number}: a publish was repeated");
        // What an unlucky end left behind is no hindrance, once its lease is over.
        tokio::time::sleep(Duration::from_millis(if told.is_ok() { 0 } else { 3100 })).await;
        shown = small.publish(&[]).await;
    }
    panic!("{cut:?}: the run has no end");
}

async fn connect(db: &Database, url: &str) -> Warehouse {
    Warehouse::connect(&db.settings(), url).await.unwrap_or_else(|e| panic!("{}", e.report()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrived_is_told_or_repeated() {
    let commits = walk(Cut::Before).await;
    assert!(commits >= 2, "{commits}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_read_back() {
    let commits = walk(Cut::After).await;
    assert!(commits >= 2, "{commits}");
}

/// A customer with an order, and a way to the database on which the first COMMIT of this number is cut: an erasure tells
/// that it took place, or leaves everything.
async fn erase_through(cut: Cut) -> i64 {
    let small = Small::new().await;
    let insert = "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
        VALUES ('shop', 'o1', 1, 'ann-7', now(), 1, 1, 'EUR', 1)";
    let mut settings = small.settings.clone();
    settings.run.lease_seconds = 3;
    let (relay, url) = Relay::before(small.db.url(), cut).await;
    let broken = connect(&small.db, &url).await;
    let request =
        EraseRequest { person: Person { customer_id: "ann-7".into(), ..Person::default() }, ..EraseRequest::default() };
    for number in 1..=50 {
        let clean = "DELETE FROM raw.orders; DELETE FROM quintile.tombstones; DELETE FROM quintile.audit_log;
            UPDATE quintile.leases SET expires_at = clock_timestamp()";
        shop::execute(&small.warehouse, clean).await;
        shop::execute(&small.warehouse, insert).await;
        relay.arm(number);
        let told = pipeline::erase(&broken, &settings, request.clone()).await;
        let was_cut = relay.disarm();
        let state =
            "SELECT concat_ws(' ', (SELECT count(*) FROM raw.orders), (SELECT count(*) FROM quintile.tombstones),
            (SELECT count(*) FROM quintile.audit_log WHERE action = 'erase'))";
        let state = small.value(state).await;
        let case = format!("{cut:?} {number}: {told:?} left {state}");
        match &told {
            Ok(erasure) => {
                assert_eq!(state, "0 1 1", "{case}");
                // Told with what it did, also where the answer was lost; and done once.
                assert_eq!((erasure.row_count(), erasure.was_erased), (1, false), "{case}");
            }
            Err(_) => assert_eq!(state, "1 0 0", "{case}"),
        }
        if !was_cut {
            told.expect("nothing was in the way");
            return number - 1;
        }
    }
    panic!("{cut:?}: the erasure has no end");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_of_an_erasure_that_never_arrived_is_told_or_repeated() {
    assert!(erase_through(Cut::Before).await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_of_an_erasure_whose_answer_was_lost_is_read_back() {
    assert!(erase_through(Cut::After).await >= 1);
}
