//! Exposures, groups, semantic models and saved queries as dictionaries.

use super::metric::{self, filters};
use super::node::{quoted, refs};
use super::shape::{Unknown, extend, fill, fill_value, object};
use super::{Stamp, kind_of};
use crate::project::manifest::node::{Config, Kept, Node};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Every key that dbt has for the kind of entry, in its order.
#[must_use]
pub fn kept(kept: &Kept, nodes: &BTreeMap<String, Node>, all: &BTreeMap<String, Kept>, stamp: &Stamp) -> Json {
    let mut dict = head(kept);
    match kind_of(&kept.id) {
        "exposure" => add_exposure(&mut dict, kept, stamp),
        "group" => add_group(&mut dict, kept),
        "metric" => metric::add(&mut dict, kept, all, stamp),
        "semantic_model" => add_semantic_model(&mut dict, kept, nodes, stamp),
        "saved_query" => add_saved_query(&mut dict, kept, nodes, stamp),
        _ => {}
    }
    Json::Object(dict)
}

/// What all kinds begin with.
fn head(kept: &Kept) -> Map<String, Json> {
    let below = kept.file.split_once('/').map_or(kept.file.as_str(), |(_, below)| below);
    let mut dict = object(json!({
        "name": kept.name,
        "resource_type": kind_of(&kept.id),
        "package_name": kept.package,
        "path": below,
        "original_file_path": kept.file,
        "unique_id": kept.id,
    }));
    if kind_of(&kept.id) != "group" {
        dict.insert("fqn".to_owned(), json!(kept.fqn));
    }
    dict
}

