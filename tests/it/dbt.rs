//! Projects with a `dbt_project.yml` on a real PostgreSQL: what they build, and every error their authors may meet.

mod bad;
mod commands;
mod data_tests;
mod faults;
mod history;
mod identifiers;
mod shop;
pub mod support;
mod surroundings;
