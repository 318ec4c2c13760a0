//! A network that falls silent: both sockets stay open, and nothing comes through any more.

use crate::harness::Database;
use crate::small::Small;
use quintile::warehouse::Warehouse;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What never ends would pass this by far.
const AT_ALL: Duration = Duration::from_secs(120);

/// A way to the server that can fall silent.
struct Relay {
    port: u16,
    /// Connections so far.
    count: Arc<AtomicU64>,
    /// Connections with a smaller number are silent.
    silent: watch::Sender<u64>,
}

impl Relay {
    /// A relay before the server of `url`, and the URL that leads through it.
    async fn before(url: &str) -> (Relay, String) {
        let server: tokio_postgres::Config = url.parse().expect("a URL");
        let (host, behind) = ("127.0.0.1", server.get_ports()[0]);
        let listener = TcpListener::bind((host, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let (silent, heard) = watch::channel(0);
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect((host, behind)).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(forward(from_client, to_server, number, heard.clone()));
                tokio::spawn(forward(from_server, to_client, number, heard.clone()));
            }
        });
        let through = url.replace(&format!(":{behind}/"), &format!(":{port}/"));
        (Relay { port, count, silent }, through)
    }

    /// All connections that there are fall silent; new ones do not.
    fn lose_connections(&self) {
        self.silent.send_replace(self.count.load(Ordering::SeqCst));
    }

    /// All connections fall silent, and all that come.
    fn fall_silent(&self) {
        self.silent.send_replace(u64::MAX);
    }
}

/// Hands on what comes, until the connection ends or falls silent.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: u64, mut silent: watch::Receiver<u64>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut falls = std::pin::pin!(async move { silent.wait_for(|silent| number < *silent).await.is_ok() });
    loop {
        tokio::select! {
            biased;
            is_silent = &mut falls => {
                if is_silent {
                    pending::<()>().await;
                }
                return;
            }
            read = from.read(&mut buffer) => match read {
                Ok(count) if count > 0 && to.write_all(&buffer[..count]).await.is_ok() => {}
                _ => return,
            },
        }
    }
}

async fn through(db: &Database) -> (Relay, Warehouse) {
    let (relay, url) = Relay::before(db.url()).await;
    assert!(url.contains(&relay.port.to_string()), "{url}");
    let warehouse = Warehouse::connect(&db.settings(), &url).await.unwrap_or_else(|e| panic!("{}", e.report()));
    (relay, warehouse)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fell_silent_is_not_lent() {
    let db = Database::new().await;
    let (relay, warehouse) = through(&db).await;
    let pid = async || {
        let client = warehouse.client().await.unwrap_or_else(|e| panic!("{}", e.report()));
        client.query_one("SELECT pg_backend_pid()", &[]).await.expect("a row").get::<_, i32>(0)
    };
    let first = pid().await;
    assert_eq!(pid().await, first, "a good connection is lent again");
    relay.lose_connections();
    assert_ne!(timeout(AT_ALL, pid()).await.expect("a connection at all"), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_a_limit_ends_on_a_silent_network() {
    let db = Database::new().await;
    let (relay, warehouse) = through(&db).await;
    let (lasting, wait) = (Duration::from_secs(60), Duration::from_millis(700));
    let taken = warehouse.acquire_lease("a lease", "here", lasting, AT_ALL).await.expect("asked");
    let (lease, _) = taken.expect("nobody else wants it");
    // The question is on the server already, and waits there for a row.
    let mut other = db.client().await;
    let held = other.transaction().await.expect("a transaction");
    held.batch_execute("SELECT FROM quintile.leases FOR UPDATE").await.expect("held");
    let (told, ()) = tokio::join!(timeout(AT_ALL, warehouse.renew_lease(&lease, lasting, wait)), async {
        while !db.shows("FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'lease'").await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        relay.fall_silent();
    });
    let told = told.expect("an end at all").expect_err("no answer").report();
    assert!(told.contains("did not answer within 700 ms"), "{told}");
    drop(held);
    // And the next one, which finds no connection.
    let told = timeout(AT_ALL, warehouse.renew_lease(&lease, lasting, wait)).await.expect("an end at all");
    assert!(told.expect_err("no answer").report().contains("did not answer within 700 ms"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_silent_network_ends_and_publishes_nothing() {
    let mut small = Small::new().await;
    small.settings.run.lease_seconds = 3;
    small.settings.run.publish_patience_seconds = 1;
    small.execute("CREATE TABLE public.slowness AS SELECT 600 AS seconds").await;
    small.table("a", "SELECT 1 AS n FROM (SELECT pg_sleep(coalesce(max(seconds), 0)) FROM public.slowness) AS waited");
    let (relay, silent) = through(&small.db).await;
    let direct = std::mem::replace(&mut small.warehouse, silent);
    let (ended, ()) =
        tokio::join!(timeout(AT_ALL, crate::shop::try_build(&small.warehouse, &small.settings, &[])), async {
            while !small.db.shows("FROM pg_stat_activity WHERE wait_event = 'PgSleep'").await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            relay.fall_silent();
        });
    let told = ended.expect("an end at all").expect_err("no run ends well in silence").report();
    assert!(told.contains("could not be renewed in time") && told.contains("Nothing was published"), "{told}");
    small.warehouse = direct;
    // What the server does itself once its own keepalives find nobody: until then the lost statement goes on there.
    small.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()").await;
    small.execute("DELETE FROM public.slowness").await;
    timeout(AT_ALL, small.publish(&[])).await.expect("the next run ends");
}
