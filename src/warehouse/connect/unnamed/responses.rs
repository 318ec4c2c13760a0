//! What comes from the server: without the answers to what the driver did not ask, with those that the filter gives.

use super::message::{Cutter, HEADER_BYTES, Part};
use super::turns::Turns;
use bytes::BytesMut;

/// The whole of `ParseComplete`.
const PARSE_COMPLETE: [u8; HEADER_BYTES] = [b'1', 0, 0, 0, 4];

/// The way from the server.
#[derive(Default)]
pub(super) struct Responses {
    cutter: Cutter,
    /// A `ParseComplete` whose fate the next message decides.
    is_withheld: bool,
}

impl Responses {
    /// The driver waits for `ParseComplete` only where it asked for a description, which then follows. All others are
    /// answers to what the filter sent, or are ignored by the driver.
    pub(super) fn rewrite(&mut self, mut input: &[u8], output: &mut BytesMut, turns: &mut Turns) {
        loop {
            match self.cutter.next(&mut input) {
                Part::None => return,
                Part::Header(b'1') => self.is_withheld = true,
                Part::Header(kind) => {
                    if self.is_withheld && kind == b't' {
                        output.extend_from_slice(&PARSE_COMPLETE);
                    }
                    // Notices, settings and notifications come at any time, and answer nothing.
                    self.is_withheld &= matches!(kind, b'N' | b'S' | b'A');
                    output.extend_from_slice(&self.cutter.header);
                }
                Part::Body(body) => output.extend_from_slice(body),
            }
            if self.cutter.left == 0 {
                if self.cutter.header.first() == Some(&b'Z') {
                    turns.answer();
                }
                turns.put_due(output);
            }
        }
    }

    /// Gives the answers whose turn has come while the server says nothing; whether there were any.
    pub(super) fn put_due(&mut self, output: &mut BytesMut, turns: &mut Turns) -> bool {
        let before = output.len();
        if self.cutter.is_between_messages() {
            turns.put_due(output);
        }
        output.len() > before
    }
}
