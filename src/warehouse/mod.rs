//! The only module that speaks PostgreSQL: connections, migrations, COPY, materializations, publish, ledger, lease.

mod attach;
pub mod connect;
mod contract;
mod copy;
mod detach;
pub mod export;
pub mod fault;
mod fence;
pub mod frame;
pub mod gc;
pub mod gc_bound;
pub mod gc_standing;
mod hidden_reads;
pub mod in_place;
pub mod invocations;
pub mod lease;
pub mod load;
pub mod materialize;
pub mod migrate;
pub mod pages;
mod patience;
pub mod preflight;
mod public_view;
pub mod publish;
pub mod rollback;
pub mod run_detail;
pub mod run_models;
pub mod runs;
pub mod slot_look;
pub mod slots;
pub mod sources;
pub mod statement;
pub mod superseded;
mod unpublish;
pub mod workspace;

pub use connect::Warehouse;
