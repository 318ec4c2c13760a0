//! The full configuration of a node: what the project sets over dbt's defaults for the kind of node.

use super::shape::{Unknown, extend, fill, fill_value, listed, object};
use crate::project::manifest::node::{Node, Resource};
use serde_json::{Map, Value as Json, json};

/// Every key that dbt has for the kind of node, in its order, then what else the project sets.
pub fn config(node: &Node) -> Map<String, Json> {
    let mut given = normalized(&node.config);
    // Older property files write `docs:` beside `config:`.
    if let Some(docs) = node.extra.get("docs").filter(|docs| docs.is_object()) {
        given.entry("docs").or_insert_with(|| docs.clone());
    }
    let mut config = fill(Json::Object(defaults(node.resource)), &given, Unknown::Keep);
    nest(&mut config, "docs", json!({"show": true, "node_color": null}));
    nest(&mut config, "contract", json!({"enforced": false, "alias_types": true}));
    nest(
        &mut config,
        "snapshot_meta_column_names",
        json!({
            "dbt_valid_to": null, "dbt_valid_from": null, "dbt_scd_id": null,
            "dbt_updated_at": null, "dbt_is_deleted": null,
        }),
    );
    if node.resource == Resource::Model {
        config.insert("access".to_owned(), json!(node.access));
        // A freshness that says nothing about building is that of a source, and no business of a model.
        let build_after = config.get("freshness").and_then(|freshness| freshness.get("build_after"));
        let freshness = build_after.map_or(Json::Null, |after| {
            json!({"build_after": fill_value(json!({"count": null, "period": null, "updates_on": "any"}), Some(after))})
        });
        config.insert("freshness".to_owned(), freshness);
    }
    if node.resource == Resource::Test {
        agree_on_stored_failures(&mut config);
    }
    config
}

/// Configuration as the project files spell it, under the names that dbt gives its keys.
pub fn unrendered(node: &Node) -> Json {
    node.unrendered_config.iter().map(|(key, value)| (canonical(key).to_owned(), value.clone())).collect()
}

/// `pre_hook` in a `config()` call is `pre-hook` in a file.
fn canonical(key: &str) -> &str {
    match key {
        "pre_hook" => "pre-hook",
        "post_hook" => "post-hook",
        other => other,
    }
}

fn normalized(given: &Map<String, Json>) -> Map<String, Json> {
    let value = |key: &str, value: &Json| match key {
        "pre-hook" | "post-hook" => listed(Some(value)).iter().map(hook).collect(),
        "tags" | "packages" => Json::Array(listed(Some(value))),
        "grants" => value.as_object().map_or(Json::Null, |grants| {
            grants.iter().map(|(privilege, to)| (privilege.clone(), Json::Array(listed(Some(to))))).collect()
        }),
        "begin" => begin(value),
        _ => value.clone(),
    };
    given.iter().map(|(key, one)| (canonical(key).to_owned(), value(canonical(key), one))).collect()
}

/// A hook is SQL, or a dictionary, or the JSON text of one.
fn hook(written: &Json) -> Json {
    let parsed = written.as_str().and_then(|text| serde_json::from_str::<Map<String, Json>>(text).ok());
    let dictionary = written.as_object().or(parsed.as_ref()).filter(|hook| hook.contains_key("sql"));
    let pattern = json!({"sql": written, "transaction": true, "index": null});
    Json::Object(dictionary.map_or_else(|| object(pattern.clone()), |hook| fill(pattern.clone(), hook, Unknown::Drop)))
}

/// The first batch begins at an instant; a day alone means its midnight.
fn begin(value: &Json) -> Json {
    match value.as_str() {
        Some(day) if day.len() == "2024-01-01".len() => json!(format!("{day}T00:00:00")),
        _ => value.clone(),
    }
}

fn nest(config: &mut Map<String, Json>, key: &str, pattern: Json) {
    if let Some(slot) = config.get_mut(key) {
        *slot = fill_value(pattern, Some(slot));
    }
}

/// `store_failures_as` decides where both are set; `store_failures` alone means a table.
fn agree_on_stored_failures(config: &mut Map<String, Json>) {
    let how = config.get("store_failures_as").and_then(Json::as_str);
    let (key, value) = match (how, config.get("store_failures").and_then(Json::as_bool)) {
        (Some(how), _) => ("store_failures", json!(how != "ephemeral")),
        (None, Some(true)) => ("store_failures_as", json!("table")),
        (None, Some(false)) => ("store_failures_as", json!("ephemeral")),
        (None, None) => return,
    };
    config.insert(key.to_owned(), value);
}

fn defaults(resource: Resource) -> Map<String, Json> {
    if resource == Resource::UnitTest {
        return object(json!({"tags": [], "meta": {}, "enabled": true, "static_analysis": null}));
    }
    let schema = (resource == Resource::Test).then_some("dbt_test__audit");
    let mut config = object(json!({
        "enabled": true, "alias": null, "schema": schema, "database": null, "tags": [], "meta": {}, "group": null,
        "static_analysis": null,
    }));
    match resource {
        Resource::Test => extend(&mut config, of_tests()),
        Resource::Seed => {
            extend(&mut config, of_relations("seed"));
            extend(&mut config, json!({"delimiter": ",", "quote_columns": null}));
        }
        Resource::Snapshot => {
            extend(&mut config, of_relations("snapshot"));
            extend(&mut config, of_snapshots());
        }
        Resource::Model => {
            extend(&mut config, of_relations("view"));
            extend(&mut config, json!({"access": "protected", "freshness": null}));
        }
        _ => extend(&mut config, of_relations("view")),
    }
    config
}

fn of_relations(materialized: &str) -> Json {
    json!({
        "materialized": materialized, "incremental_strategy": null, "batch_size": null, "lookback": 1, "begin": null,
        "persist_docs": {}, "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": null,
        "unique_key": null, "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {},
        "packages": [], "docs": {}, "contract": {}, "event_time": null, "concurrent_batches": null,
    })
}

fn of_snapshots() -> Json {
    json!({
        "strategy": null, "target_schema": null, "target_database": null, "updated_at": null, "check_cols": null,
        "snapshot_meta_column_names": {}, "dbt_valid_to_current": null,
    })
}

fn of_tests() -> Json {
    json!({
        "materialized": "test", "severity": "ERROR", "store_failures": null, "store_failures_as": null, "where": null,
        "limit": null, "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_sql_or_dictionaries_or_json_text() {
        let plain = json!({"sql": "select 1", "transaction": true, "index": null});
        assert_eq!(hook(&json!("select 1")), plain);
        assert_eq!(hook(&json!({"sql": "select 1"})), plain);
        let outside = json!({"sql": "vacuum", "transaction": false, "index": null});
        assert_eq!(hook(&json!(r#"{"sql": "vacuum", "transaction": false}"#)), outside);
    }

    #[test]
    fn stored_failures_agree_with_how_they_are_stored() {
        let agreed = |given: Json| {
            let mut config = object(given);
            agree_on_stored_failures(&mut config);
            (config["store_failures"].clone(), config["store_failures_as"].clone())
        };
        assert_eq!(agreed(json!({"store_failures": null, "store_failures_as": "view"})), (json!(true), json!("view")));
        assert_eq!(
            agreed(json!({"store_failures": true, "store_failures_as": "ephemeral"})),
            (json!(false), json!("ephemeral"))
        );
        assert_eq!(
            agreed(json!({"store_failures": false, "store_failures_as": null})),
            (json!(false), json!("ephemeral"))
        );
    }
}
