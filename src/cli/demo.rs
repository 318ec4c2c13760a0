//! `quintile demo`: the whole job on bundled real orders, what a marketer wants to know, then the dashboard.

use super::session::{self, BI_LOGIN, Session};
use super::{Format, Global, build, ingest, print, serve, stop};
use crate::config::DEFAULT_WORKSPACE;
use crate::error::{Error, Result};
use crate::ingest::IngestRequest;
use crate::pipeline::{self, BuildRequest};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// End after the report instead of serving the dashboard
    #[arg(long)]
    once: bool,
    /// Fill a workspace for each bundled data set, not only Online Retail
    #[arg(long)]
    all: bool,
}

/// A bundled data set: the workspace it fills, its mapping, its file below seeds/demo/.
struct DataSet {
    workspace: &'static str,
    source: &'static str,
    file: &'static str,
    title: &'static str,
}

const DATA_SETS: [DataSet; 3] = [
    DataSet {
        workspace: DEFAULT_WORKSPACE,
        source: "online_retail",
        file: "online_retail.csv.gz",
        title: "Online Retail, a British gift shop, 2010-12 to 2011-12",
    },
    DataSet { workspace: "cdnow", source: "cdnow", file: "CDNOW_master.txt.gz", title: "CDNOW, a CD shop, 1997-01 to 1998-06" },
    DataSet {
        workspace: "retail_orders",
        source: "retail_orders",
        file: "retail_orders.csv.gz",
        title: "Retail orders, made-up customer ids, 2022-01 to 2023-12",
    },
];

/// Loads, builds, prints, serves.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let settings = session::settings(global)?;
    let listener = if arguments.once { None } else { Some(crate::serve::bind(&settings.serve.listen).await?) };
    let session = Session::open_with(settings).await?;
    let outcome = fill_and_report(&session, &arguments, began).await;
    let outcome = match (outcome, listener) {
        (Ok(code), None) => Ok(code),
        (Ok(_), Some(listener)) => serve::until_stopped(&session, listener).await,
        (Err(e), _) => Err(e),
    };
    session.close().await;
    outcome
}

async fn fill_and_report(session: &Session, arguments: &Arguments, began: Instant) -> Result<ExitCode> {
    let stop = stop::on_signals();
    let sets = if arguments.all { &DATA_SETS[..] } else { &DATA_SETS[..1] };
    for set in sets {
        print::note(&format!("\n{}", set.title));
        let settings = session.settings.with_workspace(set.workspace);
        let warehouse = session.warehouse.with_schemas(settings.schemas()?);
        warehouse.prepare_workspace(Some(set.title)).await?;
        let request = IngestRequest {
            file: session.settings.project_dir.join("seeds/demo").join(set.file),
            source: set.source.into(),
            mapping_dir: session.settings.project_dir.join("config/sources"),
            max_rejects: None,
        };
        let load = ingest::load(&warehouse, &request).await?;
        print::note(&format!("  {}", ingest::sentence(&PathBuf::from(set.file), &load)));
        let (progress, printer) = build::printer();
        let request = BuildRequest { trigger: "demo".into(), progress, ..BuildRequest::default() };
        let report = pipeline::build(&warehouse, &settings, &request, stop.clone()).await;
        drop(request);
        let _ = printer.await;
        let report = report?;
        if !report.failed.is_empty() {
            build::finish(&report, Format::Text)?;
        }
        print_personas(&warehouse, set).await?;
    }
    print_places(session, sets);
    print::data(&format!("\nAll of it took {}.", print::duration(began.elapsed())));
    Ok(ExitCode::SUCCESS)
}
