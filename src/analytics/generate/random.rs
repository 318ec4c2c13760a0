//! Streams of random numbers that depend on what they are for, never on who draws them or when.
//!
//! Every person, order and campaign member has a stream of its own, whose seed is a hash of the shop's seed, the use and
//! the numbers of the thing. So any row can be made alone: by any thread, in any order, and again.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

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

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(Xoshiro256PlusPlus);

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit of the input changes half of the output's.
pub(super) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream of thing `(a, b)` for this use.
    pub(super) fn new(seed: u64, used_for: Use, a: u64, b: u64) -> Self {
        let hash = [used_for as u64, a, b]
            .iter()
            .fold(mix(seed ^ GOLDEN), |hash, part| mix(hash.wrapping_mul(GOLDEN) ^ part.wrapping_add(GOLDEN)));
        Random(Xoshiro256PlusPlus::seed_from_u64(hash))
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Between 0 and 1, neither included, so that its logarithm is finite.
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
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

    /// Exponential with rate 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Standard normal, by Marsaglia's polar method.
    pub(super) fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// Gamma with this shape and rate 1.
    ///
    /// G. Marsaglia, W. W. Tsang (2000), A Simple Method for Generating Gamma Variables; a shape below 1 is raised by 1 and
    /// taken back by a power of a uniform number.
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta, as a share of two gammas.
    pub(super) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
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
        assert_moments(0.5, 1.0 / 12.0, Random::uniform);
        assert_moments(1.0, 1.0, Random::exponential);
        assert_moments(0.0, 1.0, Random::normal);
        assert_moments(0.3, 0.3, |random| random.gamma(0.3));
        assert_moments(6.25, 6.25, |random| random.gamma(6.25));
        assert_moments(0.8 / 6.8, 0.8 * 6.0 / (6.8f64.powi(2) * 7.8), |random| random.beta(0.8, 6.0));
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
