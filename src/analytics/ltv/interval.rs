//! Intervals for each customer: what may happen (predictive), with parameters that may be a little different (their covariance).
//!
//! Parameters are drawn from the normal approximation of their logarithms; for each draw, futures of a customer who is alive are
//! drawn from the process given `(x, T)`, and count with the probability of being alive under that draw. The value of `n`
//! purchases is `(v + x z) Gamma(pn) / Gamma(q + px)` for a mean `z` of `x` orders: Gamma-Gamma's rate of the customer, given the observed mean, and a sum of
//! `n` orders. So futures are drawn once for each `(x, T)` and scaled to each customer. The streams hang on the seed and on
//! `(x, T)`, not on the order of the rows or on threads.
//!
//! Predictive intervals of lifetime models cover customers well and totals badly: the error of a total is that of the model.

use super::estimate::Estimate;
use super::gamma_gamma::PARAMETERS as OF_SPEND;
use super::process::choice::PurchaseFit;
use super::process::grouping::Groups;
use super::spend::SpendFit;
use crate::analytics::math::matrix::cholesky;
use crate::analytics::math::random::Random;
use rayon::prelude::*;

/// Shares below the three quantiles.
pub const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

/// Draws of the parameters.
const DRAWS: usize = 32;
/// Futures for each of them.
const FUTURES: usize = 16;

/// Lower end, median and upper end of each customer, in the order of the customers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intervals {
    /// Of the days with a purchase within the horizon.
    pub purchases: [Vec<f64>; 3],
    /// Of their value, not discounted. Without Gamma-Gamma each purchase counts with its expected value.
    pub value: [Vec<f64>; 3],
}

/// Parameters drawn from the normal approximation of their logarithms; those the data leave open stay where they are.
pub(super) fn draws(estimate: &Estimate, count: usize, random: &mut Random) -> Vec<Vec<f64>> {
    let known: Vec<usize> = (0..estimate.theta.len()).filter(|i| estimate.covariance[*i][*i] > 0.0).collect();
    let part = known.iter().map(|i| known.iter().map(|j| estimate.covariance[*i][*j]).collect()).collect();
    let lower = cholesky(&part).unwrap_or_default();
    (0..count)
        .map(|_| {
            let normals: Vec<f64> = known.iter().map(|_| random.normal()).collect();
            let mut theta = estimate.theta.clone();
            for (row, i) in lower.iter().zip(&known) {
                let step: f64 = row.iter().zip(&normals).map(|(factor, normal)| factor * normal).sum();
                theta[*i] *= step.clamp(-5.0, 5.0).exp();
            }
            theta
        })
        .collect()
}

/// Quantiles of all customers of one history.
#[derive(Clone, Copy, Default)]
struct OfGroup {
    purchases: [f32; 3],
    /// In units of `v + x z`, for those with an observed mean, and of `v`, for those without.
    valued: [f32; 3],
    unvalued: [f32; 3],
}

/// What may be drawn, and how likely each draw is to count: `(amount, draw of the parameters)`, largest first.
type Futures = Vec<(f32, u8)>;

