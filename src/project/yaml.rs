//! YAML as a tree that remembers lines, so that every complaint about a property file can name its line.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_saphyr::{DuplicateKeyPolicy, Spanned};
use std::fmt;

/// One node and the line where it begins (1 is the first).
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub line: usize,
    pub value: Yaml,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Null,
    Scalar(Json),
    List(Vec<Node>),
    /// Keys in the file's order, each with the line it stands on.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub name: String,
    pub line: usize,
}

/// Reads one document; the error is a line and a sentence.
pub(super) fn read(text: &str) -> Result<Node, (usize, String)> {
    read_with(text, DuplicateKeyPolicy::Error)
}

/// As [`read`], but where a map holds a key twice the last one counts, as in dbt.
pub(super) fn read_last_wins(text: &str) -> Result<Node, (usize, String)> {
    read_with(text, DuplicateKeyPolicy::LastWins)
}

fn read_with(text: &str, duplicates: DuplicateKeyPolicy) -> Result<Node, (usize, String)> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { line: 1, value: Yaml::Null });
    }
    // PyYAML, which dbt reads with, speaks YAML 1.1: `yes` is true (the library's default) and `010` is eight.
    let options = serde_saphyr::options! { duplicate_keys: duplicates, legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options::<Spanned<Yaml>>(text, options).map(Node::from).map_err(|error| {
        let line = error.location().map_or(1, |l| usize::try_from(l.line()).unwrap_or(1));
        // The first line of the library's text is the sentence; after it come its own drawing and positions.
        let rendered = error.without_snippet().to_string();
        let sentence = rendered.lines().next().unwrap_or_default();
        let sentence = sentence.split(" at line ").next().unwrap_or(sentence);
        let sentence = sentence.split(", set DuplicateKeyPolicy").next().unwrap_or(sentence);
        (line, sentence.trim_start_matches("error: ").to_owned())
    })
}

impl Node {
    /// A JSON value that came from one line, as a tree.
    pub fn from_json(value: Json, line: usize) -> Self {
        let value = match value {
            Json::Null => Yaml::Null,
            Json::Array(items) => Yaml::List(items.into_iter().map(|item| Node::from_json(item, line)).collect()),
            Json::Object(entries) => Yaml::Map(
                entries.into_iter().map(|(name, value)| (Key { name, line }, Node::from_json(value, line))).collect(),
            ),
            scalar => Yaml::Scalar(scalar),
        };
        Node { line, value }
    }

    /// Whether it holds nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Yaml::Null)
    }

    /// The value as JSON, lines forgotten.
    pub fn json(&self) -> Json {
        match &self.value {
            Yaml::Null => Json::Null,
            Yaml::Scalar(scalar) => scalar.clone(),
            Yaml::List(items) => Json::Array(items.iter().map(Node::json).collect()),
            Yaml::Map(entries) => Json::Object(entries.iter().map(|(k, v)| (k.name.clone(), v.json())).collect()),
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Yaml::Null => "nothing",
            Yaml::Scalar(Json::Bool(_)) => "a truth value",
            Yaml::Scalar(Json::Number(_)) => "a number",
            Yaml::Scalar(_) => "text",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a map",
        }
    }
}

impl From<Spanned<Yaml>> for Node {
    fn from(spanned: Spanned<Yaml>) -> Self {
        Node { line: usize::try_from(spanned.referenced.line()).unwrap_or(1), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Yaml>>()? {
            list.push(Node::from(item));
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let line = usize::try_from(key.referenced.line()).unwrap_or(1);
            let value = entries.next_value::<Spanned<Yaml>>()?;
            // Equal keys come here only if the last one is to count.
            map.retain(|(earlier, _): &(Key, Node)| earlier.name != key.value);
            map.push((Key { name: key.value, line }, Node::from(value)));
        }
        Ok(Yaml::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_remembers_lines_and_scalar_kinds() {
        let text = "version: 2\nmodels:\n  - name: a\n    tags: [x, 'yes']\n    share: 0.5\n    none:\n";
        let node = read(text).unwrap_or_else(|(line, e)| panic!("line {line}: {e}"));
        assert_eq!(
            node.json(),
            serde_json::json!({"version": 2, "models": [{"name": "a", "tags": ["x", "yes"], "share": 0.5, "none": null}]})
        );
        let Yaml::Map(top) = &node.value else { panic!("{node:?}") };
        assert_eq!((top[1].0.name.as_str(), top[1].0.line), ("models", 2));
        let Yaml::List(models) = &top[1].1.value else { panic!("{node:?}") };
        let Yaml::Map(first) = &models[0].value else { panic!("{node:?}") };
        assert_eq!(first.iter().map(|(k, _)| k.line).collect::<Vec<_>>(), [3, 4, 5, 6]);
    }

    #[test]
    fn of_a_key_written_twice_the_last_counts_if_asked() {
        let text = "a: 1\nb: yes\na: 2\nc: &x {d: 1}\ne: {<<: *x, f: 010}\n1: g\n";
        let (line, sentence) = read(text).err().unwrap_or_default();
        assert_eq!((line, sentence.contains("duplicate")), (3, true), "{sentence}");
        let node = read_last_wins(text).unwrap_or_else(|(line, e)| panic!("line {line}: {e}"));
        assert_eq!(node.json(), serde_json::json!({"b": true, "a": 2, "c": {"d": 1}, "e": {"d": 1, "f": 8}, "1": "g"}));
        let again = Node::from_json(node.json(), 7);
        assert_eq!((again.line, again.json(), again.is_null()), (7, node.json(), false));
    }

    #[test]
    fn broken_text_names_its_line_and_empty_text_is_nothing() {
        assert!(matches!(read("# only a note\n"), Ok(Node { value: Yaml::Null, .. })));
        let (line, sentence) = read("models:\n  - name: a\n  - name: [b\n").err().unwrap_or_default();
        assert!(line >= 3, "{line}");
        assert!(!sentence.is_empty() && !sentence.contains('\n'), "{sentence}");
    }
}
