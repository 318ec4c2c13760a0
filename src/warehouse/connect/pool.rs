//! The pool: deadpool's, over our dialer; it lends no connection that does not answer or whose server takes no writes.

use super::dial::Dialer;
use crate::error::{Error, Result};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{Empty, empty};
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{NoTlsStream, TlsConnect};

/// How long a piece of work waits for a connection of the pool.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection may take to prove itself; a half-open one never does.
const PROOF: Duration = Duration::from_secs(5);

/// A pool of at most `most` connections.
pub(super) fn open(dialer: &Arc<Dialer>, era: &Era, most: usize) -> Result<Pool> {
    let proved = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    // The dialer has a configuration for each server, so the one for all stays empty.
    let manager = Manager::from_connect(tokio_postgres::Config::new(), Dialing(Arc::clone(dialer)), proved);
    let era = era.clone();
    let refused = || HookError::message("the server takes no writes any more");
    Pool::builder(manager)
        .max_size(most)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PROOF))
        .pre_recycle(Hook::sync_fn(move |_, metrics| era.holds(metrics.created).then_some(()).ok_or_else(refused)))
        .build()
        .map_err(|e| Error::config(format!("connection pool cannot be made: {e}")))
}

/// A connection of the pool, which `address` describes.
pub(super) async fn lend(pool: &Pool, address: &str) -> Result<Object> {
    pool.get().await.map_err(|e| match e {
        PoolError::Backend(e) => carried_out(e),
        PoolError::Timeout(_) => Error::unreachable("all connections of this process are busy")
            .hint("raise database.max_connections, or lower run.threads"),
        other => Error::unreachable(format!("database {address} cannot be reached: {other}")),
    })
}

/// The dialer as the pool wants it.
struct Dialing(Arc<Dialer>);

type Dialed = std::result::Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>;

impl deadpool_postgres::Connect for Dialing {
    fn connect(&self, _: &tokio_postgres::Config) -> Pin<Box<dyn Future<Output = Dialed> + Send + '_>> {
        Box::pin(async {
            match self.0.dial().await {
                Ok(dialed) => Ok(dialed),
                Err(e) => Err(carried_in(e).await),
            }
        })
    }
}

/// Our error as one of the driver's, which is all that passes the pool.
///
/// The driver makes its errors itself, and takes a cause from outside at one place only: from a TLS handshake.
async fn carried_in(error: Error) -> tokio_postgres::Error {
    let mut config = tokio_postgres::Config::new();
    config.user("nobody").ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    match config.connect_raw(empty(), Refused(error)).await {
        Err(carrier) => carrier,
        Ok(_) => unreachable!("a handshake that is refused makes no connection"),
    }
}

/// The other end of [`carried_in`].
fn carried_out(carrier: tokio_postgres::Error) -> Error {
    let told = carrier.to_string();
    let Some(cause) = carrier.into_source() else {
        return Error::unreachable(format!("database cannot be reached: {told}"));
    };
    match cause.downcast::<Error>() {
        Ok(error) => *error,
        Err(cause) => Error::unreachable(format!("database cannot be reached: {cause}")),
    }
}

/// A handshake that ends with this error.
struct Refused(Error);

impl TlsConnect<Empty> for Refused {
    type Stream = NoTlsStream;
    type Error = Error;
    type Future = Ready<std::result::Result<NoTlsStream, Error>>;

    fn connect(self, _: Empty) -> Self::Future {
        ready(Err(self.0))
    }
}

/// Since when the servers that we reach take writes, as far as we know; connections from before are not lent again.
#[derive(Clone, Default)]
pub(super) struct Era(Arc<Mutex<Option<Instant>>>);

impl Era {
    /// Whether a connection of this age may be lent.
    fn holds(&self, created: Instant) -> bool {
        let began = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        began.is_none_or(|began| created > began)
    }

    /// Looks at the outcome of a statement on a connection of this age. A server that refuses to write is a primary no
    /// more, or never was: what was connected until now is not lent again, and the next ones look for the primary anew.
    pub(super) fn noted<T>(
        &self,
        created: Instant,
        outcome: std::result::Result<T, tokio_postgres::Error>,
    ) -> std::result::Result<T, tokio_postgres::Error> {
        if let Err(e) = &outcome
            && e.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
            // Those that see it late must not end the era that another began meanwhile.
            && self.holds(created)
        {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            tracing::warn!("server takes no writes; its connections are given up");
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_passes_the_pool_whole() {
        let error = Error::unreachable("gone").detail("Facts.").hint("look there");
        let error = carried_out(carried_in(Error { sqlstate: Some("57P03".into()), ..error }).await);
        assert_eq!(error.report(), "error: gone\ndetail: Facts.\nhint: look there");
        assert_eq!((error.exit_code(), error.sqlstate.as_deref()), (3, Some("57P03")));
    }

    #[test]
    fn what_was_connected_before_the_era_is_not_lent() {
        let era = Era::default();
        let old = Instant::now();
        assert!(era.holds(old));
        *era.0.lock().expect("sound") = Some(Instant::now());
        assert!(!era.holds(old));
        assert!(era.holds(Instant::now() + Duration::from_secs(1)));
    }
}
