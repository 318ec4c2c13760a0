//! The nouns of a parsed project: nodes of the graph, sources, and what else a manifest holds.

use crate::project::database::RelationName;
use crate::project::name::quote_identifier;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Configuration of a node: key to value, merged from project files, property files and the node's own text.
pub type Config = Map<String, Json>;

/// What a node is; the first part of its unique id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A SELECT in a file of its own.
    Model,
    /// A CSV file.
    Seed,
    /// A SELECT whose rows' history is kept.
    Snapshot,
    /// A SELECT whose rows are failures.
    Test,
    /// A model run on given rows, compared with expected ones.
    UnitTest,
    /// SQL that is compiled and never run.
    Analysis,
    /// A hook of the project: `on-run-start`, `on-run-end`.
    Operation,
    /// A table that something else fills.
    Source,
    /// A use of the data outside of the project.
    Exposure,
    /// A metric, kept for other tools.
    Metric,
    /// A semantic model, kept for other tools.
    SemanticModel,
    /// A saved query, kept for other tools.
    SavedQuery,
}

/// `ref('package', 'name', version=1)` as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// First of two arguments.
    pub package: Option<String>,
    /// Name of the model, seed or snapshot.
    pub name: String,
    /// `version=` or `v=`.
    pub version: Option<String>,
}

/// A column as a property file describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Becomes a comment where `persist_docs` asks for it.
    pub description: String,
    /// SQL type, for contracts.
    pub data_type: Option<String>,
    /// Whether the name is quoted in SQL.
    pub quote: Option<bool>,
    /// Constraints of a contract, as written.
    pub constraints: Vec<Json>,
    /// Free facts.
    pub meta: Config,
    /// Tags; data tests of the column inherit them.
    pub tags: Vec<String>,
    /// What else the manifest shows, by key, as written: `granularity`, `doc_blocks`.
    pub extra: Config,
}

/// What only a data test has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestFacts {
    /// Macro without `test_`: `unique`; empty for a singular test.
    pub name: String,
    /// Package that the test's name was prefixed with.
    pub namespace: Option<String>,
    /// Arguments, `model` among them, not rendered.
    pub kwargs: Map<String, Json>,
    /// Column, for column tests.
    pub column: Option<String>,
    /// The node or source that the test is declared on.
    pub attached: Option<String>,
    /// `models.orders`: the list and the entry that declare it.
    pub file_key: String,
}

/// One node of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// `model.shop.orders`
    pub id: String,
    /// What it is.
    pub resource: Resource,
    /// Package that it belongs to.
    pub package: String,
    /// Name that `ref` takes.
    pub name: String,
    /// Version, of a versioned model.
    pub version: Option<String>,
    /// Version that a `ref` without one means.
    pub latest_version: Option<String>,
    /// Name of the relation.
    pub alias: String,
    /// Database of the relation.
    pub database: String,
    /// Schema of the relation.
    pub schema: String,
    /// File relative to the folder of its kind: `staging/stg_orders.sql`.
    pub path: String,
    /// File relative to its package: `models/staging/stg_orders.sql`.
    pub file: String,
    /// Line of `file` where its text begins, from 0; snapshots share files.
    pub line: usize,
    /// Property file that describes it, relative to its package.
    pub patch_file: Option<String>,
    /// Package, folders and name: what configuration trees and selectors go by.
    pub fqn: Vec<String>,
    /// Text before rendering.
    pub raw_code: String,
    /// SHA-256 of the file, hexadecimal; empty for generic tests.
    pub checksum: String,
    /// Merged configuration.
    pub config: Config,
    /// The part of the configuration that the files spell out, before rendering: upper layers replace lower ones.
    pub unrendered_config: Config,
    /// From the property file.
    pub description: String,
    /// Columns of the property file, in its order.
    pub columns: Vec<ColumnInfo>,
    /// Constraints over several columns, as written.
    pub constraints: Vec<Json>,
    /// Who may `ref` it: `private`, `protected`, `public`.
    pub access: String,
    /// Group of the node.
    pub group: Option<String>,
    /// Calls of `ref`, each of them.
    pub refs: Vec<Ref>,
    /// Calls of `source`.
    pub sources: Vec<(String, String)>,
    /// Ids of the nodes and sources it needs.
    pub depends_on: Vec<String>,
    /// Ids of the macros that its text calls.
    pub macros: Vec<String>,
    /// Variables that it read, with their values.
    pub vars: BTreeMap<String, Json>,
    /// What only a data test has.
    pub test: Option<TestFacts>,
    /// What else the manifest shows, by key, as written: `deprecation_date`, `docs`, `unit_test` parts.
    pub extra: Config,
}

/// A table that something else fills.
#[derive(Clone, Debug, Default)]
pub struct SourceTable {
    /// `source.shop.raw.orders`
    pub id: String,
    /// Package that declares it.
    pub package: String,
    /// First argument of `source()`.
    pub source: String,
    /// Second argument of `source()`.
    pub name: String,
    /// Where it is.
    pub relation: RelationName,
    /// Property file, relative to its package.
    pub file: String,
    /// Line of the declaration, from 1.
    pub line: usize,
    /// Package, folders, source, name.
    pub fqn: Vec<String>,
    /// Of the table.
    pub description: String,
    /// Of the source.
    pub source_description: String,
    /// Who fills it.
    pub loader: String,
    /// Columns as described.
    pub columns: Vec<ColumnInfo>,
    /// Column or expression that tells when a row came.
    pub loaded_at_field: Option<String>,
    /// Query that tells it instead.
    pub loaded_at_query: Option<String>,
    /// `warn_after`, `error_after`, `filter`.
    pub freshness: Option<Json>,
    /// Tags of source and table.
    pub tags: Vec<String>,
    /// Facts of source and table.
    pub meta: Config,
    /// Facts of the source.
    pub source_meta: Config,
    /// Merged configuration.
    pub config: Config,
    /// Which parts of the name are quoted.
    pub quoting: Config,
    /// What else the manifest shows, by key: `external`, `unrendered_config`, `unrendered_schema`, `doc_blocks`.
    pub extra: Config,
}

