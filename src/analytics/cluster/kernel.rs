//! One pass over the points: each to its nearest centroid, and the sums that the next centroids come from.
//!
//! Distances are taken with the number of dimensions known to the compiler, which unrolls them. Sums are taken by
//! chunks and added in the order of the chunks: the same result for any number of threads.

use super::points::{Points, square_distance};
use rayon::prelude::*;

/// Points of a chunk.
const CHUNK: usize = 8_192;

/// What a pass finds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pass {
    /// Sum of each centroid's points, row-major as the centroids.
    pub(super) sums: Vec<f64>,
    /// Number of each centroid's points.
    pub(super) counts: Vec<usize>,
    /// Sum of the squared distances to the nearest centroid.
    pub(super) inertia: f64,
    /// The point that is farthest from its centroid, with the squared distance; the first of several.
    pub(super) farthest: (f64, usize),
}

/// Passes over all points. Of equally near centroids a point belongs to the first.
pub(super) fn pass(points: &Points, centroids: &Points) -> Pass {
    match points.dimensions {
        1 => fixed::<1>(points, centroids),
        2 => fixed::<2>(points, centroids),
        3 => fixed::<3>(points, centroids),
        4 => fixed::<4>(points, centroids),
        5 => fixed::<5>(points, centroids),
        6 => fixed::<6>(points, centroids),
        7 => fixed::<7>(points, centroids),
        8 => fixed::<8>(points, centroids),
        dimensions => by_chunks(points, centroids, |chunk, pass| {
            for (i, row) in chunk.chunks_exact(dimensions).enumerate() {
                let (label, distance) = nearest(row, centroids);
                pass.take(i, row, label, distance);
            }
        }),
    }
}

fn fixed<const D: usize>(points: &Points, centroids: &Points) -> Pass {
    let (centers, _) = centroids.values.as_chunks::<D>();
    by_chunks(points, centroids, |chunk, pass| {
        let (rows, _) = chunk.as_chunks::<D>();
        for (i, row) in rows.iter().enumerate() {
            let (mut label, mut least) = (0, f64::INFINITY);
            for (number, center) in centers.iter().enumerate() {
                let mut distance = 0.0;
                for d in 0..D {
                    distance += (row[d] - center[d]) * (row[d] - center[d]);
                }
                if distance < least {
                    (label, least) = (number, distance);
                }
            }
            pass.take(i, row, label, least);
        }
    })
}

fn by_chunks(points: &Points, centroids: &Points, look: impl Fn(&[f64], &mut Pass) + Sync) -> Pass {
    let chunks = points.values.par_chunks(CHUNK * points.dimensions);
    let passes: Vec<Pass> = chunks
        .map(|chunk| {
            let mut pass = Pass::new(centroids);
            look(chunk, &mut pass);
            pass
        })
        .collect();
    let mut total = Pass::new(centroids);
    for (number, pass) in passes.iter().enumerate() {
        total.add(pass, number * CHUNK);
    }
    total
}

impl Pass {
    fn new(centroids: &Points) -> Pass {
        let (sums, counts) = (vec![0.0; centroids.values.len()], vec![0; centroids.len()]);
        Pass { sums, counts, inertia: 0.0, farthest: (0.0, 0) }
    }

    #[inline]
    fn take(&mut self, i: usize, row: &[f64], label: usize, distance: f64) {
        self.counts[label] += 1;
        self.inertia += distance;
        let place = label * row.len();
        for (sum, value) in self.sums[place..place + row.len()].iter_mut().zip(row) {
            *sum += value;
        }
        if distance > self.farthest.0 {
            self.farthest = (distance, i);
        }
    }

    /// Adds a chunk whose first point is the `first` of all.
    fn add(&mut self, chunk: &Pass, first: usize) {
        self.inertia += chunk.inertia;
        self.sums.iter_mut().zip(&chunk.sums).for_each(|(sum, more)| *sum += more);
        self.counts.iter_mut().zip(&chunk.counts).for_each(|(count, more)| *count += more);
        if chunk.farthest.0 > self.farthest.0 {
            self.farthest = (chunk.farthest.0, first + chunk.farthest.1);
        }
    }
}

/// Index of the nearest centroid and the squared distance to it.
pub(super) fn nearest(row: &[f64], centroids: &Points) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (label, centroid) in centroids.rows().enumerate() {
        let distance = square_distance(row, centroid);
        if distance < best.1 {
            best = (label, distance);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The pass as it is defined, point by point.
    fn reference(points: &Points, centroids: &Points) -> Pass {
        let mut pass = Pass::new(centroids);
        for (i, row) in points.rows().enumerate() {
            let (label, distance) = nearest(row, centroids);
            pass.take(i, row, label, distance);
        }
        pass
    }

    proptest! {
        #[test]
        fn every_number_of_dimensions_gives_the_same(
            dimensions in 1_usize..11,
            values in proptest::collection::vec(-9.0..9.0_f64, 30..300),
        ) {
            let points = Points { values: values[..values.len() / dimensions * dimensions].to_vec(), dimensions };
            let centroids = Points { values: points.values[..dimensions * (points.len() / 2).clamp(1, 5)].to_vec(), dimensions };
            prop_assert_eq!(pass(&points, &centroids), reference(&points, &centroids));
        }
    }

    #[test]
    fn the_number_of_threads_decides_nothing() {
        let values: Vec<f64> = (0..90_000).map(|i| f64::from(i * 7919 % 10_007) / 97.0).collect();
        let points = Points { values, dimensions: 3 };
        let centroids = Points { values: points.values[..15].to_vec(), dimensions: 3 };
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| pass(&points, &centroids))
        };
        assert_eq!(with(1), with(7));
        let reference = reference(&points, &centroids);
        assert_eq!((with(2).counts, with(2).farthest), (reference.counts, reference.farthest));
    }
}
