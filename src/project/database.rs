//! What templates may ask of the database while they run; `warehouse` answers, tests answer from memory.
//!
//! The trait keeps `project` pure: it knows the questions, not the driver.

use crate::error::Result;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use std::fmt;

/// A relation's full name, unquoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationName {
    /// Database; empty where it does not matter.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Table, view or materialized view.
    pub identifier: String,
}

/// What kind of relation the catalogue says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationKind {
    /// A table, plain, partitioned or foreign.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
}

/// A relation that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingRelation {
    /// Its name.
    pub name: RelationName,
    /// What it is.
    pub kind: RelationKind,
}

/// A column of a relation that exists, as `information_schema.columns` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingColumn {
    /// Its name, unquoted.
    pub name: String,
    /// `character varying`, `numeric`, `timestamp without time zone`.
    pub data_type: String,
    /// Length of character types that have one.
    pub char_size: Option<u32>,
    /// Digits of numeric types.
    pub numeric_precision: Option<u32>,
    /// Digits after the point of numeric types.
    pub numeric_scale: Option<u32>,
}

/// One value of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// boolean
    Bool(bool),
    /// smallint, integer, bigint
    Int(i64),
    /// numeric, in PostgreSQL's own spelling so that no digit is lost.
    Number(String),
    /// real, double precision
    Float(f64),
    /// Everything without a variant of its own, in PostgreSQL's text form.
    Text(String),
    /// date
    Date(NaiveDate),
    /// time
    Time(NaiveTime),
    /// timestamp
    Timestamp(NaiveDateTime),
    /// timestamptz
    TimestampTz(DateTime<FixedOffset>),
}

/// What a statement answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Names of the columns, in order; empty where the statement returns none.
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// The command tag: `SELECT 3`, `INSERT 0 5`, `CREATE VIEW`.
    pub tag: String,
    /// Rows that the statement returned or changed.
    pub rows_affected: u64,
}

/// A connection as templates see it. Every call waits for the server.
pub trait Database: Send + Sync + fmt::Debug {
    /// Runs one or several statements separated by semicolons, in order; the answer is that of the last one.
    fn execute(&self, sql: &str) -> Result<Answer>;
    /// The relation of this name, if there is one.
    fn relation(&self, name: &RelationName) -> Result<Option<ExistingRelation>>;
    /// All relations of a schema, by name.
    fn relations(&self, schema: &str) -> Result<Vec<ExistingRelation>>;
    /// Columns in their order; none where the relation does not exist.
    fn columns(&self, name: &RelationName) -> Result<Vec<ExistingColumn>>;
    /// Names and types of the columns that a query would answer; the query is not run.
    fn describe(&self, sql: &str) -> Result<Vec<ExistingColumn>>;
    /// Names of all schemas.
    fn schemas(&self) -> Result<Vec<String>>;
    /// Creates the schema unless it is there.
    fn create_schema(&self, schema: &str) -> Result<()>;
    /// Drops the schema with all that is in it, if it is there.
    fn drop_schema(&self, schema: &str) -> Result<()>;
    /// Drops the relation if it is there; what depends on it goes with it, as templates written for dbt expect.
    fn drop_relation(&self, relation: &ExistingRelation) -> Result<()>;
    /// Renames within the schema.
    fn rename_relation(&self, from: &ExistingRelation, to: &RelationName) -> Result<()>;
    /// Removes all rows of a table.
    fn truncate_relation(&self, name: &RelationName) -> Result<()>;
}

impl RelationKind {
    /// dbt's word: `table`, `view`, `materialized_view`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RelationKind::Table => "table",
            RelationKind::View => "view",
            RelationKind::MaterializedView => "materialized_view",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [RelationKind::Table, RelationKind::View, RelationKind::MaterializedView]
            .into_iter()
            .find(|k| k.as_str() == word)
    }
}
