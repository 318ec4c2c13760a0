//! What is done about one person: erasure, one at a time with runs, and the answer to what is known.

use super::lease::RunLease;
use super::read_project::read_project;
use super::{halt, in_place};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::project::Project;
use crate::warehouse::Warehouse;
use crate::warehouse::erase::{EraseRequest, Erasure};
use crate::warehouse::person::{Person, PersonRows};
use serde_json::Value as Json;
use std::time::Duration;

/// Key of a model's `meta`: its columns that hold customer ids under another name than `customer_id`.
const META_KEY: &str = "contains_personal_data";

/// Erases a person from raw tables and from all kept runs.
pub async fn erase(warehouse: &Warehouse, settings: &Settings, mut request: EraseRequest) -> Result<Erasure> {
    check(&request.person)?;
    // The log shall not keep what was to go.
    let (id, reason) = (&request.person.customer_id, request.reason.as_deref().unwrap_or_default());
    if reason.contains(id.as_str()) {
        return Err(Error::usage("reason holds the customer's id")
            .detail("It would stay in the audit log.")
            .hint("name the request instead, as in --reason 'request 2024-17'"));
    }
    request.person.columns = columns(settings)?;
    let (brake, _halt) = halt::channel();
    let lease = RunLease::take(warehouse, settings, brake).await?;
    let patience = Duration::from_secs(settings.run.publish_patience_seconds);
    let done = warehouse.erase(&request, &lease.fence, patience).await;
    lease.release().await;
    done
}

/// All rows about a person.
pub async fn export_person(warehouse: &Warehouse, settings: &Settings, mut person: Person) -> Result<Vec<PersonRows>> {
    check(&person)?;
    person.columns = columns(settings)?;
    warehouse.export_person(&person).await
}

fn check(person: &Person) -> Result<()> {
    if person.customer_id.trim().is_empty() {
        return Err(Error::usage("customer id is empty").hint("write it as raw.orders has it"));
    }
    Ok(())
}

/// Columns that the project's models name; none where there is no project of ours.
fn columns(settings: &Settings) -> Result<Vec<(String, String)>> {
    if in_place::is_dbt_project(&settings.project_dir) || !settings.project_dir.join("models").is_dir() {
        return Ok(Vec::new());
    }
    Ok(named_columns(&read_project(settings)?))
}

fn named_columns(project: &Project) -> Vec<(String, String)> {
    let configs = project.models.values().map(|model| (&model.name, &model.config));
    configs
        .filter_map(|(name, config)| Some((name, config.get("meta")?.get(META_KEY)?)))
        .flat_map(|(name, value)| {
            let columns = match value {
                Json::Array(columns) => columns.iter().collect(),
                column => vec![column],
            };
            let named = columns.into_iter().filter_map(Json::as_str);
            named.map(|column| (name.clone(), column.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}
