//! Property files: what stands under `models:`, `sources:` and the other keys, rendered where dbt renders it.

use super::package::{Package, Place};
use super::patches::{DOC_BLOCKS, Patch, Patches, column, some_keys, tests, words};
use super::reading::Reading;
use super::{kept, source_tables, unit_tests};
use crate::error::Error;
use crate::project::SourceFile;
use crate::project::excerpt;
use crate::project::files::config::{canonical_key, merge};
use crate::project::files::{Problem, properties};
use crate::project::manifest::Doc;
use crate::project::manifest::node::{Config, Resource};
use crate::project::manifest::test_name::python_str;
use crate::project::name::did_you_mean;
use crate::project::yaml::{self, Node as YamlNode, Yaml};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What the property files of all packages say.
#[derive(Debug, Default)]
pub struct Found {
    /// About models, seeds, snapshots, analyses and singular tests.
    pub patches: Patches,
    /// Unit tests.
    pub unit_tests: Vec<unit_tests::Entry>,
}

/// Keys at the top of a file, with the resource that their entries describe.
const LISTS: [(&str, Resource); 5] = [
    ("models", Resource::Model),
    ("seeds", Resource::Seed),
    ("snapshots", Resource::Snapshot),
    ("analyses", Resource::Analysis),
    ("data_tests", Resource::Test),
];

/// Keys whose entries are kept for other tools.
const KEPT: [(&str, Resource); 4] = [
    ("exposures", Resource::Exposure),
    ("metrics", Resource::Metric),
    ("semantic_models", Resource::SemanticModel),
    ("saved_queries", Resource::SavedQuery),
];

/// Keys of those entries that engines of the semantic layer render themselves: `{{ Dimension('order__state') }} = 'paid'`.
const FILTERS: &[&str] = &["filter", "where"];

/// Keys of an entry that are configuration although they stand beside `config:`.
const CONFIG_BESIDE: [&str; 6] = ["access", "group", "meta", "tags", "docs", "enabled"];

/// Where an entry stands.
struct Spot<'a> {
    package: &'a Package,
    file: &'a SourceFile,
    line: usize,
}

/// Reads every property file of every package.
pub fn read(reading: &mut Reading<'_>) -> Found {
    let mut found = Found::default();
    for package in reading.packages {
        for file in &package.files {
            if let Some((Place::Properties, _)) = package.place(&file.path) {
                one(reading, &mut found, package, file);
            }
        }
    }
    found
}

fn one(reading: &mut Reading<'_>, found: &mut Found, package: &Package, file: &SourceFile) {
    if package.name() == reading.root().name() {
        check(reading, file);
    }
    let shown = package.shown(&file.path);
    let top = match yaml::read(&file.text) {
        Ok(top) => top,
        // Told by the check above already, where it is the project's own file.
        Err(_) if package.name() == reading.root().name() => return,
        Err((line, sentence)) => {
            let place = format!("{}\n{sentence}", excerpt::at_line(&shown, &file.text, line, ""));
            let problem = Error::config(format!("property file \"{shown}\" is not well-formed YAML")).detail(place);
            return reading.problems.push(problem);
        }
    };
    let Yaml::Map(entries) = &top.value else { return };
    for (key, list) in entries {
        let name = key.name.as_str();
        for item in items(list) {
            let place = Spot { package, file, line: item.line };
            let Json::Object(body) = item.json() else { continue };
            if let Some((_, resource)) = LISTS.iter().find(|(list, _)| *list == name) {
                describe(reading, found, &place, *resource, &body);
            } else if let Some((_, resource)) = KEPT.iter().find(|(list, _)| *list == name) {
                let body = rendered(reading, &place, FILTERS, body);
                kept::read(reading, package, &file.path, *resource, &body);
            } else {
                match name {
                    "sources" => {
                        let written = body.clone();
                        let body = rendered(reading, &place, &[], body);
                        let place = source_tables::Place { package, file: &file.path, line: item.line };
                        source_tables::read(reading, &place, &body, &written);
                    }
                    "groups" => kept::read_group(reading, package, &file.path, &body),
                    "macros" => describe_macro(reading, &place, &body),
                    "unit_tests" => found.unit_tests.push(unit_tests::Entry {
                        package: package.name().to_owned(),
                        file: file.path.clone(),
                        line: item.line,
                        body,
                    }),
                    _ => {}
                }
            }
        }
    }
}

