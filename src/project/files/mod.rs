//! A project's own files, read as dbt reads them: one module a kind of file, typed, all problems of a file at once.
//!
//! Pure: each reader takes the file's text and a function that renders templates. What a file says but nothing reads is
//! a warning with its line; what cannot be understood is an error.

pub mod config;
pub mod config_keys;
pub mod config_tree;
pub mod dbt_project;
pub mod packages;
mod problem;
pub mod profiles;
mod project_keys;
pub mod project_paths;
pub mod properties;
mod reader;
mod render;
pub mod selectors;
#[cfg(test)]
mod tests;
pub mod version;

pub use problem::{Level, Problem};
pub use render::{Render, has_jinja};
