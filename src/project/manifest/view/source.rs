//! Tables of sources as dictionaries.

use super::Stamp;
use super::column::{columns, overlay};
use super::node::quoted;
use super::shape::{Unknown, extend, fill, fill_value, object};
use crate::project::manifest::node::SourceTable;
use serde_json::{Map, Value as Json, json};

/// Every key that dbt has for a source, in its order.
#[must_use]
pub fn source(table: &SourceTable, stamp: &Stamp) -> Json {
    let freshness = freshness(table);
    let mut dict = object(json!({
        "database": table.relation.database,
        "schema": table.relation.schema,
        "name": table.name,
        "resource_type": "source",
        "package_name": table.package,
        "path": table.file,
        "original_file_path": table.file,
        "unique_id": table.id,
        "fqn": table.fqn,
        "source_name": table.source,
        "source_description": table.source_description,
        "loader": table.loader,
        "identifier": table.relation.identifier,
        "quoting": fill_value(quoting_pattern(), Some(&Json::Object(table.quoting.clone()))),
        "loaded_at_field": table.loaded_at_field,
        "loaded_at_query": table.loaded_at_query,
        "freshness": freshness,
        "external": null,
        "description": table.description,
        "columns": columns(&table.columns),
        "meta": table.meta,
        "source_meta": table.source_meta,
        "tags": table.tags,
        "config": config(table, &freshness),
        "patch_path": null,
        "unrendered_config": {},
        "relation_name": quoted(&table.relation),
    }));
    if let Some(created_at) = stamp.created_at {
        dict.insert("created_at".to_owned(), json!(created_at));
    }
    extend(&mut dict, json!({"unrendered_database": null, "unrendered_schema": null, "doc_blocks": []}));
    overlay(
        &mut dict,
        &table.extra,
        &["external", "patch_path", "unrendered_config", "unrendered_database", "unrendered_schema", "doc_blocks"],
    );
    Json::Object(dict)
}

/// Which parts of names are quoted; null where nothing says it.
pub fn quoting_pattern() -> Json {
    json!({"database": null, "schema": null, "identifier": null, "column": null})
}

fn config(table: &SourceTable, freshness: &Json) -> Map<String, Json> {
    let pattern = json!({
        "enabled": true, "event_time": null, "freshness": null, "loaded_at_field": null, "loaded_at_query": null,
        "meta": {}, "tags": [], "static_analysis": null,
    });
    let mut config = fill(pattern, &table.config, Unknown::Keep);
    // The table knows these merged with those of its source.
    for (key, value) in [
        ("freshness", freshness.clone()),
        ("loaded_at_field", json!(table.loaded_at_field)),
        ("loaded_at_query", json!(table.loaded_at_query)),
        ("meta", json!(table.meta)),
        ("tags", json!(table.tags)),
    ] {
        config.insert(key.to_owned(), value);
    }
    config
}

/// `None` says that nobody asks; null that it was switched off, which `freshness: null` writes.
pub fn freshness(table: &SourceTable) -> Json {
    let threshold = |written: Option<&Json>| match written {
        Some(Json::Null) => Json::Null,
        given => fill_value(json!({"count": null, "period": null}), given),
    };
    match &table.freshness {
        Some(Json::Null) => Json::Null,
        given => {
            let part = |key: &str| given.as_ref().and_then(|freshness| freshness.get(key));
            json!({
                "warn_after": threshold(part("warn_after")),
                "error_after": threshold(part("error_after")),
                "filter": part("filter"),
            })
        }
    }
}
