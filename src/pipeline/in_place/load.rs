//! From folders to a manifest: the project's own files, those of its packages, the profile.

use crate::error::{Error, Result};
use crate::project::SourceFile;
use crate::project::files::{DbtProject, Packages, Profile};
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
pub fn package_folders(root: &Path, project: &DbtProject) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut pending = vec![root.to_path_buf()];
    let installed = root.join(&project.packages_install_path);
    while let Some(folder) = pending.pop() {
        for file in ["packages.yml", "dependencies.yml"] {
            let Some(text) = optional(&folder.join(file))? else { continue };
            let packages = Packages::read(file, &text)?;
            for local in packages.local {
                let path = folder.join(&local);
                if !path.join(PROJECT_FILE).is_file() {
                    return Err(Error::config(format!("package \"{local}\" has no {PROJECT_FILE}"))
                        .detail(format!("It is named in {} as a local package.", folder.join(file).display()))
                        .hint("write the folder of the package, relative to the file that names it"));
                }
                let path = path.canonicalize().map_err(|e| unreadable(&path, e))?;
                if seen.insert(path.clone()) {
                    found.push(path.clone());
                    pending.push(path);
                }
            }
            // The others were installed by dbt deps, under names that only their own files tell.
            if !packages.remote.is_empty() {
                let there = installed_packages(&installed)?;
                if there.is_empty() {
                    return Err(Error::config(format!("package \"{}\" is not installed", packages.remote[0]))
                        .detail(format!("Folder \"{}\" has no packages.", installed.display()))
                        .hint("quintile fetches nothing: put the package's folder there, or name it as local: FOLDER"));
                }
                for path in there {
                    if seen.insert(path.clone()) {
                        found.push(path.clone());
                    }
                }
            }
        }
    }
    Ok(found)
}

fn installed_packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        if path.join(PROJECT_FILE).is_file() {
            found.push(path.canonicalize().map_err(|e| unreadable(&path, e))?);
        }
    }
    found.sort();
    Ok(found)
}

/// The files of one package that its project file points at.
pub fn package(root: &Path, folder: &Path, project: DbtProject) -> Result<Package> {
    let mut files = Vec::new();
    let mut folders: BTreeSet<&String> = BTreeSet::new();
    for paths in [
        &project.model_paths,
        &project.seed_paths,
        &project.snapshot_paths,
        &project.test_paths,
        &project.analysis_paths,
        &project.macro_paths,
        &project.docs_paths,
    ] {
        folders.extend(paths);
    }
    for below in folders {
        collect(folder, &folder.join(below), &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    let shown = folder.strip_prefix(root).map(|p| p.to_string_lossy().into_owned());
    let shown = shown.unwrap_or_else(|_| folder.to_string_lossy().into_owned());
    Ok(Package { project, folder: shown, files })
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
        format!("user={}", quoted(&profile.user)),
        format!("dbname={}", quoted(&profile.database)),
    ];
    if let Some(password) = &profile.password {
        parts.push(format!("password={}", quoted(password)));
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
