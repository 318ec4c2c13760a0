//! How long publishes and roll-backs take, and what readers feel of them, while a BI query holds its locks; prints
//! figures, on a server that waits for its disk.
//!
//! `cargo test --test it publish_cost -- --ignored --nocapture`

#![allow(clippy::print_stdout)] // Its figures are what it is for.

use quintile::config::Settings;
use quintile::embedded::Embedded;
use quintile::pipeline::{self, BuildRequest, Event, Progress};
use quintile::warehouse::Warehouse;
use quintile::warehouse::gc_bound::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const RELATIONS: usize = 20;
const PUBLISHES: usize = 100;
const ROLLBACKS: usize = 20;

/// When something began and ended.
type Span = (Instant, Instant);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for two minutes"]
async fn publishes_under_a_long_query_and_what_readers_feel() {
    let folder = tempfile::tempdir().expect("a folder");
    open_to_all(folder.path());
    std::fs::create_dir_all(folder.path().join("models")).expect("a folder");
    for number in 0..RELATIONS {
        let text = "{{ config(materialized='table') }}\nSELECT n FROM generate_series(1, 1000) AS n";
        std::fs::write(folder.path().join(format!("models/m{number}.sql")), text).expect("a model");
    }
    let mut settings = Settings { project_dir: folder.path().to_path_buf(), ..Settings::default() };
    settings.run.skip_unchanged = false;
    let embedded = Embedded::start(&settings).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let warehouse = Warehouse::connect(&settings, embedded.url()).await.expect("a warehouse");
    warehouse.migrate().await.expect("migrated");
    build(&warehouse, &settings).await;
    collect(&warehouse, &settings).await;

    let long = connect(embedded.url()).await;
    let cancel = long.cancel_token();
    let bi = tokio::spawn(async move {
        long.simple_query("SELECT n, pg_sleep(0.6) FROM marts.m0 JOIN marts.m1 USING (n)").await
    });
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4).map(|_| tokio::spawn(read(embedded.url().to_owned(), stop.clone()))).collect();
    let mut publishes = Vec::new();
    for _ in 0..PUBLISHES {
        publishes.push(build(&warehouse, &settings).await);
        assert!(!bi.is_finished(), "the BI query holds its locks all the time");
    }
    stop.store(true, Ordering::SeqCst);
    let mut reads = Vec::new();
    for reader in readers {
        reads.extend(reader.await.expect("a reader without errors"));
    }
    // By their beginning: by overlap, the slow ones of a busy machine would all be counted as during a publish.
    let is_during = |read: &Span| publishes.iter().any(|publish| (publish.0..=publish.1).contains(&read.0));
    let (during, between): (Vec<Span>, Vec<Span>) = reads.into_iter().partition(is_during);
    println!("{RELATIONS} relations, {PUBLISHES} publishes, a query over two of them all the time");
    print("publish", &publishes);
    print("reads during a publish", &during);
    print("reads between publishes", &between);

    let mut rollbacks = Vec::new();
    for number in 0..ROLLBACKS {
        let newest = (PUBLISHES + 1) as i64;
        let to = if number % 2 == 0 { newest - 1 } else { newest };
        let began = Instant::now();
        pipeline::rollback(&warehouse, &settings, Some(to)).await.expect("a roll-back");
        rollbacks.push((began, Instant::now()));
    }
    print("roll-back with its lease", &rollbacks);
    cancel.cancel_query(tokio_postgres::NoTls).await.expect("cancelled");
    let _ = bi.await;
    drop(warehouse);
    embedded.stop().await.expect("stopped");
}

/// Publishes once, and tells when the publish itself took place.
async fn build(warehouse: &Warehouse, settings: &Settings) -> Span {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let request = BuildRequest { progress: Progress::to(sender), ..BuildRequest::default() };
    let seen = tokio::spawn(async move {
        let mut span = None;
        while let Some(event) = events.recv().await {
            if let Event::Published { elapsed, .. } = event {
                span = Some((Instant::now() - elapsed, Instant::now()));
            }
        }
        span.expect("published")
    });
    let report =
        pipeline::build(warehouse, settings, &request, stop).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(report.state, "published", "{:?}", report.failed);
    drop(request);
    seen.await.expect("told")
}

async fn collect(warehouse: &Warehouse, settings: &Settings) {
    let collected = pipeline::collect_garbage(warehouse, settings, &Bound::after(Duration::from_secs(60))).await;
    collected.expect("a collection");
}

async fn read(url: String, stop: Arc<AtomicBool>) -> Vec<Span> {
    let client = connect(&url).await;
    let mut spans = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let began = Instant::now();
        client.simple_query("SELECT sum(a.n) FROM marts.m0 AS a JOIN marts.m5 AS b USING (n)").await.expect("a read");
        spans.push((began, Instant::now()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    spans
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    client
}

fn print(what: &str, spans: &[Span]) {
    let mut times: Vec<f64> = spans.iter().map(|(began, ended)| (*ended - *began).as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
    let of = |share: f64| at(share).copied().unwrap_or_default();
    println!(
        "{what:<26} n {:>6}  p50 {:>7.2} ms  p99 {:>7.2} ms  max {:>7.2} ms",
        times.len(),
        of(0.5),
        of(0.99),
        of(1.0)
    );
}

/// The server may run as another user, who must find its folder.
fn open_to_all(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("opened");
}
