//! The configuration of a node: how the layers of a project merge into one.

use crate::project::yaml::Node;
use serde_json::{Map, Value as Json, json};

/// Configuration: key to value, in the order in which the keys were first set.
pub type Config = Map<String, Json>;

/// How the values of two layers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    /// The upper value replaces the lower one.
    Replace,
    /// Lists: upper items after the lower ones; a single value counts as a list of one.
    Append,
    /// Maps: upper keys are added to the lower ones or replace them.
    Update,
    /// Maps of lists: as `Update`, but a key with a `+` before it appends to the lower list.
    UpdateOrAppend,
}

fn merge_of(key: &str) -> Merge {
    match key {
        "tags" | "packages" | "pre-hook" | "post-hook" => Merge::Append,
        "quoting" | "column_types" | "meta" | "docs" | "contract" | "vars" | "snapshot_meta_column_names" => {
            Merge::Update
        }
        "grants" => Merge::UpdateOrAppend,
        _ => Merge::Replace,
    }
}

/// Puts the layer `upper` over `lower`: tags and hooks append, `meta` and its like merge, `grants` do either, all else
/// is replaced. Hooks become `{sql, transaction, index}`, `pre_hook` and `post_hook` get their names with a dash.
pub fn merge(lower: &mut Config, upper: &Config) {
    for (key, value) in upper {
        let key = canonical_key(key);
        let merged = match (merge_of(key), lower.get(key)) {
            (Merge::Replace, _) => value.clone(),
            (Merge::Append, below) => {
                let mut items = below.cloned().map(into_list).unwrap_or_default();
                let added = into_list(value.clone());
                items.extend(if is_hook(key) { added.into_iter().map(hook).collect() } else { added });
                Json::Array(items)
            }
            (Merge::Update, below) => match (below, value) {
                (Some(Json::Object(below)), Json::Object(above)) => {
                    let mut map = below.clone();
                    map.extend(above.clone());
                    Json::Object(map)
                }
                (Some(below @ Json::Object(_)), Json::Null) => below.clone(),
                _ => value.clone(),
            },
            (Merge::UpdateOrAppend, below) => Json::Object(merge_grants(below, value)),
        };
        lower.insert(key.to_owned(), merged);
    }
}

/// Puts what a property file says of a source over `lower`: its tags replace those of the project, as in dbt.
pub fn merge_source(lower: &mut Config, upper: &Config) {
    lower.remove("tags");
    merge(lower, upper);
}

/// Tags in order of the alphabet, each once: how dbt keeps those that come from several places of a property file.
pub(super) fn sort_tags(config: &mut Config) {
    if let Some(Json::Array(tags)) = config.get_mut("tags") {
        tags.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
        tags.dedup();
    }
}

fn merge_grants(below: Option<&Json>, above: &Json) -> Map<String, Json> {
    let mut grants = below.and_then(Json::as_object).cloned().unwrap_or_default();
    for (privilege, grantees) in above.as_object().into_iter().flatten() {
        let grantees = into_list(grantees.clone());
        let name = privilege.trim_start_matches('+');
        match grants.get_mut(name) {
            Some(Json::Array(list)) if privilege.starts_with('+') => list.extend(grantees),
            _ => {
                grants.insert(name.to_owned(), Json::Array(grantees));
            }
        }
    }
    grants
}

/// The one name of a key that has two spellings.
#[must_use]
pub fn canonical_key(key: &str) -> &str {
    match key {
        "pre_hook" => "pre-hook",
        "post_hook" => "post-hook",
        key => key,
    }
}

fn is_hook(key: &str) -> bool {
    matches!(key, "pre-hook" | "post-hook")
}

fn into_list(value: Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items,
        Json::Null => Vec::new(),
        single => vec![single],
    }
}

/// A hook as `{sql, transaction, index}`. Text may be such a map in JSON: `before_begin(...)` and `after_commit(...)`
/// of the templates make it.
#[must_use]
pub fn hook(value: Json) -> Json {
    let fields = match value {
        Json::Object(fields) => fields,
        Json::String(text) => match serde_json::from_str(&text) {
            Ok(Json::Object(fields)) => fields,
            _ => Map::from_iter([("sql".to_owned(), Json::String(text))]),
        },
        other => Map::from_iter([("sql".to_owned(), Json::String(other.to_string()))]),
    };
    json!({
        "sql": fields.get("sql").cloned().unwrap_or_else(|| json!("")),
        "transaction": fields.get("transaction").cloned().unwrap_or(Json::Bool(true)),
        "index": fields.get("index").cloned().unwrap_or(Json::Null),
    })
}

/// The configuration in a map of a property file, as written.
pub(super) fn of_node(node: &Node) -> Config {
    let Json::Object(entries) = node.json() else { return Config::new() };
    entries.into_iter().map(|(key, value)| (canonical_key(&key).to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layers merged in order, the most general first.
    fn merged(layers: &[Json]) -> Json {
        let mut config = Config::new();
        for layer in layers {
            merge(&mut config, layer.as_object().expect("a layer is a map"));
        }
        Json::Object(config)
    }

    #[test]
    fn each_key_merges_as_in_dbt() {
        let cases = [
            (json!([{"tags": "a"}, {"tags": ["b", "a"]}]), json!({"tags": ["a", "b", "a"]})),
            (json!([{"meta": {"a": 1, "b": 1}}, {"meta": {"b": 2}}]), json!({"meta": {"a": 1, "b": 2}})),
            (json!([{"meta": {"a": {"x": 1}}}, {"meta": {"a": {"y": 2}}}]), json!({"meta": {"a": {"y": 2}}})),
            (
                json!([{"persist_docs": {"relation": true}}, {"persist_docs": {"columns": true}}]),
                json!({"persist_docs": {"columns": true}}),
            ),
            (json!([{"materialized": "view"}, {"materialized": "table"}]), json!({"materialized": "table"})),
            (json!([{"schema": "x"}, {"schema": null}]), json!({"schema": null})),
            (
                json!([{"grants": {"select": "a"}}, {"grants": {"+select": ["b"], "insert": "c"}}]),
                json!({"grants": {"select": ["a", "b"], "insert": ["c"]}}),
            ),
            (
                json!([{"grants": {"select": ["a"]}}, {"grants": {"select": ["b"]}}]),
                json!({"grants": {"select": ["b"]}}),
            ),
            (json!([{"grants": {"+select": ["a"]}}]), json!({"grants": {"select": ["a"]}})),
        ];
        for (layers, expected) in cases {
            assert_eq!(merged(layers.as_array().expect("layers")), expected, "{layers}");
        }
    }

    #[test]
    fn hooks_gather_and_have_one_shape_and_name() {
        let layers = [
            json!({"pre_hook": "select 1"}),
            json!({"pre-hook": [{"sql": "select 2", "transaction": false}, "{\"sql\": \"vacuum\", \"transaction\": false}"]}),
        ];
        assert_eq!(
            merged(&layers),
            json!({"pre-hook": [
                {"sql": "select 1", "transaction": true, "index": null},
                {"sql": "select 2", "transaction": false, "index": null},
                {"sql": "vacuum", "transaction": false, "index": null},
            ]})
        );
    }
}
