//! `[[jobs]]`: what the daemon runs, when, and what becomes of the times that it could not keep.

use serde::Deserialize;
use std::path::PathBuf;

/// One `[[jobs]]` entry.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Name, unique among the jobs.
    pub name: String,
    /// Five-field crontab line, or `@daily` and the like.
    pub schedule: String,
    /// IANA time zone in which the schedule is read.
    #[serde(default = "utc")]
    pub timezone: String,
    /// What becomes of due times that passed while no daemon ran.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// Missed due times that `catch_up = "all"` makes up for at most.
    #[serde(default = "catch_up_limit")]
    pub catch_up_limit: usize,
    /// Seconds after which a due time is not worth a start any more.
    #[serde(default)]
    pub start_deadline_seconds: Option<u64>,
    /// What becomes of a due time while the job still runs.
    #[serde(default)]
    pub overlap: Overlap,
    /// Seconds after which the run of a slot is cancelled, all its retries included.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// Seconds after which one model is cancelled.
    #[serde(default)]
    pub model_timeout_seconds: Option<u64>,
    /// How often a run is made again after a fault that may pass.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Selectors of the models to build; none means all.
    #[serde(default)]
    pub select: Vec<String>,
    /// Selectors of the models to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Workspace the job works on; none means the default.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Folder of a dbt project that the job builds in place, instead of Quintile's own models.
    #[serde(default)]
    pub project_dir: Option<PathBuf>,
    /// Folder of that project's `profiles.yml`; the connection is always the daemon's own.
    #[serde(default)]
    pub profiles_dir: Option<PathBuf>,
    /// Output of the profile.
    #[serde(default)]
    pub target: Option<String>,
    /// Command of the dbt project: `build`, `run`, `test`, `seed` or `snapshot`.
    #[serde(default)]
    pub command: Option<String>,
    /// Selector of sources: the job is skipped unless one of them has changed since it last ended well.
    #[serde(default)]
    pub fresher_than_last_run: Option<String>,
}

/// What becomes of due times that passed while no daemon ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// The newest is run: a run shows the present.
    #[default]
    Latest,
    /// Each is run, oldest first.
    All,
    /// None is run.
    None,
}

/// What becomes of a due time while the job still runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is recorded as skipped.
    #[default]
    Skip,
    /// The newest one waits for the end of the run.
    QueueOne,
}

impl Job {
    /// A job of this name and schedule, all else as in a file that says nothing about it.
    #[must_use]
    pub fn new(name: &str, schedule: &str) -> Job {
        Job {
            name: name.into(),
            schedule: schedule.into(),
            timezone: utc(),
            catch_up: CatchUp::default(),
            catch_up_limit: catch_up_limit(),
            start_deadline_seconds: None,
            overlap: Overlap::default(),
            timeout_seconds: None,
            model_timeout_seconds: None,
            retries: retries(),
            select: Vec::new(),
            exclude: Vec::new(),
            workspace: None,
            project_dir: None,
            profiles_dir: None,
            target: None,
            command: None,
            fresher_than_last_run: None,
        }
    }
}

fn utc() -> String {
    "UTC".into()
}

fn catch_up_limit() -> usize {
    100
}

fn retries() -> u32 {
    2
}
