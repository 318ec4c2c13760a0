//! The season as a clock: histories and horizons are told in operational time, which runs faster before Christmas.
//!
//! A process in operational time stays what it is, so every closed form holds; only the clock that times are read from is another.
//! The factors of the twelve months (mean 1 over a year) are given, or estimated from the shop's own repeat purchases against
//! what the process expects of the customers of each day. New customers buy more than old ones, so a wave of them would look
//! like a season if plain counts were used; the expectation by age takes it out. Factors and parameters are found in turn.
//!
//! Less than a year of history holds no season: none is used then, and it is said (`season_not_covered`); nor is one that the purchases
//! are not likelier with (`season_not_seen`).

use super::process::PurchaseProcess;
use super::process::choice::{PurchaseFit, fit_process};
use super::process::grouping::{Groups, History};
use super::reason::Reason;
use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// Days that a whole year of history has.
const DAYS_OF_A_YEAR: usize = 365;
/// Expected purchases that stand for factor 1 beside those observed in each month, so that few counts make no season.
const PRIOR_PURCHASES: f64 = 20.0;
/// Rounds of factors and parameters.
const ROUNDS: usize = 4;
/// The log-likelihood must grow by this much: of eleven factors without any season one set in a thousand does (chi squared, halved).
const GAIN_MIN: f64 = 15.63;
/// Factors given must lie between these.
const FACTOR_LIMITS: (f64, f64) = (0.05, 20.0);

/// Factors on the purchase rate by month, from January; their mean over the days of a year is 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Season {
    factors: [f64; 12],
}

/// Operational days since the first day, at the start of each day of the calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationalClock {
    at_day: Vec<f64>,
}

/// A customer's history by days of the calendar, counted from the first day of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DatedHistory {
    /// Day of the first purchase.
    pub first_day: u32,
    /// Day of the last one.
    pub last_day: u32,
    /// Purchase days after the first one.
    pub repeat_count: f64,
}

/// A fit in operational time, with the plain one beside it.
#[derive(Clone, Debug)]
pub struct SeasonalFit {
    /// The factors; all 1 when the history does not cover a season.
    pub season: Season,
    /// The process in operational weeks.
    pub fit: PurchaseFit,
    /// The process in weeks of the calendar, without season.
    pub plain: PurchaseFit,
    /// By how much the log-likelihood of all purchases, at their days, is higher with the factors that were found.
    pub gain: f64,
    /// Why there is no season, if there is none.
    pub finding: Option<Reason>,
}

impl Season {
    /// No season.
    #[must_use]
    pub fn none() -> Self {
        Season { factors: [1.0; 12] }
    }

    /// Factors as given by a calendar, scaled to mean 1 over the days of a year; `None` if one is out of range.
    #[must_use]
    pub fn given(factors: [f64; 12]) -> Option<Self> {
        let is_sound = |factor: &f64| (FACTOR_LIMITS.0..=FACTOR_LIMITS.1).contains(factor);
        factors.iter().all(is_sound).then(|| Season { factors }.normalised())
    }

    /// From January; mean 1 over the days of a year.
    #[must_use]
    pub fn factors(&self) -> &[f64; 12] {
        &self.factors
    }

    /// The clock of `days` days from `start`.
    #[must_use]
    pub fn clock(&self, start: NaiveDate, days: usize) -> OperationalClock {
        let mut now = 0.0;
        let mut at_day = vec![0.0];
        let mut month = start.month0() as usize;
        let mut left = days_left_of_month(start);
        for _ in 0..days {
            now += self.factors[month];
            at_day.push(now);
            left -= 1;
            if left == 0 {
                month = (month + 1) % 12;
                left = start.checked_add_days(Days::new(at_day.len() as u64 - 1)).map_or(30, days_left_of_month);
            }
        }
        OperationalClock { at_day }
    }

    fn normalised(self) -> Self {
        const DAYS: [f64; 12] = [31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0];
        let sum: f64 = self.factors.iter().zip(DAYS).map(|(factor, days)| factor * days).sum();
        let mean = sum / DAYS.iter().sum::<f64>();
        Season { factors: self.factors.map(|factor| factor / mean) }
    }
}

fn days_left_of_month(day: NaiveDate) -> u32 {
    u32::from(day.num_days_in_month()) - day.day0()
}

impl OperationalClock {
    /// Operational days from the first day to the start of this one; past the end of the clock it goes on evenly.
    #[must_use]
    pub fn at(&self, day: u32) -> f64 {
        let last = self.at_day.len() - 1;
        let place = (day as usize).min(last);
        self.at_day[place] + (day as usize - place) as f64
    }

    /// A history seen until the start of day `until`, in whole operational days told as weeks, so that equal ones are grouped.
    #[must_use]
    pub fn history(&self, dated: &DatedHistory, until: u32) -> History {
        let first = self.at(dated.first_day);
        let whole = |days: f64| (days + 0.5).floor();
        let age = whole(self.at(until) - first);
        let least = if dated.repeat_count > 0.0 { 1.0 } else { 0.0 };
        let last = whole(self.at(dated.last_day) - first).max(least).min(age);
        History { repeat_count: dated.repeat_count, last_purchase_weeks: last / 7.0, age_weeks: age / 7.0 }
    }

