//! Gamma-Gamma: the mean order value of a customer, shrunk towards that of all.
//!
//! P. S. Fader, B. G. S. Hardie (2013), The Gamma-Gamma Model of Monetary Value: a mean `z` over `x` orders is `Gamma(px, nu x)`,
//! `nu ~ Gamma(q, v)`. Log-likelihood (their 1a): `lnΓ(px+q) - lnΓ(px) - lnΓ(q) + q ln v + (px-1) ln z + px ln x - (px+q) ln(xz+v)`.
//! Expected value (their 5): `E[M | x, z] = p (v + x z) / (px + q - 1)`, for a new customer `p v / (q - 1)`, finite only for `q > 1`.
//! The model takes order value and number of orders as independent: look at the correlation before trusting it.

use super::estimate::{Estimate, Likelihood, ROWS_TO_START_ON, maximize};
use statrs::function::gamma::{digamma, ln_gamma};

/// The names of the parameters.
pub const PARAMETERS: [&str; 3] = ["p", "q", "v"];

/// Expected order value of a customer with `count` valued repeat orders of this mean, for `theta = [p, q, v]`.
#[must_use]
pub fn expected_value(theta: &[f64], count: f64, mean: f64) -> f64 {
    let [p, q, v] = [theta[0], theta[1], theta[2]];
    p * (v + count * mean) / (p * count + q - 1.0)
}

/// Repeat customers with a positive mean order value, sorted by their number of orders.
#[derive(Clone, Debug, PartialEq)]
struct Spend {
    /// `(count, count * mean, place in distinct_counts)`.
    rows: Vec<(f64, f64, usize)>,
    distinct_counts: Vec<f64>,
    /// Customers of each distinct count.
    weights: Vec<f64>,
    /// Sum of `ln mean`, and of `count (ln mean + ln count)`.
    sum_ln: f64,
    sum_count_ln: f64,
}

impl Spend {
    /// Rows must be sorted by count.
    fn new<'a>(sorted: impl Iterator<Item = &'a (f64, f64)>) -> Self {
        let mut spend = Spend {
            rows: Vec::new(),
            distinct_counts: Vec::new(),
            weights: Vec::new(),
            sum_ln: 0.0,
            sum_count_ln: 0.0,
        };
        for (count, mean) in sorted {
            if spend.distinct_counts.last() != Some(count) {
                spend.distinct_counts.push(*count);
                spend.weights.push(0.0);
            }
            let place = spend.distinct_counts.len() - 1;
            spend.weights[place] += 1.0;
            spend.sum_ln += mean.ln();
            spend.sum_count_ln += count * (mean.ln() + count.ln());
            spend.rows.push((*count, count * mean, place));
        }
        spend
    }
}

impl Likelihood for Spend {
    fn log_likelihood(&self, theta: &[f64]) -> f64 {
        let [p, q, v] = [theta[0], theta[1], theta[2]];
        let constant = q * v.ln() - ln_gamma(q);
        let by_count: f64 = self
            .distinct_counts
            .iter()
            .zip(&self.weights)
            .map(|(x, weight)| weight * (ln_gamma(p * x + q) - ln_gamma(p * x) + constant))
            .sum();
        let totals: f64 = self.rows.iter().map(|(x, total, _)| (p * x + q) * (total + v).ln()).sum();
        by_count + p * self.sum_count_ln - self.sum_ln - totals
    }

    fn gradient(&self, theta: &[f64]) -> Option<(f64, Vec<f64>)> {
        let [p, q, v] = [theta[0], theta[1], theta[2]];
        let (mut by_p, mut by_q, mut by_v) = (self.sum_count_ln, 0.0, self.rows.len() as f64 * q / v);
        for (x, weight) in self.distinct_counts.iter().zip(&self.weights) {
            let both = digamma(p * x + q);
            by_p += weight * x * (both - digamma(p * x));
            by_q += weight * (both - digamma(q) + v.ln());
        }
        for (x, total, _) in &self.rows {
            let ln_total = (total + v).ln();
            by_p -= x * ln_total;
            by_q -= ln_total;
            by_v -= (p * x + q) / (total + v);
        }
        Some((self.log_likelihood(theta), vec![by_p, by_q, by_v]))
    }

