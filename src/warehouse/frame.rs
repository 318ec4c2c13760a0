//! A `Frame` out of a SELECT, and a `Frame` into a new table of the store.

use super::connect::{Client, Warehouse};
use super::copy::{Cell, CopyIn, Transaction};
use super::fault::{fault, fault_in};
use super::statement::{fill, qualified, splice};
use crate::analytics::{Column, Frame, Values};
use crate::error::{Error, Result};
use crate::project::quote_identifier;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use std::pin::Pin;
use tokio_postgres::RowStream;
use tokio_postgres::types::Type;

impl Warehouse {
    /// Runs `sql` and returns its rows: the column `key` as text, every other column as floats, NULL as NaN.
    ///
    /// Rows are streamed, so the memory is that of the frame. A key that is NULL and a column that is not a number are errors.
    pub async fn read_frame(&self, sql: &str, key: &str) -> Result<Frame> {
        self.read_frame_with(&self.client().await?, sql, key).await
    }

    /// As [`Warehouse::read_frame`], on a given connection (inside the caller's transaction, for example).
    pub async fn read_frame_with(&self, client: &Client, sql: &str, key: &str) -> Result<Frame> {
        let mut reader = self.read_batches(client, sql, key, usize::MAX).await?;
        Ok(reader.next().await?.unwrap_or_else(|| reader.empty()))
    }

    /// As [`Warehouse::read_frame_with`], of `share` of all keys: those whose hash is low, in every run the same.
    pub async fn read_sample(&self, client: &Client, sql: &str, key: &str, share: f64) -> Result<Frame> {
        if share >= 1.0 {
            return self.read_frame_with(client, sql, key).await;
        }
        let template = fill(include_str!("sql/sample_of_keys.sql"), &[("key", key)]);
        let share = format!("{:.9}", share.max(0.0));
        let sampled = splice(&template, &[("share", &share), ("select", trimmed(sql))]);
        self.read_frame_with(client, &sampled, key).await
    }

    /// Runs `sql` and hands out its rows as frames of at most `rows` rows, so that the memory is that of one of them.
    pub async fn read_batches(&self, client: &Client, sql: &str, key: &str, rows: usize) -> Result<FrameReader> {
        let sql = trimmed(sql);
        let described = client.describe(sql).await.map_err(|e| fault_in("features cannot be read", sql, &e))?;
        let described: Vec<(&str, &Type)> = described.columns().iter().map(|c| (c.name(), c.type_())).collect();
        let features = features_of(&described, key)?;
        let wrapped = wrap(sql, key, &features);
        let stream = client.query_raw(&wrapped, &[]).await.map_err(|e| fault("features cannot be read", &e))?;
        Ok(FrameReader {
            stream: Box::pin(stream),
            key: key.to_owned(),
            features: features.into_iter().map(str::to_owned).collect(),
            rows,
            read: 0,
            is_over: false,
        })
    }

