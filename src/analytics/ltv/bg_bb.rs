//! BG/BB: purchases at discrete opportunities, such as yearly appeals or visits to an event, with silent dropout between them.
//!
//! P. S. Fader, B. G. S. Hardie, J. Shang (2010), Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing
//! Science 29(6), 1086-1108. At each of `n` opportunities a customer who is alive buys with chance `p ~ Beta(alpha, beta)`; before each the
//! life ends with chance `theta ~ Beta(gamma, delta)`. Of a customer with `x` purchases, the last one at opportunity `t_x`:
//!
//! * likelihood (their 5): `Σ_i B(α+x, β+t_x-x+i)/B(α,β) B(γ+1, δ+t_x+i)/B(γ,δ)` over the `i = 0..n-t_x-1` at which the life may have ended,
//!   and for a life that goes on `A(n) = B(α+x, β+n-x)/B(α,β) B(γ, δ+n)/B(γ,δ)`;
//! * purchases to come: opportunity `n+k` brings one with the chance `B(α+x+1, β+n-x)/B(α,β) B(γ, δ+n+k)/B(γ,δ)` over the likelihood; their
//!   (10) and (14) are sums of it, plain and discounted.
//!
//! Not a `PurchaseProcess`: its data are opportunities, not times.

use super::estimate::{Estimate, Likelihood, ROWS_TO_START_ON, maximize};
use crate::analytics::math::hypergeometric::{self, ln_beta};
use statrs::function::gamma::digamma;

/// The names of the parameters.
pub const PARAMETERS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// Smallest and largest value that a fit may reach.
const BOUNDS: (f64, f64) = (1e-3, 1e4);

/// What one customer did at opportunities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Donor {
    /// Purchases, `x`.
    pub count: u32,
    /// Opportunity of the last one, `t_x`, counted from 1; 0 when there was none.
    pub last: u32,
    /// Opportunities that there were, `n`.
    pub opportunities: u32,
}

impl Donor {
    /// Whether it is free of contradictions.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.count <= self.last && self.last <= self.opportunities && (self.count > 0 || self.last == 0)
    }

    /// `x`, `t_x` and `n` as floats.
    fn numbers(&self) -> (f64, f64, f64) {
        (f64::from(self.count), f64::from(self.last), f64::from(self.opportunities))
    }
}

/// Rows with their numbers of customers.
struct Donors<'a>(&'a [(Donor, f64)]);

impl Likelihood for Donors<'_> {
    fn log_likelihood(&self, theta: &[f64]) -> f64 {
        self.0.iter().map(|(donor, weight)| weight * log_likelihood(theta, donor)).sum()
    }

    fn gradient(&self, theta: &[f64]) -> Option<(f64, Vec<f64>)> {
        let (mut sum, mut gradient) = (0.0, vec![0.0; 4]);
        for (donor, weight) in self.0 {
            let (value, slope) = with_gradient(theta, donor);
            sum += weight * value;
            gradient.iter_mut().zip(slope).for_each(|(total, slope)| *total += weight * slope);
        }
        Some((sum, gradient))
    }

    fn size(&self) -> f64 {
        self.0.iter().map(|(_, weight)| weight).sum()
    }
}

/// Fits `[alpha, beta, gamma, delta]` to sound donors, each with the number of customers alike; `None` without any, or if the likelihood is nowhere
/// finite.
#[must_use]
pub fn fit(donors: &[(Donor, f64)]) -> Option<Estimate> {
    if donors.is_empty()
        || donors.iter().any(|(donor, weight)| !(donor.is_sound() && *weight >= 0.0 && weight.is_finite()))
    {
        return None;
    }
    let every = donors.len().div_ceil(ROWS_TO_START_ON).max(1);
    let thinned: Vec<(Donor, f64)> = donors.iter().step_by(every).copied().collect();
    let starts = [vec![1.0, 1.0, 0.5, 2.0], vec![0.5, 1.5, 1.0, 5.0], vec![2.0, 0.7, 0.3, 1.0]];
    maximize(&Donors(&thinned), &Donors(donors), &starts, &[BOUNDS; 4])
}

/// The terms of the likelihood as `(logarithm, first and second argument of both Beta functions)`: ended lives, then the one that goes on.
fn terms<'a>(theta: &'a [f64], donor: &'a Donor) -> impl Iterator<Item = [f64; 4]> + 'a {
    let [alpha, beta, gamma, delta] = [theta[0], theta[1], theta[2], theta[3]];
    let (x, last, n) = donor.numbers();
    let ended = (donor.last..donor.opportunities).map(move |end| {
        let silent = f64::from(end) - last;
        [alpha + x, beta + last - x + silent, gamma + 1.0, delta + last + silent]
    });
    ended.chain(std::iter::once([alpha + x, beta + n - x, gamma, delta + n]))
}

fn ln_term([a, b, c, d]: [f64; 4]) -> f64 {
    ln_beta(a, b) + ln_beta(c, d)
}

