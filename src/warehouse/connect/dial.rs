//! Opening one connection: every server in its order, every address of it, again while the fault may pass.

use super::tls::{self, hint_for};
use super::transport::{Address, Handshake, NoWay, Peer, Standing, Transport};
use super::unnamed::Unnamed;
use crate::config::libpq::{ChannelBinding, Connection, Endpoint, Place, SslMode, TargetSession};
use crate::error::{Error, Kind, Result};
use crate::warehouse::fault::fault;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverMode, SslNegotiation};
use tokio_postgres::{Client, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

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
}

/// A connection as it comes from the server.
pub(super) struct Dialed {
    pub client: Client,
    /// Carries the messages; it ends with the client.
    pub carrier: JoinHandle<()>,
    pub peer: Peer,
}

/// Why a server could not be had.
struct Refusal {
    error: Error,
    /// Whether the next try may find it otherwise.
    may_pass: bool,
    /// Whether encryption decides: `allow` and `prefer` try the other way then.
    is_about_encryption: bool,
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
        Ok(Dialer { connection, connectors, has_answered: AtomicBool::new(false) })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
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

    /// One address, in the ways that the mode allows, the wanted one first.
    async fn try_address(
        &self,
        endpoint: &Endpoint,
        address: Address,
        target: TargetSession,
    ) -> std::result::Result<Dialed, Refusal> {
        let mode = self.connection.tls.mode_for(endpoint);
        let encrypted = |is_optional| {
            let connector = self.connectors.get(&mode)?.clone();
            let (name, is_direct) = (endpoint.name.clone(), self.connection.tls.is_direct);
            Some(Handshake { connector, name, is_direct, is_optional })
        };
        let ways = match mode {
            SslMode::Disable => vec![None],
            SslMode::Allow => vec![None, encrypted(false)],
            SslMode::Prefer => vec![encrypted(true), None],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => vec![encrypted(false)],
        };
        let mut first = None;
        for tls in ways {
            let peer = Peer::new(address.clone(), tls, &self.connection);
            match self.try_way(endpoint, peer, target).await {
                Ok(dialed) => return Ok(dialed),
                Err(refusal) if refusal.is_about_encryption && first.is_none() => first = Some(refusal),
                // What the wanted way met is the better story.
                Err(refusal) => return Err(first.unwrap_or(refusal)),
            }
        }
        Err(first.unwrap_or_else(|| self.unanswered(endpoint, "no way is allowed")))
    }

