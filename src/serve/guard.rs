//! What every request passes: method and host are checked, every answer gets its headers, every answer is counted.

use super::http::App;
use super::page;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::net::SocketAddr;

/// No script from elsewhere, no frame, no form to elsewhere: the pages need none of it.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// The middleware around all routes.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let class = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    // There each route tells which methods it has.
    let is_api = app.settings.serve.api_token.is_some() && request.uri().path().starts_with("/api/");
    let mut response = if !is_read && !is_api {
        let mut refused = page::message(StatusCode::METHOD_NOT_ALLOWED, "Not here", "These pages can only be read.");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    } else if !app.hosts.allows(host) {
        let why = "The name in the address is not this machine's own. Use localhost or 127.0.0.1.";
        page::message(StatusCode::MISDIRECTED_REQUEST, "Wrong address", why)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    app.metrics.request(&class, response.status().as_u16());
    response
}

/// Names under which this server may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Listening on the network: names are given by others.
    Any,
    /// Listening on loopback: a foreign name that leads here is an attack by DNS rebinding.
    Loopback,
}

impl Hosts {
    pub(super) fn of(listening: SocketAddr) -> Hosts {
        if listening.ip().is_loopback() { Hosts::Loopback } else { Hosts::Any }
    }

    fn allows(self, host: Option<&str>) -> bool {
        let Some(host) = host.filter(|_| self == Hosts::Loopback) else { return true };
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => host.split(':').next(),
        };
        let name = name.unwrap_or_default().to_ascii_lowercase();
        name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_loopback_only_own_names_are_answered() {
        let own = ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "127.9.9.9"];
        assert!(own.iter().all(|host| Hosts::Loopback.allows(Some(host))));
        let foreign =
            ["evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1", "", "[fe80::1]"];
        assert!(!foreign.iter().any(|host| Hosts::Loopback.allows(Some(host))));
        assert!(Hosts::Any.allows(Some("quintile.example")));
    }
}
