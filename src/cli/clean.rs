//! `quintile clean`: removes the folders that the project's `clean-targets` name.

use super::{Global, engine, print};
use crate::error::{Error, Result};
use std::path::{Component, Path};
use std::process::ExitCode;

/// Removes each folder that lies inside of the project.
pub fn run(global: &Global) -> Result<ExitCode> {
    let project = engine::project_file(global)?;
    for target in &project.paths.clean_targets {
        let path = global.project_dir.join(target);
        if !is_inside(target) {
            return Err(Error::config(format!("clean target \"{target}\" lies outside of the project"))
                .hint("name folders below the project only"));
        }
        if protected(&project).any(|folder| Path::new(&folder) == Path::new(target.trim_end_matches('/'))) {
            return Err(Error::config(format!("clean target \"{target}\" holds the project's own files"))
                .hint("take it out of clean-targets"));
        }
        if path.is_dir() {
            std::fs::remove_dir_all(&path)
                .map_err(|e| Error::failed(format!("folder \"{}\" cannot be removed", path.display())).source(e))?;
            print::data(&format!("removed {target}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a path stays below where it starts.
fn is_inside(path: &str) -> bool {
    let parts: Vec<Component<'_>> = Path::new(path).components().collect();
    !parts.is_empty()
        && parts.iter().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && parts.iter().any(|part| matches!(part, Component::Normal(_)))
}

fn protected(project: &crate::project::files::dbt_project::DbtProject) -> impl Iterator<Item = String> {
    project.paths.resources().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_below_the_project_are_cleaned() {
        assert!(is_inside("target"));
        assert!(is_inside("./build/out"));
        for outside in ["..", "../x", "/etc", ".", "", "a/../../b"] {
            assert!(!is_inside(outside), "{outside}");
        }
    }
}
