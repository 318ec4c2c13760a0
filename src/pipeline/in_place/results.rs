//! What the hooks of `on-run-end` see of the run: `results`, `schemas`, `database_schemas`.

use super::run::{Report, Run};
use crate::project::artifact::run_results::adapter_response;
use crate::project::manifest::{Manifest, Resource, json_value, view};
use minijinja::Value;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What a result is about; hooks are no results of the run that they stand around.
fn described(manifest: &Manifest, id: &str) -> Option<serde_json::Value> {
    if let Some(node) = manifest.nodes.get(id) {
        return (node.resource != Resource::Operation).then(|| view::node(node));
    }
    let kept = manifest.kept.get(id)?;
    Some(view::kept(kept, &manifest.nodes, &manifest.kept, &view::Stamp::default()))
}

/// The names that only hooks of the project have.
pub fn locals(run: &Run, report: &Report) -> BTreeMap<String, Value> {
    let results: Vec<serde_json::Value> = report
        .results
        .iter()
        .filter_map(|result| {
            let node = described(&run.manifest, &result.id)?;
            Some(json!({
                "status": result.status.as_str(),
                "message": result.message,
                "failures": result.failures,
                "execution_time": result.elapsed.as_secs_f64(),
                "thread_id": format!("Thread-{}", result.worker),
                "adapter_response": result.tag.as_deref().map(adapter_response).unwrap_or_default(),
                "timing": [],
                "unique_id": result.id,
                "node": node,
            }))
        })
        .collect();
    let schemas: BTreeSet<(&str, &str)> = report
        .results
        .iter()
        .filter_map(|result| run.manifest.nodes.get(&result.id))
        .filter(|node| node.is_built())
        .map(|node| (node.database.as_str(), node.schema.as_str()))
        .collect();
    let names: BTreeSet<&str> = schemas.iter().map(|(_, schema)| *schema).collect();
    BTreeMap::from([
        ("results".to_owned(), json_value(&json!(results))),
        ("schemas".to_owned(), json_value(&json!(names))),
        ("database_schemas".to_owned(), json_value(&json!(schemas))),
    ])
}
