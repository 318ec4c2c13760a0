//! Unit tests: entries of property files become nodes; rows in CSV texts and fixture files become rows.

use super::package::Place;
use super::reading::Reading;
use crate::error::Error;
use crate::project::manifest::names::Names;
use crate::project::manifest::node::{Config, Node, Ref, Resource, TestFacts};
use crate::project::manifest::test_name::python_str;
use crate::project::name::did_you_mean;
use serde_json::{Map, Value as Json};

/// One entry of `unit_tests:`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Package of the file.
    pub package: String,
    /// File, relative to its package.
    pub file: String,
    /// Line of the entry, from 1.
    pub line: usize,
    /// The entry.
    pub body: Config,
}

/// Makes a node of each entry.
pub fn read(reading: &mut Reading<'_>, entries: &[Entry]) {
    for entry in entries {
        let text = |key: &str| entry.body.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (name, model) = (text("name"), text("model"));
        // The file's reader has told it already.
        if model.is_empty() {
            continue;
        }
        let mut fqn = vec![entry.package.clone()];
        let below = entry.file.split_once('/').map_or("", |(_, below)| below);
        let folders = below.rsplit_once('/').map_or("", |(folders, _)| folders);
        fqn.extend(folders.split('/').filter(|folder| !folder.is_empty()).map(str::to_owned));
        fqn.extend([model.clone(), name.clone()]);
        let mut node = Node {
            id: format!("unit_test.{}.{model}.{name}", entry.package),
            package: entry.package.clone(),
            path: below.to_owned(),
            file: entry.file.clone(),
            line: entry.line,
            description: text("description"),
            alias: name.clone(),
            fqn,
            name,
            test: Some(TestFacts::default()),
            ..Node::blank(Resource::UnitTest)
        };
        node.refs.push(Ref { name: model.clone(), ..Ref::default() });
        if let Some(config) = entry.body.get("config").and_then(Json::as_object) {
            node.config.clone_from(config);
        }
        node.schema.clone_from(&reading.world.target.schema);
        for key in ["model", "given", "expect", "overrides", "versions"] {
            if let Some(value) = entry.body.get(key) {
                node.extra.insert(key.to_owned(), value.clone());
            }
        }
        if let Err(problem) = expand(reading, &mut node) {
            reading.problems.push(problem);
        }
        // What the given rows stand for has to be there, for its columns' types.
        for given in node.extra.get("given").and_then(Json::as_array).into_iter().flatten() {
            let (function, names) = super::kept::call(given.get("input").and_then(Json::as_str).unwrap_or_default());
            match (function, names.as_slice()) {
                ("ref", [.., name]) => {
                    let package = (names.len() > 1).then(|| names[0].clone());
                    node.refs.push(Ref { package, name: name.clone(), version: None });
                }
                ("source", [source, table]) => node.sources.push((source.clone(), table.clone())),
                _ => {}
            }
        }
        for node in of_versions(reading, node) {
            reading.add(node);
        }
    }
}

/// One unit test for each version of its model that it is meant for; itself, where the model has no versions.
fn of_versions(reading: &Reading<'_>, node: Node) -> Vec<Node> {
    let model = node.refs.first().map(|wanted| wanted.name.clone()).unwrap_or_default();
    let named = |key: &str| -> Option<Vec<String>> {
        let list = node.extra.get("versions")?.get(key)?.as_array()?;
        Some(list.iter().map(python_str).collect())
    };
    let (included, excluded) = (named("include"), named("exclude").unwrap_or_default());
    let models = reading.nodes.values().filter(|known| known.resource == Resource::Model && known.name == model);
    let versions = models.filter(|known| known.package == node.package).filter_map(|known| known.version.clone());
    let wanted = versions.filter(|version| match &included {
        Some(included) => included.contains(version),
        None => !excluded.contains(version),
    });
    let tests: Vec<Node> = wanted
        .map(|version| {
            let mut test = node.clone();
            test.id = format!("{}_v{version}", node.id);
            if let Some(reference) = test.refs.first_mut() {
                reference.version = Some(version.clone());
            }
            test.version = Some(version);
            test
        })
        .collect();
    if tests.is_empty() { vec![node] } else { tests }
}