/// The configuration over the kind's defaults; `meta` and `tags` may stand beside `config` too.
pub fn config(kept: &Kept, pattern: Json) -> Map<String, Json> {
    let mut config = fill(pattern, &written_config(kept), Unknown::Keep);
    for key in ["meta", "tags", "enabled", "group"] {
        let beside = kept.body.get(key).filter(|value| !value.is_null());
        match (config.get_mut(key), beside) {
            (Some(Json::Object(inside)), Some(Json::Object(more))) => {
                for (key, value) in more {
                    inside.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            (Some(slot), Some(value)) => *slot = value.clone(),
            _ => {}
        }
    }
    config
}

fn written_config(kept: &Kept) -> Config {
    kept.body.get("config").and_then(Json::as_object).cloned().unwrap_or_default()
}

/// The keys of a pattern that the entry has, and the pattern's defaults for the others.
pub fn body(kept: &Kept, pattern: Json) -> Json {
    Json::Object(fill(pattern, &kept.body, Unknown::Drop))
}

/// When the project was read, if that is known.
pub fn add_created_at(dict: &mut Map<String, Json>, stamp: &Stamp) {
    if let Some(created_at) = stamp.created_at {
        dict.insert("created_at".to_owned(), json!(created_at));
    }
}

/// Ids that the entry needs; none of them calls macros.
pub fn depends_on(kept: &Kept) -> Json {
    json!({"macros": [], "nodes": kept.depends_on})
}

fn owner(kept: &Kept) -> Json {
    let pattern = json!({"email": null, "name": null});
    let owner = kept.body.get("owner").and_then(Json::as_object).cloned().unwrap_or_default();
    Json::Object(fill(pattern, &owner, Unknown::Keep))
}

fn add_exposure(dict: &mut Map<String, Json>, kept: &Kept, stamp: &Stamp) {
    let config = config(kept, json!({"enabled": true, "tags": [], "meta": {}}));
    let metrics = kept.body.get("depends_on").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let metrics: Vec<[&str; 1]> = metrics.filter_map(metric::name_of_call).map(|name| [name]).collect();
    extend(dict, body(kept, json!({"type": null})));
    extend(dict, json!({"owner": owner(kept)}));
    extend(dict, body(kept, json!({"description": "", "label": null, "maturity": null})));
    extend(
        dict,
        json!({
            "meta": config["meta"],
            "tags": config["tags"],
            "config": config,
            "unrendered_config": written_config(kept),
            "url": kept.body.get("url"),
            "depends_on": depends_on(kept),
            "refs": refs(&kept.refs),
            "sources": kept.sources,
            "metrics": metrics,
        }),
    );
    add_created_at(dict, stamp);
}

fn add_group(dict: &mut Map<String, Json>, kept: &Kept) {
    extend(dict, json!({"owner": owner(kept)}));
    extend(dict, body(kept, json!({"description": null})));
    extend(dict, json!({"config": config(kept, json!({"meta": {}}))}));
}

fn add_semantic_model(dict: &mut Map<String, Json>, kept: &Kept, nodes: &BTreeMap<String, Node>, stamp: &Stamp) {
    let relation = kept.depends_on.iter().find_map(|id| nodes.get(id)).map(|node| {
        json!({
            "alias": node.alias, "schema_name": node.schema, "database": node.database,
            "relation_name": quoted(&node.relation()),
        })
    });
    let elements = |key: &str, pattern: Json| -> Json {
        let list = kept.body.get(key).and_then(Json::as_array).into_iter().flatten();
        list.map(|one| element(one, pattern.clone())).collect()
    };
    let config = config(kept, json!({"enabled": true, "group": null, "meta": {}}));
    let defaults = kept.body.get("defaults").map(|d| fill_value(json!({"agg_time_dimension": null}), Some(d)));
    extend(dict, body(kept, json!({"model": null})));
    extend(dict, json!({"node_relation": relation}));
    extend(dict, body(kept, json!({"description": null, "label": null})));
    extend(
        dict,
        json!({
            "defaults": defaults,
            "entities": elements("entities", json!({
                "name": null, "type": null, "description": null, "label": null, "role": null, "expr": null, "config": {},
            })),
            "measures": elements("measures", json!({
                "name": null, "agg": null, "description": null, "label": null, "create_metric": false, "expr": null,
                "agg_params": null, "non_additive_dimension": null, "agg_time_dimension": null, "config": {},
            })),
            "dimensions": elements("dimensions", json!({
                "name": null, "type": null, "description": null, "label": null, "is_partition": false,
                "type_params": null, "expr": null, "metadata": null, "config": {},
            })),
            "metadata": null,
            "depends_on": depends_on(kept),
            "refs": refs(&kept.refs),
        }),
    );
    add_created_at(dict, stamp);
    let group = config.get("group").cloned();
    extend(dict, json!({"config": config, "unrendered_config": written_config(kept)}));
    extend(dict, body(kept, json!({"primary_entity": null})));
    extend(dict, json!({"group": group}));
}

/// An entity, measure or dimension.
fn element(written: &Json, pattern: Json) -> Json {
    let mut element = fill_value(pattern, Some(written));
    element["config"] = fill_value(json!({"meta": {}}), written.get("config"));
    // The metric that a measure asks for is an entry of its own by now.
    if element.get("create_metric").is_some() {
        element["create_metric"] = json!(false);
    }
    // dbt reads expressions as texts; a bare number in YAML is one too.
    if let Some(Json::Number(number)) = element.get("expr").cloned() {
        element["expr"] = json!(number.to_string());
    }
    if element["type_params"].is_object() {
        let given =
            fill_value(json!({"time_granularity": null, "validity_params": null}), Some(&element["type_params"]));
        element["type_params"] = given;
    }
    if element["type_params"]["validity_params"].is_object() {
        let given = element["type_params"]["validity_params"].clone();
        element["type_params"]["validity_params"] =
            fill_value(json!({"is_start": false, "is_end": false}), Some(&given));
    }
    for (key, pattern) in [
        (
            "agg_params",
            json!({"percentile": null, "use_discrete_percentile": false, "use_approximate_percentile": false}),
        ),
        ("non_additive_dimension", json!({"name": null, "window_choice": "min", "window_groupings": []})),
    ] {
        if element[key].is_object() {
            element[key] = fill_value(pattern, Some(&element[key]));
        }
    }
    element
}

fn add_saved_query(dict: &mut Map<String, Json>, kept: &Kept, nodes: &BTreeMap<String, Node>, stamp: &Stamp) {
    let pattern = json!({"metrics": [], "group_by": [], "where": null, "order_by": [], "limit": null});
    let mut params = fill_value(pattern, kept.body.get("query_params"));
    params["where"] = filters(Some(&params["where"]));
    let config = config(
        kept,
        json!({"enabled": true, "group": null, "meta": {}, "export_as": null, "schema": null, "cache": {"enabled": false}}),
    );
    // Exports go to the database of the target, which every node of the project is in.
    let database = nodes.values().next().map(|node| node.database.as_str());
    let exports = kept.body.get("exports").and_then(Json::as_array).into_iter().flatten();
    let exports: Vec<Json> = exports.map(|one| export(one, database)).collect();
    extend(dict, json!({"query_params": params, "exports": exports}));
    extend(dict, body(kept, json!({"description": null, "label": null})));
    let group = config.get("group").cloned();
    extend(
        dict,
        json!({
            "metadata": null, "config": config, "unrendered_config": written_config(kept), "group": group,
            "depends_on": depends_on(kept),
        }),
    );
    add_created_at(dict, stamp);
    let tags = super::shape::listed(kept.body.get("tags").or_else(|| kept.body.get("config")?.get("tags")));
    extend(dict, json!({"refs": [], "tags": tags}));
}

fn export(written: &Json, database: Option<&str>) -> Json {
    let config = written.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    json!({
        "name": written.get("name"),
        "config": {
            "export_as": config.get("export_as"),
            "schema_name": config.get("schema").or_else(|| config.get("schema_name")),
            "alias": config.get("alias").or_else(|| written.get("name")),
            "database": database,
        },
        "unrendered_config": config,
    })
}
