//! Incremental tables: new rows first into a table of their own, then into the target in one transaction.

use super::batch;
use super::catalog::Catalog;
use super::patience::Patience;
use super::schema_change::{OnSchemaChange, reconcile};
use super::session::Session;
use super::table::{self, Change, Outcome, TableDefinition};
use crate::error::{Error, Result};
use crate::project::{RelationKind, quote_identifier, quote_literal};
use crate::warehouse::statement::qualified;
use chrono::{DateTime, SecondsFormat, Utc};

/// How new rows come into the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// They are added.
    Append,
    /// Rows with their keys are deleted first.
    DeleteInsert,
    /// Rows with their keys are updated, the others added.
    Merge,
    /// Rows of the window are deleted first.
    Microbatch(Window),
}

/// The window of one batch; it does not hold its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Column that tells when a row's event took place.
    pub event_time: String,
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it.
    pub end: DateTime<Utc>,
}

/// An incremental table to build.
#[derive(Clone, Debug)]
pub struct IncrementalDefinition {
    /// The table; its SELECT is the one rendered with `is_incremental()`.
    pub table: TableDefinition,
    /// How new rows come in.
    pub strategy: Strategy,
    /// Columns, or expressions as dbt takes them, that tell rows apart; empty for none.
    pub unique_key: Vec<String>,
    /// Conditions on the target, written with `DBT_INTERNAL_DEST` and `DBT_INTERNAL_SOURCE`.
    pub predicates: Vec<String>,
    /// Columns that a merge updates; none for all.
    pub update_columns: Option<Vec<String>>,
    /// Columns that a merge leaves as they are.
    pub exclude_columns: Vec<String>,
    /// What happens when the columns changed.
    pub on_schema_change: OnSchemaChange,
}

/// Whether `is_incremental()` holds: the target is a table and no full refresh is asked for.
#[must_use]
pub fn is_incremental(catalog: &Catalog, name: &crate::project::RelationName, full_refresh: bool) -> bool {
    !full_refresh && catalog.get(name).is_some_and(|relation| relation.kind == RelationKind::Table)
}

/// Builds the table whole, or adds the new rows to it. The transaction is left open.
pub async fn build(
    session: &Session,
    catalog: &Catalog,
    definition: &IncrementalDefinition,
    full_refresh: bool,
) -> Result<Outcome> {
    let name = &definition.table.name;
    if !is_incremental(catalog, name, full_refresh) {
        return table::build(session, catalog, &definition.table).await;
    }
    let relation = qualified(&name.schema, &name.identifier);
    let doing = format!("incremental table {relation} cannot be built");
    if let Some(contract) = &definition.table.contract {
        super::contract::check(session, &relation, contract, &definition.table.select).await?;
    }
    let batch_name = batch::fill(session, &doing, name, &definition.table).await?;
    let mut patience = Patience::new(session, &name.identifier);
    loop {
        patience.begin(session).await?;
        match bring_in(session, definition, &doing, &batch_name).await {
            Ok((rows, is_reshaped)) => {
                patience.done(session).await?;
                catalog.brought_in(name, is_reshaped);
                return Ok(Outcome { rows: Some(rows), ..Outcome::of(Change::Updated) });
            }
            Err(e) => {
                if let Err(e) = patience.again(session, e).await {
                    discard(session, &qualified(&name.schema, &batch_name)).await;
                    return Err(e);
                }
            }
        }
    }
}

/// Takes a batch away that cannot be brought in; where the server is gone, the next run sweeps it.
async fn discard(session: &Session, batch: &str) {
    if session.rollback().await.is_ok() {
        let _ = session.execute(&format!("DROP TABLE IF EXISTS {batch}")).await;
    }
}

