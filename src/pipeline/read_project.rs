//! Reads the project folder and hands `(path, text)` pairs to the pure parser.

use super::relations::relation_sources;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::ingest::relation::{self, TABLES_VARIABLE};
use crate::project::{Project, SourceFile};
use std::path::Path;

/// A project file larger than this is a mistake.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads and parses the project; every problem found is told in one error.
pub fn read_project(settings: &Settings) -> Result<Project> {
    let root = &settings.project_dir;
    if !root.join("models").is_dir() {
        return Err(Error::config(format!("folder \"{}\" is no project: it has no models/", root.display()))
            .hint("run the command in the project's folder, or name it with --project-dir"));
    }
    let mut files = Vec::new();
    for folder in ["models", "macros", "tests/data"] {
        collect(root, &root.join(folder), &["sql", "yml", "yaml"], true, &mut files)?;
    }
    collect(root, &root.join("seeds"), &["csv", "yml", "yaml"], false, &mut files)?;
    let mut vars = settings.vars.clone();
    if let Some(workspace) = settings.workspaces.get(&settings.workspace) {
        vars.extend(workspace.vars.clone());
    }
    let sources = relation_sources(settings)?;
    if !sources.is_empty() {
        let tables = sources.iter().map(|source| source.mapping.entity.table()).chain(["loads"]);
        vars.insert(TABLES_VARIABLE.to_owned(), tables.collect::<Vec<_>>().into());
    }
    files.extend(relation::files(&sources).into_iter().map(|(path, text)| SourceFile { path, text }));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let (project, problems) = Project::parse(&files, vars);
    match problems.len() {
        0 => super::withdrawal::refuse_name_clash(&project).map(|()| project),
        1 => Err(problems.into_iter().next().unwrap_or_else(|| Error::config("project is not right"))),
        n => Err(Error::config(format!("project has {n} problems"))
            .detail(problems.iter().map(Error::report).collect::<Vec<_>>().join("\n"))),
    }
}

fn collect(root: &Path, folder: &Path, endings: &[&str], deep: bool, files: &mut Vec<SourceFile>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        let kind = std::fs::symlink_metadata(&path).map_err(|e| unreadable(&path, e))?;
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            if deep && !kind.is_symlink() {
                collect(root, &path, endings, deep, files)?;
            }
            continue;
        }
        let wanted = path.extension().is_some_and(|ending| endings.iter().any(|e| ending == *e));
        if !wanted {
            continue;
        }
        if std::fs::metadata(&path).map_err(|e| unreadable(&path, e))?.len() > MAX_FILE_BYTES {
            return Err(Error::config(format!("file \"{}\" is larger than 16 MiB", path.display()))
                .hint("load big data with quintile ingest, not as a seed"));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
        let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        files.push(SourceFile { path: relative, text });
    }
    Ok(())
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    Error::config(format!("file \"{}\" cannot be read", path.display()))
        .source(cause)
        .hint("check that it is UTF-8 text and that this user may read it")
}
