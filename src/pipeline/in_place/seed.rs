//! Seeds: a CSV file becomes a table, loaded again only when the file or its column types changed.

use super::finish;
use super::hooks;
use super::report::{NodeResult, Status};
use super::spec;
use super::step::Work;
use crate::error::{Error, Result};
use crate::project::manifest::test_name_str;
use crate::warehouse::in_place::seed::{self, SeedDefinition};
use serde_json::Value as Json;

/// Loads a seed.
pub async fn build(work: &Work) -> Result<NodeResult> {
    let node = &work.node;
    let around = hooks::run_before(work).await?;
    let definition = definition(work)?;
    let always = work.is_full_refresh() || !around.after.is_empty();
    let outcome = seed::build(&work.session, &work.run.catalog, &definition, always).await?;
    finish::relation(work, &around.after, &outcome).await?;
    Ok(NodeResult {
        status: Status::Success,
        message: finish::message(work, &outcome),
        tag: Some(format!("INSERT {}", outcome.rows.unwrap_or_else(|| count_rows(&definition)))),
        rows: outcome.rows,
        ..NodeResult::blank(&node.id)
    })
}

/// Rows of a file that was not loaded again.
fn count_rows(definition: &SeedDefinition) -> u64 {
    let delimiter = definition.delimiter.and_then(|d| u8::try_from(d).ok()).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(definition.text.as_bytes());
    reader.byte_records().map(|_| 1).sum()
}

fn definition(work: &Work) -> Result<SeedDefinition> {
    let node = &work.node;
    let text = work.run.seed_text(node).ok_or_else(|| Error::config(format!("{} has no file", node.label())))?;
    let delimiter = match node.text("delimiter") {
        None => None,
        Some(text) if text.chars().count() == 1 => text.chars().next(),
        Some("\\t") => Some('\t'),
        Some(_) => {
            let found = spec::present(node, "delimiter").cloned().unwrap_or_default();
            return Err(spec::wrong(node, "delimiter", &found, "one character"));
        }
    };
    let types = spec::present(node, "column_types").and_then(Json::as_object);
    Ok(SeedDefinition {
        name: node.relation(),
        path: work.run.manifest.shown_file(node),
        text,
        delimiter,
        column_types: types.into_iter().flatten().map(|(name, kind)| (name.clone(), test_name_str(kind))).collect(),
        unquoted_columns: node.flag("quote_columns") == Some(false),
        indexes: spec::indexes(node)?,
        may_drop: work.run.relations.clone(),
    })
}
