//! The one integration binary: every test gets a database of its own on a real PostgreSQL.

mod deploy;
mod embedded;
mod frame;
mod harness;
mod publish;
mod readers;
mod shop;
mod tidy;
