//! The trees of configuration in `dbt_project.yml`: `models: {shop: {staging: {+materialized: view}}}`.
//!
//! The levels of a tree are the parts of a node's name (package, folders, file). A key with a `+` is configuration; so is
//! a bare key unless a map stands behind it, which makes it a folder, also where a configuration has the same name.

use super::config::{self, Config};
use super::config_keys::{self, Resource};
use super::reader::Reader;
use crate::project::name::did_you_mean;
use crate::project::yaml::{Key, Node, Yaml};

/// The tree of one kind of resource.
#[derive(Clone, Debug, Default)]
pub struct ConfigTree {
    root: Vec<(Key, Node)>,
}

/// A folder that a tree configures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Package and folders.
    pub path: Vec<String>,
    /// Line of the folder's key.
    pub line: usize,
}

impl ConfigTree {
    /// Reads the tree of `resource` and warns about keys that nothing reads.
    pub(super) fn read(reader: &mut Reader<'_>, node: &Node, heading: &str, resource: Resource) -> Self {
        let Some(fields) = reader.open_fields(node, format!("\"{heading}\"")) else { return ConfigTree::default() };
        let root = fields.entries().to_vec();
        warn_of_unknown(reader, &root, heading, resource, 0);
        ConfigTree { root }
    }

    /// The layers for the node of this name, from general to specific; merge them in this order.
    #[must_use]
    pub fn levels(&self, fqn: &[String]) -> Vec<Config> {
        let mut levels = vec![level(&self.root)];
        let mut entries = &self.root;
        for part in fqn {
            match folder(entries, part) {
                Some(inner) => entries = inner,
                None => break,
            }
            levels.push(level(entries));
        }
        levels
    }

    /// All layers for the node of this name, merged.
    #[must_use]
    pub fn config_for(&self, fqn: &[String]) -> Config {
        let mut merged = Config::new();
        for level in self.levels(fqn) {
            config::merge(&mut merged, &level);
        }
        merged
    }

    /// Every folder with a configuration of its own; one that is the start of no node's name configures nothing.
    #[must_use]
    pub fn folders(&self) -> Vec<Folder> {
        let mut found = Vec::new();
        gather_folders(&self.root, &mut Vec::new(), &mut found);
        found
    }
}

/// The name without `+` if the entry is configuration, none if it is a folder.
fn config_key<'n>(key: &'n Key, value: &Node) -> Option<&'n str> {
    match key.name.strip_prefix('+') {
        Some(name) => Some(name.trim()),
        None => (!matches!(value.value, Yaml::Map(_))).then_some(key.name.as_str()),
    }
}

fn level(entries: &[(Key, Node)]) -> Config {
    entries.iter().filter_map(|(key, value)| Some((config_key(key, value)?.to_owned(), value.json()))).collect()
}

fn folder<'n>(entries: &'n [(Key, Node)], name: &str) -> Option<&'n Vec<(Key, Node)>> {
    entries.iter().find(|(key, _)| key.name == name).and_then(|(_, value)| match &value.value {
        Yaml::Map(inner) => Some(inner),
        _ => None,
    })
}

fn gather_folders(entries: &[(Key, Node)], path: &mut Vec<String>, found: &mut Vec<Folder>) {
    for (key, value) in entries.iter().filter(|(key, value)| config_key(key, value).is_none()) {
        path.push(key.name.clone());
        if let Yaml::Map(inner) = &value.value {
            if !level(inner).is_empty() {
                found.push(Folder { path: path.clone(), line: key.line });
            }
            gather_folders(inner, path, found);
        }
        path.pop();
    }
}

fn warn_of_unknown(reader: &mut Reader<'_>, entries: &[(Key, Node)], heading: &str, resource: Resource, depth: usize) {
    for (key, value) in entries {
        match (config_key(key, value), &value.value) {
            (Some(name), _) if !config_keys::is_known(resource, name) => {
                let hint = did_you_mean(name, config_keys::known_keys(resource))
                    .unwrap_or_else(|| "values of your own belong under +meta".to_owned());
                reader.warn(key.line, name, format!("\"{heading}\" has an unknown configuration \"{name}\""), hint);
            }
            (None, Yaml::Map(inner)) => {
                // Below the package's name a folder may be called `meta`; above it can only be a slip.
                if depth == 0 && config_keys::MAPS.contains(&key.name.as_str()) {
                    let message = format!("\"{heading}\" reads \"{}\" as a folder", key.name);
                    reader.warn(key.line, &key.name, message, format!("write +{} to configure", key.name));
                }
                warn_of_unknown(reader, inner, heading, resource, depth + 1);
            }
            _ => {}
        }
    }
}