/// The rows of the batch into the target; their count, and whether the target's columns changed.
async fn bring_in(
    session: &Session,
    definition: &IncrementalDefinition,
    doing: &str,
    batch_name: &str,
) -> Result<(u64, bool)> {
    let name = &definition.table.name;
    let (columns, is_reshaped) = reconcile(session, name, batch_name, definition.on_schema_change).await?;
    let batch = qualified(&name.schema, batch_name);
    let mut rows = 0;
    for statement in statements(definition, &batch, &columns)? {
        rows = session.run(doing, &statement).await?;
    }
    session.run(doing, &format!("DROP TABLE {batch}")).await?;
    Ok((rows, is_reshaped))
}

/// The statements of a strategy; the last one brings the rows in.
fn statements(definition: &IncrementalDefinition, batch: &str, columns: &[String]) -> Result<Vec<String>> {
    let name = &definition.table.name;
    let target = qualified(&name.schema, &name.identifier);
    let list = columns.join(", ");
    let insert = format!("INSERT INTO {target} ({list})\nSELECT {list} FROM {batch}");
    Ok(match &definition.strategy {
        Strategy::Append => vec![insert],
        Strategy::DeleteInsert if definition.unique_key.is_empty() => vec![insert],
        Strategy::DeleteInsert => {
            let key = definition.unique_key.join(", ");
            let and = definition.predicates.iter().map(|p| format!("\n    AND ({p})")).collect::<String>();
            let delete = format!(
                "DELETE FROM {target} AS DBT_INTERNAL_DEST\nWHERE ({key}) IN (\n    \
                 SELECT {key} FROM {batch} AS DBT_INTERNAL_SOURCE\n){and}"
            );
            vec![delete, insert]
        }
        Strategy::Merge => vec![merge(definition, &target, batch, columns)?],
        Strategy::Microbatch(window) => {
            let instant = |at: DateTime<Utc>| {
                format!("{}::timestamptz", quote_literal(&at.to_rfc3339_opts(SecondsFormat::Micros, false)))
            };
            let column = quote_identifier(&window.event_time);
            let delete = format!(
                "DELETE FROM {target}\nWHERE {column} >= {} AND {column} < {}",
                instant(window.start),
                instant(window.end)
            );
            vec![delete, insert]
        }
    })
}

fn merge(definition: &IncrementalDefinition, target: &str, batch: &str, columns: &[String]) -> Result<String> {
    let mut conditions = definition.predicates.clone();
    let matches = definition.unique_key.iter().map(|k| format!("DBT_INTERNAL_SOURCE.{k} = DBT_INTERNAL_DEST.{k}"));
    conditions.extend(matches);
    if definition.unique_key.is_empty() {
        conditions.push("FALSE".into());
    }
    let updated: Vec<String> = match &definition.update_columns {
        Some(_) if !definition.exclude_columns.is_empty() => {
            let name = &definition.table.name;
            return Err(Error::config(format!(
                "model \"{}\" sets both merge_update_columns and merge_exclude_columns",
                name.identifier
            ))
            .hint("keep one of the two"));
        }
        Some(chosen) => chosen.clone(),
        None => {
            let is_excluded =
                |c: &String| definition.exclude_columns.iter().any(|e| quote_identifier(e).eq_ignore_ascii_case(c));
            columns.iter().filter(|c| !is_excluded(c)).cloned().collect()
        }
    };
    let set = updated.iter().map(|c| format!("{c} = DBT_INTERNAL_SOURCE.{c}")).collect::<Vec<_>>().join(", ");
    let when_matched = match definition.unique_key.is_empty() || updated.is_empty() {
        true => String::new(),
        false => format!("WHEN MATCHED THEN UPDATE SET {set}\n"),
    };
    let values = columns.iter().map(|c| format!("DBT_INTERNAL_SOURCE.{c}")).collect::<Vec<_>>().join(", ");
    Ok(format!(
        "MERGE INTO {target} AS DBT_INTERNAL_DEST\nUSING {batch} AS DBT_INTERNAL_SOURCE\nON ({})\n{when_matched}\
         WHEN NOT MATCHED THEN INSERT ({}) VALUES ({values})",
        conditions.join(") AND ("),
        columns.join(", ")
    ))
}
