//! `quintile parse`: reads the project, tells everything that is wrong, writes `manifest.json`; no database is needed.

use super::engine::{self, RunOptions};
use super::{Global, print};
use crate::error::Result;
use crate::pipeline::in_place;
use std::process::ExitCode;

/// Reads the project.
pub fn run(global: &Global) -> Result<ExitCode> {
    engine::only_dbt(global, "parse")?;
    let (_, project) = engine::read(global, "parse", &RunOptions::default())?;
    in_place::check(&project.manifest, &project.manifest.nodes.keys().cloned().collect())?;
    in_place::write_manifest(&project, &Default::default())?;
    if !global.project.quiet {
        print::note(&format!("{}, read in {} ms", in_place::census(&project.manifest), project.read_ms));
    }
    Ok(ExitCode::SUCCESS)
}
