//! Connections: through a pooler, by TLS, to several servers, over a silent network, and by several processes that start at once.

mod fewest;
mod lost_commit;
mod migrations;
mod pooler;
mod refused_copy;
mod servers;
mod silence;
mod tls;
