//! The manifest as the selector language sees it: candidates and their edges.

use crate::pipeline::in_place::spec::texts;
use crate::project::choose::{Candidate, Graph};
use crate::project::manifest::{Config, Manifest, Node, Resource};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A node, source or exposure as the selector language sees it.
struct Listed<'m> {
    id: &'m str,
    name: &'m str,
    package: &'m str,
    fqn: &'m [String],
    file: &'m str,
    patch: Option<&'m str>,
    tags: Vec<String>,
    config: Config,
    node: Option<&'m Node>,
    group: Option<&'m str>,
    source: Option<&'m str>,
}

impl Candidate for Listed<'_> {
    fn unique_id(&self) -> &str {
        self.id
    }

    fn name(&self) -> &str {
        self.name
    }

    fn package(&self) -> &str {
        self.package
    }

    fn fqn(&self) -> &[String] {
        self.fqn
    }

    fn resource_type(&self) -> &str {
        self.id.split('.').next().unwrap_or_default()
    }

    fn original_file_path(&self) -> &str {
        self.file
    }

    fn patch_path(&self) -> Option<&str> {
        self.patch
    }

    fn tags(&self) -> &[String] {
        &self.tags
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn version(&self) -> Option<&str> {
        self.node?.version.as_deref()
    }

    fn latest_version(&self) -> Option<&str> {
        self.node?.latest_version.as_deref()
    }

    fn access(&self) -> Option<&str> {
        self.node.filter(|node| node.resource == Resource::Model).map(|node| node.access.as_str())
    }

    fn group(&self) -> Option<&str> {
        self.group
    }

    fn generic_test(&self) -> Option<&str> {
        self.node?.test.as_ref().map(|test| test.name.as_str()).filter(|name| !name.is_empty())
    }

    fn source_name(&self) -> Option<&str> {
        self.source
    }
}

/// The manifest as a graph of candidates.
pub(super) struct Listing<'m> {
    manifest: &'m Manifest,
    candidates: Vec<Listed<'m>>,
    children: BTreeMap<&'m str, Vec<&'m str>>,
}

impl<'m> Listing<'m> {
    pub(super) fn new(manifest: &'m Manifest) -> Self {
        let mut candidates = Vec::new();
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for node in manifest.nodes.values().filter(|node| node.resource != Resource::Operation) {
            let mut config = node.config.clone();
            config.entry("enabled").or_insert(json!(true));
            config.entry("materialized").or_insert(json!(node.materialized()));
            candidates.push(Listed {
                id: &node.id,
                name: &node.name,
                package: &node.package,
                fqn: &node.fqn,
                file: &node.file,
                patch: node.patch_file.as_deref(),
                tags: tags(node),
                config,
                node: Some(node),
                group: node.group.as_deref(),
                source: None,
            });
            for parent in &node.depends_on {
                children.entry(parent).or_default().push(&node.id);
            }
        }
        for source in manifest.sources.values() {
            candidates.push(Listed {
                id: &source.id,
                name: &source.name,
                package: &source.package,
                fqn: &source.fqn,
                file: &source.file,
                patch: None,
                tags: source.tags.clone(),
                config: source.config.clone(),
                node: None,
                group: None,
                source: Some(&source.source),
            });
        }
        for kept in manifest.kept.values() {
            let config = kept.body.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
            let mut tags = texts(kept.body.get("tags"));
            tags.extend(texts(config.get("tags")));
            candidates.push(Listed {
                id: &kept.id,
                name: &kept.name,
                package: &kept.package,
                fqn: &kept.fqn,
                file: &kept.file,
                patch: None,
                tags,
                config,
                node: None,
                group: kept.body.get("group").and_then(Json::as_str),
                source: None,
            });
            for parent in &kept.depends_on {
                children.entry(parent).or_default().push(&kept.id);
            }
        }
        Listing { manifest, candidates, children }
    }
}

/// Tags of the configuration, and those that a test has of its column.
fn tags(node: &Node) -> Vec<String> {
    let mut tags: Vec<String> = node.tags().into_iter().map(str::to_owned).collect();
    for tag in texts(node.extra.get("tags")) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

impl Graph for Listing<'_> {
    fn project(&self) -> &str {
        &self.manifest.root
    }

    fn nodes(&self) -> Vec<&dyn Candidate> {
        self.candidates.iter().map(|candidate| candidate as &dyn Candidate).collect()
    }

    fn parents(&self, id: &str) -> Vec<&str> {
        self.manifest.parents(id).iter().map(String::as_str).collect()
    }

    fn children(&self, id: &str) -> Vec<&str> {
        self.children.get(id).cloned().unwrap_or_default()
    }
}
