//! A TCP proxy between the program and its server that breaks as networks do.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Everything arrives at once.
    Fair,
    /// Every connection is reset, and new ones are refused.
    Cut,
    /// Nothing arrives and nobody is told: half-open connections, in both directions.
    BlackHole,
    /// Every piece arrives this much later.
    Delayed(Duration),
    /// So many bytes a second arrive, in each direction of each connection.
    Throttled(usize),
    /// Connections are reset once they carried so many bytes, so that the end falls into the midst of messages.
    CutAfter(usize),
}

/// A proxy at work.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy to a port of this machine.
    pub async fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (weather, follow) = watch::channel(Weather::Fair);
        let task = tokio::spawn(accept(listener, to, follow));
        Proxy { port, weather, task }
    }

    /// Changes the weather, for connections that are there and for new ones.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Where `quintile` reaches the shop through it.
    pub fn url(&self) -> String {
        format!("postgres://quintile@127.0.0.1:{}/shop", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: u16, weather: watch::Receiver<Weather>) {
    while let Ok((client, _)) = listener.accept().await {
        let now = *weather.borrow();
        if now == Weather::Cut {
            reset(&client);
            continue;
        }
        tokio::spawn(carry(client, to, weather.clone()));
    }
}

/// One connection, until either side ends it or the weather does.
async fn carry(client: TcpStream, to: u16, weather: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    // Each piece is one packet: the delay is the network's, not Nagle's.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let carried = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = weather.clone();
    tokio::select! {
        () = pump(from_client, to_server, weather.clone(), Arc::clone(&carried)) => {}
        () = pump(from_server, to_client, weather, carried) => {}
        _ = cut.wait_for(|now| *now == Weather::Cut) => {}
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    carried: Arc<std::sync::atomic::AtomicUsize>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let limit = match *weather.borrow() {
            Weather::Throttled(rate) => (rate / 20).clamp(1, buffer.len()),
            _ => buffer.len(),
        };
        let read = match from.read(&mut buffer[..limit]).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        // What was sent into the hole is lost with its connection; the hole outlasts it or ends in a reset.
        if *weather.borrow() == Weather::BlackHole {
            let _ = weather.wait_for(|now| *now != Weather::BlackHole).await;
            reset_half(&to);
            return;
        }
        let now = *weather.borrow();
        let before = carried.fetch_add(read, std::sync::atomic::Ordering::Relaxed);
        match now {
            Weather::Delayed(time) => tokio::time::sleep(time).await,
            Weather::Throttled(rate) => tokio::time::sleep(Duration::from_secs_f64(read as f64 / rate as f64)).await,
            Weather::CutAfter(most) if before + read > most => {
                // The first part of the message arrives, the rest never does.
                let _ = to.write_all(&buffer[..most.saturating_sub(before).min(read)]).await;
                reset_half(&to);
                return;
            }
            _ => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// The next close sends a reset instead of an orderly end.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

fn reset_half(half: &tokio::net::tcp::OwnedWriteHalf) {
    reset(half.as_ref());
}
