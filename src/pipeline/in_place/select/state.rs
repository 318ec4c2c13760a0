//! What lies in the folder of `--state`, and what the selector language may ask of it.

use crate::error::Result;
use crate::pipeline::in_place::defer::previous_manifest;
use crate::pipeline::in_place::load;
use crate::project::artifact::read::{self, PreviousManifest, PreviousRun};
use crate::project::choose::{Changes, NoPast, Past};
use crate::project::manifest::state::{Change, Comparison};
use std::collections::BTreeSet;
use std::path::Path;

/// What lies in the folder of `--state`.
#[derive(Default)]
pub(super) struct State {
    pub(super) manifest: Option<PreviousManifest>,
    pub(super) run: Option<PreviousRun>,
    /// See [`fresher`].
    pub(super) fresher: Option<BTreeSet<String>>,
}

impl State {
    pub(super) fn read(folder: Option<&Path>, target_dir: &Path) -> Result<State> {
        let Some(folder) = folder else { return Ok(State::default()) };
        let results = folder.join("run_results.json");
        let run = load::optional(&results)?.map(|text| read::run_results(&results.display().to_string(), &text));
        let has_manifest = folder.join("manifest.json").is_file();
        Ok(State {
            manifest: if has_manifest { Some(previous_manifest(folder)?) } else { None },
            run: run.transpose()?,
            fresher: fresher(folder, target_dir)?,
        })
    }
}

/// Sources that `source freshness` found newer rows in than the earlier state; none where either file is missing.
fn fresher(folder: &Path, target_dir: &Path) -> Result<Option<BTreeSet<String>>> {
    let ages = |folder: &Path| -> Result<Option<Vec<read::PreviousAge>>> {
        let path = folder.join("sources.json");
        load::optional(&path)?.map(|text| read::sources(&path.display().to_string(), &text)).transpose()
    };
    let (Some(before), Some(now)) = (ages(folder)?, ages(target_dir)?) else { return Ok(None) };
    let known = |id: &str| before.iter().find(|age| age.unique_id == id).and_then(|age| age.max_loaded_at);
    let is_fresher = |age: &&read::PreviousAge| age.max_loaded_at > known(&age.unique_id);
    Ok(Some(now.iter().filter(is_fresher).map(|age| age.unique_id.clone()).collect()))
}

/// The earlier state as the selector language asks for it.
pub(super) struct Earlier<'s> {
    pub(super) comparison: Option<Comparison<'s>>,
    pub(super) run: Option<&'s PreviousRun>,
    pub(super) sources: &'s Option<BTreeSet<String>>,
}

impl Past for Earlier<'_> {
    fn changes(&self, id: &str) -> Result<Changes> {
        let Some(comparison) = &self.comparison else { return NoPast.changes(id) };
        let holds = |change| comparison.holds(id, change);
        let parts = Changes {
            is_new: holds(Change::New),
            body: holds(Change::Body),
            configs: holds(Change::Configs),
            relation: holds(Change::Relation),
            macros: holds(Change::Macros),
            contract: holds(Change::Contract),
            persisted_descriptions: holds(Change::PersistedDescriptions),
            other: false,
        };
        Ok(Changes { other: holds(Change::Modified) && !parts.is_modified(), ..parts })
    }

    fn status(&self, id: &str) -> Result<Option<String>> {
        match self.run {
            Some(run) => Ok(run.status(id).map(|status| status.as_str().to_owned())),
            None => NoPast.status(id),
        }
    }

    fn is_fresher(&self, id: &str) -> Result<bool> {
        match self.sources {
            Some(fresher) => Ok(fresher.contains(id)),
            None => NoPast.is_fresher(id),
        }
    }
}
