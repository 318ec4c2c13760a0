//! Snapshots: the history of rows, kept by a column that tells a change or by comparing columns.

use super::finish;
use super::hooks::{self, When};
use super::model::table_definition;
use super::report::{NodeResult, Status};
use super::spec;
use super::step::Work;
use crate::error::{Error, Result};
use crate::project::manifest::Node;
use crate::warehouse::in_place::snapshot::{self, HardDeletes, MetaColumns, SnapshotDefinition, SnapshotStrategy};
use chrono::Utc;
use serde_json::Value as Json;

/// Takes a snapshot.
pub async fn build(work: &Work) -> Result<NodeResult> {
    let began = Utc::now();
    let compiled = work.compile().await?;
    let compiled_at = Some((began, Utc::now()));
    let definition = definition(work, &compiled.code)?;
    let before = hooks::of(&work.node, When::Before);
    let after = hooks::of(&work.node, When::After);
    hooks::run(work, &before, false).await?;
    if before.iter().any(|hook| hook.is_inside) {
        work.session.begin().await?;
        hooks::run(work, &before, true).await?;
    }
    let outcome = snapshot::build(&work.session, &work.run.catalog, &definition).await?;
    finish::relation(work, &after, &outcome).await?;
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

fn definition(work: &Work, select: &str) -> Result<SnapshotDefinition> {
    let node = &work.node;
    let text = |key: &str| node.text(key).map(str::to_owned);
    let strategy = match node.text("strategy") {
        Some("timestamp") => SnapshotStrategy::Timestamp {
            updated_at: text("updated_at")
                .ok_or_else(|| missing(node, "updated_at", "the column that tells a change"))?,
        },
        Some("check") => SnapshotStrategy::Check { columns: check_columns(node)?, updated_at: text("updated_at") },
        Some(_) => {
            let found = spec::present(node, "strategy").cloned().unwrap_or_default();
            return Err(spec::wrong(node, "strategy", &found, "timestamp or check"));
        }
        None => return Err(missing(node, "strategy", "timestamp or check")),
    };
    let unique_key = spec::columns(node, "unique_key");
    if unique_key.is_empty() {
        return Err(missing(node, "unique_key", "the column, or columns, that tell rows apart"));
    }
    let hard_deletes = match (node.text("hard_deletes"), node.flag("invalidate_hard_deletes")) {
        (Some("ignore"), _) | (None, None | Some(false)) => HardDeletes::Ignore,
        (Some("invalidate"), _) | (None, Some(true)) => HardDeletes::Invalidate,
        (Some("new_record"), _) => HardDeletes::NewRecord,
        (Some(_), _) => {
            let found = spec::present(node, "hard_deletes").cloned().unwrap_or_default();
            return Err(spec::wrong(node, "hard_deletes", &found, "ignore, invalidate or new_record"));
        }
    };
    Ok(SnapshotDefinition {
        table: table_definition(work, select)?,
        strategy,
        unique_key,
        hard_deletes,
        valid_to_current: text("dbt_valid_to_current"),
        columns: meta_columns(node),
    })
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
