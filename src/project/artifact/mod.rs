//! Artifacts: the JSON files under `target/` that dbt writes and other tools read.
//!
//! Pure: from the parsed project and the results of a run to JSON, and back. Files are written and read elsewhere.

pub mod catalog;
pub mod manifest;
pub mod read;
pub mod run_results;
mod selectors;
pub mod semantic_manifest;
pub mod sources;
#[cfg(test)]
mod tests;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Version of dbt whose artifacts these are: readers choose by it what to expect.
pub const DBT_VERSION: &str = "1.11.16";

/// Folder of the published schemas; part of every artifact's name of its own schema.
const SCHEMAS: &str = "https://schemas.getdbt.com/dbt";

/// What every artifact says about the call of the program that wrote it.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// UUID of the call.
    pub id: String,
    /// When the program started.
    pub started_at: DateTime<Utc>,
    /// When the artifact was made.
    pub generated_at: DateTime<Utc>,
    /// `DBT_ENV_CUSTOM_ENV_*` of the environment, without that prefix.
    pub env: BTreeMap<String, String>,
}

/// Kind and version of an artifact: `("manifest", 12)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// `manifest`, `run-results`, `catalog`, `sources`.
    pub name: &'static str,
    /// Version.
    pub version: u32,
}

impl Schema {
    /// `https://.../manifest/v12.json`
    #[must_use]
    pub fn url(self) -> String {
        format!("{SCHEMAS}/{}/v{}.json", self.name, self.version)
    }
}

impl Invocation {
    /// What `metadata` begins with in every artifact.
    fn metadata(&self, schema: Schema) -> Map<String, Json> {
        let metadata = json!({
            "dbt_schema_version": schema.url(),
            "dbt_version": DBT_VERSION,
            "generated_at": instant(self.generated_at),
            "invocation_id": self.id,
            "invocation_started_at": instant(self.started_at),
            "env": self.env,
        });
        match metadata {
            Json::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// `2026-01-01T00:00:00.000000Z`
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// `2026-01-01T00:00:00+00:00`, with microseconds where there are any, as Python prints instants.
fn python_instant(at: DateTime<Utc>) -> String {
    let format = if at.timestamp_subsec_micros() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    at.to_rfc3339_opts(format, false)
}