/// Holds the file against all that may stand in it: keys that nothing reads are warnings, wrong shapes errors.
fn check(reading: &mut Reading<'_>, file: &SourceFile) {
    let mut found = Vec::new();
    let as_written = |text: &str| Ok(Json::from(text));
    let _ = properties::read(file, &as_written, &mut found);
    let (errors, warnings): (Vec<Problem>, Vec<Problem>) = found.into_iter().partition(Problem::is_error);
    reading.problems.extend(errors.into_iter().map(Problem::into_error));
    reading.warnings.extend(warnings.into_iter().map(Problem::into_error));
}

fn items(node: &YamlNode) -> &[YamlNode] {
    match &node.value {
        Yaml::List(items) => items,
        _ => &[],
    }
}

/// All texts rendered but for the keys `left`, and for descriptions and data tests, which are rendered where they are used.
fn rendered(reading: &mut Reading<'_>, place: &Spot<'_>, left: &[&str], body: Config) -> Config {
    let mut out = Config::new();
    if let Some(description) = body.get("description") {
        let blocks = doc_blocks(reading, place, &python_str(description));
        out.extend((!blocks.is_empty()).then(|| (DOC_BLOCKS.to_owned(), Json::from(blocks))));
    }
    for (key, value) in body {
        let value = match key.as_str() {
            "tests" | "data_tests" | "loaded_at_query" => value,
            key if left.contains(&key) => value,
            "description" => Json::from(described(reading, place, &python_str(&value))),
            _ => rendered_value(reading, place, left, value),
        };
        out.insert(key, value);
    }
    out
}

fn rendered_value(reading: &mut Reading<'_>, place: &Spot<'_>, left: &[&str], value: Json) -> Json {
    match value {
        Json::String(text) => match reading.evaluate(place.package.name(), &place.file.path, &text) {
            Ok(value) => value,
            Err(problem) => {
                reading.problems.push(located(place, problem));
                Json::Null
            }
        },
        Json::Array(items) => {
            Json::Array(items.into_iter().map(|item| rendered_value(reading, place, left, item)).collect())
        }
        Json::Object(map) => Json::Object(rendered(reading, place, left, map)),
        other => other,
    }
}

fn located(place: &Spot<'_>, problem: Error) -> Error {
    let fact = problem.detail.as_deref().and_then(|detail| detail.lines().last()).unwrap_or_default().to_owned();
    let shown = place.package.shown(&place.file.path);
    problem.detail(format!("{}\n{fact}", excerpt::at_line(&shown, &place.file.text, place.line, "")))
}

/// A description with its expressions replaced, `doc()` before all.
fn described(reading: &mut Reading<'_>, place: &Spot<'_>, text: &str) -> String {
    if !text.contains("{{") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else { break };
        out.push_str(&rest[..start]);
        let inside = &rest[start + 2..start + end];
        let (function, names) = kept::call(inside);
        if function == "doc" {
            out.push_str(&doc(reading, place, &names));
        } else {
            let shown = place.package.shown(&place.file.path);
            match reading.evaluate(place.package.name(), &shown, &rest[start..start + end + 2]) {
                Ok(value) => out.push_str(&python_str(&value)),
                Err(problem) => reading.problems.push(located(place, problem)),
            }
        }
        rest = &rest[start + end + 2..];
    }
    out.push_str(rest);
    out
}

/// Ids of the docs blocks that a description puts in.
fn doc_blocks(reading: &Reading<'_>, place: &Spot<'_>, text: &str) -> Vec<String> {
    let calls = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(inside, _)| kept::call(inside));
    let docs =
        calls.filter(|(function, _)| *function == "doc").filter_map(|(_, names)| find_doc(reading, place, &names));
    docs.map(|doc| doc.id.clone()).collect()
}

/// Keeps the docs blocks of a description beside it.
fn note_doc_blocks(reading: &Reading<'_>, place: &Spot<'_>, text: &str, extra: &mut Config) {
    let blocks = doc_blocks(reading, place, text);
    if !blocks.is_empty() {
        extra.insert(DOC_BLOCKS.to_owned(), Json::from(blocks));
    }
}

/// The block that `doc(...)` means: the package's own, the root project's, then anybody's.
fn find_doc<'r>(reading: &'r Reading<'_>, place: &Spot<'_>, names: &[String]) -> Option<&'r Doc> {
    let find = |package: &str, name: &str| reading.manifest.docs.get(&format!("doc.{package}.{name}"));
    match names {
        [name] => find(place.package.name(), name)
            .or_else(|| find(&reading.world.root, name))
            .or_else(|| reading.manifest.docs.values().find(|doc| doc.name == *name)),
        [package, name] => find(package, name),
        _ => None,
    }
}

