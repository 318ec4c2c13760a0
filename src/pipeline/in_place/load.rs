//! From folders to a manifest: the project's own files, those of its packages, the profile.

use crate::error::{Error, Result};
use crate::project::SourceFile;
use crate::project::files::dbt_project::{self, DbtProject};
use crate::project::files::packages::{self, Installed};
use crate::project::files::profiles::Profile;
use crate::project::files::{Problem, Render};
use crate::project::manifest::Package;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Name of the file that makes a folder a dbt project.
pub const PROJECT_FILE: &str = "dbt_project.yml";

/// A project file larger than this is a mistake.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Whether the folder is a dbt project.
#[must_use]
pub fn is_dbt_project(folder: &Path) -> bool {
    folder.join(PROJECT_FILE).is_file()
}

/// A text of a file that may be missing.
pub fn optional(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path, e)),
    }
}

/// Folder of each package below the project, by the order in which they are named; those that others need included.
pub fn package_folders(root: &Path, project: &DbtProject, render: Render<'_>) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut pending = vec![root.to_path_buf()];
    let mut missing = Vec::new();
    let install_folder = root.join(&project.paths.packages_install);
    let installed = installed_packages(&install_folder)?;
    while let Some(folder) = pending.pop() {
        let mut problems = Vec::new();
        let mut asked = Vec::new();
        if let Some(file) = optional_file(&folder, "packages.yml")? {
            asked.extend(packages::read_packages(&file, render, &mut problems).packages);
        }
        if let Some(file) = optional_file(&folder, "dependencies.yml")? {
            asked.extend(packages::read_dependencies(&file, &mut problems).packages);
        }
        if let Some(problem) = problems.into_iter().find(Problem::is_error) {
            return Err(problem.into_error());
        }
        for package in asked {
            let located = match package.locate(&install_folder.to_string_lossy(), &installed) {
                Ok(located) => located,
                Err(problem) => {
                    missing.push(problem);
                    continue;
                }
            };
            let path = folder.join(located);
            if !path.join(PROJECT_FILE).is_file() {
                missing.push(
                    Error::config(format!("package \"{}\" has no {PROJECT_FILE}", package.label()))
                        .detail(format!("{}:{} asks for it.", folder.join(&package.path).display(), package.line))
                        .hint("write the folder of the package, relative to the file that names it"),
                );
                continue;
            }
            let path = path.canonicalize().map_err(|e| unreadable(&path, e))?;
            if seen.insert(path.clone()) {
                found.push(path.clone());
                pending.push(path);
            }
        }
    }
    super::project::refuse(missing)?;
    Ok(found)
}

/// A file of a folder, if it is there, under its bare name.
pub fn optional_file(folder: &Path, name: &str) -> Result<Option<SourceFile>> {
    Ok(optional(&folder.join(name))?.map(|text| SourceFile { path: name.to_owned(), text }))
}

fn installed_packages(folder: &Path) -> Result<Vec<Installed>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        if let Some(file) = optional_file(&path, PROJECT_FILE)? {
            let name = dbt_project::identify(&file).name;
            found.push(Installed { folder: path.to_string_lossy().into_owned(), name });
        }
    }
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(found)
}

/// The files of one package that its project file points at.
pub fn package(root: &Path, folder: &Path, project: DbtProject) -> Result<Package> {
    let mut files = Vec::new();
    for below in project.paths.resources().iter().chain(&project.paths.docs).collect::<BTreeSet<_>>() {
        collect(folder, &folder.join(below), &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    let shown = folder.strip_prefix(root).map(|p| p.to_string_lossy().into_owned());
    let shown = shown.unwrap_or_else(|_| folder.to_string_lossy().into_owned());
    let project_text = optional(&folder.join(PROJECT_FILE))?.unwrap_or_default();
    Ok(Package { project, project_text, folder: shown, files })
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            // A link out of the project is not followed: what it points at is not the project's.
            if !path.is_symlink() {
                collect(root, &path, files)?;
            }
            continue;
        }
        let wanted = path.extension().is_some_and(|e| ["sql", "yml", "yaml", "csv", "md"].iter().any(|w| e == *w));
        if !wanted {
            continue;
        }
        if std::fs::metadata(&path).map_err(|e| unreadable(&path, e))?.len() > LARGEST_FILE {
            return Err(Error::config(format!("file \"{}\" is larger than 64 MiB", path.display()))
                .hint("load big data with quintile ingest, not as a seed"));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
        let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        files.push(SourceFile { path: relative, text });
    }
    Ok(())
}

/// The folder of `profiles.yml`: the one given, the project's, the home's.
pub fn profiles_file(given: Option<&Path>, project: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let folders = match given {
        Some(folder) => vec![folder.to_path_buf()],
        None => [Some(project.to_path_buf()), home.map(|home| home.join(".dbt"))].into_iter().flatten().collect(),
    };
    folders.into_iter().map(|folder| folder.join("profiles.yml")).find(|file| file.is_file())
}

/// The connection of a profile as libpq writes it: `host='...' port=...`.
#[must_use]
pub fn connection_string(profile: &Profile) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let mut parts = vec![
        format!("host={}", quoted(&profile.host)),
        format!("port={}", profile.port),
        format!("connect_timeout={}", profile.connect_timeout),
        format!("user={}", quoted(&profile.user)),
        format!("dbname={}", quoted(&profile.database)),
    ];
    if !profile.password.is_empty() {
        parts.push(format!("password={}", quoted(&profile.password)));
    }
    if let Some(mode) = &profile.sslmode {
        parts.push(format!("sslmode={}", quoted(mode)));
    }
    let mut options = Vec::new();
    if let Some(path) = &profile.search_path {
        options.push(format!("-c search_path={}", path.replace(' ', "\\ ")));
    }
    if let Some(role) = &profile.role {
        options.push(format!("-c role={}", role.replace(' ', "\\ ")));
    }
    if !options.is_empty() {
        parts.push(format!("options={}", quoted(&options.join(" "))));
    }
    parts.join(" ")
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    Error::config(format!("file \"{}\" cannot be read", path.display()))
        .source(cause)
        .hint("check that it is UTF-8 text and that this user may read it")
}
