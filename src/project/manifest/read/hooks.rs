//! `on-run-start` and `on-run-end`: each statement becomes a node of its own.

use super::layers::Layers;
use super::nodes::take;
use super::reading::Reading;
use crate::project::jinja::Globals;
use crate::project::manifest::digest::sha256_hex;
use crate::project::manifest::node::{Config, Node, Resource};
use crate::project::manifest::rendering::{Phase, Rendering};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tags and names of the two lists.
pub const LISTS: [&str; 2] = ["on-run-start", "on-run-end"];

/// Makes a node of every hook of every package.
pub fn read(reading: &mut Reading<'_>) {
    for package in reading.packages {
        let lists = [(LISTS[0], &package.project.on_run_start), (LISTS[1], &package.project.on_run_end)];
        for (list, hooks) in lists {
            for (number, sql) in hooks.iter().enumerate() {
                let name = format!("{}-{list}-{number}", package.name());
                let mut node = Node {
                    id: format!("operation.{}.{name}", package.name()),
                    package: package.name().to_owned(),
                    alias: name.clone(),
                    path: format!("hooks/{name}.sql"),
                    file: "dbt_project.yml".to_owned(),
                    fqn: vec![package.name().to_owned(), "hooks".to_owned(), name.clone()],
                    raw_code: sql.clone(),
                    checksum: sha256_hex(package.project_text.trim()),
                    database: reading.world.target.database.clone(),
                    schema: reading.world.target.schema.clone(),
                    name,
                    ..Node::blank(Resource::Operation)
                };
                let layers = Layers { root: reading.root() };
                let none = Config::new();
                node.config = layers.all(package, node.resource, &node.fqn, &none, &none);
                node.unrendered_config = layers.written(package, node.resource, &node.fqn, &none, &none);
                let tags: Vec<&str> = std::iter::once(list).chain(node.tags()).collect();
                let tags = serde_json::json!(tags);
                node.extra.insert("tags".into(), tags);
                node.extra.insert("index".into(), serde_json::json!(number));
                let rendering =
                    Rendering::new(reading.world.clone(), Arc::new(node.clone()), Phase::Parse, false, BTreeMap::new());
                let globals: Arc<dyn Globals> = rendering.clone();
                match reading.world.library.render_text(&package.shown(&node.file), sql, &globals) {
                    Ok(_) => take(&mut node, rendering.record()),
                    Err(fault) => {
                        let message = fault.message.clone();
                        let mut problem = reading.world.told(&format!("hook {} of {list}", number + 1), fault);
                        let shown = package.shown(&node.file);
                        problem.detail = Some(format!("{shown}:\n{}\n{message}", sql.trim_end()));
                        reading.problems.push(problem);
                    }
                }
                reading.add(node);
            }
        }
    }
}
