//! `quintile docs generate`: `manifest.json` with compiled SQL, and `catalog.json` with what is in the database.

use super::engine::{self, Engine, RunOptions};
use super::selection::Selection;
use super::{Global, print};
use crate::error::Result;
use crate::pipeline::in_place;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// What is done with the documentation.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write manifest.json and catalog.json
    Generate(Arguments),
}

/// Arguments of `docs generate`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Leave the compiled SQL out of the manifest
    #[arg(long)]
    no_compile: bool,
}

/// Writes the two files.
pub async fn run(global: &Global, command: Command) -> Result<ExitCode> {
    engine::only_dbt(global, "docs")?;
    let Command::Generate(arguments) = command;
    let engine = Engine::open(global, "docs", &RunOptions::default()).await?;
    let selected = engine::chosen(global, &engine.project, "compile", &arguments.selection)?;
    let written = in_place::docs(&engine.session.warehouse, &engine.project, &selected, !arguments.no_compile).await;
    engine.session.close().await;
    for path in written? {
        print::data(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
