//! Pareto/NBD: dropout at any moment, at a personal rate.
//!
//! D. C. Schmittlein, D. G. Morrison, R. Colombo (1987), Counting Your Customers: Who Are They and What Will They Do Next?,
//! Management Science 33(1), 1-24; likelihood, P(alive) and expected purchases as in P. S. Fader, B. G. S. Hardie (2005),
//! A Note on Deriving the Pareto/NBD Model and Related Expressions.
//!
//! A customer buys at a rate `lambda ~ Gamma(r, alpha)` and lives for a time of rate `mu ~ Gamma(s, beta)`. Write
//! `D(u) = (α+u)^-(r+x) (β+u)^-s`, and `q(u)` for the chance that, alive at `u` with `x` purchases, death comes before the next purchase:
//!
//! * `q(u) = s ∫_u^∞ (α+v)^-(r+x) (β+v)^-(s+1) dv / D(u)`, a single `2F1(1, .; r+s+x+1; .)` by Euler's transformation (`first_event`);
//! * likelihood: `Γ(r+x)/Γ(r) α^r β^s D(T) [1 + q(t_x) D(t_x)/D(T) - q(T)]` (their A_0 is `(q(t_x) D(t_x) - q(T) D(T)) (r+s+x)/s`);
//! * `P(alive)` is one over that bracket;
//! * `E[X(T,T+t)] = P(alive) (r+x)(β+T) / ((α+T)(s-1)) [1 - ((β+T)/(β+T+t))^(s-1)]`;
//! * `P(X(T,T+t) >= 1) = P(alive) [(1-q(T)) - (1-q(T+t)) D(T+t)/D(T)]`, the chance that the next
//!   purchase comes before death and before `T+t`.

use super::grouping::{Group, Groups, History, Moment};
use super::{LifeMoment, Parameter, PurchaseProcess, Role};
use crate::analytics::math::exponential_integral::scaled_exponential_integral;
use crate::analytics::math::random::Random;
use crate::analytics::math::{hypergeometric, one_minus_exp_over};
use rayon::prelude::*;
use statrs::function::gamma::{digamma, ln_gamma};

/// The estimator `pareto_nbd`.
#[derive(Clone, Copy, Debug)]
pub struct ParetoNbd;

static PARAMETERS: [Parameter; 4] = [
    Parameter { name: "r", role: Role::PurchaseShape },
    Parameter { name: "alpha", role: Role::PurchaseScale },
    Parameter { name: "s", role: Role::DropoutShape },
    Parameter { name: "beta", role: Role::DropoutScale },
];

