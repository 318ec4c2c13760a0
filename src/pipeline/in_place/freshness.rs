//! Source freshness: how old the newest rows are, held against what the project allows.

use super::artifacts::{self, write};
use super::project::DbtLayout;
use crate::error::Result;
use crate::project::artifact::run_results::Timing;
use crate::project::artifact::sources::{self, Age, Freshness, SourceResult};
use crate::project::manifest::SourceTable;
use crate::warehouse::Warehouse;
use crate::warehouse::in_place::freshness::{self as look, LoadedAt};
use crate::warehouse::in_place::{Limits, Session};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

/// What was found about the sources.
#[derive(Debug, Default)]
pub struct Looked {
    /// One a source, for people.
    pub items: Vec<Item>,
    /// One a source, for `sources.json`.
    pub results: Vec<SourceResult>,
    /// Whether none is too old, and every age could be told.
    pub is_good: bool,
    /// Seconds that it took.
    pub elapsed_seconds: f64,
}

/// One source, for people.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Item {
    /// `raw.orders`
    pub name: String,
    /// `pass`, `warn`, `error`, `runtime error`
    pub status: String,
    /// When its newest row came; empty if it has none.
    pub max_loaded_at: String,
    /// `2 d 3 h`
    pub age: String,
}

/// Looks at the selected sources that have criteria.
pub async fn freshness(warehouse: &Warehouse, project: &DbtLayout, selected: &BTreeSet<String>) -> Result<Looked> {
    let began = Instant::now();
    let mut looked = Looked { is_good: true, ..Looked::default() };
    let session = Session::open(warehouse, None, Limits::default()).await?;
    for id in selected {
        let Some(source) = project.manifest.sources.get(id).filter(|source| has_criteria(source)) else { continue };
        let Some(loaded_at) = loaded_at(source) else { continue };
        let started = Instant::now();
        match look::look(&session, &source.relation, &loaded_at).await {
            Ok(found) => {
                // A source without rows is as old as can be.
                let newest = found.max_loaded_at.unwrap_or(DateTime::UNIX_EPOCH);
                let age = found.snapshotted_at - newest;
                let status = judge(source, age);
                looked.is_good &= status != Freshness::Error;
                looked.items.push(Item {
                    name: format!("{}.{}", source.source, source.name),
                    status: status.as_str().into(),
                    max_loaded_at: found
                        .max_loaded_at
                        .map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
                        .unwrap_or_default(),
                    age: if found.max_loaded_at.is_some() { words(age) } else { "no rows".into() },
                });
                looked.results.push(SourceResult::Known(Box::new(Age {
                    unique_id: id.clone(),
                    max_loaded_at: newest,
                    snapshotted_at: found.snapshotted_at,
                    status,
                    criteria: source.freshness.clone().unwrap_or_default(),
                    adapter_response: Map::new(),
                    timing: Timing::default(),
                    thread_id: "Thread-1 (worker)".into(),
                    execution_time_seconds: started.elapsed().as_secs_f64(),
                })));
            }
            Err(e) => {
                session.rollback().await?;
                looked.is_good = false;
                looked.items.push(Item {
                    name: format!("{}.{}", source.source, source.name),
                    status: "runtime error".into(),
                    max_loaded_at: String::new(),
                    age: e.message.clone(),
                });
                looked.results.push(SourceResult::Failed { unique_id: id.clone(), error: e.report() });
            }
        }
    }
    session.commit().await?;
    looked.elapsed_seconds = began.elapsed().as_secs_f64();
    Ok(looked)
}

/// When the newest row of each selected source came, of those that can tell; whether they have criteria or not.
pub async fn newest_rows(
    warehouse: &Warehouse,
    project: &DbtLayout,
    selected: &BTreeSet<String>,
) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let session = Session::open(warehouse, None, Limits::default()).await?;
    let mut found = BTreeMap::new();
    for id in selected {
        let Some(source) = project.manifest.sources.get(id) else { continue };
        let Some(loaded_at) = loaded_at(source) else { continue };
        // A source without rows is as old as can be.
        let newest = look::look(&session, &source.relation, &loaded_at).await?.max_loaded_at;
        found.insert(id.clone(), newest.unwrap_or(DateTime::UNIX_EPOCH));
    }
    session.commit().await?;
    Ok(found)
}

/// Writes `sources.json`, or the file that is named instead.
pub fn write_sources(project: &DbtLayout, looked: &Looked, file: Option<&Path>) -> Result<()> {
    let json = sources::sources(&looked.results, looked.elapsed_seconds, &artifacts::invocation(project));
    let path = file.map_or_else(|| project.target_dir.join("sources.json"), Path::to_path_buf);
    write(&path, &json).map(|_| ())
}

fn has_criteria(source: &SourceTable) -> bool {
    let criteria = source.freshness.as_ref().and_then(Json::as_object);
    criteria
        .is_some_and(|map| ["warn_after", "error_after"].iter().any(|key| map.get(*key).is_some_and(Json::is_object)))
}

fn loaded_at(source: &SourceTable) -> Option<LoadedAt> {
    if let Some(query) = &source.loaded_at_query {
        return Some(LoadedAt::Query(query.clone()));
    }
    let filter = source.freshness.as_ref().and_then(|f| f.get("filter")).and_then(Json::as_str).map(str::to_owned);
    Some(LoadedAt::Field { expression: source.loaded_at_field.clone()?, filter })
}

fn judge(source: &SourceTable, age: Duration) -> Freshness {
    let is_over = |key: &str| {
        let limit = source.freshness.as_ref().and_then(|criteria| criteria.get(key));
        let count = limit.and_then(|limit| limit.get("count")).and_then(Json::as_i64);
        let period = limit.and_then(|limit| limit.get("period")).and_then(Json::as_str);
        match (count, period) {
            (Some(count), Some("minute")) => age > Duration::minutes(count),
            (Some(count), Some("hour")) => age > Duration::hours(count),
            (Some(count), Some("day")) => age > Duration::days(count),
            _ => false,
        }
    };
    if is_over("error_after") {
        Freshness::Error
    } else if is_over("warn_after") {
        Freshness::Warn
    } else {
        Freshness::Pass
    }
}

/// `2 d 3 h`, `3 h 10 min`, `40 s`.
fn words(age: Duration) -> String {
    let (days, hours, minutes) = (age.num_days(), age.num_hours() % 24, age.num_minutes() % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", age.num_seconds()),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
