//! `quintile generate`: a shop that never was, with its truth, into files or into the database.

use super::load_bar::LoadBar;
use super::session::Session;
use super::{Format, Global, print};
use crate::analytics::generate::{Parameters, Process};
use crate::error::{Error, Result};
use crate::ingest::LoadReport;
use crate::ingest::generate::{self, FileFormat, GenerateProgress, GenerateRequest, GeneratedFile};
use crate::warehouse::Warehouse;
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Arguments of `generate`.
#[derive(Args, Debug)]
#[command(after_help = "The same options give the same bytes, on any number of threads.\n\
    \n\
    Files: orders, customers, products, campaigns, campaign_members, and what no shop ever knows:\n\
    truth_customers (rates, dropout, expected purchases and value of the next 90, 180 and 365 days),\n\
    truth_campaigns (response curves, uplift), truth_channels, truth_parameters. See docs/generate.md.\n\
    \n\
    Into the database:   quintile generate && quintile build\n\
    Files of 10m lines:  quintile generate --customers 500000 --out shop\n\
    To judge estimates:  quintile generate --season 0 --campaigns 0 --process pareto_nbd --out pure")]
pub struct Arguments {
    /// Customers with an id; each has about 6 orders of 3 lines
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    customers: u32,
    /// Start of all random numbers
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// Folder of the files; without it they are loaded into the database, and kept in target/generated/
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// How the files are written
    #[arg(long, value_enum, default_value_t = FileKind::Csv, requires = "out")]
    file_format: FileKind,
    #[command(flatten)]
    shop: ShopOptions,
    /// Threads that make rows; all processors if not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// What kind of shop it is.
#[derive(Args, Debug)]
#[command(next_help_heading = "The shop")]
struct ShopOptions {
    /// How customers buy and leave
    #[arg(long, value_enum, default_value_t = ProcessName::BgNbd)]
    process: ProcessName,
    /// Parameters of the process, rates by week: r,alpha,a,b or r,alpha,s,beta
    #[arg(long, value_name = "NUMBERS", value_parser = numbers::<4>)]
    process_parameters: Option<[f64; 4]>,
    /// Parameters of Gamma-Gamma: p,q,v
    #[arg(long, value_name = "NUMBERS", value_parser = numbers::<3>)]
    spend_parameters: Option<[f64; 3]>,
    /// Correlation of purchase rate and order value, which Gamma-Gamma takes as 0
    #[arg(long, value_name = "RHO", default_value_t = 0.0, allow_negative_numbers = true)]
    spend_correlation: f64,
    /// First day
    #[arg(long, value_name = "DATE", default_value = "2022-01-01")]
    start: chrono::NaiveDate,
    /// Days of the data
    #[arg(long, value_name = "N", default_value_t = 1096)]
    days: u32,
    /// Strength of the season, from 0 (none) to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    season: f64,
    /// Share of orders of which something comes back
    #[arg(long, value_name = "SHARE", default_value_t = 0.06)]
    return_share: f64,
    /// Persons who buy once without an id, for each customer
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    guest_share: f64,
    /// Campaigns to existing customers; 0 leaves the purchase process pure
    #[arg(long, value_name = "N", default_value_t = 12)]
    campaigns: u32,
    /// Share of the members who are held out
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    holdout_share: f64,
}

/// Names of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProcessName {
    /// After each repeat purchase a coin decides whether it was the last
    #[value(name = "bg_nbd")]
    BgNbd,
    /// Customers may leave at any moment
    #[value(name = "pareto_nbd")]
    ParetoNbd,
}

/// Names of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FileKind {
    /// Comma-separated text
    Csv,
    /// Parquet
    Parquet,
}

/// So many numbers with commas between.
fn numbers<const COUNT: usize>(text: &str) -> std::result::Result<[f64; COUNT], String> {
    let read: std::result::Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse::<f64>()).collect();
    let numbers = read.ok().and_then(|numbers| <[f64; COUNT]>::try_from(numbers).ok());
    numbers.ok_or_else(|| format!("{COUNT} numbers are needed, with commas between"))
}

impl Arguments {
    fn parameters(&self) -> Parameters {
        let shop = &self.shop;
        let mut parameters = Parameters::new(self.seed, self.customers);
        parameters.process = match (shop.process, shop.process_parameters) {
            (ProcessName::BgNbd, Some([r, alpha, a, b])) => Process::BgNbd { r, alpha, a, b },
            (ProcessName::ParetoNbd, Some([r, alpha, s, beta])) => Process::ParetoNbd { r, alpha, s, beta },
            (ProcessName::BgNbd, _) => Process::BG_NBD,
            (ProcessName::ParetoNbd, _) => Process::PARETO_NBD,
        };
        if let Some([p, q, v]) = shop.spend_parameters {
            (parameters.spend.p, parameters.spend.q, parameters.spend.v) = (p, q, v);
        }
        parameters.spend.correlation = shop.spend_correlation;
        parameters.start = shop.start;
        parameters.acquisition_days = (f64::from(shop.days) * 0.85).ceil() as u32;
        parameters.days = shop.days;
        parameters.season = shop.season;
        parameters.returns.share = shop.return_share;
        parameters.guest_share = shop.guest_share;
        parameters.campaigns.count = shop.campaigns;
        parameters.campaigns.holdout_share = shop.holdout_share;
        parameters
    }
}

