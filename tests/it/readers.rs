//! Readers polling the public views through refreshes and `kill -9` see no error and no mixed state.

use crate::harness::Database;
use crate::shop;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const CUSTOMERS: i64 = 250;
const REFRESHES: usize = 20;
const KILLS: u64 = 20;

/// One answer over four relations: all of one run, all customers there.
const CHECK: &str = "
    SELECT
        (SELECT count(*) FROM marts.customer_360),
        (SELECT count(*) FROM marts.persona_vips) + (SELECT count(*) FROM marts.persona_loyalists)
            + (SELECT count(*) FROM marts.persona_casual_shoppers) + (SELECT count(*) FROM marts.persona_at_risk),
        (SELECT min(run_id) FROM marts.customer_360),
        (SELECT max(run_id) FROM marts.customer_360),
        (SELECT max(run_id) FROM marts.rfm_scores),
        (SELECT max(run_id) FROM marts.persona_vips)";

#[derive(Default)]
struct Seen {
    reads: AtomicU64,
    stop: AtomicBool,
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_runs_through_refreshes_and_kills() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, i32::try_from(CUSTOMERS).expect("small")).await;
    let first = shop::build(&warehouse, &db.settings(), &[]).await.run_id;
    let seen = Arc::new(Seen::default());
    let readers: Vec<_> = (0..4).map(|_| tokio::spawn(read(db.url().to_owned(), seen.clone()))).collect();

    for _ in 0..REFRESHES {
        assert!(quintile(db.url()).status().expect("the program runs").success());
    }
    let refreshed: i64 =
        shop::value(&warehouse, "SELECT max(run_id) FROM marts.customer_360").await.parse().expect("a run");
    assert_eq!(refreshed, first + i64::try_from(REFRESHES).expect("small"));

    let mut last = refreshed;
    for kill in 0..KILLS {
        let mut child = quintile(db.url()).stderr(Stdio::piped()).spawn().expect("the program starts");
        // It first waits for the lease of the run killed before; the kill is to hit the run itself.
        let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
        let begins = told.find(|line| line.as_ref().is_ok_and(|text| text.contains(" models and seeds")));
        assert!(begins.is_some(), "the run began");
        tokio::time::sleep(Duration::from_millis(kill * 61 % 1200)).await;
        child.kill().expect("kill -9");
        child.wait().expect("its end");
        let now: i64 =
            shop::value(&warehouse, "SELECT max(run_id) FROM marts.customer_360").await.parse().expect("a run");
        assert!(now >= last, "the published run never goes back");
        last = now;
    }
    assert!(quintile(db.url()).status().expect("the program runs").success(), "the next run needs no help");

    seen.stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.expect("a reader saw an error or a mixed state");
    }
    assert!(seen.reads.load(Ordering::SeqCst) > 500, "the readers read all the time");
}

async fn read(url: String, seen: Arc<Seen>) {
    let (client, connection) =
        tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a reader's connection");
    tokio::spawn(connection);
    let prepared = client.prepare(CHECK).await.expect("the check");
    let mut newest = 0;
    while !seen.stop.load(Ordering::SeqCst) {
        let row = client.query_one(&prepared, &[]).await.expect("a read without an error");
        let (all, personas): (i64, i64) = (row.get(0), row.get(1));
        let runs: Vec<i64> = (2..6).map(|n| row.get(n)).collect();
        assert_eq!((all, personas), (CUSTOMERS, CUSTOMERS), "rows missing or doubled in {runs:?}");
        assert!(runs.iter().all(|run| *run == runs[0]), "mixed runs: {runs:?}");
        assert!(runs[0] >= newest, "went back from {newest} to {}", runs[0]);
        newest = runs[0];
        seen.reads.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn quintile(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
    command
        .args(["build", "--rebuild", "--project-dir"])
        .arg(shop::project_folder())
        .env("DATABASE_URL", url)
        .env("QUINTILE__RUN__LEASE_SECONDS", "2")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
