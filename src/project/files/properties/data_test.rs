//! Generic data tests on models, columns and source tables, in all the spellings that dbt takes.

use crate::project::files::config::{self, Config};
use crate::project::files::config_keys;
use crate::project::files::reader::{Fields, Reader};
use crate::project::files::render::{ITEM, Render, rendered};
use crate::project::yaml::{Node, Yaml};
use serde_json::{Map, Value as Json};

/// One use of a generic test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestProperties {
    /// `unique`
    pub name: String,
    /// The package before the dot, as in `dbt_utils.expression_is_true`.
    pub namespace: Option<String>,
    /// A name of the user's own, instead of one made of the arguments.
    pub custom_name: Option<String>,
    /// What it is for.
    pub description: String,
    /// Arguments as written, rendered when the test is compiled; `column_name` among them if it stands at a column.
    pub arguments: Map<String, Json>,
    /// Configuration, rendered, from beside the arguments and from `config`.
    pub config: Config,
    /// The column it stands at.
    pub column_name: Option<String>,
    /// Where it stands.
    pub line: usize,
    /// The entry as JSON.
    pub json: Json,
}

/// The tests of an entry, under `data_tests` or, as it was called, `tests`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    owner: &Fields<'_>,
    column_name: Option<&str>,
    render: Render<'_>,
) -> Vec<TestProperties> {
    if let (Some((key, _)), true) = (owner.entry("tests"), owner.has("data_tests")) {
        let message = format!("{} has both tests and data_tests", owner.what);
        reader.error(key.line, "tests", message, "keep data_tests");
    }
    let key = if owner.has("data_tests") { "data_tests" } else { "tests" };
    let items = reader.items(owner, key);
    items.iter().filter_map(|item| test(reader, item, owner, column_name, render)).collect()
}

fn test(
    reader: &mut Reader<'_>,
    node: &Node,
    owner: &Fields<'_>,
    column_name: Option<&str>,
    render: Render<'_>,
) -> Option<TestProperties> {
    let nothing = Node { line: node.line, value: Yaml::Map(Vec::new()) };
    let (full_name, body) = match &node.value {
        Yaml::Scalar(Json::String(name)) => (name.clone(), &nothing),
        Yaml::Map(entries) => match entries.iter().find(|(key, _)| key.name == "test_name") {
            Some((_, name)) => (reader.text_of(name, "test_name")?, node),
            None => match entries.as_slice() {
                [(key, body)] => (key.name.clone(), if body.is_null() { &nothing } else { body }),
                _ => {
                    let message = format!("a data test of {} has {} keys beside each other", owner.what, entries.len());
                    reader.error(node.line, "", message, "indent the arguments below the test's name, two spaces more");
                    return None;
                }
            },
        },
        _ => {
            let message = format!("a data test of {} must be a name or a map, not {}", owner.what, node.kind());
            reader.error(node.line, "", message, "write - unique, or - accepted_values: with arguments below");
            return None;
        }
    };
    let (namespace, name) = match full_name.split_once('.') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, full_name.clone()),
    };
    let is_word = |word: &str| {
        word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !word.starts_with(|c: char| c.is_ascii_digit())
    };
    if name.is_empty() || !is_word(&name) || !namespace.as_deref().is_none_or(is_word) {
        let message = format!("data test \"{full_name}\" of {} is not a name", owner.what);
        reader.error(node.line, &full_name, message, "write a test's name, or <package>.<test>");
        return None;
    }
    let fields = reader.open_fields(body, format!("data test \"{full_name}\" of {}", owner.what))?;
    let mut found = TestProperties {
        name,
        namespace,
        column_name: column_name.map(str::to_owned),
        line: node.line,
        json: node.json(),
        config: config_of(reader, &fields, render),
        custom_name: reader.text(&fields, "name"),
        description: reader.text(&fields, "description").unwrap_or_default(),
        ..TestProperties::default()
    };
    found.arguments = arguments(reader, &fields, column_name);
    Some(found)
}

/// Configuration may stand in `config` or beside the arguments, but each key only once.
fn config_of(reader: &mut Reader<'_>, fields: &Fields<'_>, render: Render<'_>) -> Config {
    let mut found = Config::new();
    if let Some(node) = fields.get("config") {
        let node = rendered(reader, node, &|path| path.contains(&ITEM), render);
        if let Some(inner) = reader.open_fields(&node, format!("config of {}", fields.what)) {
            reader.warn_of_unknown(&inner, &config_keys::known_keys(config_keys::Resource::DataTest));
            found = config::of_node(&node);
        }
    }
    for (key, value) in fields.entries().iter().filter(|(key, _)| config_keys::TEST.contains(&key.name.as_str())) {
        if found.contains_key(&key.name) {
            let message = format!("{} sets \"{}\" twice", fields.what, key.name);
            reader.error(key.line, &key.name, message, "keep the one under config");
        }
        let value = rendered(reader, value, &|_| false, render);
        if !value.is_null() {
            found.insert(key.name.clone(), value.json());
        }
    }
    found
}

/// What is left is for the test's macro: from `arguments`, or beside the other keys as it was written before.
fn arguments(reader: &mut Reader<'_>, fields: &Fields<'_>, column_name: Option<&str>) -> Map<String, Json> {
    let is_ours = |key: &str| {
        matches!(key, "test_name" | "config" | "arguments" | "description" | "name") || config_keys::TEST.contains(&key)
    };
    let beside = fields.entries().iter().filter(|(key, _)| !is_ours(&key.name));
    let mut found: Map<String, Json> = beside.map(|(key, value)| (key.name.clone(), value.json())).collect();
    if let Some(name) = column_name {
        found.insert("column_name".to_owned(), name.into());
    }
    found.extend(reader.object(fields, "arguments"));
    if found.contains_key("model") {
        let message = format!("{} has an argument \"model\"", fields.what);
        reader.error(fields.line, "model", message, "leave it out: the model is the one the test stands at");
    }
    found
}

/// A list of texts in JSON; a single text counts as a list of one.
pub(super) fn words(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::Array(items)) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(Json::String(word)) => vec![word.clone()],
        _ => Vec::new(),
    }
}