/// The intervals over `weeks` of customers whose groups are given.
pub(super) fn intervals(
    purchases: &PurchaseFit,
    spend: &SpendFit,
    (groups, group_of_customer): (&Groups, &[u32]),
    means: &[Option<f64>],
    weeks: f64,
    seed: u64,
) -> Intervals {
    let process = purchases.estimator;
    let thetas = draws(&purchases.estimate, DRAWS, &mut Random::new(seed, &[1]));
    let spends = spend.estimate.as_ref().map(|estimate| draws(estimate, DRAWS, &mut Random::new(seed, &[2])));
    let alive: Vec<Vec<f32>> = thetas
        .par_iter()
        .map(|theta| process.alive_by_group(theta, groups).into_iter().map(|alive| alive as f32).collect())
        .collect();
    let mut by_age: Vec<u32> = (0..groups.rows.len() as u32).collect();
    by_age.sort_by_key(|row| groups.rows[*row as usize].age_index);
    let found: Vec<(u32, OfGroup)> = by_age
        .par_chunk_by(|left, right| groups.rows[*left as usize].age_index == groups.rows[*right as usize].age_index)
        .flat_map_iter(|rows| {
            let moment = groups.moments[groups.rows[rows[0] as usize].age_index as usize];
            let mut random = Random::new(seed, &[3, moment.repeat_count.to_bits(), moment.weeks.to_bits()]);
            let count = moment.repeat_count;
            let mut draw =
                |theta: &[f64], random: &mut Random| process.draw_if_alive(theta, count, moment.weeks, weeks, random);
            let known = count + spend.first;
            let futures = futures(&thetas, spends.as_deref(), spend, known, &mut random, &mut draw);
            rows.iter()
                .map(|row| {
                    let weights: [f32; DRAWS] = std::array::from_fn(|draw| alive[draw][*row as usize]);
                    let of = |futures: &Futures| LEVELS.map(|level| quantile(futures, &weights, level));
                    (*row, OfGroup { purchases: of(&futures[0]), valued: of(&futures[1]), unvalued: of(&futures[2]) })
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let mut of_groups = vec![OfGroup::default(); groups.rows.len()];
    found.into_iter().for_each(|(row, of_group)| of_groups[row as usize] = of_group);
    let mut intervals = Intervals::default();
    for (place, _) in LEVELS.iter().enumerate() {
        let of = |group: &u32| &of_groups[*group as usize];
        intervals.purchases[place] =
            group_of_customer.iter().map(|group| f64::from(of(group).purchases[place])).collect();
        intervals.value[place] = group_of_customer
            .iter()
            .zip(means)
            .map(|(group, mean)| {
                let count = groups.rows[*group as usize].history.repeat_count + spend.first;
                let of = of(group);
                match (&spend.estimate, spend.usable(count, *mean)) {
                    (Some(gamma), Some(mean)) => f64::from(of.valued[place]) * (gamma.theta[2] + count * mean),
                    (Some(gamma), None) => f64::from(of.unvalued[place]) * gamma.theta[2],
                    (None, mean) => f64::from(of.purchases[place]) * mean.unwrap_or(spend.population_mean),
                }
            })
            .collect();
    }
    intervals
}

/// Shares of those alive who reach more, from 10 percent on; what a curve is told at.
pub const TAILS: usize = 37;
const TAIL_FIRST: f64 = 0.1;

/// The value of the horizon that a share of the customers alive with `count` repeat purchases at one age exceeds: place `k` holds the
/// amount for the share `0.1 + 0.025 k`. In units of `v + x z` of the customer, with his `x` orders of known value, where there is
/// Gamma-Gamma, else in purchases.
///
/// With it the quantile of everyone is one step: who is alive with probability `a` exceeds with probability `u` what a share `u / a` of those
/// alive exceeds. That takes the probability of being alive as known; the draws hold the error of all other parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve(pub Vec<f32>);

/// The place in a [`Curve`] that tells the quantile `level` of one who is alive with this probability; none where it is 0.
#[must_use]
pub fn place_of(level: f64, alive: f64) -> Option<usize> {
    let tail = (1.0 - level) / alive;
    // Halves go to the larger amount, as a quantile is the smallest amount that is not exceeded by more.
    (tail < 1.0).then(|| (((tail - TAIL_FIRST) / 0.025 - 0.5).ceil().max(0.0) as usize).min(TAILS - 1))
}

/// Draws curves with parameters drawn once.
pub(super) struct Curves<'a> {
    purchases: &'a PurchaseFit,
    spend: &'a SpendFit,
    thetas: Vec<Vec<f64>>,
    spends: Option<Vec<Vec<f64>>>,
    weeks: f64,
    seed: u64,
}

impl<'a> Curves<'a> {
    /// Over a horizon of `weeks`; `seed` decides the draws.
    pub(super) fn new(purchases: &'a PurchaseFit, spend: &'a SpendFit, weeks: f64, seed: u64) -> Curves<'a> {
        let thetas = draws(&purchases.estimate, DRAWS, &mut Random::new(seed, &[1]));
        let spends = spend.estimate.as_ref().map(|estimate| draws(estimate, DRAWS, &mut Random::new(seed, &[2])));
        Curves { purchases, spend, thetas, spends, weeks, seed }
    }

    /// The curve of those alive at this age.
    pub(super) fn of(&self, count: f64, age_weeks: f64) -> Curve {
        let mut random = Random::new(self.seed, &[3, count.to_bits(), age_weeks.to_bits()]);
        let process = self.purchases.estimator;
        let mut draw =
            |theta: &[f64], random: &mut Random| process.draw_if_alive(theta, count, age_weeks, self.weeks, random);
        let known = count + self.spend.first;
        let [purchases, valued, unvalued] =
            futures(&self.thetas, self.spends.as_deref(), self.spend, known, &mut random, &mut draw);
        let futures = match (&self.spend.estimate, known > 0.0) {
            (Some(_), true) => valued,
            (Some(_), false) => unvalued,
            (None, _) => purchases,
        };
        let amount = |place: usize| {
            let beyond = (TAIL_FIRST + 0.025 * place as f64) * futures.len() as f64;
            futures.get(beyond as usize).map_or(0.0, |(amount, _)| *amount)
        };
        Curve((0..TAILS).map(amount).collect())
    }
}

/// Purchases, and their value with and without an observed mean, of customers alive with `count` orders of known value.
fn futures(
    thetas: &[Vec<f64>],
    spends: Option<&[Vec<f64>]>,
    spend: &SpendFit,
    count: f64,
    random: &mut Random,
    draw_purchases: &mut dyn FnMut(&[f64], &mut Random) -> f64,
) -> [Futures; 3] {
    let mut futures: [Futures; 3] = std::array::from_fn(|_| Vec::with_capacity(DRAWS * FUTURES));
    let scale_of = |v: f64, count: f64| v + count * spend.population_mean;
    for (draw, theta) in thetas.iter().enumerate() {
        for _ in 0..FUTURES {
            let purchases = draw_purchases(theta, random);
            let mut push =
                |place: usize, amount: f64| futures[place].push((amount.min(f64::from(f32::MAX)) as f32, draw as u8));
            push(0, purchases);
            let (Some(drawn), Some(estimate)) = (spends, &spend.estimate) else { continue };
            debug_assert_eq!(drawn[draw].len(), OF_SPEND.len());
            let [p, q, v] = [drawn[draw][0], drawn[draw][1], drawn[draw][2]];
            let sum = if purchases > 0.0 { random.gamma(p * purchases) } else { 0.0 };
            for (place, count) in [(1, count), (2, 0.0)] {
                // The unit is taken at the fitted v; how much another v moves it is taken at the mean of all.
                let unit = scale_of(v, count) / scale_of(estimate.theta[2], count);
                let rate = random.gamma(q + p * count);
                push(place, if sum > 0.0 { unit * sum / rate.max(f64::MIN_POSITIVE) } else { 0.0 });
            }
        }
    }
    for list in &mut futures {
        list.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    }
    futures
}

/// The smallest amount that is not exceeded with a probability of at least `level`; who is not alive brings 0.
fn quantile(futures: &Futures, alive: &[f32; DRAWS], level: f64) -> f32 {
    let beyond = ((1.0 - level) * (DRAWS * FUTURES) as f64) as f32;
    let mut tail = 0.0;
    for (amount, draw) in futures {
        tail += alive[*draw as usize];
        if tail > beyond {
            return *amount;
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow;
    use crate::analytics::ltv::estimator::Customers;
    use crate::analytics::ltv::probabilistic::Probabilistic;
    use crate::analytics::ltv::{BgNbd, MbgNbd, Nbd, ParetoNbd, PurchaseProcess};

    fn customers(reversed: bool) -> Customers {
        let mut sample = cdnow::sample();
        if reversed {
            sample.reverse();
        }
        Customers {
            histories: sample.iter().map(|customer| customer.history).collect(),
            mean_values: sample.iter().map(|c| Some(c.mean_repeat_value).filter(|mean| *mean > 0.0)).collect(),
            features: vec![],
        }
    }

    /// Share of the customers whose hold-out lies within the interval, ends included.
    fn coverage(ends: &[Vec<f64>; 3], actual: impl Iterator<Item = f64>) -> f64 {
        let inside = actual.enumerate().filter(|(i, y)| (ends[0][*i]..=ends[2][*i]).contains(y)).count();
        inside as f64 / ends[0].len() as f64
    }

    /// The reference found 92.7 % for 80 % intervals of purchases by BG/NBD: counts are discrete.
    #[test]
    fn eighty_percent_intervals_cover_80_to_95_percent_of_the_cdnow_holdout() {
        for process in [&BgNbd as &'static dyn PurchaseProcess, &MbgNbd, &ParetoNbd] {
            let customers = customers(false);
            let fit = Probabilistic(process).fit_customers(&customers, 273.0).expect("sound");
            let intervals = fit.intervals(&customers, 7);
            let purchases = coverage(&intervals.purchases, cdnow::sample().iter().map(|c| c.holdout_count));
            let value = coverage(&intervals.value, cdnow::sample().iter().map(|c| c.holdout_revenue));
            assert!((0.8..=0.95).contains(&purchases), "{}: {purchases} of purchases", process.name());
            assert!((0.8..=0.95).contains(&value), "{}: {value} of values", process.name());
            for of in [&intervals.purchases, &intervals.value] {
                for ((low, middle), high) in of[0].iter().zip(&of[1]).zip(&of[2]) {
                    assert!(0.0 <= *low && low <= middle && middle <= high && high.is_finite());
                }
            }
        }
    }

    #[test]
    fn the_order_of_customers_changes_nothing_and_the_seed_does() {
        let fit = Probabilistic(&MbgNbd).fit_customers(&customers(false), 273.0).expect("sound");
        let forwards = fit.intervals(&customers(false), 7);
        let mut backwards = fit.intervals(&customers(true), 7);
        backwards.purchases.iter_mut().chain(&mut backwards.value).for_each(|values| values.reverse());
        assert_eq!(forwards, backwards);
        assert_ne!(forwards, fit.intervals(&customers(false), 8));
        assert_eq!(fit.intervals(&Customers::default(), 7), Intervals::default());
    }

    /// Futures have the mean of the closed form: of all customers together, under parameters without error.
    #[test]
    fn drawn_futures_have_the_expected_mean() {
        let (x, age, weeks) = (3.0, 38.86, 39.0);
        let cases: [(&dyn PurchaseProcess, &[f64]); 4] = [
            (&BgNbd, &[0.243, 4.414, 0.793, 2.426]),
            (&MbgNbd, &[0.525, 6.183, 0.891, 1.614]),
            (&ParetoNbd, &[0.553, 10.578, 0.606, 11.669]),
            (&Nbd, &[0.385, 12.07]),
        ];
        for (process, theta) in cases {
            let mut random = Random::new(5, &[]);
            let draws: Vec<f64> =
                (0..40_000).map(|_| process.draw_if_alive(theta, x, age, weeks, &mut random)).collect();
            let n = draws.len() as f64;
            let mean = draws.iter().sum::<f64>() / n;
            let error = (draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / n / n).sqrt();
            let expected = process.purchases_if_alive(theta, x, age, weeks);
            assert!((mean - expected).abs() < 4.0 * error, "{}: {mean}, expected {expected}", process.name());
            let silent = draws.iter().filter(|draw| **draw == 0.0).count() as f64 / n;
            let buys = process.buys_if_alive(theta, x, age, weeks);
            assert!((1.0 - silent - buys).abs() < 4.0 * (buys * silent / n).sqrt(), "{}", process.name());
        }
    }

    #[test]
    fn who_is_surely_gone_has_no_interval() {
        let futures: Futures = vec![(5.0, 0), (3.0, 1), (1.0, 0)];
        assert_eq!(quantile(&futures, &[0.0; DRAWS], 0.9), 0.0);
        let one = vec![(2.0, 0); DRAWS * FUTURES];
        assert_eq!(quantile(&one, &[1.0; DRAWS], 0.1), 2.0);
        assert_eq!((quantile(&one, &[0.3; DRAWS], 0.5), quantile(&one, &[0.3; DRAWS], 0.9)), (0.0, 2.0));
    }
}
