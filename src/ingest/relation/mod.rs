//! A source that is a relation of the database: its mapping becomes models of the project, and nothing is copied.
//!
//! The reader of files in SQL, recipe by recipe. What a file's row is rejected for, a relation's row is left out and
//! counted for; what the database cannot say, the mapping is refused for.

mod column;
mod instant;
mod judge;
mod number;
mod rows;
mod staging;
#[cfg(test)]
mod tests;
mod text;

pub use instant::{FIELDS, is_format};
pub use staging::{LONGEST_NAME, RelationSource, TABLES_VARIABLE, files, is_model_name, read_model};