    /// Creates `schema.table` with the columns `run_id`, `as_of`, `key` and `columns`, and fills it; one transaction.
    ///
    /// NaN becomes NULL. `client` must not be in a transaction. Returns the number of rows.
    #[allow(clippy::too_many_arguments)]
    pub async fn write_frame(
        &self,
        client: &Client,
        schema: &str,
        table: &str,
        run_id: i64,
        as_of: DateTime<Utc>,
        key: &str,
        keys: &[String],
        columns: &[Column],
    ) -> Result<u64> {
        for column in columns {
            let found = length(&column.values);
            if found != keys.len() {
                return Err(Error::failed(format!("column \"{}\" does not fit its table", column.name))
                    .detail(format!("It has {found} values for {} keys.", keys.len())));
            }
        }
        let relation = qualified(schema, table);
        let doing = format!("table \"{table}\" cannot be written");
        let transaction = Transaction::begin(client).await?;
        // A run that is taken up again finds the table of a process that died before it could record it.
        let drop = format!("DROP TABLE IF EXISTS {relation} CASCADE");
        client.batch_execute(&drop).await.map_err(|e| fault(&doing, &e))?;
        let create = create_statement(&relation, key, columns);
        client.batch_execute(&create).await.map_err(|e| fault(&doing, &e))?;
        let mut types = vec![Type::INT8, Type::TIMESTAMPTZ, Type::TEXT];
        types.extend(columns.iter().map(|column| sql_type(&column.values)));
        let copy = format!("COPY {relation} FROM STDIN (FORMAT binary)");
        let mut writer = CopyIn::start(client, &copy, &types, &doing).await?;
        let mut cells = Vec::with_capacity(types.len());
        for (i, key) in keys.iter().enumerate() {
            cells.clear();
            cells.extend([Cell::Bigint(run_id), Cell::Instant(as_of), Cell::Text(Some(key))]);
            cells.extend(columns.iter().map(|column| cell_at(&column.values, i)));
            writer.row(&cells).await?;
        }
        let count = writer.finish().await?;
        transaction.commit().await?;
        Ok(count)
    }
}

/// Rows of a SELECT on their way into frames.
pub struct FrameReader {
    stream: Pin<Box<RowStream>>,
    key: String,
    features: Vec<String>,
    rows: usize,
    read: usize,
    is_over: bool,
}

impl FrameReader {
    /// The next rows; none after the last.
    pub async fn next(&mut self) -> Result<Option<Frame>> {
        let mut keys = Vec::new();
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); self.features.len()];
        // A stream that has ended must not be asked again.
        while !self.is_over && keys.len() < self.rows {
            let row = self.stream.as_mut().try_next().await.map_err(|e| fault("features cannot be read", &e))?;
            let Some(row) = row else {
                self.is_over = true;
                break;
            };
            self.read += 1;
            let cell: Option<&str> = row.try_get(0).map_err(|e| fault("key cannot be read", &e))?;
            let Some(cell) = cell else {
                let key = &self.key;
                return Err(Error::failed(format!("key column \"{key}\" holds NULL"))
                    .detail(format!("Row {} of the SELECT has no key.", self.read))
                    .hint(format!("add `WHERE {key} IS NOT NULL` to the model")));
            };
            keys.push(cell.to_owned());
            for (i, column) in values.iter_mut().enumerate() {
                let cell: Option<f64> = row.try_get(i + 1).map_err(|e| fault("feature cannot be read", &e))?;
                column.push(cell.unwrap_or(f64::NAN));
            }
        }
        let columns = self.features.iter().zip(values).map(|(name, values)| Column::float(name, values)).collect();
        Ok((!keys.is_empty()).then_some(Frame { keys, columns }))
    }

    /// The frame of a SELECT without rows.
    fn empty(&self) -> Frame {
        let columns = self.features.iter().map(|name| Column::float(name, Vec::new())).collect();
        Frame { keys: Vec::new(), columns }
    }
}

pub(super) fn trimmed(sql: &str) -> &str {
    sql.trim_end_matches(|c: char| c.is_whitespace() || c == ';')
}

/// Names of all columns but the key; every problem of the SELECT's shape in one error.
fn features_of<'a>(described: &[(&'a str, &Type)], key: &str) -> Result<Vec<&'a str>> {
    let names = || described.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let mut problems = Vec::new();
    let mut features: Vec<&str> = Vec::new();
    for (i, (name, sql_type)) in described.iter().enumerate() {
        if described[..i].iter().any(|(earlier, _)| earlier == name) {
            problems.push(format!("Column \"{name}\" stands twice in the SELECT."));
        } else if *name != key {
            if !is_number(sql_type) {
                problems.push(format!("Column \"{name}\" is of type {sql_type}, not a number."));
            }
            features.push(name);
        }
    }
    if !described.iter().any(|(name, _)| *name == key) {
        problems.push(format!("Key column \"{key}\" is missing; the columns are: {}.", names()));
    } else if features.is_empty() {
        problems.push(format!("There is no column beside the key \"{key}\"."));
    }
    if problems.is_empty() {
        return Ok(features);
    }
    Err(Error::failed("features have the wrong shape")
        .detail(problems.join("\n"))
        .hint("let the SELECT give the key and numbers only; a flag is a number after `::int`"))
}

