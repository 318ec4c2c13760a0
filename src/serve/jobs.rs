//! The jobs of the settings, checked: name, workspace, schedule, zone, selectors; and when each is due.

use super::dbt_job;
use super::decide::Policy;
use super::schedule::{Crontab, timezone};
use crate::config::{Job, Schemas, Settings};
use crate::error::{Error, Result};
use crate::pipeline;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// Missed due times that are recorded one by one; older ones leave no row.
const MISSED_AT_MOST: usize = 1000;

/// Spans of days in which the newest due time is looked for; a leap day may be eight years away.
const LOOK_BACK_DAYS: [i64; 4] = [1, 32, 367, 9 * 366];

/// A job that can be run.
#[derive(Clone, Debug)]
pub struct PlannedJob {
    /// As it stands in the settings.
    pub job: Job,
    /// Schema names of the job's workspace.
    pub schemas: Schemas,
    /// What becomes of the times that it could not keep.
    pub(super) policy: Policy,
    /// When it is due.
    crontab: Crontab,
    tz: Tz,
}

/// Checks all jobs by themselves; the first problem names its job.
pub fn plan(settings: &Settings) -> Result<Vec<PlannedJob>> {
    let mut seen = BTreeSet::new();
    settings
        .jobs
        .iter()
        .map(|job| {
            let named = |error: Error| named(&job.name, error);
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
                policy: Policy::of(job, settings.serve.lease_seconds),
                crontab: Crontab::parse(&job.schedule).map_err(named)?,
                tz: timezone(&job.timezone).map_err(named)?,
            })
        })
        .collect()
}

/// Checks that every job's selectors pick something in its project; reads the projects' files.
pub fn check_selectors(settings: &Settings, jobs: &[PlannedJob]) -> Result<()> {
    let mut own = None;
    for planned in jobs {
        let job = &planned.job;
        let checked = if job.project_dir.is_some() {
            dbt_job::check_selectors(settings, job)
        } else {
            let read = || pipeline::read_project(settings);
            let project = match &own {
                Some(project) => Ok(project),
                None => read().map(|project| &*own.insert(project)),
            };
            project.and_then(|project| match project.select(&job.select, &job.exclude)? {
                picked if picked.is_empty() => Err(nothing_picked()),
                _ => Ok(()),
            })
        };
        checked.map_err(|error| named(&job.name, error))?;
    }
    Ok(())
}

/// The error for selectors that leave nothing to run.
pub(super) fn nothing_picked() -> Error {
    Error::config("the selection picks nothing").hint("quintile ls lists the names")
}

fn named(job: &str, mut error: Error) -> Error {
    error.message = format!("job \"{job}\": {}", error.message);
    error
}

/// The job of this name.
pub fn find<'a>(jobs: &'a [PlannedJob], name: &str) -> Result<&'a PlannedJob> {
    jobs.iter().find(|planned| planned.job.name == name).ok_or_else(|| {
        let names: Vec<&str> = jobs.iter().map(|planned| planned.job.name.as_str()).collect();
        let error = Error::usage(format!("job \"{name}\" is not in the settings"));
        if names.is_empty() {
            error.hint("add a [[jobs]] entry to config/quintile.toml; docs/configuration.md tells its keys")
        } else {
            error.detail(format!("The jobs are \"{}\".", names.join("\", \"")))
        }
    })
}

impl PlannedJob {
    /// Workspace and name: what its slots are recorded under.
    #[must_use]
    pub fn key(&self) -> (String, String) {
        (self.schemas.workspace.clone(), self.job.name.clone())
    }

    /// Due times after `last` up to `now`, oldest first; after a long downtime the newest of them.
    #[must_use]
    pub fn due(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        self.crontab.between(self.tz, last, now, MISSED_AT_MOST)
    }

    /// The next due time.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.crontab.next_after(self.tz, after)
    }

    /// The newest due time up to and including `now`.
    #[must_use]
    pub fn newest_due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let newest = |days| self.crontab.between(self.tz, now - TimeDelta::days(days), now, 1).pop();
        LOOK_BACK_DAYS.into_iter().find_map(newest)
    }

    /// Whether the schedule is due at this very instant.
    #[must_use]
    pub fn is_due_at(&self, instant: DateTime<Utc>) -> bool {
        self.next_after(instant - TimeDelta::seconds(1)) == Some(instant)
    }

    /// An instant as the job's own clocks show it.
    #[must_use]
    pub fn local(&self, instant: DateTime<Utc>) -> DateTime<Tz> {
        instant.with_timezone(&self.tz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, schedule: &str, zone: &str) -> Job {
        Job { timezone: zone.into(), ..Job::new(name, schedule) }
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("a test's instant").with_timezone(&Utc)
    }

    fn planned(job: Job) -> PlannedJob {
        plan(&Settings { jobs: vec![job], ..Settings::default() }).expect("a good job").remove(0)
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
    fn selectors_are_checked_against_the_project() {
        let settings = |select: &str| Settings {
            project_dir: env!("CARGO_MANIFEST_DIR").into(),
            jobs: vec![Job { select: vec![select.into()], ..Job::new("nightly", "@daily") }],
            ..Settings::default()
        };
        let check = |settings: &Settings| check_selectors(settings, &plan(settings).expect("good jobs"));
        assert!(check(&settings("rfm_scores+")).is_ok());
        let error = check(&settings("rfm_score")).expect_err("no such model");
        assert!(error.message.starts_with("job \"nightly\": "), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn the_newest_due_time_is_found_however_rare() {
        let now = at("2027-11-21T09:00:30Z");
        for (line, newest) in [
            ("* * * * *", "2027-11-21T09:00:00Z"),
            ("0 2 * * *", "2027-11-21T02:00:00Z"),
            ("0 0 1 1 *", "2027-01-01T00:00:00Z"),
            ("0 0 29 2 *", "2024-02-29T00:00:00Z"),
        ] {
            let planned = planned(job("j", line, "UTC"));
            assert_eq!(planned.newest_due(now), Some(at(newest)), "{line}");
            assert!(planned.is_due_at(at(newest)) && !planned.is_due_at(now), "{line}");
        }
        let berlin = planned(job("j", "0 3 * * *", "Europe/Berlin"));
        assert_eq!(berlin.newest_due(at("2027-07-01T01:00:00Z")), Some(at("2027-07-01T01:00:00Z")), "on the dot");
    }
}
