//! Lloyd's iteration (1982) over all points from given centroids.
//!
//! Not that of `linfa-clustering`, which is the oracle of the tests: it counts each old centroid as one more point, and
//! takes six times as long on half a million rows.

use super::hartigan::refine;
use super::kernel::{Pass, nearest, pass};
use super::points::{Points, square_distance};

/// Rounds of Lloyd's iteration; a fit that needs more moves by less than anyone can see.
const MAX_ROUNDS: usize = 300;
/// The sum of squared shifts of the centroids, in standard units, at which the iteration has come to rest.
const AT_REST: f64 = 1e-10;

/// Centroids and the points' places among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Partition {
    pub(super) centroids: Points,
    /// Index of the nearest centroid of each point; of equally near ones, the first.
    pub(super) labels: Vec<usize>,
    /// Mean of the squared distances to the nearest centroid.
    pub(super) inertia_mean: f64,
}

/// As [`settle`], and on until no move of a single point helps.
pub(super) fn tightest(points: &Points, centroids: Points) -> Partition {
    let Partition { mut centroids, mut labels, .. } = settle(points, centroids);
    refine(points, &mut centroids, &mut labels);
    // Sums that were kept step by step have drifted by a rounding or two.
    settle(points, centroids)
}

/// Moves the centroids to the means of their points until they rest. A centroid without points goes to the point
/// that is farthest from its own; one that stays without points (fewer different points than centroids) is dropped.
pub(super) fn settle(points: &Points, mut centroids: Points) -> Partition {
    let dimensions = points.dimensions;
    for _ in 0..MAX_ROUNDS {
        let Pass { sums, counts, farthest, .. } = pass(points, &centroids);
        let mut shift = 0.0;
        let mut is_taken = false;
        for (label, count) in counts.iter().enumerate() {
            let place = label * dimensions..(label + 1) * dimensions;
            let moved: Vec<f64> = match count {
                // One a round: the next may be near the first.
                0 if farthest.0 > 0.0 && !is_taken => {
                    is_taken = true;
                    points.row(farthest.1).to_vec()
                }
                0 => continue,
                count => sums[place.clone()].iter().map(|sum| sum / *count as f64).collect(),
            };
            shift += square_distance(&centroids.values[place.clone()], &moved);
            centroids.values[place].copy_from_slice(&moved);
        }
        if shift <= AT_REST && !is_taken {
            break;
        }
    }
    place(points, &centroids)
}

/// Puts every point to its nearest centroid; centroids without points are dropped.
fn place(points: &Points, centroids: &Points) -> Partition {
    let mut counts = vec![0usize; centroids.len()];
    let mut inertia = 0.0;
    let mut labels = Vec::with_capacity(points.len());
    for row in points.rows() {
        let (label, distance) = nearest(row, centroids);
        counts[label] += 1;
        inertia += distance;
        labels.push(label);
    }
    let mut kept = Points { values: Vec::new(), dimensions: points.dimensions };
    let mut renumbered = vec![0; counts.len()];
    for (label, row) in centroids.rows().enumerate().filter(|(label, _)| counts[*label] > 0) {
        renumbered[label] = kept.len();
        kept.values.extend_from_slice(row);
    }
    labels.iter_mut().for_each(|label| *label = renumbered[*label]);
    Partition { centroids: kept, labels, inertia_mean: inertia / points.len().max(1) as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::starts::finalists;
    use super::*;
    use linfa::DatasetBase;
    use linfa::traits::Fit;
    use linfa_clustering::KMeans;
    use ndarray::Array2;
    use rand_xoshiro::Xoshiro256Plus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn line(values: &[f64]) -> Points {
        Points { values: values.to_vec(), dimensions: 1 }
    }

    #[test]
    fn centroids_come_to_rest_at_the_means() {
        let partition = settle(&line(&[0.0, 1.0, 2.0, 10.0, 11.0, 12.0]), line(&[0.0, 1.0]));
        assert_eq!(partition.centroids.values, [1.0, 11.0]);
        assert_eq!(partition.labels, [0, 0, 0, 1, 1, 1]);
        assert!((partition.inertia_mean - 4.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_centroid_without_points_is_put_to_use() {
        let partition = settle(&line(&[0.0, 0.0, 5.0, 9.0]), line(&[0.0, 100.0, 100.0]));
        assert_eq!(partition.centroids.len(), 3);
        assert_eq!(partition.inertia_mean, 0.0);
    }

    #[test]
    fn more_centroids_than_points_are_dropped() {
        let partition = settle(&line(&[3.0, 3.0]), line(&[0.0, 1.0, 2.0]));
        assert_eq!((partition.centroids.values, partition.labels), (vec![3.0], vec![0, 0]));
    }

    #[test]
    fn the_result_is_as_tight_as_that_of_linfa_alone() {
        // Three loose heaps in two dimensions, without gaps between them.
        let spread = |i: usize, step: usize, center: f64| center + ((i * step) % 97) as f64 / 97.0 * 3.0;
        let centers = [(0.0, 0.0), (2.5, 0.5), (1.0, 2.5)];
        let rows = (0..300).map(|i| (spread(i, 31, centers[i % 3].0), spread(i, 59, centers[i % 3].1)));
        let points = Points { values: rows.flat_map(|(x, y)| [x, y]).collect(), dimensions: 2 };
        let records = Array2::from_shape_vec((300, 2), points.values.clone()).unwrap();
        for k in 2..=5 {
            let params = KMeans::params_with_rng(k, Xoshiro256Plus::seed_from_u64(1)).n_runs(10).tolerance(1e-6);
            let linfa = params.fit(&DatasetBase::from(records.clone())).unwrap().inertia();
            let own = tightest(&points, finalists(&points, k, 10, 1).swap_remove(0)).inertia_mean;
            assert!(own <= linfa * 1.000_001, "k = {k}: {own} against {linfa}");
        }
    }
}
