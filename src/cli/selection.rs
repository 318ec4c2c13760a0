//! The options by which commands pick nodes, and those that tell what a project is run with: dbt's names.

use crate::error::{Error, Result};
use crate::pipeline::in_place::select;
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which nodes a command works on.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which nodes")]
pub struct Selection {
    /// Nodes to work on: names, +parents, children+, @, tag:NAME, path:FOLDER, config.KEY:VALUE, state:modified; all if absent
    #[arg(long, short, visible_short_alias = 'm', visible_alias = "models", alias = "model", value_name = "SELECTOR", num_args = 1..)]
    pub select: Vec<String>,
    /// Nodes to leave out, by the same selectors
    #[arg(long, value_name = "SELECTOR", num_args = 1..)]
    pub exclude: Vec<String>,
    /// A selector of selectors.yml
    #[arg(long, value_name = "NAME", conflicts_with_all = ["select", "exclude"])]
    pub selector: Option<String>,
    /// Only nodes of this type: model, seed, snapshot, test, unit_test, source, ...
    #[arg(long, visible_alias = "resource-types", value_name = "TYPE", num_args = 1..)]
    pub resource_type: Vec<String>,
    /// No nodes of this type
    #[arg(long, visible_alias = "exclude-resource-types", value_name = "TYPE", num_args = 1..)]
    pub exclude_resource_type: Vec<String>,
    /// Which data tests come along with the nodes that they read
    #[arg(long, value_enum, value_name = "MODE")]
    pub indirect_selection: Option<Indirect>,
    /// Folder with the manifest.json of an earlier state, for state: selectors and --defer
    #[arg(long, alias = "defer-state", value_name = "DIR")]
    pub state: Option<PathBuf>,
}

impl Selection {
    /// As the pipeline takes it.
    #[must_use]
    pub fn picked(&self) -> select::Selection {
        select::Selection {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            selector: self.selector.clone(),
            resource_types: self.resource_type.clone(),
            exclude_resource_types: self.exclude_resource_type.clone(),
            indirect: self.indirect_selection.map(|mode| format!("{mode:?}").to_lowercase()),
            state: self.state.clone(),
        }
    }
}

/// Which data tests come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Indirect {
    /// Tests that read any selected node.
    Eager,
    /// Tests that read selected nodes only.
    Cautious,
    /// Tests that read selected nodes or their ancestors only.
    Buildable,
    /// None.
    Empty,
}

/// Flags of dbt that mean nothing here, or what holds anyway.
const WITHOUT_EFFECT: [&str; 34] = [
    "send-anonymous-usage-stats",
    "no-send-anonymous-usage-stats",
    "partial-parse",
    "no-partial-parse",
    "version-check",
    "no-version-check",
    "use-colors",
    "no-use-colors",
    "use-colors-file",
    "no-use-colors-file",
    "populate-cache",
    "no-populate-cache",
    "cache-selected-only",
    "no-cache-selected-only",
    "static-parser",
    "no-static-parser",
    "use-experimental-parser",
    "no-use-experimental-parser",
    "log-cache-events",
    "no-log-cache-events",
    "show-all-deprecations",
    "no-show-all-deprecations",
    "write-json",
    "print",
    "introspect",
    "no-quiet",
    "no-debug",
    "no-warn-error",
    "no-fail-fast",
    "no-full-refresh",
    "no-store-failures",
    "no-empty",
    "no-defer",
    "no-favor-state",
];

/// Options of dbt about its log file and its terminal, of which there is nothing here.
const WITHOUT_EFFECT_WITH_VALUE: [&str; 9] = [
    "printer-width",
    "log-path",
    "log-level",
    "log-level-file",
    "log-format-file",
    "log-file-max-bytes",
    "record-timing-info",
    "warn-error-options",
    "partial-parse-file-path",
];

/// What a dbt project is run with.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Of a project with a dbt_project.yml")]
pub struct ProjectOptions {
    /// Folder of profiles.yml; else DBT_PROFILES_DIR, the project folder, ~/.dbt
    #[arg(long, value_name = "DIR", global = true)]
    pub profiles_dir: Option<PathBuf>,
    /// Profile to use instead of the project's
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,
    /// Output of the profile
    #[arg(long, short, value_name = "NAME", global = true)]
    pub target: Option<String>,
    /// Values for var(), as YAML or JSON: '{currency: EUR}'
    #[arg(long, value_name = "YAML", global = true)]
    pub vars: Option<String>,
    /// Folder of artifacts and compiled SQL
    #[arg(long, value_name = "DIR", global = true)]
    pub target_path: Option<PathBuf>,
    /// Take warnings about the project's files for errors
    #[arg(long, global = true, visible_alias = "warn-error")]
    pub strict: bool,
    /// Tell only errors and results
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How messages are written on standard error
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Accepted for scripts written for dbt: what is asked for is so anyway, or there is nothing to ask for
    #[arg(long, global = true, hide = true, aliases = WITHOUT_EFFECT, action = clap::ArgAction::Count)]
    pub ignored_of_dbt: u8,
    /// The same, with a value
    #[arg(long, global = true, hide = true, aliases = WITHOUT_EFFECT_WITH_VALUE, value_name = "VALUE")]
    pub ignored_value_of_dbt: Vec<String>,
}

/// How the result of a command about single nodes is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    #[value(alias = "default", alias = "debug")]
    Text,
    /// One JSON document a line.
    Json,
}

/// The variables of `--vars`.
pub fn vars(text: Option<&str>) -> Result<BTreeMap<String, serde_json::Value>> {
    let Some(text) = text else { return Ok(BTreeMap::new()) };
    let wrong = || Error::usage("--vars is no map").hint("write --vars '{name: value, other: value}'");
    match serde_saphyr::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(map)) => Ok(map.into_iter().collect()),
        Ok(serde_json::Value::Null) => Ok(BTreeMap::new()),
        Ok(_) => Err(wrong()),
        Err(e) => Err(wrong().detail(format!("{e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vars_are_yaml_or_json() {
        assert_eq!(vars(Some("{a: 1, b: [x]}")).expect("a map")["b"], serde_json::json!(["x"]));
        assert_eq!(vars(Some("a: yes please")).expect("a map")["a"], serde_json::json!("yes please"));
        assert_eq!(vars(Some(r#"{"a": null}"#)).expect("a map")["a"], serde_json::Value::Null);
        assert!(vars(Some("[1]")).is_err());
        assert!(vars(None).expect("nothing").is_empty());
    }
}
