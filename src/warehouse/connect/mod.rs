//! Connections: a small pool, verified on every use, TLS with verification for every host that is not this machine.

mod client;
mod parameter;

pub use client::{Client, CopyBytes, Transaction};
pub use parameter::Parameter;

use super::fault::fault;
use crate::config::{Schemas, Settings};
use crate::error::{Error, Result};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::CancelToken;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connections that long work leaves to leases, ledger and pages.
const SPARE: usize = 3;

/// How long a piece of work waits for a connection of the pool.
const PATIENCE: Duration = Duration::from_secs(60);

/// The database of one workspace: a pool of connections and the workspace's schema names.
#[derive(Clone)]
pub struct Warehouse {
    pool: Pool,
    tls: Option<MakeRustlsConnect>,
    /// Bounds the long work of all runs of the process, so that leases, ledger and pages always find a connection.
    work: Arc<Semaphore>,
    /// Host, port and database, for messages.
    address: String,
    /// Schema names of the workspace.
    pub schemas: Schemas,
}

impl Warehouse {
    /// Opens the pool for `url` and proves that the server answers.
    pub async fn connect(settings: &Settings, url: &str) -> Result<Warehouse> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|e: tokio_postgres::Error| {
            let cause = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            Error::config(format!("database URL cannot be read: {cause}"))
                .hint("write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or set DATABASE_URL in this form")
        })?;
        config.application_name("quintile");
        config.connect_timeout(Duration::from_secs(settings.database.connect_timeout_seconds));
        config.keepalives_idle(Duration::from_secs(30));
        config.tcp_user_timeout(Duration::from_secs(30));
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let address = address_of(&config);
        let local = config.get_hosts().iter().all(is_this_machine);
        let tls = if local || config.get_ssl_mode() == SslMode::Disable { None } else { Some(tls()?) };
        let manager = match &tls {
            None => Manager::from_config(config, tokio_postgres::NoTls, manager_config),
            Some(tls) => Manager::from_config(config, tls.clone(), manager_config),
        };
        let pool = Pool::builder(manager)
            .max_size(settings.database.max_connections.max(2))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .build()
            .map_err(|e| Error::config(format!("connection pool cannot be made: {e}")))?;
        let work = Arc::new(Semaphore::new(settings.database.max_connections.saturating_sub(SPARE).max(1)));
        let warehouse = Warehouse { pool, tls, work, address, schemas: settings.schemas()? };
        drop(warehouse.client().await?);
        Ok(warehouse)
    }

    /// `"shop" on db.example.com:5432`: where we are connected to, without user and password.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A connection from the pool.
    pub async fn client(&self) -> Result<Client> {
        self.pool.get().await.map(Client).map_err(|e| match e {
            PoolError::Backend(e) => {
                fault(&format!("database {} cannot be reached", self.address), &e).or_unreachable()
            }
            PoolError::Timeout(_) => Error::unreachable("all connections of this process are busy")
                .hint("raise database.max_connections, or lower run.threads"),
            other => Error::unreachable(format!("database {} cannot be reached: {other}", self.address)),
        })
    }

    /// The right to do one piece of long work (a model, a data test); waits for its turn.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.work).acquire_owned().await.map_err(|e| Error::failed("no turn can be had").source(e))
    }

    /// The same connections for another workspace.
    #[must_use]
    pub fn with_schemas(&self, schemas: Schemas) -> Warehouse {
        Warehouse { schemas, ..self.clone() }
    }

    /// Stops the statement that runs on the connection; dropping a future alone stops nothing on the server.
    ///
    /// The connection leaves the pool: a request to cancel may arrive late, and would hit the statement of its next user.
    pub async fn cancel(&self, client: Client) {
        self.cancel_statement(&client.cancel_token()).await;
        client.discard();
    }

    /// Asks the server to stop what runs on a connection; it may come late, when the next statement runs.
    pub(super) async fn cancel_statement(&self, token: &CancelToken) {
        let outcome = match &self.tls {
            None => token.cancel_query(tokio_postgres::NoTls).await,
            Some(tls) => token.cancel_query(tls.clone()).await,
        };
        if let Err(e) = outcome {
            tracing::warn!(reason = %e, "a statement could not be cancelled");
        }
    }
}

impl Error {
    /// A connection that was refused for any reason means that the database cannot be reached.
    fn or_unreachable(mut self) -> Error {
        self.kind = crate::error::Kind::Unreachable;
        if self.hint.is_none() {
            self.hint = Some(
                "check that the server runs and that DATABASE_URL names it; without one, Quintile starts its own"
                    .into(),
            );
        }
        self
    }
}

/// `"shop" on db.example.com:5432`: where we connect to, without user and password.
fn address_of(config: &tokio_postgres::Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(number, host)| {
            let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Unix(path) => format!("{}:{port}", path.display()),
                Host::Tcp(name) => format!("{name}:{port}"),
            }
        })
        .collect();
    format!("\"{}\" on {}", config.get_dbname().or(config.get_user()).unwrap_or_default(), hosts.join(", "))
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "::1") || name.starts_with("127."),
    }
}

fn tls() -> Result<MakeRustlsConnect> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::config("TLS cannot be set up").source(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
