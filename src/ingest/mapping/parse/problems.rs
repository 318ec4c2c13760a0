//! The problems of a mapping, gathered so that all of them are told at once.

use toml::{Table, Value};

/// The problems found so far; each is a sentence that begins with the key.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<String>);

impl Problems {
    pub(super) fn add(&mut self, key: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{key}: {what}."));
    }

    pub(super) fn unknown_keys(&mut self, at: &str, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(&join_key(at, key), format!("there is no such key; known are {}", known.join(", ")));
        }
    }

    pub(super) fn text(&mut self, at: &str, table: &Table, key: &str) -> Option<String> {
        match table.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.add(&join_key(at, key), format!("must be text, not {}", other.type_str()));
                None
            }
        }
    }

    pub(super) fn flag(&mut self, at: &str, table: &Table, key: &str) -> Option<bool> {
        match table.get(key)? {
            Value::Boolean(flag) => Some(*flag),
            other => {
                self.add(&join_key(at, key), format!("must be true or false, not {}", other.type_str()));
                None
            }
        }
    }

    /// A single character.
    pub(super) fn sign(&mut self, at: &str, table: &Table, key: &str) -> Option<char> {
        let text = self.text(at, table, key)?;
        let mut signs = text.chars();
        let sign = signs.next().filter(|sign| signs.next().is_none() && !sign.is_ascii_digit());
        if sign.is_none() {
            self.add(&join_key(at, key), "must be one character that is no digit");
        }
        sign
    }

    pub(super) fn texts(&mut self, at: &str, table: &Table, key: &str) -> Option<Vec<String>> {
        let texts = table.get(key)?.as_array().and_then(|values| {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        if texts.is_none() {
            self.add(&join_key(at, key), "must be a list of texts");
        }
        texts
    }

    pub(super) fn table<'a>(&mut self, root: &'a Table, key: &str) -> Option<&'a Table> {
        let table = root.get(key)?.as_table();
        if table.is_none() {
            self.add(key, "must be a table");
        }
        table
    }
}

pub(super) fn join_key(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}
