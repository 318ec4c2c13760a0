//! What no node could be run with is told before anything runs: unknown materializations, contracts without types, ...

use super::{incremental, model, project, snapshot, spec};
use crate::error::{Error, Result};
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
    schema(node)?;
    spec::contract(node)?;
    spec::indexes(node)?;
    spec::grants(node).map(|_| ())
}

/// Longest name that PostgreSQL keeps, in bytes: it cuts longer ones, and would not find what it made under the cut one.
const LONGEST_IDENTIFIER: usize = 63;

/// Whatever else a schema is called, it is quoted.
fn schema(node: &Node) -> Result<()> {
    let (name, wrong) = (&node.schema, Error::config(format!("{} has no schema to be built in", node.label())));
    let wrong = match name.len() {
        0 => wrong.detail("The name of its schema is empty."),
        _ if name.contains('\0') => wrong.detail("The name of its schema holds a NUL character."),
        _ if name.starts_with("pg_") => {
            wrong.detail(format!("PostgreSQL keeps \"{name}\" to itself: it begins with pg_."))
        }
        length if length > LONGEST_IDENTIFIER => wrong
            .detail(format!("PostgreSQL takes {LONGEST_IDENTIFIER} bytes for a name, and \"{name}\" has {length}.")),
        _ => return Ok(()),
    };
    Err(wrong.hint("correct schema in profiles.yml, or what the project adds to it"))
}

fn severity(node: &Node) -> Result<()> {
    let Some(found) = spec::present(node, "severity") else { return Ok(()) };
    match found {
        Json::String(word) if ["warn", "error"].iter().any(|known| word.eq_ignore_ascii_case(known)) => Ok(()),
        other => Err(spec::wrong(node, "severity", other, "warn or error")),
    }
}
