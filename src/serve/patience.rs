//! The start of a daemon whose database does not answer yet: it waits, alive but not ready, instead of crashing in a loop.

use super::backoff;
use super::leader::stopped;
use crate::error::{Error, Result};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::future::IntoFuture;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

/// Opens what the daemon works on; tries again with growing pauses while the fault may pass, at most for `patience`.
///
/// Meanwhile `listener` answers: `/livez` with 200, all else with 503. Nothing is returned when a stop came first.
pub async fn patiently<T>(
    listener: TcpListener,
    patience: Duration,
    mut stop: watch::Receiver<bool>,
    open: impl AsyncFn() -> Result<T>,
) -> Result<Option<(TcpListener, T)>> {
    let deadline = Instant::now() + patience;
    let refused = |e| Error::config("address of the server cannot be used").source(e);
    let listener = listener.into_std().map_err(refused)?;
    let shared = || listener.try_clone().and_then(TcpListener::from_std).map_err(refused);
    let server = axum::serve(shared()?, unready()).into_future();
    // It is asked for the first time after the first refusal.
    tokio::pin!(server);
    let opened = async {
        let mut tries = 0;
        loop {
            let error = match open().await {
                Err(e) if e.may_pass() && Instant::now() < deadline => e,
                opened => return opened,
            };
            let pause = backoff::pause(tries.min(2), std::process::id()).min(deadline - Instant::now());
            tracing::warn!(error = %error, pause_ms = pause.as_millis(), "database does not answer yet; trying again");
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    };
    tokio::select! {
        opened = opened => opened.and_then(|opened| Ok(Some((shared()?, opened)))),
        ended = &mut server => Err(Error::failed("server of the pages broke off").source(ended.err().unwrap_or_else(|| std::io::Error::other("ended")))),
        () = stopped(&mut stop) => Ok(None),
    }
}

fn unready() -> Router {
    let not_yet = async || (StatusCode::SERVICE_UNAVAILABLE, "database does not answer\n");
    Router::new().route("/livez", get(async || (StatusCode::OK, "alive\n"))).fallback(not_yet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    }

    #[tokio::test]
    async fn it_waits_alive_until_the_database_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (_keep, stop) = watch::channel(false);
        let tries = AtomicU32::new(0);
        let open = async || match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::unreachable("gone")),
            _ => Ok(ask(address, "/livez").await + &ask(address, "/readyz").await),
        };
        let opened = patiently(listener, Duration::from_secs(60), stop, open).await.expect("opened");
        let (listener, answers) = opened.expect("no stop");
        assert!(answers.starts_with("HTTP/1.1 200") && answers.contains("HTTP/1.1 503"), "{answers}");
        assert_eq!(listener.local_addr().expect("an address"), address);
    }

    #[tokio::test]
    async fn it_gives_up_on_other_faults_when_patience_ends_and_at_a_stop() {
        let (keep, stop) = watch::channel(false);
        let listener = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gone = async || Err::<(), _>(Error::unreachable("gone"));
        let told = patiently(listener().await, Duration::ZERO, stop.clone(), gone).await;
        assert_eq!(told.expect_err("patience is over").message, "gone");
        let wrong = async || Err::<(), _>(Error::config("wrong"));
        let told = patiently(listener().await, Duration::from_secs(60), stop.clone(), wrong).await;
        assert_eq!(told.expect_err("will not pass").message, "wrong");
        keep.send_replace(true);
        assert!(patiently(listener().await, Duration::from_secs(60), stop, gone).await.expect("no error").is_none());
    }
}
