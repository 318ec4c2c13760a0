//! Streams of random numbers that depend on what they are for, never on who draws them or when.
//!
//! Every person, order and campaign member has a stream of its own, whose seed is a hash of the shop's seed, the use and
//! the numbers of the thing. So any row can be made alone: by any thread, in any order, and again.

pub(super) use crate::analytics::math::random::mix;

use crate::analytics::math::random;
use std::ops::{Deref, DerefMut};

/// What a stream is for. The numbers are part of every seed: a change of them changes all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// What nobody sees of a person: rate, dropout, spend.
    Latent = 1,
    /// Name, birthday, address.
    Person = 2,
    /// The purchases of a life.
    Purchases = 3,
    /// Lines of one order.
    Basket = 4,
    /// Whether one order comes back.
    Return = 5,
    /// A person in one campaign.
    Campaign = 6,
    /// One product.
    Product = 7,
}

/// A stream of random numbers for one thing.
#[derive(Clone, Debug)]
pub(super) struct Random(random::Random);

impl Deref for Random {
    type Target = random::Random;

    fn deref(&self) -> &random::Random {
        &self.0
    }
}

impl DerefMut for Random {
    fn deref_mut(&mut self) -> &mut random::Random {
        &mut self.0
    }
}

impl Random {
    /// The stream of thing `(a, b)` for this use.
    pub(super) fn new(seed: u64, used_for: Use, a: u64, b: u64) -> Self {
        Random(random::Random::new(seed, &[used_for as u64, a, b]))
    }

    /// One of `0..count`, each equally likely to within 2^-53.
    pub(super) fn index(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// One of the places of `weights`, by weight.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.uniform() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (place, weight) in weights.enumerate() {
            last = place;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }

    /// Poisson, for small means: Knuth's products, whose time grows with the mean.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut count = 0;
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;

    /// Mean and variance of many draws, against theirs: five standard errors of the mean, two percent of the variance.
    #[track_caller]
    fn assert_moments(mean: f64, variance: f64, mut draw: impl FnMut(&mut Random) -> f64) {
        let mut random = Random::new(7, Use::Basket, 1, 2);
        let values: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random)).collect();
        let n = DRAWS as f64;
        let got = values.iter().sum::<f64>() / n;
        let spread = values.iter().map(|value| (value - got).powi(2)).sum::<f64>() / n;
        assert!((got - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {got}, not {mean}");
        assert!((spread / variance - 1.0).abs() < 0.04, "variance {spread}, not {variance}");
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        assert_moments(0.5, 1.0 / 12.0, |random| random.uniform());
        assert_moments(2.2, 2.2, |random| f64::from(random.poisson(2.2)));
        assert_moments(0.25, 0.25 * 0.75, |random| random.weighted([3.0, 1.0].into_iter()) as f64);
    }

    #[test]
    fn streams_are_repeatable_and_differ_by_each_part_of_their_seed() {
        let first = |seed, used_for, a, b| Random::new(seed, used_for, a, b).bits();
        let one = first(1, Use::Latent, 2, 3);
        assert_eq!(one, first(1, Use::Latent, 2, 3));
        let others = [
            first(2, Use::Latent, 2, 3),
            first(1, Use::Person, 2, 3),
            first(1, Use::Latent, 3, 3),
            first(1, Use::Latent, 2, 4),
            first(1, Use::Latent, 3, 2),
        ];
        assert!(!others.contains(&one), "{others:?}");
    }

    #[test]
    fn neighbouring_streams_are_not_correlated() {
        let of = |number: u64| Random::new(42, Use::Latent, number, 0).uniform() - 0.5;
        let n = 100_000u64;
        let product = (0..n).map(|number| of(number) * of(number + 1)).sum::<f64>() / n as f64;
        // The standard error of a mean of products of two uniform numbers: 1/12 over the root of n.
        assert!(product.abs() < 5.0 / 12.0 / (n as f64).sqrt(), "{product}");
    }
}
