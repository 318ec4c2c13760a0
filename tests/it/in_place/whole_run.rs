//! Whole runs of a small project: how many connections they take, what a second one does, how a stop and a lost
//! connection end.

use super::support::told;
use crate::harness::Database;
use quintile::config::Settings;
use quintile::pipeline::in_place::{self, Deferred, Options, Progress, Report, Request, Status};
use quintile::warehouse::Warehouse;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

/// A project in a folder of its own, on a database of its own.
struct Shop {
    db: Database,
    warehouse: Warehouse,
    settings: Settings,
    _folder: TempDir,
}

impl Shop {
    async fn new(models: &[(&str, &str)]) -> Shop {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("models")).expect("models");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("dbt_project.yml", "name: shop\nversion: '1.0'\n");
        for (name, sql) in models {
            write(&format!("models/{name}.sql"), sql);
        }
        let db = Database::new().await;
        let warehouse = db.warehouse().await;
        let settings = Settings { project_dir: folder.path().to_path_buf(), ..db.settings() };
        Shop { db, warehouse, settings, _folder: folder }
    }

    async fn run(&self, threads: usize, stop: watch::Receiver<bool>) -> Report {
        let request = Request { database_url: Some(self.db.url().to_owned()), ..Request::default() };
        let mut project = told(async { in_place::read(&self.settings, &request) }.await);
        told(project.take_target(&self.warehouse).await);
        let selected = project.manifest.nodes.keys().cloned().collect();
        let options = Options { threads, ..Options::default() };
        let progress = Progress::default();
        told(in_place::run(&self.warehouse, &project, &selected, options, Deferred::default(), &progress, stop).await)
    }

    async fn value(&self, sql: &str) -> String {
        let row = self.db.client().await.query_one(&format!("SELECT ({sql})::text"), &[]).await.expect("a row");
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }

    /// Waits until a statement of a node sleeps on the server.
    async fn asleep(&self) {
        let sleeping = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE '%quintile: %'";
        for _ in 0..200 {
            if self.value(sleeping).await == "1" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no statement sleeps");
    }
}

/// Connections of the program to this database.
const CONNECTIONS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'quintile'";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_takes_a_connection_a_thread_and_a_second_one_changes_nothing() {
    let names: Vec<(String, String)> = (0..24)
        .map(|n| match n {
            0 => ("m0".to_owned(), "select 1 as id".to_owned()),
            _ => (format!("m{n}"), format!("select id + {n} as id from {{{{ ref('m{}') }}}}", (n - 1) / 5)),
        })
        .collect();
    let models: Vec<(&str, &str)> = names.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let shop = Shop::new(&models).await;
    let (_keep, stop) = watch::channel(false);
    let report = shop.run(3, stop.clone()).await;
    assert!(report.is_good() && report.results.len() == 24, "{report:?}");
    // The pool closes nothing: what is open now is what was open at most.
    let open: u32 = shop.value(CONNECTIONS).await.parse().expect("a number");
    assert!((1..=4).contains(&open), "{open} connections for 3 threads");
    assert_eq!(shop.value("SELECT sum(id) FROM m23").await, "28");

    let facts = "SELECT string_agg(concat(c.oid, ' ', c.xmin, ' ', r.xmin), ',' ORDER BY c.oid)
        FROM pg_class AS c JOIN pg_rewrite AS r ON r.ev_class = c.oid WHERE c.relname ~ '^m[0-9]+$'";
    let before = shop.value(facts).await;
    let report = shop.run(3, stop).await;
    assert!(report.results.iter().all(|result| result.message == "unchanged"), "{report:?}");
    assert_eq!(shop.value(facts).await, before, "not one row of the catalogue was written anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_what_runs_on_the_server_too() {
    let in_sql = ("{{ config(materialized='table') }} select 1 as a from pg_sleep(60)", "slow");
    let in_template = ("{% do run_query('select pg_sleep(60)') %} select 1 as id", "slow");
    for (sql, name) in [in_sql, in_template] {
        let shop = Shop::new(&[(name, sql), ("after", "select 1 as a from {{ ref('slow') }}")]).await;
        let (stopper, stop) = watch::channel(false);
        let stopping = async {
            shop.asleep().await;
            stopper.send_replace(true);
            Instant::now()
        };
        let (report, stopped) = tokio::join!(shop.run(2, stop), stopping);
        let took = stopped.elapsed();
        assert!(took < Duration::from_secs(5), "{sql}: the run ended {took:?} after the stop");
        assert!(report.was_stopped && !report.is_good());
        assert_eq!(report.results.iter().map(|r| r.status).collect::<Vec<_>>(), [Status::Error, Status::Skipped]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let still = "SELECT count(*) FROM pg_stat_activity
            WHERE wait_event = 'PgSleep' AND datname = current_database()";
        assert_eq!(shop.value(still).await, "0", "{sql}");
        assert_eq!(shop.value("SELECT to_regclass('slow') IS NULL").await, "true");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced_and_its_node_tried_again() {
    let sql = "{{ config(materialized='table') }} select 7 as id from pg_sleep(0.5)";
    let shop = Shop::new(&[("slow", sql), ("after", "select id from {{ ref('slow') }}")]).await;
    let (_keep, stop) = watch::channel(false);
    let killing = async {
        shop.asleep().await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
            AND datname = current_database()";
        assert_eq!(shop.value(kill).await, "true");
    };
    let (report, ()) = tokio::join!(shop.run(1, stop), killing);
    assert!(report.is_good(), "{report:?}");
    assert_eq!(shop.value("SELECT id FROM after").await, "7");
}
