//! Connections: a small pool, proved on every use, to the servers that the settings name.

mod attempt;
mod cancel;
mod certificate;
mod client;
mod dial;
mod parameter;
mod pool;
mod refusal;
mod tls;
mod transport;
mod unnamed;

pub use cancel::Canceller;
pub use client::{Client, CopyBytes, Transaction};
pub use parameter::Parameter;

use crate::config::libpq::{Connection, SslMode};
use crate::config::{Schemas, Settings};
use crate::error::{Error, Result};
use deadpool_postgres::Pool;
use dial::Dialer;
use pool::Era;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections that long work leaves: to the snapshot of a run's sources, to lease and ledger, and to pages.
const SPARE: usize = 3;

/// The database of one workspace: a pool of connections and the workspace's schema names.
#[derive(Clone)]
pub struct Warehouse {
    pool: Pool,
    dialer: Arc<Dialer>,
    era: Era,
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
        let (dialer, era) = (Arc::new(Dialer::new(connection)?), Era::default());
        let pool = pool::open(&dialer, &era, settings.database.max_connections)?;
        let work = Arc::new(Semaphore::new(settings.database.max_connections.saturating_sub(SPARE).max(1)));
        let (keep_runs, schemas) = (settings.run.keep_runs, settings.schemas()?);
        let warehouse = Warehouse { pool, dialer, era, work, keep_runs, schemas };
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
        self.dialer.connection()
    }

    /// A connection from the pool.
    pub async fn client(&self) -> Result<Client> {
        let lent = pool::lend(&self.pool, &self.address()).await?;
        Ok(Client::new(lent, self.era.clone(), self.dialer.peers().clone()))
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
