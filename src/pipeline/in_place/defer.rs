//! `--defer`: relations that a run does not build are read where an earlier state built them.

use super::load;
use crate::error::{Error, Result};
use crate::project::RelationName;
use crate::project::artifact::read::{self, PreviousManifest};
use crate::project::manifest::Manifest;
use crate::warehouse::in_place::Catalog;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// The state that is deferred to, if any.
#[derive(Debug, Default)]
pub struct Deferred {
    state: Option<PreviousManifest>,
    /// Whether the state is preferred where the relation exists here too.
    is_favored: bool,
}

impl Deferred {
    /// Reads the state that `--defer` and `--state` name.
    pub fn read(is_asked: bool, is_favored: bool, folder: Option<&Path>) -> Result<Deferred> {
        if !is_asked {
            return Ok(Deferred::default());
        }
        let folder = folder.ok_or_else(|| {
            Error::usage("--defer needs a state to defer to").hint("name the folder of its manifest.json with --state")
        })?;
        Ok(Deferred { state: Some(previous_manifest(folder)?), is_favored })
    }

    /// Where relations are that the run does not build itself.
    pub fn relations(
        &self,
        manifest: &Manifest,
        selected: &BTreeSet<String>,
        catalog: &Catalog,
    ) -> HashMap<String, RelationName> {
        let Some(state) = &self.state else { return HashMap::new() };
        let others = manifest.nodes.values().filter(|node| node.is_built() && !selected.contains(&node.id));
        others
            .filter(|node| self.is_favored || catalog.get(&node.relation()).is_none())
            .filter_map(|node| Some((node.id.clone(), state.relation(&node.id)?)))
            .collect()
    }
}

/// Reads `manifest.json` of a folder.
pub fn previous_manifest(folder: &Path) -> Result<PreviousManifest> {
    let path = folder.join("manifest.json");
    let shown = path.display().to_string();
    match load::optional(&path)? {
        Some(text) => read::manifest(&shown, &text),
        None => Err(Error::config(format!("state folder \"{}\" has no manifest.json", folder.display()))
            .hint("name the target/ folder of an earlier run with --state")),
    }
}
