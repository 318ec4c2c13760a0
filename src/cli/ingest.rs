//! `quintile ingest`: order files into `raw.orders`, by a mapping.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::ingest::{self, IngestRequest, Limit, LoadReport, Progress};
use crate::warehouse::Warehouse;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Arguments of `ingest`.
#[derive(Args, Debug)]
#[command(after_help = "A file that is loaded again replaces its former rows; an unchanged one changes nothing.\n\
    Rows that do not fit are kept in raw.rejected_rows with file, line, column, reason and text.")]
pub struct Arguments {
    /// Order files, plain or gzip
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Source: the name of a mapping in config/sources/
    #[arg(long, value_name = "NAME")]
    source: String,
    /// Fail when more rows than this are rejected: a count, or a share such as 1%
    #[arg(long, value_name = "LIMIT")]
    max_rejects: Option<Limit>,
}

/// Loads the files one after the other.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let outcome = load_all(&session, &arguments, global.format).await;
    session.close().await;
    outcome?;
    Ok(ExitCode::SUCCESS)
}

async fn load_all(session: &Session, arguments: &Arguments, format: Format) -> Result<()> {
    session.prepare_workspace().await?;
    let mapping_dir = session.settings.project_dir.join("config/sources");
    let mut reports = Vec::new();
    for file in &arguments.files {
        let request = IngestRequest {
            file: file.clone(),
            source: arguments.source.clone(),
            mapping_dir: mapping_dir.clone(),
            max_rejects: arguments.max_rejects,
            allow_empty: false,
        };
        let report = load(&session.warehouse, &request).await?;
        if format == Format::Text {
            print::data(&sentence(file, &report));
        }
        reports.push(report);
    }
    if format == Format::Json {
        print::json(&reports);
    }
    Ok(())
}

/// Loads one file with its progress on standard error.
pub async fn load(warehouse: &Warehouse, request: &IngestRequest) -> Result<LoadReport> {
    let mut shown = Instant::now();
    let is_terminal = std::io::stderr().is_terminal();
    let mut tell = |progress: Progress| {
        if is_terminal && shown.elapsed() > Duration::from_millis(200) {
            shown = Instant::now();
            let done = (progress.bytes_read * 100).checked_div(progress.bytes_total).unwrap_or(100);
            let rows = print::grouped(i64::try_from(progress.rows_read).unwrap_or(i64::MAX));
            let _ = write!(std::io::stderr(), "\r  {rows} rows read, {done}% of the file ");
            let _ = std::io::stderr().flush();
        }
    };
    let report = ingest::ingest(warehouse, request, &mut tell).await;
    if is_terminal {
        let _ = write!(std::io::stderr(), "\r{:60}\r", "");
    }
    report
}

/// What a load did, in one line.
pub fn sentence(file: &Path, report: &LoadReport) -> String {
    let rejected = match report.rows_rejected {
        0 => "none rejected".to_owned(),
        n => format!("{} rejected, see raw.rejected_rows", print::grouped(n)),
    };
    if report.is_unchanged {
        return format!("{}: unchanged, {} rows are there already", file.display(), print::grouped(report.rows_loaded));
    }
    #[allow(clippy::cast_precision_loss)] // A rate for people.
    let rate = report.rows_read as f64 / report.elapsed.as_secs_f64().max(1e-9);
    format!(
        "{}: {} rows read, {} loaded, {rejected}, {} ({} rows/s)",
        file.display(),
        print::grouped(report.rows_read),
        print::grouped(report.rows_loaded),
        print::duration(report.elapsed),
        print::grouped(rate as i64)
    )
}
