//! One package: its `dbt_project.yml` and its files, each with what it is by its place.

use crate::project::SourceFile;
use crate::project::context::Policy;
use crate::project::files::config_tree::ConfigTree;
use crate::project::files::dbt_project::DbtProject;
use crate::project::manifest::node::Resource;

use std::collections::BTreeMap;

/// A package and its files.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its `dbt_project.yml`.
    pub project: DbtProject,
    /// The text of that file; hooks are known by its checksum.
    pub project_text: String,
    /// Folder of the package, relative to the root project; empty for the root itself. Messages show it before paths.
    pub folder: String,
    /// Its files, paths relative to the package.
    pub files: Vec<SourceFile>,
}

/// What a file is, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A model.
    Model,
    /// Macros.
    Macro,
    /// A seed.
    Seed,
    /// Snapshots.
    Snapshot,
    /// A singular data test.
    Singular,
    /// Generic data tests: `tests/generic/`.
    Generic,
    /// Rows for unit tests: `tests/fixtures/`.
    Fixture,
    /// An analysis.
    Analysis,
    /// Docs blocks.
    Docs,
    /// A property file.
    Properties,
}

impl Package {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.project.name
    }

    /// Packages to search by namespace of macros.
    pub fn dispatch(&self) -> BTreeMap<String, Vec<String>> {
        self.project.dispatch.iter().map(|d| (d.macro_namespace.clone(), d.search_order.clone())).collect()
    }

    /// Which parts of a relation's name are quoted.
    pub fn quoting(&self) -> Policy {
        let quoting = &self.project.quoting;
        Policy {
            database: quoting.database.unwrap_or(true),
            schema: quoting.schema.unwrap_or(true),
            identifier: quoting.identifier.unwrap_or(true),
        }
    }

    /// What a file is, and its path below the folder of its kind.
    pub fn place<'p>(&self, path: &'p str) -> Option<(Place, &'p str)> {
        let project = &self.project;
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        let under = |folders: &[String]| folders.iter().find_map(|folder| below(path, folder));
        let resource = [
            (&project.paths.models, Place::Model),
            (&project.paths.seeds, Place::Seed),
            (&project.paths.snapshots, Place::Snapshot),
            (&project.paths.tests, Place::Singular),
            (&project.paths.analyses, Place::Analysis),
            (&project.paths.macros, Place::Macro),
        ]
        .into_iter()
        .find_map(|(folders, place)| under(folders).map(|rest| (place, rest)));
        match extension {
            "yml" | "yaml" => resource.map(|(_, rest)| (Place::Properties, rest)),
            "md" => {
                let docs = if project.paths.docs.is_empty() {
                    resource.map(|(_, rest)| rest)
                } else {
                    under(&project.paths.docs)
                };
                docs.map(|rest| (Place::Docs, rest))
            }
            "csv" => match resource {
                Some((Place::Seed, rest)) => Some((Place::Seed, rest)),
                Some((Place::Singular, rest)) if rest.starts_with("fixtures/") => Some((Place::Fixture, rest)),
                _ => None,
            },
            "sql" => match resource {
                Some((Place::Singular, rest)) if rest.starts_with("generic/") => Some((Place::Generic, rest)),
                Some((Place::Singular, rest)) if rest.starts_with("fixtures/") => Some((Place::Fixture, rest)),
                Some((Place::Seed, _)) => None,
                other => other,
            },
            _ => None,
        }
    }

    /// The configuration tree of a kind of resource.
    pub fn tree(&self, resource: Resource) -> &ConfigTree {
        let trees = &self.project.configs;
        match resource {
            // What has no tree of its own is configured as if it were a model.
            Resource::Model | Resource::Analysis | Resource::Operation => &trees.models,
            Resource::Seed => &trees.seeds,
            Resource::Snapshot => &trees.snapshots,
            Resource::Test => &trees.data_tests,
            Resource::Source => &trees.sources,
            Resource::UnitTest => &trees.unit_tests,
            Resource::Exposure => &trees.exposures,
            Resource::Metric => &trees.metrics,
            Resource::SemanticModel => &trees.semantic_models,
            Resource::SavedQuery => &trees.saved_queries,
        }
    }

    /// The path that messages show.
    pub fn shown(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }
}

/// The path below a folder.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    if folder.is_empty() || folder == "." {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}
