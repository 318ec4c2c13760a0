//! Seeds: a file's rows by COPY into a table that is swapped in, and only where file or types changed.

use super::catalog::{Catalog, FRESH, beside};
use super::index::{self, Index};
use super::record::{definition_hash, record};
use super::session::Session;
use super::swap::swap;
use super::table::{Change, Outcome, drop_table, forget_dropped};
use crate::error::{Error, Result};
use crate::project::agate::{ColumnKind, SeedTable, read};
use crate::project::{RelationKind, RelationName, quote_identifier};
use crate::warehouse::statement::qualified;
use futures_util::SinkExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A seed to load.
#[derive(Clone, Debug, Default)]
pub struct SeedDefinition {
    /// Where it goes.
    pub name: RelationName,
    /// The file's path, for messages.
    pub path: String,
    /// The file's text.
    pub text: String,
    /// What stands between values; a comma if none.
    pub delimiter: Option<char>,
    /// SQL types of the user's, by column.
    pub column_types: BTreeMap<String, String>,
    /// Whether names of columns are quoted; dbt quotes them unless told otherwise.
    pub unquoted_columns: bool,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Relations that this run builds again later, and that may be dropped where they no longer fit.
    pub may_drop: Arc<BTreeSet<RelationName>>,
}

impl SeedDefinition {
    fn hash(&self) -> String {
        let types: Vec<String> = self.column_types.iter().map(|(column, t)| format!("{column} {t}")).collect();
        let delimiter = self.delimiter.unwrap_or(',').to_string();
        let indexes: Vec<String> = self.indexes.iter().map(|index| index.name(&self.name.identifier)).collect();
        let quoting = self.unquoted_columns.to_string();
        definition_hash(&["seed", &self.text, &types.join("\n"), &delimiter, &indexes.join("\n"), &quoting])
    }

    fn column(&self, name: &str) -> String {
        if self.unquoted_columns { name.to_owned() } else { quote_identifier(name) }
    }

    fn type_of<'a>(&'a self, name: &str, kind: ColumnKind) -> &'a str {
        self.column_types.get(name).map_or(kind.sql_type(), String::as_str)
    }
}

/// Loads the seed. Unchanged: nothing is sent to the server. Else the transaction is left open.
pub async fn build(session: &Session, catalog: &Catalog, seed: &SeedDefinition, full_refresh: bool) -> Result<Outcome> {
    let (name, hash) = (&seed.name, seed.hash());
    let there = catalog.get(name);
    let relation = qualified(&name.schema, &name.identifier);
    if let Some(other) = there.as_ref().filter(|relation| relation.kind != RelationKind::Table) {
        let kind = other.kind.as_str().replace('_', " ");
        return Err(Error::failed(format!("seed {relation} cannot be loaded: a {kind} has its name"))
            .hint("rename the seed, or drop that relation"));
    }
    if !full_refresh && there.is_some_and(|relation| relation.definition_hash.as_deref() == Some(hash.as_str())) {
        return Ok(Outcome::of(Change::Unchanged));
    }
    let doing = format!("seed {relation} cannot be loaded");
    let forced: Vec<String> = seed.column_types.keys().cloned().collect();
    let table = read(&seed.path, &seed.text, seed.delimiter.unwrap_or(','), &forced)?;
    let fresh = qualified(&name.schema, &beside(&name.identifier, FRESH));
    drop_table(session, &doing, &fresh).await?;
    let rows = load(session, seed, &table, &fresh, &doing).await?;
    index::create_beside(session, name, &seed.indexes).await?;
    session.run(&doing, &format!("ANALYZE {fresh}")).await?;
    let swapped = swap(session, name, &seed.may_drop).await?;
    record(session, catalog, name, RelationKind::Table, &hash, swapped.is_reshaped).await?;
    forget_dropped(catalog, &swapped.dropped);
    let change = if swapped.is_replacement { Change::Replaced } else { Change::Created };
    Ok(Outcome { change, rows: Some(rows), notes: swapped.notes, dropped: swapped.dropped })
}

async fn load(session: &Session, seed: &SeedDefinition, table: &SeedTable, fresh: &str, doing: &str) -> Result<u64> {
    // A timestamp with an offset becomes one without by the session's time zone; a plain column would drop the offset.
    let zoned: Vec<bool> = (0..table.columns.len())
        .map(|place| table.columns[place].kind == ColumnKind::Timestamp && has_offsets(table, place))
        .collect();
    let columns = table.columns.iter().zip(&zoned).map(|(column, is_zoned)| {
        let sql_type = if *is_zoned { "timestamptz" } else { seed.type_of(&column.name, column.kind) };
        format!("{} {sql_type}", seed.column(&column.name))
    });
    session.run(doing, &format!("CREATE TABLE {fresh} ({})", columns.collect::<Vec<_>>().join(", "))).await?;
    let sink = session.copy_in(doing, &format!("COPY {fresh} FROM STDIN")).await?;
    futures_util::pin_mut!(sink);
    let told = |e: tokio_postgres::Error| in_file(doing, seed, table, &e);
    sink.send(as_lines(table).into()).await.map_err(told)?;
    let rows = sink.finish().await.map_err(told)?;
    for (column, _) in table.columns.iter().zip(&zoned).filter(|(_, is_zoned)| **is_zoned) {
        let sql = format!("ALTER TABLE {fresh} ALTER COLUMN {} TYPE timestamp", seed.column(&column.name));
        session.run(doing, &sql).await?;
    }
    Ok(rows)
}

fn has_offsets(table: &SeedTable, place: usize) -> bool {
    // 2020-01-01 10:00:00+02:00: after the date, a sign can only begin an offset.
    let is_offset = |value: &String| value.get(10..).is_some_and(|time| time.contains(['+', '-']));
    table.rows.iter().filter_map(|row| row.values[place].as_ref()).any(is_offset)
}

/// COPY's text form: every row is one line, whatever its values hold, so that the server counts rows.
fn as_lines(table: &SeedTable) -> String {
    let mut text = String::new();
    for row in &table.rows {
        for (place, value) in row.values.iter().enumerate() {
            if place > 0 {
                text.push('\t');
            }
            match value {
                None => text.push_str("\\N"),
                Some(value) => value.chars().for_each(|c| match c {
                    '\\' => text.push_str("\\\\"),
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    '\t' => text.push_str("\\t"),
                    c => text.push(c),
                }),
            }
        }
        text.push('\n');
    }
    text
}

/// The server names a line of what was sent, which is a row; the user wants the line of the file.
fn in_file(doing: &str, seed: &SeedDefinition, table: &SeedTable, error: &tokio_postgres::Error) -> Error {
    let told = crate::warehouse::fault::fault(doing, error);
    let Some(place) = error.as_db_error().and_then(|db| db.where_()) else { return told };
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok();
    let Some(sent) = place.split_once("line ").and_then(|(_, rest)| number(rest)) else { return told };
    let line = sent.checked_sub(1).and_then(|row| table.rows.get(row)).map_or(0, |row| row.line);
    let column = place.split_once("column ").map(|(_, rest)| format!(", column {rest}")).unwrap_or_default();
    told.hint(format!("correct {}, line {line}{column}, or set column_types", seed.path))
}
