//! `quintile rejects`: the rows that did not fit, by what is wrong with them, then one by one.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::warehouse::rejects::{KeptReject, RejectReason, RejectsFilter};
use clap::Args;
use std::process::ExitCode;

/// Characters of a row's text in the table; JSON has all that is kept.
const SHOWN: usize = 60;

/// Arguments of `rejects`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Of this source only
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Of the load with this number only
    #[arg(long, value_name = "LOAD")]
    load: Option<i64>,
    /// How many rows to list below the reasons
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: i64,
}

#[derive(serde::Serialize)]
struct Rejects {
    reasons: Vec<RejectReason>,
    rows: Vec<KeptReject>,
}

/// Prints reasons and rows.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let rejects = read(&session, &arguments).await;
    session.close().await;
    let rejects = rejects?;
    match global.format {
        Format::Json => print::json(&rejects),
        Format::Text => print_text(&rejects),
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(session: &Session, arguments: &Arguments) -> Result<Rejects> {
    session.prepare_workspace().await?;
    let filter = RejectsFilter { source: arguments.source.clone(), load_id: arguments.load };
    let reasons = session.warehouse.reject_reasons(&filter).await?;
    let rows = session.warehouse.kept_rejects(&filter, arguments.limit.max(0)).await?;
    Ok(Rejects { reasons, rows })
}

fn print_text(rejects: &Rejects) {
    if rejects.reasons.is_empty() {
        print::note("no rows were rejected");
        return;
    }
    let reason = |reason: &RejectReason| {
        let column = reason.column.clone().unwrap_or_default();
        let (rows, files) = (print::grouped(reason.rows), print::grouped(reason.files));
        vec![rows, files, reason.source.clone(), column, reason.reason.clone()]
    };
    let lines: Vec<Vec<String>> = rejects.reasons.iter().map(reason).collect();
    print::data(&print::table(&["rows", "files", "source", "column", "reason"], &lines));
    if rejects.rows.is_empty() {
        return;
    }
    let row = |row: &KeptReject| {
        let place = format!("{}:{}", row.file_name, row.line);
        vec![
            row.load_id.to_string(),
            place,
            row.column.clone().unwrap_or_default(),
            row.reason.clone(),
            shown(&row.raw_text),
        ]
    };
    let lines: Vec<Vec<String>> = rejects.rows.iter().map(row).collect();
    print::data(&format!("\n{}", print::table(&["load", "place", "column", "reason", "text"], &lines)));
}

/// A text on one line of a table, without what would move a terminal's cursor.
fn shown(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{plain}...") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn texts_are_cut_and_cannot_move_the_cursor() {
        assert_eq!(shown("a\u{1b}[2J\nb"), "a [2J b");
        assert_eq!(shown(&"x".repeat(61)), format!("{}...", "x".repeat(60)));
    }
}
