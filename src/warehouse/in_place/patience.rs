//! Short waits for locks, many times: a long reader delays a swap, and never the readers behind it.

use super::session::Session;
use crate::error::{Error, Result};
use std::time::Duration;

/// How long one try may wait for a lock, and how often it is tried.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);
const TRIES: u32 = 60;

/// The tries of a piece of work that needs strong locks for a moment.
///
/// Without an open transaction each try has one of its own, which stays open when the work is done. Within one, each
/// try is a savepoint, and what was done before keeps its locks.
#[derive(Debug)]
pub(super) struct Patience {
    tries: u32,
    is_within: bool,
    /// Spreads processes that wait for the same lock.
    jitter: u64,
}

impl Patience {
    /// Patience for work on `name`.
    pub(super) fn new(session: &Session, name: &str) -> Patience {
        let hash = blake3::hash(name.as_bytes());
        Patience { tries: 0, is_within: session.is_in_transaction(), jitter: u64::from(hash.as_bytes()[0] % 40) }
    }

    /// Begins a try.
    pub(super) async fn begin(&mut self, session: &Session) -> Result<()> {
        self.tries += 1;
        match self.is_within {
            true => {
                let limit = LOCK_TIMEOUT.as_millis();
                let begin = format!("SAVEPOINT quintile_try; SET LOCAL lock_timeout = {limit}");
                session.batch("swap cannot begin", &begin).await
            }
            false => session.begin_with_lock_limit(LOCK_TIMEOUT).await,
        }
    }

    /// Ends a try that failed: back to where it began. Returns once the next may begin, or with the error.
    pub(super) async fn again(&mut self, session: &Session, error: Error) -> Result<()> {
        if error.kind == crate::error::Kind::Unreachable {
            return Err(error);
        }
        match self.is_within {
            true => session.batch("swap cannot be undone", "ROLLBACK TO SAVEPOINT quintile_try").await?,
            false => session.rollback().await?,
        }
        if !error.is_lock_trouble() || self.tries >= TRIES {
            return Err(error);
        }
        tracing::debug!(tries = self.tries, "a lock could not be had in time, trying again");
        let wait = 50 * u64::from(self.tries.min(20)) + (self.jitter * u64::from(self.tries)) % 40;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        Ok(())
    }

    /// Ends the try that worked; what follows in the transaction waits as long as the session's limits say.
    pub(super) async fn done(&self, session: &Session) -> Result<()> {
        let release = if self.is_within { "RELEASE SAVEPOINT quintile_try; " } else { "" };
        let limit = session.lock_timeout();
        session.batch("swap cannot be ended", &format!("{release}SET LOCAL lock_timeout = {limit}")).await
    }
}
