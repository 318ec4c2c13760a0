//! Renders the Jinja inside YAML values, and leaves the values alone that dbt renders later.

use super::reader::Reader;
use crate::error::Result;
use crate::project::yaml::{Node, Yaml};
use serde_json::Value as Json;

/// Renders one template to a native value: `"{{ var('n') }}"` may become a number.
pub type Render<'a> = &'a dyn Fn(&str) -> Result<Json>;

/// How an item of a list appears in a path of keys.
pub const ITEM: &str = "[]";

/// Whether text may be a template at all; most is not, and need not meet the template engine.
#[must_use]
pub fn has_jinja(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// The tree with every template rendered, except where `keep_raw` says so of the path of keys.
pub fn rendered(reader: &mut Reader<'_>, node: &Node, keep_raw: &dyn Fn(&[&str]) -> bool, render: Render<'_>) -> Node {
    walk(reader, node, &mut Vec::new(), keep_raw, render)
}

fn walk<'n>(
    reader: &mut Reader<'_>,
    node: &'n Node,
    path: &mut Vec<&'n str>,
    keep_raw: &dyn Fn(&[&str]) -> bool,
    render: Render<'_>,
) -> Node {
    match &node.value {
        Yaml::Scalar(Json::String(text)) if has_jinja(text) && !keep_raw(path) => match render(text) {
            Ok(value) => Node::from_json(value, node.line),
            Err(error) => {
                let what = path.last().filter(|key| **key != ITEM).copied().unwrap_or_default();
                let hint = error.hint.clone().unwrap_or_else(|| "check the names inside the braces".to_owned());
                reader.error(node.line, what, format!("value of \"{what}\" cannot be rendered: {error}"), hint);
                node.clone()
            }
        },
        Yaml::List(items) => {
            path.push(ITEM);
            let items = items.iter().map(|item| walk(reader, item, path, keep_raw, render)).collect();
            path.pop();
            Node { line: node.line, value: Yaml::List(items) }
        }
        Yaml::Map(entries) => {
            let mut map = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                path.push(&key.name);
                map.push((key.clone(), walk(reader, value, path, keep_raw, render)));
                path.pop();
            }
            Node { line: node.line, value: Yaml::Map(map) }
        }
        _ => node.clone(),
    }
}
