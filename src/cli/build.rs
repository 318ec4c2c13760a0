//! `quintile build` and `quintile run`: build the models, test them, publish them all at once.

use super::engine::{self, RunOptions};
use super::selection::Selection;
use super::session::Session;
use super::{Format, Global, garbage, print, stop};
use crate::error::{Error, Result};
use crate::pipeline::{self, BuildRequest, Event, Progress, RunReport};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Arguments of `build` and `run`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    run: RunOptions,
    /// Instant that the rows are true for, as 2011-12-10 or 2011-12-10T00:00:00Z; default: the end of the data's last complete day
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    as_of: Option<DateTime<Utc>>,
    /// Build and test, but let readers keep what they see
    #[arg(long)]
    no_publish: bool,
    /// Publish also relations that lost more rows than max_row_loss_share allows, this once
    #[arg(long)]
    accept_row_loss: bool,
    /// Build every selected model, also those that have not changed since the live run
    #[arg(long)]
    rebuild: bool,
}

impl Arguments {
    /// What builds the whole project, as `quintile build` without options.
    pub fn of_everything() -> Arguments {
        Arguments {
            selection: Selection::default(),
            run: RunOptions::default(),
            as_of: None,
            no_publish: false,
            accept_row_loss: false,
            rebuild: false,
        }
    }
}

/// Whether the data tests are part of the command.
pub struct WithTests(pub bool);

/// Builds, tests, publishes and prints the report.
pub async fn run(global: &Global, arguments: Arguments, with_tests: WithTests) -> Result<ExitCode> {
    if engine::is_dbt_project(global) {
        let which = if with_tests.0 { "build" } else { "run" };
        return engine::command(global, which, &arguments.selection, &arguments.run).await;
    }
    let mut session = Session::open(global).await?;
    if let Some(threads) = arguments.run.threads {
        session.settings.run.threads = threads.max(1);
    }
    let (progress, printer) = printer();
    let request = BuildRequest {
        select: arguments.selection.select,
        exclude: arguments.selection.exclude,
        as_of: arguments.as_of,
        trigger: "cli".into(),
        slot: None,
        skip_publish: arguments.no_publish,
        skip_tests: !with_tests.0,
        accept_row_loss: arguments.accept_row_loss,
        rebuild: arguments.rebuild,
        progress,
        ..BuildRequest::default()
    };
    let stop = stop::on_signals();
    let report = pipeline::build(&session.warehouse, &session.settings, &request, stop.clone()).await;
    drop(request);
    let _ = printer.await;
    let finished = match &report {
        Ok(report) => finish(report, global.format),
        Err(_) => Ok(ExitCode::SUCCESS),
    };
    if report.as_ref().is_ok_and(|report| report.state == "published") {
        garbage::collect(&session.warehouse, &session.settings, stop).await;
    }
    session.close().await;
    report.and(finished)
}

/// Prints the report; a failed run ends with an error that sums it up.
pub fn finish(report: &RunReport, format: Format) -> Result<ExitCode> {
    if format == Format::Json {
        print::json(report);
    }
    if report.failed.is_empty() {
        if format == Format::Text {
            let elapsed = print::duration(Duration::from_secs_f64(report.elapsed_seconds));
            let what = if report.state == "published" {
                format!("{} relations published", report.published.len())
            } else {
                "nothing published, as asked".to_owned()
            };
            let unchanged = match report.carried.len() {
                0 => String::new(),
                count => format!(", {count} unchanged"),
            };
            print::data(&format!(
                "run {} {}: {} models built{unchanged}, {what}, {elapsed}",
                report.run_id,
                report.state,
                report.built.len()
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = report.failed.iter().map(|(name, _)| name.as_str()).collect();
    Err(Error::failed(format!("run {} failed: {}", report.run_id, names.join(", ")))
        .detail("Nothing was published; readers see the run before.")
        .hint("mend what is told above; quintile compile NAME prints the SQL of a model or a data test"))
}

/// A progress channel and the task that prints what comes through it, a line an event.
pub fn printer() -> (Progress, JoinHandle<()>) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let (mut done, mut total) = (0, 0);
        let (mut passed, mut tested) = (0, 0);
        while let Some(event) = receiver.recv().await {
            match event {
                Event::Planned { run_id, as_of, attempt, steps } => {
                    (done, total) = (0, steps);
                    let again =
                        if attempt > 1 { format!(", taken up again (attempt {attempt})") } else { String::new() };
                    print::note(&format!(
                        "run {run_id} as of {}{again}: {steps} models and seeds",
                        as_of.format("%Y-%m-%d %H:%M UTC")
                    ));
                }
                Event::Spared { unchanged, finished, unread } => {
                    done += unchanged + finished + unread;
                    if unchanged > 0 {
                        print::note(&format!("  {unchanged} have not changed since the live run and are carried on"));
                    }
                    if finished > 0 {
                        print::note(&format!("  {finished} were finished by an earlier attempt"));
                    }
                }
                Event::ModelRefused { name, kind, error } => {
                    print::note(&format!("  {:>3}/{total} FAIL {kind:<7} {name:<28} refused before the run", 0));
                    print::note(&error);
                }
                Event::ModelStarted { .. } => {}
                Event::ModelFinished { name, kind, state, rows, elapsed, error } => {
                    done += 1;
                    let rows = rows.map(|n| format!("{} rows", print::grouped(n))).unwrap_or_default();
                    let mark = if state == "built" { "ok  " } else { "FAIL" };
                    print::note(&format!(
                        "  {done:>3}/{total} {mark} {kind:<7} {name:<28} {rows:>15} {:>9}",
                        print::duration(elapsed)
                    ));
                    if let Some(error) = error {
                        print::note(&error);
                    }
                }
                Event::ModelSkipped { name, kind } => {
                    done += 1;
                    print::note(&format!("  {done:>3}/{total} skip {kind:<7} {name}"));
                }
                Event::TestFinished(test) => {
                    tested += 1;
                    passed += usize::from(test.state == "passed");
                    if test.state != "passed" {
                        let count =
                            test.failure_count.map(|n| format!(": {} rows", print::grouped(n))).unwrap_or_default();
                        print::note(&format!("  test {} {}{count}", test.state, test.test));
                        if let Some(error) = test.error {
                            print::note(&error);
                        }
                    }
                }
                Event::Published { relations, elapsed } => {
                    print::note(&format!("  published {relations} relations at once in {}", print::duration(elapsed)));
                }
            }
        }
        if tested > 0 {
            print::note(&format!("  {passed} of {tested} data tests passed"));
        }
    });
    (Progress::to(sender), task)
}

fn instant(text: &str) -> std::result::Result<DateTime<Utc>, String> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    text.parse::<DateTime<Utc>>().map_err(|_| "write 2011-12-10 or 2011-12-10T00:00:00Z".to_owned())
}
