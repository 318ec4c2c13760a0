//! The configuration of a node, layer over layer, in dbt's order of precedence.

use super::package::Package;
use crate::project::files::config::{canonical_key, merge};
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
            for level in package.tree(resource).levels(fqn) {
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

    /// What the layers spell out: here an upper layer replaces a lower one key by key, whatever the key.
    pub fn written(
        &self,
        package: &Package,
        resource: Resource,
        fqn: &[String],
        patch: &Config,
        in_text: &Config,
    ) -> Config {
        let trees = |package: &Package| package.tree(resource).levels(fqn);
        let mut layers = trees(package);
        layers.extend([patch.clone(), in_text.clone()]);
        if package.name() != self.root.name() {
            layers.extend(trees(self.root));
        }
        let entries = layers.into_iter().flatten();
        entries.map(|(key, value)| (canonical_key(&key).to_owned(), value)).collect()
    }
}
