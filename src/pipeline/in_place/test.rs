//! Data tests: count the rows that break the rule, judge the count, keep the rows where that is asked for.

use super::report::{NodeResult, Status};
use super::step::Work;
use crate::error::{Error, Result};
use crate::project::manifest::Node;
use crate::project::{Cell, RelationName, quote_identifier};
use crate::warehouse::in_place::Catalog;
use crate::warehouse::in_place::table::{self, TableDefinition};
use crate::warehouse::in_place::view::{self, ViewDefinition};
use serde_json::Value as Json;

/// Runs one data test.
pub async fn run(work: &Work) -> Result<NodeResult> {
    let began = work.run.now();
    let compiled = work.compile().await?;
    let compiled_at = Some((began, work.run.now()));
    let mut relation = None;
    let subject = match stored_as(work) {
        None => compiled.code.clone(),
        Some(kind) => {
            let name = work.node.relation();
            store(work, &name, kind, &compiled.code).await?;
            let quoted = format!("{}.{}", quote_identifier(&name.schema), quote_identifier(&name.identifier));
            relation = Some(work.run.quoted(&work.node));
            format!("select * from {quoted}")
        }
    };
    let query = work.blocking(move |compiler, node| compiler.test_query(node, &subject)).await?;
    let located = |e| work.located(&query, e);
    let answer = work.session.execute(&query).await.map_err(located)?;
    let verdict = answer.rows.first().ok_or_else(|| {
        Error::failed(format!("{} gave no row", work.node.label()))
            .hint("a macro get_test_sql of the project must give one row: failures, should_warn, should_error")
    })?;
    let column =
        |name: &str| answer.columns.iter().position(|column| column == name).and_then(|place| verdict.get(place));
    let failures = column("failures").and_then(count).ok_or_else(|| {
        Error::failed(format!("{} has a fail_calc that is no whole number", work.node.label()))
            .hint("fail_calc must give one number, as count(*) does")
    })?;
    let is_true = |name: &str| matches!(column(name), Some(Cell::Bool(true)));
    let severity = severity(&work.node);
    let status = match (severity, is_true("should_error"), is_true("should_warn")) {
        (Severity::Error, true, _) => Status::Fail,
        (_, _, true) => Status::Warn,
        _ => Status::Pass,
    };
    let setting = |key: &str| work.node.text(key).unwrap_or("!= 0").to_owned();
    let message = match status {
        Status::Pass => String::new(),
        Status::Warn => format!("{}, configured to warn if {}", results(failures), setting("warn_if")),
        _ => format!("{}, configured to fail if {}", results(failures), setting("error_if")),
    };
    Ok(NodeResult {
        status,
        message,
        // A count that the test tolerates is no failure; dbt reports none then.
        failures: Some(if status == Status::Pass { 0 } else { failures }),
        // The counts of a data test are one row.
        tag: Some("SELECT 1".to_owned()),
        compiled_at,
        compiled: Some(compiled.code),
        ctes: compiled.ctes,
        relation,
        ..NodeResult::blank(&work.node.id)
    })
}

fn results(count: i64) -> String {
    if count == 1 { "Got 1 result".to_owned() } else { format!("Got {count} results") }
}

fn count(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Int(number) => Some(*number),
        Cell::Null => Some(0),
        #[allow(clippy::cast_possible_truncation)] // Checked to be whole and small.
        Cell::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        Cell::Number(text) | Cell::Text(text) => {
            let whole = text
                .split_once('.')
                .map_or(text.as_str(), |(whole, rest)| if rest.trim_matches('0').is_empty() { whole } else { "" });
            whole.parse().ok()
        }
        _ => None,
    }
}

/// What a failing test does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Severity {
    Error,
    Warn,
}

fn severity(node: &Node) -> Severity {
    match node.text("severity") {
        Some(word) if word.eq_ignore_ascii_case("warn") => Severity::Warn,
        _ => Severity::Error,
    }
}

/// Whether the rows that break the rule are kept, and as what.
fn stored_as(work: &Work) -> Option<&'static str> {
    let kind = match work.node.text("store_failures_as") {
        Some("view") => Some("view"),
        Some("table") => Some("table"),
        Some("ephemeral") => return None,
        _ => None,
    };
    let asked = work.node.config.get("store_failures").and_then(Json::as_bool);
    match (kind, asked.unwrap_or(work.run.options.store_failures)) {
        (Some(kind), _) => Some(kind),
        (None, true) => Some("table"),
        (None, false) => None,
    }
}

async fn store(work: &Work, name: &RelationName, kind: &str, select: &str) -> Result<()> {
    let catalog: &Catalog = &work.run.catalog;
    if kind == "view" {
        let definition = ViewDefinition { name: name.clone(), select: select.to_owned(), ..ViewDefinition::default() };
        view::build(&work.session, catalog, &definition).await?;
    } else {
        let definition =
            TableDefinition { name: name.clone(), select: select.to_owned(), ..TableDefinition::default() };
        table::build(&work.session, catalog, &definition).await?;
    }
    work.session.commit().await
}
