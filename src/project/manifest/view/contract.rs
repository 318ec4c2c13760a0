//! The contract of a model and its checksum, equal to dbt's so that either tool can judge the other's state.

use super::column::{constraint, model_constraint};
use crate::project::manifest::digest::sha256_hex;
use crate::project::manifest::node::{Node, Resource};
use crate::project::manifest::test_name::python_repr;
use serde_json::{Map, Value as Json, json};

/// Whether it is enforced, and the checksum if it is.
pub fn contract(node: &Node, config: &Map<String, Json>) -> Json {
    let part = |key: &str, default: bool| {
        config.get("contract").and_then(|contract| contract.get(key)).and_then(Json::as_bool).unwrap_or(default)
    };
    let enforced = part("enforced", false);
    let checksum = (enforced && node.resource == Resource::Model).then(|| checksum(node));
    json!({"enforced": enforced, "alias_types": part("alias_types", true), "checksum": checksum})
}

/// Columns by name, their types and constraints; those of the table too where the materialization enforces them.
///
/// dbt hashes Python's print of its own objects, so the same text is printed here.
fn checksum(node: &Node) -> String {
    let mut columns: Vec<_> = node.columns.iter().collect();
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    let mut state = String::new();
    for column in columns {
        let constraints: Vec<Json> = column.constraints.iter().map(constraint).collect();
        let data_type = column.data_type.as_deref().unwrap_or("None");
        state.push_str(&format!("|{}{data_type}{}", column.name, print("ColumnLevelConstraint", &constraints)));
    }
    if matches!(node.materialized(), "table" | "incremental") {
        let constraints: Vec<Json> = node.constraints.iter().map(model_constraint).collect();
        state.push_str(node.materialized());
        state.push_str(&print("ModelLevelConstraint", &constraints));
    }
    sha256_hex(&state)
}

fn print(class: &str, constraints: &[Json]) -> String {
    let one = |constraint: &Json| {
        let fields = constraint.as_object().into_iter().flatten().map(|(key, value)| match value.as_str() {
            Some(kind) if key == "type" => format!("type=<ConstraintType.{kind}: '{kind}'>"),
            _ => format!("{key}={}", python_repr(value)),
        });
        format!("{class}({})", fields.collect::<Vec<_>>().join(", "))
    };
    format!("[{}]", constraints.iter().map(one).collect::<Vec<_>>().join(", "))
}
