//! The jobs of the settings, checked: name, workspace, schedule, zone; and which due times to run or to skip.

use super::dbt_job;
use super::schedule::{Crontab, timezone};
use crate::config::{Job, Schemas, Settings};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// Missed due times that are recorded one by one; older ones leave no row.
const MISSED_AT_MOST: usize = 1000;

/// A job that can be run.
#[derive(Clone, Debug)]
pub struct PlannedJob {
    /// As it stands in the settings.
    pub job: Job,
    /// Schema names of the job's workspace.
    pub schemas: Schemas,
    /// When it is due.
    crontab: Crontab,
    tz: Tz,
}

/// What to do about the due times that have passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The newest: to be run.
    pub newest: Option<DateTime<Utc>>,
    /// Older ones: superseded by the newest.
    pub superseded: Vec<DateTime<Utc>>,
}

/// Checks all jobs; the first problem names its job.
pub fn plan(settings: &Settings) -> Result<Vec<PlannedJob>> {
    let mut seen = BTreeSet::new();
    settings
        .jobs
        .iter()
        .map(|job| {
            let named = |mut error: Error| {
                error.message = format!("job \"{}\": {}", job.name, error.message);
                error
            };
            let workspace = job.workspace.as_deref().unwrap_or(&settings.workspace);
            if job.name.trim().is_empty() {
                return Err(Error::config(format!("job with schedule \"{}\" has no name", job.schedule)));
            }
            if !seen.insert((workspace.to_owned(), job.name.clone())) {
                return Err(Error::config(format!("job \"{}\" is there twice", job.name))
                    .hint("give each [[jobs]] entry a name of its own: its due times are recorded under it"));
            }
            dbt_job::check(job).map_err(named)?;
            Ok(PlannedJob {
                job: job.clone(),
                schemas: Schemas::of(workspace).map_err(named)?,
                crontab: Crontab::parse(&job.schedule).map_err(named)?,
                tz: timezone(&job.timezone).map_err(named)?,
            })
        })
        .collect()
}

impl PlannedJob {
    /// Due times after `last` up to `now`: only the newest is worth a run, since a run shows the present.
    #[must_use]
    pub fn due(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> Due {
        let mut missed = self.crontab.between(self.tz, last, now, MISSED_AT_MOST);
        Due { newest: missed.pop(), superseded: missed }
    }

    /// The next due time.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.crontab.next_after(self.tz, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, schedule: &str, zone: &str) -> Job {
        Job {
            name: name.into(),
            schedule: schedule.into(),
            timezone: zone.into(),
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

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("a test's instant").with_timezone(&Utc)
    }

    #[test]
    fn problems_name_their_job() {
        let planned = |jobs: Vec<Job>| plan(&Settings { jobs, ..Settings::default() }).expect_err("a problem").message;
        assert_eq!(
            planned(vec![job("nightly", "0 25 * * *", "UTC")]),
            "job \"nightly\": schedule \"0 25 * * *\" cannot be read"
        );
        assert_eq!(
            planned(vec![job("nightly", "@daily", "Europe/Berlino")]),
            "job \"nightly\": time zone \"Europe/Berlino\" is not known"
        );
        let twice = vec![job("nightly", "@daily", "UTC"), job("nightly", "@hourly", "UTC")];
        assert_eq!(planned(twice), "job \"nightly\" is there twice");
    }

    #[test]
    fn only_the_newest_missed_time_is_run() {
        let settings = Settings { jobs: vec![job("nightly", "0 2 * * *", "UTC")], ..Settings::default() };
        let jobs = plan(&settings).expect("a good job");
        let due = jobs[0].due(at("2026-11-18T02:00:00Z"), at("2026-11-21T09:00:00Z"));
        assert_eq!(due.newest, Some(at("2026-11-21T02:00:00Z")));
        assert_eq!(due.superseded, [at("2026-11-19T02:00:00Z"), at("2026-11-20T02:00:00Z")]);
        assert_eq!(jobs[0].due(at("2026-11-21T02:00:00Z"), at("2026-11-21T09:00:00Z")), Due::default());
    }
}
