//! The part of JSON Schema that dbt's schemas use: enough to tell where a document departs from them.

use serde_json::Value as Json;

/// Every departure, as `path: what is wrong`.
pub fn departures(document: &Json, schema: &Json) -> Vec<String> {
    let mut found = Vec::new();
    Checker { root: schema }.check(document, schema, "", &mut found);
    found
}

struct Checker<'a> {
    root: &'a Json,
}

impl Checker<'_> {
    fn check(&self, value: &Json, schema: &Json, path: &str, found: &mut Vec<String>) {
        if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
            let target = self.root.pointer(name.trim_start_matches('#')).expect("a reference leads somewhere");
            self.check(value, target, path, found);
        }
        if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
            self.check_choices(value, choices, path, found);
        }
        if schema.get("const").is_some_and(|only| only != value) {
            found.push(format!("{path}: {value} is not {}", schema["const"]));
        }
        if let Some(allowed) = schema.get("enum").and_then(Json::as_array).filter(|allowed| !allowed.contains(value)) {
            found.push(format!("{path}: {value} is none of {allowed:?}"));
        }
        if let Some(wanted) = schema.get("type").and_then(Json::as_str).filter(|wanted| !is_of_type(value, wanted)) {
            found.push(format!("{path}: {value} is no {wanted}"));
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            for (number, item) in list.iter().enumerate() {
                self.check(item, items, &format!("{path}/{number}"), found);
            }
        }
        self.check_keys(value, schema, path, found);
    }

    /// One choice must fit; the complaints are those of the choice that fits best.
    fn check_choices(&self, value: &Json, choices: &[Json], path: &str, found: &mut Vec<String>) {
        let tried = choices.iter().map(|choice| {
            let mut complaints = Vec::new();
            self.check(value, choice, path, &mut complaints);
            complaints
        });
        found.extend(tried.min_by_key(Vec::len).unwrap_or_default());
    }

    fn check_keys(&self, value: &Json, schema: &Json, path: &str, found: &mut Vec<String>) {
        let Some(map) = value.as_object() else { return };
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !map.contains_key(key) {
                found.push(format!("{path}: {key} is missing"));
            }
        }
        for (key, value) in map {
            let path = format!("{path}/{key}");
            match (schema.get("properties").and_then(|known| known.get(key)), schema.get("additionalProperties")) {
                (Some(known), _) => self.check(value, known, &path, found),
                (None, Some(Json::Bool(false))) => found.push(format!("{path}: the key is unknown")),
                (None, Some(others)) if others.is_object() => self.check(value, others, &path, found),
                _ => {}
            }
        }
    }
}

fn is_of_type(value: &Json, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("type {other} is not known to the checker"),
    }
}

#[test]
fn departures_are_found() {
    let schema = serde_json::json!({
        "$ref": "#/$defs/Root",
        "$defs": {"Root": {
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "b": {"type": "array", "items": {"enum": [1]}}},
        }},
    });
    let check = |document: Json| departures(&document, &schema);
    assert!(check(serde_json::json!({"a": null, "b": [1]})).is_empty());
    assert_eq!(check(serde_json::json!({"b": [2]})).len(), 2);
    assert_eq!(check(serde_json::json!({"a": 1})).len(), 1);
    assert_eq!(check(serde_json::json!({"a": "x", "c": 0})), ["/c: the key is unknown"]);
}
