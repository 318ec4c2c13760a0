//! What Lloyd's iteration leaves undone: moves of single points that lower the inertia (Hartigan 1975, section 4.2).
//!
//! A point belongs where `n / (n + 1) * d^2` is least, its own cluster counting `n / (n - 1) * d^2`: the centroid goes
//! along when a point moves. Partitions that rest under this rule rest under Lloyd's too, and are never wider.

use super::points::{Points, square_distance};

/// Rounds over all points.
const MAX_ROUNDS: usize = 50;
/// A gain below this share of the point's own cost is rounding.
const LEAST_GAIN: f64 = 1e-9;

/// Moves points between the clusters until no move helps. Clusters keep at least one point.
pub(super) fn refine(points: &Points, centroids: &mut Points, labels: &mut [usize]) {
    let mut counts = vec![0_usize; centroids.len()];
    labels.iter().for_each(|label| counts[*label] += 1);
    for _ in 0..MAX_ROUNDS {
        let mut is_changed = false;
        for (row, label) in points.rows().zip(labels.iter_mut()) {
            let own = *label;
            if counts[own] < 2 {
                continue;
            }
            let size = counts[own] as f64;
            let cost = size / (size - 1.0) * square_distance(row, centroids.row(own));
            let (mut best, mut least) = (own, cost * (1.0 - LEAST_GAIN));
            for (other, count) in counts.iter().enumerate().filter(|(other, _)| *other != own) {
                let count = *count as f64;
                let there = count / (count + 1.0) * square_distance(row, centroids.row(other));
                if there < least {
                    (best, least) = (other, there);
                }
            }
            if best != own {
                shift(centroids, own, row, -1.0 / (size - 1.0));
                shift(centroids, best, row, 1.0 / (counts[best] as f64 + 1.0));
                counts[own] -= 1;
                counts[best] += 1;
                *label = best;
                is_changed = true;
            }
        }
        if !is_changed {
            return;
        }
    }
}

/// Moves a centroid towards a point by a share of the way.
fn shift(centroids: &mut Points, label: usize, row: &[f64], share: f64) {
    let place = label * centroids.dimensions;
    for (center, value) in centroids.values[place..place + row.len()].iter_mut().zip(row) {
        *center += (value - *center) * share;
    }
}

#[cfg(test)]
mod tests {
    use super::super::lloyd::settle;
    use super::super::starts::finalists;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_partition_at_rest_under_lloyd_can_be_improved() {
        // 3 is as near to 1, the mean of 0, 0 and 3, as to 5; but 1 would go back to 0 without it.
        let points = Points { values: vec![0.0, 0.0, 3.0, 5.0, 5.0, 5.0, 5.0], dimensions: 1 };
        let stuck = settle(&points, Points { values: vec![1.0, 5.0], dimensions: 1 });
        let mut refined = stuck.clone();
        refine(&points, &mut refined.centroids, &mut refined.labels);
        assert_eq!(refined.labels, [0, 0, 1, 1, 1, 1, 1]);
        assert!(settle(&points, refined.centroids).inertia_mean < stuck.inertia_mean);
    }

    proptest! {
        #[test]
        fn it_never_gets_wider_and_rests_under_lloyd(
            values in proptest::collection::vec(-5.0..5.0_f64, 12..120),
            k in 2_usize..5,
        ) {
            let points = Points { values: values[..values.len() / 2 * 2].to_vec(), dimensions: 2 };
            let before = settle(&points, finalists(&points, k, 2, 1).swap_remove(0));
            let mut refined = before.clone();
            refine(&points, &mut refined.centroids, &mut refined.labels);
            let after = settle(&points, refined.centroids.clone());
            prop_assert!(after.inertia_mean <= before.inertia_mean * (1.0 + 1e-12));
            prop_assert_eq!(after.labels, refined.labels);
        }
    }
}
