//! The page of data quality as the template wants it: what is wrong first, then every source with its numbers.

use super::format::{decimal, integer, percent};
use super::head::{Banner, Head};
use super::view::{Figure, missing};
use crate::config::Schemas;
use crate::warehouse::pages::{Standing, WorkspaceEntry};
use crate::warehouse::quality_look::{QualityCheck, QualityLook, QualityReject, QualitySource, QualityTable};
use chrono::NaiveDate;
use serde::Serialize;

/// Everything on the page.
#[derive(Serialize)]
pub(super) struct QualityView {
    #[serde(flatten)]
    head: Head,
    body: Option<Body>,
}

#[derive(Serialize)]
struct Body {
    figures: Vec<Figure>,
    problems: Vec<CheckView>,
    others: Vec<CheckView>,
    checks_missing: Option<String>,
    sources: Vec<SourceView>,
    sources_missing: Option<String>,
    tables: Vec<TableView>,
    tables_missing: Option<String>,
    rejects: Vec<RejectView>,
    rejects_rest: Option<String>,
    rejects_missing: Option<String>,
}

#[derive(Serialize)]
struct CheckView {
    source: String,
    title: String,
    status: String,
    found: String,
    finding: Option<String>,
    treatment: String,
    is_blocking: bool,
}

#[derive(Serialize)]
struct SourceView {
    name: String,
    facts: Vec<(&'static str, String)>,
    warning: Option<&'static str>,
}

#[derive(Serialize)]
struct TableView {
    source: String,
    table: String,
    rows: String,
    latest: String,
    rejected: String,
    without_order: String,
}

#[derive(Serialize)]
struct RejectView {
    source: String,
    table: String,
    column: Option<String>,
    reason: String,
    rows: String,
    width: String,
}

/// Puts the page together.
pub(super) fn quality_view(
    schemas: &Schemas,
    workspaces: &[WorkspaceEntry],
    standing: &Standing,
    look: Option<&QualityLook>,
) -> QualityView {
    let mut head = Head::new("/quality", schemas, workspaces, standing);
    if let Some(look) = look {
        head.banners.extend(look.checks.rows.iter().filter_map(made_up));
    }
    QualityView { head, body: look.map(body) }
}

/// How little repeat purchases mean where customer ids were made up, in the words of the check.
fn made_up(check: &QualityCheck) -> Option<Banner> {
    (check.check_name == "synthetic_customer" && check.failing_lines > 0).then(|| Banner {
        kind: "warn",
        title: format!("Customer ids of {} are made up", check.source),
        text: check.finding.clone().unwrap_or_else(|| check.treatment.clone()),
    })
}

fn body(look: &QualityLook) -> Body {
    let is_problem = |check: &&QualityCheck| matches!(check.status.as_str(), "error" | "warn");
    let listed = look.rejects.rows.iter().map(|reject| reject.row_count).sum::<i64>();
    let rest = look.rejects.rows.first().map_or((0, 0), |reject| (reject.all_rows - listed, reject.all_reasons));
    let most = look.rejects.rows.iter().map(|reject| reject.row_count).max().unwrap_or(1).max(1);
    Body {
        figures: figures(look),
        problems: look.checks.rows.iter().filter(is_problem).map(check_view).collect(),
        others: look.checks.rows.iter().filter(|check| !is_problem(check)).map(check_view).collect(),
        checks_missing: missing(&look.checks, "no line has been loaded yet"),
        sources: look.sources.rows.iter().map(source_view).collect(),
        sources_missing: missing(&look.sources, "no line has been loaded yet"),
        tables: look.tables.rows.iter().map(table_view).collect(),
        tables_missing: missing(&look.tables, "no customers, products or campaigns have been loaded"),
        rejects: look.rejects.rows.iter().map(|reject| reject_view(reject, most)).collect(),
        rejects_rest: (rest.0 > 0)
            .then(|| format!("{} more rows for other reasons, {} reasons in all.", integer(rest.0), integer(rest.1))),
        rejects_missing: look.rejects.missing.clone(),
    }
}

fn figures(look: &QualityLook) -> Vec<Figure> {
    if look.checks.missing.is_some() || look.checks.rows.is_empty() {
        return Vec::new();
    }
    let figure = |label: &str, count: usize, note: &str| Figure {
        label: label.into(),
        value: integer(i64::try_from(count).unwrap_or(i64::MAX)),
        note: note.into(),
        is_alert: false,
    };
    let of_status = |status: &str| look.checks.rows.iter().filter(|check| check.status == status).count();
    let (errors, warnings) = (of_status("error"), of_status("warn"));
    let read: i64 = look.sources.rows.iter().map(|source| source.rows_read).sum::<i64>()
        + look.tables.rows.iter().map(|table| table.rows_read).sum::<i64>();
    let rejected: i64 = look.sources.rows.iter().map(|source| source.rows_rejected).sum::<i64>()
        + look.tables.rows.iter().map(|table| table.rows_rejected).sum::<i64>();
    let rejected_note = match read {
        0 => "no file was loaded".to_owned(),
        read if rejected == 0 => format!("none of {} read", integer(read)),
        read => format!("{} of {} read", percent(share(rejected, read)), integer(read)),
    };
    vec![
        Figure { is_alert: errors > 0, ..figure("Errors", errors, "make figures wrong") },
        figure("Warnings", warnings, "to look at"),
        figure("Checks", look.checks.rows.len(), "of all sources and tables"),
        figure("Sources of orders", look.sources.rows.len(), "by name of mapping"),
        Figure { value: integer(rejected), ..figure("Rejected rows", 0, &rejected_note) },
    ]
}

#[allow(clippy::cast_precision_loss)] // A share for people.
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// `3 of 40 (7.5%)`
fn part_of(part: i64, whole: i64) -> String {
    match whole {
        0 => "none of 0".into(),
        _ if part == 0 => format!("none of {}", integer(whole)),
        _ => format!("{} of {} ({})", integer(part), integer(whole), percent(share(part, whole))),
    }
}

/// `without_customer` to `Without customer`
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn check_view(check: &QualityCheck) -> CheckView {
    CheckView {
        source: check.source.clone(),
        title: in_words(&check.check_name),
        status: check.status.clone(),
        found: part_of(check.failing_lines, check.line_count),
        // Where the finding only counts, the count stands beside it already; that of made-up ids is a banner.
        finding: check.finding.clone().filter(|f| check.check_name != "synthetic_customer" && !f.ends_with("%).")),
        treatment: check.treatment.clone(),
        is_blocking: check.is_blocking,
    }
}

fn day(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// How far the latest row lies before the last day of the run.
fn reach(days: Option<i32>) -> String {
    match days {
        None => "after the run's last day".into(),
        Some(0) => "on the run's last day".into(),
        Some(1) => "1 day before the run's last".into(),
        Some(days) => format!("{} days before the run's last", integer(days.into())),
    }
}

fn source_view(source: &QualitySource) -> SourceView {
    let mut facts = vec![
        ("Lines", integer(source.line_count)),
        ("Orders", integer(source.order_count)),
        ("Customers", integer(source.customer_count)),
        ("First order", day(source.first_order_date)),
        ("Latest order", day(source.last_order_date)),
        ("Freshness", reach(source.freshness_days)),
        (
            "Rejected rows",
            match source.rows_read {
                0 => "no file was loaded".into(),
                read => part_of(source.rows_rejected, read),
            },
        ),
        ("Lines without customer", percent(source.without_customer_share)),
    ];
    if source.synthetic_customer_share > 0.0 {
        facts.push(("Lines with a made-up id", percent(source.synthetic_customer_share)));
    }
    if let (Some(newest), Some(usual)) = (source.newest_rows, source.usual_rows) {
        facts.push(("Newest load", format!("{} rows, usually {}", integer(newest), decimal(usual, 0))));
    }
    let is_made_up = source.synthetic_customer_share > 0.0;
    SourceView {
        name: source.source.clone(),
        facts,
        warning: is_made_up.then_some("Repeat purchases of this source say nothing about loyalty."),
    }
}

fn table_view(table: &QualityTable) -> TableView {
    let dash = || "–".to_owned();
    TableView {
        source: table.source.clone(),
        table: in_words(&table.table_name),
        rows: integer(table.row_count),
        latest: table.last_date.map_or_else(dash, day),
        rejected: if table.rows_read == 0 { dash() } else { part_of(table.rows_rejected, table.rows_read) },
        without_order: table.ids_without_order.zip(table.id_count).map_or_else(dash, |(part, all)| part_of(part, all)),
    }
}

fn reject_view(reject: &QualityReject, most: i64) -> RejectView {
    RejectView {
        source: reject.source.clone(),
        table: in_words(&reject.table_name),
        column: reject.column_name.clone(),
        reason: reject.reason.clone(),
        rows: integer(reject.row_count),
        width: format!("{:.2}%", 100.0 * share(reject.row_count, most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_in_words() {
        assert_eq!(part_of(3, 40), "3 of 40 (7.5%)");
        assert_eq!([part_of(0, 1_200), part_of(0, 0)], ["none of 1,200", "none of 0"]);
        assert_eq!(["stale", "without_customer", ""].map(in_words), ["Stale", "Without customer", ""]);
        let told = [None, Some(0), Some(1), Some(1_200)].map(reach);
        assert_eq!(told[0], "after the run's last day");
        assert_eq!((told[1].as_str(), told[2].as_str()), ("on the run's last day", "1 day before the run's last"));
        assert_eq!(told[3], "1,200 days before the run's last");
    }
}
