//! Residual value: expected purchases of the coming months, each discounted from the end of its month.

/// Days of a month: a twelfth of 365, so that a year has twelve whole months.
pub const DAYS_OF_A_MONTH: f64 = 365.0 / 12.0;

/// A plan of months.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discounting {
    /// Length of a month in weeks.
    pub month_weeks: f64,
    /// Discount of a month; 0.01 is one percent.
    pub rate_monthly: f64,
    /// End of the prediction in weeks; a last, partial month is discounted from its own end.
    pub horizon_weeks: f64,
}

impl Discounting {
    /// Months of 365/12 days, at the monthly rate that compounds to the yearly one.
    #[must_use]
    pub fn over_days(horizon_days: f64, rate_annual: f64) -> Self {
        Discounting {
            month_weeks: DAYS_OF_A_MONTH / 7.0,
            rate_monthly: (rate_annual.ln_1p() / 12.0).exp_m1(),
            horizon_weeks: horizon_days / 7.0,
        }
    }

    /// `(purchases, discounted purchases)` over the horizon, of a customer expected to make `purchases_until(t)` purchases in `t` weeks:
    /// `sum over months i of (E(t_i) - E(t_(i-1))) / (1 + d)^(t_i / month)`.
    pub fn present(&self, purchases_until: impl Fn(f64) -> f64) -> (f64, f64) {
        // A sliver of rounding is not another month.
        let months = (self.horizon_weeks / self.month_weeks - 1e-9).ceil().max(1.0) as usize;
        let mut before = 0.0;
        let mut discounted = 0.0;
        for month in 1..=months {
            let end = if month == months { self.horizon_weeks } else { month as f64 * self.month_weeks };
            let until = purchases_until(end).max(before);
            discounted += (until - before) * (-(end / self.month_weeks) * self.rate_monthly.ln_1p()).exp();
            before = until;
        }
        (before, discounted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{assert_near, history};
    use crate::analytics::ltv::{BgNbd, MbgNbd, ParetoNbd, PurchaseProcess, gamma_gamma};

    #[test]
    fn twelve_month_values_equal_the_reference_and_lifetimes() {
        let customers = [
            (history(2.0, 213.0 / 7.0, 272.0 / 7.0), 22.345),
            (history(1.0, 12.0 / 7.0, 272.0 / 7.0), 11.77),
            (history(0.0, 0.0, 272.0 / 7.0), 0.0),
            (history(7.0, 206.0 / 7.0, 272.0 / 7.0), 73.74),
            (history(26.0, 30.86, 31.0), 40.0),
        ];
        let spend = [6.25, 3.74, 15.44];
        let plan = Discounting { month_weeks: 4.345, rate_monthly: 0.01, horizon_weeks: 12.0 * 4.345 };
        let expect = |estimator: &dyn PurchaseProcess, theta: &[f64], values: &[f64]| {
            for ((history, mean), reference) in customers.iter().zip(values) {
                let (_, purchases) = plan.present(|weeks| estimator.expected_purchases(theta, history, weeks));
                assert_near(
                    purchases * gamma_gamma::expected_value(&spend, history.repeat_count, *mean),
                    *reference,
                    1e-8,
                );
            }
        };
        expect(
            &BgNbd,
            &[0.243, 4.414, 0.793, 2.426],
            &[36.28570155, 4.64103087, 8.36949126, 283.56496891, 972.81999297],
        );
        expect(
            &MbgNbd,
            &[0.525, 6.183, 0.891, 1.614],
            &[37.19827437, 4.29132306, 6.56786854, 267.87526731, 907.04774828],
        );
        expect(
            &ParetoNbd,
            &[0.553, 10.578, 0.606, 11.669],
            &[43.08573584, 3.88903473, 4.52849546, 318.58204996, 959.81120719],
        );
    }

    #[test]
    fn a_year_has_twelve_months_that_compound_to_the_yearly_rate() {
        let plan = Discounting::over_days(365.0, 0.1);
        let (purchases, discounted) = plan.present(|weeks| if weeks < 365.0 / 7.0 { 0.0 } else { 5.0 });
        assert_eq!(purchases, 5.0);
        assert_near(discounted, 5.0 / 1.1, 1e-14);
        let calls = std::cell::Cell::new(0);
        let _ = plan.present(|weeks| {
            calls.set(calls.get() + 1);
            weeks
        });
        assert_eq!(calls.get(), 12);
    }

    #[test]
    fn a_partial_month_is_discounted_from_its_own_end() {
        let plan = Discounting::over_days(45.0, 0.1);
        let (purchases, discounted) = plan.present(|weeks| weeks);
        let month = DAYS_OF_A_MONTH / 7.0;
        let by_hand = month / 1.1f64.powf(1.0 / 12.0) + (45.0 / 7.0 - month) / 1.1f64.powf(45.0 / 365.0);
        assert_near(purchases, 45.0 / 7.0, 1e-15);
        assert_near(discounted, by_hand, 1e-13);
        let (purchases, discounted) = Discounting::over_days(45.0, 0.0).present(|weeks| weeks);
        assert_eq!(purchases, discounted);
    }
}
