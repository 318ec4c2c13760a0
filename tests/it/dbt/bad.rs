//! Every fixture of `tests/fixtures/dbt/bad` is a project that cannot be read: what it tells is reviewed as a snapshot.
//!
//! A fixture is one file: `=== path` begins a file of the project. A missing `dbt_project.yml` is given.

use super::support::unfold;
use quintile::config::Settings;
use quintile::pipeline::in_place::{self, Request};
use std::path::Path;

#[test]
fn every_bad_project_is_told_in_full() {
    insta::glob!("../../fixtures/dbt/bad", "*.txt", |fixture| {
        let folder = tempfile::tempdir().expect("a folder");
        unfold(&std::fs::read_to_string(fixture).expect("a fixture"), folder.path());
        let told = told(folder.path(), false);
        assert!(told.contains("error: ") || told.contains("warning: "), "{} has no problem", fixture.display());
        insta::assert_snapshot!("bad", told);
    });
}

#[test]
fn strictness_turns_oddities_into_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    unfold(include_str!("../../fixtures/dbt/bad/unknown_keys.txt"), folder.path());
    let (odd, strict) = (told(folder.path(), false), told(folder.path(), true));
    assert!(!odd.contains("error: ") && odd.contains("warning: "), "{odd}");
    assert!(!strict.contains("warning: ") && strict.contains("error: "), "{strict}");
}

/// What reading the project tells: warnings, then the error.
fn told(folder: &Path, is_strict: bool) -> String {
    let settings = Settings { project_dir: folder.to_path_buf(), ..Settings::default() };
    let request =
        Request { database_url: Some("postgres://nobody@127.0.0.1/none".into()), is_strict, ..Request::default() };
    let error = |e: quintile::error::Error| format!("exit {}\n{}", e.exit_code(), e.report());
    let told = match in_place::read(&settings, &request) {
        Ok(project) => {
            let warnings = project.warnings.iter().map(|w| w.report().replacen("error:", "warning:", 1));
            let everything = project.manifest.nodes.keys().cloned().collect();
            let refused = in_place::check(&project.manifest, &everything).map_err(error);
            warnings.chain(refused.err()).collect::<Vec<_>>().join("\n")
        }
        Err(e) => error(e),
    };
    let real = folder.canonicalize().expect("a folder");
    told.replace(&real.display().to_string(), "PROJECT").replace(&folder.display().to_string(), "PROJECT")
}
