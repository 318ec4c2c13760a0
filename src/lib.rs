//! Quintile keeps a company's customer intelligence fresh inside its own PostgreSQL.
//!
//! The map, in the order data flows. A module uses only what stands above it, and `tests/it/tidy.rs` holds that:
//!
//! | module | turns | into |
//! |---|---|---|
//! | [`error`] | anything that went wrong | kind, message, detail, hint, exit code |
//! | [`crash_point`] | a test's wish | a process that dies, fails or waits at a numbered point |
//! | [`config`] | files, environment, secret files | checked [`config::Settings`] |
//! | [`embedded`] | server binaries found on the machine | a private local PostgreSQL |
//! | [`project`] (pure) | `(path, text)` pairs | models or a manifest, graph, compiled SQL, data tests |
//! | [`analytics`] (pure) | a [`analytics::Frame`] of features, a seed | clusters, lifetime values, generated shops, explanations |
//! | [`warehouse`] | requests | statements to PostgreSQL; the only module that speaks to it |
//! | [`ingest`] | files of every kind, a generated shop | rows of the raw tables, rejected rows kept |
//! | [`pipeline`] | a project and a warehouse | a published run, or relations in place |
//! | [`serve`] | schedules and requests | runs, pages, health, metrics |
//! | [`cli`] | arguments | calls of the above, printed |

pub mod analytics;
pub mod cli;
pub mod config;
pub mod crash_point;
pub mod embedded;
pub mod error;
pub mod ingest;
pub mod pipeline;
pub mod project;
pub mod serve;
pub mod warehouse;
