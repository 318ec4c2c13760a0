//! Connections: a small pool, proved on every use, to the servers that the settings name.

mod client;
mod dial;
mod parameter;
mod pool;
mod tls;
mod transport;
mod unnamed;

pub use client::{Client, CopyBytes, Transaction};
pub use parameter::Parameter;
pub use pool::Canceller;

use crate::config::libpq::{Connection, SslMode};
use crate::config::{Schemas, Settings};
use crate::error::{Error, Result};
use deadpool::managed::{Pool, PoolError};
use dial::Dialer;
use pool::Manager;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections that long work leaves to leases, ledger and pages.
const SPARE: usize = 3;

/// How long a piece of work waits for a connection of the pool.
const PATIENCE: Duration = Duration::from_secs(60);

/// The database of one workspace: a pool of connections and the workspace's schema names.
#[derive(Clone)]
pub struct Warehouse {
    pool: Pool<Manager>,
    /// Bounds the long work of all runs of the process, so that leases, ledger and pages always find a connection.
    work: Arc<Semaphore>,
    /// Published runs whose rows are kept side by side, for the planner's estimates.
    pub(super) keep_runs: usize,
    /// Schema names of the workspace.
    pub schemas: Schemas,
}

impl Warehouse {
    /// Opens the pool for `url`, completed as libpq does, and proves that the server answers.
    pub async fn connect(settings: &Settings, url: &str) -> Result<Warehouse> {
        let connection = settings.connection(url)?;
        warn_of_weakness(&connection);
        let pool = Pool::builder(Manager::new(Dialer::new(connection)?))
            .max_size(settings.database.max_connections.max(2))
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .build()
            .map_err(|e| Error::config(format!("connection pool cannot be made: {e}")))?;
        let work = Arc::new(Semaphore::new(settings.database.max_connections.saturating_sub(SPARE).max(1)));
        let warehouse = Warehouse { pool, work, keep_runs: settings.run.keep_runs, schemas: settings.schemas()? };
        drop(warehouse.client().await?);
        Ok(warehouse)
    }

    /// `"shop" on db.example.com:5432`: where we are connected to, without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        self.connection().address()
    }

    /// What the URL, the service file and the environment came to.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        self.pool.manager().dialer().connection()
    }

    /// A connection from the pool.
    pub async fn client(&self) -> Result<Client> {
        self.pool.get().await.map(Client).map_err(|e| match e {
            PoolError::Backend(e) => e,
            PoolError::Timeout(_) => Error::unreachable("all connections of this process are busy")
                .hint("raise database.max_connections, or lower run.threads"),
            other => Error::unreachable(format!("database {} cannot be reached: {other}", self.address())),
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
        client.canceller().cancel().await;
        client.discard();
    }
}

/// What the user asked for is done, and told once where it trusts a network.
fn warn_of_weakness(connection: &Connection) {
    let away = connection.endpoints.iter().filter(|endpoint| !endpoint.is_this_machine());
    let weakest = away.map(|endpoint| connection.tls.mode_for(endpoint)).min();
    if let Some(mode) = weakest.filter(|mode| *mode < SslMode::VerifyFull) {
        let sslmode = mode.to_string();
        tracing::warn!(sslmode, "the server's identity is not proved in full; sslmode=verify-full would");
    }
}
