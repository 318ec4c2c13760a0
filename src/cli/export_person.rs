//! `quintile export-person`: every row about a customer, as one JSON document.

use super::session::Session;
use super::{Global, print};
use crate::error::{Error, Result};
use crate::pipeline;
use crate::warehouse::person::{Person, PersonRows};
use chrono::Utc;
use clap::Args;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `export-person`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Id of the customer, as raw.orders has it
    #[arg(long, value_name = "ID")]
    customer: String,
    /// Rows of this source only, where a table tells the source; default: of all sources
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// A new file for the document, which only its owner may read; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Finds the rows and writes them.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let workspace = session.settings.workspace.clone();
    let person =
        Person { customer_id: arguments.customer.clone(), source: arguments.source.clone(), columns: Vec::new() };
    let found = match session.prepare_workspace().await {
        Ok(()) => pipeline::export_person(&session.warehouse, &session.settings, person).await,
        Err(e) => Err(e),
    };
    session.close().await;
    let found = found?;
    let document = serde_json::json!({
        "customer_id": arguments.customer,
        "source": arguments.source,
        "workspace": workspace,
        "exported_at": Utc::now(),
        "relations": found,
    });
    match &arguments.out {
        None => print::json(&document),
        Some(file) => {
            write(file, &document)?;
            let rows: usize = found.iter().map(|part: &PersonRows| part.rows.len()).sum();
            print::note(&format!("{} of {} written", print::count(rows, "row"), print::count(found.len(), "table")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file that is there already is left alone: it may be about somebody else.
fn write(file: &Path, document: &serde_json::Value) -> Result<()> {
    let told = |e: std::io::Error| Error::failed(format!("file \"{}\" cannot be written", file.display())).source(e);
    let mut to = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(told)?;
    let text = serde_json::to_string_pretty(document).map_err(|e| told(e.into()))?;
    to.write_all(text.as_bytes()).and_then(|()| to.write_all(b"\n")).and_then(|()| to.sync_all()).map_err(told)
}
