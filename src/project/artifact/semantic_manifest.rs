//! `semantic_manifest.json`: what engines of the semantic layer read; the same facts as the manifest, in their order.

use super::Invocation;
use super::manifest::{Outcomes, Setting, manifest};
use crate::project::manifest::Manifest;
use serde_json::{Value as Json, json};

/// The artifact.
#[must_use]
pub fn semantic_manifest(project: &Manifest) -> Json {
    let whole = manifest(project, &Outcomes::new(), &Setting::default(), &Invocation::default());
    json!({
        "semantic_models": each(&whole["semantic_models"], semantic_model),
        "metrics": each(&whole["metrics"], metric),
        "project_configuration": {
            "time_spine_table_configurations": [],
            "metadata": null,
            // Version of the interface that this layout follows.
            "dsi_package_version": {"major_version": "0", "minor_version": "9", "patch_version": "0"},
            "time_spines": each(&whole["nodes"], time_spine),
        },
        "saved_queries": each(&whole["saved_queries"], saved_query),
    })
}

fn each(entries: &Json, one: impl Fn(&Json) -> Option<Json>) -> Json {
    entries.as_object().into_iter().flatten().filter_map(|(_, entry)| one(entry)).collect()
}

/// These keys of a dictionary, in this order; those it has not got are null.
fn pick(dict: &Json, keys: &[&str]) -> Json {
    keys.iter().map(|key| ((*key).to_owned(), dict.get(key).cloned().unwrap_or_default())).collect()
}

/// Of the configuration, the layer reads only facts.
fn with_meta_alone(mut dict: Json) -> Json {
    dict["config"] = pick(&dict["config"], &["meta"]);
    dict
}

fn semantic_model(model: &Json) -> Option<Json> {
    let mut dict = pick(
        model,
        &[
            "name",
            "defaults",
            "description",
            "node_relation",
            "primary_entity",
            "entities",
            "measures",
            "dimensions",
            "label",
            "metadata",
            "config",
        ],
    );
    let elements: [(&str, &[&str]); 3] = [
        ("entities", &["name", "description", "type", "role", "expr", "metadata", "label", "config"]),
        (
            "measures",
            &[
                "name",
                "agg",
                "description",
                "create_metric",
                "expr",
                "agg_params",
                "metadata",
                "non_additive_dimension",
                "agg_time_dimension",
                "label",
                "config",
            ],
        ),
        (
            "dimensions",
            &["name", "description", "type", "is_partition", "type_params", "expr", "metadata", "label", "config"],
        ),
    ];
    for (key, keys) in elements {
        dict[key] = model[key].as_array().into_iter().flatten().map(|element| pick(element, keys)).collect();
    }
    Some(with_meta_alone(dict))
}

fn metric(metric: &Json) -> Option<Json> {
    let mut dict = pick(
        metric,
        &["name", "description", "type", "type_params", "filter", "metadata", "label", "config", "time_granularity"],
    );
    let params = [
        "measure",
        "numerator",
        "denominator",
        "expr",
        "window",
        "grain_to_date",
        "metrics",
        "conversion_type_params",
        "cumulative_type_params",
        "input_measures",
    ];
    dict["type_params"] = pick(&metric["type_params"], &params);
    if dict["type_params"]["cumulative_type_params"].is_object() {
        let cumulative =
            pick(&metric["type_params"]["cumulative_type_params"], &["window", "grain_to_date", "period_agg"]);
        dict["type_params"]["cumulative_type_params"] = cumulative;
    }
    Some(with_meta_alone(dict))
}

fn saved_query(query: &Json) -> Option<Json> {
    let mut dict = pick(query, &["name", "query_params", "description", "metadata", "label", "exports", "tags"]);
    dict["query_params"] = pick(&query["query_params"], &["metrics", "group_by", "order_by", "limit", "where"]);
    let export = |export: &Json| -> Json {
        let mut dict = pick(export, &["name", "config"]);
        dict["config"] = pick(&export["config"], &["export_as", "schema_name", "alias"]);
        dict
    };
    dict["exports"] = query["exports"].as_array().into_iter().flatten().map(export).collect();
    Some(dict)
}

/// A model of calendar days, with the granularity of the column that counts them.
fn time_spine(node: &Json) -> Option<Json> {
    let spine = node.get("time_spine")?.as_object()?;
    let column = spine.get("standard_granularity_column")?.as_str()?;
    let granularity = node.get("columns")?.get(column)?.get("granularity")?;
    let custom = spine.get("custom_granularities").and_then(Json::as_array).into_iter().flatten();
    Some(json!({
        "node_relation": {
            "alias": node["alias"], "schema_name": node["schema"], "database": node["database"],
            "relation_name": node["relation_name"],
        },
        "primary_column": {"name": column, "time_granularity": granularity},
        "custom_granularities": custom.map(|one| pick(one, &["name", "column_name"])).collect::<Vec<_>>(),
    }))
}
