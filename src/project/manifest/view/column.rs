//! Columns and constraints as dictionaries.

use super::shape::{Unknown, fill, fill_value};
use crate::project::manifest::node::ColumnInfo;
use serde_json::{Map, Value as Json, json};

/// Columns by name, in the order of the property file.
pub fn columns(columns: &[ColumnInfo]) -> Json {
    columns.iter().map(|column| (column.name.clone(), column_dict(column))).collect()
}

fn column_dict(column: &ColumnInfo) -> Json {
    let pattern = json!({
        "name": column.name,
        "description": column.description,
        "meta": column.meta,
        "data_type": column.data_type,
        "constraints": column.constraints.iter().map(constraint).collect::<Vec<_>>(),
        "quote": column.quote,
        "config": {"meta": column.meta, "tags": column.tags},
        "tags": column.tags,
        "granularity": null,
        "doc_blocks": [],
    });
    Json::Object(fill(pattern, &column.extra, Unknown::Keep))
}

/// A constraint of one column.
pub fn constraint(written: &Json) -> Json {
    fill_value(constraint_pattern(), Some(written))
}

/// A constraint over several columns.
pub fn model_constraint(written: &Json) -> Json {
    let mut pattern = constraint_pattern();
    pattern["columns"] = json!([]);
    fill_value(pattern, Some(written))
}

fn constraint_pattern() -> Json {
    json!({
        "type": null, "name": null, "expression": null, "warn_unenforced": true, "warn_unsupported": true, "to": null,
        "to_columns": [],
    })
}

/// Whether a constraint is of this type.
pub fn is_of_type(constraint: &Json, wanted: &str) -> bool {
    constraint.get("type").and_then(Json::as_str) == Some(wanted)
}

/// Keys of `extra` that stand for a key of the dictionary, over what the dictionary has.
pub fn overlay(dict: &mut Map<String, Json>, extra: &Map<String, Json>, keys: &[&str]) {
    for key in keys {
        if let Some(value) = extra.get(*key) {
            dict.insert((*key).to_owned(), value.clone());
        }
    }
}
