//! A place to tell events to, for whoever shows how a run goes.

use tokio::sync::mpsc::UnboundedSender;

/// Takes events; the default one forgets them.
#[derive(Debug)]
pub struct Progress<E>(Option<UnboundedSender<E>>);

impl<E> Progress<E> {
    /// Tells events to this channel.
    #[must_use]
    pub fn to(sender: UnboundedSender<E>) -> Progress<E> {
        Progress(Some(sender))
    }

    pub(super) fn tell(&self, event: E) {
        if let Some(sender) = &self.0 {
            // A listener that went away is no reason to stop a run.
            let _ = sender.send(event);
        }
    }
}

// Derived ones would ask the same of the events.
impl<E> Clone for Progress<E> {
    fn clone(&self) -> Progress<E> {
        Progress(self.0.clone())
    }
}

impl<E> Default for Progress<E> {
    fn default() -> Progress<E> {
        Progress(None)
    }
}