    /// Operational weeks of the `days` from day `from`.
    #[must_use]
    pub fn horizon_weeks(&self, from: u32, days: u32) -> f64 {
        (self.at(from + days) - self.at(from)) / 7.0
    }
}

/// Fits a process and the season together.
///
/// `histories` must be sound, within the `repeats_by_day.len()` days from `start`, which is the end of observation; `repeats_by_day` counts the
/// repeat purchases of each day.
///
/// # Errors
/// Those of the fit of the process.
pub fn fit(
    process: &'static dyn PurchaseProcess,
    histories: &[DatedHistory],
    repeats_by_day: &[f64],
    start: NaiveDate,
) -> Result<SeasonalFit, Reason> {
    let until = repeats_by_day.len() as u32;
    let in_time_of = |season: &Season| {
        let clock = season.clock(start, repeats_by_day.len());
        let own: Vec<History> = histories.iter().map(|dated| clock.history(dated, until)).collect();
        (fit_process(process, &Groups::new(&own).0), clock)
    };
    let plain = in_time_of(&Season::none()).0?;
    let mut season = Season::none();
    let mut current = plain.clone();
    if repeats_by_day.len() < DAYS_OF_A_YEAR {
        let finding = Some(Reason::SeasonNotCovered { days: repeats_by_day.len() });
        return Ok(SeasonalFit { season, fit: current, plain, gain: 0.0, finding });
    }
    let mut acquired = vec![0.0; repeats_by_day.len()];
    for dated in histories {
        if let Some(count) = acquired.get_mut(dated.first_day as usize) {
            *count += 1.0;
        }
    }
    for _ in 0..ROUNDS {
        let clock = season.clock(start, repeats_by_day.len());
        let expected = expected_by_day(&current, &acquired, &clock);
        season = factors(repeats_by_day, &expected, &season, start);
        current = in_time_of(&season).0?;
    }
    // Times are told on another clock: each purchase is as much denser as its day is longer there.
    let longer: f64 =
        repeats_by_day.iter().zip(months_from(start)).map(|(n, month)| n * season.factors[month].ln()).sum();
    let gain = current.estimate.log_likelihood + longer - plain.estimate.log_likelihood;
    if gain < GAIN_MIN || gain.is_nan() {
        let finding = Some(Reason::SeasonNotSeen { gain });
        return Ok(SeasonalFit { season: Season::none(), fit: plain.clone(), plain, gain, finding });
    }
    Ok(SeasonalFit { season, fit: current, plain, gain, finding: None })
}

/// Fits a process in the time of a season that is given.
///
/// # Errors
/// Those of the fit of the process.
pub fn fit_given(
    process: &'static dyn PurchaseProcess,
    histories: &[DatedHistory],
    season: Season,
    (start, days): (NaiveDate, u32),
) -> Result<SeasonalFit, Reason> {
    let on = |season: &Season| {
        let clock = season.clock(start, days as usize);
        let own: Vec<History> = histories.iter().map(|dated| clock.history(dated, days)).collect();
        fit_process(process, &Groups::new(&own).0)
    };
    Ok(SeasonalFit { fit: on(&season)?, plain: on(&Season::none())?, season, gain: 0.0, finding: None })
}

/// The month of each day from `start` on, 0 to 11.
fn months_from(start: NaiveDate) -> impl Iterator<Item = usize> {
    start.iter_days().map(|day| day.month0() as usize)
}

/// Repeat purchases that the process expects on each day of all who were acquired before it, in operational time.
fn expected_by_day(fit: &PurchaseFit, acquired: &[f64], clock: &OperationalClock) -> Vec<f64> {
    // Purchases until each operational day of age; between them it is straight enough.
    let oldest = clock.at(acquired.len() as u32).ceil() as usize + 2;
    let until: Vec<f64> = (0..=oldest)
        .map(|day| fit.estimator.expected_purchases_of_new(&fit.estimate.theta, day as f64 / 7.0))
        .collect();
    let at = |age: f64| {
        let day = (age.max(0.0) as usize).min(oldest - 1);
        until[day] + (until[day + 1] - until[day]) * (age - day as f64)
    };
    let cohorts: Vec<usize> = (0..acquired.len()).filter(|day| acquired[*day] > 0.0).collect();
    (0..acquired.len())
        .map(|day| {
            let (from, to) = (clock.at(day as u32), clock.at(day as u32 + 1));
            cohorts
                .iter()
                .take_while(|first| **first < day)
                .map(|first| {
                    // The first purchase came within its day, so a purchase counts from the middle of it to that of this one.
                    let born = clock.at(*first as u32);
                    acquired[*first] * (at(to - born) - at(from - born))
                })
                .sum()
        })
        .collect()
}

/// Factors of the months from purchases that came against those expected under the factors so far.
fn factors(came: &[f64], expected: &[f64], so_far: &Season, start: NaiveDate) -> Season {
    let mut sums = [(PRIOR_PURCHASES, PRIOR_PURCHASES); 12];
    for ((came, expected), month) in came.iter().zip(expected).zip(months_from(start)) {
        sums[month].0 += came;
        // Without the factor that is in it already: the ratio is the whole factor, not a correction.
        sums[month].1 += expected / so_far.factors[month];
    }
    Season { factors: sums.map(|(came, expected)| (came / expected).clamp(FACTOR_LIMITS.0, FACTOR_LIMITS.1)) }
        .normalised()
}

#[cfg(test)]
mod tests;
