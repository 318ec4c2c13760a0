//! Reads typed values out of a YAML tree and collects complaints, so that one pass over a file tells all that is wrong.

use super::problem::{Level, Problem};
use crate::project::SourceFile;
use crate::project::excerpt;
use crate::project::name::did_you_mean;
use crate::project::yaml::{self, Key, Node, Yaml};
use serde_json::{Map, Value as Json};

/// One file being read.
pub struct Reader<'a> {
    file: &'a SourceFile,
    problems: &'a mut Vec<Problem>,
}

/// The entries of a map that is being read, with words for messages about it.
pub struct Fields<'n> {
    /// `model "orders"`, `column "id"`.
    pub what: String,
    /// Line on which the map begins.
    pub line: usize,
    entries: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    /// The same under another name, once the entry's own is known.
    pub fn named(self, what: String) -> Self {
        Fields { what, ..self }
    }

    /// The value of a key; a key with nothing behind it counts as absent.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// A key with its value.
    pub fn entry(&self, key: &str) -> Option<(&'n Key, &'n Node)> {
        self.entries.iter().find(|(k, node)| k.name == key && !node.is_null()).map(|(key, node)| (key, node))
    }

    /// Whether the key is written, even with nothing behind it.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _)| k.name == key)
    }

    /// All keys with their values.
    pub fn entries(&self) -> &'n [(Key, Node)] {
        self.entries
    }
}

impl<'a> Reader<'a> {
    /// The file's tree and a reader for it; none if the file is empty or broken.
    pub fn open(file: &'a SourceFile, problems: &'a mut Vec<Problem>) -> Option<(Self, Node)> {
        let mut reader = Reader { file, problems };
        let node = match yaml::read(&file.text) {
            Ok(node) => node,
            // dbt lets the last of two equal keys count; so do we, but say so.
            Err((line, sentence)) => match yaml::read_last_wins(&file.text) {
                Ok(node) => {
                    reader.warn(line, "", format!("{sentence}; the last one counts"), "keep one of the two");
                    node
                }
                Err((line, sentence)) => {
                    let message = format!("file \"{}\" is not well-formed YAML", file.path);
                    reader.error(line, "", message, format!("the YAML parser says: {sentence}"));
                    return None;
                }
            },
        };
        (!node.is_null()).then_some((reader, node))
    }

    /// Collects an error.
    pub fn error(&mut self, line: usize, needle: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problem(Level::Error, line, needle, message.into(), hint.into());
    }

    /// Collects a warning.
    pub fn warn(&mut self, line: usize, needle: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problem(Level::Warning, line, needle, message.into(), hint.into());
    }

    fn problem(&mut self, level: Level, line: usize, needle: &str, message: String, hint: String) {
        let place = excerpt::at_line(&self.file.path, &self.file.text, line, needle);
        self.problems.push(Problem { level, path: self.file.path.clone(), line, message, place, hint });
    }

    /// The entries of a map; keys that are not `known` are warned about, anything but a map is an error.
    pub fn fields<'n>(&mut self, node: &'n Node, what: impl Into<String>, known: &[&str]) -> Option<Fields<'n>> {
        let fields = self.open_fields(node, what)?;
        self.warn_of_unknown(&fields, known);
        Some(fields)
    }

    /// The entries of a map that may hold any key.
    pub fn open_fields<'n>(&mut self, node: &'n Node, what: impl Into<String>) -> Option<Fields<'n>> {
        let what = what.into();
        match &node.value {
            Yaml::Map(entries) => Some(Fields { what, line: node.line, entries }),
            _ => {
                let message = format!("{what} must be a map, not {}", node.kind());
                self.error(node.line, "", message, "write key: value lines");
                None
            }
        }
    }

    /// Warns about keys that nothing reads.
    pub fn warn_of_unknown(&mut self, fields: &Fields, known: &[&str]) {
        for (key, _) in fields.entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let hint = did_you_mean(&key.name, known.iter().copied())
                .unwrap_or_else(|| format!("known keys: {}", known.join(", ")));
            self.warn(key.line, &key.name, format!("{} has an unknown key \"{}\"", fields.what, key.name), hint);
        }
    }

    /// The items of a list; nothing counts as an empty list.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.value {
            Yaml::List(items) => items,
            Yaml::Null => &[],
            _ => {
                let message = format!("{what} must be a list, not {}", node.kind());
                self.error(node.line, "", message, "begin each item with a dash");
                &[]
            }
        }
    }

    /// The items of a list under a key; none if the key is absent.
    pub fn items<'n>(&mut self, fields: &Fields<'n>, key: &str) -> &'n [Node] {
        fields.get(key).map_or(&[], |node| self.list(node, &format!("{key} of {}", fields.what)))
    }

    /// Text; numbers and truth values are taken as they are written.
    pub fn text(&mut self, fields: &Fields, key: &str) -> Option<String> {
        let node = fields.get(key)?;
        self.text_of(node, &format!("{key} of {}", fields.what))
    }

    /// Text of a node.
    pub fn text_of(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Yaml::Scalar(Json::String(text)) => Some(text.clone()),
            Yaml::Scalar(other) => Some(other.to_string()),
            _ => {
                self.error(node.line, "", format!("{what} must be text, not {}", node.kind()), "write one value");
                None
            }
        }
    }

    /// Text that must be there.
    pub fn required_text(&mut self, fields: &Fields, key: &str) -> Option<String> {
        if fields.get(key).is_none() {
            self.error(fields.line, "", format!("{} has no {key}", fields.what), format!("add a line {key}: ..."));
        }
        self.text(fields, key)
    }

    /// A truth value. YAML 1.1 knows `yes`, `no`, `on` and `off` too, and so does dbt.
    pub fn flag(&mut self, fields: &Fields, key: &str) -> Option<bool> {
        let node = fields.get(key)?;
        let value = node.json();
        let flag = value.as_bool().or_else(|| match value.as_str()?.to_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        });
        if flag.is_none() {
            let message = format!("{key} of {} must be true or false, not {}", fields.what, node.kind());
            self.error(node.line, key, message, "write true or false");
        }
        flag
    }

    /// A whole number that is not negative.
    pub fn count(&mut self, fields: &Fields, key: &str) -> Option<u64> {
        let node = fields.get(key)?;
        let value = node.json();
        let count = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        if count.is_none() {
            let message = format!("{key} of {} must be a whole number, not {value}", fields.what);
            self.error(node.line, key, message, "write digits only");
        }
        count
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn words(&mut self, fields: &Fields, key: &str) -> Option<Vec<String>> {
        let node = fields.get(key)?;
        let what = format!("{key} of {}", fields.what);
        if let Yaml::Scalar(_) = node.value {
            return Some(self.text_of(node, &what).into_iter().collect());
        }
        let items = self.list(node, &what);
        Some(items.iter().filter_map(|item| self.text_of(item, &format!("an item of {what}"))).collect())
    }

    /// A map as JSON, its keys open; absent counts as empty.
    pub fn object(&mut self, fields: &Fields, key: &str) -> Map<String, Json> {
        let Some(node) = fields.get(key) else { return Map::new() };
        let Some(found) = self.open_fields(node, format!("{key} of {}", fields.what)) else { return Map::new() };
        found.entries.iter().map(|(key, value)| (key.name.clone(), value.json())).collect()
    }
}
