//! Which batches of a microbatch model are to be built: gaps are found and refilled, what is complete stays.

use super::session::Session;
use crate::error::Result;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Timelike, Utc};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// Length of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// An hour.
    Hour,
    /// A day in UTC.
    Day,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// A window in time; it does not hold its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Batch {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it.
    pub end: DateTime<Utc>,
}

/// What a run asks of a microbatch model.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The model's `begin`.
    pub begin: DateTime<Utc>,
    /// The run's instant: the batch that holds it is the newest.
    pub now: DateTime<Utc>,
    /// Length of a batch.
    pub size: BatchSize,
    /// Batches before the newest that are built again, for rows that come late.
    pub lookback: u32,
    /// `--event-time-start` and `--event-time-end`: these batches, whether complete or not, and no others.
    pub only: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Builds every batch.
    pub full_refresh: bool,
}

impl BatchSize {
    /// The start of the batch that holds `at`.
    #[must_use]
    pub fn floor(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let day = at.date_naive();
        let (day, hour) = match self {
            BatchSize::Hour => (day, at.hour()),
            BatchSize::Day => (day, 0),
            BatchSize::Month => (first_of(day.year(), day.month(), day), 0),
            BatchSize::Year => (first_of(day.year(), 1, day), 0),
        };
        day.and_hms_opt(hour, 0, 0).map_or(at, |start| start.and_utc())
    }

    /// The start of the next batch after one that starts at `start`.
    #[must_use]
    pub fn next(self, start: DateTime<Utc>) -> DateTime<Utc> {
        let next = match self {
            BatchSize::Hour => start.checked_add_signed(TimeDelta::hours(1)),
            BatchSize::Day => start.checked_add_days(Days::new(1)),
            BatchSize::Month => start.checked_add_months(Months::new(1)),
            BatchSize::Year => start.checked_add_months(Months::new(12)),
        };
        next.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// All batches that hold an instant of `from..to`, in order.
    #[must_use]
    pub fn batches(self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Batch> {
        let mut found = Vec::new();
        let mut start = self.floor(from);
        while start < to {
            let end = self.next(start);
            found.push(Batch { start, end });
            start = end;
        }
        found
    }
}

fn first_of(year: i32, month: u32, otherwise: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(otherwise)
}

/// The batches to build, oldest first. `built` tells the instant that each batch was built for, by its start: one that
/// was built before its window ended is not complete.
///
/// Built are those that are missing or not complete, the newest, and `lookback` before it.
#[must_use]
pub fn to_build(wanted: &Wanted, built: &BTreeMap<DateTime<Utc>, DateTime<Utc>>) -> Vec<Batch> {
    if let Some((from, to)) = wanted.only {
        return wanted.size.batches(from, to);
    }
    // The batch of `now` itself is wanted even where `now` is its first instant.
    let all = wanted.size.batches(wanted.begin, wanted.size.next(wanted.size.floor(wanted.now)));
    let newest = all.len().saturating_sub(1 + wanted.lookback as usize);
    let is_complete = |batch: &Batch| built.get(&batch.start).is_some_and(|as_of| *as_of >= batch.end);
    let numbered = all.into_iter().enumerate();
    numbered.filter(|(n, b)| wanted.full_refresh || *n >= newest || !is_complete(b)).map(|(_, b)| b).collect()
}

/// A relation in the ledger.
#[derive(Clone, Copy, Debug)]
pub struct LedgerKey<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// The relation: `schema.identifier`.
    pub relation: &'a str,
}

/// What a batch became.
#[derive(Clone, Debug)]
pub struct Finished<'a> {
    /// The batch.
    pub batch: Batch,
    /// Whether it was built; else it failed.
    pub is_built: bool,
    /// The run, by number or invocation id.
    pub run: &'a str,
    /// Rows written.
    pub rows: Option<i64>,
    /// Of the model; a changed one builds no old batch again by itself.
    pub fingerprint: &'a str,
    /// The run's instant.
    pub as_of: DateTime<Utc>,
}

