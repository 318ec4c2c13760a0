//! Published relations that the project makes no more: told until somebody withdraws them.

use crate::error::{Error, Result};
use crate::project::Project;
use crate::warehouse::Warehouse;
use crate::warehouse::runs::Live;
use std::collections::{BTreeMap, BTreeSet};

/// The views that the project makes.
pub fn made(project: &Project) -> BTreeSet<String> {
    project.models.keys().chain(project.seeds.keys()).map(|name| project.published_name(name)).collect()
}

/// The pointers of the views that the project makes, by model.
pub fn current(project: &Project, live: Vec<Live>) -> BTreeMap<String, Live> {
    let made = live.into_iter().filter(|live| project.published_name(&live.model) == live.relation);
    made.map(|live| (live.model.clone(), live)).collect()
}

/// A relation of an earlier project or of an earlier contract stays published with its last rows; whoever reads it
/// should learn that it is stale.
pub async fn warn_of_orphans(project: &Project, warehouse: &Warehouse) -> Result<()> {
    let made = made(project);
    for live in warehouse.live().await? {
        if made.contains(&live.relation) {
            continue;
        }
        let successor = project.published_name(&live.model);
        let why = if made.contains(&successor) {
            format!("\"{successor}\" took its place")
        } else {
            "its model is gone".into()
        };
        tracing::warn!(
            relation = live.relation,
            run_id = live.run_id,
            "published, but no longer made by the project ({why}): its rows stay as they are until quintile unpublish {}",
            live.relation
        );
    }
    Ok(())
}

/// Two views of one name: `customers` under contract version 2 beside a model `customers_v2`.
pub fn refuse_name_clash(project: &Project) -> Result<()> {
    let versioned = project.models.keys().chain(project.seeds.keys()).filter(|name| project.contract_version(name) > 1);
    for name in versioned {
        let published = project.published_name(name);
        if project.models.contains_key(&published) || project.seeds.contains_key(&published) {
            return Err(Error::config(format!(
                "model \"{name}\" is published as \"{published}\", which is a model too"
            ))
            .hint("rename one of them, or set another contract_version"));
        }
        if published.len() > 63 {
            return Err(Error::config(format!("model \"{name}\" is published as \"{published}\", which is too long"))
                .detail("PostgreSQL cuts names after 63 bytes.")
                .hint("give the model a shorter name"));
        }
    }
    Ok(())
}
