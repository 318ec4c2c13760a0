//! Pure: `(path, text)` pairs to models, graph, compiled SQL, data tests; all problems at once, no I/O.

pub mod model;

use crate::error::{Error, Result};
pub use model::{Access, Column, DataTest, Materialization, Model, Seed, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// One file of a project: path relative to the project folder, with `/`, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// `models/marts/rfm_scores.sql`
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// A parsed project: every model, seed, source and data test, and the graph between them.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Models by name.
    pub models: BTreeMap<String, Model>,
    /// Seeds by name.
    pub seeds: BTreeMap<String, Seed>,
    /// Data tests by name.
    pub tests: BTreeMap<String, DataTest>,
    /// Values for `var()`.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// What compiled SQL depends on besides the project: names of relations and the run's constants.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Quoted relation for each model and seed name, what `ref('name')` becomes.
    pub relations: BTreeMap<String, String>,
    /// Schema for each source name, what `source('raw', 'orders')` is qualified with.
    pub source_schemas: BTreeMap<String, String>,
    /// The run's instant as RFC 3339 text; `{{ as_of }}` becomes a typed literal of it.
    pub as_of: String,
    /// The run's number; `{{ run_id }}`.
    pub run_id: i64,
    /// `{{ target.schema }}`: the public schema of the workspace.
    pub target_schema: String,
    /// `{{ target.name }}`: the workspace.
    pub target_name: String,
}

impl Project {
    /// Parses all files; the project holds what could be understood, the list every problem found.
    #[must_use]
    pub fn parse(files: &[SourceFile], vars: BTreeMap<String, serde_json::Value>) -> (Project, Vec<Error>) {
        let _ = files;
        (Project { vars, ..Project::default() }, Vec::new())
    }

    /// Renders a model to the SQL that the server gets.
    pub fn compile(&self, model: &str, context: &Context) -> Result<String> {
        let _ = context;
        Err(Error::config(format!("model \"{model}\" is not in the project")))
    }

    /// Renders a data test to a SELECT whose rows are the failures.
    pub fn compile_test(&self, test: &str, context: &Context) -> Result<String> {
        let _ = context;
        Err(Error::config(format!("data test \"{test}\" is not in the project")))
    }

    /// Names (models and seeds) that the selectors pick, minus those that `exclude` picks; no selector picks all.
    pub fn select(&self, select: &[String], exclude: &[String]) -> Result<BTreeSet<String>> {
        let _ = (select, exclude);
        Ok(BTreeSet::new())
    }

    /// The selected names in an order in which each comes after all it refers to.
    #[must_use]
    pub fn order(&self, selected: &BTreeSet<String>) -> Vec<String> {
        selected.iter().cloned().collect()
    }

    /// Names that `name` refers to directly.
    #[must_use]
    pub fn parents(&self, name: &str) -> Vec<String> {
        let _ = name;
        Vec::new()
    }

    /// Hash of all that decides the model's rows besides its inputs: SQL, configuration, macros, vars.
    #[must_use]
    pub fn fingerprint(&self, name: &str) -> String {
        let _ = name;
        String::new()
    }
}

/// Quotes an identifier for SQL: `a"b` to `"a""b"`. The only place that does.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
