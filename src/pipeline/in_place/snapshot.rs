//! Snapshots: the history of rows, kept by a column that tells a change or by comparing columns.

use super::finish;
use super::hooks;
use super::model::table_definition;
use super::report::{NodeResult, Status};
use super::spec;
use super::step::Work;
use crate::error::{Error, Result};
use crate::project::manifest::Node;
use crate::warehouse::in_place::snapshot::{self, HardDeletes, MetaColumns, SnapshotDefinition, SnapshotStrategy};
use serde_json::Value as Json;

/// Takes a snapshot.
pub async fn build(work: &Work) -> Result<NodeResult> {
    let began = work.run.now();
    let compiled = work.compile().await?;
    let compiled_at = Some((began, work.run.now()));
    let definition = definition(work, &compiled.code)?;
    let around = hooks::run_before(work).await?;
    let outcome = snapshot::build(&work.session, &work.run.catalog, &definition)
        .await
        .map_err(|e| work.located(&compiled.code, e))?;
    finish::relation(work, &around.after, &outcome).await?;
    Ok(NodeResult {
        status: Status::Success,
        message: finish::message(work, &outcome),
        tag: Some(finish::tag(&work.node, &outcome)),
        rows: outcome.rows,
        compiled_at,
        compiled: Some(compiled.code),
        ctes: compiled.ctes,
        ..NodeResult::blank(&work.node.id)
    })
}

/// Refuses a configuration that no snapshot could follow.
pub fn check(node: &Node) -> Result<()> {
    strategy(node)?;
    hard_deletes(node)?;
    unique_key(node).map(|_| ())
}

fn definition(work: &Work, select: &str) -> Result<SnapshotDefinition> {
    let node = &work.node;
    Ok(SnapshotDefinition {
        table: table_definition(work, select)?,
        strategy: strategy(node)?,
        unique_key: unique_key(node)?,
        hard_deletes: hard_deletes(node)?,
        valid_to_current: node.text("dbt_valid_to_current").map(str::to_owned),
        columns: meta_columns(node),
    })
}

fn strategy(node: &Node) -> Result<SnapshotStrategy> {
    let text = |key: &str| node.text(key).map(str::to_owned);
    match node.text("strategy") {
        Some("timestamp") => {
            let updated_at = text("updated_at");
            let updated_at = updated_at.ok_or_else(|| missing(node, "updated_at", "the column that tells a change"))?;
            Ok(SnapshotStrategy::Timestamp { updated_at })
        }
        Some("check") => Ok(SnapshotStrategy::Check { columns: check_columns(node)?, updated_at: text("updated_at") }),
        Some(_) => {
            let found = spec::present(node, "strategy").cloned().unwrap_or_default();
            Err(spec::wrong(node, "strategy", &found, "timestamp or check"))
        }
        None => Err(missing(node, "strategy", "timestamp or check")),
    }
}

fn unique_key(node: &Node) -> Result<Vec<String>> {
    let columns = spec::columns(node, "unique_key");
    if columns.is_empty() {
        return Err(missing(node, "unique_key", "the column, or columns, that tell rows apart"));
    }
    Ok(columns)
}

fn hard_deletes(node: &Node) -> Result<HardDeletes> {
    match (node.text("hard_deletes"), node.flag("invalidate_hard_deletes")) {
        (Some("ignore"), _) | (None, None | Some(false)) => Ok(HardDeletes::Ignore),
        (Some("invalidate"), _) | (None, Some(true)) => Ok(HardDeletes::Invalidate),
        (Some("new_record"), _) => Ok(HardDeletes::NewRecord),
        (Some(_), _) => {
            let found = spec::present(node, "hard_deletes").cloned().unwrap_or_default();
            Err(spec::wrong(node, "hard_deletes", &found, "ignore, invalidate or new_record"))
        }
    }
}

fn check_columns(node: &Node) -> Result<Option<Vec<String>>> {
    match spec::present(node, "check_cols") {
        Some(Json::String(word)) if word == "all" => Ok(None),
        Some(Json::Array(_)) => Ok(Some(spec::columns(node, "check_cols"))),
        Some(other) => Err(spec::wrong(node, "check_cols", other, "'all' or a list of columns")),
        None => Err(missing(node, "check_cols", "'all' or a list of columns")),
    }
}

/// `snapshot_meta_column_names` over dbt's own names.
fn meta_columns(node: &Node) -> MetaColumns {
    let given = spec::present(node, "snapshot_meta_column_names");
    let mut names = MetaColumns::default();
    for (key, name) in [
        ("dbt_scd_id", &mut names.scd_id),
        ("dbt_updated_at", &mut names.updated_at),
        ("dbt_valid_from", &mut names.valid_from),
        ("dbt_valid_to", &mut names.valid_to),
        ("dbt_is_deleted", &mut names.is_deleted),
    ] {
        if let Some(given) = given.and_then(|map| map.get(key)).and_then(Json::as_str) {
            given.clone_into(name);
        }
    }
    names
}

fn missing(node: &Node, key: &str, what: &str) -> Error {
    Error::config(format!("{} has no {key}", node.label()))
        .detail(format!("The file is {}.", node.file))
        .hint(format!("set config({key}=...): {what}"))
}
