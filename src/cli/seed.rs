//! `quintile seed` and `quintile snapshot`: the seeds, or the snapshots, of a dbt project.

use super::engine::{self, Engine, RunOptions};
use super::selection::Selection;
use super::{Format, Global, show};
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `snapshot`, and most of those of `seed`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    run: RunOptions,
}

/// Rows of each seed that `--show` prints.
const SHOWN_ROWS: i64 = 10;

/// Arguments of `seed`.
#[derive(Args, Debug)]
pub struct SeedArguments {
    #[command(flatten)]
    of_both: Arguments,
    /// Print the first rows of each seed afterwards
    #[arg(long)]
    show: bool,
}

/// Loads the seeds.
pub async fn seeds(global: &Global, arguments: &SeedArguments) -> Result<ExitCode> {
    engine::only_dbt(global, "seed")?;
    let Arguments { selection, run } = &arguments.of_both;
    let code = engine::command(global, "seed", selection, run).await?;
    if arguments.show && code == ExitCode::SUCCESS {
        let engine = Engine::open(global, "seed", run).await?;
        let shown = show::rows(global, &engine, "seed", selection, SHOWN_ROWS).await;
        engine.session.close().await;
        show::print_rows(&shown?, global.format == Format::Json);
    }
    Ok(code)
}

/// Takes the snapshots.
pub async fn snapshots(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    engine::only_dbt(global, "snapshot")?;
    engine::command(global, "snapshot", &arguments.selection, &arguments.run).await
}
