//! Reads artifacts of an earlier run back, ours or dbt's: for `--state`, `--defer`, `result:`, `source_status:`, `retry`.
//!
//! Tolerant of keys that it does not know; an artifact of another kind or of an unknown version is an error.

use super::run_results::Status;
use crate::error::{Error, Result};
use crate::project::database::RelationName;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A manifest of an earlier run: the dictionaries of its parts by unique id.
#[derive(Clone, Debug, Default)]
pub struct PreviousManifest {
    /// Nodes, sources, exposures, metrics, semantic models, saved queries, unit tests.
    parts: BTreeMap<String, Map<String, Json>>,
    /// Text of each macro.
    macros: BTreeMap<String, String>,
}

/// What became of a node in an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviousResult {
    /// `model.shop.orders`
    pub unique_id: String,
    /// What became of it.
    pub status: Status,
    /// Batches of a microbatch model that failed, each as its two ends.
    pub failed_batches: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Batches that were built.
    pub successful_batches: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Results of an earlier run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PreviousRun {
    /// One a node, in the order in which they ended.
    pub results: Vec<PreviousResult>,
    /// Flags of its command.
    pub args: Map<String, Json>,
}

/// The age of a source in an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousAge {
    /// `source.shop.raw.orders`
    pub unique_id: String,
    /// When its newest row came; `None` where the question failed.
    pub max_loaded_at: Option<DateTime<Utc>>,
}

/// Reads `manifest.json`; `file` is for the error alone.
pub fn manifest(file: &str, text: &str) -> Result<PreviousManifest> {
    let mut root = artifact(file, text, "manifest", 7..=12)?;
    let mut previous = PreviousManifest::default();
    for section in ["nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests"] {
        if let Some(Json::Object(entries)) = root.remove(section) {
            let dicts = entries.into_iter().filter_map(|(id, entry)| match entry {
                Json::Object(dict) => Some((id, dict)),
                _ => None,
            });
            previous.parts.extend(dicts);
        }
    }
    if let Some(Json::Object(macros)) = root.remove("macros") {
        let text = |one: &Json| one.get("macro_sql").and_then(Json::as_str).unwrap_or_default().to_owned();
        previous.macros = macros.iter().map(|(id, one)| (id.clone(), text(one))).collect();
    }
    Ok(previous)
}

/// Reads `run_results.json`; `file` is for the error alone.
pub fn run_results(file: &str, text: &str) -> Result<PreviousRun> {
    let root = artifact(file, text, "run-results", 4..=6)?;
    let results = root.get("results").and_then(Json::as_array).into_iter().flatten();
    let one = |entry: &Json| {
        let word = entry.get("status").and_then(Json::as_str).unwrap_or_default();
        let status = Status::from_word(word).ok_or_else(|| {
            Error::config(format!("run results \"{file}\" hold a status \"{word}\" that is unknown"))
                .hint("let the tool that wrote the file run again")
        })?;
        Ok(PreviousResult {
            unique_id: text_of(entry, "unique_id").unwrap_or_default(),
            status,
            failed_batches: batches(entry, "failed"),
            successful_batches: batches(entry, "successful"),
        })
    };
    Ok(PreviousRun {
        results: results.map(one).collect::<Result<_>>()?,
        args: root.get("args").and_then(Json::as_object).cloned().unwrap_or_default(),
    })
}

/// Reads `sources.json`; `file` is for the error alone.
pub fn sources(file: &str, text: &str) -> Result<Vec<PreviousAge>> {
    let root = artifact(file, text, "sources", 1..=3)?;
    let results = root.get("results").and_then(Json::as_array).into_iter().flatten();
    let one = |entry: &Json| {
        let unique_id = text_of(entry, "unique_id")?;
        Some(PreviousAge { unique_id, max_loaded_at: entry.get("max_loaded_at").and_then(instant) })
    };
    Ok(results.filter_map(one).collect())
}

