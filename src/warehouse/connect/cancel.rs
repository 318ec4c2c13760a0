//! Cancelling: a second way to the server, which asks it to stop what runs on the first.

use super::transport::{NoWay, Peer, Standing};
use futures_util::FutureExt;
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// How long a request to cancel may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Where the server of each living connection is, by the request that cancels there.
///
/// The pool keeps nothing of ours beside a connection; but the request names the connection, on any server.
#[derive(Clone, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<Vec<u8>, Peer>>>);

/// An entry of [`Peers`], which leaves with this value.
pub(super) struct Listed {
    peers: Peers,
    request: Vec<u8>,
}

impl Peers {
    /// Remembers where `client` is connected to.
    pub(super) fn list(&self, client: &Client, peer: Peer) -> Listed {
        let request = request(client);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(request.clone(), peer);
        Listed { peers: self.clone(), request }
    }

    /// What stops the statements of `client`.
    pub(super) fn canceller(&self, client: &Client) -> Canceller {
        let request = request(client);
        let peer = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&request).cloned();
        Canceller { request, peer }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.peers.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.request);
    }
}

/// What stops the statement of one connection; it lives on when the connection is at work.
#[derive(Clone)]
pub struct Canceller {
    request: Vec<u8>,
    /// `None` where the connection has ended already.
    peer: Option<Peer>,
}

impl Canceller {
    /// Asks the server to stop what runs; it may come late, when the next statement runs.
    pub(in crate::warehouse) async fn cancel(&self) {
        let Some(peer) = &self.peer else { return };
        let asked = async {
            let mut transport = peer.open().await.map_err(|e| match e {
                NoWay::Io(e) | NoWay::Handshake(e) => e.to_string(),
                NoWay::NoTls => "server has no TLS".into(),
            })?;
            transport.write_all(&self.request).await.map_err(|e| e.to_string())?;
            transport.shutdown().await.map_err(|e| e.to_string())
        };
        let outcome = timeout(LIMIT, asked).await.unwrap_or_else(|_| Err("no answer in time".into()));
        if let Err(reason) = outcome {
            tracing::warn!(reason, "a statement could not be cancelled");
        }
    }
}

/// The request that cancels on this connection. The driver knows it, and tells it only on its way to a server.
fn request(client: &Client) -> Vec<u8> {
    let mut written = Vec::new();
    // Memory takes everything at once.
    let told = client.cancel_token().cancel_query_raw(Memory(&mut written), Standing).now_or_never();
    debug_assert!(matches!(told, Some(Ok(()))), "{told:?}");
    written
}

/// A way that leads nowhere and keeps what is written.
struct Memory<'a>(&'a mut Vec<u8>);

impl AsyncWrite for Memory<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Memory<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Memory<'_> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
