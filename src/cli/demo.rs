//! `quintile demo`: the whole job on bundled real orders, what a marketer wants to know, then the dashboard.

use super::session::{self, BI_LOGIN, Session};
use super::{Format, Global, build, garbage, ingest, print, serve, stop};
use crate::config::DEFAULT_WORKSPACE;
use crate::error::{Error, Result};
use crate::ingest::IngestRequest;
use crate::pipeline::{self, BuildRequest};
use crate::warehouse::Warehouse;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tokio::sync::watch;

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
    story: &'static str,
}

const DATA_SETS: [DataSet; 3] = [
    DataSet {
        workspace: DEFAULT_WORKSPACE,
        source: "online_retail",
        file: "online_retail.csv.gz",
        title: "Online Retail",
        story: "Online Retail: a British gift shop, 2010-12 to 2011-12",
    },
    DataSet {
        workspace: "cdnow",
        source: "cdnow",
        file: "CDNOW_master.txt.gz",
        title: "CDNOW",
        story: "CDNOW: a CD shop, 1997-01 to 1998-06",
    },
    DataSet {
        workspace: "retail_orders",
        source: "retail_orders",
        file: "retail_orders.csv.gz",
        title: "Retail orders",
        story: "Retail orders: a file without customers, so their ids are made up, 2022-01 to 2023-12",
    },
];

/// Loads, builds, prints, serves.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let settings = session::settings(global)?;
    let listener = if arguments.once { None } else { Some(crate::serve::bind(&settings.serve.listen).await?) };
    let session = Session::open_with(settings).await?;
    let stop = stop::on_signals();
    let outcome = fill_and_report(&session, &arguments, began, &stop).await;
    let outcome = match (outcome, listener) {
        (Ok(code), None) => Ok(code),
        (Ok(_), Some(listener)) => serve::until_stopped(&session, listener, stop).await,
        (Err(e), _) => Err(e),
    };
    session.close().await;
    outcome
}

async fn fill_and_report(
    session: &Session,
    arguments: &Arguments,
    began: Instant,
    stop: &watch::Receiver<bool>,
) -> Result<ExitCode> {
    let sets = if arguments.all { &DATA_SETS[..] } else { &DATA_SETS[..1] };
    for set in sets {
        print::note(&format!("\n{}", set.story));
        let settings = session.settings.with_workspace(workspace_of(set, session));
        let warehouse = session.warehouse.with_schemas(settings.schemas()?);
        warehouse.prepare_workspace(Some(set.title)).await?;
        refuse_to_mix(&warehouse, set).await?;
        let request = IngestRequest {
            file: session.settings.project_dir.join("seeds/demo").join(set.file),
            source: set.source.into(),
            mapping_dir: session.settings.project_dir.join("config/sources"),
            ..IngestRequest::default()
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
        garbage::collect(&warehouse, &settings, stop.clone()).await;
    }
    print_places(session, sets, arguments.once);
    print::data(&format!("\nAll of it took {}.", print::duration(began.elapsed())));
    Ok(ExitCode::SUCCESS)
}

/// The first data set goes where the command line says, the others have workspaces of their own.
fn workspace_of<'a>(set: &'a DataSet, session: &'a Session) -> &'a str {
    if set.workspace == DEFAULT_WORKSPACE { &session.settings.workspace } else { set.workspace }
}

/// Demo orders beside real ones would be published as one shop.
async fn refuse_to_mix(warehouse: &Warehouse, set: &DataSet) -> Result<()> {
    let others: Vec<String> =
        warehouse.loaded_sources().await?.into_iter().filter(|source| source != set.source).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!("workspace \"{}\" holds orders of {}", warehouse.schemas.workspace, others.join(", ")))
        .detail("The demo would mix its orders with them.")
        .hint("give the demo a workspace of its own: quintile demo --workspace demo"))
}

/// What a marketer wants to know: who is there, what they are worth, what to do.
async fn print_personas(warehouse: &Warehouse, set: &DataSet) -> Result<()> {
    let overview = warehouse.overview().await?;
    let personas = overview.personas.rows;
    let totals = overview.totals.rows.into_iter().next();
    let currency = totals.as_ref().and_then(|t| t.currency.clone()).unwrap_or_default();
    let amount = |value: f64| format!("{} {currency}", print::grouped(value.round() as i64)).trim_end().to_owned();
    print::data(&format!("\n{}", set.story));
    if let Some(totals) = &totals {
        print::data(&format!(
            "{} customers, {} net revenue\n",
            print::grouped(totals.customers),
            amount(totals.revenue)
        ));
    }
    let lines: Vec<Vec<String>> = personas
        .iter()
        .map(|p| {
            vec![
                p.persona.clone(),
                print::grouped(p.customers),
                percent(p.customer_share),
                amount(p.revenue),
                percent(p.revenue_share),
                p.predicted_ltv_mean.map(amount).unwrap_or_default(),
            ]
        })
        .collect();
    let head = ["persona", "customers", "share", "revenue to date", "share", "expected each, 12 months"];
    print::data(&print::table(&head, &lines));
    print::data("");
    for persona in &personas {
        print::data(&format!("{}: {}", persona.persona, persona.insight.as_deref().unwrap_or("no insight")));
        if let Some(action) = &persona.action {
            print::data(&format!("  -> {action}."));
        }
    }
    Ok(())
}

/// Where the tables are and how to reach them.
fn print_places(session: &Session, sets: &[DataSet], is_over: bool) {
    print::data(
        "\nThe tables are views, one word a relation: customer_360, persona_summary, persona_vips, rfm_segments, cohort_cells ...",
    );
    for set in sets {
        if let Ok(schemas) = crate::config::Schemas::of(workspace_of(set, session)) {
            print::data(&format!("  workspace {:<14} schema {}", schemas.workspace, schemas.marts));
        }
    }
    let Some(server) = &session.embedded else {
        print::data("They are in the database of DATABASE_URL; grant quintile_reader to the logins of your BI tools.");
        return;
    };
    let program = "target/release/quintile";
    if is_over {
        print::data("\nThe private PostgreSQL stops with this command; to keep it up:");
        print::data(&format!("  {program} postgres start"));
        print::data("then it answers on this machine:");
    } else {
        print::data("\nWhile Quintile runs, the private PostgreSQL answers on this machine:");
    }
    let query = "SELECT * FROM marts.persona_summary";
    print::data(&format!("  psql          psql \"$({program} postgres url)\" -c '{query}'"));
    print::data(&format!(
        "  Metabase      host 127.0.0.1, port {}, database quintile, user {BI_LOGIN},",
        server.port()
    ));
    print::data(&format!("                password in {}", server.folder().join("bi_password").display()));
    if is_over {
        print::data(&format!("  the dashboard {program} serve"));
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}
