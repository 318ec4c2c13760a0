//! `quintile run-operation`: calls a macro of a dbt project, with the database at hand.

use super::Global;
use super::engine::{self, Engine, RunOptions};
use super::selection::vars;
use crate::error::Result;
use crate::pipeline::in_place;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `run-operation`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The macro: its name, or package.name
    #[arg(value_name = "MACRO")]
    name: String,
    /// Its arguments, as YAML or JSON: '{role: reader}'
    #[arg(long, value_name = "YAML")]
    args: Option<String>,
}

/// Calls the macro.
pub async fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    engine::only_dbt(global, "run-operation")?;
    let kwargs = vars(arguments.args.as_deref())?;
    let engine = Engine::open(global, "run-operation", &RunOptions::default()).await?;
    let done = in_place::operation(&engine.session.warehouse, &engine.project, &arguments.name, &kwargs).await;
    engine.session.close().await;
    done?;
    Ok(ExitCode::SUCCESS)
}
