//! Definitions of `selectors.yml` in the long form that the manifest shows: a dictionary for every criterion.

use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Every selector with its definition spelled out.
pub fn normalized(selectors: &BTreeMap<String, Json>) -> Json {
    let one = |(name, entry): (&String, &Json)| {
        let mut entry = entry.clone();
        if let Some(definition) = entry.get("definition").map(criterion) {
            entry["definition"] = definition;
        }
        (name.clone(), entry)
    };
    selectors.iter().map(one).collect()
}

fn criterion(written: &Json) -> Json {
    match written {
        Json::String(text) => from_text(text),
        Json::Object(map) if map.contains_key("method") => with_exclusions(map),
        Json::Object(map) => match map.iter().next() {
            Some((key, Json::Array(list))) if matches!(key.as_str(), "union" | "intersection" | "exclude") => {
                Json::Object(Map::from_iter([(key.clone(), list.iter().map(criterion).collect())]))
            }
            Some((method, value)) if map.len() == 1 => json!({"method": method, "value": value}),
            _ => written.clone(),
        },
        _ => written.clone(),
    }
}

/// A criterion may name exceptions of its own.
fn with_exclusions(map: &Map<String, Json>) -> Json {
    let mut map = map.clone();
    if let Some(Json::Array(list)) = map.get_mut("exclude") {
        *list = list.iter().map(criterion).collect();
    }
    Json::Object(map)
}

/// `2+tag:slow+`, `@orders`: what a command line would say.
fn from_text(text: &str) -> Json {
    let mut rest = text.trim();
    let mut options = Map::new();
    if let Some(stripped) = rest.strip_prefix('@') {
        rest = stripped;
        options.insert("childrens_parents".to_owned(), json!(true));
    }
    if let Some((depth, after)) = rest.split_once('+').filter(|(depth, _)| depth.bytes().all(|b| b.is_ascii_digit())) {
        rest = after;
        add_direction(&mut options, "parents", depth);
    }
    if let Some((before, depth)) = rest.rsplit_once('+').filter(|(_, depth)| depth.bytes().all(|b| b.is_ascii_digit()))
    {
        rest = before;
        add_direction(&mut options, "children", depth);
    }
    let is_path = rest.contains('/') && !rest.contains(':');
    let (method, value) = rest.split_once(':').unwrap_or((if is_path { "path" } else { "fqn" }, rest));
    let mut criterion = Map::from_iter([("method".to_owned(), json!(method)), ("value".to_owned(), json!(value))]);
    criterion.extend(options);
    Json::Object(criterion)
}

fn add_direction(options: &mut Map<String, Json>, key: &str, depth: &str) {
    options.insert(key.to_owned(), json!(true));
    if let Ok(depth) = depth.parse::<u32>() {
        options.insert(format!("{key}_depth"), json!(depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_short_dictionaries_are_spelled_out() {
        assert_eq!(criterion(&json!("orders+")), json!({"method": "fqn", "value": "orders", "children": true}));
        assert_eq!(
            criterion(&json!("2+tag:slow")),
            json!({"method": "tag", "value": "slow", "parents": true, "parents_depth": 2})
        );
        assert_eq!(criterion(&json!("@a")), json!({"method": "fqn", "value": "a", "childrens_parents": true}));
        assert_eq!(criterion(&json!("models/marts")), json!({"method": "path", "value": "models/marts"}));
        assert_eq!(criterion(&json!({"tag": "x"})), json!({"method": "tag", "value": "x"}));
        let nested = json!({"union": ["a", {"exclude": ["tag:b"]}]});
        let spelled = json!({"union": [
            {"method": "fqn", "value": "a"}, {"exclude": [{"method": "tag", "value": "b"}]},
        ]});
        assert_eq!(criterion(&nested), spelled);
    }
}