impl PurchaseProcess for ParetoNbd {
    fn name(&self) -> &'static str {
        "pareto_nbd"
    }

    fn story(&self) -> &'static str {
        "Customers buy at a personal rate and may drop out at any moment, at a personal rate too."
    }

    fn paper(&self) -> &'static str {
        "Schmittlein, Morrison, Colombo (1987), Management Science 33(1), 1-24"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn starts(&self, groups: &Groups) -> Vec<Vec<f64>> {
        let (rate, age) = (groups.rate(), groups.mean_age());
        vec![
            vec![0.5, 0.3 / rate, 0.6, 0.4 * age],
            vec![1.0, 0.7 / rate, 1.0, 2.0 * age],
            vec![0.3, 0.15 / rate, 1.5, 3.0 * age],
        ]
    }

    fn log_likelihood(&self, theta: &[f64], groups: &Groups) -> f64 {
        let [r, alpha, s, beta] = unpack(theta);
        let constant = r * alpha.ln() + s * beta.ln() - ln_gamma(r);
        let by_count: Vec<f64> = groups.distinct_counts.iter().map(|x| constant + ln_gamma(r + x)).collect();
        let instants = instants(theta, groups);
        groups
            .rows
            .iter()
            .map(|group| {
                let (last, age) = (&instants[group.last_index as usize], &instants[group.age_index as usize]);
                let (rise, rest) = bracket(last, age);
                group.weight * (by_count[group.count_index as usize] + age.ln_density + rise + rest.ln())
            })
            .sum()
    }

    fn log_likelihood_gradient(&self, theta: &[f64], groups: &Groups) -> Option<(f64, Vec<f64>)> {
        let [r, alpha, s, beta] = unpack(theta);
        let constant = r * alpha.ln() + s * beta.ln() - ln_gamma(r);
        let (of_r, of_s) = (alpha.ln() - digamma(r), beta.ln());
        let by_count: Vec<(f64, f64)> =
            groups.distinct_counts.iter().map(|x| (constant + ln_gamma(r + x), of_r + digamma(r + x))).collect();
        let slopes: Vec<Slope> = groups
            .moments
            .par_iter()
            .with_min_len(MOMENTS_A_TASK)
            .map(|moment| Slope::new(theta, moment.repeat_count, moment.weeks))
            .collect();
        let mut sum = 0.0;
        let mut gradient = [0.0; 4];
        for group in &groups.rows {
            let (last, age) = (&slopes[group.last_index as usize], &slopes[group.age_index as usize]);
            let (rise, rest) = bracket(&last.instant, &age.instant);
            let (value, by_r) = by_count[group.count_index as usize];
            sum += group.weight * (value + age.instant.ln_density + rise + rest.ln());
            let fall = (-rise).exp();
            let alive_longer = fall * (1.0 - age.instant.death_first) / rest;
            for (i, of_count) in [by_r, r / alpha, of_s, s / beta].into_iter().enumerate() {
                let density = (1.0 - alive_longer) * last.ln_density[i] + alive_longer * age.ln_density[i];
                let death = (last.death_first[i] - fall * age.death_first[i]) / rest;
                gradient[i] += group.weight * (of_count + density + death);
            }
        }
        Some((sum, gradient.to_vec()))
    }

    fn life(&self, theta: &[f64], repeat_count: f64, weeks: f64) -> LifeMoment {
        let Instant { ln_density, death_first } = Instant::new(theta, repeat_count, weeks);
        LifeMoment { ln_density, gone_after: death_first, gone_by: death_first }
    }

    fn probability_alive(&self, theta: &[f64], history: &History) -> f64 {
        let at = |weeks: f64| Instant::new(theta, history.repeat_count, weeks);
        alive(&at(history.last_purchase_weeks), &at(history.age_weeks))
    }

    fn alive_by_group(&self, theta: &[f64], groups: &Groups) -> Vec<f64> {
        let instants = instants(theta, groups);
        let of_group = |group: &Group| alive(&instants[group.last_index as usize], &instants[group.age_index as usize]);
        groups.rows.iter().map(of_group).collect()
    }

    fn purchases_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        let [r, alpha, s, beta] = unpack(theta);
        let beta_then = beta + age_weeks;
        let growth = (weeks / beta_then).ln_1p();
        let life = growth * one_minus_exp_over((s - 1.0) * growth);
        (r + repeat_count) * beta_then / (alpha + age_weeks) * life
    }

    fn buys_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        let [r, alpha, s, beta] = unpack(theta);
        let purchases = r + repeat_count;
        let ln_fall = -purchases * (weeks / (alpha + age_weeks)).ln_1p() - s * (weeks / (beta + age_weeks)).ln_1p();
        let next_is_purchase = |u: f64| first_event((purchases, alpha), (s, beta), u);
        let given_life = next_is_purchase(age_weeks) - ln_fall.exp() * next_is_purchase(age_weeks + weeks);
        given_life.clamp(0.0, 1.0)
    }

    fn draw_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64, random: &mut Random) -> f64 {
        let [r, alpha, s, beta] = unpack(theta);
        let rate = random.gamma(r + repeat_count) / (alpha + age_weeks);
        let life = random.exponential() * (beta + age_weeks) / random.gamma(s);
        // A rate of death that underflows to 0 makes the life infinite, or not a number: the window is what counts then.
        random.poisson(rate * life.min(weeks))
    }
}

impl ParetoNbd {
    /// Discounted expected residual transactions: all purchases to come, discounted continuously at `rate_weekly` (above 0).
    ///
    /// P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), RFM and CLV, Journal of Marketing Research 42(4), equation (2), whose confluent
    /// hypergeometric function is `∫ exp(-δt) ((β+T)/(β+T+t))^s dt` times the posterior purchase rate and `P(alive)`.
    #[must_use]
    pub fn discounted_residual_purchases(&self, theta: &[f64], history: &History, rate_weekly: f64) -> f64 {
        let [r, alpha, s, beta] = unpack(theta);
        let beta_then = beta + history.age_weeks;
        let rate = (r + history.repeat_count) / (alpha + history.age_weeks);
        let life = beta_then * scaled_exponential_integral(s, rate_weekly * beta_then);
        self.probability_alive(theta, history) * rate * life
    }
}

fn unpack(theta: &[f64]) -> [f64; 4] {
    [theta[0], theta[1], theta[2], theta[3]]
}

/// Fewer moments than this are not worth another thread.
const MOMENTS_A_TASK: usize = 4096;

/// `ln D(u)` and `q(u)` at one instant of the life of a customer with `x` repeat purchases.
struct Instant {
    ln_density: f64,
    death_first: f64,
}

impl Instant {
    fn new(theta: &[f64], repeat_count: f64, u: f64) -> Instant {
        let [r, alpha, s, beta] = unpack(theta);
        let purchases = r + repeat_count;
        Instant {
            ln_density: -purchases * (alpha + u).ln() - s * (beta + u).ln(),
            death_first: first_event((s, beta), (purchases, alpha), u),
        }
    }
}

