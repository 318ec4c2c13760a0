//! The only module that speaks PostgreSQL: connections, migrations, COPY, materializations, publish, ledger, lease.

pub mod connect;
pub mod export;
pub mod fault;
pub mod lease;
pub mod pages;
pub mod slots;

pub use connect::Warehouse;
