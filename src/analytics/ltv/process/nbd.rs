//! NBD: customers buy at personal rates and nobody ever leaves; the baseline that models of dropout must beat.
//!
//! A. S. C. Ehrenberg (1959), The Pattern of Consumer Purchases, Applied Statistics 8(1), 26-41; conditional expectation as in
//! D. G. Morrison, D. C. Schmittlein (1988), Generalizing the NBD Model for Customer Purchases: What Are the Implications and Is It
//! Worth the Effort?, Journal of Business and Economic Statistics 6(2), 145-159.
//!
//! With a rate `lambda ~ Gamma(r, alpha)` and exponential times between purchases:
//!
//! * likelihood of the purchase times: `Γ(r+x)/Γ(r) α^r (α+T)^-(r+x)`, the same sort of density as in `coin.rs`, so that
//!   log-likelihoods compare; the times themselves carry no information;
//! * given the history, `lambda ~ Gamma(r+x, α+T)`, hence `E[X(T,T+t)] = (r+x) t / (α+T)` and
//! * `P(X(T,T+t) >= 1) = 1 - ((α+T)/(α+T+t))^(r+x)`.

use super::grouping::{Groups, History};
use super::{LifeMoment, Parameter, PurchaseProcess, Role};
use crate::analytics::math::random::Random;
use statrs::function::gamma::{digamma, ln_gamma};

/// The estimator `nbd`.
#[derive(Clone, Copy, Debug)]
pub struct Nbd;

static PARAMETERS: [Parameter; 2] =
    [Parameter { name: "r", role: Role::PurchaseShape }, Parameter { name: "alpha", role: Role::PurchaseScale }];

impl PurchaseProcess for Nbd {
    fn name(&self) -> &'static str {
        "nbd"
    }

    fn story(&self) -> &'static str {
        "Customers buy at a personal rate, and nobody ever leaves."
    }

    fn paper(&self) -> &'static str {
        "Ehrenberg (1959), Applied Statistics 8(1), 26-41"
    }

    fn objection_to_auto(&self) -> Option<&'static str> {
        Some("In it nobody ever leaves, so it is a baseline to compare with, not a model of churn.")
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn starts(&self, groups: &Groups) -> Vec<Vec<f64>> {
        let rate = groups.rate();
        vec![vec![0.5, 0.5 / rate], vec![1.5, 1.5 / rate]]
    }

    fn log_likelihood(&self, theta: &[f64], groups: &Groups) -> f64 {
        self.sums(theta, groups).0
    }

    fn log_likelihood_gradient(&self, theta: &[f64], groups: &Groups) -> Option<(f64, Vec<f64>)> {
        Some(self.sums(theta, groups))
    }

    fn life(&self, _theta: &[f64], _repeat_count: f64, _weeks: f64) -> LifeMoment {
        LifeMoment { ln_density: 0.0, gone_after: 0.0, gone_by: 0.0 }
    }

    fn probability_alive(&self, _theta: &[f64], _history: &History) -> f64 {
        1.0
    }

    fn purchases_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        (theta[0] + repeat_count) / (theta[1] + age_weeks) * weeks
    }

    fn buys_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        -(-(theta[0] + repeat_count) * (weeks / (theta[1] + age_weeks)).ln_1p()).exp_m1()
    }

    fn draw_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64, random: &mut Random) -> f64 {
        let rate = random.gamma(theta[0] + repeat_count) / (theta[1] + age_weeks);
        random.poisson(rate * weeks)
    }
}

impl Nbd {
    fn sums(self, theta: &[f64], groups: &Groups) -> (f64, Vec<f64>) {
        let (r, alpha) = (theta[0], theta[1]);
        let (constant, slope) = (r * alpha.ln() - ln_gamma(r), alpha.ln() - digamma(r));
        let by_count: Vec<(f64, f64)> =
            groups.distinct_counts.iter().map(|x| (constant + ln_gamma(r + x), slope + digamma(r + x))).collect();
        let times: Vec<f64> = groups.moments.iter().map(|moment| (alpha + moment.weeks).ln()).collect();
        let (mut sum, mut by_r, mut by_alpha) = (0.0, 0.0, 0.0);
        for group in &groups.rows {
            let History { repeat_count: x, age_weeks, .. } = group.history;
            let ((value, slope), ln_age) = (by_count[group.count_index as usize], times[group.age_index as usize]);
            sum += group.weight * (value - (r + x) * ln_age);
            by_r += group.weight * (slope - ln_age);
            by_alpha += group.weight * (r / alpha - (r + x) / (alpha + age_weeks));
        }
        (sum, vec![by_r, by_alpha])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{self, assert_near, history};
    use crate::analytics::ltv::process::choice::fit_process;

    /// The count in a time of one length is negative binomial (Ehrenberg's equation): its mean, and its share of silence.
    #[test]
    fn new_customers_buy_a_negative_binomial_number() {
        let (r, alpha, weeks) = (0.385f64, 12.07, 39.0);
        assert_near(Nbd.expected_purchases_of_new(&[r, alpha], weeks), r * weeks / alpha, 1e-14);
        let silent = 1.0 - Nbd.purchase_probability(&[r, alpha], &History::NEW, weeks);
        assert_near(silent, (alpha / (alpha + weeks)).powf(r), 1e-12);
    }

    #[test]
    fn expectations_are_those_of_morrison_and_schmittlein() {
        let theta = [0.385, 12.07];
        assert_near(Nbd.expected_purchases(&theta, &history(2.0, 30.43, 38.86), 39.0), 2.385 * 39.0 / 50.93, 1e-14);
        assert_eq!(Nbd.probability_alive(&theta, &history(2.0, 1.0, 200.0)), 1.0);
    }

    /// By Nelder and Mead's method in scipy on the same 2,357 rows; nobody leaves, so it promises half as much again as came (1,882).
    #[test]
    fn nbd_on_cdnow_sample_equals_an_independent_fit() {
        let fit = fit_process(&Nbd, &cdnow::groups()).expect("finite");
        let estimate = &fit.estimate;
        assert_near(estimate.theta[0], 0.384_766_110_6, 1e-6);
        assert_near(estimate.theta[1], 12.072_021_748_9, 1e-6);
        assert_near(estimate.standard_errors[0].expect("identified"), 0.020_985_37, 1e-4);
        assert_near(estimate.standard_errors[1].expect("identified"), 0.808_723_01, 1e-4);
        assert_near(estimate.log_likelihood, -9_763.657_614_673, 1e-11);
        let ahead = |group: &super::super::grouping::Group| {
            group.weight * Nbd.expected_purchases(&estimate.theta, &group.history, 39.0)
        };
        assert_near(cdnow::groups().rows.iter().map(ahead).sum(), 2_929.820_312, 1e-6);
        assert!(!fit.is_dropout_identified() && fit.is_rate_identified() && !fit.has_dropout());
    }
}
