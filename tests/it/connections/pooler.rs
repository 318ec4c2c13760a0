//! PgBouncer in transaction mode, with fewer connections to the server than processes that work through it.

use crate::dbt::support::Place;
use crate::harness::Database;
use crate::shop;
use chrono::{TimeZone, Utc};
use quintile::config::Settings;
use quintile::ingest::{IngestRequest, ingest, rejected_files, retry};
use quintile::warehouse::Warehouse;
use quintile::warehouse::load::LoadCounts;
use quintile::warehouse::slots::{Claim, Outcome, SlotKey, Waits};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(20);

/// A PgBouncer before the test server; it ends with this value.
pub struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    /// Starts one before the server of `url`, with eight connections for each database; `None` if it is not installed.
    pub async fn before(url: &str) -> Option<Pooler> {
        let paths = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let Some(program) = paths.iter().find(|path| std::path::Path::new(path).exists()) else {
            assert!(std::env::var_os("CI").is_none(), "pgbouncer is not installed: .ci/run installs it");
            #[allow(clippy::print_stderr)] // Whoever runs the tests shall know what they did not see.
            {
                eprintln!("skipped: pgbouncer is not installed");
            }
            return None;
        };
        let server: tokio_postgres::Config = url.parse().expect("a URL");
        let folder = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let (user, password) = (server.get_user().expect("a user"), server.get_password().expect("a password"));
        let users = format!("\"{user}\" \"{}\"\n", String::from_utf8_lossy(password));
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 8\n\
             max_client_conn = 500\nunix_socket_dir =\nquery_wait_timeout = 60\n",
            server.get_ports()[0],
            folder.path().join("users").display()
        );
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
        std::fs::write(folder.path().join("users"), users).expect("written");
        std::fs::write(folder.path().join("settings"), settings).expect("written");
        let mut command = Command::new(program);
        command.arg("-q").arg(folder.path().join("settings")).current_dir("/");
        if rustix::process::getuid().is_root() {
            // PgBouncer refuses to be root: nobody will do.
            command.uid(65534).gid(65534);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pgbouncer starts");
        let pooler = Pooler { process, port, _folder: folder };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(pooler);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("pgbouncer does not listen");
    }

    /// The way through the pooler to the database of `url`.
    pub fn url(&self, url: &str) -> String {
        let server: tokio_postgres::Config = url.parse().expect("a URL");
        url.replace(&format!(":{}/", server.get_ports()[0]), &format!(":{}/", self.port))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Statements that were left prepared on the server connections behind the pooler, all eight of them looked at.
async fn prepared_left(url: &str, settings: &Settings) -> i64 {
    let mut left = 0;
    let warehouse = Warehouse::connect(settings, url).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(warehouse.client().await.expect("a connection"));
    }
    let mut transactions = Vec::new();
    let mut servers = std::collections::BTreeSet::new();
    for client in &mut clients {
        let transaction = client.transaction().await.expect("a transaction");
        let sql = "SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements WHERE name <> '')";
        let row = transaction.query_one(sql, &[]).await.expect("a row");
        servers.insert(row.get::<_, i32>(0));
        left += row.get::<_, i64>(1);
        transactions.push(transaction);
    }
    assert_eq!(servers.len(), 8, "an open transaction keeps its server");
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_several_processes_goes_through_a_transaction_pooler() {
    let place = Place::shop().await;
    let db = Database::new().await;
    let Some(pooler) = Pooler::before(db.url()).await else { return };
    let (url, settings) = (pooler.url(db.url()), db.settings());
    place.reach(&pooler.url(place.url()));
    let processes: Vec<_> = (0..5)
        .map(|number| {
            let (url, mut settings) = (url.clone(), settings.clone());
            settings.workspace = format!("shop_{number}");
            tokio::spawn(async move { work(&settings, &url, number).await })
        })
        .collect();
    let built = tokio::task::spawn_blocking(move || {
        place.good(&["build"]);
        place.good(&["build"]);
        place
    });
    for process in processes {
        process.await.expect("the work is done");
    }
    let place = built.await.expect("the project is built");
    assert_eq!(prepared_left(&url, &settings).await, 0);
    assert_eq!(prepared_left(&pooler.url(place.url()), &settings).await, 0);
}

/// What a daemon does, and what commands do beside it.
async fn work(settings: &Settings, url: &str, number: i32) {
    let warehouse = Warehouse::connect(settings, url).await.unwrap_or_else(|e| panic!("{}", e.report()));
    warehouse.migrate().await.expect("migrated");
    warehouse.prepare_workspace(None).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let folder = tempfile::tempdir().expect("a folder");
    let mapping = "description = \"a shop\"\n[defaults]\ncurrency = \"EUR\"\ntimezone = \"UTC\"\n[columns]\n\
        order_id = \"Order\"\ncustomer_id = \"Customer\"\nordered_at = { column = \"Date\", format = \"%Y-%m-%d\" }\n\
        quantity = \"Qty\"\nunit_price = \"Price\"\n";
    std::fs::write(folder.path().join("shop.toml"), mapping).expect("written");
    let lines: String = (0..500).map(|i| format!("o{i},c{},2025-0{}-01,1,2.50\n", i % 40, 1 + i % 6)).collect();
    let file = folder.path().join("orders.csv");
    std::fs::write(&file, format!("Order,Customer,Date,Qty,Price\n{lines}")).expect("written");
    let request =
        IngestRequest { file, source: "shop".into(), mapping_dir: folder.path().into(), ..IngestRequest::default() };
    let loaded = ingest(&warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!(loaded.counts.rows_loaded, 500);
    compare(&warehouse, &request).await;
    shop::fill_orders(&warehouse, 60).await;
    let report = shop::build(&warehouse, settings, &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    slots(&warehouse, settings).await;
    // Types that the driver does not know are looked up, each on whatever server comes.
    let client = warehouse.client().await.expect("a connection");
    let kind = format!("mood_{number}");
    client.batch_execute(&format!("CREATE TYPE {kind} AS ENUM ('calm', 'wild')")).await.expect("a type");
    for _ in 0..20 {
        let columns = client.describe(&format!("SELECT 'calm'::{kind} AS mood, 1 AS n")).await.expect("described");
        assert_eq!(columns.columns()[0].type_().name(), kind);
        let row = client.query_one(&format!("SELECT NULL::{kind}, $1"), &[&i64::from(number)]).await.expect("a row");
        assert_eq!(row.get::<_, i64>(1), i64::from(number));
    }
}

/// The second file of a source goes through a table of its own, and rejected rows that are tried again through another.
async fn compare(warehouse: &Warehouse, first: &IngestRequest) {
    let folder = &first.mapping_dir;
    // A hundred orders as they were, a hundred with another price, fifty new ones, and one that does not fit.
    let mut lines: String = (0..100).map(|i| format!("o{i},c{},2025-0{}-01,1,2.50\n", i % 40, 1 + i % 6)).collect();
    lines.extend((100..200).map(|i| format!("o{i},c{},2025-0{}-01,1,3.50\n", i % 40, 1 + i % 6)));
    lines.extend((500..550).map(|i| format!("o{i},c{},2025-07-01,1,2.50\n", i % 40)));
    let file = folder.join("more.csv");
    std::fs::write(&file, format!("Order,Customer,Date,Qty,Price\n{lines}o600,c1,2025-07-01,one,1\n"))
        .expect("written");
    let request = IngestRequest { file, ..first.clone() };
    let report = ingest(warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let LoadCounts { rows_loaded, rows_updated, rows_unchanged, rows_rejected, .. } = report.counts;
    assert_eq!((rows_loaded, rows_updated, rows_unchanged, rows_rejected), (150, 100, 100, 1));
    let mapping = std::fs::read_to_string(folder.join("shop.toml")).expect("the mapping");
    std::fs::write(folder.join("shop.toml"), mapping.replace("\"Qty\"", "{ constant = 1 }")).expect("written");
    let files = rejected_files(warehouse, folder, "shop").await.expect("files");
    let late = retry(warehouse, folder, "shop", &files[0]).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!((late.counts.rows_loaded, late.counts.rows_rejected), (1, 0));
    let there = shop::value(warehouse, &format!("SELECT count(*) FROM {}.orders", warehouse.schemas.raw)).await;
    assert_eq!(there, "551");
}

async fn slots(warehouse: &Warehouse, settings: &Settings) {
    let name = format!("lease of {}", settings.workspace);
    let lasting = Duration::from_secs(60);
    let taken = warehouse.acquire_lease(&name, "here", lasting, WAIT).await.expect("asked");
    let (lease, _) = taken.expect("nobody else wants it");
    assert!(warehouse.acquire_lease(&name, "there", lasting, WAIT).await.expect("asked").is_none());
    for minute in 0..10 {
        let due = Utc.with_ymd_and_hms(2025, 6, 1, 3, minute, 0).single().expect("an instant");
        let slot = SlotKey { workspace: settings.workspace.clone(), job: "job".into(), scheduled_for: due };
        let waiting = warehouse.record_waiting(&lease, &slot.workspace, &slot.job, &[due], Waits::ItsTurn).await;
        waiting.expect("recorded");
        assert_eq!(warehouse.claim_slot(&lease, &slot).await.expect("asked"), Claim::Ours { attempt: 1 });
        assert_eq!(warehouse.claim_slot(&lease, &slot).await.expect("asked"), Claim::Taken);
        let outcome = Outcome { state: "failed", reason: Some("a test".into()), run_id: None };
        warehouse.finish_slot(&lease, &slot, &outcome).await.expect("finished");
        assert!(warehouse.renew_lease(&lease, lasting, WAIT).await.expect("asked").is_some());
    }
    warehouse.release_lease(&lease, WAIT).await.expect("released");
    assert_eq!(warehouse.lease_holder(&name, WAIT).await.expect("asked"), None);
}
