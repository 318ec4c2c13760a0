//! Which requests the server still has to answer, so that answers of our own come in their turn.

use super::message::put;
use bytes::BytesMut;
use std::collections::VecDeque;

/// Requests that end with a `ReadyForQuery`, counted on both ways.
pub(super) struct Turns {
    /// Sent to the server; the first is the startup.
    asked: u64,
    /// Answered by it.
    answered: u64,
    /// For each `Close` that was not sent on: how many requests come before it.
    closed: VecDeque<u64>,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns { asked: 1, answered: 0, closed: VecDeque::new() }
    }
}

impl Turns {
    /// A request goes to the server.
    pub(super) fn ask(&mut self) {
        self.asked += 1;
    }

    /// The server has answered a request.
    pub(super) fn answer(&mut self) {
        self.answered += 1;
    }

    /// A `Close` with its `Sync` does not go to the server.
    pub(super) fn close(&mut self) {
        self.closed.push_back(self.asked);
    }

    /// Answers every `Close` whose turn has come; `output` must stand between two messages.
    pub(super) fn put_due(&mut self, output: &mut BytesMut) {
        while self.closed.front().is_some_and(|before| *before <= self.answered) {
            self.closed.pop_front();
            put(output, b'3', &[]);
            // The driver does not look at the state of the transaction.
            put(output, b'Z', &[b"I"]);
        }
    }
}
