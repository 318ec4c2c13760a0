//! Generic data tests: each entry under `data_tests:` becomes a node.

use super::layers::Layers;
use super::package::Package;
use super::patches::{Patch, words};
use super::reading::Reading;
use crate::error::Error;
use crate::project::excerpt;
use crate::project::files::config_keys::TEST as TEST_KEYS;
use crate::project::manifest::generic;
use crate::project::manifest::node::{Config, Node, Ref, Resource, TestFacts};
use crate::project::manifest::rendering::Phase;
use crate::project::manifest::test_name::{id_hash, synthesize};
use crate::project::manifest::world::BUILTIN_PACKAGE;
use crate::project::name::did_you_mean;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a list of tests is declared on.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Package whose property file declares them.
    pub package: String,
    /// File, relative to its package.
    pub file: String,
    /// Line of the entry.
    pub line: usize,
    /// Name that goes into the tests' names: `orders`, `orders_v2`, `raw_orders` for `source('raw', 'orders')`.
    pub target: String,
    /// What the tests look at: `ref('orders')`.
    pub call: String,
    /// Whether it is a source; its tests' names begin with `source_`.
    pub is_source: bool,
    /// `models.orders`
    pub file_key: String,
    /// Id of the node or source.
    pub attached: Option<String>,
    /// The call as a reference, or as source and table.
    pub reference: Result<Ref, (String, String)>,
    /// Tags that the tests inherit.
    pub tags: Vec<String>,
}

/// An entry taken apart.
struct Entry {
    namespace: Option<String>,
    name: String,
    given_name: Option<String>,
    description: String,
    kwargs: Map<String, Json>,
    config: Config,
}

/// Tests declared on a model, seed or snapshot, and on its columns.
pub fn of_patch(reading: &mut Reading<'_>, resource: Resource, patch: &Patch) {
    let Some(package) = reading.package(&patch.package) else { return };
    let list = match resource {
        Resource::Model => "models",
        Resource::Seed => "seeds",
        _ => "snapshots",
    };
    let version = patch.version.as_ref().map(|version| format!(", version='{version}'")).unwrap_or_default();
    let id = match &patch.version {
        Some(version) => format!("{}.{}.{}.v{version}", resource.as_str(), patch.package, patch.name),
        None => format!("{}.{}.{}", resource.as_str(), patch.package, patch.name),
    };
    let subject = Subject {
        package: patch.package.clone(),
        file: patch.file.clone(),
        line: patch.line,
        target: match &patch.version {
            Some(version) => format!("{}_v{version}", patch.name),
            None => patch.name.clone(),
        },
        call: format!("ref('{}'{version})", patch.name),
        is_source: false,
        file_key: format!("{list}.{}", patch.name),
        attached: Some(id),
        reference: Ok(Ref { package: None, name: patch.name.clone(), version: patch.version.clone() }),
        tags: Vec::new(),
    };
    for test in &patch.tests {
        one(reading, package, &subject, None, test);
    }
    for (column, tags, test) in &patch.column_tests {
        let subject = Subject { tags: tags.clone(), ..subject.clone() };
        one(reading, package, &subject, Some(column), test);
    }
}

/// One test.
pub fn one(reading: &mut Reading<'_>, package: &Package, subject: &Subject, column: Option<&str>, body: &Json) {
    let entry = match take_apart(reading, subject, column, body) {
        Ok(entry) => entry,
        Err(problem) => {
            let problem = match problem.detail {
                None => problem.detail(place(package, subject, "")),
                Some(_) => problem,
            };
            return reading.problems.push(problem);
        }
    };
    let macro_name = format!("test_{}", entry.name);
    let home = match &entry.namespace {
        Some(namespace) => reading.world.library.macro_value(namespace, &macro_name).map(|_| namespace.clone()),
        None => reading.world.home_of(&subject.package, &macro_name),
    };
    let Some(home) = home else {
        let problem = unknown(reading, package, subject, &entry);
        return reading.problems.push(problem);
    };
    let node = node(reading, package, subject, column, entry, &home);
    reading.add(node);
}

