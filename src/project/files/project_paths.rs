//! Where the files of a project lie.

use super::reader::{Fields, Reader};

/// Folders, relative to the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `models`
    pub models: Vec<String>,
    /// `seeds`
    pub seeds: Vec<String>,
    /// `tests`
    pub tests: Vec<String>,
    /// `analyses`
    pub analyses: Vec<String>,
    /// `macros`
    pub macros: Vec<String>,
    /// `snapshots`
    pub snapshots: Vec<String>,
    /// `functions`
    pub functions: Vec<String>,
    /// Where `{% docs %}` blocks lie; by default in all of the above.
    pub docs: Vec<String>,
    /// Files that the documentation shows.
    pub assets: Vec<String>,
    /// `target`
    pub target: String,
    /// `logs`
    pub log: String,
    /// `dbt_packages`
    pub packages_install: String,
    /// What `clean` removes; by default the target folder.
    pub clean_targets: Vec<String>,
}

impl Default for Paths {
    fn default() -> Self {
        let one = |name: &str| vec![name.to_owned()];
        let mut paths = Paths {
            models: one("models"),
            seeds: one("seeds"),
            tests: one("tests"),
            analyses: one("analyses"),
            macros: one("macros"),
            snapshots: one("snapshots"),
            functions: one("functions"),
            docs: Vec::new(),
            assets: Vec::new(),
            target: "target".to_owned(),
            log: "logs".to_owned(),
            packages_install: "dbt_packages".to_owned(),
            clean_targets: one("target"),
        };
        paths.docs = paths.resources();
        paths
    }
}

impl Paths {
    /// Reads the paths of a project; what is not set is where dbt looks.
    pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Self {
        let default = Paths::default();
        let mut renamed = |old: &str, new: &str, default: Vec<String>| {
            if let (Some((key, _)), true) = (fields.entry(old), fields.has(new)) {
                let message = format!("{old} and {new} are the same setting");
                reader.error(key.line, old, message, format!("keep {new}"));
            }
            reader.words(fields, new).or_else(|| reader.words(fields, old)).unwrap_or(default)
        };
        let models = renamed("source-paths", "model-paths", default.models);
        let seeds = renamed("data-paths", "seed-paths", default.seeds);
        let mut list = |key: &str, default: Vec<String>| reader.words(fields, key).unwrap_or(default);
        let mut paths = Paths {
            models,
            seeds,
            tests: list("test-paths", default.tests),
            analyses: list("analysis-paths", default.analyses),
            macros: list("macro-paths", default.macros),
            snapshots: list("snapshot-paths", default.snapshots),
            functions: list("function-paths", default.functions),
            docs: Vec::new(),
            assets: list("asset-paths", default.assets),
            target: reader.text(fields, "target-path").unwrap_or(default.target),
            log: reader.text(fields, "log-path").unwrap_or(default.log),
            packages_install: reader.text(fields, "packages-install-path").unwrap_or(default.packages_install),
            clean_targets: Vec::new(),
        };
        paths.docs = reader.words(fields, "docs-paths").unwrap_or_else(|| paths.resources());
        paths.clean_targets = reader.words(fields, "clean-targets").unwrap_or_else(|| vec![paths.target.clone()]);
        paths
    }

    /// All folders in which resources lie, each once.
    #[must_use]
    pub fn resources(&self) -> Vec<String> {
        let lists =
            [&self.models, &self.seeds, &self.snapshots, &self.analyses, &self.macros, &self.tests, &self.functions];
        let mut found: Vec<String> = Vec::new();
        for path in lists.into_iter().flatten().map(|path| path.trim_end_matches('/')) {
            if !found.iter().any(|known| known == path) {
                found.push(path.to_owned());
            }
        }
        found
    }
}
