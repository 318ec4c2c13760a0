//! The only place that puts steps in order: plan, build, test, publish, report.

mod appraise;
mod carry;
mod data_tests;
mod execute;
mod halt;
pub mod in_place;
mod inline;
mod inputs;
mod lease;
mod lifetime;
mod person;
pub mod plan;
mod pointers;
mod preflight;
mod prepare;
mod profile;
mod progress;
mod publications;
mod read_project;
mod refit;
mod refit_ltv;
mod refresh;
mod relations;
mod retry;
mod row_guard;
mod run;
mod sources;
mod spec;
mod step;
mod test_answers;
mod withdrawal;

pub use crate::warehouse::publish::Fence;
use crate::warehouse::run_models::TestOutcome;
use crate::warehouse::slots::HeldSlot;
use chrono::{DateTime, Utc};
pub use person::{erase, export_person};
pub use pointers::{collect_garbage, rollback, unpublish};
pub use preflight::{Finding, preflight};
pub use prepare::compile_context;
pub use profile::profile;
pub use read_project::read_project;
pub use retry::rest;
pub use run::{build, test_published};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Selectors; none means all.
    pub select: Vec<String>,
    /// Selectors of what to leave out.
    pub exclude: Vec<String>,
    /// The run's instant; `None` takes the end of the data's last complete day.
    pub as_of: Option<DateTime<Utc>>,
    /// Why the run was made: `cli`, `demo`, `job:<name>`.
    pub trigger: String,
    /// The slot that the run is made for, if it is one of a job.
    pub slot: Option<HeldSlot>,
    /// Build and test, but leave the pointers where they are.
    pub skip_publish: bool,
    /// Leave out the data tests.
    pub skip_tests: bool,
    /// Publish also relations that lost more rows than they may.
    pub accept_row_loss: bool,
    /// Build also what has not changed since the live run.
    pub rebuild: bool,
    /// The unfinished run to take up again, under its number and instant; without one, a run of the same request and
    /// instant whose process died is taken up.
    pub resume: Option<i64>,
    /// How long running models may go on after a stop was asked for.
    pub grace: Duration,
    /// How long a statement of a model may take, where the model does not say.
    pub model_timeout: Option<Duration>,
    /// Who wants to know how it goes.
    pub progress: Progress,
}

/// What was asked for, as the ledger keeps it: equal texts ask for the same models, tests and publish.
#[derive(Serialize, Deserialize)]
struct Asked {
    select: Vec<String>,
    exclude: Vec<String>,
    tests: bool,
    publish: bool,
}

impl BuildRequest {
    fn text(&self) -> String {
        let asked = Asked {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            tests: !self.skip_tests,
            publish: !self.skip_publish,
        };
        serde_json::to_string(&asked).unwrap_or_default()
    }

    /// What takes up an unfinished run of which the ledger keeps `text`; `None` if it keeps none.
    fn again(run_id: i64, text: &str) -> Option<BuildRequest> {
        let asked: Asked = serde_json::from_str(text).ok()?;
        Some(BuildRequest {
            select: asked.select,
            exclude: asked.exclude,
            skip_tests: !asked.tests,
            skip_publish: !asked.publish,
            resume: Some(run_id),
            ..BuildRequest::default()
        })
    }
}

/// What happens during a run, for whoever shows it.
#[derive(Clone, Debug)]
pub enum Event {
    /// The plan stands.
    Planned {
        /// The run's number.
        run_id: i64,
        /// The run's instant.
        as_of: DateTime<Utc>,
        /// Which attempt at the run this is; the first is 1.
        attempt: i32,
        /// Models and seeds of the plan.
        steps: usize,
    },
    /// It is decided what need not be built.
    Spared {
        /// Models that have not changed since the live run.
        unchanged: usize,
        /// Models that an earlier attempt has finished.
        finished: usize,
        /// Views that nothing to be built reads.
        unread: usize,
    },
    /// A model cannot work, as a look at its sources has shown; nothing was built.
    ModelRefused {
        /// Its name.
        name: String,
        /// Its materialization.
        kind: &'static str,
        /// The whole story.
        error: String,
    },
    /// A model or seed begins.
    ModelStarted {
        /// Its name.
        name: String,
        /// Its materialization.
        kind: &'static str,
    },
    /// A model or seed ended.
    ModelFinished {
        /// Its name.
        name: String,
        /// Its materialization.
        kind: &'static str,
        /// `built` or `failed`.
        state: &'static str,
        /// Rows of its table.
        rows: Option<i64>,
        /// Time it took.
        elapsed: Duration,
        /// The whole story of a failure.
        error: Option<String>,
    },
    /// A model or seed was left out.
    ModelSkipped {
        /// Its name.
        name: String,
        /// Its materialization.
        kind: &'static str,
    },
    /// A data test ended.
    TestFinished(TestOutcome),
    /// The pointers moved.
    Published {
        /// Relations that readers see anew.
        relations: usize,
        /// Time the transaction took.
        elapsed: Duration,
    },
}

/// Takes the events of a run.
pub type Progress = progress::Progress<Event>;

/// What a run did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RunReport {
    /// The run's number.
    pub run_id: i64,
    /// `published`, `built`, `failed` or `interrupted`.
    pub state: String,
    /// The run's instant.
    pub as_of: Option<DateTime<Utc>>,
    /// Models built, in order of their end.
    pub built: Vec<String>,
    /// Models and tests that failed, with the reason.
    pub failed: Vec<(String, String)>,
    /// Models left out because one they need failed.
    pub skipped: Vec<String>,
    /// Models that have not changed since the live run, whose rows stay published.
    pub carried: Vec<String>,
    /// Relations that readers see anew.
    pub published: Vec<String>,
    /// Seconds from the first statement to the last.
    pub elapsed_seconds: f64,
}
