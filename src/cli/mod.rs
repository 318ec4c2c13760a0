//! The command line: one file a command, arguments and printing, nothing else.

mod alerts;
mod build;
mod clean;
mod compile;
mod debug;
mod demo;
mod deps;
mod docs;
mod engine;
mod erase;
mod explain;
mod export_person;
mod garbage;
mod generate;
mod infer;
mod ingest;
mod init;
mod jobs;
mod lines;
mod list;
mod listing;
mod load_bar;
mod messages;
mod migrate;
mod node_line;
mod once;
mod parse;
mod postgres;
mod print;
mod profile;
mod rejects;
mod retry;
mod rollback;
mod run_detail;
mod run_operation;
mod runs;
mod sample;
mod seed;
mod selection;
mod serve;
mod session;
mod show;
mod source;
mod stop;
mod summary;
mod test;
mod transitions;
mod trigger;
mod unpublish;

use crate::error::{Kind, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;

/// Keeps a company's customer intelligence fresh inside its own PostgreSQL.
///
/// Load orders, build the SQL models of the project folder, publish personas, lifetime values and cohorts as views
/// that BI tools and the bundled dashboard read. With no database given, a private local PostgreSQL is used.
#[derive(Debug, Parser)]
#[command(name = "quintile", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start here:  quintile demo\n\
    Exit codes:  0 done, 1 a model, test or run failed, 2 usage or configuration, 3 no database, 130 interrupted")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Project folder: holds models/, macros/, seeds/, config/, or a dbt_project.yml
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    project_dir: PathBuf,
    /// A settings file read on top of config/quintile.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database; else DATABASE_URL, else the settings, else the embedded PostgreSQL
    #[arg(long, global = true, value_name = "URL", hide_default_value = true)]
    database_url: Option<String>,
    /// Workspace to work on: its own sources, models' results and pointers
    #[arg(long, short, global = true, value_name = "NAME")]
    workspace: Option<String>,
    /// How results are printed on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Tell more on standard error; twice for all
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    project: selection::ProjectOptions,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole job on bundled real orders, then serve the dashboard
    Demo(demo::Arguments),
    /// Load files into the raw tables by a mapping of config/sources/
    Ingest(ingest::Arguments),
    /// List the rows that did not fit, by what is wrong with them
    Rejects(rejects::Arguments),
    /// Tell what the raw tables hold, column by column: nulls, distinct values, ranges
    Profile(profile::Arguments),
    /// Erase a person from raw tables and all kept runs, and keep files from bringing the person back
    Erase(erase::Arguments),
    /// Write every row about a person as JSON
    ExportPerson(export_person::Arguments),
    /// Make the files of a shop whose truth is known, of any size
    Generate(generate::Arguments),
    /// Build and test the models, then publish them all at once
    Build(build::Arguments),
    /// Build and publish the models without the data tests
    Run(once::RunArguments),
    /// Run the data tests against what is published
    Test(test::Arguments),
    /// Print the SQL that models are rendered to
    Compile(compile::Arguments),
    /// List models, seeds and data tests
    #[command(visible_alias = "list")]
    Ls(list::Arguments),
    /// Load the seeds of a dbt project
    Seed(seed::SeedArguments),
    /// Run again what failed, was skipped or was not reached in the last run of a dbt project
    Retry(retry::Arguments),
    /// Take the snapshots of a dbt project
    Snapshot(seed::Arguments),
    /// Show the first rows of a model or a query
    Show(show::Arguments),
    /// Read a dbt project and write its manifest, without a database
    Parse,
    /// Look at the sources of a dbt project
    #[command(subcommand)]
    Source(source::Command),
    /// Write the documentation files of a dbt project
    #[command(subcommand)]
    Docs(docs::Command),
    /// Call a macro of a dbt project
    RunOperation(run_operation::Arguments),
    /// Tell which project, profile and database a command would use, and whether they answer
    Debug,
    /// List the packages of a dbt project; nothing is fetched
    Deps,
    /// Remove the folders that clean-targets of a dbt project name
    Clean,
    /// Make a new dbt project
    Init(init::Arguments),
    /// List the runs of the workspace, newest first, or show one with its models, tests and publish
    Runs(runs::Arguments),
    /// Tell how many customers went from which segment to which between two runs
    Transitions(transitions::Arguments),
    /// Tell in words and numbers why a customer has these values
    Explain(explain::Arguments),
    /// List what was raised to be told outside, newest first, and what became of it
    Alerts(alerts::Arguments),
    /// Show readers an earlier run again
    Rollback(rollback::Arguments),
    /// Withdraw a published relation that the project makes no more
    Unpublish(unpublish::Arguments),
    /// List the jobs, when each is due next, and what became of its last due times
    Jobs(jobs::Arguments),
    /// Ask the daemon for a run of a job now
    Trigger(trigger::Arguments),
    /// Run the daemon: schedule, dashboard, health, metrics
    Serve(serve::Arguments),
    /// Make or update Quintile's own tables
    Migrate(migrate::Arguments),
    /// Start, stop and reach the embedded PostgreSQL
    #[command(subcommand)]
    Postgres(postgres::Command),
}

