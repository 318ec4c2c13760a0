//! The one integration binary: every test gets a database of its own on a real PostgreSQL.

mod embedded;
mod harness;
mod tidy;
