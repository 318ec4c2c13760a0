//! The season as a clock: purchases follow an operational time that runs faster in December, on Saturdays and in the evening.
//!
//! A purchase process in operational time stays exactly what it is, so its closed forms hold; the calendar only says when
//! an operational moment is. The unit is an average day: over whole years both clocks agree.

use chrono::{Datelike, Days, NaiveDate};

/// Days that the clock goes on after the end of the data: the longest horizon of the truth, and a leap day.
pub const FUTURE_DAYS: u32 = 366;
const SECONDS_OF_A_DAY: f64 = 86_400.0;
/// Four years hold one leap day and whole weeks: the mean over them is that of ever.
const CYCLE_DAYS: u64 = 1461 * 7;
/// Purchases by weekday, from Monday, against an average day.
const WEEKDAYS: [f64; 7] = [0.90, 0.88, 0.92, 0.98, 1.08, 1.22, 1.02];
/// Purchases by hour, from midnight; only their shares count.
const HOURS: [f64; 24] = [
    6.0, 3.0, 2.0, 1.0, 1.0, 2.0, 5.0, 12.0, 24.0, 38.0, 50.0, 56.0, 60.0, 56.0, 50.0, 50.0, 54.0, 62.0, 72.0, 84.0,
    90.0, 76.0, 44.0, 18.0,
];

/// Operational time against the calendar, from the first day of the data to [`FUTURE_DAYS`] after its last.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Operational time at the start of each day.
    at_day: Vec<f64>,
    /// Share of a day's purchases before the start of each hour.
    at_hour: [f64; 25],
}

/// What a day's purchases are to those of an average day, before the strength: a wave with its top in June, and the weeks
/// before Christmas.
fn intensity(day: NaiveDate) -> f64 {
    let of_year = f64::from(day.ordinal0());
    let wave = 0.25 * (std::f64::consts::TAU * (of_year - 80.0) / 365.25).sin();
    let christmas = 0.9 * (-((of_year - 340.0) / 18.0).powi(2)).exp();
    (1.0 + wave + christmas) * WEEKDAYS[day.weekday().num_days_from_monday() as usize]
}

impl Clock {
    /// A clock of this many days from `start`; `strength` 0 knows no season, 1 the whole one.
    pub(super) fn new(start: NaiveDate, days: u32, strength: f64) -> Self {
        let day = |number: u64| start + Days::new(number);
        let mean = (0..CYCLE_DAYS).map(|number| intensity(day(number))).sum::<f64>() / CYCLE_DAYS as f64;
        let mut at_day = vec![0.0];
        let mut now = 0.0;
        for number in 0..u64::from(days + FUTURE_DAYS) {
            now += 1.0 + strength * (intensity(day(number)) / mean - 1.0);
            at_day.push(now);
        }
        let of_day = HOURS.iter().sum::<f64>();
        let mut at_hour = [0.0; 25];
        for hour in 0..24 {
            let share = (1.0 - strength) / 24.0 + strength * HOURS[hour] / of_day;
            at_hour[hour + 1] = at_hour[hour] + share;
        }
        Clock { at_day, at_hour }
    }

    /// Operational time at the start of a day of the calendar.
    #[must_use]
    pub fn at_day(&self, day: u32) -> f64 {
        self.at_day[(day as usize).min(self.at_day.len() - 1)]
    }

    /// The second of the calendar, from the start of the data, at an operational moment; the clock's end for later ones.
    #[must_use]
    pub fn second(&self, moment: f64) -> u32 {
        let day = self.at_day.partition_point(|start| *start <= moment).saturating_sub(1);
        let Some(next) = self.at_day.get(day + 1) else { return day as u32 * SECONDS_OF_A_DAY as u32 };
        let share = (moment - self.at_day[day]) / (next - self.at_day[day]);
        let hour = self.at_hour.partition_point(|start| *start <= share).clamp(1, 24) - 1;
        let within = (share - self.at_hour[hour]) / (self.at_hour[hour + 1] - self.at_hour[hour]);
        let second = (day as f64 + (hour as f64 + within.clamp(0.0, 1.0)) / 24.0) * SECONDS_OF_A_DAY;
        // Rounding must not carry a purchase into the next day.
        (second as u32).min((day as u32 + 1) * SECONDS_OF_A_DAY as u32 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(strength: f64) -> Clock {
        Clock::new(NaiveDate::from_ymd_opt(2022, 1, 1).unwrap(), 1096, strength)
    }

    #[test]
    fn without_a_season_operational_time_is_the_calendar() {
        let clock = clock(0.0);
        assert_eq!((clock.at_day(0), clock.at_day(1000)), (0.0, 1000.0));
        assert_eq!(clock.second(10.5), 10 * 86_400 + 43_200);
    }

    #[test]
    fn years_are_as_long_as_they_are_and_december_is_not() {
        let clock = clock(1.0);
        let year = clock.at_day(365) - clock.at_day(0);
        assert!((year / 365.0 - 1.0).abs() < 0.01, "{year}");
        let december = clock.at_day(365) - clock.at_day(334);
        assert!(december > 1.25 * 31.0, "{december}");
        // 2022-01-01 is a Saturday.
        let (saturday, tuesday) = (clock.at_day(8) - clock.at_day(7), clock.at_day(11) - clock.at_day(10));
        assert!((saturday / tuesday - 1.22 / 0.88).abs() < 0.03, "{saturday} {tuesday}");
    }

    proptest! {
        #[test]
        fn the_clock_never_goes_back(strength in 0.0f64..=1.0, mut a in 0.0f64..1400.0, mut b in 0.0f64..1400.0) {
            if b < a {
                std::mem::swap(&mut a, &mut b);
            }
            let clock = clock(strength);
            prop_assert!(clock.second(a) <= clock.second(b));
            let day = clock.second(a) / 86_400;
            prop_assert!(clock.at_day(day) <= a && a <= clock.at_day(day + 1), "{} on day {}", a, day);
        }
    }
}
