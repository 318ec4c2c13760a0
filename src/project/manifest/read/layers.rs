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
        let mut config = Config::new();
        let from_tree = |config: &mut Config, package: &Package| {
            for level in package.tree(resource).into_iter().flat_map(|tree| tree.levels(fqn)) {
                merge(config, &level);
            }
        };
        from_tree(&mut config, package);
        merge(&mut config, patch);
        merge(&mut config, in_text);
        if package.name() != self.root.name() {
            from_tree(&mut config, self.root);
        }
        config
    }
}
