//! The only module that speaks PostgreSQL: connections, migrations, COPY, materializations, publish, ledger, lease.

pub mod connect;
pub mod fault;
pub mod gc;
pub mod materialize;
pub mod migrate;
pub mod publish;
pub mod rollback;
pub mod runs;
pub mod statement;
pub mod workspace;

pub use connect::Warehouse;
