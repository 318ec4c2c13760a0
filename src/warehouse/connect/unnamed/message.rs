//! Messages of the protocol, cut out of a stream and put into one.

use bytes::{BufMut, BytesMut};

/// Kind and length of a message.
pub(super) const HEADER_BYTES: usize = 5;

/// Cuts a stream of messages into its parts, whatever the pieces in which it comes.
#[derive(Default)]
pub(super) struct Cutter {
    pub header: BytesMut,
    /// Bytes of the body that are still to come.
    pub left: usize,
}

/// A part of a stream of messages.
pub(super) enum Part<'a> {
    /// The header is complete; this is the kind of message.
    Header(u8),
    /// Some of the body of the message whose header came last.
    Body(&'a [u8]),
    /// More is needed.
    None,
}

impl Cutter {
    /// Nothing of a message is there that is not complete.
    pub(super) fn is_between_messages(&self) -> bool {
        self.left == 0 && (self.header.is_empty() || self.header.len() == HEADER_BYTES)
    }

    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Part<'a> {
        if self.left > 0 {
            if input.is_empty() {
                return Part::None;
            }
            let (body, rest) = input.split_at(self.left.min(input.len()));
            self.left -= body.len();
            *input = rest;
            return Part::Body(body);
        }
        if self.header.len() == HEADER_BYTES {
            self.header.clear();
        }
        let (part, rest) = input.split_at((HEADER_BYTES - self.header.len()).min(input.len()));
        self.header.extend_from_slice(part);
        *input = rest;
        if self.header.len() < HEADER_BYTES {
            return Part::None;
        }
        let length = u32::from_be_bytes([self.header[1], self.header[2], self.header[3], self.header[4]]);
        self.left = (length as usize).saturating_sub(4);
        Part::Header(self.header[0])
    }
}

/// Adds a message whose body comes in parts.
pub(super) fn put(output: &mut BytesMut, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    output.put_u8(kind);
    // A message that came in fits its length, and goes out shorter.
    output.put_u32(u32::try_from(length + 4).unwrap_or(u32::MAX));
    for part in parts {
        output.extend_from_slice(part);
    }
}
