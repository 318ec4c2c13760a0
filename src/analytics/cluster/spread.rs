//! How far clusters lie apart against how wide they are: the figures of Caliński and Harabasz, and of Davies and Bouldin.

use super::lloyd::Partition;
use super::points::{Points, square_distance};

/// Between the clusters against within them, each by its degrees of freedom (Caliński and Harabasz 1974): more is
/// better. `None` for one cluster, or where no point is left to tell the width from.
pub(super) fn calinski_harabasz(points: &Points, partition: &Partition) -> Option<f64> {
    let (n, k) = (points.len(), partition.centroids.len());
    let within = partition.inertia_mean * n as f64;
    if k < 2 || n <= k || within <= 0.0 {
        return None;
    }
    let mut mean = vec![0.0; points.dimensions];
    for row in points.rows() {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    mean.iter_mut().for_each(|sum| *sum /= n as f64);
    let counts = counts(partition);
    let between =
        partition.centroids.rows().zip(&counts).map(|(center, count)| square_distance(center, &mean) * *count as f64);
    Some(between.sum::<f64>() / (k - 1) as f64 / (within / (n - k) as f64))
}

/// Mean over the clusters of the worst `(width + width) / distance` with another (Davies and Bouldin 1979), a width
/// being the mean distance of the points to their centroid: less is better. `None` for one cluster.
pub(super) fn davies_bouldin(points: &Points, partition: &Partition) -> Option<f64> {
    let centers = &partition.centroids;
    if centers.len() < 2 {
        return None;
    }
    let mut widths = vec![0.0; centers.len()];
    for (row, label) in points.rows().zip(&partition.labels) {
        widths[*label] += square_distance(row, centers.row(*label)).sqrt();
    }
    widths.iter_mut().zip(counts(partition)).for_each(|(width, count)| *width /= count.max(1) as f64);
    let worst = |a: usize| {
        let others = (0..centers.len()).filter(|b| *b != a);
        let ratios = others.map(|b| (widths[a] + widths[b]) / square_distance(centers.row(a), centers.row(b)).sqrt());
        ratios.fold(0.0, f64::max)
    };
    Some((0..centers.len()).map(worst).sum::<f64>() / centers.len() as f64)
}

fn counts(partition: &Partition) -> Vec<usize> {
    let mut counts = vec![0; partition.centroids.len()];
    partition.labels.iter().for_each(|label| counts[*label] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::cluster::lloyd::settle;

    #[test]
    fn figures_are_those_of_scikit_learn_1_9() {
        // calinski_harabasz_score and davies_bouldin_score of these nine points in three groups.
        let values = vec![0.0, 0.0, 1.0, 0.5, 0.2, 1.1, 6.0, 5.0, 7.5, 5.5, 6.2, 6.9, 0.1, 9.0, 1.3, 8.4, 0.9, 10.0];
        let points = Points { values, dimensions: 2 };
        let partition = settle(&points, Points { values: vec![0.0, 0.0, 6.0, 5.0, 0.1, 9.0], dimensions: 2 });
        assert_eq!(partition.labels, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
        let harabasz = calinski_harabasz(&points, &partition).unwrap();
        let bouldin = davies_bouldin(&points, &partition).unwrap();
        assert!((harabasz - HARABASZ).abs() < 1e-9, "{harabasz}");
        assert!((bouldin - BOULDIN).abs() < 1e-12, "{bouldin}");
    }

    const HARABASZ: f64 = 85.380_267_214_799_57;
    const BOULDIN: f64 = 0.253_837_048_826_687_9;

    #[test]
    fn one_cluster_has_no_figures() {
        let points = Points { values: vec![0.0, 1.0, 2.0], dimensions: 1 };
        let partition = settle(&points, Points { values: vec![0.0], dimensions: 1 });
        assert_eq!((calinski_harabasz(&points, &partition), davies_bouldin(&points, &partition)), (None, None));
    }
}