/// The instants that the built batches of a relation were built for, by their starts.
pub async fn built(session: &Session, key: LedgerKey<'_>) -> Result<BTreeMap<DateTime<Utc>, DateTime<Utc>>> {
    let sql = "SELECT batch_start, as_of FROM quintile.batches
        WHERE workspace = $1 AND relation = $2 AND state = 'built'";
    let rows = session
        .rows("batches cannot be read", sql, &[(&key.workspace, Type::TEXT), (&key.relation, Type::TEXT)])
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Records a batch, in the transaction that built it or on its own after it failed.
pub async fn record(session: &Session, key: LedgerKey<'_>, finished: &Finished<'_>) -> Result<()> {
    let state = if finished.is_built { "built" } else { "failed" };
    let sql = include_str!("../sql/in_place_record_batch.sql");
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 9] = [
        (&key.workspace, Type::TEXT),
        (&key.relation, Type::TEXT),
        (&finished.batch.start, Type::TIMESTAMPTZ),
        (&finished.batch.end, Type::TIMESTAMPTZ),
        (&state, Type::TEXT),
        (&finished.run, Type::TEXT),
        (&finished.rows, Type::INT8),
        (&finished.fingerprint, Type::TEXT),
        (&finished.as_of, Type::TIMESTAMPTZ),
    ];
    session.rows("batch cannot be recorded", sql, &params).await.map(|_| ())
}

/// Forgets all batches of a relation, in the transaction that builds its table anew.
pub async fn forget(session: &Session, key: LedgerKey<'_>) -> Result<()> {
    let sql = "DELETE FROM quintile.batches WHERE workspace = $1 AND relation = $2";
    session
        .rows("batches cannot be forgotten", sql, &[(&key.workspace, Type::TEXT), (&key.relation, Type::TEXT)])
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn wanted(begin: &str, now: &str, size: BatchSize) -> Wanted {
        Wanted { begin: at(begin), now: at(now), size, lookback: 1, only: None, full_refresh: false }
    }

    #[test]
    fn gaps_and_incomplete_batches_are_built_again() {
        let mut wanted = wanted("2024-01-01T00:00:00Z", "2024-01-06T10:00:00Z", BatchSize::Day);
        let done = [("01", "02"), ("02", "02"), ("04", "05"), ("05", "06"), ("06", "06")];
        let built = done.map(|(start, as_of)| {
            (at(&format!("2024-01-{start}T00:00:00Z")), at(&format!("2024-01-{as_of}T00:00:00Z")))
        });
        let days = |wanted: &Wanted| -> Vec<u32> {
            to_build(wanted, &built.into_iter().collect()).iter().map(|b| b.start.day()).collect()
        };
        assert_eq!(days(&wanted), [2, 3, 5, 6], "2 was built too early, 3 is missing, 5 is looked back at");
        wanted.only = Some((at("2024-01-01T12:00:00Z"), at("2024-01-03T00:00:00Z")));
        assert_eq!(days(&wanted), [1, 2]);
        wanted = Wanted { only: None, full_refresh: true, ..wanted };
        assert_eq!(days(&wanted), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn months_and_years_follow_the_calendar() {
        let months = BatchSize::Month.batches(at("2024-01-31T10:00:00Z"), at("2024-03-01T00:00:00Z"));
        assert_eq!(months.iter().map(|b| b.end.month()).collect::<Vec<_>>(), [2, 3]);
        let years = BatchSize::Year.batches(at("2023-06-01T00:00:00Z"), at("2024-01-01T00:00:01Z"));
        assert_eq!(years.iter().map(|b| b.start.year()).collect::<Vec<_>>(), [2023, 2024]);
    }

    proptest! {
        #[test]
        fn after_a_run_nothing_is_missing(
            hours in 0_i64..2000, lookback in 0_u32..4, holes in prop::collection::btree_set(0_usize..100, 0..20)
        ) {
            let begin = at("2024-01-01T00:00:00Z");
            let now = begin + TimeDelta::hours(hours);
            let wanted = Wanted { begin, now, size: BatchSize::Day, lookback, only: None, full_refresh: false };
            let all = to_build(&wanted, &BTreeMap::new());
            prop_assert!(all.windows(2).all(|w| w[0].end == w[1].start) && all[0].start == begin);
            let mut built: BTreeMap<_, _> = all.iter().map(|b| (b.start, now)).collect();
            for hole in &holes {
                if let Some(batch) = all.get(*hole) {
                    built.remove(&batch.start);
                }
            }
            let again = to_build(&wanted, &built);
            for (place, batch) in all.iter().enumerate() {
                let is_new = place + 1 + lookback as usize >= all.len();
                prop_assert_eq!(again.contains(batch), is_new || holes.contains(&place));
            }
        }
    }
}
