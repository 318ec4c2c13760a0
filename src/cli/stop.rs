//! Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends the process.

use super::print;
use crate::error::Kind;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A flag that turns true with the first stop signal.
#[must_use]
pub fn on_signals() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            print::note("warning: signals cannot be received; the process ends at once when it is told to");
            return std::future::pending().await;
        };
        let mut count = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            count += 1;
            if count > 1 {
                // The user has asked twice: what destructors would tidy up, the next start does.
                #[allow(clippy::disallowed_methods)]
                std::process::exit(i32::from(Kind::Interrupted.exit_code()));
            }
            print::note("stopping; once more to end at once");
            sender.send_replace(true);
        }
    });
    receiver
}
