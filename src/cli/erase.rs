//! `quintile erase`: a person leaves raw tables, rejected rows and all kept runs, and does not come back with a file.

use super::build::{self, WithTests};
use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::pipeline;
use crate::warehouse::erase::{EraseRequest, Erasure};
use crate::warehouse::person::Person;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `erase`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Id of the customer, as raw.orders has it
    #[arg(long, value_name = "ID")]
    customer: String,
    /// Erase the person from this source only; default: from all sources
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Keep the order lines, without the person: for books that must be kept
    #[arg(long)]
    keep_orders: bool,
    /// Words for the audit log, such as the number of the request; not the id
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Count what would be erased, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Build and publish afterwards, so that sums and averages are made without the person too
    #[arg(long, conflicts_with = "dry_run")]
    rebuild: bool,
}

/// Erases and tells what went from where.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let request = EraseRequest {
        person: Person { customer_id: arguments.customer, source: arguments.source, columns: Vec::new() },
        keep_orders: arguments.keep_orders,
        reason: arguments.reason,
        is_dry_run: arguments.dry_run,
    };
    let prepared = session.prepare_workspace().await;
    let done = match prepared {
        Ok(()) => pipeline::erase(&session.warehouse, &session.settings, request).await,
        Err(e) => Err(e),
    };
    session.close().await;
    let done = done?;
    match global.format {
        Format::Json if !arguments.rebuild => print::json(&done),
        // Standard output is for one document: the run's report.
        Format::Json => print::note(&serde_json::json!({ "erased": done.erased }).to_string()),
        Format::Text => tell(&done),
    }
    if arguments.rebuild {
        return build::run(global, build::Arguments::of_everything(), WithTests(true)).await;
    }
    if !done.is_dry_run {
        print::note(
            "sums, averages and fits were made with the person until the next run; --rebuild makes one at once",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(done: &Erasure) {
    let lines: Vec<Vec<String>> = done
        .erased
        .iter()
        .map(|part| {
            let rows = print::grouped(i64::try_from(part.rows).unwrap_or(i64::MAX));
            vec![part.relation.clone(), part.action.to_owned(), rows]
        })
        .collect();
    if !lines.is_empty() {
        print::data(&print::table(&["table", if done.is_dry_run { "would be" } else { "was" }, "rows"], &lines));
    }
    if done.was_erased {
        print::note("the person was erased before; rows that came since went now");
    }
    if !done.suspects.is_empty() {
        print::note("the same text was found in columns that nobody named; look whether it is the person:");
        for suspect in &done.suspects {
            print::note(&format!(
                "  {}.{}: {}",
                suspect.relation,
                suspect.column,
                print::count(usize::try_from(suspect.rows).unwrap_or_default(), "row")
            ));
        }
        print::note("a model tells such columns with config(meta={'contains_personal_data': ['column']})");
    }
    if !done.not_covered.is_empty() {
        print::note(&format!(
            "not looked at: relations of dbt projects in {}; erase there by their own models",
            done.not_covered.join(", ")
        ));
    }
}
