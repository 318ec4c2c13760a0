//! The configuration of a node, layer over layer, in dbt's order of precedence.

use super::package::Package;
use crate::project::files::config::merge;
use crate::project::manifest::node::{Config, Resource};

/// The packages' configuration trees.
#[derive(Debug)]
pub struct Layers<'a> {
    /// The root package.
    pub root: &'a Package,
}

impl Layers<'_> {
    /// What the node's own package says about it by folder, from general to specific.
    pub fn below(&self, package: &Package, resource: Resource, fqn: &[String]) -> Config {
        let mut config = Config::new();
        for layer in package.project.configs_for(resource.tree(), fqn) {
            config = merge(&config, &layer);
        }
        config
    }

    /// All layers: own package's trees, property file, the node's own text, and, for a node of another package, the root
    /// project's trees over everything.
    pub fn all(
        &self,
        package: &Package,
        resource: Resource,
        fqn: &[String],
        patch: &Config,
        in_text: &Config,
    ) -> Config {
        let mut config = merge(&merge(&self.below(package, resource, fqn), patch), in_text);
        if package.name() != self.root.name() {
            for layer in self.root.project.configs_for(resource.tree(), fqn) {
                config = merge(&config, &layer);
            }
        }
        config
    }
}
