//! `on_schema_change`: what happens to an incremental table when the columns of its SELECT are others than its own.

use super::session::Session;
use super::shape::{TypedColumn, typed_columns};
use crate::error::{Error, Result};
use crate::project::{RelationName, quote_identifier};
use crate::warehouse::statement::qualified;

/// dbt's four answers to changed columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnSchemaChange {
    /// The table keeps its columns; new ones are left out.
    #[default]
    Ignore,
    /// The run fails.
    Fail,
    /// New columns are added.
    AppendNewColumns,
    /// The table gets the columns and types of the SELECT.
    SyncAllColumns,
}

/// How the columns of new rows differ from those of the table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    added: Vec<TypedColumn>,
    removed: Vec<String>,
    retyped: Vec<TypedColumn>,
}

impl Difference {
    fn of(source: &[TypedColumn], target: &[TypedColumn]) -> Difference {
        let find = |columns: &[TypedColumn], name: &str| columns.iter().find(|c| c.name == name).cloned();
        let is_other = |c: &&TypedColumn| {
            find(target, &c.name).is_some_and(|t| t.data_type != c.data_type && !grows(&t.data_type, &c.data_type))
        };
        Difference {
            added: source.iter().filter(|c| find(target, &c.name).is_none()).cloned().collect(),
            removed: target.iter().filter(|c| find(source, &c.name).is_none()).map(|c| c.name.clone()).collect(),
            retyped: source.iter().filter(is_other).cloned().collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.retyped.is_empty()
    }

    /// `added "a" (integer), removed "b", retyped "c" (text)`
    fn told(&self) -> String {
        let typed = |word: &str, columns: &[TypedColumn]| {
            columns.iter().map(|c| format!("{word} \"{}\" ({})", c.name, c.data_type)).collect::<Vec<_>>()
        };
        let mut parts = typed("added", &self.added);
        parts.extend(self.removed.iter().map(|name| format!("removed \"{name}\"")));
        parts.extend(typed("retyped", &self.retyped));
        parts.join(", ")
    }
}

/// The length of `character varying(n)`.
fn length(data_type: &str) -> Option<u32> {
    data_type.strip_prefix("character varying(")?.strip_suffix(')')?.parse().ok()
}

/// Whether a character type only has another length: it is widened in every mode, and never told as a change.
fn grows(target: &str, source: &str) -> bool {
    length(target).is_some() && length(source).is_some()
}

/// Makes the table fit the new rows as `mode` says; the columns to write, quoted, and whether the table was changed.
pub(super) async fn reconcile(
    session: &Session,
    name: &RelationName,
    batch: &str,
    mode: OnSchemaChange,
) -> Result<(Vec<String>, bool)> {
    let source = typed_columns(session, &name.schema, batch).await?;
    let target = typed_columns(session, &name.schema, &name.identifier).await?;
    let mut changes = widenings(&source, &target);
    let quoted = |columns: &[TypedColumn]| columns.iter().map(|c| quote_identifier(&c.name)).collect::<Vec<_>>();
    let difference = Difference::of(&source, &target);
    let columns = match mode {
        OnSchemaChange::Ignore => {
            if let Some(missing) = difference.removed.first() {
                return Err(out_of_sync(name, &difference).hint(format!(
                    "return column \"{missing}\" again, set on_schema_change, or run with --full-refresh"
                )));
            }
            quoted(&target)
        }
        OnSchemaChange::Fail if !difference.is_empty() => {
            return Err(out_of_sync(name, &difference)
                .hint("set on_schema_change to append_new_columns or sync_all_columns, or run with --full-refresh"));
        }
        OnSchemaChange::Fail => quoted(&source),
        OnSchemaChange::AppendNewColumns => {
            changes.extend(difference.added.iter().map(add));
            quoted(&source)
        }
        OnSchemaChange::SyncAllColumns => {
            changes.extend(difference.removed.iter().map(|c| format!("DROP COLUMN {}", quote_identifier(c))));
            changes.extend(difference.added.iter().map(add));
            changes.extend(difference.retyped.iter().map(retype));
            quoted(&source)
        }
    };
    if !changes.is_empty() {
        let relation = qualified(&name.schema, &name.identifier);
        let doing = format!("columns of {relation} cannot be changed");
        session.run(&doing, &format!("ALTER TABLE {relation} {}", changes.join(", "))).await?;
    }
    Ok((columns, !changes.is_empty()))
}

fn out_of_sync(name: &RelationName, difference: &Difference) -> Error {
    Error::failed(format!("columns of \"{}.{}\" and of its model are out of sync", name.schema, name.identifier))
        .detail(format!("The model has {}. Nothing was changed.", difference.told()))
}

fn add(column: &TypedColumn) -> String {
    format!("ADD COLUMN {} {}", quote_identifier(&column.name), column.data_type)
}

fn retype(column: &TypedColumn) -> String {
    let (name, data_type) = (quote_identifier(&column.name), &column.data_type);
    format!("ALTER COLUMN {name} TYPE {data_type} USING {name}::{data_type}")
}

fn widenings(source: &[TypedColumn], target: &[TypedColumn]) -> Vec<String> {
    let is_wider = |c: &&TypedColumn| {
        let there = target.iter().find(|t| t.name == c.name).and_then(|t| length(&t.data_type));
        there.zip(length(&c.data_type)).is_some_and(|(there, here)| here > there)
    };
    source.iter().filter(is_wider).map(retype).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(list: &[(&str, &str)]) -> Vec<TypedColumn> {
        list.iter().map(|(name, t)| TypedColumn { name: (*name).into(), data_type: (*t).into() }).collect()
    }

    #[test]
    fn a_difference_names_its_columns() {
        let source = columns(&[("a", "bigint"), ("n", "date"), ("v", "character varying(9)")]);
        let target = columns(&[("a", "integer"), ("o", "text"), ("v", "character varying(4)")]);
        let difference = Difference::of(&source, &target);
        assert_eq!(difference.told(), "added \"n\" (date), removed \"o\", retyped \"a\" (bigint)");
        assert_eq!(widenings(&source, &target).len(), 1);
        assert!(widenings(&target, &source).is_empty());
    }
}