/// An exposure, metric, semantic model, saved query or group: kept whole for other tools.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// `exposure.shop.weekly`
    pub id: String,
    /// Package that declares it.
    pub package: String,
    /// Its name.
    pub name: String,
    /// Property file, relative to its package.
    pub file: String,
    /// Package, folders and name.
    pub fqn: Vec<String>,
    /// The entry as written.
    pub body: Config,
    /// Ids of what it needs.
    pub depends_on: Vec<String>,
    /// Calls of `ref` under `depends_on`.
    pub refs: Vec<Ref>,
    /// Calls of `source` under `depends_on`.
    pub sources: Vec<(String, String)>,
}

impl Resource {
    /// Every resource type, as `--resource-type` names them.
    pub const ALL: [Resource; 12] = [
        Resource::Model,
        Resource::Seed,
        Resource::Snapshot,
        Resource::Test,
        Resource::UnitTest,
        Resource::Analysis,
        Resource::Operation,
        Resource::Source,
        Resource::Exposure,
        Resource::Metric,
        Resource::SemanticModel,
        Resource::SavedQuery,
    ];

    /// dbt's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Resource::Model => "model",
            Resource::Seed => "seed",
            Resource::Snapshot => "snapshot",
            Resource::Test => "test",
            Resource::UnitTest => "unit_test",
            Resource::Analysis => "analysis",
            Resource::Operation => "operation",
            Resource::Source => "source",
            Resource::Exposure => "exposure",
            Resource::Metric => "metric",
            Resource::SemanticModel => "semantic_model",
            Resource::SavedQuery => "saved_query",
        }
    }

    /// The word in messages: `unit test`.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Resource::UnitTest => "unit test",
            Resource::SemanticModel => "semantic model",
            Resource::SavedQuery => "saved query",
            Resource::Operation => "hook",
            other => other.as_str(),
        }
    }

    /// The resource type of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.as_str() == word)
    }
}

impl ColumnInfo {
    /// Its name as data tests are given it: quoted, where it is to be.
    #[must_use]
    pub fn name_in_tests(&self) -> String {
        if self.quote == Some(true) { quote_identifier(&self.name) } else { self.name.clone() }
    }
}

impl Node {
    /// A node of this kind with nothing in it.
    #[must_use]
    pub fn blank(resource: Resource) -> Node {
        Node {
            id: String::new(),
            resource,
            package: String::new(),
            name: String::new(),
            version: None,
            latest_version: None,
            alias: String::new(),
            database: String::new(),
            schema: String::new(),
            path: String::new(),
            file: String::new(),
            line: 0,
            patch_file: None,
            fqn: Vec::new(),
            raw_code: String::new(),
            checksum: String::new(),
            config: Config::new(),
            unrendered_config: Config::new(),
            description: String::new(),
            columns: Vec::new(),
            constraints: Vec::new(),
            access: "protected".into(),
            group: None,
            refs: Vec::new(),
            sources: Vec::new(),
            depends_on: Vec::new(),
            macros: Vec::new(),
            vars: BTreeMap::new(),
            test: None,
            extra: Config::new(),
        }
    }

    /// The relation's name.
    #[must_use]
    pub fn relation(&self) -> RelationName {
        RelationName { database: self.database.clone(), schema: self.schema.clone(), identifier: self.alias.clone() }
    }

    /// `config(materialized=...)`; the default of its kind if nothing says it.
    #[must_use]
    pub fn materialized(&self) -> &str {
        let default = match self.resource {
            Resource::Seed => "seed",
            Resource::Snapshot => "snapshot",
            Resource::Test => "test",
            Resource::UnitTest => "unit",
            _ => "view",
        };
        self.text("materialized").unwrap_or(default)
    }

    /// Whether it is a model that lives only inside of others.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.resource == Resource::Model && self.materialized() == "ephemeral"
    }

    /// A text of the configuration.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key).and_then(Json::as_str)
    }

    /// A flag of the configuration, `None` where it is not set.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.config.get(key).and_then(Json::as_bool)
    }

    /// Tags, those that a data test has from its column among them.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        match self.extra.get("tags").or_else(|| self.config.get("tags")) {
            Some(Json::String(tag)) => vec![tag.as_str()],
            Some(Json::Array(tags)) => tags.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the graph runs it as a step with a relation of its own.
    #[must_use]
    pub fn is_built(&self) -> bool {
        matches!(self.resource, Resource::Model | Resource::Seed | Resource::Snapshot) && !self.is_ephemeral()
    }

    /// Name for messages: `model "orders"`, with its version if it has one.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.version {
            Some(version) => format!("{} \"{}\" version {version}", self.resource.noun(), self.name),
            None => format!("{} \"{}\"", self.resource.noun(), self.name),
        }
    }
}

impl SourceTable {
    /// Name for messages: `source "raw.orders"`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("source \"{}.{}\"", self.source, self.name)
    }
}
