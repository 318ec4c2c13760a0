//! Exposures, metrics, semantic models, saved queries and groups: kept for the manifest, and for lineage.

use super::package::Package;
use super::reading::Reading;
use crate::error::Error;
use crate::project::manifest::names::Names;
use crate::project::manifest::node::{Config, Kept, Ref, Resource};
use crate::project::name::did_you_mean;
use serde_json::Value as Json;

/// Keeps one entry.
pub fn read(reading: &mut Reading<'_>, package: &Package, file: &str, resource: Resource, body: &Config) {
    let kept = kept(package, file, resource.as_str(), body);
    let enabled = body.get("config").and_then(|config| config.get("enabled")).or_else(|| body.get("enabled"));
    let entries = match enabled.and_then(Json::as_bool) {
        Some(false) => &mut reading.manifest.disabled_kept,
        _ => &mut reading.manifest.kept,
    };
    entries.insert(kept.id.clone(), kept);
}

/// Keeps a group.
pub fn read_group(reading: &mut Reading<'_>, package: &Package, file: &str, body: &Config) {
    let kept = kept(package, file, "group", body);
    reading.manifest.groups.insert(kept.id.clone(), kept);
}

fn kept(package: &Package, file: &str, kind: &str, body: &Config) -> Kept {
    let name = body.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut fqn = vec![package.name().to_owned()];
    let below = file.split_once('/').map_or("", |(_, below)| below);
    fqn.extend(below.rsplit_once('/').map_or("", |(f, _)| f).split('/').filter(|f| !f.is_empty()).map(str::to_owned));
    fqn.push(name.clone());
    let texts = body.get("depends_on").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let (refs, sources) = calls(texts.chain(body.get("model").and_then(Json::as_str)));
    Kept {
        id: format!("{kind}.{}.{name}", package.name()),
        package: package.name().to_owned(),
        name,
        file: file.to_owned(),
        fqn,
        body: body.clone(),
        depends_on: Vec::new(),
        refs,
        sources,
    }
}

/// The models and sources of texts like `ref('orders')` and `source('shop', 'orders')`; other texts name neither.
pub fn calls<'t>(texts: impl Iterator<Item = &'t str>) -> (Vec<Ref>, Vec<(String, String)>) {
    let (mut refs, mut sources) = (Vec::new(), Vec::new());
    for text in texts {
        let (function, mut arguments) = call(text);
        let version = arguments.iter().find_map(|one| one.split_once('=').map(|(_, v)| v.trim().to_owned()));
        arguments.retain(|one| !one.contains('='));
        match (function, arguments.as_slice()) {
            ("ref", [name]) => refs.push(Ref { package: None, name: name.clone(), version }),
            ("ref", [package, name]) => {
                refs.push(Ref { package: Some(package.clone()), name: name.clone(), version });
            }
            ("source", [source, table]) => sources.push((source.clone(), table.clone())),
            _ => {}
        }
    }
    (refs, sources)
}

/// `ref('a', 'b')`: the function and its texts.
pub fn call(text: &str) -> (&str, Vec<String>) {
    let text = text.trim();
    let Some((function, rest)) = text.split_once('(') else { return ("", Vec::new()) };
    let inside = rest.trim_end().strip_suffix(')').unwrap_or(rest);
    let unquoted = |part: &str| part.trim().trim_matches(['\'', '"']).to_owned();
    (function.trim(), inside.split(',').map(unquoted).filter(|part| !part.is_empty()).collect())
}

/// Finds what exposures and semantic models need; an unknown name is told.
pub fn resolve(reading: &mut Reading<'_>, names: &Names) {
    let root = reading.world.root.clone();
    let mut problems = Vec::new();
    for kept in reading.manifest.kept.values_mut() {
        for (source, table) in &kept.sources {
            if let Some(id) = names.source(&root, &kept.package, source, table) {
                kept.depends_on.push(id.to_owned());
            }
        }
        for wanted in &kept.refs {
            match names.node(&root, &kept.package, wanted) {
                Some(id) => kept.depends_on.push(id.to_owned()),
                None => {
                    let kind = kept.id.split('.').next().unwrap_or_default();
                    let error =
                        Error::config(format!("{kind} \"{}\" refers to unknown model \"{}\"", kept.name, wanted.name))
                            .detail(format!("The file is {}.", kept.file));
                    problems.push(match did_you_mean(&wanted.name, names.node_names()) {
                        Some(hint) => error.hint(hint),
                        None => error,
                    });
                }
            }
        }
    }
    reading.problems.append(&mut problems);
}
