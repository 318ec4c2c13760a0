//! `quintile ingest`: files into the raw tables, by a mapping.

use super::load_bar::LoadBar;
use super::session::{self, Session};
use super::{Format, Global, infer, print};
use crate::error::{Error, Kind, Result};
use crate::ingest::file::files_of;
use crate::ingest::{self, IngestRequest, Limit, LoadReport, Mapping};
use crate::warehouse::Warehouse;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `ingest`.
#[derive(Args, Debug)]
#[command(after_help = "The same orders in whatever file are loaded once; an order that changed is replaced.\n\
    A file that is loaded again takes out what it holds no more; an unchanged one changes nothing.\n\
    Rows that do not fit are kept: quintile rejects lists them.")]
pub struct Arguments {
    /// Files of the source, or folders of them; one that fails does not stop the others
    #[arg(value_name = "FILE", required_unless_present_any = ["source", "relation"], conflicts_with = "retry_rejects")]
    files: Vec<PathBuf>,
    /// Source: the name of a mapping in config/sources/
    #[arg(long, value_name = "NAME", required_unless_present = "infer")]
    source: Option<String>,
    /// Load nothing: print a mapping for the file, to be looked through and kept in config/sources/
    #[arg(long)]
    infer: bool,
    /// With --infer: print a mapping for a table or view of the database, such as shop.orders
    #[arg(long, value_name = "RELATION", requires = "infer", conflicts_with = "files")]
    relation: Option<String>,
    /// Fail when more rows than this are rejected: a count, or a share such as 1%
    #[arg(long, value_name = "LIMIT")]
    max_rejects: Option<Limit>,
    /// Let a file without rows take out all that it held before
    #[arg(long)]
    allow_empty: bool,
    /// Try the rejected rows of the source again, after its mapping was corrected
    #[arg(long)]
    retry_rejects: bool,
}

/// What became of one file.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Told {
    Loaded(LoadReport),
    Failed { file_name: String, error: String, detail: Option<String>, hint: Option<String> },
}

/// Loads the files one after the other.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    if arguments.infer {
        return infer::run(global, &arguments.files, arguments.relation.as_deref(), arguments.source.as_deref()).await;
    }
    if arguments.files.is_empty() && !arguments.retry_rejects {
        return without_files(global, arguments.source.as_deref().unwrap_or_default());
    }
    let session = Session::open(global).await?;
    let outcome = load_all(&session, &arguments, global.format).await;
    session.close().await;
    outcome
}

/// Tells what is to be done about a source that is named without files.
fn without_files(global: &Global, source: &str) -> Result<ExitCode> {
    let dir = session::settings(global)?.project_dir.join("config/sources");
    let Some(relation) = Mapping::load(&dir, source)?.relation else {
        return Err(Error::usage("no file is named")
            .hint(format!("name files or folders: quintile ingest FILE --source {source}")));
    };
    print::note(&format!(
        "nothing is loaded: source \"{source}\" is relation {}, which each run reads as it stands\n\
         hint: run it: quintile build",
        relation.quoted()
    ));
    if global.format == Format::Json {
        print::json(&Vec::<Told>::new());
    }
    Ok(ExitCode::SUCCESS)
}

async fn load_all(session: &Session, arguments: &Arguments, format: Format) -> Result<ExitCode> {
    session.prepare_workspace().await?;
    let mapping_dir = session.settings.project_dir.join("config/sources");
    let warehouse = &session.warehouse;
    let source = arguments.source.clone().unwrap_or_default();
    let mut told = Teller { format, told: Vec::new(), has_failed: false };
    if arguments.retry_rejects {
        let files = ingest::rejected_files(warehouse, &mapping_dir, &source).await?;
        if files.is_empty() {
            print::note(&format!("source \"{source}\" has no rejected rows"));
        }
        for file in &files {
            let outcome = ingest::retry(warehouse, &mapping_dir, &source, file).await;
            told.take(&file.file_name, outcome, files.len() == 1)?;
        }
    }
    let files = files_of(&arguments.files)?;
    for file in &files {
        let request = IngestRequest {
            file: file.clone(),
            source: source.clone(),
            mapping_dir: mapping_dir.clone(),
            max_rejects: arguments.max_rejects,
            allow_empty: arguments.allow_empty,
        };
        let outcome = load(warehouse, &request).await;
        told.take(&file.display().to_string(), outcome, files.len() == 1)?;
    }
    if format == Format::Json {
        print::json(&told.told);
    }
    Ok(if told.has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Tells what became of each file as soon as it is known.
struct Teller {
    format: Format,
    told: Vec<Told>,
    has_failed: bool,
}

impl Teller {
    /// The error of the only file is the command's own, and so is that of a database that is gone.
    fn take(&mut self, file_name: &str, outcome: Result<LoadReport>, is_only: bool) -> Result<()> {
        match outcome {
            Ok(report) => {
                if self.format == Format::Text {
                    print::data(&sentence(file_name, &report));
                }
                self.told.push(Told::Loaded(report));
            }
            Err(error) if is_only || error.kind == Kind::Unreachable => return Err(error),
            Err(error) => {
                self.has_failed = true;
                print::note(&error.report());
                let Error { message, detail, hint, .. } = error;
                self.told.push(Told::Failed { file_name: file_name.to_owned(), error: message, detail, hint });
            }
        }
        Ok(())
    }
}

/// Loads one file with its progress on standard error.
pub async fn load(warehouse: &Warehouse, request: &IngestRequest) -> Result<LoadReport> {
    let bar = LoadBar::new();
    ingest::ingest(warehouse, request, &mut |progress| bar.tell(progress)).await
}

/// What a load did, in one line.
pub fn sentence(file: &str, report: &LoadReport) -> String {
    let count = print::grouped;
    if report.is_unchanged {
        let rejected = if report.counts.rows_rejected == 0 {
            String::new()
        } else {
            format!(", {} rejected", count(report.counts.rows_rejected))
        };
        return format!("{file}: unchanged, {} rows are there already{rejected}", count(report.counts.rows_unchanged));
    }
    let mut parts = vec![
        format!("{} rows read", count(report.counts.rows_read)),
        format!("{} loaded", count(report.counts.rows_loaded)),
    ];
    if report.counts.rows_updated > 0 {
        parts.push(format!("of these {} updated", count(report.counts.rows_updated)));
    }
    if report.counts.rows_unchanged > 0 {
        parts.push(format!("{} unchanged", count(report.counts.rows_unchanged)));
    }
    if report.counts.rows_duplicate > 0 {
        parts.push(format!("of these {} twice in the file", count(report.counts.rows_duplicate)));
    }
    parts.push(match report.counts.rows_rejected {
        0 => "none rejected".to_owned(),
        n => format!("{} rejected (quintile rejects --load {})", count(n), report.counts.load_id),
    });
    if report.counts.rows_erased > 0 {
        parts.push(format!("{} of erased customers left out", count(report.counts.rows_erased)));
    }
    if report.counts.rows_removed > 0 {
        parts.push(format!("{} removed", count(report.counts.rows_removed)));
    }
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // A rate for people.
    let rate = (report.counts.rows_read as f64 / report.elapsed.as_secs_f64().max(1e-9)) as i64;
    format!("{file}: {}, {} ({} rows/s)", parts.join(", "), print::duration(report.elapsed), count(rate))
}
