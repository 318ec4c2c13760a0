//! `packages.yml` and `dependencies.yml`: which packages a project uses, and where each of them lies.
//!
//! Quintile downloads nothing: a package is a local folder, or it has been put into the packages folder by other means.

use super::problem::Problem;
use super::reader::{Fields, Reader};
use super::render::{Render, rendered};
use crate::error::{Error, Result};
use crate::project::SourceFile;
use crate::project::name::did_you_mean;
use crate::project::yaml::Node;
use serde_json::Value as Json;

/// One package that a project asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Where it comes from.
    pub origin: Origin,
    /// The file and the line that ask for it.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
    /// The entry as JSON.
    pub json: Json,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A folder, relative to the project.
    Local {
        /// `../shared`
        folder: String,
    },
    /// The package hub.
    Hub {
        /// `dbt-labs/dbt_utils`
        package: String,
        /// `1.3.0`, or a range as several.
        version: Vec<String>,
    },
    /// A git repository, public or private.
    Git {
        /// Its address.
        url: String,
        /// Branch, tag or commit.
        revision: Option<String>,
        /// The package's folder inside.
        subdirectory: Option<String>,
    },
    /// An archive.
    Tarball {
        /// Its address.
        url: String,
        /// What the package is called.
        name: String,
    },
}

/// A package in the packages folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its folder, relative to the project.
    pub folder: String,
    /// The name in its `dbt_project.yml`.
    pub name: String,
}

/// What the two files say together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependencies {
    /// Packages, in the files' order.
    pub packages: Vec<Package>,
    /// Names of other projects whose public models are referred to.
    pub projects: Vec<String>,
}

const HUB_KEYS: &[&str] = &["package", "version", "install-prerelease", "install_prerelease", "name"];
const GIT_KEYS: &[&str] = &["git", "revision", "subdirectory", "warn-unpinned", "warn_unpinned", "name"];
const PRIVATE_KEYS: &[&str] =
    &["private", "provider", "revision", "subdirectory", "warn-unpinned", "warn_unpinned", "name"];

/// Reads `packages.yml`, whose values may be templates.
pub fn read_packages(file: &SourceFile, render: Render<'_>, problems: &mut Vec<Problem>) -> Dependencies {
    let Some((mut reader, written)) = Reader::open(file, problems) else { return Dependencies::default() };
    let node = rendered(&mut reader, &written, &|_| false, render);
    let Some(fields) = reader.fields(&node, format!("\"{}\"", file.path), &["packages", "sha1_hash"]) else {
        return Dependencies::default();
    };
    Dependencies { packages: packages(&mut reader, &fields, &file.path), projects: Vec::new() }
}

/// Reads `dependencies.yml`, which holds no templates.
pub fn read_dependencies(file: &SourceFile, problems: &mut Vec<Problem>) -> Dependencies {
    let Some((mut reader, node)) = Reader::open(file, problems) else { return Dependencies::default() };
    let Some(fields) = reader.fields(&node, format!("\"{}\"", file.path), &["packages", "projects"]) else {
        return Dependencies::default();
    };
    let mut projects = Vec::new();
    for item in reader.items(&fields, "projects") {
        let entry = reader.fields(item, "a project", &["name"]);
        projects.extend(entry.and_then(|entry| reader.required_text(&entry, "name")));
    }
    Dependencies { packages: packages(&mut reader, &fields, &file.path), projects }
}

fn packages(reader: &mut Reader<'_>, fields: &Fields<'_>, path: &str) -> Vec<Package> {
    let items = reader.items(fields, "packages");
    let mut found = Vec::new();
    for item in items {
        if let Some(origin) = origin(reader, item) {
            found.push(Package { origin, path: path.to_owned(), line: item.line, json: item.json() });
        }
    }
    found
}

fn origin(reader: &mut Reader<'_>, node: &Node) -> Option<Origin> {
    let entry = reader.open_fields(node, "a package")?;
    let kinds = ["local", "package", "git", "private", "tarball"];
    let Some(kind) = kinds.into_iter().find(|kind| entry.has(kind)) else {
        let message = "a package says not where it comes from";
        reader.error(node.line, "", message, "begin it with local:, package:, git:, private: or tarball:");
        return None;
    };
    let from = reader.required_text(&entry, kind)?;
    match kind {
        "local" => {
            reader.warn_of_unknown(&entry, &["local", "name"]);
            Some(Origin::Local { folder: from })
        }
        "package" => {
            reader.warn_of_unknown(&entry, HUB_KEYS);
            if !from.contains('/') {
                let message = format!("package \"{from}\" has no namespace");
                reader.error(node.line, &from, message, "write it like dbt-labs/dbt_utils");
            }
            if entry.get("version").is_none() {
                reader.error(node.line, "", format!("package \"{from}\" has no version"), "add a line version: ...");
            }
            Some(Origin::Hub { package: from, version: reader.words(&entry, "version").unwrap_or_default() })
        }
        "tarball" => {
            reader.warn_of_unknown(&entry, &["tarball", "name"]);
            let name = reader.required_text(&entry, "name")?;
            Some(Origin::Tarball { url: from, name })
        }
        _ => {
            reader.warn_of_unknown(&entry, if kind == "git" { GIT_KEYS } else { PRIVATE_KEYS });
            let revision = reader.text(&entry, "revision");
            Some(Origin::Git { url: from, revision, subdirectory: reader.text(&entry, "subdirectory") })
        }
    }
}

impl Package {
    /// What the entry calls it: a folder, `namespace/name`, an address.
    #[must_use]
    pub fn label(&self) -> &str {
        match &self.origin {
            Origin::Local { folder } => folder,
            Origin::Hub { package, .. } => package,
            Origin::Git { url, .. } | Origin::Tarball { url, .. } => url,
        }
    }

    /// The last part of the label: what the folder of the package is most likely called.
    fn stem(&self) -> &str {
        let label = match &self.origin {
            Origin::Git { subdirectory: Some(folder), .. } => folder,
            Origin::Tarball { name, .. } => name,
            _ => self.label(),
        };
        let last = label.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(label);
        last.trim_end_matches(".git")
    }

    /// The folder that holds the package: its own if it is local, else the one in the packages folder.
    ///
    /// An entry does not tell the name of the package, which stands in the package's own project file. So a folder fits
    /// if it, or the name inside, is the last part of the address, dashes and underscores being the same.
    pub fn locate(&self, packages_folder: &str, installed: &[Installed]) -> Result<String> {
        if let Origin::Local { folder } = &self.origin {
            return Ok(folder.clone());
        }
        let plain = |name: &str| name.to_lowercase().replace('-', "_");
        let wanted = plain(self.stem());
        let folder_name = |package: &Installed| plain(package.folder.rsplit('/').next().unwrap_or_default());
        let fits = |package: &&Installed| plain(&package.name) == wanted || folder_name(package) == wanted;
        if let Some(package) = installed.iter().find(fits) {
            return Ok(package.folder.clone());
        }
        let seen: Vec<&str> = installed.iter().map(|package| package.name.as_str()).collect();
        let found = if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") };
        let detail = format!(
            "{}:{} asks for it.\n{packages_folder} holds {found}. Packages are not downloaded.",
            self.path, self.line
        );
        let hint = did_you_mean(self.stem(), seen).unwrap_or_else(|| {
            format!("put its folder at {packages_folder}/{wanted} (dbt deps does so), or name a folder with local:")
        });
        Err(Error::config(format!("package \"{}\" is not installed", self.label())).detail(detail).hint(hint))
    }
}
