//! Tracking: cumulative repeat purchases by week, actual against expected, and the alarm when they leave their band.
//!
//! Expected are those of new customers, each from the own first purchase on (Fader, Hardie, Lee 2005, equation 9 and figure 4):
//! `Σ E[X(week - start)]`. The comparison needs no new fit, so it runs each day, and the alarm asks for one.

use super::metrics::total;
use crate::analytics::ltv::clock::Clock;
use crate::analytics::ltv::process::PurchaseProcess;
use crate::analytics::ltv::process::grouping::History;
use serde::Serialize;
use std::collections::BTreeMap;

/// Half the width of the band in standard deviations: 99 percent of a normal distribution, so that of a hundred weeks with a sound
/// fit about one gives an alarm.
pub const BAND_DEVIATIONS: f64 = 2.576;

/// One week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrackingWeek {
    /// Number of the week, from 1.
    pub week: usize,
    /// Repeat purchase days until its end.
    pub actual: f64,
    /// Those expected.
    pub expected: f64,
    /// Lower border of the band of `actual`.
    pub low: f64,
    /// Upper border.
    pub high: f64,
    /// Whether it lies after the data that the parameters were fitted to.
    pub is_after_fit: bool,
}

impl TrackingWeek {
    /// Whether the actual number left the band.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        !(self.low..=self.high).contains(&self.actual)
    }
}

/// All weeks, and whether the last one is a reason to fit anew.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tracking {
    /// In order of time.
    pub weeks: Vec<TrackingWeek>,
    /// Variance of all purchases of a customer over their mean: above 1 because customers differ.
    pub dispersion: f64,
    /// Days since the end of the last week.
    pub days_since: u32,
    /// The sentence that asks for a new fit, if the last week lies after the fit and outside its band.
    pub alarm: Option<String>,
}

/// Weeks of repeat purchases, counted so that one ends with the day of the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Weeks {
    /// Repeat purchase days of each whole week, the first entry is week 1.
    pub purchases: Vec<f64>,
    /// The week that ends with the fit.
    pub fit_week: usize,
    /// Days since the end of the last one.
    pub days_since: u32,
}

impl Weeks {
    /// From the repeat purchases of each day, which is counted back from today: 0 is today. `fit_days_ago` is the age of the fit.
    ///
    /// The days of a week that is not over are left out.
    #[must_use]
    pub fn new(days: &[(u32, f64)], fit_days_ago: u32) -> Weeks {
        let days_since = fit_days_ago % 7;
        let earliest = days.iter().map(|(days_ago, _)| *days_ago).max().unwrap_or(0).max(fit_days_ago);
        let before = (earliest - fit_days_ago + 1).div_ceil(7) as usize;
        let fit_week = before;
        let last = before + (fit_days_ago / 7) as usize;
        let mut purchases = vec![0.0; last];
        for (days_ago, count) in days.iter().filter(|(days_ago, _)| *days_ago >= days_since) {
            let back = ((days_ago - days_since) / 7) as usize;
            if back < last {
                purchases[last - 1 - back] += count;
            }
        }
        Weeks { purchases, fit_week, days_since }
    }
}

