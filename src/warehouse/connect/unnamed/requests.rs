//! What goes to the server: every statement without its name, and its text before each use.

use super::message::{Cutter, Part, put};
use super::turns::Turns;
use crate::project::lexer::{Kind, tokens};
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
    next_sync: Sync,
}

/// What becomes of a `Sync`.
#[derive(Clone, Copy, Default)]
enum Sync {
    #[default]
    Passes,
    /// It stands before the rows of a COPY. The server answers it where it refuses the COPY, and ignores it where it
    /// waits for rows: the driver counts wrongly in the one case, poolers in the other. Another comes after the rows.
    IsDropped,
    /// It belongs to a `Close`, which is answered here: there is nothing to close. It would go to the server behind a
    /// COPY, where poolers do not count it and take its answer for the end of what comes next.
    IsAnswered,
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
    pub(super) fn rewrite(&mut self, mut input: &[u8], output: &mut BytesMut, turns: &mut Turns) {
        self.pass_startup(&mut input, output);
        loop {
            match self.cutter.next(&mut input) {
                Part::None => return,
                Part::Header(kind @ (b'P' | b'B' | b'D' | b'C')) => {
                    self.held = Some((kind, BytesMut::with_capacity(self.cutter.left)));
                }
                Part::Header(b'S') => match std::mem::take(&mut self.next_sync) {
                    Sync::IsDropped => {}
                    Sync::IsAnswered => turns.close(),
                    Sync::Passes => {
                        turns.ask();
                        output.extend_from_slice(&self.cutter.header);
                    }
                },
                Part::Header(kind) => {
                    if kind == b'Q' {
                        turns.ask();
                    }
                    output.extend_from_slice(&self.cutter.header);
                }
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
                    if takes_rows(text) {
                        self.next_sync = Sync::IsDropped;
                    }
                }
                put(output, kind, &[&portal, b"\0\0", &values]);
            }
            // `S` is a statement, `P` a portal.
            b'C' if body.first() == Some(&b'S') => {
                self.statements.remove(&body[1..body.len().saturating_sub(1).max(1)]);
                self.next_sync = Sync::IsAnswered;
            }
            b'D' if body.first() == Some(&b'S') => put(output, kind, &[b"S\0"]),
            _ => put(output, kind, &[body]),
        }
    }
}

/// `COPY ... FROM STDIN`, which is all that the driver binds by name and that takes rows.
fn takes_rows(text: &[u8]) -> bool {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let sql = String::from_utf8_lossy(&text[..end]);
    let mut words = tokens(&sql).into_iter().filter(|token| token.kind == Kind::Word);
    words.next().is_some_and(|word| word.is_word("COPY")) && words.any(|word| word.is_word("STDIN"))
}

/// What stands before the first NUL, and what behind it.
fn cut_name(body: &Bytes) -> Option<(Bytes, Bytes)> {
    let end = body.iter().position(|byte| *byte == 0)?;
    Some((body.slice(..end), body.slice(end + 1..)))
}
