//! `sources.json`, version 3: how old the sources are.

use super::run_results::{Timing, timing};
use super::{Invocation, Schema, python_instant};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

/// Schema of this artifact.
pub const SCHEMA: Schema = Schema { name: "sources", version: 3 };

/// How a source stands against its criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Young enough.
    Pass,
    /// Older than `warn_after`.
    Warn,
    /// Older than `error_after`.
    Error,
}

/// The answer about one source.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceResult {
    /// Its age is known.
    Known(Box<Age>),
    /// The question failed.
    Failed {
        /// `source.shop.raw.orders`
        unique_id: String,
        /// The error's text.
        error: String,
    },
}

/// The age of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Age {
    /// `source.shop.raw.orders`
    pub unique_id: String,
    /// When its newest row came.
    pub max_loaded_at: DateTime<Utc>,
    /// When that was asked.
    pub snapshotted_at: DateTime<Utc>,
    /// How it stands.
    pub status: Freshness,
    /// `warn_after`, `error_after`, `filter` as in the manifest.
    pub criteria: Json,
    /// What the server said.
    pub adapter_response: Map<String, Json>,
    /// When the steps began and ended.
    pub timing: Timing,
    /// Which worker asked.
    pub thread_id: String,
    /// How long it took.
    pub execution_time_seconds: f64,
}

impl Freshness {
    /// dbt's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Freshness::Pass => "pass",
            Freshness::Warn => "warn",
            Freshness::Error => "error",
        }
    }
}

impl SourceResult {
    /// `source.shop.raw.orders`
    #[must_use]
    pub fn unique_id(&self) -> &str {
        match self {
            SourceResult::Known(age) => &age.unique_id,
            SourceResult::Failed { unique_id, .. } => unique_id,
        }
    }
}

/// The artifact.
#[must_use]
pub fn sources(results: &[SourceResult], elapsed_seconds: f64, invocation: &Invocation) -> Json {
    json!({
        "metadata": invocation.metadata(SCHEMA),
        "results": results.iter().map(result).collect::<Vec<_>>(),
        "elapsed_time": elapsed_seconds,
    })
}

fn result(result: &SourceResult) -> Json {
    match result {
        SourceResult::Failed { unique_id, error } => {
            json!({"unique_id": unique_id, "error": error, "status": "runtime error"})
        }
        SourceResult::Known(age) => {
            let age_microseconds = age.snapshotted_at.signed_duration_since(age.max_loaded_at).num_microseconds();
            json!({
                "unique_id": age.unique_id,
                "max_loaded_at": python_instant(age.max_loaded_at),
                "snapshotted_at": python_instant(age.snapshotted_at),
                "max_loaded_at_time_ago_in_s": age_microseconds.unwrap_or(i64::MAX) as f64 / 1e6,
                "status": age.status.as_str(),
                "criteria": age.criteria,
                "adapter_response": age.adapter_response,
                "timing": timing(&age.timing),
                "thread_id": age.thread_id,
                "execution_time": age.execution_time_seconds,
            })
        }
    }
}
