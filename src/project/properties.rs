//! `schema.yml`: descriptions, configuration, columns and data tests of models and seeds, and the sources.

use super::SourceFile;
use super::check::{self, TestSpec};
use super::excerpt;
use super::model::{Column, Source};
use super::name::did_you_mean;
use super::options::Config;
use super::yaml::{self, Key, Node, Yaml};
use crate::error::Error;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What one file says about one model or seed.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub name: String,
    pub path: String,
    /// `path:line` with the line itself, for messages.
    pub place: String,
    pub description: String,
    pub config: Config,
    /// Line of each config key.
    pub config_places: BTreeMap<String, String>,
    pub columns: Vec<Column>,
    pub tests: Vec<TestSpec>,
}

/// What all property files say.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    pub models: Vec<Entry>,
    pub seeds: Vec<Entry>,
    pub sources: Vec<(Source, String)>,
}

/// Keys at the top of a file; the last four are documentation that nothing here reads.
const TOP_KEYS: &[&str] = &["version", "models", "seeds", "sources", "macros", "exposures", "metrics", "groups"];
const MODEL_KEYS: &[&str] =
    &["name", "description", "config", "columns", "data_tests", "tests", "access", "tags", "meta", "docs"];
const COLUMN_KEYS: &[&str] = &["name", "description", "data_type", "data_tests", "tests", "meta", "tags", "quote"];
const SOURCE_KEYS: &[&str] = &["name", "description", "schema", "tables", "meta", "tags"];
const TABLE_KEYS: &[&str] = &["name", "description", "identifier", "columns", "meta", "tags"];

/// Reads one file into `properties`; every problem goes to `problems`.
pub(super) fn read(file: &SourceFile, properties: &mut Properties, problems: &mut Vec<Error>) {
    let mut reader = Reader { file, problems };
    let top = match yaml::read(&file.text) {
        Ok(Node { value: Yaml::Null, .. }) => return,
        Ok(top) => top,
        Err((line, sentence)) => {
            let place = format!("{}\n{sentence}", excerpt::at_line(&file.path, &file.text, line, ""));
            let problem =
                Error::config(format!("property file \"{}\" is not well-formed YAML", file.path)).detail(place);
            return reader.problems.push(problem);
        }
    };
    let entries = reader.map(&top, "a property file", TOP_KEYS);
    for (key, value) in entries {
        match key.name.as_str() {
            "models" => properties.models.extend(reader.entries(value, "model")),
            "seeds" => properties.seeds.extend(reader.entries(value, "seed")),
            "sources" => properties.sources.extend(reader.sources(value)),
            _ => {}
        }
    }
}

/// Reads nodes of one file, collecting complaints.
pub(super) struct Reader<'a> {
    file: &'a SourceFile,
    problems: &'a mut Vec<Error>,
}

