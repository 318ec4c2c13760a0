//! One POST to a webhook: HTTP/1.1 over TCP or TLS, one connection a message. A redirection is no success: a receiver
//! that was not named gets nothing.

use crate::error::{Error, Result};
use axum::body::Bytes;
use axum::http::uri::Scheme;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Whom messages go to.
#[derive(Clone)]
pub(super) struct Webhook {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    timeout: Duration,
}

impl Webhook {
    /// Understands the address; for `https` with the certificates that the system trusts.
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Webhook> {
        let wrong = || Error::config("setting \"alerts.webhook_url\" is no address that can be reached by HTTP");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
        let is_encrypted = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let tls = if is_encrypted { Some(connector()?) } else { None };
        Ok(Webhook { uri, host, port, tls, timeout })
    }

    /// Posts a message; the answer's status, or why there is none. What is told never names the address.
    pub(super) async fn post(
        &self,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> std::result::Result<StatusCode, String> {
        match tokio::time::timeout(self.timeout, self.try_post(headers, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", self.timeout.as_secs())),
        }
    }

    async fn try_post(
        &self,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> std::result::Result<StatusCode, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|e| format!("the receiver cannot be reached: {e}"))?;
        match &self.tls {
            None => self.send(stream, headers, body).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(|e| format!("the receiver's name: {e}"))?;
                let stream = tls.connect(name, stream).await.map_err(|e| format!("no encrypted connection: {e}"))?;
                self.send(stream, headers, body).await
            }
        }
    }

    async fn send<S>(
        &self,
        stream: S,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> std::result::Result<StatusCode, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let told = |e: hyper::Error| format!("the connection broke off: {e}");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
        let connection = tokio::spawn(connection);
        let target = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.uri.authority().map_or(self.host.as_str(), |authority| authority.as_str());
        let mut request = Request::post(target)
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("quintile/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|e| format!("the message: {e}"))?;
        let answer = sender.send_request(request).await.map_err(told);
        connection.abort();
        Ok(answer?.status())
    }
}

fn connector() -> Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(Error::config("no certificates of authorities are found on this system")
            .detail("alerts.webhook_url is https, and nobody vouches for its server.")
            .hint("install the package ca-certificates, or set SSL_CERT_FILE"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::config("TLS cannot be set up").source(e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
