//! Models, seeds, snapshots, analyses and singular tests: a file, or a block of one, becomes a node.

use super::layers::Layers;
use super::macros::malformed;
use super::package::{Package, Place};
use super::patches::{Patch, Patches, foreign_keys};
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
        declared_snapshots(reading, patches, package);
    }
}

/// Snapshots without a text of their own: a property file names the relation whose rows they keep.
fn declared_snapshots(reading: &mut Reading<'_>, patches: &Patches, package: &Package) {
    for (resource, patch) in patches.iter() {
        let relation = patch.extra.get("relation").and_then(serde_json::Value::as_str);
        let (Some(relation), Resource::Snapshot, true) = (relation, resource, patch.package == package.name()) else {
            continue;
        };
        let Some(file) = package.files.iter().find(|file| file.path == patch.file) else { continue };
        let Some((_, below)) = package.place(&file.path) else { continue };
        let path = format!("{below}/{}.sql", patch.name);
        let folders = below.rsplit_once('/').map_or("", |(folders, _)| folders);
        let fqn = [patch.package.as_str()].into_iter().chain(folders.split('/')).chain([patch.name.as_str()]);
        let mut node = Node {
            id: format!("snapshot.{}.{}", patch.package, patch.name),
            package: patch.package.clone(),
            name: patch.name.clone(),
            alias: patch.name.clone(),
            database: reading.world.target.database.clone(),
            schema: reading.world.target.schema.clone(),
            path,
            file: file.path.clone(),
            line: patch.line.saturating_sub(1),
            fqn: fqn.filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            raw_code: format!("select * from {{{{ {relation} }}}}"),
            checksum: sha256_hex(file.text.trim()),
            ..Node::blank(Resource::Snapshot)
        };
        patch.describe(&mut node);
        configure(reading, &mut node, package, Some(patch), true);
        reading.add(node);
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
    // The whole file counts, without the blanks at its ends, also where several snapshots share it.
    let checksum = sha256_hex(text.file.text.trim());
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
        fqn,
        raw_code: if resource == Resource::Snapshot { text.code } else { text.code.trim().to_owned() },
        checksum,
        test: (resource == Resource::Test).then(Default::default),
        ..Node::blank(resource)
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
    let written = patch.map_or(&none, |patch| &patch.written_config);
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
    node.unrendered_config = layers.written(package, node.resource, &node.fqn, written, &record.written_config);
    take(node, record);
    let (refs, sources) = foreign_keys(node);
    node.refs.extend(refs);
    node.sources.extend(sources);
    reading.name(node);
}

/// What the rendering saw becomes part of the node.
pub fn take(node: &mut Node, record: Record) {
    node.refs = record.refs;
    node.sources = record.sources;
    node.macros = record.macros;
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
