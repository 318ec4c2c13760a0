//! Changes of a contract that break those who rely on it, as sentences; a column more breaks nobody.

use serde_json::{Map, Value as Json};

/// What the model promised before and does not promise any more; both are dictionaries of a model.
pub fn breaks(now: &Map<String, Json>, old: &Map<String, Json>) -> Vec<String> {
    if !is_enforced(old) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !is_enforced(now) {
        found.push("The contract is not enforced any more.".to_owned());
    }
    let (of_old, of_now) = (constraints(old.get("constraints")), constraints(now.get("constraints")));
    let mut had_constraints = !of_old.is_empty();
    for (name, before) in columns(old) {
        let constraints_before = constraints(before.get("constraints"));
        had_constraints |= !constraints_before.is_empty();
        match now.get("columns").and_then(|columns| columns.get(name)) {
            None => found.push(format!("Column \"{name}\" was removed.")),
            Some(column) => {
                let (from, to) = (base_type(before), base_type(column));
                if from != to {
                    found.push(format!("Column \"{name}\" changed its type from {from} to {to}."));
                }
                if enforces(old) {
                    let gone = lost(constraints_before, constraints(column.get("constraints")));
                    found.extend(gone.map(|kind| format!("Column \"{name}\" lost its constraint {kind}.")));
                }
            }
        }
    }
    if enforces(old) {
        found.extend(lost(of_old, of_now).map(|kind| format!("The model lost its constraint {kind}.")));
        if !enforces(now) && had_constraints {
            let (from, to) = (materialized(old), materialized(now));
            found.push(format!("Its constraints are not enforced any more: it was a {from} and is a {to}."));
        }
    }
    found
}

fn is_enforced(dict: &Map<String, Json>) -> bool {
    dict.get("contract").and_then(|contract| contract.get("enforced")).and_then(Json::as_bool) == Some(true)
}

fn materialized(dict: &Map<String, Json>) -> &str {
    dict.get("config").and_then(|config| config.get("materialized")).and_then(Json::as_str).unwrap_or("view")
}

/// Only tables hold constraints.
fn enforces(dict: &Map<String, Json>) -> bool {
    matches!(materialized(dict), "table" | "incremental")
}

fn columns(dict: &Map<String, Json>) -> impl Iterator<Item = (&String, &Json)> {
    dict.get("columns").and_then(Json::as_object).into_iter().flatten()
}

/// Constraints of a model or of a column.
fn constraints(value: Option<&Json>) -> &[Json] {
    value.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Types of the constraints that were there; those of the user's own making are not judged.
fn lost<'a>(before: &'a [Json], now: &'a [Json]) -> impl Iterator<Item = &'a str> {
    let gone = before.iter().filter(|constraint| !now.contains(constraint));
    gone.filter_map(|constraint| constraint.get("type")?.as_str()).filter(|kind| *kind != "custom")
}

/// The type without length and precision: another length breaks nobody.
fn base_type(column: &Json) -> String {
    let written = column.get("data_type").and_then(Json::as_str).unwrap_or("no type");
    written.split('(').next().unwrap_or_default().trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn model(change: impl FnOnce(&mut Json)) -> Map<String, Json> {
        let mut dict = json!({
            "config": {"materialized": "table"},
            "contract": {"enforced": true},
            "constraints": [{"type": "check", "expression": "a > 0"}],
            "columns": {
                "a": {"data_type": "varchar(3)", "constraints": [{"type": "not_null"}]},
                "b": {"data_type": "integer", "constraints": []},
            },
        });
        change(&mut dict);
        dict.as_object().cloned().unwrap_or_default()
    }

    fn told(change: impl FnOnce(&mut Json)) -> Vec<String> {
        breaks(&model(change), &model(|_| ()))
    }

    #[test]
    fn what_adds_or_widens_breaks_nobody() {
        assert!(told(|_| ()).is_empty());
        assert!(told(|now| now["columns"]["a"]["data_type"] = json!("VARCHAR(9)")).is_empty());
        assert!(told(|now| now["columns"]["c"] = json!({"data_type": "text"})).is_empty());
        assert!(breaks(&model(|_| ()), &model(|old| old["contract"]["enforced"] = json!(false))).is_empty());
    }

    #[test]
    fn what_takes_away_is_told() {
        assert_eq!(told(|now| now["contract"]["enforced"] = json!(false)), ["The contract is not enforced any more."]);
        let removed = told(|now| {
            now["columns"].as_object_mut().map(|columns| columns.remove("b"));
        });
        assert_eq!(removed, ["Column \"b\" was removed."]);
        let retyped = told(|now| now["columns"]["b"]["data_type"] = json!("text"));
        assert_eq!(retyped, ["Column \"b\" changed its type from integer to text."]);
        assert_eq!(
            told(|now| now["columns"]["a"]["constraints"] = json!([])),
            ["Column \"a\" lost its constraint not_null."]
        );
        assert_eq!(told(|now| now["constraints"] = json!([])), ["The model lost its constraint check."]);
        let view = told(|now| now["config"]["materialized"] = json!("view"));
        assert_eq!(view, ["Its constraints are not enforced any more: it was a table and is a view."]);
    }
}
