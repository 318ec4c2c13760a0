//! Where Lloyd's iteration begins: greedy k-means++, and swaps of single centroids.
//!
//! k-means++ (Arthur and Vassilvitskii 2007) draws each next centroid with a chance in proportion to its squared
//! distance from those there are. The greedy form draws several and takes the one that lowers the inertia most
//! (Celebi, Kingravi and Vela 2013), as scikit-learn does, with as many: `2 + floor(ln k)`.

use super::kernel::{nearest, pass};
use super::lloyd::{Partition, settle, tightest};
use super::points::{Points, chance, square_distance};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;

/// Swaps that are tried on the best start.
const SWAPS: u64 = 20;

/// Sets of centroids that are compared on more points than they were found on.
const FINALISTS: usize = 4;

/// The best few of `starts` sets of `k` centroids, each at rest on `sample`, and of the swaps that were tried on them;
/// the best comes first.
pub(super) fn finalists(sample: &Points, k: usize, starts: usize, seed: u64) -> Vec<Points> {
    let seed_of = |number: u64| seed.wrapping_add(number).wrapping_mul(1_000_003).wrapping_add(k as u64);
    let mut tried: Vec<Partition> = (0..starts.max(1) as u64)
        .into_par_iter()
        .map(|number| tightest(sample, draw(sample, k, &mut Xoshiro256PlusPlus::seed_from_u64(seed_of(number)))))
        .collect();
    rank(&mut tried);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed_of(u64::MAX));
    for _ in 0..if tried[0].centroids.len() > 1 { SWAPS } else { 0 } {
        let swapped = tightest(sample, swap(sample, &tried[0].centroids, &mut random));
        tried.push(swapped);
        rank(&mut tried);
    }
    tried.into_iter().map(|partition| partition.centroids).collect()
}

/// Leaves the tightest few, of those that are equal but for rounding the first.
fn rank(tried: &mut Vec<Partition>) {
    tried.sort_by(|a, b| a.inertia_mean.total_cmp(&b.inertia_mean));
    tried.dedup_by(|next, before| next.inertia_mean <= before.inertia_mean * (1.0 + 1e-9));
    tried.truncate(FINALISTS);
}

/// Of several sets of centroids the one that is tightest at rest on `sample`, as it rests there.
pub(super) fn tightest_on(sample: &Points, finalists: Vec<Points>) -> Points {
    let rested = finalists.into_iter().map(|centroids| settle(sample, centroids));
    let best = rested.reduce(|best, next| if next.inertia_mean < best.inertia_mean { next } else { best });
    best.map_or_else(|| Points::origin(sample.dimensions), |partition| partition.centroids)
}

/// The centroids, and as many points far from all of them as `k` lacks: a sample need not have every kind of row.
pub(super) fn filled(points: &Points, mut centroids: Points, k: usize) -> Points {
    while centroids.len() < k {
        let (distance, place) = pass(points, &centroids).farthest;
        if distance <= 0.0 {
            break;
        }
        centroids.values.extend_from_slice(points.row(place));
    }
    centroids
}

/// The centroids with one, drawn evenly, taken out and another drawn as in a start: what no move of points can do, two
/// centroids in one heap to one in each of two, is one swap away (Fränti and Kivijärvi 2000).
fn swap(points: &Points, centroids: &Points, random: &mut Xoshiro256PlusPlus) -> Points {
    let out = (chance(random) * centroids.len() as f64) as usize;
    let mut left = centroids.clone();
    left.values.drain(out * centroids.dimensions..(out + 1) * centroids.dimensions);
    let distances: Vec<f64> = points.rows().map(|row| nearest(row, &left).1).collect();
    let total: f64 = distances.iter().sum();
    let drawn = drawn(&distances, chance(random) * total);
    left.values.extend_from_slice(points.row(drawn));
    left
}

/// One start. Fewer different points than `k` give as many centroids as there are.
fn draw(points: &Points, k: usize, random: &mut Xoshiro256PlusPlus) -> Points {
    let trials = 2 + (k as f64).ln() as usize;
    let first = (chance(random) * points.len() as f64) as usize;
    let mut values = points.row(first.min(points.len() - 1)).to_vec();
    let mut distances: Vec<f64> = points.rows().map(|row| square_distance(row, &values)).collect();
    for _ in 1..k {
        let total: f64 = distances.iter().sum();
        if total <= 0.0 {
            break;
        }
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..trials {
            let candidate = drawn(&distances, chance(random) * total);
            let center = points.row(candidate);
            let closer: Vec<f64> = points
                .rows()
                .zip(&distances)
                .map(|(row, distance)| square_distance(row, center).min(*distance))
                .collect();
            let inertia: f64 = closer.iter().sum();
            if best.as_ref().is_none_or(|(least, ..)| inertia < *least) {
                best = Some((inertia, candidate, closer));
            }
        }
        if let Some((_, candidate, closer)) = best {
            values.extend_from_slice(points.row(candidate));
            distances = closer;
        }
    }
    Points { values, dimensions: points.dimensions }
}

/// The point at which the running sum of the distances passes `mark`; never one at distance 0.
fn drawn(distances: &[f64], mark: f64) -> usize {
    let mut sum = 0.0;
    let mut last = 0;
    for (i, distance) in distances.iter().enumerate().filter(|(_, distance)| **distance > 0.0) {
        sum += distance;
        last = i;
        if sum > mark {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> Points {
        Points { values: values.to_vec(), dimensions: 1 }
    }

    #[test]
    fn starts_are_repeatable() {
        let points = line(&(0..500).map(|i| f64::from(i % 50) + f64::from(i / 250) * 1e3).collect::<Vec<_>>());
        let found = finalists(&points, 2, 3, 9);
        assert_eq!(found, finalists(&points, 2, 3, 9));
        let mut means = settle(&points, found[0].clone()).centroids.values;
        means.sort_by(f64::total_cmp);
        assert_eq!(means, [24.5, 1024.5]);
    }

    #[test]
    fn points_that_are_there_already_are_not_drawn() {
        assert_eq!(drawn(&[0.0, 1.0, 0.0, 3.0, 0.0], 0.0), 1);
        assert_eq!(drawn(&[0.0, 1.0, 0.0, 3.0, 0.0], 3.9), 3);
        assert_eq!(drawn(&[0.0, 1.0, 0.0, 3.0, 0.0], 9.0), 3);
        let mut two = draw(&line(&[4.0, 4.0, 4.0, 8.0]), 3, &mut Xoshiro256PlusPlus::seed_from_u64(1)).values;
        two.sort_by(f64::total_cmp);
        assert_eq!(two, [4.0, 8.0], "there are no three different points");
    }
}
