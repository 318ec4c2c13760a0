//! Opening one connection: every server in its order, every address of it, again while the fault may pass.

use super::cancel::Peers;
use super::refusal::Refusal;
use super::tls;
use super::transport::Address;
use crate::config::libpq::{Connection, Endpoint, Place, SslMode, TargetSession};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection as it comes from the server, and what carries its messages: that ends with it.
pub(super) type Dialed = (Client, JoinHandle<()>);

/// First pause between two tries of all servers; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long it is tried where `connect_timeout=0` asks for no end: callers have their own.
const LONGEST_TRY: Duration = Duration::from_secs(60);

/// Opens connections.
pub(super) struct Dialer {
    connection: Connection,
    /// By the mode that they serve.
    connectors: BTreeMap<SslMode, MakeRustlsConnect>,
    /// A server that answered once will come back; one that never did may not be there.
    has_answered: AtomicBool,
    peers: Peers,
}

impl Dialer {
    pub(super) fn new(connection: Connection) -> Result<Dialer> {
        let mut connectors = BTreeMap::new();
        for endpoint in &connection.endpoints {
            let mode = connection.tls.mode_for(endpoint);
            if mode != SslMode::Disable && !connectors.contains_key(&mode) {
                connectors.insert(mode, tls::connector(&connection.tls, mode)?);
            }
        }
        Ok(Dialer { connection, connectors, has_answered: AtomicBool::new(false), peers: Peers::default() })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn connector(&self, mode: SslMode) -> Option<&MakeRustlsConnect> {
        self.connectors.get(&mode)
    }

    pub(super) fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Where the connections that live lead to.
    pub(super) fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Opens a connection to the first server that is as wanted.
    pub(super) async fn dial(&self) -> Result<Dialed> {
        let deadline = Instant::now() + self.connection.connect_timeout.unwrap_or(LONGEST_TRY);
        let mut pause = FIRST_PAUSE;
        loop {
            let refusal = match self.try_all().await {
                Ok(dialed) => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    return Ok(dialed);
                }
                Err(refusal) => refusal,
            };
            // Processes that lost the same server must not come back all at once.
            let wait = pause / 2 + pause.mul_f64(chance() / 2.0);
            if !refusal.may_pass || Instant::now() + wait >= deadline {
                return Err(refusal.error);
            }
            tracing::debug!(reason = %refusal.error, "database is tried again");
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_all(&self) -> std::result::Result<Dialed, Refusal> {
        let mut servers: Vec<&Endpoint> = self.connection.endpoints.iter().collect();
        if self.connection.is_shuffled {
            servers.sort_by_cached_key(|_| chance().to_bits());
        }
        let rounds: &[TargetSession] = match self.connection.target {
            TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
            ref one => std::slice::from_ref(one),
        };
        let mut refusals = Vec::new();
        for target in rounds {
            refusals.clear();
            for endpoint in &servers {
                match self.try_endpoint(endpoint, *target).await {
                    Ok(dialed) => return Ok(dialed),
                    Err(refusal) => refusals.push(refusal),
                }
            }
        }
        Err(self.summary(refusals))
    }

    /// One error for all servers.
    fn summary(&self, mut refusals: Vec<Refusal>) -> Refusal {
        let may_pass = refusals.iter().any(|refusal| refusal.may_pass);
        let address = self.connection.address();
        match refusals.pop() {
            Some(only) if refusals.is_empty() => only,
            Some(last) => {
                let told = refusals.iter().chain([&last]).map(|refusal| refusal.error.message.as_str());
                let facts = told.collect::<Vec<_>>().join("\n");
                let mut error = Error::unreachable(format!("database {address} cannot be reached on any server"));
                error.hint.clone_from(&last.error.hint);
                error.sqlstate.clone_from(&last.error.sqlstate);
                Refusal { error: error.detail(facts), may_pass, is_about_encryption: false }
            }
            None => Refusal {
                error: Error::unreachable(format!("database {address} has no server")),
                may_pass: false,
                is_about_encryption: false,
            },
        }
    }

    async fn try_endpoint(&self, endpoint: &Endpoint, target: TargetSession) -> std::result::Result<Dialed, Refusal> {
        // Looked up at each try: after a fail-over the name may lead elsewhere.
        let addresses = self.addresses(endpoint).await?;
        let mut last = None;
        for address in addresses {
            let limit = self.connection.connect_timeout.unwrap_or(Duration::MAX);
            let dialed = match timeout(limit, self.try_address(endpoint, address, target)).await {
                Ok(dialed) => dialed,
                Err(_) => Err(self.unanswered(endpoint, "no answer in time")),
            };
            match dialed {
                Ok(dialed) => return Ok(dialed),
                Err(refusal) => last = Some(refusal),
            }
        }
        Err(last.unwrap_or_else(|| self.unanswered(endpoint, "its name leads to no address")))
    }

    async fn addresses(&self, endpoint: &Endpoint) -> std::result::Result<Vec<Address>, Refusal> {
        let port = endpoint.port;
        match &endpoint.place {
            Place::Socket(folder) => Ok(vec![Address::Unix(folder.join(format!(".s.PGSQL.{port}")))]),
            Place::Address(address) => Ok(vec![Address::Tcp((*address, port).into())]),
            Place::Name(name) => {
                let found = tokio::net::lookup_host((name.as_str(), port)).await;
                let found = found.map_err(|e| self.unanswered(endpoint, &e.to_string()))?;
                Ok(found.map(Address::Tcp).collect())
            }
        }
    }
}

/// A number from 0 to 1 that is another one each time and in each process; nothing that is stored depends on it.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
