//! The one integration binary: every test gets a database of its own on a real PostgreSQL.

mod carry;
mod cli;
mod contract;
mod crash_points;
mod daemon;
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
mod papers;
mod pointers;
mod preflight;
mod publish;
mod readers;
mod shop;
mod tidy;