/// Log-likelihood of one customer.
#[must_use]
pub fn log_likelihood(theta: &[f64], donor: &Donor) -> f64 {
    let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0f64);
    for term in terms(theta, donor).map(ln_term) {
        if term > largest {
            sum = sum * (largest - term).exp() + 1.0;
            largest = term;
        } else {
            sum += (term - largest).exp();
        }
    }
    largest + sum.ln() - ln_beta(theta[0], theta[1]) - ln_beta(theta[2], theta[3])
}

fn with_gradient(theta: &[f64], donor: &Donor) -> (f64, [f64; 4]) {
    let value = log_likelihood(theta, donor);
    let whole = value + ln_beta(theta[0], theta[1]) + ln_beta(theta[2], theta[3]);
    // Derivatives of ln B(a, b) by a and by b.
    let by_both = |a: f64, b: f64| {
        let sum = digamma(a + b);
        (digamma(a) - sum, digamma(b) - sum)
    };
    let (by_alpha, by_beta) = by_both(theta[0], theta[1]);
    let (by_gamma, by_delta) = by_both(theta[2], theta[3]);
    let mut gradient = [-by_alpha, -by_beta, -by_gamma, -by_delta];
    for term in terms(theta, donor) {
        let share = (ln_term(term) - whole).exp();
        let (by_a, by_b) = by_both(term[0], term[1]);
        let (by_c, by_d) = by_both(term[2], term[3]);
        gradient.iter_mut().zip([by_a, by_b, by_c, by_d]).for_each(|(total, slope)| *total += share * slope);
    }
    (value, gradient)
}

/// Probability of being alive at the opportunity after the last one, `n + 1` (their 8).
#[must_use]
pub fn probability_alive(theta: &[f64], donor: &Donor) -> f64 {
    let (x, _, n) = donor.numbers();
    let [alpha, beta, gamma, delta] = [theta[0], theta[1], theta[2], theta[3]];
    let ln_alive =
        ln_term([alpha + x, beta + n - x, gamma, delta + n + 1.0]) - ln_beta(alpha, beta) - ln_beta(gamma, delta);
    (ln_alive - log_likelihood(theta, donor)).exp().min(1.0)
}

/// Chance of a purchase at the next opportunity, `n + 1`.
fn next_purchase(theta: &[f64], donor: &Donor) -> f64 {
    let (x, _, n) = donor.numbers();
    // Alive at n + 1, p is Beta(alpha + x, beta + n - x).
    probability_alive(theta, donor) * (theta[0] + x) / (theta[0] + theta[1] + n)
}

/// Expected purchases at the next `opportunities` (their 10).
#[must_use]
pub fn expected_purchases(theta: &[f64], donor: &Donor, opportunities: u32) -> f64 {
    let (_, _, n) = donor.numbers();
    let (gamma, delta) = (theta[2], theta[3]);
    // One life more to survive with each: no gamma - 1 is divided by, so gamma = 1 needs no care.
    let (mut chance, mut sum) = (next_purchase(theta, donor), 0.0);
    for k in 1..=opportunities {
        sum += chance;
        let survived = delta + n + f64::from(k);
        chance *= survived / (gamma + survived);
    }
    sum
}

/// Probability of at least one purchase at the next `opportunities`: what silence there would take from the likelihood.
#[must_use]
pub fn purchase_probability(theta: &[f64], donor: &Donor, opportunities: u32) -> f64 {
    let silent = Donor { opportunities: donor.opportunities + opportunities, ..*donor };
    -(log_likelihood(theta, &silent) - log_likelihood(theta, donor)).min(0.0).exp_m1()
}