    fn size(&self) -> f64 {
        self.rows.len() as f64
    }
}

/// Fits `[p, q, v]` to `(count, mean)` of customers with a positive count and mean; `None` if the likelihood is nowhere finite.
pub(super) fn fit(customers: &[(f64, f64)]) -> Option<Estimate> {
    let n = customers.len() as f64;
    let unit = customers.iter().map(|(_, mean)| mean).sum::<f64>() / n;
    // In units of the mean value the search does not depend on the currency; v is scaled back at the end.
    let mut sorted: Vec<(f64, f64)> = customers.iter().map(|(count, mean)| (*count, mean / unit)).collect();
    sorted.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
    let every = sorted.len().div_ceil(ROWS_TO_START_ON).max(1);
    let (thinned, all) = (Spend::new(sorted.iter().step_by(every)), Spend::new(sorted.iter()));
    let starts = [vec![5.0, 4.0, 0.6], vec![1.0, 3.0, 2.0], vec![20.0, 2.5, 0.1]];
    let mut estimate = maximize(&thinned, &all, &starts, &[(1e-3, 1e5), (1e-3, 1e5), (1e-6, 1e6)])?;
    estimate.theta[2] *= unit;
    estimate.standard_errors[2] = estimate.standard_errors[2].map(|error| error * unit);
    estimate.log_likelihood -= n * unit.ln();
    Some(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{self, assert_near};

    #[test]
    fn gamma_gamma_on_cdnow_sample_equals_the_reference_fit() {
        let repeaters: Vec<(f64, f64)> = cdnow::sample()
            .iter()
            .map(|customer| (customer.history.repeat_count, customer.mean_repeat_value))
            .filter(|(count, mean)| *count > 0.0 && *mean > 0.0)
            .collect();
        assert_eq!(repeaters.len(), 946);
        let estimate = fit(&repeaters).expect("finite");
        assert!(estimate.has_converged && estimate.log_likelihood >= -4055.91769 - 1e-4, "{estimate:?}");
        for (ours, reference) in estimate.theta.iter().zip([6.249572, 3.744225, 15.443523]) {
            assert_near(*ours, reference, 1e-5);
        }
        for (ours, reference) in estimate.standard_errors.iter().zip([1.190, 0.290, 4.159]) {
            assert_near(ours.expect("identified"), reference, 5e-3);
        }
        assert_near(expected_value(&estimate.theta, 0.0, 0.0), 35.17037, 1e-6);
    }

    #[test]
    fn gamma_gamma_published_values_by_mpmath() {
        let cases = [
            (2.0, 22.345, 24.65961286),
            (1.0, 11.77, 18.91685206),
            (0.0, 0.0, 35.2189781),
            (7.0, 73.74, 71.4696709),
            (26.0, 40.0, 39.92072137),
        ];
        for (count, mean, reference) in cases {
            assert_near(expected_value(&[6.25, 3.74, 15.44], count, mean), reference, 1e-8);
        }
    }

    #[test]
    fn the_currency_changes_nothing_but_the_unit() {
        let customers: Vec<(f64, f64)> =
            (0..200).map(|i| (f64::from(1 + i % 5), 20.0 + f64::from(i * 37 % 101))).collect();
        let yen: Vec<(f64, f64)> = customers.iter().map(|(count, mean)| (*count, mean * 150.0)).collect();
        let (euro, yen) = (fit(&customers).expect("finite"), fit(&yen).expect("finite"));
        assert_near(yen.theta[0], euro.theta[0], 1e-4);
        assert_near(expected_value(&yen.theta, 2.0, 3000.0), 150.0 * expected_value(&euro.theta, 2.0, 20.0), 1e-6);
    }
}
