//! Pure: `(path, text)` pairs to models, graph, compiled SQL, data tests; all problems at once, no I/O.
//!
//! Two phases, as in dbt: the first renders every node once with functions that record what it refers to, the second renders
//! it again with the relations of a run. [`Project`] is Quintile's own project, strict, published by pointer;
//! [`manifest::Manifest`] any project with a `dbt_project.yml`, built in place. Both render through [`jinja`].

pub mod agate;
pub mod artifact;
mod builtin;
mod check;
pub mod choose;
mod compile;
pub mod context;
mod database;
mod engine;
mod excerpt;
pub mod files;
mod graph;
pub mod jinja;
pub mod lexer;
pub mod manifest;
pub mod model;
pub mod name;
mod no_database;
mod nodes;
mod options;
mod parse;
mod properties;
mod references;
mod seed;
mod selector;
pub mod split;
pub mod statement;
mod tally;
#[cfg(test)]
mod tests;
mod volatile;
mod yaml;

use crate::error::{Error, Result};
pub use database::{Answer, Cell, Database, ExistingColumn, ExistingRelation, RelationKind, RelationName};
pub use excerpt::{excerpt_at, excerpt_of_word};
use graph::Graph;
pub use manifest::LiveRelation;
pub use model::{Access, Column, DataTest, Materialization, Model, Seed, Severity, Source};
pub use name::{LONGEST_NAME, quote_identifier, quote_literal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
pub use tally::Tally;
pub use volatile::volatile_word;

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
    /// Declared sources by name.
    pub sources: BTreeMap<String, Source>,
    /// The macros, compiled.
    pub(crate) engine: Arc<engine::Engine>,
    /// What compiling sees of the above, made when first asked for.
    manifest: OnceLock<Arc<manifest::Manifest>>,
}

/// What compiled SQL depends on besides the project: names of relations and the run's constants.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Relation for each model and seed name, what `ref('name')` becomes.
    pub relations: BTreeMap<String, RelationName>,
    /// What models published before the run, by their names: what `live('name')` becomes.
    pub live: Arc<BTreeMap<String, LiveRelation>>,
    /// Schema for each source name, what `source('raw', 'orders')` is qualified with.
    pub source_schemas: BTreeMap<String, String>,
    /// Relation of a source's table, by both names, where it is another one than the source says.
    pub sources: BTreeMap<(String, String), RelationName>,
    /// The run's instant as RFC 3339 text; `{{ as_of }}` becomes a typed literal of it.
    pub as_of: String,
    /// The run's number; `{{ run_id }}`.
    pub run_id: i64,
    /// `{{ target.schema }}`: the public schema of the workspace.
    pub target_schema: String,
    /// `{{ target.name }}`: the workspace.
    pub target_name: String,
    /// Connection that templates may ask (`run_query`, `adapter`); without one whoever asks is refused.
    pub database: Option<Arc<dyn Database>>,
}

impl Project {
    /// Parses all files; the project holds what could be understood, the list every problem found.
    ///
    /// Read are `models/**/*.sql`, `models/**/*.yml`, `macros/**/*.sql`, `seeds/*.csv`, `seeds/*.yml` and
    /// `tests/data/*.sql`; files elsewhere are left alone. A project with problems must not be run.
    #[must_use]
    pub fn parse(files: &[SourceFile], vars: BTreeMap<String, serde_json::Value>) -> (Project, Vec<Error>) {
        parse::project(files, vars)
    }

    /// Renders a model to the SQL that the server gets: one statement, no final semicolon.
    pub fn compile(&self, model: &str, context: &Context) -> Result<String> {
        compile::model(self, model, context)
    }

    /// Renders a data test to a SELECT whose rows are the failures.
    pub fn compile_test(&self, test: &str, context: &Context) -> Result<String> {
        compile::test(self, test, context)
    }

    /// Whether a data test asks each row of its relation by itself, and nothing else.
    #[must_use]
    pub fn asks_each_row(&self, test: &str, context: &Context) -> bool {
        self.tests
            .get(test)
            .is_some_and(|test| test.refs.is_empty() && compile::row_rule(self, test, context).is_some())
    }

