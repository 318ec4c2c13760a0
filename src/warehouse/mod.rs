//! The only module that speaks PostgreSQL: connections, migrations, COPY, materializations, publish, ledger, lease.

pub mod connect;
mod contract;
mod copy;
pub mod export;
pub mod fault;
mod fence;
pub mod frame;
pub mod gc;
pub mod gc_standing;
pub mod in_place;
pub mod invocations;
pub mod lease;
pub mod load;
pub mod materialize;
pub mod migrate;
pub mod pages;
mod patience;
mod public_view;
pub mod publish;
pub mod rollback;
pub mod run_detail;
pub mod runs;
pub mod slots;
pub mod statement;
pub mod superseded;
mod unpublish;
pub mod workspace;

pub use connect::Warehouse;
