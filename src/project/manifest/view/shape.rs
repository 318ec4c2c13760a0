//! Dictionaries with a fixed set of keys: order and defaults from a pattern, values from what was written.

use serde_json::{Map, Value as Json};

/// Whether keys that the pattern does not know are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They follow the known ones.
    Keep,
    /// They are left out.
    Drop,
}

/// The keys of the pattern in its order, with the given values where there are any.
pub fn fill(pattern: Json, given: &Map<String, Json>, unknown: Unknown) -> Map<String, Json> {
    let mut filled = object(pattern);
    for (key, value) in given {
        match filled.get_mut(key) {
            Some(slot) => *slot = value.clone(),
            None if unknown == Unknown::Keep => {
                filled.insert(key.clone(), value.clone());
            }
            None => {}
        }
    }
    filled
}

/// As [`fill`] for a value that may be missing or of another type: then the pattern alone.
pub fn fill_value(pattern: Json, given: Option<&Json>) -> Json {
    let none = Map::new();
    Json::Object(fill(pattern, given.and_then(Json::as_object).unwrap_or(&none), Unknown::Drop))
}

/// The map inside of a value that is one by construction.
pub fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

/// Puts the keys of `more` behind those of `map`.
pub fn extend(map: &mut Map<String, Json>, more: Json) {
    map.extend(object(more));
}

/// One value or a list of them, as a list.
pub fn listed(value: Option<&Json>) -> Vec<Json> {
    match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    }
}

/// Keys whose values are the user's own: an empty value there means something.
const FREE: [&str; 9] = [
    "meta",
    "unrendered_config",
    "persist_docs",
    "quoting",
    "column_types",
    "grants",
    "kwargs",
    "indexes",
    "default_value",
];

/// Leaves out keys without a value, at every level that dbt itself defines.
pub fn drop_nulls(map: &mut Map<String, Json>) {
    map.retain(|_, value| !value.is_null());
    for (key, value) in map.iter_mut().filter(|(key, _)| !FREE.contains(&key.as_str())) {
        match value {
            // Columns go by names of the user, which may be spelt like one of our keys.
            Json::Object(columns) if key == "columns" => {
                columns.values_mut().filter_map(Json::as_object_mut).for_each(drop_nulls);
            }
            Json::Object(inner) => drop_nulls(inner),
            Json::Array(items) => items.iter_mut().filter_map(Json::as_object_mut).for_each(drop_nulls),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_pattern_gives_order_and_defaults() {
        let given = object(json!({"z": 1, "b": 2}));
        let pattern = || json!({"a": null, "b": 0});
        assert_eq!(Json::Object(fill(pattern(), &given, Unknown::Keep)).to_string(), r#"{"a":null,"b":2,"z":1}"#);
        assert_eq!(Json::Object(fill(pattern(), &given, Unknown::Drop)).to_string(), r#"{"a":null,"b":2}"#);
    }

    #[test]
    fn nulls_go_except_where_the_user_wrote_them() {
        let mut map =
            object(json!({"a": null, "meta": {"x": null}, "columns": {"meta": {"quote": null, "name": "meta"}}}));
        drop_nulls(&mut map);
        assert_eq!(Json::Object(map), json!({"meta": {"x": null}, "columns": {"meta": {"name": "meta"}}}));
    }
}
