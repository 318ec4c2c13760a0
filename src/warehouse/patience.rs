//! Short waits for locks, many times: a long reader delays a change of its view, and never the readers behind it.

use super::Warehouse;
use super::fault::fault;
use crate::error::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;

/// Limits of a short transaction, whatever the role or the database sets: how long it waits for rows and for other
/// locks that readers do not queue behind, and how long one statement of it may take.
pub(super) const LIMITS: &str = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '60s'";

/// While a view's lock is waited for, readers of the view queue behind us: less than anybody notices.
pub(super) const VIEW_LIMIT: &str = "SET LOCAL lock_timeout = '40ms'";

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The tries of a short transaction that may meet locks and lost connections.
#[derive(Debug)]
pub(super) struct Patience {
    deadline: Instant,
    tries: u32,
    /// Spreads processes that wait for the same lock.
    seed: String,
}

impl Patience {
    /// Patience of this length for the work of this name.
    pub(super) fn new(length: Duration, name: &str) -> Patience {
        let seed = format!("{name} {}", std::process::id());
        Patience { deadline: Instant::now() + length, tries: 0, seed }
    }

    /// Waits before the next try; gives the error back when it would not pass or time is up.
    pub(super) async fn again(&mut self, error: Error) -> Result<()> {
        self.tries += 1;
        if !error.may_pass() || Instant::now() >= self.deadline {
            return Err(error);
        }
        let pause = pause(self.tries, &self.seed).min(self.deadline - Instant::now());
        let detail = error.detail.as_deref().unwrap_or_default();
        tracing::warn!(attempt = self.tries, pause_ms = pause.as_millis(), reason = %error, detail, "trying again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// From 50 ms, twice as long each time, to 5 s; the later half of it by chance.
fn pause(tries: u32, seed: &str) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST_PAUSE);
    let hash = blake3::hash(format!("{seed} {tries}").as_bytes());
    let chance = f64::from(u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])) / f64::from(u16::MAX);
    longest.mul_f64(0.5 + chance / 2.0)
}

impl Warehouse {
    /// Adds to an error about a lock who holds one on these relations (schema and name) now.
    pub(super) async fn name_holders(&self, error: Error, relations: &[(&str, &str)]) -> Error {
        if !error.is_lock_trouble() || relations.is_empty() {
            return error;
        }
        match self.lock_holders(relations).await {
            Ok(holders) if !holders.is_empty() => {
                let facts = error.detail.clone().unwrap_or_default();
                let detail = format!("{facts} {}.", holders.join("; ")).trim_start().to_owned();
                error
                    .detail(detail)
                    .hint("end what it does, or raise run.publish_patience_seconds and run the command again")
            }
            // Whoever held it has gone meanwhile.
            _ => error,
        }
    }

    /// `marts.customers is held by process 7 (user bi)`, for each holder of a lock on one of the relations.
    async fn lock_holders(&self, relations: &[(&str, &str)]) -> Result<Vec<String>> {
        let client = self.client().await?;
        let (schemas, names): (Vec<&str>, Vec<&str>) = relations.iter().copied().unzip();
        let rows = client
            .query(include_str!("sql/find_lock_holders.sql"), &[&schemas, &names])
            .await
            .map_err(|e| fault("holders of locks cannot be read", &e))?;
        let told = |row: &tokio_postgres::Row| {
            format!("{} is held by {}", row.get::<_, &str>("relation"), row.get::<_, &str>("holder"))
        };
        Ok(rows.iter().map(told).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_seconds_and_differ() {
        for (tries, longest) in [(1, 50), (2, 100), (5, 800), (8, 5000), (4_000_000, 5000)] {
            let pause = pause(tries, "x").as_millis();
            assert!((longest / 2..=longest).contains(&pause), "{tries}: {pause}");
        }
        assert_ne!(pause(8, "one"), pause(8, "other"));
    }

    #[tokio::test]
    async fn what_will_not_pass_is_not_waited_for() {
        let mut patience = Patience::new(Duration::from_secs(300), "x");
        assert!(patience.again(Error::failed("wrong")).await.is_err());
        let mut nothing_left = Patience::new(Duration::ZERO, "x");
        assert!(nothing_left.again(Error::unreachable("gone")).await.is_err());
    }
}
