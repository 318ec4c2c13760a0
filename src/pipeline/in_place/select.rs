//! Which nodes a command works on.

use super::project::DbtLayout;
use crate::error::Result;
use crate::project::manifest::{Node, Resource};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What the command line says about nodes.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--select`
    pub select: Vec<String>,
    /// `--exclude`
    pub exclude: Vec<String>,
    /// `--selector`
    pub selector: Option<String>,
    /// `--resource-type`
    pub resource_types: Vec<String>,
    /// `--exclude-resource-type`
    pub exclude_resource_types: Vec<String>,
    /// `--indirect-selection`
    pub indirect: Option<String>,
    /// `--state`
    pub state: Option<PathBuf>,
}

/// Kinds of nodes that a command works on.
fn kinds(which: &str) -> &'static [Resource] {
    match which {
        "run" => &[Resource::Model],
        "build" => &[
            Resource::Model,
            Resource::Seed,
            Resource::Snapshot,
            Resource::Test,
            Resource::UnitTest,
            Resource::Exposure,
        ],
        "test" => &[Resource::Test, Resource::UnitTest],
        "seed" => &[Resource::Seed],
        "snapshot" => &[Resource::Snapshot],
        "freshness" => &[Resource::Source],
        "compile" => &[Resource::Model, Resource::Snapshot, Resource::Test, Resource::Analysis],
        "show" => &[Resource::Model, Resource::Seed, Resource::Snapshot, Resource::Test, Resource::Analysis],
        _ => &Resource::ALL,
    }
}

/// The nodes that the options pick, of the kinds that the command works on.
pub fn nodes(project: &DbtLayout, which: &str, selection: &Selection) -> Result<BTreeSet<String>> {
    let manifest = &project.manifest;
    let all = manifest.nodes.keys().chain(manifest.sources.keys()).chain(manifest.kept.keys());
    let picked: BTreeSet<String> = all
        .filter(|id| {
            selection.select.is_empty() || selection.select.iter().any(|name| id.ends_with(&format!(".{name}")))
        })
        .cloned()
        .collect();
    let kinds = kinds(which);
    let fits = |id: &String| {
        let kind = id.split('.').next().and_then(Resource::from_word);
        let runs = manifest.nodes.get(id).is_none_or(|node| may_run(node, which));
        kind.is_some_and(|kind| kinds.contains(&kind)) && runs
    };
    Ok(picked.into_iter().filter(fits).collect())
}

/// Ephemeral models are only ever part of others; a test of what is not there is never run.
fn may_run(node: &Node, which: &str) -> bool {
    let is_listed = matches!(which, "list" | "compile" | "show");
    (!node.is_ephemeral() || is_listed) && (!node.extra.contains_key("unresolved") || which == "list")
}
