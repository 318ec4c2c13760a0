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
use super::{LifeMoment, Parameter, Role};
use crate::analytics::math::hypergeometric::thinned_purchases;
use crate::analytics::math::logistic;
use crate::analytics::math::random::Random;
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
        let constant = r * alpha.ln() - ln_gamma(r) + ln_gamma(a + b) - ln_gamma(b);
        // Value, and the part of ln D that depends on x alone.
        let by_count: Vec<(f64, f64)> = groups
            .distinct_counts
            .iter()
            .map(|x| {
                let n = x + self.first_tosses;
                let value = constant + ln_gamma(r + x) + ln_gamma(b + n) - ln_gamma(a + b + n);
                (value, self.ln_toss(theta, *x))
            })
            .collect();
        let ln_times: Vec<f64> =
            groups.moments.iter().map(|moment| (r + moment.repeat_count) * (alpha + moment.weeks).ln()).collect();
        let mut sum = 0.0;
        for group in &groups.rows {
            let (value, toss) = by_count[group.count_index as usize];
            let (age, last) = (ln_times[group.age_index as usize], ln_times[group.last_index as usize]);
            sum += group.weight * (value - age + odds(toss + age - last).0);
        }
        sum
    }

    pub(super) fn log_likelihood_gradient(self, theta: &[f64], groups: &Groups) -> (f64, Vec<f64>) {
        let [r, alpha, a, b] = unpack(theta);
        let constant = r * alpha.ln() - ln_gamma(r) + ln_gamma(a + b) - ln_gamma(b);
        let (of_r, of_b, of_both) = (alpha.ln() - digamma(r), digamma(b), digamma(a + b));
        struct OfCount {
            value: f64,
            toss: f64,
            by_r: f64,
            by_a: f64,
            by_b: f64,
            toss_by_b: f64,
        }
        let by_count: Vec<OfCount> = groups
            .distinct_counts
            .iter()
            .map(|x| {
                let n = x + self.first_tosses;
                let by_a = of_both - digamma(a + b + n);
                OfCount {
                    value: constant + ln_gamma(r + x) + ln_gamma(b + n) - ln_gamma(a + b + n),
                    toss: self.ln_toss(theta, *x),
                    by_r: of_r + digamma(r + x),
                    by_a,
                    by_b: by_a + digamma(b + n) - of_b,
                    toss_by_b: if n > 0.0 { 1.0 / (b + n - 1.0) } else { 0.0 },
                }
            })
            .collect();
        // Logarithm of the time in units of the rate's scale, and its derivative by alpha.
        let times: Vec<(f64, f64)> =
            groups.moments.iter().map(|moment| ((alpha + moment.weeks).ln(), 1.0 / (alpha + moment.weeks))).collect();
        let mut sum = 0.0;
        let mut gradient = [0.0; 4];
        for group in &groups.rows {
            let of_count = &by_count[group.count_index as usize];
            let ((ln_age, age), (ln_last, last)) = (times[group.age_index as usize], times[group.last_index as usize]);
            let purchases = r + group.history.repeat_count;
            let (softplus, gone) = odds(of_count.toss + purchases * (ln_age - ln_last));
            sum += group.weight * (of_count.value - purchases * ln_age + softplus);
            gradient[0] += group.weight * (of_count.by_r - ln_age + gone * (ln_age - ln_last));
            gradient[1] += group.weight * (r / alpha - purchases * (age + gone * (last - age)));
            gradient[2] += group.weight * (of_count.by_a + gone / a);
            gradient[3] += group.weight * (of_count.by_b - gone * of_count.toss_by_b);
        }
        (sum, gradient.to_vec())
    }

    pub(super) fn life(self, theta: &[f64], repeat_count: f64, weeks: f64) -> LifeMoment {
        let ln_density = -(theta[0] + repeat_count) * (theta[1] + weeks).ln();
        LifeMoment { ln_density, gone_after: self.ln_toss(theta, repeat_count).exp(), gone_by: 0.0 }
    }

    pub(super) fn probability_alive(self, theta: &[f64], history: &History) -> f64 {
        let alpha = theta[1];
        let (age, last) = (alpha + history.age_weeks, alpha + history.last_purchase_weeks);
        logistic(-self.ln_odds_of_gone(theta, history, age.ln(), last.ln()))
    }

    pub(super) fn purchases_if_alive(self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        let [r, alpha, a, b] = unpack(theta);
        let n = repeat_count + self.first_tosses;
        thinned_purchases(r + repeat_count, a, b + n, weeks / (alpha + age_weeks))
    }

    pub(super) fn buys_if_alive(theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        let [r, alpha, ..] = unpack(theta);
        -(-(r + repeat_count) * (weeks / (alpha + age_weeks)).ln_1p()).exp_m1()
    }

    /// Tosses do not depend on time: the purchases are those that come in time, or those until the first toss that ends it all.
    pub(super) fn draw_if_alive(
        self,
        theta: &[f64],
        repeat_count: f64,
        age_weeks: f64,
        weeks: f64,
        random: &mut Random,
    ) -> f64 {
        let [r, alpha, a, b] = unpack(theta);
        let rate = random.gamma(r + repeat_count) / (alpha + age_weeks);
        let dropout = random.beta(a, b + repeat_count + self.first_tosses);
        let in_time = random.poisson(rate * weeks);
        in_time.min(random.geometric(dropout))
    }

    /// `ln D`; minus infinity for a customer on whom no coin was tossed yet.
    fn ln_odds_of_gone(self, theta: &[f64], history: &History, ln_age: f64, ln_last: f64) -> f64 {
        self.ln_toss(theta, history.repeat_count) + (theta[0] + history.repeat_count) * (ln_age - ln_last)
    }

    /// The part of `ln D` that depends on x alone, `ln (a / (b+n-1))`.
    fn ln_toss(self, theta: &[f64], repeat_count: f64) -> f64 {
        let n = repeat_count + self.first_tosses;
        if n == 0.0 { f64::NEG_INFINITY } else { (theta[2] / (theta[3] + n - 1.0)).ln() }
    }
}

/// `ln(1 + exp(w))` and `1 / (1 + exp(-w))` by one exponential.
fn odds(w: f64) -> (f64, f64) {
    let small = (-w.abs()).exp();
    if w > 0.0 { (w + small.ln_1p(), 1.0 / (1.0 + small)) } else { (small.ln_1p(), small / (1.0 + small)) }
}

fn unpack(theta: &[f64]) -> [f64; 4] {
    [theta[0], theta[1], theta[2], theta[3]]
}
