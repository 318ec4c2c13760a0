//! The only module that speaks PostgreSQL: connections, migrations, COPY, materializations, publish, ledger, lease.

pub mod connect;
mod copy;
pub mod fault;
pub mod frame;
pub mod load;

pub use connect::Warehouse;