fn doc(reading: &mut Reading<'_>, place: &Spot<'_>, names: &[String]) -> String {
    if let Some(doc) = find_doc(reading, place, names) {
        return doc.text.clone();
    }
    let name = names.last().cloned().unwrap_or_default();
    let shown = place.package.shown(&place.file.path);
    let hint = did_you_mean(&name, reading.manifest.docs.values().map(|doc| doc.name.as_str()))
        .unwrap_or_else(|| format!("write {{% docs {name} %}} ... {{% enddocs %}} in a .md file"));
    reading.problems.push(
        Error::config(format!("description names unknown docs block \"{name}\""))
            .detail(excerpt::at_word(&shown, &place.file.text, &name))
            .hint(hint),
    );
    String::new()
}

fn describe(reading: &mut Reading<'_>, found: &mut Found, place: &Spot<'_>, resource: Resource, body: &Config) {
    let package = place.package.name().to_owned();
    let name = body.get("name").map(python_str).unwrap_or_default();
    let versions: Vec<Config> = match body.get("versions") {
        Some(Json::Array(versions)) => versions.iter().filter_map(Json::as_object).cloned().collect(),
        _ => Vec::new(),
    };
    let base = patch(reading, place, resource, &name, body);
    if versions.is_empty() {
        return add(reading, found, place, resource, base);
    }
    let numbers: Vec<String> = versions.iter().filter_map(|version| version.get("v").map(python_str)).collect();
    let latest = body.get("latest_version").map(python_str).or_else(|| latest(&numbers));
    for version in &versions {
        let Some(number) = version.get("v").map(python_str) else { continue };
        let defined_in = version.get("defined_in").and_then(Json::as_str).map(str::to_owned);
        let stem = defined_in.unwrap_or_else(|| format!("{name}_v{number}"));
        found.patches.add_versioned_file(&package, &stem, &name, &number);
        if latest.as_ref() == Some(&number) {
            // The newest version may keep the file name that it had before there were versions.
            let bare = place.package.files.iter().any(|file| file.path.ends_with(&format!("/{name}.sql")));
            if bare && version.get("defined_in").is_none() {
                found.patches.add_versioned_file(&package, &name, &name, &number);
            }
        }
        let own = patch(reading, place, resource, &name, version);
        let mut merged = base.clone();
        merged.version = Some(number);
        merged.latest_version.clone_from(&latest);
        merge(&mut merged.config, &own.config);
        merged.written_config.extend(own.written_config.clone());
        merged.extra.extend(own.extra.clone());
        if !own.description.is_empty() {
            merged.description.clone_from(&own.description);
        }
        if let Some(Json::Array(columns)) = version.get("columns") {
            select_columns(&mut merged, &base, &own, columns);
        }
        if version.contains_key("tests") || version.contains_key("data_tests") {
            merged.tests.clone_from(&own.tests);
        }
        add(reading, found, place, resource, merged);
    }
}

/// `include: all`, `exclude: [a]`, and columns of the version's own.
fn select_columns(merged: &mut Patch, base: &Patch, own: &Patch, columns: &[Json]) {
    let rule = columns.iter().find(|column| column.get("include").is_some());
    let included = words(rule.and_then(|rule| rule.get("include")));
    let excluded = words(rule.and_then(|rule| rule.get("exclude")));
    let is_all = included.iter().any(|word| matches!(word.as_str(), "all" | "*"));
    let keeps = |name: &String| (is_all || included.contains(name)) && !excluded.contains(name);
    let is_own = |name: &String| own.columns.iter().any(|column| column.name == *name);
    merged.columns = base.columns.iter().filter(|c| keeps(&c.name) && !is_own(&c.name)).cloned().collect();
    merged.columns.extend(own.columns.iter().filter(|column| !column.name.is_empty()).cloned());
    merged.column_tests =
        base.column_tests.iter().filter(|(name, _, _)| keeps(name) && !is_own(name)).cloned().collect();
    merged.column_tests.extend(own.column_tests.iter().cloned());
}

/// The greatest version, by number where they are numbers.
fn latest(versions: &[String]) -> Option<String> {
    let number = |text: &String| text.parse::<f64>().ok();
    versions
        .iter()
        .max_by(|a, b| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.cmp(b),
        })
        .cloned()
}

