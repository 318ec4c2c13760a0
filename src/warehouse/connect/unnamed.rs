//! A filter on the wire that takes the names off prepared statements.
//!
//! The driver names a statement (`s0`, `s1`, ...) wherever it asks the server about one: to describe it, to look up a
//! type, to begin a COPY. Between two messages a pooler in transaction mode may change the server, where the name is
//! unknown or is another process's. So the filter keeps the text of every named statement, lets the server see the
//! unnamed one only, and sends the text again before each use. Nothing is left behind on any server, and nothing has
//! to be closed there.

mod message;
mod requests;
mod responses;
mod turns;

use bytes::{Buf, BytesMut};
use requests::Requests;
use responses::Responses;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};
use turns::Turns;

/// What may wait to be written before the writer has to wait too.
const MOST_PENDING: usize = 256 * 1024;
/// What is read at once.
const READ_BYTES: usize = 32 * 1024;

/// A stream to a server, from its startup message on.
pub(super) struct Unnamed<S> {
    inner: S,
    requests: Requests,
    /// Rewritten, not written yet.
    unwritten: BytesMut,
    responses: Responses,
    /// Rewritten, not read yet.
    unread: BytesMut,
    /// Waits for more to read.
    reader: Option<Waker>,
    turns: Turns,
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
            reader: None,
            turns: Turns::default(),
            buffer: vec![0; READ_BYTES].into(),
        }
    }
}

impl<S: TlsStream + Unpin> TlsStream for Unnamed<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unnamed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, wanted: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            let mut buffer = ReadBuf::new(&mut this.buffer);
            let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(cx, &mut buffer) else {
                this.reader = Some(cx.waker().clone());
                return Poll::Pending;
            };
            read?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.responses.rewrite(buffer.filled(), &mut this.unread, &mut this.turns);
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
        this.requests.rewrite(input, &mut this.unwritten, &mut this.turns);
        if this.responses.put_due(&mut this.unread, &mut this.turns)
            && let Some(reader) = this.reader.take()
        {
            reader.wake();
        }
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
    use super::message::put;
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
            let (mut requests, mut turns, mut output) = (Requests::default(), Turns::default(), BytesMut::new());
            pieces.for_each(|piece| requests.rewrite(piece, &mut output, &mut turns));
            output.to_vec()
        });
        output.strip_prefix(STARTUP).expect("the startup message passes as it is").to_vec()
    }

    fn received(messages: &[Vec<u8>]) -> Vec<u8> {
        rewritten(&messages.concat(), |pieces| {
            let (mut responses, mut turns, mut output) = (Responses::default(), Turns::default(), BytesMut::new());
            pieces.for_each(|piece| responses.rewrite(piece, &mut output, &mut turns));
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
            sync.clone(),
            bind("s1"),
        ]);
        let expected = [parse(""), message(b'D', b"S\0"), sync.clone(), parse(""), bind(""), sync, bind("")];
        assert_eq!(output, expected.concat());
    }

    #[test]
    fn a_close_is_answered_here_in_its_turn() {
        let (close, sync) = (message(b'C', b"Ss1\0"), message(b'S', b""));
        let (query, ready) = (message(b'Q', b"SELECT 1\0"), message(b'Z', b"T"));
        let (complete, setting) = (message(b'C', b"SELECT 1\0"), message(b'S', b"TimeZone\0UTC\0"));
        let closed = [message(b'3', b""), message(b'Z', b"I")].concat();
        let (mut requests, mut responses, mut turns) = Default::default();
        let mut output = BytesMut::new();
        let mut send = |messages: &[&[u8]], turns: &mut Turns| {
            Requests::rewrite(&mut requests, &messages.concat(), &mut BytesMut::new(), turns);
        };
        let mut receive = |bytes: &[u8], turns: &mut Turns| {
            Responses::rewrite(&mut responses, bytes, &mut output, turns);
            responses.put_due(&mut output, turns);
            output.split().to_vec()
        };
        send(&[STARTUP], &mut turns);
        assert_eq!(receive(&ready, &mut turns), ready);
        send(&[&query, &close, &sync, &query, &close, &sync, &close, &sync], &mut turns);
        assert_eq!(receive(&complete, &mut turns), complete);
        assert_eq!(receive(&ready, &mut turns), [&ready[..], &closed].concat());
        assert_eq!(receive(&ready, &mut turns), [&ready[..], &closed, &closed].concat());
        // At once where nothing is awaited, but never within a message.
        assert_eq!(receive(&setting[..3], &mut turns), b"");
        send(&[&close, &sync], &mut turns);
        assert_eq!(receive(&setting[3..8], &mut turns), setting[..8]);
        assert_eq!(receive(&setting[8..], &mut turns), [&setting[8..], &closed].concat());
        send(&[&close, &sync], &mut turns);
        assert_eq!(receive(b"", &mut turns), closed);
    }

    #[test]
    fn a_copy_is_synchronised_once_after_its_rows() {
        let parse = message(b'P', b"s1\0-- Rows.\nCOPY a FROM STDIN\0\0\0");
        let (bind, execute) = (message(b'B', b"\0s1\0\0\0\0\0\0\0"), message(b'E', b"\0\0\0\0\0"));
        let (row, done, sync) = (message(b'd', b"1\n"), message(b'c', b""), message(b'S', b""));
        let unnamed = message(b'P', b"\0-- Rows.\nCOPY a FROM STDIN\0\0\0");
        let input = [&parse, &sync, &bind, &execute, &sync, &row, &done, &sync, &sync].map(Clone::clone);
        let bound = message(b'B', b"\0\0\0\0\0\0\0\0");
        let expected = [&unnamed, &sync, &unnamed, &bound, &execute, &row, &done, &sync, &sync].map(Clone::clone);
        assert_eq!(sent(&input), expected.concat());
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
