//! The nouns of a project: model, seed, column, data test.

use std::collections::BTreeMap;

/// What becomes of the rows of a model's SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Materialization {
    /// A view; costs nothing, always fresh.
    View,
    /// A table filled by the SELECT.
    Table,
    /// The rows are features; the result is a table of clusters.
    Cluster,
    /// The rows are purchase histories; the result is a table of lifetime values.
    Ltv,
}

/// Who may read the published relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// In the public schema, part of the contract.
    Public,
    /// In the store, for other models only.
    Private,
}

/// A SQL model: one file.
#[derive(Clone, Debug)]
pub struct Model {
    /// The file's name without `.sql`.
    pub name: String,
    /// Path of the file.
    pub path: String,
    /// The file's text, not rendered.
    pub raw_sql: String,
    /// `config(materialized=...)`.
    pub materialization: Materialization,
    /// `config(access=...)`.
    pub access: Access,
    /// `config(tags=[...])`.
    pub tags: Vec<String>,
    /// Every key of `config(...)`, those above included.
    pub config: BTreeMap<String, serde_json::Value>,
    /// From `schema.yml`.
    pub description: String,
    /// From `schema.yml`, in its order.
    pub columns: Vec<Column>,
    /// Models and seeds it refers to, in order of first mention.
    pub refs: Vec<String>,
    /// Sources it reads.
    pub sources: Vec<(String, String)>,
}

/// A CSV file under `seeds/`, loaded as a table.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The file's name without `.csv`.
    pub name: String,
    /// Path of the file.
    pub path: String,
    /// The file's text.
    pub text: String,
    /// From `schema.yml`.
    pub description: String,
    /// Columns in the file's order, each with its SQL type (`column_types` in `schema.yml`, else inferred).
    pub columns: Vec<(String, String)>,
    /// Descriptions from `schema.yml`.
    pub documented: Vec<Column>,
    /// Who may read it.
    pub access: Access,
}

/// A documented column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name as in SQL.
    pub name: String,
    /// Becomes the comment on the published column.
    pub description: String,
}

/// What a failing data test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The run fails and publishes nothing.
    Error,
    /// The run tells it and goes on.
    Warn,
}

/// One data test on a model or seed.
#[derive(Clone, Debug)]
pub struct DataTest {
    /// `unique_rfm_scores_customer_id`, `accepted_values_..._segment`, or the file's name for a singular test.
    pub name: String,
    /// Model or seed that the test is about.
    pub model: String,
    /// Column, for column tests.
    pub column: Option<String>,
    /// Other models that the test reads (`relationships`).
    pub refs: Vec<String>,
    /// What failing means.
    pub severity: Severity,
    /// `unique`, `not_null`, `accepted_values`, `relationships`, or `singular`.
    pub kind: String,
    /// Arguments of the test, or the SQL of a singular test under `sql`.
    pub arguments: BTreeMap<String, serde_json::Value>,
}