/// Those of all moments.
fn instants(theta: &[f64], groups: &Groups) -> Vec<Instant> {
    let at = |moment: &Moment| Instant::new(theta, moment.repeat_count, moment.weeks);
    groups.moments.par_iter().with_min_len(MOMENTS_A_TASK).map(at).collect()
}

/// The same with derivatives by `r`, `alpha`, `s` and `beta`.
struct Slope {
    instant: Instant,
    ln_density: [f64; 4],
    death_first: [f64; 4],
}

impl Slope {
    fn new(theta: &[f64], repeat_count: f64, u: f64) -> Slope {
        let [r, alpha, s, beta] = unpack(theta);
        let (m, a, b) = (r + repeat_count, alpha + u, beta + u);
        let (ln_a, ln_b) = (a.ln(), b.ln());
        // `first_event` with the derivatives of its function; see there.
        let (b_is_smaller, odds) = if alpha >= beta { (true, (alpha - beta) / b) } else { (false, (beta - alpha) / a) };
        let (of_b, of_gap) = if b_is_smaller { (m, s + 1.0) } else { (s + 1.0, m) };
        let (value, by_b, by_gap) = hypergeometric::unit_with_gradient(of_b, of_gap, odds);
        let share = s / (s + m) * if b_is_smaller { 1.0 } else { a / b };
        let death_first = (share * value).min(1.0);
        let (by_m, by_s) = if b_is_smaller { (by_b, by_gap) } else { (by_gap, by_b) };
        let by_m = share * by_m - death_first / (s + m);
        let by_s = share * by_s + death_first * m / (s * (s + m));
        let by_ln_ratio = by_ln_ratio(death_first, (s, b), (m, a));
        Slope {
            instant: Instant { ln_density: -m * ln_a - s * ln_b, death_first },
            ln_density: [-ln_a, -m / a, -ln_b, -s / b],
            death_first: [by_m, by_ln_ratio / a, by_s, -by_ln_ratio / b],
        }
    }
}

/// Derivative of `q` by `ln (A/B)`, where `A` and `B` are the scales of purchase and death at the instant.
///
/// From `d(q D)/du = -(s/B) D`: `(q (mB + sA) - sA) / (B - A)`. With `w = mu / (lambda + mu)` it is `E[w(1-w)]`, which bridges `A = B`,
/// where `w ~ Beta(s, m)`.
fn by_ln_ratio(q: f64, (s, b): (f64, f64), (m, a): (f64, f64)) -> f64 {
    let ln_ratio = ((a - b) / b).ln_1p();
    if ln_ratio.abs() < 1e-4 {
        let sum = s + m;
        let centre = s * m / (sum * (sum + 1.0));
        return centre * (1.0 + ln_ratio * (m - s) / (sum + 2.0));
    }
    (q * (m * b + s * a) - s * a) / (b - a)
}

/// The bracket of the likelihood as `(rise, rest)` with value `exp(rise) * rest`, because for lapsed heavy buyers it overflows.
fn bracket(last: &Instant, age: &Instant) -> (f64, f64) {
    let rise = (last.ln_density - age.ln_density).max(0.0);
    if rise == 0.0 {
        return (0.0, 1.0);
    }
    (rise, last.death_first + (-rise).exp() * (1.0 - age.death_first))
}

/// `P(alive)`: one over the bracket.
fn alive(last: &Instant, age: &Instant) -> f64 {
    let (rise, rest) = bracket(last, age);
    ((-rise).exp() / rest).min(1.0)
}

