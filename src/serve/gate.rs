//! The freshness gate: a job that waits for news is skipped while its sources stand as at its last good run.
//!
//! Sources of a dbt project tell how new they are (`loaded_at_field`); those of Quintile's own models have a version
//! that changes with their rows and columns.

use crate::config::{Job, Settings};
use crate::error::{Error, Result};
use crate::pipeline;
use crate::pipeline::plan::Plan;
use crate::warehouse::Warehouse;
use crate::warehouse::invocations::SourceState;
use crate::warehouse::slots::Outcome;
use crate::warehouse::sources::SourceTable;
use std::collections::{BTreeMap, BTreeSet};

/// How sources stand, by name.
pub(super) type Seen = BTreeMap<String, SourceState>;

/// Does the job's `work` unless a `look` at its sources finds no news; what was seen is kept after a good end.
pub(super) async fn behind(
    warehouse: &Warehouse,
    job: &Job,
    look: impl Future<Output = Result<Seen>>,
    work: impl Future<Output = Result<Outcome>>,
) -> Result<Outcome> {
    let Some(selector) = &job.fresher_than_last_run else { return work.await };
    let workspace = &warehouse.schemas.workspace;
    let found = look.await?;
    let known = warehouse.job_sources(workspace, &job.name).await?;
    if !has_news(&found, &known) {
        return Ok(Outcome { state: "skipped", reason: Some(no_news(selector, &found)), run_id: None });
    }
    let outcome = work.await?;
    if outcome.state == "published" {
        // As seen before the run: what came in meanwhile is news for the next one.
        warehouse.record_job_sources(workspace, &job.name, &found).await?;
    }
    Ok(outcome)
}

/// How the sources stand that the job's own models read and its selector names.
pub(super) async fn look_at_models(warehouse: &Warehouse, settings: &Settings, job: &Job) -> Result<Seen> {
    let selector = job.fresher_than_last_run.as_deref().unwrap_or_default();
    let project = pipeline::read_project(settings)?;
    let plan = Plan::new(&project, warehouse, &job.select, &job.exclude, &warehouse.live().await?)?;
    let read: BTreeSet<&SourceTable> = plan.steps.iter().flat_map(|step| &step.sources).collect();
    let named: Vec<SourceTable> = read.into_iter().filter(|source| is_named(selector, &source.name)).cloned().collect();
    if named.is_empty() {
        return Err(Error::config(format!("selector \"{selector}\" picks no source that the job's models read"))
            .hint("write source:NAME or source:NAME.TABLE, for example source:raw.orders"));
    }
    // Otherwise the run would make raw tables note their changes, and the next look would take that for news.
    warehouse.tend_raw_tables(&warehouse.client().await?).await?;
    let versions = warehouse.source_versions(&named).await?;
    let state = |version| SourceState { max_loaded_at: None, version };
    Ok(versions.into_iter().map(|(name, version)| (name, state(version))).collect())
}

/// Whether `source:NAME` or `source:NAME.TABLE` means the source.
fn is_named(selector: &str, source: &str) -> bool {
    let wanted = selector.strip_prefix("source:").unwrap_or(selector);
    wanted == "*" || wanted == source || source.split_once('.').is_some_and(|(name, _)| wanted == name)
}

/// Whether a source has changed, was never seen, or cannot tell.
fn has_news(found: &Seen, known: &Seen) -> bool {
    found.iter().any(|(name, now)| match (known.get(name), now.max_loaded_at, &now.version) {
        (Some(before), Some(at), _) => before.max_loaded_at.is_none_or(|before| at > before),
        (Some(before), None, Some(version)) => before.version.as_ref() != Some(version),
        (Some(_), None, None) | (None, ..) => true,
    })
}

fn no_news(selector: &str, found: &Seen) -> String {
    match found.values().filter_map(|state| state.max_loaded_at).max() {
        Some(newest) => {
            let newest = newest.format("%Y-%m-%d %H:%M:%S UTC");
            format!(
                "no source of \"{selector}\" is newer than at the last successful run; the newest row is of {newest}"
            )
        }
        None => format!("no source of \"{selector}\" has changed since the last successful run"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn ages(pairs: &[(&str, i64)]) -> Seen {
        let state = |at| SourceState { max_loaded_at: DateTime::from_timestamp(at, 0), version: None };
        pairs.iter().map(|(name, at)| ((*name).to_owned(), state(*at))).collect()
    }

    fn versions(pairs: &[(&str, Option<&str>)]) -> Seen {
        let state = |version: Option<&str>| SourceState { max_loaded_at: None, version: version.map(str::to_owned) };
        pairs.iter().map(|(name, version)| ((*name).to_owned(), state(*version))).collect()
    }

    #[test]
    fn one_newer_source_is_news_and_so_is_a_new_one() {
        let known = ages(&[("a", 10), ("b", 20)]);
        assert!(!has_news(&known, &known));
        assert!(!has_news(&ages(&[("a", 9)]), &known), "deleted rows are no news");
        assert!(has_news(&ages(&[("a", 10), ("b", 21)]), &known));
        assert!(has_news(&ages(&[("c", 1)]), &known));
        assert!(!has_news(&Seen::new(), &known));
    }

    #[test]
    fn another_version_is_news_and_so_is_a_source_without_one() {
        let known = versions(&[("a", Some("1")), ("b", None)]);
        assert!(!has_news(&versions(&[("a", Some("1"))]), &known));
        assert!(has_news(&versions(&[("a", Some("2"))]), &known));
        assert!(has_news(&versions(&[("b", None)]), &known), "nobody can tell whether a view has changed");
    }

    #[test]
    fn a_selector_names_a_source_or_one_of_its_tables() {
        assert!(is_named("source:raw", "raw.orders") && is_named("source:raw.orders", "raw.orders"));
        assert!(is_named("source:*", "raw.orders"));
        assert!(!is_named("source:raw.returns", "raw.orders") && !is_named("source:ra", "raw.orders"));
    }
}
