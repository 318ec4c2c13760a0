//! The one integration binary: every test gets a database of its own on a real PostgreSQL.

mod api;
mod carry;
mod cli;
mod contract;
mod daemon;
mod dashboard;
mod dbt;
mod dbt_macros;
mod dbt_manifest;
mod deploy;
mod embedded;
mod errors;
mod frame;
mod harness;
mod in_place;
mod ingest;
mod introspection;
mod once;
mod papers;
mod pointers;
mod publish;
mod readers;
mod shop;
mod slots;
mod tidy;
