//! A filter on the wire that takes the names off prepared statements.
//!
//! The driver names a statement (`s0`, `s1`, ...) wherever it asks the server about one: to describe it, to look up a
//! type, to begin a COPY. Between two messages a pooler in transaction mode may change the server, where the name is
//! unknown or is another process's. So the filter keeps the text of every named statement, lets the server see the
//! unnamed one only, and sends the text again before each use. Nothing is left behind on any server.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// What may wait to be written before the writer has to wait too.
const MOST_PENDING: usize = 256 * 1024;
/// What is read at once.
const READ_BYTES: usize = 32 * 1024;
/// Kind and length of a message.
const HEADER_BYTES: usize = 5;
/// The whole of `ParseComplete`.
const PARSE_COMPLETE: [u8; HEADER_BYTES] = [b'1', 0, 0, 0, 4];

/// A stream to a server, from its startup message on.
pub(super) struct Unnamed<S> {
    inner: S,
    requests: Requests,
    /// Rewritten, not written yet.
    unwritten: BytesMut,
    responses: Responses,
    /// Rewritten, not read yet.
    unread: BytesMut,
    buffer: Box<[u8]>,
}

impl<S> Unnamed<S> {
    pub(super) fn new(inner: S) -> Unnamed<S> {
        Unnamed {
            inner,
            requests: Requests::default(),
            unwritten: BytesMut::new(),
            responses: Responses::default(),
            unread: BytesMut::new(),
            buffer: vec![0; READ_BYTES].into(),
        }
    }
}

impl<S: TlsStream + Unpin> TlsStream for Unnamed<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

/// Cuts a stream of messages into its parts, whatever the pieces in which it comes.
#[derive(Default)]
struct Cutter {
    header: BytesMut,
    /// Bytes of the body that are still to come.
    left: usize,
}

/// A part of a stream of messages.
enum Part<'a> {
    /// The header is complete; this is the kind of message.
    Header(u8),
    /// Some of the body of the message whose header came last.
    Body(&'a [u8]),
    /// More is needed.
    None,
}

impl Cutter {
    fn next<'a>(&mut self, input: &mut &'a [u8]) -> Part<'a> {
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

/// The way to the server.
#[derive(Default)]
struct Requests {
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
    fn rewrite(&mut self, mut input: &[u8], output: &mut BytesMut) {
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

fn put(output: &mut BytesMut, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    output.put_u8(kind);
    // A message that came in fits its length, and goes out shorter.
    output.put_u32(u32::try_from(length + 4).unwrap_or(u32::MAX));
    for part in parts {
        output.extend_from_slice(part);
    }
}

/// The way from the server.
#[derive(Default)]
struct Responses {
    cutter: Cutter,
    /// A `ParseComplete` whose fate the next message decides.
    is_withheld: bool,
}

impl Responses {
    /// The driver waits for `ParseComplete` only where it asked for a description, which then follows. All others are
    /// answers to what the filter sent, or are ignored by the driver.
    fn rewrite(&mut self, mut input: &[u8], output: &mut BytesMut) {
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
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unnamed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, wanted: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            let mut buffer = ReadBuf::new(&mut this.buffer);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.responses.rewrite(buffer.filled(), &mut this.unread);
        }
        let count = this.unread.len().min(wanted.remaining());
        wanted.put_slice(&this.unread[..count]);
        this.unread.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Unnamed<S> {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unwritten.is_empty() {
            let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.unwritten))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unwritten.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unnamed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, input: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.unwritten.len() > MOST_PENDING {
            ready!(this.poll_drain(cx))?;
        }
        this.requests.rewrite(input, &mut this.unwritten);
        Poll::Ready(Ok(input.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        put(&mut bytes, kind, &[body]);
        bytes.to_vec()
    }

    const STARTUP: &[u8] = b"\0\0\0\x0c\0\x03\0\0Bind";

    /// What comes out, the same whatever the pieces in which it goes in.
    fn rewritten(input: &[u8], rewrite: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> Vec<u8>) -> Vec<u8> {
        let whole = rewrite(&mut [input].into_iter());
        for size in 1..8 {
            assert_eq!(rewrite(&mut input.chunks(size)), whole, "in pieces of {size}");
        }
        whole
    }

    fn sent(messages: &[Vec<u8>]) -> Vec<u8> {
        let input = [STARTUP.to_vec(), messages.concat()].concat();
        let output = rewritten(&input, |pieces| {
            let (mut requests, mut output) = (Requests::default(), BytesMut::new());
            pieces.for_each(|piece| requests.rewrite(piece, &mut output));
            output.to_vec()
        });
        output.strip_prefix(STARTUP).expect("the startup message passes as it is").to_vec()
    }

    fn received(messages: &[Vec<u8>]) -> Vec<u8> {
        rewritten(&messages.concat(), |pieces| {
            let (mut responses, mut output) = (Responses::default(), BytesMut::new());
            pieces.for_each(|piece| responses.rewrite(piece, &mut output));
            output.to_vec()
        })
    }

    #[test]
    fn a_named_statement_is_sent_again_before_each_use() {
        let parse = |name: &str| message(b'P', format!("{name}\0SELECT $1\0\0\x01\0\0\0\x14").as_bytes());
        let bind = |name: &str| message(b'B', format!("\0{name}\0\0\0\0\0").as_bytes());
        let sync = message(b'S', b"");
        let output = sent(&[
            parse("s1"),
            message(b'D', b"Ss1\0"),
            sync.clone(),
            bind("s1"),
            sync.clone(),
            message(b'C', b"Ss1\0"),
            bind("s1"),
        ]);
        let expected = [
            parse(""),
            message(b'D', b"S\0"),
            sync.clone(),
            parse(""),
            bind(""),
            sync,
            message(b'C', b"S\0"),
            bind(""),
        ];
        assert_eq!(output, expected.concat());
    }

    #[test]
    fn everything_else_passes_as_it_is() {
        let messages = [
            message(b'P', b"\0SELECT 1\0\0\0"),
            message(b'B', b"\0\0\0\0\0\0"),
            message(b'D', b"Pportal\0"),
            message(b'Q', b"PREPARE s1 AS SELECT 1\0"),
            message(b'd', &[b'P'; 100]),
            message(b'c', b""),
        ];
        assert_eq!(sent(&messages), messages.concat());
    }

    #[test]
    fn only_a_description_keeps_the_answer_before_it() {
        let (parsed, notice) = (message(b'1', b""), message(b'N', b"x"));
        let (described, bound, row) = (message(b't', b"\0\0"), message(b'2', b""), message(b'D', b"\0\x01\0\0\0\x011"));
        let failed = message(b'E', b"SERROR\0\0");
        let output = received(&[
            parsed.clone(),
            notice.clone(),
            described.clone(),
            parsed.clone(),
            bound.clone(),
            row.clone(),
            parsed.clone(),
            failed.clone(),
            described.clone(),
        ]);
        assert_eq!(output, [notice, parsed, described.clone(), bound, row, failed, described].concat());
    }
}
