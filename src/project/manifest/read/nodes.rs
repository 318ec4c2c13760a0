//! Models, seeds, snapshots, analyses and singular tests: a file, or a block of one, becomes a node.

use super::layers::Layers;
use super::macros::malformed;
use super::package::{Package, Place};
use super::patches::{Patch, Patches};
use super::reading::Reading;
use crate::error::Error;
use crate::project::SourceFile;
use crate::project::jinja::{BlockKind, Globals, split};
use crate::project::manifest::digest::sha256_hex;
use crate::project::manifest::node::{Config, Node, Resource};
use crate::project::manifest::rendering::{Phase, Record, Rendering};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a node's text stands.
struct Text<'a> {
    package: &'a Package,
    file: &'a SourceFile,
    /// Path below the folder of its kind.
    path: &'a str,
    code: String,
    line: usize,
}

/// Makes a node of every file that is one.
pub fn read(reading: &mut Reading<'_>, patches: &Patches) {
    for package in reading.packages {
        for file in &package.files {
            let Some((place, path)) = package.place(&file.path) else { continue };
            let text = |code: String, line: usize| Text { package, file, path, code, line };
            match place {
                Place::Model => {
                    let stem = stem(path);
                    let versioned = patches.versioned_file(package.name(), stem).cloned();
                    let (name, version) = versioned.unwrap_or_else(|| (stem.to_owned(), None));
                    one(reading, patches, Resource::Model, &name, version, text(file.text.clone(), 0));
                }
                Place::Seed => one(reading, patches, Resource::Seed, stem(path), None, text(String::new(), 0)),
                Place::Singular => {
                    one(reading, patches, Resource::Test, stem(path), None, text(file.text.clone(), 0));
                }
                Place::Analysis => {
                    one(reading, patches, Resource::Analysis, stem(path), None, text(file.text.clone(), 0));
                }
                Place::Snapshot => match split(&file.text) {
                    Ok(found) => {
                        for block in found.blocks.into_iter().filter(|block| block.kind == BlockKind::Snapshot) {
                            let name = block.name.clone();
                            let line = file.text[..block.body.start].matches('\n').count();
                            let code = file.text[block.body].to_owned();
                            one(reading, patches, Resource::Snapshot, &name, None, text(code, line));
                        }
                    }
                    Err(trouble) => {
                        let shown = package.shown(&file.path);
                        reading.problems.push(malformed(
                            &format!("snapshot file \"{shown}\""),
                            &shown,
                            &file.text,
                            &trouble,
                        ));
                    }
                },
                Place::Macro | Place::Generic | Place::Fixture | Place::Docs | Place::Properties => {}
            }
        }
    }
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Package, the folders of the path, the name; a versioned model adds `v2`, a snapshot its file.
fn fqn(package: &str, resource: Resource, path: &str, name: &str, version: Option<&str>) -> Vec<String> {
    let mut fqn = vec![package.to_owned()];
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    fqn.extend(folders.split('/').filter(|folder| !folder.is_empty()).map(str::to_owned));
    if resource == Resource::Snapshot {
        fqn.push(stem(path).to_owned());
    }
    if resource == Resource::Analysis {
        fqn.insert(1, "analysis".to_owned());
    }
    fqn.push(name.to_owned());
    fqn.extend(version.map(|version| format!("v{version}")));
    fqn
}

fn one(
    reading: &mut Reading<'_>,
    patches: &Patches,
    resource: Resource,
    name: &str,
    version: Option<String>,
    text: Text<'_>,
) {
    let package = text.package.name().to_owned();
    let id = match &version {
        Some(version) => format!("{}.{package}.{name}.v{version}", resource.as_str()),
        None => format!("{}.{package}.{name}", resource.as_str()),
    };
    let patch = patches.find(&package, resource, name, version.as_deref());
    let fqn = fqn(&package, resource, text.path, name, version.as_deref());
    let checksum = match resource {
        // dbt hashes a snapshot's block, a seed as it is, and any other file without the blanks at its ends.
        Resource::Snapshot => sha256_hex(&text.code),
        Resource::Seed => sha256_hex(&text.file.text),
        _ => sha256_hex(text.file.text.trim()),
    };
    let mut node = Node {
        id,
        resource,
        package,
        name: name.to_owned(),
        latest_version: patch.and_then(|patch| patch.latest_version.clone()),
        version,
        alias: name.to_owned(),
        database: reading.world.target.database.clone(),
        schema: reading.world.target.schema.clone(),
        path: text.path.to_owned(),
        file: text.file.path.clone(),
        line: text.line,
        patch_file: None,
        fqn,
        raw_code: if resource == Resource::Snapshot { text.code } else { text.code.trim().to_owned() },
        checksum,
        config: Config::new(),
        unrendered_config: Config::new(),
        description: String::new(),
        columns: Vec::new(),
        constraints: Vec::new(),
        access: "protected".into(),
        group: None,
        refs: Vec::new(),
        sources: Vec::new(),
        depends_on: Vec::new(),
        macros: Vec::new(),
        vars: BTreeMap::new(),
        test: (resource == Resource::Test).then(Default::default),
        extra: Config::new(),
    };
    if let Some(patch) = patch {
        patch.describe(&mut node);
    }
    configure(reading, &mut node, text.package, patch, resource != Resource::Seed);
    reading.add(node);
}

/// Renders the text once, and puts the layers of configuration together.
pub fn configure(reading: &mut Reading<'_>, node: &mut Node, package: &Package, patch: Option<&Patch>, has_text: bool) {
    let layers = Layers { root: reading.root() };
    let none = Config::new();
    let patched = patch.map_or(&none, |patch| &patch.config);
    let mut record = Record::default();
    if has_text {
        node.config = layers.all(package, node.resource, &node.fqn, patched, &none);
        let globals =
            Rendering::new(reading.world.clone(), Arc::new(node.clone()), Phase::Parse, false, BTreeMap::new());
        let shared: Arc<dyn Globals> = globals.clone();
        match reading.world.library.render_text(&package.shown(&node.file), &node.raw_code, &shared) {
            Ok(_) => record = globals.record(),
            Err(fault) => {
                record = globals.record();
                // A node that is switched off may be written for another database.
                let merged = layers.all(package, node.resource, &node.fqn, patched, &record.config);
                if merged.get("enabled").and_then(serde_json::Value::as_bool) != Some(false) {
                    let fault = fault.called_from(&package.shown(&node.file), &node.raw_code);
                    let problem = reading.world.told(&node.label(), fault);
                    reading.problems.push(problem);
                }
            }
        }
    }
    node.config = layers.all(package, node.resource, &node.fqn, patched, &record.config);
    node.unrendered_config = record.config.clone();
    take(node, record);
    reading.name(node);
}

/// What the rendering saw becomes part of the node.
pub fn take(node: &mut Node, record: Record) {
    node.refs = record.refs;
    node.sources = record.sources;
    node.macros = record.macros.into_iter().collect();
    node.vars = record.vars;
    if let Some(group) = node.text("group") {
        node.group = Some(group.to_owned());
    }
    if let Some(access) = node.text("access") {
        node.access = access.to_owned();
    }
}

/// The error for two nodes of one name.
pub fn duplicate(first: &Node, second: &Node) -> Error {
    let place = |node: &Node| if node.line > 0 { format!("{}:{}", node.file, node.line) } else { node.file.clone() };
    let hint = match second.resource {
        Resource::Test | Resource::UnitTest => "take one of them out, or give one a name: of its own",
        _ => "rename one of them; a ref() must mean one thing",
    };
    Error::config(format!("{} is there twice", second.label()))
        .detail(format!("It stands in {} and in {}.", place(first), place(second)))
        .hint(hint)
}
