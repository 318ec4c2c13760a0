//! The only module that speaks PostgreSQL: connections, migrations, COPY, materializations, publish, ledger, lease.

pub mod connect;
pub mod fault;

pub use connect::Warehouse;
