//! Pure: when a crontab line is due next, in an IANA time zone, with each local time meaning one instant.
//!
//! The line is read in local time without a zone, and only then placed on the time axis: a time that the clocks skip
//! is due at the first instant after the gap, a time that they repeat is due the first time. A job whose hour field is
//! `*` follows elapsed time instead: it runs in both passes of a repeated hour and has nothing to make up after a gap.

use super::crontab::{self, Fields};
use crate::error::{Error, Result};
use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// Local clocks are not turned back by more than this in one step.
const LONGEST_FOLD: Duration = Duration::hours(3);

/// A schedule as people write it: five fields, or `@daily` and the like.
#[derive(Clone, Debug)]
pub struct Crontab {
    fields: Fields,
}

/// The time zone of this IANA name (`Europe/Berlin`).
pub fn timezone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        Error::config(format!("time zone \"{name}\" is not known"))
            .hint("use a name of the IANA list, for example UTC or Europe/Berlin")
    })
}

impl Crontab {
    /// Reads the line; a line that never comes due (30 February) is an error too.
    pub fn parse(text: &str) -> Result<Crontab> {
        let crontab = Crontab { fields: crontab::parse(text)? };
        let start = DateTime::<Utc>::UNIX_EPOCH.naive_utc();
        if crontab.local_times(start).next().is_none() {
            return Err(Error::config(format!("schedule \"{}\" never comes due", text.trim()))
                .detail("No month has such a day."));
        }
        Ok(crontab)
    }

    /// The first instant after `after` at which the schedule is due in `tz`; `None` past the year 2099.
    #[must_use]
    pub fn next_after(&self, tz: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Near a change of the clocks, begin early enough to meet the times that a fold repeats.
        let offset = |instant: DateTime<Utc>| instant.with_timezone(&tz).offset().fix();
        let is_near_change = offset(after - LONGEST_FOLD) != offset(after + LONGEST_FOLD);
        let back = if is_near_change { LONGEST_FOLD } else { Duration::zero() };
        let start = after.with_timezone(&tz).naive_local() - back;
        let mut best: Option<DateTime<Utc>> = None;
        for local in self.local_times(start) {
            let (first, second) = self.instants(tz, local);
            for instant in [first, second].into_iter().flatten().filter(|instant| *instant > after) {
                best = Some(best.map_or(instant, |known| known.min(instant)));
            }
            if best.is_some() && first.is_some_and(|instant| instant > after) {
                break;
            }
        }
        best
    }

    /// Due instants after `after` up to and including `until`, oldest first: all, or the newest, at most `limit`.
    #[must_use]
    pub fn between(&self, tz: Tz, after: DateTime<Utc>, until: DateTime<Utc>, limit: usize) -> Vec<DateTime<Utc>> {
        let mut from = after;
        loop {
            let next = |last: &DateTime<Utc>| self.next_after(tz, *last).filter(|next| *next <= until);
            let due: Vec<_> = std::iter::successors(next(&from), next).take(limit + 1).collect();
            if due.len() <= limit {
                return due;
            }
            // Too many, as after months without a daemon: halving the span bounds the work.
            from += (until - from) / 2;
        }
    }

    /// Due local times at or after `start`, in order. UTC plays the zone without any clock change.
    fn local_times(&self, start: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let start = start.and_utc() - Duration::seconds(1);
        let mut streams: Vec<_> = self.fields.schedules.iter().map(|s| s.after(&start).peekable()).collect();
        std::iter::from_fn(move || {
            let next = streams.iter_mut().filter_map(|s| s.peek().copied()).min()?;
            for stream in &mut streams {
                if stream.peek() == Some(&next) {
                    stream.next();
                }
            }
            Some(next.naive_utc())
        })
    }

    /// The instants that a local time stands for: usually one.
    fn instants(&self, tz: Tz, local: NaiveDateTime) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let utc = |instant: DateTime<Tz>| Some(instant.with_timezone(&Utc));
        match tz.from_local_datetime(&local) {
            LocalResult::Single(instant) => (utc(instant), None),
            LocalResult::Ambiguous(first, second) if self.fields.every_hour => (utc(first), utc(second)),
            LocalResult::Ambiguous(first, _) => (utc(first), None),
            LocalResult::None if self.fields.every_hour => (None, None),
            LocalResult::None => (end_of_gap(tz, local), None),
        }
    }
}

/// The first instant after the gap that swallows `local`, to the second.
fn end_of_gap(tz: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    // Gaps are whole minutes in our time and at most a day long (islands that crossed the date line).
    let minute = Duration::minutes(1);
    let mut after = local;
    for _ in 0..=(25 * 60) {
        after += minute;
        if let Some(instant) = tz.from_local_datetime(&after).earliest() {
            return Some(instant.with_timezone(&Utc));
        }
    }
    None
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "schedule_oracle_tests.rs"]
mod oracle_tests;
