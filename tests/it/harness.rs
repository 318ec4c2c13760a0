//! A database of its own for every test: one server per test process, one migrated template, one copy per test.
//!
//! The server is the embedded one in a folder under the temporary folder. It stops when the test process ends, however
//! it ends, because the pipe that keeps it alive closes; then a small watcher removes the folder.

use quintile::config::{self, Settings};
use quintile::embedded::Embedded;
use quintile::warehouse::Warehouse;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

/// Name of the database that the tests' databases are copies of.
const TEMPLATE: &str = "quintile_template";

/// Data of tests is thrown away, so nothing waits for the disk.
const FAST: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "128MB"),
    ("max_connections", "200"),
];

static SERVER: OnceCell<Server> = OnceCell::const_new();
static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);

/// The server of this test process.
struct Server {
    embedded: Embedded,
    /// Closes when the process ends: the sign for the watcher.
    _watched: ChildStdin,
}

impl Server {
    async fn get() -> &'static Server {
        SERVER.get_or_init(Server::start).await
    }

    async fn start() -> Server {
        let folder = tempfile::Builder::new().prefix("quintile-it-").tempdir().expect("a temporary folder").keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))
            .expect("opened for the server's user");
        let watched = remove_at_the_end(&folder);
        let settings = Settings { project_dir: folder, ..Settings::default() };
        let embedded = Embedded::start_with(&settings, &FAST).await.unwrap_or_else(|e| panic!("{}", e.report()));
        let server = Server { embedded, _watched: watched };
        server.execute(&format!("CREATE DATABASE {TEMPLATE}")).await;
        migrate(&settings_for(&server.url_of(TEMPLATE))).await;
        server
    }

    fn url_of(&self, database: &str) -> String {
        let url = self.embedded.url();
        format!("{}/{database}", url.rsplit_once('/').expect("a URL").0)
    }

    /// Runs one statement in the server's first database.
    async fn execute(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(self.embedded.url(), NoTls).await.expect("connected");
        let connection = tokio::spawn(connection);
        // A template with a connection that is just closing cannot be copied yet.
        for attempt in 0.. {
            match client.batch_execute(sql).await {
                Ok(()) => break,
                Err(e) if attempt < 100 && e.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(e) => panic!("{sql}: {e:?}"),
            }
        }
        drop(client);
        connection.await.expect("joined").expect("closed");
    }
}

/// Brings the template to the state that every test begins with.
async fn migrate(settings: &Settings) {
    let url = settings.database.url.as_deref().expect("a URL");
    let warehouse = Warehouse::connect(settings, url).await.unwrap_or_else(|e| panic!("{}", e.report()));
    warehouse.migrate().await.unwrap_or_else(|e| panic!("{}", e.report()));
    warehouse.prepare_workspace(None).await.unwrap_or_else(|e| panic!("{}", e.report()));
}

fn settings_for(url: &str) -> Settings {
    Settings {
        project_dir: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        database: config::Database { url: Some(url.into()), ..config::Database::default() },
        // Sixteen estimators without optimisation: tests of real data judge them by fewer customers at fewer cuts, and fit no season.
        vars: [
            ("ltv_sample_customers".to_owned(), 600.into()),
            ("ltv_origins".to_owned(), 2.into()),
            ("ltv_season".to_owned(), "none".into()),
        ]
        .into(),
        ..Settings::default()
    }
}

/// Removes `folder` once this process ended and the server in it stopped. In a process group of its own, so that an
/// interrupt from the keyboard does not end it before us.
fn remove_at_the_end(folder: &Path) -> ChildStdin {
    let script = r#"read -r _
tries=0
while [ -e "$1/.quintile/data/postmaster.pid" ] && [ "$tries" -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$1""#;
    let mut watcher = Command::new("/bin/sh");
    watcher.args(["-c", script, "quintile-it-watcher"]).arg(folder).current_dir("/").process_group(0);
    watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    watcher.spawn().expect("a watcher").stdin.take().expect("its pipe")
}

/// A database that belongs to one test and is dropped with this value.
pub struct Database {
    name: String,
    url: String,
    admin_url: String,
}

impl Database {
    /// A migrated database.
    pub async fn new() -> Database {
        Database::copy_of(TEMPLATE).await
    }

    /// A database without anything in it.
    pub async fn empty() -> Database {
        Database::copy_of("template0").await
    }

    async fn copy_of(template: &str) -> Database {
        let server = Server::get().await;
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("quintile_test_{number}");
        server.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Database { url: server.url_of(&name), name, admin_url: server.embedded.url().into() }
    }

    /// Connection URL, as superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The repository's own project on this database.
    pub fn settings(&self) -> Settings {
        settings_for(&self.url)
    }

    /// A warehouse on this database, in the default workspace.
    pub async fn warehouse(&self) -> Warehouse {
        Warehouse::connect(&self.settings(), &self.url).await.unwrap_or_else(|e| panic!("{}", e.report()))
    }

    /// A plain connection, to look at what the program did.
    pub async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.expect("connected");
        tokio::spawn(connection);
        client
    }

    /// Whether there is a row `FROM ...` in this database's part of what the server tells.
    pub async fn shows(&self, from: &str) -> bool {
        let sql = format!("SELECT EXISTS (SELECT {from} AND datname = current_database())");
        self.client().await.query_one(&sql, &[]).await.expect("a row").get(0)
    }
}

impl Drop for Database {
    /// Frees the space; on another thread, because the test's own runtime may be at its end.
    fn drop(&mut self) {
        let (name, url) = (self.name.clone(), self.admin_url.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(std::io::Error::other)?;
                tokio::spawn(connection);
                client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.map_err(std::io::Error::other)
            })
        });
        let dropped: std::io::Result<()> = dropping.join().expect("no panic in the dropping thread");
        if let Err(e) = dropped
            && !std::thread::panicking()
        {
            panic!("database {} cannot be dropped: {e}", self.name);
        }
    }
}

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    let (one, two, empty) = tokio::join!(Database::new(), Database::new(), Database::empty());
    assert!(one.url() != two.url() && two.url() != empty.url());
    one.client().await.batch_execute("CREATE TABLE mine (n int)").await.expect("created");
    let sql = "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'";
    let there: i64 = one.client().await.query_one(sql, &[]).await.expect("a row").get(0);
    let elsewhere: i64 = two.client().await.query_one(sql, &[]).await.expect("a row").get(0);
    assert_eq!((there, elsewhere), (1, 0));
    let warehouse = two.warehouse().await;
    assert_eq!(warehouse.schemas.marts, "marts");
}
