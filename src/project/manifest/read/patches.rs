//! What property files say about nodes: descriptions, columns, configuration, versions, data tests.

use super::kept;
use crate::project::manifest::node::{ColumnInfo, Config, Node, Ref, Resource};
use crate::project::manifest::test_name::python_str;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What a property file says about one model, seed, snapshot, analysis or singular test.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// Package of the file.
    pub package: String,
    /// Name of what is described.
    pub name: String,
    /// Version, for one version of a model.
    pub version: Option<String>,
    /// The version that a `ref` without one means.
    pub latest_version: Option<String>,
    /// File, relative to its package.
    pub file: String,
    /// Line of the entry, from 1.
    pub line: usize,
    /// Configuration, rendered.
    pub config: Config,
    /// Configuration as written.
    pub written_config: Config,
    /// Description, docs put in.
    pub description: String,
    /// Columns in order.
    pub columns: Vec<ColumnInfo>,
    /// Data tests of the whole relation, as written.
    pub tests: Vec<Json>,
    /// Data tests of columns, as written: column, its tags, the test.
    pub column_tests: Vec<(String, Vec<String>, Json)>,
    /// Constraints over several columns.
    pub constraints: Vec<Json>,
    /// Keys that only the manifest shows.
    pub extra: Config,
}

/// All patches, by package, kind and name.
#[derive(Clone, Debug, Default)]
pub struct Patches {
    patches: BTreeMap<(String, Resource, String, Option<String>), Patch>,
    /// Model and version that a file's stem stands for, by package.
    files: BTreeMap<(String, String), (String, Option<String>)>,
}

impl Patches {
    /// Keeps a patch; gives the earlier one back if there was one.
    pub fn add(&mut self, resource: Resource, patch: Patch) -> Option<Patch> {
        let key = (patch.package.clone(), resource, patch.name.clone(), patch.version.clone());
        self.patches.insert(key, patch)
    }

    /// The file of this stem holds this version of this model.
    pub fn add_versioned_file(&mut self, package: &str, stem: &str, model: &str, version: &str) {
        self.files.insert((package.to_owned(), stem.to_owned()), (model.to_owned(), Some(version.to_owned())));
    }

    /// Model and version of a file.
    pub fn versioned_file(&self, package: &str, stem: &str) -> Option<&(String, Option<String>)> {
        self.files.get(&(package.to_owned(), stem.to_owned()))
    }

    /// What is said about a node.
    pub fn find(&self, package: &str, resource: Resource, name: &str, version: Option<&str>) -> Option<&Patch> {
        let key = (package.to_owned(), resource, name.to_owned(), version.map(str::to_owned));
        self.patches.get(&key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Resource, &Patch)> {
        self.patches.iter().map(|((_, resource, _, _), patch)| (*resource, patch))
    }
}

impl Patch {
    /// Writes what is said into the node.
    pub fn describe(&self, node: &mut Node) {
        node.patch_file = Some(self.file.clone());
        node.description.clone_from(&self.description);
        node.columns.clone_from(&self.columns);
        node.constraints.clone_from(&self.constraints);
        node.extra.clone_from(&self.extra);
    }
}

/// The models and sources that foreign keys point to, from `to: ref('customers')`.
pub fn foreign_keys(node: &Node) -> (Vec<Ref>, Vec<(String, String)>) {
    let of_columns = node.columns.iter().flat_map(|column| &column.constraints);
    let targets = node.constraints.iter().chain(of_columns).filter_map(|one| one.get("to").and_then(Json::as_str));
    kept::calls(targets)
}

/// A column out of its entry.
pub fn column(body: &Config, description: String) -> ColumnInfo {
    let nested = body.get("config").and_then(Json::as_object);
    let find = |key: &str| nested.and_then(|config| config.get(key)).or_else(|| body.get(key));
    ColumnInfo {
        name: body.get("name").map(python_str).unwrap_or_default(),
        description,
        data_type: body.get("data_type").and_then(Json::as_str).map(str::to_owned),
        quote: body.get("quote").and_then(Json::as_bool),
        constraints: body.get("constraints").and_then(Json::as_array).cloned().unwrap_or_default(),
        meta: find("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
        tags: words(find("tags")),
        extra: some_keys(body, &["granularity", DOC_BLOCKS]),
    }
}

/// Key behind which a rendered entry names the docs blocks of its description.
pub const DOC_BLOCKS: &str = "doc_blocks";

/// Those keys of an entry that it has.
pub fn some_keys(body: &Config, keys: &[&str]) -> Config {
    keys.iter().filter_map(|key| body.get(*key).map(|value| ((*key).to_owned(), value.clone()))).collect()
}

/// One text, or a list of texts.
pub fn words(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::String(word)) => vec![word.clone()],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Data tests of an entry under either spelling.
pub fn tests(body: &Config) -> Vec<Json> {
    let lists = ["data_tests", "tests"].into_iter().filter_map(|key| body.get(key).and_then(Json::as_array));
    lists.flatten().cloned().collect()
}