fn is_number(sql_type: &Type) -> bool {
    [Type::INT2, Type::INT4, Type::INT8, Type::FLOAT4, Type::FLOAT8, Type::NUMERIC].contains(sql_type)
}

/// The SELECT around `sql` that gives the key as text and the features as floats. A line of its own closes
/// the sub-query, so that a comment at the end of `sql` hides nothing.
fn wrap(sql: &str, key: &str, features: &[&str]) -> String {
    let mut list = format!("{}::text", quote_identifier(key));
    for feature in features {
        list.push_str(&format!(", {}::float8", quote_identifier(feature)));
    }
    format!("SELECT {list}\nFROM (\n{sql}\n) AS features")
}

pub(super) fn create_statement(relation: &str, key: &str, columns: &[Column]) -> String {
    let mut lines = vec![
        "run_id bigint NOT NULL".to_owned(),
        "as_of timestamptz NOT NULL".to_owned(),
        format!("{} text NOT NULL", quote_identifier(key)),
    ];
    lines.extend(columns.iter().map(|c| format!("{} {}", quote_identifier(&c.name), sql_name(&c.values))));
    format!("CREATE TABLE {relation} (\n    {}\n)", lines.join(",\n    "))
}

fn length(values: &Values) -> usize {
    match values {
        Values::Float(values) => values.len(),
        Values::Integer(values) => values.len(),
        Values::Text(values) => values.len(),
        Values::Boolean(values) => values.len(),
    }
}

fn sql_type(values: &Values) -> Type {
    match values {
        Values::Float(_) => Type::FLOAT8,
        Values::Integer(_) => Type::INT4,
        Values::Text(_) => Type::TEXT,
        Values::Boolean(_) => Type::BOOL,
    }
}

fn sql_name(values: &Values) -> &'static str {
    match values {
        Values::Float(_) => "double precision",
        Values::Integer(_) => "integer",
        Values::Text(_) => "text",
        Values::Boolean(_) => "boolean",
    }
}

fn cell_at(values: &Values, i: usize) -> Cell<'_> {
    match values {
        Values::Float(values) => Cell::Float(Some(values[i]).filter(|value| !value.is_nan())),
        Values::Integer(values) => Cell::Integer(values[i]),
        Values::Text(values) => Cell::Text(values[i].as_deref()),
        Values::Boolean(values) => Cell::Boolean(values[i]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_all_columns_but_the_key() {
        let described = [("a", &Type::INT8), ("customer_id", &Type::TEXT), ("b", &Type::NUMERIC)];
        assert_eq!(features_of(&described, "customer_id").unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_wrong_shape_is_told_whole() {
        let described = [("a", &Type::INT8), ("a", &Type::INT8), ("since", &Type::TIMESTAMPTZ)];
        let error = features_of(&described, "customer_id").unwrap_err();
        insta::assert_snapshot!(error.report(), @r#"
        error: features have the wrong shape
        detail: Column "a" stands twice in the SELECT.
          Column "since" is of type timestamptz, not a number.
          Key column "customer_id" is missing; the columns are: a, a, since.
        hint: let the SELECT give the key and numbers only; a flag is a number after `::int`
        "#);
    }

    #[test]
    fn names_are_quoted_and_a_last_comment_is_harmless() {
        insta::assert_snapshot!(wrap("SELECT 1 -- one", "id", &["we\"ird"]), @r#"
        SELECT "id"::text, "we""ird"::float8
        FROM (
        SELECT 1 -- one
        ) AS features
        "#);
    }
}
