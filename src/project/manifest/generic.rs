//! Generic data tests: from an entry of a property file to a call of the test's macro.

use super::functions::json_value;
use super::node::Node;
use super::rendering::{Phase, Record, Rendering};
use super::world::World;
use crate::error::{Error, Result};
use crate::project::jinja::{Fault, Globals, List};
use minijinja::Value;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name under which the call finds its arguments.
pub const KWARGS: &str = "_dbt_generic_test_kwargs";

/// Functions that an argument may be written as without braces: `to: ref('customers')`.
const BARE_FUNCTIONS: [&str; 5] = ["env_var", "ref", "var", "source", "doc"];

/// The text of the node: the call, and the test's own configuration.
pub fn raw_code(namespace: Option<&str>, name: &str, config: &Map<String, Json>) -> String {
    let macro_name = match namespace {
        Some(namespace) => format!("{namespace}.test_{name}"),
        None => format!("test_{name}"),
    };
    let settings: Vec<String> = config
        .iter()
        .map(|(key, value)| match value {
            Json::String(text) => format!("{key}=\"{}\"", text.replace('"', "\\\"")),
            other => format!("{key}={}", super::test_name::python_repr(other)),
        })
        .collect();
    let config = if settings.is_empty() { String::new() } else { format!("{{{{ config({}) }}}}", settings.join(",")) };
    format!("{{{{ {macro_name}(**{KWARGS}) }}}}{config}")
}

/// Renders the arguments, then the call with them.
pub fn render(world: &Arc<World>, node: &Arc<Node>, phase: &Phase) -> Result<(String, Record)> {
    let told = |fault: Fault| world.told(&node.label(), fault);
    let arguments = Rendering::new(world.clone(), node.clone(), phase.clone(), true, BTreeMap::new());
    let globals: Arc<dyn Globals> = arguments.clone();
    let mut kwargs = Vec::new();
    for (key, value) in node.test.iter().flat_map(|test| &test.kwargs) {
        let value = if key == "column_name" { Ok(json_value(value)) } else { argument(world, &globals, node, value) };
        kwargs.push((key.clone(), value.map_err(told)?));
    }
    let locals = BTreeMap::from([(KWARGS.to_owned(), Value::from_pairs(kwargs))]);
    let call = Rendering::new(world.clone(), node.clone(), phase.clone(), true, locals);
    let globals: Arc<dyn Globals> = call.clone();
    let sql = world.library.render_text(&node.file, &node.raw_code, &globals).map_err(|fault| {
        // The call is ours: its text stands in no file, so the message says all there is to say of it.
        if fault.calls.is_empty() { Error::config(format!("{}: {}", node.label(), fault.message)) } else { told(fault) }
    })?;
    let mut record = arguments.record();
    let called = call.record();
    record.refs.extend(called.refs);
    record.sources.extend(called.sources);
    for id in called.ephemeral {
        if !record.ephemeral.contains(&id) {
            record.ephemeral.push(id);
        }
    }
    record.config = called.config;
    record.written_config = called.written_config;
    record.vars.extend(called.vars);
    for id in called.macros {
        if !record.macros.contains(&id) {
            record.macros.push(id);
        }
    }
    Ok((sql, record))
}

/// One argument: texts are rendered, however deep they lie.
fn argument(
    world: &Arc<World>,
    globals: &Arc<dyn Globals>,
    node: &Node,
    value: &Json,
) -> std::result::Result<Value, Fault> {
    match value {
        Json::String(text) => {
            let bare = is_bare_call(text);
            let template = if bare { format!("{{{{ {text} }}}}") } else { text.clone() };
            world.library.evaluate(&node.file, &template, globals)
        }
        Json::Array(items) => {
            let items: std::result::Result<Vec<Value>, Fault> =
                items.iter().map(|item| argument(world, globals, node, item)).collect();
            Ok(List::new(items?).into_value())
        }
        Json::Object(map) => {
            let mut pairs = Vec::new();
            for (key, item) in map {
                pairs.push((key.clone(), argument(world, globals, node, item)?));
            }
            Ok(Value::from_pairs(pairs))
        }
        other => Ok(json_value(other)),
    }
}

/// Whether the text is a call of one of [`BARE_FUNCTIONS`] and nothing else.
fn is_bare_call(text: &str) -> bool {
    let text = text.trim();
    let Some((name, rest)) = text.split_once('(') else { return false };
    BARE_FUNCTIONS.contains(&name.trim_end()) && rest.ends_with(')') && rest.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_call_carries_namespace_and_configuration() {
        let config = json!({"severity": "warn", "limit": 10, "store_failures": true});
        let code = raw_code(Some("dbt_utils"), "equality", config.as_object().expect("a map"));
        assert_eq!(
            code,
            "{{ dbt_utils.test_equality(**_dbt_generic_test_kwargs) }}\
             {{ config(severity=\"warn\",limit=10,store_failures=True) }}"
        );
        assert_eq!(raw_code(None, "unique", &Map::new()), "{{ test_unique(**_dbt_generic_test_kwargs) }}");
    }

    #[test]
    fn calls_are_known_without_braces() {
        assert!(is_bare_call(" ref('customers') "));
        assert!(is_bare_call("source ('a', 'b')"));
        assert!(!is_bare_call("ref"));
        assert!(!is_bare_call("coalesce(ref, 1)"));
    }
}
