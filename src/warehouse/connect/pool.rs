//! What the pool lends: a connection that is proved before each loan, and dropped when its server takes no more writes.

use super::dial::{Dialed, Dialer};
use super::transport::{NoWay, Peer};
use crate::error::{Error, Result};
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::CancelToken;
use tokio_postgres::error::SqlState;

/// How long a connection may take to prove itself; a half-open one never does.
const PROOF: Duration = Duration::from_secs(5);
/// How long a request to cancel may take.
const CANCEL: Duration = Duration::from_secs(5);

/// Makes and proves connections.
pub(super) struct Manager {
    dialer: Dialer,
    /// A new one begins when a server turns out to take no writes.
    era: Arc<AtomicU64>,
}

/// A connection of the pool.
pub(super) struct Pooled {
    pub dialed: Dialed,
    pub watch: Watch,
}

/// Sees to it that no connection to a server that takes no writes is lent again.
#[derive(Clone)]
pub(super) struct Watch {
    /// The era in which the connection was made.
    made_in: u64,
    era: Arc<AtomicU64>,
}

impl Manager {
    pub(super) fn new(dialer: Dialer) -> Manager {
        Manager { dialer, era: Arc::default() }
    }

    pub(super) fn dialer(&self) -> &Dialer {
        &self.dialer
    }
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = Error;

    async fn create(&self) -> Result<Pooled> {
        let watch = Watch { made_in: self.era.load(Ordering::Relaxed), era: Arc::clone(&self.era) };
        Ok(Pooled { dialed: self.dialer.dial().await?, watch })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<Error> {
        if pooled.watch.made_in != self.era.load(Ordering::Relaxed) {
            return Err(RecycleError::message("the server takes no writes any more"));
        }
        match timeout(PROOF, pooled.dialed.client.simple_query("")).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(RecycleError::message(e.to_string())),
            Err(_) => Err(RecycleError::message("no answer in time")),
        }
    }
}

impl Watch {
    /// Looks at the outcome of a statement. A server that refuses to write is a primary no more, or never was: no
    /// connection of this era is lent again, and the next ones look for the primary anew.
    pub(super) fn noted<T>(
        &self,
        outcome: std::result::Result<T, tokio_postgres::Error>,
    ) -> std::result::Result<T, tokio_postgres::Error> {
        if let Err(e) = &outcome
            && e.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
        {
            let next = self.made_in + 1;
            // Only the first of many that see it begins a new era.
            if self.era.compare_exchange(self.made_in, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                tracing::warn!("server takes no writes; its connections are given up");
            }
        }
        outcome
    }
}

impl Drop for Pooled {
    /// A carrier that waits for a server which is gone would wait long.
    fn drop(&mut self) {
        self.dialed.carrier.abort();
    }
}

/// What stops the statement of one connection; it lives on when the connection is at work.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    peer: Peer,
}

impl Canceller {
    pub(super) fn of(pooled: &Pooled) -> Canceller {
        Canceller { token: pooled.dialed.client.cancel_token(), peer: pooled.dialed.peer.clone() }
    }

    /// Asks the server to stop what runs; it may come late, when the next statement runs.
    pub(in crate::warehouse) async fn cancel(&self) {
        let asked = async {
            let transport = self.peer.open().await.map_err(|e| match e {
                NoWay::Io(e) | NoWay::Handshake(e) => e.to_string(),
                NoWay::NoTls => "server has no TLS".into(),
            })?;
            transport.cancel(&self.token).await
        };
        let outcome = timeout(CANCEL, asked).await.unwrap_or_else(|_| Err("no answer in time".into()));
        if let Err(reason) = outcome {
            tracing::warn!(reason, "a statement could not be cancelled");
        }
    }
}
