//! `quintile profile`: what the raw tables hold, column by column.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::pipeline;
use crate::warehouse::profile::ColumnProfile;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `profile`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Only this source; default: all
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// Longest value in a cell of the table; JSON has them whole.
const WIDTH: usize = 24;

/// Asks and prints, a table for each source and raw table.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let found = match session.prepare_workspace().await {
        Ok(()) => pipeline::profile(&session.warehouse, &session.settings, arguments.source.as_deref()).await,
        Err(e) => Err(e),
    };
    session.close().await;
    let found = found?;
    if global.format == Format::Json {
        print::json(&found);
        return Ok(ExitCode::SUCCESS);
    }
    for columns in found.chunk_by(|a, b| (&a.source, &a.table_name) == (&b.source, &b.table_name)) {
        let Some(ColumnProfile { source, table_name, line_count, .. }) = columns.first() else { continue };
        print::note(&format!("{source}, {table_name}: {} rows", print::grouped(*line_count)));
        let rows: Vec<Vec<String>> = columns.iter().map(cells).collect();
        print::data(&print::table(&["column", "nulls", "distinct", "from", "to", "meaning"], &rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn cells(column: &ColumnProfile) -> Vec<String> {
    let range = |value: &Option<String>| match (value, column.is_personal) {
        (_, true) => "(personal)".to_owned(),
        (Some(value), _) if value.chars().count() > WIDTH => {
            value.chars().take(WIDTH - 1).chain(std::iter::once('…')).collect()
        }
        (value, _) => value.clone().unwrap_or_default(),
    };
    vec![
        column.column_name.clone(),
        format!("{:.1}%", 100.0 * column.null_share),
        print::grouped(column.distinct_count),
        range(&column.minimum),
        range(&column.maximum),
        column.description.clone().unwrap_or_default(),
    ]
}