/// Compares `purchases_by_week` (repeat purchase days of each week, the first entry is week 1) with what `process` expects with
/// `theta`, which was fitted to the weeks until `fit_week`.
///
/// `histories` are those of all customers (each with how many have it) as of today, `weeks.days_since` days after the end of the last week,
/// also of those who came after the fit, on the same `clock` as the fit. Purchases before week 1 are counted on neither side.
///
/// The band is that of a sum of independent customers whose rates differ, so that the variance of `E` purchases is `E (1 + c E)` as
/// in the negative binomial distribution, with `c` from all that customers did: `E ± z √(E (1 + c E))`. After the fit both sides count
/// from it on, so that an old error does not ring for ever, and the band also holds the error of the parameters, which were estimated
/// from `E_fit` purchases, and that of the model: what it missed in as many weeks of its own past, `m` in relative terms, such as the
/// week after Christmas, which no month tells. So `Δ (1 + c Δ) + Δ² (1 + c E_fit) / E_fit + (m Δ)²` with `Δ = E - E_fit`.
///
/// `None` when there are no weeks, no customers, or a number is not finite.
#[must_use]
pub fn track(
    process: &dyn PurchaseProcess,
    theta: &[f64],
    (histories, clock): (&[(History, f64)], &Clock),
    weeks: &Weeks,
) -> Option<Tracking> {
    let Weeks { purchases: purchases_by_week, fit_week, days_since } = weeks;
    let last = purchases_by_week.len();
    if last == 0 || histories.is_empty() || purchases_by_week.iter().any(|count| !(count.is_finite() && *count >= 0.0))
    {
        return None;
    }
    let ages = distinct_ages(histories)?;
    // Whole days apart, weeks ask for the same ages again and again.
    let mut known: BTreeMap<i64, f64> = BTreeMap::new();
    let mut of_new = |weeks: f64| {
        let weeks = weeks.max(0.0);
        *known.entry((weeks * 1e6).round() as i64).or_insert_with(|| process.expected_purchases_of_new(theta, weeks))
    };
    let mut expected_until = |week: usize| -> f64 {
        let back = |weeks: usize| clock.back_at(f64::from(*days_since) + 7.0 * weeks as f64) / 7.0;
        let (end, start) = (back(last - week), back(last));
        let terms = ages.iter().map(|(age, customers)| customers * (of_new(age - end) - of_new(age - start)));
        total(&terms.collect::<Vec<_>>())
    };
    let dispersion = dispersion(process, theta, histories);
    // Rates differ by the same factor over any length of time; their variance over its mean grows with it.
    let variance_of = |purchases: f64| purchases * (1.0 + (dispersion.of_all - 1.0) * purchases / dispersion.expected);
    let mut actual = 0.0;
    let mut at_fit = (0.0, 0.0);
    let mut weeks = Vec::with_capacity(last);
    for (place, count) in purchases_by_week.iter().enumerate() {
        let week = place + 1;
        actual += count;
        let expected = expected_until(week);
        let is_after_fit = week > *fit_week;
        let (centre, variance) = match is_after_fit {
            true => {
                let (actual_at_fit, expected_at_fit) = at_fit;
                let more = expected - expected_at_fit;
                let relative = more / expected_at_fit.max(1.0);
                let of_parameters = relative * relative * variance_of(expected_at_fit.max(1.0));
                let of_model = (more * missed(&weeks[..*fit_week], week - fit_week)).powi(2);
                (actual_at_fit + more, variance_of(more) + of_parameters + of_model)
            }
            false => (expected, variance_of(expected)),
        };
        if week == *fit_week {
            at_fit = (actual, expected);
        }
        // Never narrower than one purchase: a count is whole, an expectation is not.
        let reach = (BAND_DEVIATIONS * variance.max(0.0).sqrt()).max(1.0);
        let found =
            TrackingWeek { week, actual, expected, low: (centre - reach).max(0.0), high: centre + reach, is_after_fit };
        if ![found.expected, found.low, found.high].iter().all(|number| number.is_finite()) {
            return None;
        }
        weeks.push(found);
    }
    let alarm = weeks.last().and_then(alarm);
    Some(Tracking { weeks, dispersion: dispersion.of_all, days_since: *days_since, alarm })
}

