//! Settings: `config/quintile.toml`, a second file, the environment and secret files, checked into one type.
//!
//! The only reader of the environment. Any setting by `QUINTILE__SECTION__KEY`, or in the file that
//! `QUINTILE__SECTION__KEY_FILE` names; docs/configuration.md tells the order.

mod alerts;
mod check;
mod connection;
mod jobs;
pub mod libpq;
mod load;
#[cfg(test)]
mod tests;

pub use alerts::Alerts;
pub use jobs::{CatchUp, Job, Overlap};
pub use load::{command_line, crash_point, is_colour_refused, temporary_dir};

use crate::error::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that can be set, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Folder that holds `models/`, `macros/`, `seeds/`, `config/`; given on the command line only.
    #[serde(skip)]
    pub project_dir: PathBuf,
    /// The workspace that commands work on.
    pub workspace: String,
    /// Where the database is.
    pub database: Database,
    /// The private local PostgreSQL, used when no database is given.
    pub embedded: Embedded,
    /// How runs are made.
    pub run: Run,
    /// The daemon.
    pub serve: Serve,
    /// What is told outside.
    pub alerts: Alerts,
    /// Values for `var()` in models.
    pub vars: BTreeMap<String, serde_json::Value>,
    /// Scheduled jobs.
    pub jobs: Vec<Job>,
    /// Settings of single workspaces.
    pub workspaces: BTreeMap<String, Workspace>,
    /// Folders of `$PATH`, in order; not a setting, but only this module reads the environment.
    #[serde(skip)]
    pub search_path: Vec<PathBuf>,
    /// The environment, for the `env_var()` of dbt projects; not a setting, but only this module reads it.
    #[serde(skip)]
    pub environment: Environment,
}

/// Variables of the process; their values may be secrets and are never shown.
#[derive(Clone, Default, PartialEq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// All of them, by name.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }
}

impl std::ops::Deref for Environment {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

/// `[database]`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// Connection URL or `keyword=value` string, either may be empty; none means the embedded PostgreSQL.
    pub url: Option<String>,
    /// Connections that this process opens at most.
    pub max_connections: usize,
    /// Seconds to wait for a connection.
    pub connect_timeout_seconds: u64,
}

/// `[embedded]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// Folder of the data, the socket and the generated passwords; relative to the project folder.
    pub dir: PathBuf,
    /// Loopback port; 0 picks the first free one from 54320 on and remembers it.
    pub port: u16,
    /// Leave the server running when the program ends.
    pub stay: bool,
    /// Folder of `initdb` and `postgres`; searched for when absent.
    pub bin_dir: Option<PathBuf>,
}

/// `[run]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Models built at the same time.
    pub threads: usize,
    /// Published runs whose data is kept, the live one included.
    pub keep_runs: usize,
    /// Seconds that a run's hold on its workspace lasts without renewal: the wait after a killed run.
    pub lease_seconds: u64,
    /// Seconds for which a publish meets locks and lost connections with new tries.
    pub publish_patience_seconds: u64,
    /// Share of its published rows that a public relation may lose; none refuses only one that lost all.
    pub max_row_loss_share: Option<f64>,
    /// Leave alone the models whose SQL, settings and inputs have not changed since the live run.
    pub skip_unchanged: bool,
    /// Seconds that one statement of a model may take, where the model sets no `timeout_seconds`.
    pub model_timeout_seconds: Option<u64>,
    /// Seconds that a statement of a model waits for a lock, where the model sets no `lock_timeout_seconds`.
    pub lock_timeout_seconds: Option<u64>,
}

/// `[serve]`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Address of the dashboard, health and metrics.
    pub listen: String,
    /// Seconds that running models are given after a stop signal, or after a run's time is over.
    pub grace_seconds: u64,
    /// Seconds that a leadership lease lasts without renewal.
    pub lease_seconds: u64,
    /// Seconds that a daemon waits at its start for a database that does not answer.
    pub start_patience_seconds: u64,
    /// Secret of the callers of `/api/`; without one there is no API.
    pub api_token: Option<String>,
}

/// One `[workspaces.NAME]` entry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workspace {
    /// Words for the page's selector.
    pub title: Option<String>,
    /// Values for `var()` that replace the general ones.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// Name of the workspace with the bare schema names.
pub const DEFAULT_WORKSPACE: &str = "default";

/// The schema names of one workspace; no statement may hold such a name by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schemas {
    /// Name of the workspace, as it stands in the control tables.
    pub workspace: String,
    /// Ingested orders and rejected rows.
    pub raw: String,
    /// Tables of the runs; private.
    pub store: String,
    /// The public views.
    pub marts: String,
}

impl Schemas {
    /// The names for `workspace`: bare for the default one, prefixed for others.
    pub fn of(workspace: &str) -> Result<Schemas> {
        let well_formed = workspace.starts_with(|c: char| c.is_ascii_lowercase())
            && workspace.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && workspace.len() <= 40;
        if !well_formed || workspace == "quintile" || format!("{workspace}_").starts_with("pg_") {
            return Err(Error::config(format!("workspace name \"{workspace}\" cannot be used"))
                .hint("use up to 40 lower-case letters, digits and underscores, beginning with a letter"));
        }
        let (raw, store, marts) = if workspace == DEFAULT_WORKSPACE {
            ("raw".into(), "quintile_store".into(), "marts".into())
        } else {
            (format!("{workspace}_raw"), format!("{workspace}_store"), format!("{workspace}_marts"))
        };
        Ok(Schemas { workspace: workspace.into(), raw, store, marts })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            project_dir: PathBuf::from("."),
            workspace: DEFAULT_WORKSPACE.into(),
            database: Database::default(),
            embedded: Embedded::default(),
            run: Run::default(),
            serve: Serve::default(),
            alerts: Alerts::default(),
            vars: BTreeMap::new(),
            jobs: Vec::new(),
            workspaces: BTreeMap::new(),
            search_path: Vec::new(),
            environment: Environment::default(),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Database { url: None, max_connections: 8, connect_timeout_seconds: 10 }
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Embedded { dir: PathBuf::from(".quintile"), port: 0, stay: false, bin_dir: None }
    }
}

impl Default for Run {
    fn default() -> Self {
        Run {
            threads: 4,
            keep_runs: 2,
            lease_seconds: 15,
            publish_patience_seconds: 300,
            max_row_loss_share: None,
            skip_unchanged: true,
            model_timeout_seconds: None,
            lock_timeout_seconds: None,
        }
    }
}

impl Default for Serve {
    fn default() -> Self {
        Serve {
            listen: "127.0.0.1:8080".into(),
            grace_seconds: 5,
            lease_seconds: 15,
            start_patience_seconds: 300,
            api_token: None,
        }
    }
}

impl std::fmt::Debug for Database {
    /// Never shows the URL: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("url", &self.url.as_ref().map(|_| "(set)")).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Serve {
    /// Never shows the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.api_token.as_ref().map(|_| "(set)");
        f.debug_struct("Serve").field("listen", &self.listen).field("api_token", &token).finish_non_exhaustive()
    }
}

impl Settings {
    /// Schema names of the workspace in force.
    pub fn schemas(&self) -> Result<Schemas> {
        Schemas::of(&self.workspace)
    }

    /// The same settings for another workspace.
    #[must_use]
    pub fn with_workspace(&self, workspace: &str) -> Settings {
        Settings { workspace: workspace.into(), ..self.clone() }
    }
}