/// Where the files of a shop are kept that is loaded: beside other things that can be made again.
const KEPT_IN: &str = "target/generated";

/// Writes the files, and loads them where no folder is named.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let parameters = arguments.parameters();
    // Before the database is asked for.
    parameters.check()?;
    match &arguments.out {
        Some(folder) => {
            let (files, elapsed) = write(&arguments, folder.clone()).await?;
            match global.format {
                Format::Json => print::json(&files),
                Format::Text => tell(&parameters, &files, elapsed),
            }
        }
        None => {
            let session = Session::open(global).await?;
            let outcome = write_and_load(&session, &arguments, global.format).await;
            session.close().await;
            outcome?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn write_and_load(session: &Session, arguments: &Arguments, format: Format) -> Result<()> {
    session.prepare_workspace().await?;
    let project = &session.settings.project_dir;
    let (files, elapsed) = write(arguments, project.join(KEPT_IN)).await?;
    if format == Format::Text {
        tell(&arguments.parameters(), &files, elapsed);
    }
    let reports = load(&session.warehouse, &files, &project.join("config/sources")).await?;
    match format {
        Format::Json => print::json(&reports),
        Format::Text => {
            for (file, report) in files.iter().zip(&reports) {
                print::data(&super::ingest::sentence(&file.path.display().to_string(), report));
            }
            print::data("the truth is in raw.generated_truth_customers, _campaigns, _channels and _parameters");
        }
    }
    Ok(())
}

/// Loads the files, each under a bar of its own: rates and rests of one file say nothing about the next.
async fn load(warehouse: &Warehouse, files: &[GeneratedFile], mapping_dir: &Path) -> Result<Vec<LoadReport>> {
    let mut shown: Option<(&str, LoadBar)> = None;
    let mut tell = |table: &'static str, progress| {
        if shown.as_ref().is_none_or(|(of, _)| *of != table) {
            // The former bar is cleared before the next one is drawn.
            shown = None;
        }
        shown.get_or_insert_with(|| (table, LoadBar::new())).1.tell(progress);
    };
    generate::load(warehouse, files, mapping_dir, &mut tell).await
}

/// Writes the files on a thread of their own, with the progress on standard error, and tells how long it took.
async fn write(arguments: &Arguments, folder: PathBuf) -> Result<(Vec<GeneratedFile>, Duration)> {
    let processors = || std::thread::available_parallelism().ok().map(std::num::NonZeroUsize::get);
    let request = GenerateRequest {
        parameters: arguments.parameters(),
        folder,
        format: match arguments.file_format {
            FileKind::Csv => FileFormat::Csv,
            FileKind::Parquet => FileFormat::Parquet,
        },
        threads: arguments.threads.or_else(processors).unwrap_or(1),
    };
    let started = Instant::now();
    let is_terminal = std::io::stderr().is_terminal();
    let written = tokio::task::spawn_blocking(move || {
        let mut shown = Instant::now();
        let mut tell = |progress: GenerateProgress| {
            if is_terminal && shown.elapsed() > Duration::from_millis(200) {
                shown = Instant::now();
                let percent = (progress.events * 100).checked_div(progress.events_total).unwrap_or(100);
                let lines = print::grouped(i64::try_from(progress.lines).unwrap_or(i64::MAX));
                let _ = write!(std::io::stderr(), "\r  {lines} order lines, {percent}% ");
                let _ = std::io::stderr().flush();
            }
        };
        generate::write(&request, &mut tell)
    });
    let files = written.await.map_err(|e| Error::failed("shop cannot be generated").source(e))?;
    if is_terminal {
        let _ = write!(std::io::stderr(), "\r{:60}\r", "");
    }
    Ok((files?, started.elapsed()))
}

fn tell(parameters: &Parameters, files: &[GeneratedFile], elapsed: Duration) {
    let number = |value: u64| print::grouped(i64::try_from(value).unwrap_or(i64::MAX));
    let lines: Vec<Vec<String>> = files
        .iter()
        .map(|file| vec![print::short_path(&file.path), number(file.rows), format!("{:.1}", file.bytes as f64 / 1e6)])
        .collect();
    print::data(&print::table(&["file", "rows", "MB"], &lines));
    let values: Vec<String> =
        parameters.process.values().iter().map(|(name, value)| format!("{name} {value}")).collect();
    let name = match parameters.process {
        Process::BgNbd { .. } => "BG/NBD",
        Process::ParetoNbd { .. } => "Pareto/NBD",
    };
    let spend = parameters.spend;
    print::data(&format!(
        "\n{name} {} (rates by week); Gamma-Gamma p {} q {} v {}, correlation {}; seed {}; {}",
        values.join(" "),
        spend.p,
        spend.q,
        spend.v,
        spend.correlation,
        parameters.seed,
        print::duration(elapsed)
    ));
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn parameters_are_read_by_their_number() {
        assert_eq!(numbers::<3>("6.25, 3.74,15"), Ok([6.25, 3.74, 15.0]));
        for wrong in ["", "1,2", "1,2,3,4", "1,2,x"] {
            assert!(numbers::<3>(wrong).is_err(), "{wrong}");
        }
    }
}
