//! The way to one server: a socket that notices when nobody answers, encrypted or not.

use crate::config::libpq::{Connection, Keepalives};
use rustix::net::sockopt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

/// `SSLRequest` of the protocol.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Where a server was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// By TCP.
    Tcp(SocketAddr),
    /// By the socket of this path.
    Unix(PathBuf),
}

/// How to reach one server again, as a request to cancel must.
#[derive(Clone)]
pub(super) struct Peer {
    pub address: Address,
    /// The name for which its certificate must be, and how to begin; `None` is not encrypted.
    pub tls: Option<Handshake>,
    pub keepalives: Option<Keepalives>,
    pub tcp_user_timeout: Option<Duration>,
}

/// How encryption begins.
#[derive(Clone)]
pub(super) struct Handshake {
    pub connector: MakeRustlsConnect,
    pub name: String,
    /// Without asking first.
    pub is_direct: bool,
    /// Goes on without encryption where the server has none.
    pub is_optional: bool,
}

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::Stream;

/// An open way to a server.
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<Encrypted>),
}

/// Why there is no way.
#[derive(Debug)]
pub(super) enum NoWay {
    /// Nobody answers, or not in the right way.
    Io(io::Error),
    /// The server has no TLS.
    NoTls,
    /// One side does not accept the other.
    Handshake(io::Error),
}

impl Peer {
    pub(super) fn new(address: Address, tls: Option<Handshake>, connection: &Connection) -> Peer {
        Peer { address, tls, keepalives: connection.keepalives, tcp_user_timeout: connection.tcp_user_timeout }
    }

    /// Opens a way to the server.
    pub(super) async fn open(&self) -> Result<Transport, NoWay> {
        let mut stream = match &self.address {
            Address::Unix(path) => return Ok(Transport::Unix(UnixStream::connect(path).await.map_err(NoWay::Io)?)),
            Address::Tcp(address) => TcpStream::connect(address).await.map_err(NoWay::Io)?,
        };
        self.tune(&stream).map_err(NoWay::Io)?;
        let Some(handshake) = &self.tls else { return Ok(Transport::Tcp(stream)) };
        if !handshake.is_direct {
            stream.write_all(&SSL_REQUEST).await.map_err(NoWay::Io)?;
            // One byte and no more: what follows it in plain text must not be taken for a part of the session.
            let mut answer = [0];
            stream.read_exact(&mut answer).await.map_err(NoWay::Io)?;
            if answer != *b"S" {
                return if handshake.is_optional { Ok(Transport::Tcp(stream)) } else { Err(NoWay::NoTls) };
            }
        }
        let mut connector = handshake.connector.clone();
        let made = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut connector, &handshake.name);
        let Ok(connect) = made;
        Ok(Transport::Tls(Box::new(connect.connect(stream).await.map_err(NoWay::Handshake)?)))
    }

    /// A connection to a machine that has gone must end by itself.
    fn tune(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if let Some(keepalives) = self.keepalives {
            sockopt::set_socket_keepalive(stream, true)?;
            sockopt::set_tcp_keepidle(stream, keepalives.idle)?;
            sockopt::set_tcp_keepintvl(stream, keepalives.interval)?;
            sockopt::set_tcp_keepcnt(stream, keepalives.count)?;
        }
        if let Some(timeout) = self.tcp_user_timeout {
            sockopt::set_tcp_user_timeout(stream, u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX))?;
        }
        Ok(())
    }
}

impl Transport {
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Transport::Tls(_))
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

impl TlsStream for Transport {
    fn channel_binding(&self) -> ChannelBinding {
        match self {
            Transport::Tls(stream) => stream.channel_binding(),
            _ => ChannelBinding::none(),
        }
    }
}

/// Tells the driver that encryption stands already; the driver then uses it for SCRAM's channel binding.
pub(super) struct Standing;

impl<S: TlsStream + Unpin> TlsConnect<S> for Standing {
    type Stream = S;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<S>>;

    fn connect(self, stream: S) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_silent_machine_is_noticed_by_the_system() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = Address::Tcp(listener.local_addr().expect("its number"));
        let keepalives = Keepalives { idle: Duration::from_secs(7), interval: Duration::from_secs(3), count: 2 };
        let tcp_user_timeout = Some(Duration::from_millis(4500));
        let peer = Peer { address, tls: None, keepalives: Some(keepalives), tcp_user_timeout };
        let Ok(Transport::Tcp(stream)) = peer.open().await else { panic!("connected") };
        assert!(sockopt::socket_keepalive(&stream).expect("told"));
        assert_eq!(sockopt::tcp_keepidle(&stream).expect("told"), keepalives.idle);
        assert_eq!(sockopt::tcp_keepintvl(&stream).expect("told"), keepalives.interval);
        assert_eq!(sockopt::tcp_keepcnt(&stream).expect("told"), keepalives.count);
        assert_eq!(sockopt::tcp_user_timeout(&stream).expect("told"), 4500);
    }
}
