//! The clock that an outlook is told on: operational days of the past and of what is ahead, seen from today.
//!
//! Without a season it is the calendar. With one, histories and horizons are read from it as the fit read them (`season`), in whole
//! operational days where they are looked up, so that equal histories stay equal.

use super::season::Season;
use chrono::{Days, NaiveDate};

/// Days ahead that are laid out by month; what lies beyond goes on evenly.
const DAYS_AHEAD: usize = 3660;

/// Operational days seen from the end of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// Operational days of the last `d` days at place `d`; empty without a season.
    back: Vec<f64>,
    /// Those of the next `d` days.
    ahead: Vec<f64>,
}

impl Clock {
    /// The calendar: a day is a day.
    #[must_use]
    pub fn calendar() -> Clock {
        Clock::default()
    }

    /// The clock at the end of `today` for histories of at most `oldest_days` days.
    #[must_use]
    pub fn of(season: &Season, today: NaiveDate, oldest_days: u32) -> Clock {
        let first = today.checked_sub_days(Days::new(u64::from(oldest_days.max(1)) - 1)).unwrap_or(today);
        let past = season.clock(first, oldest_days as usize);
        let now = past.at(oldest_days);
        let tomorrow = today.succ_opt().unwrap_or(today);
        let next = season.clock(tomorrow, DAYS_AHEAD);
        Clock {
            back: (0..=oldest_days).map(|days| now - past.at(oldest_days - days)).collect(),
            ahead: (0..=DAYS_AHEAD as u32).map(|days| next.at(days)).collect(),
        }
    }

    /// Operational days of the last `d` days at place `d`, for the server; none for the calendar.
    #[must_use]
    pub fn table(&self) -> Option<&[f64]> {
        (!self.back.is_empty()).then_some(self.back.as_slice())
    }

    /// Days since the first purchase, at the last one and now, as they are looked up.
    #[must_use]
    pub fn elapsed(&self, last_days: f64, days: f64) -> (f64, f64) {
        if self.back.is_empty() {
            return (last_days, days);
        }
        let whole = |value: f64| (value + 0.5).floor();
        let now = whole(self.back_at(days));
        let since_last = self.back_at(days - last_days);
        let least = if last_days > 0.0 { 1.0 } else { 0.0 };
        (whole(self.back_at(days) - since_last).max(least).min(now), now)
    }

    /// Operational days of the last `days` days; past the oldest they go on evenly.
    #[must_use]
    pub fn back_at(&self, days: f64) -> f64 {
        along(&self.back, days)
    }

    /// Operational weeks of the next `weeks` weeks.
    #[must_use]
    pub fn ahead_weeks(&self, weeks: f64) -> f64 {
        along(&self.ahead, weeks * 7.0) / 7.0
    }
}

/// The value at a place between two of a table; beyond its end it goes on by one a day, and an empty one is the calendar.
fn along(table: &[f64], days: f64) -> f64 {
    let Some(last) = table.len().checked_sub(1) else { return days };
    let place = days.clamp(0.0, last as f64);
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    table[below] + (table[above] - table[below]) * (place - below as f64) + (days - last as f64).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2023, month, day).expect("a date")
    }

    fn christmas() -> Season {
        Season::given(std::array::from_fn(|month| if month == 11 { 3.0 } else { 1.0 })).expect("in range")
    }

    #[test]
    fn the_calendar_changes_nothing() {
        let clock = Clock::calendar();
        assert_eq!((clock.elapsed(12.0, 40.0), clock.ahead_weeks(5.5), clock.table()), ((12.0, 40.0), 5.5, None));
    }

    #[test]
    fn december_days_hold_more_in_the_past_and_ahead() {
        let season = christmas();
        let [usual, december] = [season.factors()[0], season.factors()[11]];
        assert!((december / usual - 3.0).abs() < 1e-12);
        let clock = Clock::of(&season, on(12, 10), 100);
        // Ten days of December and twenty of November.
        assert!((clock.back_at(30.0) - 10.0 * december - 20.0 * usual).abs() < 1e-9);
        // Three weeks of December are ahead, then January.
        assert!((clock.ahead_weeks(4.0) * 7.0 - 21.0 * december - 7.0 * usual).abs() < 1e-9);
        assert!((clock.ahead_weeks(0.5) * 7.0 - 3.5 * december).abs() < 1e-9);
        assert_eq!(clock.table().map(<[f64]>::len), Some(101));
        // First purchase 30 days ago, last one 10 days ago: only November lies between them.
        assert_eq!(
            clock.elapsed(20.0, 30.0),
            ((20.0 * usual + 0.5).floor(), (10.0 * december + 20.0 * usual + 0.5).floor())
        );
    }

    #[test]
    fn a_repeat_purchase_stays_after_the_first_one_and_before_now() {
        let clock = Clock::of(&christmas(), on(2, 28), 400);
        for days in 1..400 {
            for last in [1, days / 2, days] {
                let (last_days, now) = clock.elapsed(f64::from(last), f64::from(days));
                assert!(last_days <= now && (last == 0 || last_days >= 1.0 || now == 0.0), "{last} of {days}");
            }
        }
        assert_eq!(clock.elapsed(0.0, 0.0), (0.0, 0.0));
    }

    #[test]
    fn a_year_ahead_holds_about_a_year_and_beyond_the_table_time_goes_on() {
        let clock = Clock::of(&christmas(), on(3, 1), 10);
        assert!((clock.ahead_weeks(365.25 / 7.0) * 7.0 - 365.25).abs() < 1.0);
        assert!(clock.ahead_weeks(600.0) > clock.ahead_weeks(550.0) + 49.0);
        assert!(clock.back_at(30.0) >= clock.back_at(10.0) + 20.0 - 1e-9);
    }
}
