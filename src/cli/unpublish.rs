//! `quintile unpublish`: readers lose a relation that the project makes no more.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::pipeline;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `unpublish`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the published view, without its schema
    #[arg(value_name = "RELATION")]
    relation: String,
    /// Withdraw it although the project makes it
    #[arg(long)]
    force: bool,
}

/// Drops the view, its pointer and its place in earlier publishes.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let relation = &arguments.relation;
    let done = pipeline::unpublish(&session.warehouse, &session.settings, relation, arguments.force).await;
    session.close().await;
    done?;
    match global.format {
        Format::Json => print::json(&serde_json::json!({ "unpublished": relation })),
        Format::Text => print::data(&format!("relation \"{relation}\" is withdrawn; its tables go with the next run")),
    }
    Ok(ExitCode::SUCCESS)
}