fn patch(reading: &mut Reading<'_>, place: &Spot<'_>, resource: Resource, name: &str, body: &Config) -> Patch {
    let mut config = Config::new();
    let beside = CONFIG_BESIDE.iter().filter_map(|key| body.get(*key).map(|value| ((*key).to_owned(), value.clone())));
    let nested = body.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    let mut written_config: Config = nested.iter().map(|(k, v)| (canonical_key(k).to_owned(), v.clone())).collect();
    for (key, value) in beside.clone() {
        written_config.entry(key).or_insert(value);
    }
    for (key, value) in beside.chain(nested) {
        let value = if key.ends_with("hook") { value } else { rendered_value(reading, place, &[], value) };
        config.insert(canonical_key(&key).to_owned(), value);
    }
    if resource == Resource::Seed
        && let Some(types) = body.get("column_types")
    {
        config.entry("column_types").or_insert_with(|| types.clone());
        written_config.entry("column_types").or_insert_with(|| types.clone());
    }
    let mut columns = Vec::new();
    let mut column_tests = Vec::new();
    for body in body.get("columns").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object) {
        if !body.contains_key("name") {
            continue;
        }
        let text = body.get("description").filter(|d| !d.is_null()).map(python_str).unwrap_or_default();
        let rendered = rendered(reading, place, &[], body.clone());
        let mut column = column(&rendered, described(reading, place, &text));
        note_doc_blocks(reading, place, &text, &mut column.extra);
        for test in tests(body) {
            column_tests.push((column.name_in_tests(), column.tags.clone(), test));
        }
        columns.push(column);
    }
    let text = body.get("description").filter(|d| !d.is_null()).map(python_str).unwrap_or_default();
    let mut extra = some_keys(body, &["deprecation_date", "docs", "time_spine", "relation"]);
    note_doc_blocks(reading, place, &text, &mut extra);
    Patch {
        package: place.package.name().to_owned(),
        name: name.to_owned(),
        version: None,
        latest_version: None,
        file: place.file.path.clone(),
        line: place.line,
        config,
        written_config,
        description: described(reading, place, &text),
        columns,
        tests: tests(body),
        column_tests,
        constraints: body.get("constraints").and_then(Json::as_array).cloned().unwrap_or_default(),
        extra,
    }
}

fn add(reading: &mut Reading<'_>, found: &mut Found, place: &Spot<'_>, resource: Resource, patch: Patch) {
    let name = patch.name.clone();
    if let Some(first) = found.patches.add(resource, patch) {
        let shown = place.package.shown(&place.file.path);
        reading.problems.push(
            Error::config(format!("{} \"{name}\" is described twice", resource.as_str()))
                .detail(format!(
                    "The first description is in {}.\n{}",
                    place.package.shown(&first.file),
                    excerpt::at_line(&shown, &place.file.text, place.line, &name)
                ))
                .hint("keep one of the two"),
        );
    }
}

fn describe_macro(reading: &mut Reading<'_>, place: &Spot<'_>, body: &Config) {
    let name = body.get("name").map(python_str).unwrap_or_default();
    let text = body.get("description").filter(|d| !d.is_null()).map(python_str).unwrap_or_default();
    let description = described(reading, place, &text);
    let id = format!("macro.{}.{name}", place.package.name());
    if let Some(known) = reading.manifest.macros.get_mut(&id) {
        known.description = description;
        known.patch_file = Some(place.file.path.clone());
        known.arguments = body.get("arguments").and_then(Json::as_array).cloned().unwrap_or_default();
        let config = body.get("config");
        let find = |key: &str| config.and_then(|config| config.get(key)).or_else(|| body.get(key));
        known.meta = find("meta").and_then(Json::as_object).cloned().unwrap_or_default();
        known.docs = find("docs").and_then(Json::as_object).cloned().unwrap_or_default();
    }
}

/// Descriptions of what is not there.
pub fn warn_of_strangers(reading: &mut Reading<'_>, patches: &Patches) {
    let mut known: BTreeMap<(&str, Resource, &str), ()> = BTreeMap::new();
    let disabled = reading.manifest.disabled.values().flatten();
    for node in reading.nodes.values().chain(disabled) {
        known.insert((&node.package, node.resource, &node.name), ());
    }
    let mut warnings = Vec::new();
    for (resource, patch) in patches.iter() {
        if known.contains_key(&(patch.package.as_str(), resource, patch.name.as_str())) {
            continue;
        }
        let names = known.keys().filter(|(_, kind, _)| *kind == resource).map(|(_, _, name)| *name);
        let kind = resource.as_str();
        let hint = did_you_mean(&patch.name, names).unwrap_or_else(|| format!("remove it, or add the {kind}"));
        let package = reading.packages.iter().find(|package| package.name() == patch.package);
        let file = package.and_then(|p| p.files.iter().find(|f| f.path == patch.file).map(|f| (p.shown(&f.path), f)));
        let place = match file {
            Some((shown, file)) => excerpt::at_line(&shown, &file.text, patch.line, &patch.name),
            None => format!("The file is {}.", patch.file),
        };
        warnings.push(
            Error::config(format!("{kind} \"{}\" is described but does not exist", patch.name))
                .detail(place)
                .hint(hint),
        );
    }
    drop(known);
    reading.warnings.append(&mut warnings);
}
