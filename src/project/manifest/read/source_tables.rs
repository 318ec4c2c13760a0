//! Sources: each table of each source becomes an entry of the manifest, its data tests become nodes.

use super::data_tests::{self, Subject};
use super::layers::Layers;
use super::package::Package;
use super::patches::{DOC_BLOCKS, column, some_keys, tests, words};
use super::reading::Reading;
use crate::project::database::RelationName;
use crate::project::files::config::merge;
use crate::project::manifest::node::{Config, Resource, SourceTable};
use crate::project::manifest::view;
use serde_json::{Value as Json, json};

/// Where an entry stands.
pub struct Place<'a> {
    /// Package of the file.
    pub package: &'a Package,
    /// File, relative to its package.
    pub file: &'a str,
    /// Line of the entry, from 1.
    pub line: usize,
}

/// Reads one entry of `sources:`, rendered, and beside it as written.
pub fn read(reading: &mut Reading<'_>, place: &Place<'_>, source: &Config, written: &Config) {
    for table in source.get("tables").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object) {
        one(reading, place, source, table, written);
    }
}

fn one(reading: &mut Reading<'_>, place: &Place<'_>, source: &Config, table: &Config, written: &Config) {
    let Place { package, file, line } = *place;
    let source_name = text(source, "name").unwrap_or_default();
    // A package's source may be set right by the root project: `overrides: package`.
    let owner = text(source, "overrides").unwrap_or_else(|| package.name().to_owned());
    let name = text(table, "name").unwrap_or_default();
    let mut fqn = vec![package.name().to_owned()];
    let below = file.split_once('/').map_or("", |(_, below)| below);
    fqn.extend(below.rsplit_once('/').map_or("", |(f, _)| f).split('/').filter(|f| !f.is_empty()).map(str::to_owned));
    fqn.extend([source_name.clone(), name.clone()]);
    let mut patched = config(source);
    merge(&mut patched, &config(table));
    let layers = Layers { root: reading.root() };
    let config = layers.all(package, Resource::Source, &fqn, &patched, &Config::new());
    let nearest = |key: &str| table.get(key).or_else(|| config.get(key)).or_else(|| source.get(key)).cloned();
    let mut found = SourceTable {
        id: format!("source.{owner}.{source_name}.{name}"),
        package: owner,
        source: source_name.clone(),
        name: name.clone(),
        relation: RelationName {
            database: text(source, "database").unwrap_or_else(|| reading.world.target.database.clone()),
            schema: text(source, "schema").unwrap_or_else(|| source_name.clone()),
            identifier: text(table, "identifier").unwrap_or_else(|| name.clone()),
        },
        file: file.to_owned(),
        line,
        fqn,
        description: text(table, "description").unwrap_or_default(),
        source_description: text(source, "description").unwrap_or_default(),
        loader: text(table, "loader").or_else(|| text(source, "loader")).unwrap_or_default(),
        columns: columns(table),
        loaded_at_field: nearest("loaded_at_field").and_then(|v| v.as_str().map(str::to_owned)),
        loaded_at_query: nearest("loaded_at_query").and_then(|v| v.as_str().map(str::to_owned)),
        freshness: freshness(source, table, &config),
        tags: both(source, table),
        meta: config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
        source_meta: source.get("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
        quoting: map(source, "quoting").into_iter().chain(map(table, "quoting")).collect(),
        config,
        extra: Config::new(),
    };
    found.extra = extra(&found, table, written);
    if found.config.get("enabled").and_then(Json::as_bool) == Some(false) {
        reading.manifest.disabled_sources.insert(found.id.clone(), found);
        return;
    }
    let subject = Subject {
        package: package.name().to_owned(),
        file: file.to_owned(),
        line,
        target: format!("{source_name}_{name}"),
        call: format!("source('{source_name}', '{name}')"),
        is_source: true,
        file_key: format!("sources.{source_name}"),
        attached: None,
        reference: Err((source_name, name)),
        tags: found.tags.clone(),
    };
    reading.sources.insert(found.id.clone(), found);
    for test in tests(table) {
        data_tests::one(reading, package, &subject, None, &test);
    }
    for body in table.get("columns").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object) {
        let column = column(body, String::new());
        let mut tags = subject.tags.clone();
        tags.extend(column.tags.iter().cloned());
        let subject = Subject { tags, ..subject.clone() };
        for test in tests(body) {
            data_tests::one(reading, package, &subject, Some(&column.name_in_tests()), &test);
        }
    }
}

fn columns(table: &Config) -> Vec<crate::project::manifest::node::ColumnInfo> {
    let bodies = table.get("columns").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object);
    bodies.map(|body| column(body, text(body, "description").unwrap_or_default())).collect()
}

/// What only the manifest shows: the configuration of source and table together, and names before they are rendered.
fn extra(found: &SourceTable, table: &Config, written: &Config) -> Config {
    let mut extra = some_keys(table, &["external", DOC_BLOCKS]);
    let mut config = Config::new();
    config.extend(found.freshness.as_ref().map(|_| ("freshness".to_owned(), view::freshness(found))));
    config.extend(some_keys(&found.config, &["enabled", "event_time"]));
    config.insert("loaded_at_field".to_owned(), json!(found.loaded_at_field));
    config.insert("loaded_at_query".to_owned(), json!(found.loaded_at_query));
    config.insert("meta".to_owned(), json!(found.meta));
    config.insert("tags".to_owned(), json!(found.tags));
    extra.insert("unrendered_config".to_owned(), Json::Object(config));
    for key in ["database", "schema"] {
        extra.extend(written.get(key).map(|value| (format!("unrendered_{key}"), value.clone())));
    }
    extra
}

/// `config:` with the keys that may also stand beside it.
fn config(body: &Config) -> Config {
    let mut config = map(body, "config");
    for key in ["enabled", "event_time", "meta", "tags"] {
        if let Some(value) = body.get(key) {
            config.entry(key).or_insert_with(|| value.clone());
        }
    }
    config
}

fn both(source: &Config, table: &Config) -> Vec<String> {
    let mut tags = words(source.get("tags"));
    tags.extend(words(map(source, "config").get("tags")));
    tags.extend(words(table.get("tags")));
    tags.extend(words(map(table, "config").get("tags")));
    tags.sort();
    tags.dedup();
    tags
}

/// The table's freshness over the source's, key by key; `freshness: null` switches it off.
fn freshness(source: &Config, table: &Config, config: &Config) -> Option<Json> {
    let own = table.get("freshness").or_else(|| table.get("config").and_then(|config| config.get("freshness")));
    if own.is_some_and(Json::is_null) {
        return Some(Json::Null);
    }
    let mut merged = Config::new();
    let below = source.get("freshness").or_else(|| config.get("freshness"));
    for layer in [below, own].into_iter().flatten().filter_map(Json::as_object) {
        merged.extend(layer.clone());
    }
    (!merged.is_empty()).then_some(Json::Object(merged))
}

fn map(body: &Config, key: &str) -> Config {
    body.get(key).and_then(Json::as_object).cloned().unwrap_or_default()
}

fn text(body: &Config, key: &str) -> Option<String> {
    body.get(key).filter(|value| !value.is_null()).map(crate::project::manifest::test_name::python_str)
}