/// Discounted expected residual purchases without end (their 14), at a discount above 0 for each opportunity; the next one is discounted once.
#[must_use]
pub fn discounted_residual_purchases(theta: &[f64], donor: &Donor, discount: f64) -> f64 {
    let (_, _, n) = donor.numbers();
    let survived = theta[3] + n + 1.0;
    let series = hypergeometric::unit(survived, theta[2] + survived, 1.0 / discount);
    next_purchase(theta, donor) * series / (1.0 + discount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::assert_near;
    use proptest::prelude::*;

    /// As printed in table 2 of the paper.
    const PUBLISHED: [f64; 4] = [1.204, 0.750, 0.657, 2.783];

    fn donations() -> Vec<(Donor, f64)> {
        include_str!("../../../tests/fixtures/donations.csv")
            .lines()
            .skip(1)
            .map(|line| {
                let numbers: Vec<u32> = line.split(',').map(|field| field.trim().parse().expect("a number")).collect();
                (Donor { count: numbers[0], last: numbers[1], opportunities: numbers[2] }, f64::from(numbers[3]))
            })
            .collect()
    }

    #[test]
    fn bg_bb_on_donations_equals_the_reference_fit() {
        let donors = donations();
        assert_eq!((donors.len(), donors.iter().map(|(_, weight)| weight).sum::<f64>()), (22, 11_104.0));
        let estimate = fit(&donors).expect("finite");
        assert!(estimate.has_converged && (0..4).all(|i| estimate.is_identified(i)), "{estimate:?}");
        for (ours, reference) in estimate.theta.iter().zip([1.203_522, 0.749_716, 0.656_718, 2.783_442]) {
            assert_near(*ours, reference, 1e-4);
        }
        assert!(estimate.log_likelihood >= -33_225.581_3 - 1e-3, "{}", estimate.log_likelihood);
        assert_near(estimate.log_likelihood, -33_225.581_3, 1e-8);
    }

    /// By double integrals over both chances in mpmath, without any Beta function:
    /// `(x, t_x, P(alive), purchases at the next 5, at least one of them, discounted at 10 %)`.
    #[test]
    fn bg_bb_published_values_by_mpmath() {
        let cases = [
            (0, 0, 0.108016584169, 0.072802877475, 0.0477653916998, 0.114646996182),
            (1, 1, 0.0694080932065, 0.0856353983379, 0.0466117094516, 0.134855125604),
            (2, 6, 0.930402542373, 1.66876435407, 0.758243181668, 2.6279019067),
            (4, 4, 0.200133434201, 0.583026847902, 0.190016048005, 0.918126853272),
            (6, 6, 0.930402542373, 3.7521156076, 0.923158856226, 5.90867831956),
            (3, 5, 0.766734049996, 1.80442599979, 0.690492876627, 2.84153632224),
        ];
        for (count, last, alive, purchases, buys, discounted) in cases {
            let donor = Donor { count, last, opportunities: 6 };
            assert_near(probability_alive(&PUBLISHED, &donor), alive, 1e-8);
            assert_near(expected_purchases(&PUBLISHED, &donor, 5), purchases, 1e-8);
            assert_near(purchase_probability(&PUBLISHED, &donor, 5), buys, 1e-8);
            assert_near(discounted_residual_purchases(&PUBLISHED, &donor, 0.1), discounted, 1e-8);
        }
    }

    #[test]
    fn what_contradicts_itself_is_not_fitted() {
        let donor = |count, last, opportunities| Donor { count, last, opportunities };
        for bad in [donor(3, 2, 6), donor(1, 7, 6), donor(0, 2, 6)] {
            assert_eq!(fit(&[(bad, 1.0)]), None);
        }
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[(donor(1, 1, 6), f64::NAN)]), None);
        // Everybody alike: a fit, but nothing is identified.
        let same = fit(&[(donor(1, 1, 6), 500.0)]).expect("finite");
        assert!((0..4).any(|i| !same.is_identified(i)), "{same:?}");
    }

    proptest! {
        #[test]
        fn predictions_are_finite_and_fit_together(
            ln_theta in prop::collection::vec(-5.0f64..6.0, 4), n in 1u32..200, last_share in 0.0f64..=1.0, share in 0.0f64..=1.0, ahead in 1u32..100,
        ) {
            let theta: Vec<f64> = ln_theta.into_iter().map(f64::exp).collect();
            let last = (last_share * f64::from(n)) as u32;
            let count = if last == 0 { 0 } else { 1 + (share * f64::from(last - 1)) as u32 };
            let donor = Donor { count, last, opportunities: n };
            let (alive, buys) = (probability_alive(&theta, &donor), purchase_probability(&theta, &donor, ahead));
            let expected = expected_purchases(&theta, &donor, ahead);
            let forever = discounted_residual_purchases(&theta, &donor, 0.1);
            prop_assert!((0.0..=1.0).contains(&alive) && (0.0..=1.0).contains(&buys), "{} {}", alive, buys);
            prop_assert!(buys <= alive + 1e-9 && buys <= expected + 1e-9 && expected <= f64::from(ahead) * alive + 1e-9);
            prop_assert!(forever.is_finite() && forever >= 0.0 && forever <= alive / 0.1 + 1e-9);
            let one = expected_purchases(&theta, &donor, 1);
            let first = purchase_probability(&theta, &donor, 1);
            prop_assert!((one - first).abs() <= 1e-7 * one + 1e-11, "{} {}", one, first);
        }

        #[test]
        fn the_closed_gradient_is_that_of_the_likelihood(
            ln_theta in prop::collection::vec(-3.0f64..4.0, 4), n in 1u32..30, last_share in 0.0f64..=1.0, share in 0.0f64..=1.0,
        ) {
            let theta: Vec<f64> = ln_theta.into_iter().map(f64::exp).collect();
            let last = (last_share * f64::from(n)) as u32;
            let count = if last == 0 { 0 } else { 1 + (share * f64::from(last - 1)) as u32 };
            let donor = Donor { count, last, opportunities: n };
            let (_, gradient) = with_gradient(&theta, &donor);
            for i in 0..4 {
                let at = |factor: f64| {
                    let mut moved = theta.clone();
                    moved[i] *= factor;
                    log_likelihood(&moved, &donor)
                };
                let numeric = (at(1.0 + 1e-5) - at(1.0 - 1e-5)) / 2e-5;
                prop_assert!((gradient[i] * theta[i] - numeric).abs() <= 1e-5 * numeric.abs() + 1e-6, "{} {} {}", i, gradient[i] * theta[i], numeric);
            }
        }
    }
}
