//! Which nodes a command works on: dbt's selector language over the manifest, and an earlier state where one is named.

mod listing;
mod state;

use super::project::DbtLayout;
use crate::error::{Error, Result};
use crate::project::choose::{self, Indirect, NoPast, Past};
use crate::project::manifest::state::Comparison;
use crate::project::manifest::{Node, Resource};
use listing::Listing;
use state::{Earlier, State};
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

/// What a selection picked.
#[derive(Debug, Default)]
pub struct Picked {
    /// Ids of nodes that the command works on.
    pub ids: BTreeSet<String>,
    /// Words that picked nothing.
    pub warnings: Vec<Error>,
}

/// Kinds of nodes that a command works on.
fn kinds(which: &str) -> &'static [Resource] {
    match which {
        "run" => &[Resource::Model],
        "build" => {
            const BUILT: &[Resource] = &[
                Resource::Model,
                Resource::Seed,
                Resource::Snapshot,
                Resource::Test,
                Resource::UnitTest,
                Resource::Exposure,
                Resource::SavedQuery,
            ];
            BUILT
        }
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
pub fn nodes(project: &DbtLayout, which: &str, selection: &Selection) -> Result<Picked> {
    let graph = Listing::new(&project.manifest);
    let state = State::read(selection.state.as_deref(), &project.target_dir)?;
    let comparison = state.manifest.as_ref().map(|previous| Comparison::new(&project.manifest, previous));
    let past = Earlier { comparison, run: state.run.as_ref(), sources: &state.fresher };
    let past: &dyn Past = if selection.state.is_some() { &past } else { &NoPast };
    let request = choose::Request {
        select: &selection.select,
        exclude: &selection.exclude,
        selector: selection.selector.as_deref(),
        indirect: selection.indirect.as_deref().map_or(Ok(Indirect::default()), Indirect::from_word)?,
    };
    let choice = choose::choose(&graph, past, &project.selectors, &request)?;
    let wanted = types(&selection.resource_types)?;
    let unwanted = types(&selection.exclude_resource_types)?;
    let kinds = kinds(which);
    let fits = |id: &String| {
        let Some(kind) = id.split('.').next().and_then(Resource::from_word) else { return false };
        let may_run = project.manifest.nodes.get(id).is_none_or(|node| may_run(node, which));
        kinds.contains(&kind) && (wanted.is_empty() || wanted.contains(&kind)) && !unwanted.contains(&kind) && may_run
    };
    Ok(Picked { ids: choice.ids.into_iter().filter(fits).collect(), warnings: choice.warnings })
}

fn types(words: &[String]) -> Result<Vec<Resource>> {
    let words = words.iter().flat_map(|word| word.split_whitespace()).filter(|word| *word != "all");
    words
        .map(|word| {
            Resource::from_word(word).ok_or_else(|| {
                let known = Resource::ALL.map(Resource::as_str).join(", ");
                Error::usage(format!("resource type \"{word}\" is unknown")).hint(format!("known types: {known}"))
            })
        })
        .collect()
}

/// Ephemeral models are only ever part of others; a test of what is not there is never run.
fn may_run(node: &Node, which: &str) -> bool {
    let is_listed = matches!(which, "list" | "compile" | "show");
    (!node.is_ephemeral() || is_listed) && (!node.extra.contains_key("unresolved") || which == "list")
}
