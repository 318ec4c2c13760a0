//! Which nodes a command works on: dbt's selector language over the manifest, and an earlier state where one is named.

use super::defer::previous_manifest;
use super::load;
use super::project::DbtLayout;
use crate::error::{Error, Result};
use crate::project::artifact::read::{self, PreviousManifest, PreviousRun};
use crate::project::choose::{self, Candidate, Changes, Graph, Indirect, NoPast, Past};
use crate::project::manifest::state::{Change, Comparison};
use crate::project::manifest::{Config, Manifest, Node, Resource};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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

/// A node, source or exposure as the selector language sees it.
struct Listed<'m> {
    id: &'m str,
    name: &'m str,
    package: &'m str,
    fqn: &'m [String],
    file: &'m str,
    patch: Option<&'m str>,
    tags: Vec<String>,
    config: Config,
    node: Option<&'m Node>,
    group: Option<&'m str>,
    source: Option<&'m str>,
}

impl Candidate for Listed<'_> {
    fn unique_id(&self) -> &str {
        self.id
    }

    fn name(&self) -> &str {
        self.name
    }

    fn package(&self) -> &str {
        self.package
    }

    fn fqn(&self) -> &[String] {
        self.fqn
    }

    fn resource_type(&self) -> &str {
        self.id.split('.').next().unwrap_or_default()
    }

    fn original_file_path(&self) -> &str {
        self.file
    }

    fn patch_path(&self) -> Option<&str> {
        self.patch
    }

    fn tags(&self) -> &[String] {
        &self.tags
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn version(&self) -> Option<&str> {
        self.node?.version.as_deref()
    }

    fn latest_version(&self) -> Option<&str> {
        self.node?.latest_version.as_deref()
    }

    fn access(&self) -> Option<&str> {
        self.node.filter(|node| node.resource == Resource::Model).map(|node| node.access.as_str())
    }

    fn group(&self) -> Option<&str> {
        self.group
    }

    fn generic_test(&self) -> Option<&str> {
        self.node?.test.as_ref().map(|test| test.name.as_str()).filter(|name| !name.is_empty())
    }

    fn source_name(&self) -> Option<&str> {
        self.source
    }
}

/// The manifest as a graph of candidates.
struct Listing<'m> {
    manifest: &'m Manifest,
    candidates: Vec<Listed<'m>>,
    children: BTreeMap<&'m str, Vec<&'m str>>,
}

impl<'m> Listing<'m> {
    fn new(manifest: &'m Manifest) -> Self {
        let mut candidates = Vec::new();
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for node in manifest.nodes.values().filter(|node| node.resource != Resource::Operation) {
            let mut config = node.config.clone();
            config.entry("enabled").or_insert(json!(true));
            config.entry("materialized").or_insert(json!(node.materialized()));
            candidates.push(Listed {
                id: &node.id,
                name: &node.name,
                package: &node.package,
                fqn: &node.fqn,
                file: &node.file,
                patch: node.patch_file.as_deref(),
                tags: tags(node),
                config,
                node: Some(node),
                group: node.group.as_deref(),
                source: None,
            });
            for parent in &node.depends_on {
                children.entry(parent).or_default().push(&node.id);
            }
        }
        for source in manifest.sources.values() {
            candidates.push(Listed {
                id: &source.id,
                name: &source.name,
                package: &source.package,
                fqn: &source.fqn,
                file: &source.file,
                patch: None,
                tags: source.tags.clone(),
                config: source.config.clone(),
                node: None,
                group: None,
                source: Some(&source.source),
            });
        }
        for kept in manifest.kept.values() {
            let words = |value: Option<&Json>| super::spec::texts(value);
            let config = kept.body.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
            let mut tags = words(kept.body.get("tags"));
            tags.extend(words(config.get("tags")));
            candidates.push(Listed {
                id: &kept.id,
                name: &kept.name,
                package: &kept.package,
                fqn: &kept.fqn,
                file: &kept.file,
                patch: None,
                tags,
                config,
                node: None,
                group: kept.body.get("group").and_then(Json::as_str),
                source: None,
            });
            for parent in &kept.depends_on {
                children.entry(parent).or_default().push(&kept.id);
            }
        }
        Listing { manifest, candidates, children }
    }
}

/// Tags of the configuration, and those that a test has of its column.
fn tags(node: &Node) -> Vec<String> {
    let mut tags: Vec<String> = node.tags().into_iter().map(str::to_owned).collect();
    for tag in super::spec::texts(node.extra.get("tags")) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

impl Graph for Listing<'_> {
    fn project(&self) -> &str {
        &self.manifest.root
    }

    fn nodes(&self) -> Vec<&dyn Candidate> {
        self.candidates.iter().map(|candidate| candidate as &dyn Candidate).collect()
    }

    fn parents(&self, id: &str) -> Vec<&str> {
        self.manifest.parents(id).iter().map(String::as_str).collect()
    }

    fn children(&self, id: &str) -> Vec<&str> {
        self.children.get(id).cloned().unwrap_or_default()
    }
}

/// What lies in the folder of `--state`.
#[derive(Default)]
struct State {
    manifest: Option<PreviousManifest>,
    run: Option<PreviousRun>,
    /// See [`fresher`].
    fresher: Option<BTreeSet<String>>,
}

impl State {
    fn read(folder: Option<&Path>, target_dir: &Path) -> Result<State> {
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
struct Earlier<'s> {
    comparison: Option<Comparison<'s>>,
    run: Option<&'s PreviousRun>,
    sources: &'s Option<BTreeSet<String>>,
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
