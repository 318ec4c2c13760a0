//! `quintile seed` and `quintile snapshot`: the seeds, or the snapshots, of a dbt project.

use super::Global;
use super::engine::{self, RunOptions};
use super::selection::Selection;
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `seed` and `snapshot`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    run: RunOptions,
}

/// Loads the seeds.
pub async fn seeds(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    engine::only_dbt(global, "seed")?;
    engine::command(global, "seed", &arguments.selection, &arguments.run).await
}

/// Takes the snapshots.
pub async fn snapshots(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    engine::only_dbt(global, "snapshot")?;
    engine::command(global, "snapshot", &arguments.selection, &arguments.run).await
}