/// Of two waiting events with hazards `Gamma(shape, scale)`, both still open at time `u` (so scales have grown by `u`):
/// the chance that the one named first happens first, `E[λ1 / (λ1 + λ2)]`.
///
/// `k/(k+m) 2F1(1, m; k+m+1; z)` with `z` the relative lead of the other's scale; if the other's scale is the smaller one,
/// the same with the roles of the arguments turned, so that `0 <= z < 1` always (the two cases of Fader and Hardie's note).
fn first_event((k, scale): (f64, f64), (m, other_scale): (f64, f64), u: f64) -> f64 {
    let (ours, other) = (scale + u, other_scale + u);
    let chance = if other_scale >= scale {
        hypergeometric::unit(m, k + m + 1.0, (other_scale - scale) / ours)
    } else {
        hypergeometric::unit(k + 1.0, k + m + 1.0, (scale - other_scale) / other) * other / ours
    };
    (k / (k + m) * chance).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{assert_near, assert_predictions, history};

    /// Rounded as printed by Fader, Hardie, Lee (2005): r, alpha, s, beta.
    const PUBLISHED: [f64; 4] = [0.553, 10.578, 0.606, 11.669];

    #[test]
    fn pareto_nbd_published_values_by_mpmath() {
        assert_predictions(
            &ParetoNbd,
            &PUBLISHED,
            &[
                (2.0, 30.43, 38.86, 39.0, 0.8691675592, 1.455123193),
                (0.0, 0.0, 38.86, 39.0, 0.2952866046, 0.1070814682),
                (1.0, 1.71, 38.86, 39.0, 0.1680023267, 0.1710929806),
                (7.0, 29.43, 38.86, 39.0, 0.7495014077, 3.71225138),
                (26.0, 30.86, 31.0, 52.0, 0.9979187311, 25.45847295),
                (5.0, 12.0, 52.0, 52.0, 0.01978014916, 0.07522185703),
                (10.0, 38.86, 38.86, 52.0, 1.0, 8.802121841),
                (100.0, 38.0, 39.0, 52.0, 0.9613837845, 80.44326781),
            ],
        );
    }

    #[test]
    fn heavy_buyers_of_other_packages_bug_reports_by_mpmath() {
        assert_predictions(
            &ParetoNbd,
            &[0.5143, 2.8845, 0.2856, 14.1087],
            &[
                (221.0, 103.42857, 103.57143, 52.0, 0.999596052318, 102.37180578),
                (161.0, 94.71429, 98.0, 52.0, 0.749487751704, 58.9166306845),
            ],
        );
        let theta = [0.55, 10.58, 0.61, 11.67];
        for (x, reference) in [(132.0, 6.20605178896), (133.0, 6.25287224757)] {
            assert_near(ParetoNbd.expected_purchases(&theta, &history(x, 200.0, 200.0), 10.0), reference, 1e-8);
        }
    }

    #[test]
    fn new_customers_buy_as_much_as_by_mpmath() {
        for (weeks, reference) in [(1.0, 0.0509798432), (39.0, 1.21300284), (78.0, 1.90939813)] {
            assert_near(ParetoNbd.expected_purchases_of_new(&PUBLISHED, weeks), reference, 1e-8);
        }
    }

    /// The figures of Fader, Hardie and Lee's iso-value curves: fifteen percent a year is .0027 a week.
    #[test]
    fn discounted_residual_purchases_equal_mpmath() {
        for (x, last, reference) in
            [(0.0, 0.0, 0.477136229), (1.0, 1.71, 0.7623602937), (2.0, 30.43, 6.483773568), (7.0, 29.43, 16.54114063)]
        {
            let ours = ParetoNbd.discounted_residual_purchases(&PUBLISHED, &history(x, last, 38.86), 0.0027);
            assert_near(ours, reference, 1e-8);
        }
    }

    /// By two-dimensional quadrature over both rates in mpmath, without any hypergeometric function.
    #[test]
    fn purchase_probability_equals_the_integral_over_both_rates() {
        let cases = [
            (2.0, 30.43, 38.86, 13.0, 0.366906481897),
            (0.0, 0.0, 38.86, 39.0, 0.0692851840543),
            (7.0, 29.43, 38.86, 4.0, 0.326215114873),
        ];
        for (x, last, age, weeks, reference) in cases {
            assert_near(ParetoNbd.purchase_probability(&PUBLISHED, &history(x, last, age), weeks), reference, 1e-10);
        }
    }

    #[test]
    fn the_singularity_at_s_equal_1_is_removed() {
        let at = |s: f64| ParetoNbd.expected_purchases(&[0.553, 10.578, s, 11.669], &history(2.0, 30.43, 38.86), 39.0);
        for step in [1e-15, 1e-12, 1e-9, 1e-6] {
            assert_near(at(1.0 + step), at(1.0), 2.0 * step + 1e-14);
            assert_near(at(1.0 - step), at(1.0), 2.0 * step + 1e-14);
        }
    }

    #[test]
    fn equal_scales_need_no_special_case() {
        let at = |beta: f64| ParetoNbd.probability_alive(&[0.553, 10.578, 0.606, beta], &history(2.0, 20.0, 38.86));
        assert_near(at(10.578 + 1e-9), at(10.578), 1e-9);
        assert_near(at(10.578 - 1e-9), at(10.578), 1e-9);
        assert_eq!(first_event((3.0, 5.0), (1.0, 5.0), 7.0), 0.75);
    }

    #[test]
    fn either_event_comes_first() {
        for (k, m, scale, other) in [(0.5, 3.0, 2.0, 9.0), (200.0, 0.6, 12.0, 1.0), (1e-3, 1e-3, 1e-3, 1e3)] {
            let sum = first_event((k, scale), (m, other), 1.0) + first_event((m, other), (k, scale), 1.0);
            assert_near(sum, 1.0, 1e-13);
        }
    }
}
