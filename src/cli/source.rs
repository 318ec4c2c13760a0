//! `quintile source freshness`: how old the newest rows of the sources are.

use super::engine::{self, Engine, RunOptions};
use super::selection::Selection;
use super::{Global, print};
use crate::error::Result;
use crate::pipeline::in_place;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// What is done with sources.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare the age of each source's newest row with its freshness: criteria
    Freshness(Arguments),
}

/// Arguments of `source freshness`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// File to write instead of target/sources.json
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Looks at the sources.
pub async fn run(global: &Global, command: Command) -> Result<ExitCode> {
    engine::only_dbt(global, "source")?;
    let Command::Freshness(arguments) = command;
    let engine = Engine::open(global, "freshness", &RunOptions::default()).await?;
    let selected = engine::chosen(global, &engine.project, "freshness", &arguments.selection)?;
    let looked = in_place::freshness(&engine.session.warehouse, &engine.project, &selected).await;
    engine.session.close().await;
    let looked = looked?;
    in_place::write_sources(&engine.project, &looked, arguments.output.as_deref())?;
    print::rows(global.format, &looked.items, &["source", "status", "newest row", "age"], |item| {
        vec![item.name.clone(), item.status.clone(), item.max_loaded_at.clone(), item.age.clone()]
    });
    Ok(if looked.is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