    async fn try_way(
        &self,
        endpoint: &Endpoint,
        mut peer: Peer,
        target: TargetSession,
    ) -> std::result::Result<Dialed, Refusal> {
        let transport = peer.open().await.map_err(|e| self.no_way(endpoint, e))?;
        if !transport.is_encrypted() {
            peer.tls = None;
        }
        let config = self.driver_config(endpoint, transport.is_encrypted());
        let stream = Unnamed::new(transport);
        let (client, connection) =
            config.connect_raw(stream, Standing).await.map_err(|e| self.refused(endpoint, &e))?;
        let carrier = tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(reason = %e, "connection ended");
            }
        });
        let dialed = Dialed { client, carrier, peer };
        self.check_target(endpoint, &dialed.client, target).await?;
        Ok(dialed)
    }

    fn driver_config(&self, endpoint: &Endpoint, is_encrypted: bool) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.user(&self.connection.user).dbname(&self.connection.database);
        config.application_name(&self.connection.application_name);
        if let Some(password) = &endpoint.password {
            config.password(password.reveal());
        }
        if let Some(options) = &self.connection.options {
            config.options(options);
        }
        config.channel_binding(match self.connection.channel_binding {
            ChannelBinding::Disable => DriverBinding::Disable,
            ChannelBinding::Prefer => DriverBinding::Prefer,
            ChannelBinding::Require => DriverBinding::Require,
        });
        // Encryption stands already, which the driver knows as "direct".
        config.ssl_negotiation(if is_encrypted { SslNegotiation::Direct } else { SslNegotiation::Postgres });
        config.ssl_mode(if is_encrypted { DriverMode::Require } else { DriverMode::Disable });
        config
    }

    /// Whether the server is of the wanted kind.
    async fn check_target(
        &self,
        endpoint: &Endpoint,
        client: &Client,
        target: TargetSession,
    ) -> std::result::Result<(), Refusal> {
        if target == TargetSession::Any {
            return Ok(());
        }
        let asked = include_str!("../sql/session_kind.sql");
        let messages = client.simple_query(asked).await.map_err(|e| self.refused(endpoint, &e))?;
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
            _ => None,
        });
        let Some((is_standby, is_read_only)) = row else {
            return Err(self.unanswered(endpoint, "server does not tell of which kind it is"));
        };
        let problem = match target {
            TargetSession::ReadWrite if is_read_only => "server takes no writes",
            TargetSession::ReadOnly if !is_read_only => "server takes writes",
            TargetSession::Primary if is_standby => "server is a standby",
            TargetSession::Standby if !is_standby => "server is no standby",
            _ => return Ok(()),
        };
        let error = Error::unreachable(format!("{}: {problem}", self.doing(endpoint)))
            .hint("name all servers in the connection, or correct target_session_attrs");
        // After a fail-over the roles change.
        Err(Refusal { error, may_pass: true, is_about_encryption: false })
    }

    fn doing(&self, endpoint: &Endpoint) -> String {
        format!("database \"{}\" on {endpoint} cannot be reached", self.connection.database)
    }

    /// Nobody is there, or nobody answers.
    fn unanswered(&self, endpoint: &Endpoint, cause: &str) -> Refusal {
        let error = Error::unreachable(format!("{}: {cause}", self.doing(endpoint))).or_unreachable();
        let may_pass = self.has_answered.load(Ordering::Relaxed);
        Refusal { error, may_pass, is_about_encryption: false }
    }

    fn no_way(&self, endpoint: &Endpoint, cause: NoWay) -> Refusal {
        match cause {
            NoWay::Io(e) => self.unanswered(endpoint, &e.to_string()),
            NoWay::NoTls => {
                let error = Error::unreachable(format!("{}: server has no TLS", self.doing(endpoint)))
                    .hint("switch TLS on in the server; sslmode=disable goes without, where the network is trusted");
                Refusal { error, may_pass: false, is_about_encryption: true }
            }
            NoWay::Handshake(e) => {
                let mut error = Error::unreachable(format!("{}: {e}", self.doing(endpoint)));
                error.hint = hint_for(&e).map(str::to_owned);
                Refusal { error, may_pass: false, is_about_encryption: true }
            }
        }
    }

    /// The server answered, and does not let us in.
    fn refused(&self, endpoint: &Endpoint, cause: &tokio_postgres::Error) -> Refusal {
        let error = fault(&self.doing(endpoint), cause).or_unreachable();
        let is_starting = matches!(error.sqlstate.as_deref(), Some("57P03" | "53300"));
        let may_pass = is_starting || (error.may_pass() && self.has_answered.load(Ordering::Relaxed));
        // pg_hba.conf may have a line for the other way only.
        let is_about_encryption = error.sqlstate.as_deref() == Some("28000");
        Refusal { error, may_pass, is_about_encryption }
    }
}

impl Error {
    /// A connection that was refused for any reason means that the database cannot be reached.
    fn or_unreachable(mut self) -> Error {
        self.kind = Kind::Unreachable;
        if self.hint.is_none() {
            self.hint = Some(
                "check that the server runs and that DATABASE_URL names it; without one, Quintile starts its own"
                    .into(),
            );
        }
        self
    }
}

/// A number from 0 to 1 that is another one each time and in each process; nothing that is stored depends on it.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

impl Transport {
    /// Asks the server to stop what runs on a connection.
    pub(super) async fn cancel(self, token: &tokio_postgres::CancelToken) -> std::result::Result<(), String> {
        token.cancel_query_raw(self, Standing).await.map_err(|e| e.to_string())
    }
}
