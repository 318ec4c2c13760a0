//! What goes to the server: every statement without its name, and its text before each use.

use super::message::{Cutter, Part, put};
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;

/// The way to the server.
#[derive(Default)]
pub(super) struct Requests {
    cutter: Cutter,
    /// The first message, which has no kind.
    startup: Startup,
    /// A message about a statement, as far as it is there.
    held: Option<(u8, BytesMut)>,
    /// What follows the name in the message that made each statement.
    statements: HashMap<Bytes, Bytes>,
}

enum Startup {
    /// Its length, as far as it is there.
    Length(BytesMut),
    /// Bytes that are still to come.
    Left(usize),
    Passed,
}

impl Default for Startup {
    fn default() -> Startup {
        Startup::Length(BytesMut::new())
    }
}

impl Requests {
    pub(super) fn rewrite(&mut self, mut input: &[u8], output: &mut BytesMut) {
        self.pass_startup(&mut input, output);
        loop {
            match self.cutter.next(&mut input) {
                Part::None => return,
                Part::Header(kind @ (b'P' | b'B' | b'D' | b'C')) => {
                    self.held = Some((kind, BytesMut::with_capacity(self.cutter.left)));
                }
                Part::Header(_) => output.extend_from_slice(&self.cutter.header),
                Part::Body(body) => match &mut self.held {
                    None => output.extend_from_slice(body),
                    Some((_, held)) => held.extend_from_slice(body),
                },
            }
            if self.cutter.left == 0
                && let Some((kind, body)) = self.held.take()
            {
                self.rewrite_message(kind, &body.freeze(), output);
            }
        }
    }

    fn pass_startup(&mut self, input: &mut &[u8], output: &mut BytesMut) {
        loop {
            match &mut self.startup {
                Startup::Length(length) => {
                    let (part, rest) = input.split_at((4 - length.len()).min(input.len()));
                    length.extend_from_slice(part);
                    output.extend_from_slice(part);
                    *input = rest;
                    if length.len() < 4 {
                        return;
                    }
                    let left = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
                    self.startup = Startup::Left(left.saturating_sub(4));
                }
                Startup::Left(left) => {
                    let (part, rest) = input.split_at((*left).min(input.len()));
                    *left -= part.len();
                    output.extend_from_slice(part);
                    *input = rest;
                    if *left > 0 {
                        return;
                    }
                    self.startup = Startup::Passed;
                }
                Startup::Passed => return,
            }
        }
    }

    /// A whole message about a statement.
    fn rewrite_message(&mut self, kind: u8, body: &Bytes, output: &mut BytesMut) {
        match kind {
            b'P' => {
                let Some((name, text)) = cut_name(body) else { return put(output, kind, &[body]) };
                put(output, kind, &[b"\0", &text]);
                if !name.is_empty() {
                    self.statements.insert(name, text);
                }
            }
            b'B' => {
                let Some((portal, rest)) = cut_name(body) else { return put(output, kind, &[body]) };
                let Some((name, values)) = cut_name(&rest) else { return put(output, kind, &[body]) };
                // Its answer is dropped on the way back.
                if let Some(text) = self.statements.get(&name) {
                    put(output, b'P', &[b"\0", text]);
                }
                put(output, kind, &[&portal, b"\0\0", &values]);
            }
            // Describe and Close: `S` is a statement, `P` a portal.
            _ if body.first() == Some(&b'S') => {
                if kind == b'C' {
                    self.statements.remove(&body[1..body.len().saturating_sub(1).max(1)]);
                }
                put(output, kind, &[b"S\0"]);
            }
            _ => put(output, kind, &[body]),
        }
    }
}

/// What stands before the first NUL, and what behind it.
fn cut_name(body: &Bytes) -> Option<(Bytes, Bytes)> {
    let end = body.iter().position(|byte| *byte == 0)?;
    Some((body.slice(..end), body.slice(end + 1..)))
}
