//! Points in a few dimensions, row after row, and samples of them.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Points, row-major: `values.len() = count * dimensions`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Points {
    pub(super) values: Vec<f64>,
    pub(super) dimensions: usize,
}

impl Points {
    /// One point with all coordinates 0.
    pub(super) fn origin(dimensions: usize) -> Points {
        Points { values: vec![0.0; dimensions], dimensions }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() / self.dimensions
    }

    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.dimensions)
    }

    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.dimensions..(i + 1) * self.dimensions]
    }

    /// Number of different points, counted up to `enough` only.
    pub(super) fn distinct(&self, enough: usize) -> usize {
        let mut seen: Vec<&[f64]> = Vec::new();
        for row in self.rows() {
            if seen.len() >= enough {
                break;
            }
            if !seen.contains(&row) {
                seen.push(row);
            }
        }
        seen.len()
    }

    /// At most `size` points, each equally likely, in their order (Knuth, TAOCP 2, algorithm 3.4.2 S).
    pub(super) fn sample(&self, size: usize, seed: u64) -> Points {
        let places = self.sample_places(size, seed);
        let values = places.iter().flat_map(|place| self.row(*place).iter().copied()).collect();
        Points { values, dimensions: self.dimensions }
    }

    /// The places of the points of a sample.
    pub(super) fn sample_places(&self, size: usize, seed: u64) -> Vec<usize> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut places = Vec::with_capacity(size.min(self.len()));
        let wanted = size.min(self.len());
        for place in 0..self.len() {
            let left = (self.len() - place) as f64;
            if chance(&mut random) * left < (wanted - places.len()) as f64 {
                places.push(place);
            }
        }
        places
    }
}

/// A float from 0 to 1, 1 excluded, of 53 random bits.
pub(super) fn chance(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Square of the Euclidean distance.
pub(super) fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut total = 0.0;
    for (x, y) in a.iter().zip(b) {
        total += (x - y) * (x - y);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_fair_ordered_and_repeatable() {
        let points = Points { values: (0..1_000).map(f64::from).collect(), dimensions: 1 };
        let sample = points.sample(100, 7);
        assert_eq!((sample.len(), &sample), (100, &points.sample(100, 7)));
        assert!(sample.values.windows(2).all(|pair| pair[0] < pair[1]));
        let mean = sample.values.iter().sum::<f64>() / 100.0;
        // Four standard errors of the mean of 100 from 0..1000.
        assert!((mean - 499.5).abs() < 4.0 * 288.7 / 10.0, "{mean}");
        assert_eq!(points.sample(5_000, 7), points);
    }

    #[test]
    fn distinct_counts_up_to_enough() {
        let points = Points { values: vec![1.0, 2.0, 1.0, 2.0, 3.0, 3.0], dimensions: 2 };
        assert_eq!((points.distinct(9), points.distinct(1)), (2, 1));
    }
}
