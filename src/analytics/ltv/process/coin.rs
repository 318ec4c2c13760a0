//! The mathematics that BG/NBD and MBG/NBD share: after a purchase a coin decides whether the customer drops out.
//!
//! While alive a customer buys at a rate `lambda ~ Gamma(r, alpha)`; each toss ends the life with a chance `p ~ Beta(a, b)`.
//! The two differ in the number `n` of tosses that a customer with `x` repeat purchases has survived:
//! BG tosses after repeat purchases only (`n = x`), MBG also after the first one (`n = x + 1`). With it,
//!
//! * likelihood: `Γ(r+x)/Γ(r) α^r B(a,b+n)/B(a,b) (α+T)^-(r+x) [1 + δ(n>0) D]`, where
//! * `D = a/(b+n-1) ((α+T)/(α+t_x))^(r+x)` are the odds of being gone, so `P(alive) = 1 / (1 + D)`;
//! * given life, `lambda ~ Gamma(r+x, α+T)` and `p ~ Beta(a, b+n)` are independent, hence
//! * `E[X(T,T+t)] = P(alive) E_p[(1 - (1 + p t/(α+T))^-(r+x)) / p]` and
//! * `P(X(T,T+t) >= 1) = P(alive) (1 - ((α+T)/(α+T+t))^(r+x))`: the next purchase comes before any further toss.

use super::grouping::{Groups, History};
use super::{Parameter, Role};
use crate::analytics::math::hypergeometric::thinned_purchases;
use crate::analytics::math::{ln_one_plus_exp, logistic};
use statrs::function::gamma::{digamma, ln_gamma};

/// `theta` of both estimators.
pub(super) static PARAMETERS: [Parameter; 4] = [
    Parameter { name: "r", role: Role::PurchaseShape },
    Parameter { name: "alpha", role: Role::PurchaseScale },
    Parameter { name: "a", role: Role::DropoutShape },
    Parameter { name: "b", role: Role::DropoutShape },
];

/// How many tosses come before the first repeat purchase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin {
    /// 0 for BG/NBD, 1 for MBG/NBD.
    pub first_tosses: f64,
}

impl Coin {
    pub(super) fn starts(groups: &Groups) -> Vec<Vec<f64>> {
        let rate = groups.rate();
        vec![vec![0.5, 0.5 / rate, 0.8, 2.0], vec![1.0, 0.7 / rate, 0.5, 5.0], vec![0.25, 0.15 / rate, 1.5, 2.0]]
    }

    pub(super) fn log_likelihood(self, theta: &[f64], groups: &Groups) -> f64 {
        let [r, alpha, a, b] = unpack(theta);
        let by_count: Vec<f64> = groups
            .distinct_counts
            .iter()
            .map(|x| {
                let n = x + self.first_tosses;
                ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_gamma(a + b) - ln_gamma(b) + ln_gamma(b + n)
                    - ln_gamma(a + b + n)
            })
            .collect();
        let mut sum = 0.0;
        for group in &groups.rows {
            let History { repeat_count: x, last_purchase_weeks, age_weeks } = group.history;
            let ln_age = (alpha + age_weeks).ln();
            let gone = self.ln_odds_of_gone(theta, &group.history, ln_age, (alpha + last_purchase_weeks).ln());
            sum += group.weight * (by_count[group.count_index] - (r + x) * ln_age + ln_one_plus_exp(gone));
        }
        sum
    }

    pub(super) fn log_likelihood_gradient(self, theta: &[f64], groups: &Groups) -> (f64, Vec<f64>) {
        let [r, alpha, a, b] = unpack(theta);
        let by_count: Vec<[f64; 4]> = groups
            .distinct_counts
            .iter()
            .map(|x| {
                let n = x + self.first_tosses;
                let value = ln_gamma(r + x) - ln_gamma(r) + r * alpha.ln() + ln_gamma(a + b) - ln_gamma(b)
                    + ln_gamma(b + n)
                    - ln_gamma(a + b + n);
                let both = digamma(a + b) - digamma(a + b + n);
                [value, digamma(r + x) - digamma(r) + alpha.ln(), both, both + digamma(b + n) - digamma(b)]
            })
            .collect();
        let mut sum = 0.0;
        let mut gradient = vec![0.0; 4];
        for group in &groups.rows {
            let History { repeat_count: x, last_purchase_weeks, age_weeks } = group.history;
            let [value, by_r, by_a, by_b] = by_count[group.count_index];
            let (age, last) = (alpha + age_weeks, alpha + last_purchase_weeks);
            let (ln_age, ln_last) = (age.ln(), last.ln());
            let ln_odds = self.ln_odds_of_gone(theta, &group.history, ln_age, ln_last);
            let gone = logistic(ln_odds);
            let n = x + self.first_tosses;
            let toss = if n > 0.0 { gone / (b + n - 1.0) } else { 0.0 };
            sum += group.weight * (value - (r + x) * ln_age + ln_one_plus_exp(ln_odds));
            gradient[0] += group.weight * (by_r - ln_age + gone * (ln_age - ln_last));
            gradient[1] += group.weight * (r / alpha - (r + x) * ((1.0 - gone) / age + gone / last));
            gradient[2] += group.weight * (by_a + gone / a);
            gradient[3] += group.weight * (by_b - toss);
        }
        (sum, gradient)
    }

    pub(super) fn probability_alive(self, theta: &[f64], history: &History) -> f64 {
        let alpha = theta[1];
        let (age, last) = (alpha + history.age_weeks, alpha + history.last_purchase_weeks);
        logistic(-self.ln_odds_of_gone(theta, history, age.ln(), last.ln()))
    }

    pub(super) fn expected_purchases(self, theta: &[f64], history: &History, weeks: f64) -> f64 {
        let [r, alpha, a, b] = unpack(theta);
        let alive = self.probability_alive(theta, history);
        let n = history.repeat_count + self.first_tosses;
        alive * thinned_purchases(r + history.repeat_count, a, b + n, weeks / (alpha + history.age_weeks))
    }

    pub(super) fn purchase_probability(self, theta: &[f64], history: &History, weeks: f64) -> f64 {
        let [r, alpha, ..] = unpack(theta);
        let silent = -(r + history.repeat_count) * (weeks / (alpha + history.age_weeks)).ln_1p();
        self.probability_alive(theta, history) * -silent.exp_m1()
    }

    /// `ln D`; minus infinity for a customer on whom no coin was tossed yet.
    fn ln_odds_of_gone(self, theta: &[f64], history: &History, ln_age: f64, ln_last: f64) -> f64 {
        let [r, _, a, b] = unpack(theta);
        let n = history.repeat_count + self.first_tosses;
        if n == 0.0 {
            return f64::NEG_INFINITY;
        }
        (a / (b + n - 1.0)).ln() + (r + history.repeat_count) * (ln_age - ln_last)
    }
}

fn unpack(theta: &[f64]) -> [f64; 4] {
    [theta[0], theta[1], theta[2], theta[3]]
}
