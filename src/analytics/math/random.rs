//! Random numbers of the distributions that the estimators are made of, from a seed and whatever tells one stream from another.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use statrs::function::gamma::ln_gamma;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(Xoshiro256PlusPlus);

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit of the input changes half of the output's.
#[must_use]
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Above this mean Knuth's products take longer than Hörmann's rejection.
const POISSON_MEAN_OF_PRODUCTS: f64 = 10.0;

impl Random {
    /// The stream of these parts: a hash of all of them is its seed, so any stream can be made alone, in any order, and again.
    #[must_use]
    pub fn new(seed: u64, parts: &[u64]) -> Self {
        let hash = parts
            .iter()
            .fold(mix(seed ^ GOLDEN), |hash, part| mix(hash.wrapping_mul(GOLDEN) ^ part.wrapping_add(GOLDEN)));
        Random(Xoshiro256PlusPlus::seed_from_u64(hash))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Between 0 and 1, neither included, so that its logarithm is finite.
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Exponential with rate 1.
    pub fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Standard normal, by Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
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
    pub fn gamma(&mut self, shape: f64) -> f64 {
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
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 { x / (x + y) } else { 0.5 }
    }

    /// Poisson, by products of uniform numbers for small means and by Hörmann's transformed rejection for others.
    ///
    /// W. Hörmann (1993), The transformed rejection method for generating Poisson random variables, algorithm PTRS.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        if mean < POISSON_MEAN_OF_PRODUCTS {
            let limit = (-mean).exp();
            let mut product = self.uniform();
            let mut count = 0.0;
            while product > limit {
                product *= self.uniform();
                count += 1.0;
            }
            return count;
        }
        // Beyond this neighbouring whole numbers are no longer apart.
        let mean = mean.min(1e15);
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        let ln_mean = mean.ln();
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= v_r {
                return k;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            if (v * inverse_alpha / (a / (us * us) + b)).ln() <= k * ln_mean - mean - ln_gamma(k + 1.0) {
                return k;
            }
        }
    }

    /// Number of the first success, from 1, of tries that succeed with this probability; infinite if it is 0.
    pub fn geometric(&mut self, probability: f64) -> f64 {
        if probability >= 1.0 {
            return 1.0;
        }
        (-self.exponential() / (-probability).ln_1p()).ceil().abs().max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 100_000;

    /// Mean and variance of many draws, against theirs: five standard errors of the mean, four percent of the variance.
    #[track_caller]
    fn assert_moments(mean: f64, variance: f64, draw: impl Fn(&mut Random) -> f64) {
        let mut random = Random::new(7, &[1, 2]);
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
        assert_moments(2.2, 2.2, |random| random.poisson(2.2));
        assert_moments(10.0, 10.0, |random| random.poisson(10.0));
        assert_moments(437.5, 437.5, |random| random.poisson(437.5));
        assert_moments(4.0, 12.0, |random| random.geometric(0.25));
    }

    #[test]
    fn extreme_parameters_give_numbers() {
        let mut random = Random::new(1, &[]);
        assert_eq!((random.geometric(1.0), random.geometric(0.0)), (1.0, f64::INFINITY));
        assert_eq!(random.poisson(0.0), 0.0);
        assert!(random.poisson(f64::INFINITY).is_finite() && random.poisson(1e12) > 9e11);
        assert!(random.gamma(1e-4) >= 0.0 && random.beta(1e-300, 1e-300) <= 1.0);
    }

    #[test]
    fn streams_are_repeatable_and_differ_by_each_part() {
        let first = |seed, parts: &[u64]| Random::new(seed, parts).bits();
        let one = first(1, &[2, 3]);
        assert_eq!(one, first(1, &[2, 3]));
        let others = [first(2, &[2, 3]), first(1, &[3, 3]), first(1, &[2, 4]), first(1, &[3, 2]), first(1, &[2])];
        assert!(!others.contains(&one), "{others:?}");
    }
}
