//! How long a collection of garbage may go on: it is nobody's purpose, so it ends when time is up, when a stop is asked
//! for, or when its lease is lost.

use futures_util::future::select_all;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The end of a collection, whatever is left by then.
#[derive(Clone, Debug)]
pub struct Bound {
    deadline: Instant,
    stops: Vec<watch::Receiver<bool>>,
}

impl Bound {
    /// Ends after this time.
    #[must_use]
    pub fn after(time: Duration) -> Bound {
        Bound { deadline: Instant::now() + time, stops: Vec::new() }
    }

    /// Ends with this flag too, or when nobody is left who could raise it.
    #[must_use]
    pub fn or_with(mut self, stop: watch::Receiver<bool>) -> Bound {
        self.stops.push(stop);
        self
    }

    /// Whether nothing new may begin.
    pub(super) fn is_reached(&self) -> bool {
        let is_stopped = self.stops.iter().any(|stop| *stop.borrow() || stop.has_changed().is_err());
        is_stopped || Instant::now() >= self.deadline
    }

    /// Waits for the end, but not longer than `patience`.
    pub(super) async fn reached_within(&self, patience: Duration) {
        let until = self.deadline.min(Instant::now() + patience);
        if self.stops.is_empty() {
            return tokio::time::sleep_until(until).await;
        }
        let mut stops = self.stops.clone();
        // An error means that the sender is gone: as good as a stop.
        let any = select_all(stops.iter_mut().map(|stop| Box::pin(stop.wait_for(|stop| *stop))));
        let _ = tokio::time::timeout_at(until, any).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn ends_with_time_or_patience_or_the_flag_or_its_owner() {
        let bound = Bound::after(LONG);
        bound.reached_within(Duration::ZERO).await;
        assert!(!bound.is_reached(), "only patience was over");
        let bound = Bound::after(Duration::ZERO);
        bound.reached_within(LONG).await;
        assert!(bound.is_reached());

        let (sender, receiver) = watch::channel(false);
        let bound = Bound::after(LONG).or_with(receiver);
        assert!(!bound.is_reached());
        sender.send_replace(true);
        bound.reached_within(LONG).await;
        assert!(bound.is_reached());
        sender.send_replace(false);
        assert!(!bound.is_reached());
        let (other, receiver) = watch::channel(false);
        let either = bound.clone().or_with(receiver);
        assert!(!either.is_reached());
        other.send_replace(true);
        either.reached_within(LONG).await;
        assert!(either.is_reached() && !bound.is_reached());
        drop(sender);
        bound.reached_within(LONG).await;
        assert!(bound.is_reached());
    }
}
