//! The nouns of a project: model, seed, column, data test.

use std::collections::BTreeMap;

/// What becomes of the rows of a model's SELECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Materialization {
    /// A view; costs nothing, always fresh.
    #[default]
    View,
    /// A table filled by the SELECT.
    Table,
    /// The rows are features; the result is a table of clusters.
    Cluster,
    /// The rows are purchase histories; the result is a table of lifetime values.
    Ltv,
    /// The rows are what happened since the last run; they are added to those of earlier runs.
    History,
}

/// Who may read the published relation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// In the public schema, part of the contract.
    #[default]
    Public,
    /// In the store, for other models only.
    Private,
}

/// A SQL model: one file.
#[derive(Clone, Debug, Default)]
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
    /// Models that `live()` names: it compares with what they published before the run, and does not wait for them.
    pub lives: Vec<String>,
    /// Sources it reads.
    pub sources: Vec<(String, String)>,
    /// Project variables it read while it was parsed, with their values; part of the fingerprint.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// A group of tables that something else fills, declared in `schema.yml`.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// What `source('name', ...)` says.
    pub name: String,
    /// Schema, where the context of a run does not give one; the name if the file says nothing.
    pub schema: String,
    /// From `schema.yml`.
    pub description: String,
    /// Tables by the name that `source(..., 'table')` says, each with its name in the database.
    pub tables: BTreeMap<String, String>,
}

/// A CSV file under `seeds/`, loaded as a table.
#[derive(Clone, Debug, Default)]
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
    /// Every key of `config:` in `schema.yml`.
    pub config: BTreeMap<String, serde_json::Value>,
    /// `config: tags:`.
    pub tags: Vec<String>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// The run fails and publishes nothing.
    #[default]
    Error,
    /// The run tells it and goes on.
    Warn,
}

/// One data test on a model or seed.
#[derive(Clone, Debug, Default)]
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
    /// `where`: only rows of the model that meet this condition are looked at; may hold Jinja.
    pub filter: Option<String>,
    /// File that declares the test.
    pub path: String,
    /// Sources that the test reads.
    pub sources: Vec<(String, String)>,
}

impl Materialization {
    /// Every materialization, in the order help texts list them.
    pub const ALL: [Materialization; 5] = [
        Materialization::View,
        Materialization::Table,
        Materialization::Cluster,
        Materialization::Ltv,
        Materialization::History,
    ];

    /// The word in `config(materialized=...)`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Materialization::View => "view",
            Materialization::Table => "table",
            Materialization::Cluster => "cluster",
            Materialization::Ltv => "ltv",
            Materialization::History => "history",
        }
    }

    /// The materialization of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.as_str() == word)
    }
}

impl Access {
    /// The word in `config(access=...)`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Access::Public => "public",
            Access::Private => "private",
        }
    }

    /// The access of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Access::Public, Access::Private].into_iter().find(|a| a.as_str() == word)
    }
}

impl Severity {
    /// The word in `severity: ...`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warn => "warn",
        }
    }

    /// The severity of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Severity::Error, Severity::Warn].into_iter().find(|s| s.as_str() == word)
    }
}

impl Model {
    /// Description of a column, if `schema.yml` has one.
    #[must_use]
    pub fn column_description(&self, column: &str) -> Option<&str> {
        self.columns.iter().find(|c| c.name == column).map(|c| c.description.as_str()).filter(|d| !d.is_empty())
    }
}
