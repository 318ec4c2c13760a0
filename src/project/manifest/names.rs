//! What `ref` and `source` mean: from names, as written in a node of some package, to ids.

use super::node::{Node, Ref, SourceTable};
use std::collections::HashMap;

/// One node that `ref` can reach.
#[derive(Clone, Debug)]
struct Entry {
    package: String,
    version: Option<String>,
    is_latest: bool,
    id: String,
}

/// Names to ids.
#[derive(Clone, Debug, Default)]
pub struct Names {
    nodes: HashMap<String, Vec<Entry>>,
    sources: HashMap<(String, String), Vec<(String, String)>>,
}

impl Names {
    /// Enters a model, seed or snapshot.
    pub fn add_node(&mut self, node: &Node) {
        let is_latest = node.version.is_some() && node.version == node.latest_version;
        self.nodes.entry(node.name.clone()).or_default().push(Entry {
            package: node.package.clone(),
            version: node.version.clone(),
            is_latest,
            id: node.id.clone(),
        });
    }

    /// Enters a source.
    pub fn add_source(&mut self, source: &SourceTable) {
        let key = (source.source.clone(), source.name.clone());
        self.sources.entry(key).or_default().push((source.package.clone(), source.id.clone()));
    }

    /// The node that `ref` means in a node of package `home`: looked for in the root package, then at home, then anywhere.
    pub fn node(&self, root: &str, home: &str, wanted: &Ref) -> Option<&str> {
        let entries = self.nodes.get(&wanted.name)?;
        let fits = |entry: &&Entry| match &wanted.version {
            Some(version) => entry.version.as_ref() == Some(version),
            None => entry.version.is_none() || entry.is_latest,
        };
        let within = |package: &str| entries.iter().filter(|e| e.package == package).find(fits);
        let found = match &wanted.package {
            Some(package) => within(package),
            None => within(root).or_else(|| within(home)).or_else(|| entries.iter().find(fits)),
        };
        found.map(|entry| entry.id.as_str())
    }

    /// The source that `source` means in a node of package `home`.
    pub fn source(&self, root: &str, home: &str, source: &str, table: &str) -> Option<&str> {
        let entries = self.sources.get(&(source.to_owned(), table.to_owned()))?;
        let within = |package: &str| entries.iter().find(|(owner, _)| owner == package);
        let found = within(root).or_else(|| within(home)).or_else(|| entries.first());
        found.map(|(_, id)| id.as_str())
    }

    /// All names that `ref` can reach, for hints.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// All pairs that `source` can reach, for hints.
    pub fn source_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.keys().map(|(source, table)| (source.as_str(), table.as_str()))
    }

    /// Versions there are of a model.
    pub fn versions(&self, name: &str) -> Vec<&str> {
        self.nodes.get(name).into_iter().flatten().filter_map(|entry| entry.version.as_deref()).collect()
    }
}