/// The typical logarithm of actual over expected purchases in `span` weeks of the past, or in half of it where it is shorter than two
/// spans: the root of the mean square, or as much as makes the band hold 99 of 100 of them, because some weeks of the year are unlike
/// all others. 0 where too little was expected to tell.
fn missed(past: &[TrackingWeek], span: usize) -> f64 {
    let span = span.min(past.len() / 2).max(1);
    let until =
        |week: usize| week.checked_sub(1).map_or((0.0, 0.0), |place| (past[place].actual, past[place].expected));
    let mut errors: Vec<f64> = (span..=past.len())
        .filter_map(|week| {
            let ((now, expected_now), (before, expected_before)) = (until(week), until(week - span));
            let (came, expected) = (now - before, expected_now - expected_before);
            (expected >= EXPECTED_MIN).then(|| ((came + 0.5) / (expected + 0.5)).ln().abs())
        })
        .collect();
    if errors.len() < WINDOWS_MIN {
        return 0.0;
    }
    errors.sort_by(f64::total_cmp);
    let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
    let held = (0.99 * errors.len() as f64).ceil() as usize;
    (total(&squares) / errors.len() as f64).sqrt().max(errors[held.saturating_sub(1)] / BAND_DEVIATIONS)
}

/// Purchases that must have been expected in weeks of the past for their error to say something of the model rather than of chance.
const EXPECTED_MIN: f64 = 20.0;

/// Fewer weeks than this have no typical error.
const WINDOWS_MIN: usize = 4;

fn alarm(last: &TrackingWeek) -> Option<String> {
    (last.is_after_fit && last.is_outside()).then(|| {
        format!(
            "In week {} customers had made {:.0} repeat purchases; the fit allows {:.0} to {:.0}, so it is to be made anew.",
            last.week, last.actual, last.low, last.high
        )
    })
}

/// Customers by age; `None` when an age is not finite.
fn distinct_ages(histories: &[(History, f64)]) -> Option<Vec<(f64, f64)>> {
    let mut ages: BTreeMap<u64, f64> = BTreeMap::new();
    for (history, customers) in histories {
        if !(history.age_weeks.is_finite() && history.age_weeks >= 0.0) {
            return None;
        }
        *ages.entry((history.age_weeks + 0.0).to_bits()).or_default() += customers;
    }
    Some(ages.into_iter().map(|(bits, customers)| (f64::from_bits(bits), customers)).collect())
}

/// How much more than by chance customers' counts differ.
struct Dispersion {
    /// Squared distances of repeat counts from their expectations, over the expectations; at least 1.
    of_all: f64,
    /// Expected repeat purchases of all.
    expected: f64,
}

