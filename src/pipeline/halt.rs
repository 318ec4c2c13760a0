//! How a run is brought to an end before its time: at first no more models begin, then those that run are cancelled.

use std::time::Duration;
use tokio::sync::watch;

/// Why a run halts when its caller wants it to.
pub const STOP_ASKED: &str = "a stop was asked for";

/// How far the end has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Going,
    /// Nothing new begins.
    Winding(String),
    /// What runs is cancelled.
    Now(String),
}

/// Brings the end about.
#[derive(Clone, Debug)]
pub struct Brake(watch::Sender<Stage>);

/// Tells how far the end has come.
#[derive(Clone, Debug)]
pub struct Halt(watch::Receiver<Stage>);

/// Both ends.
#[must_use]
pub fn channel() -> (Brake, Halt) {
    let (sender, receiver) = watch::channel(Stage::default());
    (Brake(sender), Halt(receiver))
}

impl Brake {
    /// Nothing new begins, and what runs is cancelled.
    pub fn now(&self, reason: impl Into<String>) {
        self.0.send_replace(Stage::Now(reason.into()));
    }

    /// Nothing new begins; what runs is left alone.
    fn wind(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.0.send_if_modified(|stage| {
            let is_going = *stage == Stage::Going;
            if is_going {
                *stage = Stage::Winding(reason);
            }
            is_going
        });
    }

    /// Waits for `stop`; what runs then has `grace` to end by itself.
    pub async fn follow(self, mut stop: watch::Receiver<bool>, grace: Duration) {
        if stop.wait_for(|stopped| *stopped).await.is_err() {
            // The sender went away without asking for a stop: there is nobody left who could.
            return std::future::pending().await;
        }
        self.wind(STOP_ASKED);
        tokio::time::sleep(grace).await;
        self.now(STOP_ASKED);
    }
}

impl Halt {
    /// Why nothing new may begin, if so.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match &*self.0.borrow() {
            Stage::Going => None,
            Stage::Winding(reason) | Stage::Now(reason) => Some(reason.clone()),
        }
    }

    /// Waits until what runs must end; why.
    pub async fn cancelled(&mut self) -> String {
        match self.0.wait_for(|stage| matches!(stage, Stage::Now(_))).await {
            Ok(stage) => match &*stage {
                Stage::Now(reason) | Stage::Winding(reason) => reason.clone(),
                Stage::Going => String::new(),
            },
            Err(_) => "the run ended".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn what_runs_is_left_alone_until_the_grace_is_over() {
        let (brake, mut halt) = channel();
        let (stop, stopping) = watch::channel(false);
        let following = tokio::spawn(brake.clone().follow(stopping, Duration::from_secs(3600)));
        assert_eq!(halt.reason(), None);
        stop.send_replace(true);
        while halt.reason().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(halt.reason().as_deref(), Some(STOP_ASKED));
        assert!(halt.cancelled().now_or_never().is_none(), "still within the grace");
        following.abort();
        brake.now("lease lost");
        assert_eq!((halt.cancelled().await.as_str(), halt.reason().as_deref()), ("lease lost", Some("lease lost")));
    }

    #[tokio::test]
    async fn without_a_grace_what_runs_is_cancelled_at_once() {
        let (brake, mut halt) = channel();
        let (stop, stopping) = watch::channel(true);
        brake.follow(stopping, Duration::ZERO).await;
        drop(stop);
        assert_eq!(halt.cancelled().await, STOP_ASKED);
    }
}
