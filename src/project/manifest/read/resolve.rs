//! From what nodes refer to, by name, to what they depend on, by id; told where a name means nothing.

use super::package::Package;
use super::reading::Reading;
use crate::error::Error;
use crate::project::excerpt;
use crate::project::manifest::names::Names;
use crate::project::manifest::node::{Node, Ref, Resource};
use crate::project::name::did_you_mean;
use std::collections::BTreeMap;

/// Marks a test that reads something that is not there; it is never run.
pub const UNRESOLVED: &str = "unresolved";

/// Fills `depends_on` of every node; a test of something that is switched off is switched off with it.
pub fn resolve(reading: &mut Reading<'_>) -> Names {
    let mut names = Names::default();
    for node in reading.nodes.values() {
        if matches!(node.resource, Resource::Model | Resource::Seed | Resource::Snapshot) {
            names.add_node(node);
        }
    }
    for source in reading.sources.values() {
        names.add_source(source);
    }
    let root = reading.world.root.clone();
    let disabled = disabled_names(reading);
    let mut nodes = std::mem::take(&mut reading.nodes);
    let mut switched_off = Vec::new();
    for node in nodes.values_mut() {
        let mut depends_on = Vec::new();
        for (source, table) in &node.sources {
            match names.source(&root, &node.package, source, table) {
                Some(id) => depends_on.push(id.to_owned()),
                None if node.resource == Resource::Test && is_disabled_source(reading, source, table) => {
                    switched_off.push(node.id.clone());
                }
                None => {
                    let problem = unknown_source(reading, node, source, table, &names);
                    reading.problems.push(problem);
                }
            }
        }
        for wanted in &node.refs {
            match names.node(&root, &node.package, wanted) {
                Some(id) => depends_on.push(id.to_owned()),
                None if disabled.contains_key(&wanted.name) && node.resource == Resource::Test => {
                    switched_off.push(node.id.clone());
                }
                None => {
                    let problem = unknown_ref(reading, node, wanted, &names, disabled.get(&wanted.name));
                    // A generic test of what is not there is left out with a word, as in dbt.
                    if node.test.as_ref().is_some_and(|test| !test.name.is_empty()) && !reading.is_strict {
                        node.extra.insert(UNRESOLVED.into(), true.into());
                        node.config.insert("enabled".into(), false.into());
                        if let Some(test) = &mut node.test {
                            test.attached = None;
                        }
                        reading.warnings.push(problem);
                    } else {
                        reading.problems.push(problem);
                    }
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        depends_on.retain(|id| seen.insert(id.clone()));
        node.depends_on = depends_on;
    }
    for id in switched_off {
        if let Some(node) = nodes.remove(&id) {
            reading.manifest.disabled.entry(id).or_default().push(node);
        }
    }
    join_groups(&mut nodes);
    refuse_private(reading, &nodes);
    reading.nodes = nodes;
    names
}

/// A data test belongs to the group of the node that it is declared on.
fn join_groups(nodes: &mut BTreeMap<String, Node>) {
    let group_of = |test: &Node| nodes.get(test.test.as_ref()?.attached.as_deref()?)?.group.clone();
    let joined: Vec<(String, String)> = nodes
        .values()
        .filter(|node| node.resource == Resource::Test && node.group.is_none())
        .filter_map(|test| Some((test.id.clone(), group_of(test)?)))
        .collect();
    for (id, group) in joined {
        if let Some(test) = nodes.get_mut(&id) {
            test.group = Some(group);
        }
    }
}

/// Files of nodes that are switched off, by name.
fn disabled_names(reading: &Reading<'_>) -> BTreeMap<String, String> {
    let nodes = reading.manifest.disabled.values().flatten();
    nodes.map(|node| (node.name.clone(), node.file.clone())).collect()
}

fn is_disabled_source(reading: &Reading<'_>, source: &str, table: &str) -> bool {
    let disabled = &reading.manifest.disabled_sources;
    disabled.values().any(|known| known.source == source && known.name == table)
}

/// The place in the node's file where it says `needle`.
fn place(reading: &Reading<'_>, node: &Node, needle: &str) -> String {
    let shown = reading.package(&node.package).map_or_else(|| node.file.clone(), |package| package.shown(&node.file));
    let file = reading.package(&node.package).and_then(|p| p.files.iter().find(|f| f.path == node.file));
    match file {
        Some(file) => excerpt::at_quoted(&shown, &file.text, needle),
        None => format!("The file is {shown}."),
    }
}

fn unknown_ref(reading: &Reading<'_>, node: &Node, wanted: &Ref, names: &Names, disabled: Option<&String>) -> Error {
    let name = &wanted.name;
    let detail = place(reading, node, name);
    if let Some(file) = disabled {
        return Error::config(format!("{} refers to model \"{name}\", which is switched off", node.label()))
            .detail(detail)
            .hint(format!("set enabled: true where {file} or its folder is configured, or take the ref() out"));
    }
    let versions = names.versions(name);
    if let (Some(version), false) = (&wanted.version, versions.is_empty()) {
        return Error::config(format!("{} refers to unknown version {version} of model \"{name}\"", node.label()))
            .detail(detail)
            .hint(format!("versions there are: {}", versions.join(", ")));
    }
    if let Some(package) = wanted.package.as_ref().filter(|package| reading.package(package).is_none()) {
        let installed = reading.packages.iter().map(Package::name);
        let hint = did_you_mean(package, installed)
            .unwrap_or_else(|| format!("name package \"{package}\" in packages.yml and put it into the project"));
        return Error::config(format!("{} refers to model \"{name}\" of unknown package \"{package}\"", node.label()))
            .detail(place(reading, node, package))
            .hint(hint);
    }
    if let (Some(version), true) = (&wanted.version, names.node_names().any(|known| known == name)) {
        return Error::config(format!(
            "{} refers to version {version} of model \"{name}\", which has none",
            node.label()
        ))
        .detail(detail)
        .hint(format!("write ref('{name}'), or declare versions: of the model in a property file"));
    }
    let hint = did_you_mean(name, names.node_names())
        .unwrap_or_else(|| "add the model, or declare a table of others as a source".into());
    let name = match &wanted.package {
        Some(package) => format!("\"{name}\" of package \"{package}\""),
        None => format!("\"{name}\""),
    };
    Error::config(format!("{} refers to unknown model {name}", node.label())).detail(detail).hint(hint)
}

fn unknown_source(reading: &Reading<'_>, node: &Node, source: &str, table: &str, names: &Names) -> Error {
    let knows_source = names.source_names().any(|(known, _)| known == source);
    let (what, needle, hint) = if knows_source {
        let tables = names.source_names().filter(|(known, _)| *known == source).map(|(_, table)| table);
        (format!("table \"{table}\" of source \"{source}\""), table, did_you_mean(table, tables))
    } else {
        let sources = names.source_names().map(|(known, _)| known);
        (format!("source \"{source}\""), source, did_you_mean(source, sources))
    };
    let hint = hint.unwrap_or_else(|| "declare it under sources: in a schema.yml".into());
    Error::config(format!("{} reads unknown {what}", node.label())).detail(place(reading, node, needle)).hint(hint)
}

/// A private model may be read by its own group only.
fn refuse_private(reading: &mut Reading<'_>, nodes: &BTreeMap<String, Node>) {
    for node in nodes.values().filter(|node| matches!(node.resource, Resource::Model | Resource::Snapshot)) {
        for parent in node.depends_on.iter().filter_map(|id| nodes.get(id)) {
            if parent.resource == Resource::Model
                && parent.access == "private"
                && parent.group.is_some()
                && parent.group != node.group
            {
                let group = parent.group.clone().unwrap_or_default();
                reading.problems.push(
                    Error::config(format!("{} refers to \"{}\", which is private", node.label(), parent.name))
                        .detail(place(reading, node, &parent.name))
                        .hint(format!("put the model into group \"{group}\", or make \"{}\" protected", parent.name)),
                );
            }
        }
    }
}

/// Two nodes must not write the same relation, nor answer to the same `ref()`.
pub fn refuse_same_relations(reading: &mut Reading<'_>) {
    let mut relations: BTreeMap<(String, String), &Node> = BTreeMap::new();
    let mut names: BTreeMap<(&str, &str), &Node> = BTreeMap::new();
    let mut problems = Vec::new();
    let refable = |node: &&Node| matches!(node.resource, Resource::Model | Resource::Seed | Resource::Snapshot);
    for node in reading.nodes.values().filter(refable) {
        let files = |first: &Node| format!("The files are {} and {}.", first.file, node.file);
        let namesake = match node.version {
            None => names.insert((&node.package, &node.name), node),
            Some(_) => None,
        };
        if let Some(first) = namesake {
            problems.push(
                Error::config(format!("{} and {} have the same name", first.label(), node.label()))
                    .detail(files(first))
                    .hint("rename one of them; a ref() must mean one thing"),
            );
            continue;
        }
        if !node.is_built() {
            continue;
        }
        let key = (node.schema.to_lowercase(), node.alias.to_lowercase());
        if let Some(first) = relations.insert(key, node) {
            let relation = format!("\"{}.{}\"", node.schema, node.alias);
            problems.push(
                Error::config(format!("{} and {} make the same relation {relation}", first.label(), node.label()))
                    .detail(files(first))
                    .hint("give one of them another name, alias or schema"),
            );
        }
    }
    reading.problems.append(&mut problems);
}
