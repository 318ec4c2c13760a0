//! Residual value by window and by year: what is still to come within 90, 180, 365 days, and of years one to five.
//!
//! The past is not in it. Each month's expected purchases are discounted from its end (`discount`); a window that ends within a
//! month has a last, partial one. Years are twelve months of the stated length.

use super::discount::{DAYS_OF_A_MONTH, Discounting};

/// Months of a year.
const MONTHS_OF_A_YEAR: f64 = 12.0;

/// How the coming time is cut and discounted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Yearly discount rate; 0.1 is ten percent a year.
    pub rate_annual: f64,
    /// Length of a month in days; a year is twelve of them.
    pub month_days: f64,
}

impl Default for Terms {
    fn default() -> Self {
        Terms { rate_annual: 0.0, month_days: DAYS_OF_A_MONTH }
    }
}

/// Discounted expected purchases of one customer; times the expected order value and the margin they are residual lifetime value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Residual {
    /// Within 90, 180 and 365 days.
    pub within_days: [f64; 3],
    /// In the first, second, third, fourth and fifth year from now.
    pub in_year: [f64; 5],
}

/// The windows of [`Residual::within_days`], in days.
pub const WINDOW_DAYS: [f64; 3] = [90.0, 180.0, 365.0];

impl Terms {
    /// The plan of months until so many days from now.
    #[must_use]
    pub fn plan(&self, days: f64) -> Discounting {
        Discounting {
            month_weeks: self.month_days / 7.0,
            rate_monthly: (self.rate_annual.ln_1p() / MONTHS_OF_A_YEAR).exp_m1(),
            horizon_weeks: days / 7.0,
        }
    }

    /// The residual of a customer expected to make `purchases_until(t)` purchases in `t` weeks.
    #[must_use]
    pub fn residual(&self, purchases_until: impl Fn(f64) -> f64) -> Residual {
        let until = |days: f64| self.plan(days).present(&purchases_until).1;
        let mut before = 0.0;
        let in_year = [1.0, 2.0, 3.0, 4.0, 5.0].map(|year| {
            let now = until(year * MONTHS_OF_A_YEAR * self.month_days);
            let within = (now - before).max(0.0);
            before = now;
            within
        });
        Residual { within_days: WINDOW_DAYS.map(until), in_year }
    }
}

impl Residual {
    /// That of a customer who is there with this probability.
    #[must_use]
    pub fn times(self, alive: f64) -> Residual {
        Residual {
            within_days: self.within_days.map(|purchases| alive * purchases),
            in_year: self.in_year.map(|purchases| alive * purchases),
        }
    }

    /// Sum of the years `from` to `to`, both included and counted from 1; years past the fifth are not known.
    #[must_use]
    pub fn years(&self, from: usize, to: usize) -> f64 {
        self.in_year.iter().take(to).skip(from.saturating_sub(1)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{assert_near, history};
    use crate::analytics::ltv::{MbgNbd, PurchaseProcess};

    const THETA: [f64; 4] = [0.525, 6.183, 0.891, 1.614];

    #[test]
    fn years_add_up_and_the_first_is_that_of_365_days() {
        let until = |weeks: f64| MbgNbd.expected_purchases(&THETA, &history(7.0, 29.43, 38.86), weeks);
        let residual = Terms { rate_annual: 0.1, ..Terms::default() }.residual(until);
        assert_near(residual.in_year[0], residual.within_days[2], 1e-12);
        let five = Discounting::over_days(5.0 * 365.0, 0.1).present(until).1;
        assert_near(residual.years(1, 5), five, 1e-12);
        assert_near(residual.years(1, 3) + residual.years(4, 5), five, 1e-12);
        assert_near(residual.years(3, 5), residual.in_year[2..].iter().sum(), 1e-15);
        assert!(residual.in_year.windows(2).all(|pair| pair[0] > pair[1]), "{residual:?}");
        assert!(residual.within_days.windows(2).all(|pair| pair[0] < pair[1]), "{residual:?}");
    }

    #[test]
    fn without_discount_it_is_the_expected_purchases_whatever_the_month() {
        let until = |weeks: f64| MbgNbd.expected_purchases(&THETA, &history(2.0, 30.43, 38.86), weeks);
        for month_days in [28.0, DAYS_OF_A_MONTH, 30.415] {
            let residual = Terms { rate_annual: 0.0, month_days }.residual(until);
            assert_near(residual.within_days[0], until(90.0 / 7.0), 1e-13);
            assert_near(residual.years(1, 3), until(36.0 * month_days / 7.0), 1e-13);
        }
    }

    /// Constant purchases of one a month at one percent a month: an annuity.
    #[test]
    fn an_even_stream_is_an_annuity() {
        let terms = Terms { rate_annual: 1.01f64.powi(12) - 1.0, month_days: 30.0 };
        let residual = terms.residual(|weeks| weeks * 7.0 / 30.0);
        let annuity = |months: i32| (1.0 - 1.01f64.powi(-months)) / 0.01;
        assert_near(residual.in_year[0], annuity(12), 1e-12);
        assert_near(residual.years(3, 5), annuity(60) - annuity(24), 1e-12);
        assert_near(residual.within_days[0], annuity(3), 1e-12);
        assert_eq!(residual.years(6, 9), 0.0);
    }
}
