//! `[[lookup]]`: columns that another file gives to each row, by a key.

use super::FileFormat;
use std::path::PathBuf;

/// A file that gives columns to the rows of the one that is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// Relative to the folder of the file that is loaded.
    pub file: PathBuf,
    /// The column that both have; one that an earlier lookup gave will do.
    pub on: String,
    /// The columns that it gives.
    pub columns: Vec<String>,
    /// How that file is written.
    pub format: FileFormat,
}