/// Templates are rendered deep inside a run. Memory is taken only as far as it is used.
const STACK: usize = 8 * 1024 * 1024;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are results, all else is a usage error.
            let code = if e.use_stderr() { Kind::Usage.exit_code() } else { 0 };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    start_tracing(&cli);
    if let Some(Err(e)) = crate::config::crash_point().map(|plan| crate::crash_point::arm(&plan)) {
        print::note(&e.report());
        return ExitCode::from(e.exit_code());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build() {
        Ok(runtime) => runtime,
        Err(e) => {
            print::note(&format!("error: threads cannot be started\n  caused by: {e}"));
            return ExitCode::from(1);
        }
    };
    let log_format = cli.global.project.log_format;
    // Boxed, or all of the program would be compiled once for each sort of runtime there is.
    let run: Pin<Box<dyn Future<Output = Result<ExitCode>>>> = Box::pin(run(cli));
    match runtime.block_on(run) {
        Ok(code) => code,
        Err(e) => {
            messages::error(log_format, &e);
            ExitCode::from(e.exit_code())
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let global = cli.global;
    match cli.command {
        Command::Demo(arguments) => demo::run(&global, arguments).await,
        Command::Ingest(arguments) => ingest::run(&global, arguments).await,
        Command::Rejects(arguments) => rejects::run(&global, arguments).await,
        Command::Profile(arguments) => profile::run(&global, arguments).await,
        Command::Erase(arguments) => erase::run(&global, arguments).await,
        Command::ExportPerson(arguments) => export_person::run(&global, arguments).await,
        Command::Generate(arguments) => generate::run(&global, arguments).await,
        Command::Build(arguments) => build::run(&global, arguments, build::WithTests(true)).await,
        Command::Run(arguments) => once::run(&global, arguments).await,
        Command::Test(arguments) => test::run(&global, arguments).await,
        Command::Compile(arguments) => compile::run(&global, &arguments).await,
        Command::Ls(arguments) => list::run(&global, &arguments),
        Command::Seed(arguments) => seed::seeds(&global, &arguments).await,
        Command::Snapshot(arguments) => seed::snapshots(&global, &arguments).await,
        Command::Show(arguments) => show::run(&global, &arguments).await,
        Command::Parse => parse::run(&global),
        Command::Source(command) => source::run(&global, command).await,
        Command::Docs(command) => docs::run(&global, command).await,
        Command::RunOperation(arguments) => run_operation::run(&global, &arguments).await,
        Command::Debug => debug::run(&global).await,
        Command::Deps => deps::run(&global),
        Command::Clean => clean::run(&global),
        Command::Init(arguments) => init::run(&global, &arguments),
        Command::Retry(arguments) => retry::run(&global, arguments).await,
        Command::Runs(arguments) => runs::run(&global, arguments).await,
        Command::Alerts(arguments) => alerts::run(&global, arguments).await,
        Command::Explain(arguments) => explain::run(&global, arguments).await,
        Command::Transitions(arguments) => transitions::run(&global, arguments).await,
        Command::Rollback(arguments) => rollback::run(&global, arguments).await,
        Command::Unpublish(arguments) => unpublish::run(&global, arguments).await,
        Command::Jobs(arguments) => jobs::run(&global, arguments).await,
        Command::Trigger(arguments) => trigger::run(&global, arguments).await,
        Command::Serve(arguments) => serve::run(&global, arguments).await,
        Command::Migrate(arguments) => migrate::run(&global, arguments).await,
        Command::Postgres(command) => postgres::run(&global, command).await,
    }
}

/// Logs go to standard error: sentences for people, JSON lines for the daemon's collector.
fn start_tracing(cli: &Cli) {
    let is_daemon = matches!(cli.command, Command::Serve(_));
    let level = match cli.global.verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,quintile={level}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let is_coloured = print::is_coloured(&std::io::stderr());
    let is_json = cli.global.project.log_format == selection::LogFormat::Json;
    match (is_json || (is_daemon && cli.global.format == Format::Json), is_daemon) {
        (true, _) => builder.json().flatten_event(true).init(),
        (false, true) => builder.with_ansi(is_coloured).compact().init(),
        // Who looks on knows what time it is.
        (false, false) => builder.with_ansi(is_coloured).without_time().compact().init(),
    }
}

/// The arguments as clap knows them; the help snapshots read it.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