    /// Those of the data tests that are asked together: by relation, several in one SELECT that scans it once.
    #[must_use]
    pub fn tallies<'a>(&self, tests: impl IntoIterator<Item = &'a str>, context: &Context) -> Vec<Tally> {
        tally::tallies(self, tests, context)
    }

    /// Names (models and seeds) that the selectors pick, minus those that `exclude` picks; no selector picks all.
    pub fn select(&self, select: &[String], exclude: &[String]) -> Result<BTreeSet<String>> {
        let graph = self.graph();
        let picked = if select.iter().all(|argument| argument.trim().is_empty()) {
            self.names().map(str::to_owned).collect()
        } else {
            selector::pick(self, &graph, select)?
        };
        let left_out = selector::pick(self, &graph, exclude)?;
        Ok(picked.difference(&left_out).cloned().collect())
    }

    /// The selected names in an order in which each comes after all it refers to, also through names not selected.
    #[must_use]
    pub fn order(&self, selected: &BTreeSet<String>) -> Vec<String> {
        self.graph().order().into_iter().filter(|name| selected.contains(name)).collect()
    }

    /// All names by distance from the roots: each level needs only levels before it.
    #[must_use]
    pub fn levels(&self) -> Vec<Vec<String>> {
        self.graph().levels()
    }

    /// Names that `name` refers to directly.
    #[must_use]
    pub fn parents(&self, name: &str) -> Vec<String> {
        let refs = self.models.get(name).map(|model| model.refs.as_slice()).unwrap_or_default();
        refs.iter().filter(|parent| self.contains(parent)).cloned().collect()
    }

    /// Names that refer to `name` directly, in order of the alphabet.
    #[must_use]
    pub fn children(&self, name: &str) -> Vec<String> {
        self.graph().children(name).to_vec()
    }

    /// All names that `name` needs, itself not among them.
    #[must_use]
    pub fn ancestors(&self, name: &str) -> BTreeSet<String> {
        self.graph().ancestors(name, usize::MAX)
    }

    /// All names that need `name`, itself not among them.
    #[must_use]
    pub fn descendants(&self, name: &str) -> BTreeSet<String> {
        self.graph().descendants(name, usize::MAX)
    }

    /// Data tests about this model or seed, by name.
    #[must_use]
    pub fn tests_of(&self, name: &str) -> Vec<&DataTest> {
        self.tests.values().filter(|test| test.model == name).collect()
    }

    /// The version of a public relation's contract with its readers: `config(contract_version=...)`, else 1.
    #[must_use]
    pub fn contract_version(&self, name: &str) -> u64 {
        let (config, access) = match (self.models.get(name), self.seeds.get(name)) {
            (Some(model), _) => (&model.config, model.access),
            (None, Some(seed)) => (&seed.config, seed.access),
            (None, None) => return 1,
        };
        let version = config.get("contract_version").and_then(serde_json::Value::as_u64);
        // Nobody but our own models reads what is private.
        version.filter(|_| access == Access::Public).unwrap_or(1)
    }

    /// Name of the view that a model or seed is published as: its own, from contract version 2 on with `_v2` and so on.
    #[must_use]
    pub fn published_name(&self, name: &str) -> String {
        match self.contract_version(name) {
            0 | 1 => name.to_owned(),
            version => format!("{name}_v{version}"),
        }
    }

    /// Hash of all that decides the rows besides the inputs: 32 hexadecimal digits.
    ///
    /// For a model its SQL, merged configuration, the macros and the variables it read; for a seed its text and
    /// column types; empty for an unknown name. Descriptions and the run's constants do not count.
    #[must_use]
    pub fn fingerprint(&self, name: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        // Each part goes in with its length, so that text moved from one part to the next changes the hash.
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        if let Some(model) = self.models.get(name) {
            part("model");
            part(&model.raw_sql);
            for (heading, values) in [("config", &model.config), ("vars", &model.vars)] {
                part(heading);
                for (key, value) in values {
                    part(key);
                    part(&value.to_string());
                }
            }
            self.engine.macro_texts().for_each(&mut part);
        } else if let Some(seed) = self.seeds.get(name) {
            part("seed");
            part(&seed.text);
            for (column, sql_type) in &seed.columns {
                part(column);
                part(sql_type);
            }
        } else {
            return String::new();
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Names of all models and seeds.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().chain(self.seeds.keys()).map(String::as_str)
    }

    fn manifest(&self) -> Arc<manifest::Manifest> {
        self.manifest.get_or_init(|| Arc::new(nodes::manifest(self))).clone()
    }

    fn contains(&self, name: &str) -> bool {
        self.models.contains_key(name) || self.seeds.contains_key(name)
    }

    fn graph(&self) -> Graph {
        let models = self.models.values().map(|model| (model.name.clone(), model.refs.clone()));
        let seeds = self.seeds.keys().map(|name| (name.clone(), Vec::new()));
        Graph::new(seeds.chain(models).collect())
    }
}
