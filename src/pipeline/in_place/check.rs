//! What no node could be run with is told before anything runs: unknown materializations, contracts without types, ...

use super::{incremental, model, project, snapshot, spec};
use crate::error::Result;
use crate::project::manifest::{Manifest, Node, Resource};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Looks at the configuration of the selected nodes; every problem is told in one error.
pub fn check(manifest: &Manifest, selected: &BTreeSet<String>) -> Result<()> {
    let nodes = selected.iter().filter_map(|id| manifest.nodes.get(id));
    project::refuse(nodes.filter_map(|node| one(manifest, node).err()).collect())
}

fn one(manifest: &Manifest, node: &Node) -> Result<()> {
    match node.resource {
        Resource::Model => {
            model::check(manifest, node)?;
            if node.materialized() == "incremental" {
                incremental::check(node)?;
            }
        }
        Resource::Snapshot => snapshot::check(node)?,
        Resource::Test => return severity(node),
        Resource::Seed => {}
        _ => return Ok(()),
    }
    spec::contract(node)?;
    spec::indexes(node)?;
    spec::grants(node).map(|_| ())
}

fn severity(node: &Node) -> Result<()> {
    let Some(found) = spec::present(node, "severity") else { return Ok(()) };
    match found {
        Json::String(word) if ["warn", "error"].iter().any(|known| word.eq_ignore_ascii_case(known)) => Ok(()),
        other => Err(spec::wrong(node, "severity", other, "warn or error")),
    }
}