fn dispersion(process: &dyn PurchaseProcess, theta: &[f64], histories: &[(History, f64)]) -> Dispersion {
    let mut known: BTreeMap<u64, f64> = BTreeMap::new();
    let (mut squares, mut expectations) = (Vec::with_capacity(histories.len()), Vec::with_capacity(histories.len()));
    for (history, customers) in histories {
        let expected = *known
            .entry(history.age_weeks.to_bits())
            .or_insert_with(|| process.expected_purchases_of_new(theta, history.age_weeks));
        squares.push(customers * (history.repeat_count - expected).powi(2));
        expectations.push(customers * expected);
    }
    let expected = total(&expectations);
    let ratio = total(&squares) / expected;
    Dispersion {
        of_all: if ratio.is_finite() { ratio.max(1.0) } else { 1.0 },
        expected: expected.max(f64::MIN_POSITIVE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{self, history};
    use crate::analytics::ltv::process::{BgNbd, ParetoNbd};

    const BG: [f64; 4] = [0.242595, 4.413602, 0.792922, 2.425907];
    const PARETO: [f64; 4] = [0.553277, 10.577683, 0.606240, 11.668733];

    /// Repeat purchase days of the CDNOW sample in the 78 weeks from 1997-01-01 on.
    const CDNOW_BY_WEEK: [u8; 78] = [
        0, 19, 23, 39, 38, 73, 69, 90, 77, 76, 106, 123, 95, 86, 91, 73, 71, 73, 64, 73, 55, 70, 33, 56, 99, 74, 54,
        40, 45, 88, 59, 37, 63, 60, 47, 51, 52, 53, 62, 50, 56, 49, 59, 47, 85, 61, 59, 45, 70, 66, 49, 30, 51, 42, 53,
        28, 47, 40, 46, 43, 65, 79, 50, 59, 58, 35, 36, 47, 29, 44, 42, 35, 29, 42, 48, 48, 32, 28,
    ];

    /// The sample as it was known 39 weeks after the fit; repeat counts with those of the hold-out.
    fn at_the_end() -> Vec<(History, f64)> {
        let customers = cdnow::sample().into_iter();
        customers
            .map(|customer| History {
                repeat_count: customer.history.repeat_count + customer.holdout_count,
                age_weeks: customer.history.age_weeks + 39.0,
                ..customer.history
            })
            .map(|history| (history, 1.0))
            .collect()
    }

    fn of_weeks(purchases: &[f64], fit_week: usize) -> Weeks {
        Weeks { purchases: purchases.to_vec(), fit_week, days_since: 0 }
    }

    fn cdnow_weeks(scale_after_fit: f64) -> Vec<f64> {
        let scale = |place: usize| if place >= 39 { scale_after_fit } else { 1.0 };
        CDNOW_BY_WEEK.iter().enumerate().map(|(place, count)| f64::from(*count) * scale(place)).collect()
    }

    /// Lifetime value reference 3a: cumulative repeat transactions, actual / BG / Pareto.
    #[test]
    fn cdnow_weeks_equal_the_reference() {
        let reference = [
            (13, 828.0, 709.0, 698.8),
            (26, 1746.0, 1726.9, 1733.1),
            (39, 2457.0, 2494.0, 2524.9),
            (52, 3183.0, 3127.7, 3184.4),
            (65, 3844.0, 3675.0, 3757.9),
            (78, 4339.0, 4160.6, 4270.0),
        ];
        let histories = at_the_end();
        let bg =
            track(&BgNbd, &BG, (&histories, &Clock::calendar()), &of_weeks(&cdnow_weeks(1.0), 39)).expect("finite");
        let pareto = track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &of_weeks(&cdnow_weeks(1.0), 39))
            .expect("finite");
        for (week, actual, by_bg, by_pareto) in reference {
            for (tracking, expected) in [(&bg, by_bg), (&pareto, by_pareto)] {
                let found = tracking.weeks[week - 1];
                assert_eq!((found.week, found.actual, found.is_after_fit), (week, actual, week > 39));
                assert!((found.expected - expected).abs() < 0.1, "{found:?} against {expected}");
            }
        }
        // Both stay within what chance explains, and would not if purchases after the fit had halved or doubled.
        assert!(bg.alarm.is_none() && pareto.alarm.is_none(), "{:?}", bg.weeks.last());
        assert!(bg.dispersion > 4.0 && bg.dispersion < 12.0, "{}", bg.dispersion);
        for scale in [0.5, 2.0] {
            let alarm =
                track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &of_weeks(&cdnow_weeks(scale), 39))
                    .expect("finite")
                    .alarm;
            assert!(alarm.is_some_and(|alarm| alarm.starts_with("In week 78 customers had made")));
        }
        // The same weeks before a later fit are no reason to repeat it.
        assert!(
            track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &of_weeks(&cdnow_weeks(2.0), 78))
                .expect("finite")
                .alarm
                .is_none()
        );
    }

    #[test]
    fn a_window_that_opens_late_counts_its_own_purchases_only() {
        let histories = at_the_end();
        let all = track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &of_weeks(&cdnow_weeks(1.0), 39))
            .expect("finite");
        let late = track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &of_weeks(&cdnow_weeks(1.0)[52..], 0))
            .expect("finite");
        let expected = all.weeks[77].expected - all.weeks[51].expected;
        assert!((late.weeks[25].expected - expected).abs() < 1e-6 && late.weeks[25].actual == 4339.0 - 3183.0);
    }

    /// A shop whose last two weeks of each eight bring half: the week after a fit is no reason to fit anew for being one of them.
    #[test]
    fn what_the_model_missed_before_is_no_alarm_when_it_comes_again() {
        let histories = at_the_end();
        let waves = |last: f64| -> Vec<f64> {
            let expected = track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &of_weeks(&[1.0; 78], 78));
            let weeks = expected.expect("finite").weeks;
            let of_week =
                |place: usize| weeks[place].expected - if place > 0 { weeks[place - 1].expected } else { 0.0 };
            let factor = |place: usize| {
                if place == 77 {
                    last
                } else if place % 8 > 5 {
                    0.5
                } else {
                    1.15
                }
            };
            (0..78).map(|place| (of_week(place) * factor(place)).round()).collect()
        };
        let alarm = |last: f64| {
            let weeks = of_weeks(&waves(last), 77);
            track(&ParetoNbd, &PARETO, (&histories, &Clock::calendar()), &weeks).expect("finite").alarm
        };
        assert!(alarm(0.5).is_none(), "{:?}", alarm(0.5));
        assert!(alarm(4.0).is_some());
    }

    #[test]
    fn weeks_end_with_the_fit_and_leave_out_what_is_not_over() {
        // Eleven days after the fit: one whole week, and four days of the next.
        let days: Vec<(u32, f64)> = (0..30).map(|days_ago| (days_ago, 1.0)).collect();
        let weeks = Weeks::new(&days, 11);
        assert_eq!(weeks, Weeks { purchases: vec![5.0, 7.0, 7.0, 7.0], fit_week: 3, days_since: 4 });
        assert_eq!(Weeks::new(&days[..14], 0), Weeks { purchases: vec![7.0, 7.0], fit_week: 2, days_since: 0 });
        assert_eq!(Weeks::new(&[], 0), Weeks { purchases: vec![0.0], fit_week: 1, days_since: 0 });
        // A fit to data that have gone since.
        assert_eq!(Weeks::new(&days[..3], 9).purchases, [0.0, 1.0]);
    }

    /// Six days into the next week nothing of the last one has changed but the customers' ages.
    #[test]
    fn the_days_since_the_last_week_change_no_week() {
        let later: Vec<(History, f64)> = at_the_end()
            .into_iter()
            .map(|(history, customers)| (History { age_weeks: history.age_weeks + 6.0 / 7.0, ..history }, customers))
            .collect();
        let now = track(&ParetoNbd, &PARETO, (&at_the_end(), &Clock::calendar()), &of_weeks(&cdnow_weeks(1.0), 39))
            .expect("finite");
        let then = track(
            &ParetoNbd,
            &PARETO,
            (&later, &Clock::calendar()),
            &Weeks { days_since: 6, ..of_weeks(&cdnow_weeks(1.0), 39) },
        )
        .expect("finite");
        for (now, then) in now.weeks.iter().zip(&then.weeks) {
            assert!((now.expected - then.expected).abs() < 1e-6 && now.actual == then.actual);
        }
    }

    #[test]
    fn hostile_input_has_no_tracking() {
        let one = [(history(0.0, 0.0, 10.0), 1.0)];
        assert!(track(&ParetoNbd, &PARETO, (&one, &Clock::calendar()), &of_weeks(&[], 0)).is_none());
        assert!(track(&ParetoNbd, &PARETO, (&[], &Clock::calendar()), &of_weeks(&[1.0], 0)).is_none());
        assert!(track(&ParetoNbd, &PARETO, (&one, &Clock::calendar()), &of_weeks(&[f64::NAN], 0)).is_none());
        assert!(
            track(
                &ParetoNbd,
                &PARETO,
                (&[(history(0.0, 0.0, f64::NAN), 1.0)], &Clock::calendar()),
                &of_weeks(&[1.0], 0)
            )
            .is_none()
        );
        let young = track(
            &ParetoNbd,
            &PARETO,
            (&[(history(0.0, 0.0, 0.0), 2.0)], &Clock::calendar()),
            &of_weeks(&[0.0, 0.0], 0),
        )
        .expect("finite");
        assert_eq!((young.weeks[1].expected, young.weeks[1].is_outside()), (0.0, false));
    }
}
