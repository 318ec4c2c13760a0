//! Connections: through a pooler, by TLS, to several servers, and by several processes that start at once.

mod migrations;
mod pooler;
mod servers;
mod tls;