fn node(
    reading: &mut Reading<'_>,
    package: &Package,
    subject: &Subject,
    column: Option<&str>,
    entry: Entry,
    home: &str,
) -> Node {
    let kind = [entry.namespace.as_deref(), subject.is_source.then_some("source")].into_iter().flatten();
    let kind: String = kind.map(|part| format!("{part}_")).collect::<String>() + &entry.name;
    let mut config = entry.config;
    let names = synthesize(&kind, &subject.target, &entry.kwargs);
    let (short, full) = match &entry.given_name {
        Some(name) => (name.clone(), name.clone()),
        None => (names.short, names.full),
    };
    if short != full && !config.contains_key("alias") {
        config.insert("alias".into(), Json::from(short.clone()));
    }
    let hash = id_hash(&full, entry.namespace.as_deref(), &entry.name, &entry.kwargs);
    let mut fqn = vec![package.name().to_owned()];
    let below = subject.file.split_once('/').map_or("", |(_, below)| below);
    let folders = below.rsplit_once('/').map_or("", |(folders, _)| folders);
    fqn.extend(folders.split('/').filter(|folder| !folder.is_empty()).map(str::to_owned));
    fqn.push(full.clone());
    let mut tags = subject.tags.clone();
    if !tags.is_empty() {
        tags.extend(words(config.get("tags")));
        tags.sort();
        tags.dedup();
    }
    let raw_code = generic::raw_code(entry.namespace.as_deref(), &entry.name, &config);
    let mut node = Node {
        id: format!("test.{}.{full}.{hash}", package.name()),
        package: package.name().to_owned(),
        name: full,
        alias: short.clone(),
        path: format!("{short}.sql"),
        file: subject.file.clone(),
        line: subject.line,
        fqn,
        raw_code,
        description: entry.description,
        test: Some(TestFacts {
            name: entry.name,
            namespace: entry.namespace,
            kwargs: entry.kwargs,
            column: column.map(str::to_owned),
            attached: subject.attached.clone(),
            file_key: subject.file_key.clone(),
        }),
        ..Node::blank(Resource::Test)
    };
    let layers = Layers { root: reading.root() };
    let none = Config::new();
    let configured = |in_text: &Config| layers.all(package, Resource::Test, &node.fqn, &none, in_text);
    let is_simple = node
        .test
        .as_ref()
        .is_some_and(|test| test.namespace.is_none() && matches!(test.name.as_str(), "unique" | "not_null"));
    let test_macro = format!("macro.{home}.test_{}", entry_name(&node));
    let shared = Arc::new(Node { config: configured(&config), ..node.clone() });
    let merged = shared.config.clone();
    if is_simple && home == BUILTIN_PACKAGE {
        // The two tests that nearly every column has say nothing when they are rendered.
        match &subject.reference {
            Ok(reference) => node.refs.push(reference.clone()),
            Err(pair) => node.sources.push(pair.clone()),
        }
        node.macros = vec![test_macro];
    } else if merged.get("enabled").and_then(Json::as_bool) != Some(false) {
        match generic::render(&reading.world, &shared, &Phase::Parse) {
            Ok((_, record)) => {
                config.extend(record.config.clone());
                super::nodes::take(&mut node, record);
                node.macros.retain(|id| *id != test_macro);
                node.macros.insert(0, test_macro);
            }
            Err(mut problem) => {
                let said = || place(package, subject, entry_name(&node));
                problem.detail.get_or_insert_with(said);
                reading.problems.push(problem);
            }
        }
    }
    node.config = layers.all(package, Resource::Test, &node.fqn, &none, &config);
    node.unrendered_config = layers.written(package, Resource::Test, &node.fqn, &none, &config);
    let own = node.tags().into_iter().map(str::to_owned);
    for tag in own.collect::<Vec<_>>() {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags != node.tags() {
        node.extra.insert("tags".into(), Json::from(tags));
    }
    reading.name(&mut node);
    node
}

fn entry_name(node: &Node) -> &str {
    node.test.as_ref().map_or("", |test| test.name.as_str())
}

/// The old form, the new form with `arguments:`, and the form with `test_name:`.
fn take_apart(reading: &Reading<'_>, subject: &Subject, column: Option<&str>, body: &Json) -> Result<Entry, Error> {
    let malformed = || {
        Error::config(format!("a data test of \"{}\" is not well-formed", subject.target))
            .hint("write - unique, or - accepted_values: with its arguments indented below")
    };
    let (full_name, mut kwargs) = match body {
        Json::String(name) => (name.clone(), Map::new()),
        Json::Object(map) => match map.get("test_name").and_then(Json::as_str) {
            Some(name) => {
                let mut rest = map.clone();
                rest.remove("test_name");
                (name.to_owned(), rest)
            }
            None => {
                let mut entries = map.iter();
                match (entries.next(), entries.next()) {
                    (Some((name, Json::Object(arguments))), None) => (name.clone(), arguments.clone()),
                    (Some((name, Json::Null)), None) => (name.clone(), Map::new()),
                    _ => return Err(malformed()),
                }
            }
        },
        _ => return Err(malformed()),
    };
    if let Some(Json::Object(arguments)) = kwargs.remove("arguments") {
        kwargs.extend(arguments);
    }
    if let Some(column) = column {
        kwargs.insert("column_name".into(), Json::from(column));
    }
    if kwargs.contains_key("model") {
        return Err(Error::config(format!(
            "data test \"{full_name}\" of \"{}\" is given an argument \"model\"",
            subject.target
        ))
        .hint("take it out: the test is about what it stands under"));
    }
    let mut settings = match kwargs.remove("config") {
        Some(Json::Object(settings)) => settings,
        _ => Map::new(),
    };
    for key in TEST_KEYS.iter().copied() {
        if let Some(value) = kwargs.remove(key) {
            settings.insert(key.into(), value);
        }
    }
    let mut config = Config::new();
    for key in TEST_KEYS.iter().copied().map(str::to_owned).chain(settings.keys().cloned().collect::<Vec<_>>()) {
        let Some(value) = settings.remove(&key) else { continue };
        let value = match value {
            Json::String(text) => reading.evaluate(&subject.package, &subject.file, &text)?,
            other => other,
        };
        if !value.is_null() {
            config.insert(key, value);
        }
    }
    let text = |value: Option<Json>| value.and_then(|value| value.as_str().map(str::to_owned));
    let description = text(kwargs.remove("description")).unwrap_or_default();
    let given_name = text(kwargs.remove("name"));
    kwargs.insert("model".into(), Json::from(format!("{{{{ get_where_subquery({}) }}}}", subject.call)));
    let (namespace, name) = match full_name.split_once('.') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, full_name),
    };
    Ok(Entry { namespace, name, given_name, description, kwargs, config })
}