impl Reader<'_> {
    /// Place of a line, with carets under `needle`.
    pub fn place(&self, line: usize, needle: &str) -> String {
        excerpt::at_line(&self.file.path, &self.file.text, line, needle)
    }

    pub fn complain(&mut self, line: usize, needle: &str, message: String, hint: String) {
        let place = self.place(line, needle);
        self.problems.push(Error::config(message).detail(place).hint(hint));
    }

    /// Entries of a map; complains about keys that are not allowed, and about anything that is no map.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str, allowed: &[&str]) -> &'n [(Key, Node)] {
        let Yaml::Map(entries) = &node.value else {
            let message = format!("{what} must be a map, not {}", node.kind());
            self.complain(node.line, "", message, "write key: value lines".into());
            return &[];
        };
        for (key, _) in entries.iter().filter(|(key, _)| !allowed.is_empty() && !allowed.contains(&key.name.as_str())) {
            let hint = did_you_mean(&key.name, allowed.iter().copied())
                .unwrap_or_else(|| format!("known keys: {}", allowed.join(", ")));
            self.complain(key.line, &key.name, format!("{what} has an unknown key \"{}\"", key.name), hint);
        }
        entries
    }

    /// Items of a list; nothing counts as an empty list.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.value {
            Yaml::List(items) => items,
            Yaml::Null => &[],
            _ => {
                let message = format!("{what} must be a list, not {}", node.kind());
                self.complain(node.line, "", message, "begin each item with a dash".into());
                &[]
            }
        }
    }

    /// Text; numbers and truth values are taken as they are written.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Yaml::Scalar(Json::String(text)) => Some(text.clone()),
            Yaml::Scalar(other) => Some(other.to_string()),
            Yaml::Null => Some(String::new()),
            _ => {
                self.complain(node.line, "", format!("{what} must be text, not {}", node.kind()), "write text".into());
                None
            }
        }
    }

    /// The `name` of an entry; complains if there is none.
    fn name(&mut self, node: &Node, entries: &[(Key, Node)], what: &str) -> Option<(String, usize)> {
        let Some((key, value)) = entries.iter().find(|(key, _)| key.name == "name") else {
            if matches!(node.value, Yaml::Map(_)) {
                self.complain(node.line, "", format!("a {what} has no name"), format!("add name: <{what}>"));
            }
            return None;
        };
        let name = self.text(value, &format!("name of a {what}"))?;
        Some((name, key.line))
    }

    fn entries(&mut self, node: &Node, kind: &str) -> Vec<Entry> {
        let items = self.list(node, &format!("{kind}s"));
        items.iter().filter_map(|item| self.entry(item, kind)).collect()
    }

    fn entry(&mut self, node: &Node, kind: &str) -> Option<Entry> {
        let entries = self.map(node, &format!("a {kind} in a property file"), MODEL_KEYS);
        let (name, line) = self.name(node, entries, kind)?;
        let owner = format!("{kind} \"{name}\"");
        let place = self.place(line, &name);
        let mut entry = Entry { name, place, path: self.file.path.clone(), ..Entry::default() };
        for (key, value) in entries {
            match key.name.as_str() {
                "description" => entry.description = self.description(value, &owner),
                "access" | "tags" | "meta" => self.config_key(&mut entry, key, value),
                "config" => {
                    for (key, value) in self.map(value, &format!("config of {owner}"), &[]) {
                        self.config_key(&mut entry, key, value);
                    }
                }
                "columns" => {
                    for column in self.list(value, &format!("columns of {owner}")) {
                        self.column(&mut entry, column, &owner);
                    }
                }
                "data_tests" | "tests" => {
                    for test in self.list(value, &format!("data tests of {owner}")) {
                        entry.tests.extend(check::read(self, test, &owner, None));
                    }
                }
                _ => {}
            }
        }
        Some(entry)
    }

    fn config_key(&mut self, entry: &mut Entry, key: &Key, value: &Node) {
        entry.config_places.insert(key.name.clone(), self.place(key.line, &key.name));
        entry.config.insert(key.name.clone(), value.json());
    }

    fn description(&mut self, node: &Node, owner: &str) -> String {
        self.text(node, &format!("description of {owner}")).unwrap_or_default().trim().to_owned()
    }

    fn column(&mut self, entry: &mut Entry, node: &Node, owner: &str) {
        let entries = self.map(node, &format!("a column of {owner}"), COLUMN_KEYS);
        let Some((name, line)) = self.name(node, entries, "column") else { return };
        if entry.columns.iter().any(|column| column.name == name) {
            let message = format!("column \"{name}\" of {owner} is described twice");
            self.complain(line, &name, message, "keep one of the two".into());
            return;
        }
        let mut column = Column { name, description: String::new() };
        for (key, value) in entries {
            match key.name.as_str() {
                "description" => column.description = self.description(value, &format!("column \"{}\"", column.name)),
                "data_tests" | "tests" => {
                    for test in self.list(value, &format!("data tests of column \"{}\"", column.name)) {
                        entry.tests.extend(check::read(self, test, owner, Some(&column.name)));
                    }
                }
                _ => {}
            }
        }
        entry.columns.push(column);
    }

    fn sources(&mut self, node: &Node) -> Vec<(Source, String)> {
        let items = self.list(node, "sources");
        items.iter().filter_map(|item| self.source(item)).collect()
    }

    /// Columns of source tables may be described, but tests on them would not be run.
    fn refuse_source_tests(&mut self, table: &[(Key, Node)]) {
        for (_, columns) in table.iter().filter(|(key, _)| key.name == "columns") {
            for column in self.list(columns, "columns of a source table") {
                for (key, _) in self.map(column, "a column of a source table", COLUMN_KEYS) {
                    if matches!(key.name.as_str(), "tests" | "data_tests") {
                        let message = "data tests on source tables are not run".to_owned();
                        self.complain(
                            key.line,
                            &key.name,
                            message,
                            "test the staging model that reads the table".into(),
                        );
                    }
                }
            }
        }
    }

    fn source(&mut self, node: &Node) -> Option<(Source, String)> {
        let entries = self.map(node, "a source", SOURCE_KEYS);
        let (name, line) = self.name(node, entries, "source")?;
        let place = self.place(line, &name);
        let mut source = Source { schema: name.clone(), name, ..Source::default() };
        for (key, value) in entries {
            match key.name.as_str() {
                "description" => source.description = self.description(value, &format!("source \"{}\"", source.name)),
                "schema" => source.schema = self.text(value, "schema of a source").unwrap_or_default(),
                "tables" => {
                    for table in self.list(value, &format!("tables of source \"{}\"", source.name)) {
                        let entries = self.map(table, &format!("a table of source \"{}\"", source.name), TABLE_KEYS);
                        let Some((name, _)) = self.name(table, entries, "table") else { continue };
                        let identifier = entries.iter().find(|(key, _)| key.name == "identifier");
                        let identifier = identifier.and_then(|(_, value)| self.text(value, "identifier of a table"));
                        self.refuse_source_tests(entries);
                        source.tables.insert(name.clone(), identifier.unwrap_or(name));
                    }
                }
                _ => {}
            }
        }
        Some((source, place))
    }
}
