//! `quintile ingest --infer`: a mapping for a file nobody has described yet.

use super::print;
use crate::error::{Error, Result};
use crate::ingest::infer::propose;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints a mapping for the one file given.
pub fn run(files: &[PathBuf], source: Option<&str>) -> Result<ExitCode> {
    let [file] = files else {
        return Err(Error::usage("a mapping is inferred from one file")
            .hint("name one file of the source; the others are read by the same mapping"));
    };
    print::data(propose(file, source)?.trim_end());
    Ok(ExitCode::SUCCESS)
}