fn unknown(reading: &Reading<'_>, package: &Package, subject: &Subject, entry: &Entry) -> Error {
    let mut known: BTreeMap<String, ()> = BTreeMap::new();
    for known_macro in reading.world.library.macros() {
        let wanted = match &entry.namespace {
            Some(namespace) => known_macro.package == *namespace,
            None => true,
        };
        if let (Some(name), true) = (known_macro.name.strip_prefix("test_"), wanted) {
            known.insert(name.to_owned(), ());
        }
    }
    let name = match &entry.namespace {
        Some(namespace) => format!("{namespace}.{}", entry.name),
        None => entry.name.clone(),
    };
    let missing_package = entry.namespace.as_ref().filter(|namespace| reading.package(namespace).is_none());
    let hint = match missing_package {
        Some(package) => format!("package \"{package}\" is not installed: name it in packages.yml, run quintile deps"),
        None => did_you_mean(&entry.name, known.keys().map(String::as_str)).unwrap_or_else(|| {
            "write it as {% test NAME(model, column_name) %} under tests/generic/ or macros/".to_owned()
        }),
    };
    Error::config(format!("data test \"{name}\" of \"{}\" does not exist", subject.target))
        .detail(place(package, subject, &name))
        .hint(hint)
}

fn place(package: &Package, subject: &Subject, needle: &str) -> String {
    let shown = package.shown(&subject.file);
    match package.files.iter().find(|file| file.path == subject.file) {
        Some(file) => {
            // The entry's own lines come first: the same test may stand in many places of the file.
            let from = subject.line.saturating_sub(1);
            let line =
                file.text.lines().enumerate().skip(from).find(|(_, line)| !needle.is_empty() && line.contains(needle));
            excerpt::at_line(&shown, &file.text, line.map_or(subject.line, |(number, _)| number + 1), needle)
        }
        None => format!("The file is {shown}."),
    }
}
