//! `quintile migrate`: Quintile's own tables, for an owner's role; every other command does it too when it may.

use super::session::{self, Session};
use super::{Format, Global, print};
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `migrate`.
#[derive(Args, Debug)]
pub struct Arguments {}

/// Applies what is missing and prints the schema's version.
pub async fn run(global: &Global, _arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open_with(session::settings(global)?).await?;
    let prepared = session.prepare_workspace().await;
    let version = session.warehouse.schema_version().await;
    let schemas = session.warehouse.schemas.clone();
    session.close().await;
    prepared?;
    let version = version?.unwrap_or_default();
    match global.format {
        Format::Json => print::json(&serde_json::json!({
            "version": version, "workspace": schemas.workspace, "schemas": [schemas.raw, schemas.store, schemas.marts],
        })),
        Format::Text => print::data(&format!(
            "control tables at version {version}; workspace \"{}\" has {}, {} and {}",
            schemas.workspace, schemas.raw, schemas.store, schemas.marts
        )),
    }
    Ok(ExitCode::SUCCESS)
}