/// Notes the model that each unit test is about, once names mean something.
pub fn attach(reading: &mut Reading<'_>, names: &Names) {
    let root = reading.world.root.clone();
    for node in reading.nodes.values_mut().filter(|node| node.resource == Resource::UnitTest) {
        let attached = node.refs.first().and_then(|wanted| names.node(&root, &node.package, wanted)).map(str::to_owned);
        if let Some(test) = &mut node.test {
            test.attached = attached;
        }
    }
}

/// Turns `format: csv` and `fixture:` into rows or SQL that stand in the entry itself.
fn expand(reading: &Reading<'_>, node: &mut Node) -> Result<(), Error> {
    let (package, label) = (node.package.clone(), node.label());
    if let Some(Json::Array(given)) = node.extra.get_mut("given") {
        for entry in given {
            expand_one(reading, &package, &label, entry)?;
        }
    }
    if let Some(expect) = node.extra.get_mut("expect") {
        expand_one(reading, &package, &label, expect)?;
    }
    Ok(())
}

fn expand_one(reading: &Reading<'_>, package: &str, label: &str, entry: &mut Json) -> Result<(), Error> {
    let Some(map) = entry.as_object_mut() else { return Ok(()) };
    let format = map.get("format").and_then(Json::as_str).unwrap_or("dict").to_owned();
    if let Some(name) = map.get("fixture").and_then(Json::as_str).map(str::to_owned) {
        map.insert("rows".into(), Json::from(fixture(reading, package, label, &name)?));
    }
    if let (true, Some(text)) = (format == "csv", map.get("rows").and_then(Json::as_str).map(str::to_owned)) {
        map.insert("rows".into(), csv_rows(label, &text)?);
    }
    Ok(())
}

fn fixture(reading: &Reading<'_>, package: &str, label: &str, name: &str) -> Result<String, Error> {
    let files = reading.package(package).into_iter().flat_map(|package| {
        package.files.iter().filter_map(|file| match package.place(&file.path) {
            Some((Place::Fixture, path)) => Some((path, file)),
            _ => None,
        })
    });
    let files: Vec<_> = files.collect();
    let stem =
        |path: &str| path.rsplit('/').next().and_then(|n| n.rsplit_once('.')).map_or("", |(stem, _)| stem).to_owned();
    let wanted = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    match files.iter().find(|(path, _)| stem(path) == wanted) {
        Some((_, file)) => Ok(file.text.clone()),
        None => {
            let known: Vec<String> = files.iter().map(|(path, _)| stem(path)).collect();
            let error = Error::config(format!("{label} names unknown fixture \"{name}\""));
            Err(match did_you_mean(wanted, known.iter().map(String::as_str)) {
                Some(hint) => error.hint(hint),
                None => error.hint("put the file into tests/fixtures/"),
            })
        }
    }
}

/// Rows of a CSV text; an empty field is NULL.
fn csv_rows(label: &str, text: &str) -> Result<Json, Error> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(text.trim().as_bytes());
    let wrong = |e: csv::Error| Error::config(format!("{label} has rows that are no CSV")).detail(e.to_string());
    let head = reader.headers().map_err(wrong)?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let row: Map<String, Json> = head
            .iter()
            .zip(record.iter())
            .map(|(name, value)| (name.to_owned(), if value.is_empty() { Json::Null } else { Json::from(value) }))
            .collect();
        rows.push(Json::Object(row));
    }
    Ok(Json::Array(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn csv_texts_become_rows_with_nulls_for_empty_fields() {
        let rows = csv_rows("unit_test \"x\"", "\n id, name\n1,\"a, b\"\n2,\n").expect("rows");
        assert_eq!(rows, json!([{"id": "1", "name": "a, b"}, {"id": "2", "name": null}]));
        assert!(csv_rows("unit_test \"x\"", "a,b\n1\n").is_err());
    }
}