impl PreviousManifest {
    /// The dictionary of a node, source, exposure, metric, semantic model, saved query or unit test.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Map<String, Json>> {
        self.parts.get(id)
    }

    /// Ids of all of these.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// Text of each macro by id.
    #[must_use]
    pub fn macros(&self) -> &BTreeMap<String, String> {
        &self.macros
    }

    /// Where a model, seed or snapshot was built: what `--defer` reads from; `None` if it has no relation.
    #[must_use]
    pub fn relation(&self, id: &str) -> Option<RelationName> {
        let dict = self.parts.get(id)?;
        dict.get("relation_name").filter(|name| name.is_string())?;
        let text = |key: &str| dict.get(key).and_then(Json::as_str).map(str::to_owned);
        Some(RelationName {
            database: text("database").unwrap_or_default(),
            schema: text("schema")?,
            identifier: text("alias").or_else(|| text("identifier"))?,
        })
    }
}

impl PreviousRun {
    /// What became of a node; `None` if the run did not reach it.
    #[must_use]
    pub fn status(&self, id: &str) -> Option<Status> {
        self.results.iter().find(|result| result.unique_id == id).map(|result| result.status)
    }

    /// Ids that ended like this: `result:error`.
    pub fn with_status(&self, status: Status) -> impl Iterator<Item = &str> {
        let mine = self.results.iter().filter(move |result| result.status == status);
        mine.map(|result| result.unique_id.as_str())
    }
}

/// The root of an artifact of this kind, its version one of these.
fn artifact(file: &str, text: &str, name: &str, versions: RangeInclusive<u32>) -> Result<Map<String, Json>> {
    let root: Json = serde_json::from_str(text).map_err(|error| {
        let whole = if error.is_eof() { " It ends too early: it may have been read while it was written." } else { "" };
        Error::config(format!("artifact \"{file}\" is not JSON"))
            .detail(format!("Line {}, column {}.{whole}", error.line(), error.column()))
            .hint("let the command that writes it run again")
            .source(error)
    })?;
    let url = root.get("metadata").and_then(|metadata| metadata.get("dbt_schema_version")).and_then(Json::as_str);
    let found = url.and_then(kind_and_version);
    match (found, root.clone()) {
        (Some((kind, version)), Json::Object(root)) if kind == name && versions.contains(&version) => Ok(root),
        (Some((kind, version)), _) if kind == name => {
            Err(Error::config(format!("artifact \"{file}\" has schema version {version}, which is not supported"))
                .detail(format!("Versions {} to {} of {name} can be read.", versions.start(), versions.end()))
                .hint("write the state again with this program, or with dbt 1.11"))
        }
        (Some((kind, _)), _) => Err(Error::config(format!("artifact \"{file}\" is of another kind"))
            .detail(format!("It holds {kind}, where {name} was expected."))
            .hint("point --state to a folder that a run wrote")),
        (None, _) => Err(Error::config(format!("artifact \"{file}\" does not say its schema version"))
            .detail(format!("The key metadata.dbt_schema_version should name {name} and a version."))
            .hint("point --state to a folder that a run wrote")),
    }
}

/// `.../manifest/v12.json`: kind and version.
fn kind_and_version(url: &str) -> Option<(&str, u32)> {
    let (before, last) = url.rsplit_once('/')?;
    let kind = before.rsplit('/').next()?;
    Some((kind, last.strip_prefix('v')?.strip_suffix(".json")?.parse().ok()?))
}

fn text_of(entry: &Json, key: &str) -> Option<String> {
    entry.get(key).and_then(Json::as_str).map(str::to_owned)
}

fn batches(entry: &Json, key: &str) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let list = entry.get("batch_results").and_then(|batches| batches.get(key)).and_then(Json::as_array);
    let ends = |batch: &Json| Some((batch.get(0).and_then(instant)?, batch.get(1).and_then(instant)?));
    list.into_iter().flatten().filter_map(ends).collect()
}

/// An instant with a zone, or without one: then UTC, which dbt means.
fn instant(value: &Json) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
    zoned.or_else(|_| text.parse::<NaiveDateTime>().map(|at| at.and_utc())).ok()
}
