//! Which values of property files are templates that are rendered later: descriptions, arguments of tests, hooks.

use crate::project::files::render::ITEM;

/// Keys whose values wait: descriptions may call `doc()`, arguments of tests may call `ref()`.
const LATER: &[&str] = &["tests", "data_tests", "description", "loaded_at_query"];

/// Whether the value at this path, counted from the entry of a section, is left alone for now.
pub(super) fn is_rendered_later(section: &str, path: &[&str]) -> bool {
    match (section, path) {
        (_, []) => false,
        ("sources", ["tables", ITEM, within @ ..]) => of_node(within),
        ("macros", ["arguments", within @ ..]) => of_node(within),
        ("metrics", path) if is_filter(path) => true,
        ("saved_queries", ["query_params", "where", ..]) => true,
        (_, path) => of_node(path),
    }
}

fn is_filter(path: &[&str]) -> bool {
    matches!(path, [.., "filter"] | [.., "filter", _])
}

fn of_node(path: &[&str]) -> bool {
    match path {
        [key, ..] if LATER.contains(key) => true,
        [_, key] if LATER.contains(key) => true,
        ["config", "pre_hook" | "post_hook" | "pre-hook" | "post-hook" | "loaded_at_query", ..] => true,
        ["columns" | "dimensions" | "measures" | "entities", ITEM, key, ..] => LATER.contains(key),
        ["versions", ITEM, key, ..] if LATER.contains(key) => true,
        ["versions", ITEM, "columns", ITEM, key, ..] => LATER.contains(key),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_and_arguments_wait_and_configuration_does_not() {
        let cases: [(&str, &[&str], bool); 12] = [
            ("models", &["description"], true),
            ("models", &["name"], false),
            ("models", &["config", "schema"], false),
            ("models", &["config", "pre_hook", ITEM], true),
            ("models", &["columns", ITEM, "data_tests", ITEM, "relationships", "to"], true),
            ("models", &["columns", ITEM, "meta", "owner"], false),
            ("models", &["versions", ITEM, "columns", ITEM, "description"], true),
            ("sources", &["schema"], false),
            ("sources", &["tables", ITEM, "columns", ITEM, "tests", ITEM], true),
            ("sources", &["tables", ITEM, "identifier"], false),
            ("macros", &["arguments", ITEM, "description"], true),
            ("metrics", &["type_params", "measure", "filter"], true),
        ];
        for (section, path, expected) in cases {
            assert_eq!(is_rendered_later(section, path), expected, "{section} {path:?}");
        }
    }
}
