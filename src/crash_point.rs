//! Numbered points of a run at which a test can kill, fail or delay the program. Release builds have none of it.
//!
//! Every step that changes something calls [`reach`] before and after. The points of a process are numbered in the
//! order in which they are reached, so that a test which asks for 1, 2, 3, ... until a run ends by itself has stood at
//! all of them (SQLite tests its I/O errors in this way).

#[cfg(debug_assertions)]
pub use armed::{arm, reach};

#[cfg(not(debug_assertions))]
mod disarmed {
    use crate::error::{Error, Result};

    /// Refuses: points are there in test builds only.
    pub fn arm(_plan: &str) -> Result<()> {
        Err(Error::config("crash points are not part of a release build").hint("unset QUINTILE_CRASH_POINT"))
    }

    /// Does nothing.
    #[inline]
    #[allow(clippy::unused_async)] // Has the signature of the one that waits.
    pub async fn reach(_name: &'static str) -> Result<()> {
        Ok(())
    }
}

#[cfg(not(debug_assertions))]
pub use disarmed::{arm, reach};

#[cfg(debug_assertions)]
mod armed {
    use crate::error::{Error, Result};
    use std::str::FromStr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    static PLAN: OnceLock<Plan> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    /// What happens where.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Plan {
        place: Place,
        action: Action,
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Place {
        /// The point of this number, from 1.
        Number(u64),
        /// Every point of this name.
        Name(String),
        Everywhere,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Action {
        /// As `kill -9`.
        Kill,
        /// The step fails.
        Fail,
        /// The step waits.
        Delay(Duration),
        /// The log names the point.
        Tell,
    }

    /// Takes the plan of this process: `17:kill`, `17:fail`, `publish committed:delay=500`, `*:tell`.
    pub fn arm(plan: &str) -> Result<()> {
        let plan = plan.parse()?;
        PLAN.set(plan).map_err(|_| Error::config("crash points are armed already"))
    }

    /// Stands at a point: does what the plan says, usually nothing.
    pub async fn reach(name: &'static str) -> Result<()> {
        let Some(plan) = PLAN.get() else { return Ok(()) };
        let number = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
        let is_here = match &plan.place {
            Place::Number(wanted) => *wanted == number,
            Place::Name(wanted) => wanted == name,
            Place::Everywhere => true,
        };
        if !is_here {
            return Ok(());
        }
        tracing::warn!(number, name, "crash point");
        match plan.action {
            Action::Tell => Ok(()),
            Action::Fail => Err(Error::failed(format!("crash point {number} \"{name}\" failed, as asked"))),
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Action::Kill => {
                // Nothing is flushed, closed or told: the process is gone.
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                std::future::pending().await
            }
        }
    }

    impl FromStr for Plan {
        type Err = Error;

        fn from_str(text: &str) -> Result<Plan> {
            let bad = || {
                Error::config(format!("crash point \"{text}\" cannot be read"))
                    .hint("write PLACE:ACTION; PLACE is a number, a name or *, ACTION is kill, fail, tell or delay=MILLISECONDS")
            };
            let (place, action) = text.rsplit_once(':').ok_or_else(bad)?;
            let place = match (place, place.parse()) {
                ("*", _) => Place::Everywhere,
                (_, Ok(number)) => Place::Number(number),
                _ => Place::Name(place.to_owned()),
            };
            let action = match action.split_once('=') {
                None if action == "kill" => Action::Kill,
                None if action == "fail" => Action::Fail,
                None if action == "tell" => Action::Tell,
                Some(("delay", time)) => Action::Delay(Duration::from_millis(time.parse().map_err(|_| bad())?)),
                _ => return Err(bad()),
            };
            Ok(Plan { place, action })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn plans_are_read() {
            let plan = |text: &str| text.parse::<Plan>();
            let expected = Plan { place: Place::Number(17), action: Action::Kill };
            assert_eq!(plan("17:kill").expect("a plan"), expected);
            let expected = Plan {
                place: Place::Name("publish committed".into()),
                action: Action::Delay(Duration::from_millis(5)),
            };
            assert_eq!(plan("publish committed:delay=5").expect("a plan"), expected);
            for wrong in ["17", "17:explode", "17:delay=x", ""] {
                assert!(plan(wrong).is_err(), "{wrong}");
            }
        }
    }
}
