//! How good a number of clusters is: silhouette and elbow, and the rule that chooses by both.

use super::points::{Points, square_distance};

/// A silhouette this much below the best is as good: the sample does not tell them apart.
pub(super) const TOLERANCE: f64 = 0.05;

/// Quality of one number of clusters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quality {
    pub(super) k: usize,
    pub(super) inertia_mean: f64,
    /// `None` for a single cluster.
    pub(super) silhouette: Option<f64>,
    /// `None` for a single cluster; see [`super::spread`].
    pub(super) calinski_harabasz: Option<f64>,
    pub(super) davies_bouldin: Option<f64>,
}

/// Mean silhouette of labelled points (Rousseeuw 1987): `(b - a) / max(a, b)` with `a` the mean distance to
/// the point's own cluster and `b` that to the nearest other; 0 for a point alone in its cluster.
/// `None` unless at least two clusters have points. Takes time in the square of the number of points.
pub(super) fn silhouette(points: &Points, labels: &[usize], k: usize) -> Option<f64> {
    let mut counts = vec![0usize; k];
    labels.iter().for_each(|label| counts[*label] += 1);
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        return None;
    }
    // Sum of distances from each point to each cluster; every pair is looked at once.
    let mut sums = vec![0.0; k * points.len()];
    for (i, row) in points.rows().enumerate() {
        for (j, other) in points.rows().enumerate().skip(i + 1) {
            let distance = square_distance(row, other).sqrt();
            sums[i * k + labels[j]] += distance;
            sums[j * k + labels[i]] += distance;
        }
    }
    let mut total = 0.0;
    for (i, sums) in sums.chunks_exact(k).enumerate() {
        let own = labels[i];
        if counts[own] < 2 {
            continue;
        }
        let inside = sums[own] / (counts[own] - 1) as f64;
        let others = (0..k).filter(|label| *label != own && counts[*label] > 0);
        let outside = others.map(|label| sums[label] / counts[label] as f64).fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        if larger > 0.0 {
            total += (outside - inside) / larger;
        }
    }
    Some(total / labels.len() as f64)
}

/// The k at which the curve of inertia bends most: farthest below the line from k = 1 to the last k, both axes
/// scaled to 0 to 1 (the "kneedle" distance of Satopaa and others 2011). `inertia_of_one` is that of k = 1.
pub(super) fn elbow(inertia_of_one: f64, qualities: &[Quality]) -> Option<usize> {
    let last = qualities.last()?;
    let (steps, drop) = ((last.k - 1) as f64, inertia_of_one - last.inertia_mean);
    let below = |quality: &Quality| {
        let across = (quality.k - 1) as f64 / steps;
        let down = if drop > 0.0 { (quality.inertia_mean - last.inertia_mean) / drop } else { 0.0 };
        1.0 - across - down
    };
    let mut best: Option<(usize, f64)> = None;
    for quality in qualities {
        let distance = below(quality);
        if best.is_none_or(|(_, farthest)| distance > farthest + 1e-12) {
            best = Some((quality.k, distance));
        }
    }
    best.map(|(k, _)| k)
}

/// Chooses k from `low` to `high`: among those whose silhouette is within [`TOLERANCE`] of the best in the range,
/// the one nearest to the elbow; of two equally near, the better silhouette. Returns k and the reason.
pub(super) fn choose(inertia_of_one: f64, qualities: &[Quality], low: usize, high: usize) -> Option<(usize, String)> {
    let elbow = elbow(inertia_of_one, qualities)?;
    let in_range: Vec<(usize, f64)> = qualities
        .iter()
        .filter(|quality| (low..=high).contains(&quality.k))
        .map(|quality| (quality.k, quality.silhouette.unwrap_or(-1.0)))
        .collect();
    let best = in_range.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let good = in_range.iter().copied().filter(|(_, silhouette)| *silhouette >= best.1 - TOLERANCE);
    let (k, silhouette) =
        good.min_by(|a, b| a.0.abs_diff(elbow).cmp(&b.0.abs_diff(elbow)).then(b.1.total_cmp(&a.1)))?;
    let place = if k == elbow {
        format!("k = {k} is the elbow of the inertia curve")
    } else {
        format!("k = {k} is the nearest to the elbow of the inertia curve (k = {elbow}) that separates well")
    };
    let reason = format!(
        "{place}; its silhouette {silhouette:.3} is within {TOLERANCE} of the best from k = {low} to {high} ({:.3} at k = {}).",
        best.1, best.0
    );
    Some((k, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn silhouette_is_the_value_worked_out_by_hand() {
        // On a line: 0 and 1 together, 4 and 6 together.
        // s(0) = (5 - 1) / 5, s(1) = (4 - 1) / 4, s(4) = (3.5 - 2) / 3.5, s(6) = (5.5 - 2) / 5.5.
        let points = Points { values: vec![0.0, 1.0, 4.0, 6.0], dimensions: 1 };
        let by_hand = (0.8 + 0.75 + 1.5 / 3.5 + 3.5 / 5.5) / 4.0;
        let found = silhouette(&points, &[0, 0, 1, 1], 2).unwrap();
        assert!((found - by_hand).abs() < 1e-12, "{found}");
        // 0 and 1 together, 6 alone: s(0) = (6 - 1) / 6, s(1) = (5 - 1) / 5, and a point alone counts 0.
        let points = Points { values: vec![0.0, 1.0, 6.0], dimensions: 1 };
        let found = silhouette(&points, &[0, 0, 1], 2).unwrap();
        assert!((found - (5.0 / 6.0 + 4.0 / 5.0) / 3.0).abs() < 1e-12, "{found}");
        assert_eq!(silhouette(&points, &[1, 1, 1], 2), None);
    }

    fn quality(k: usize, inertia_mean: f64, silhouette: f64) -> Quality {
        Quality { k, inertia_mean, silhouette: Some(silhouette), calinski_harabasz: None, davies_bouldin: None }
    }

    #[test]
    fn the_elbow_is_where_the_curve_bends() {
        let curve = [quality(2, 5.0, 0.5), quality(3, 1.0, 0.6), quality(4, 0.8, 0.4), quality(5, 0.7, 0.3)];
        assert_eq!(elbow(10.0, &curve), Some(3));
        assert_eq!(elbow(10.0, &curve[..1]), Some(2));
        assert_eq!(elbow(10.0, &[]), None);
    }

    #[test]
    fn the_elbow_wins_where_it_separates_well_and_the_silhouette_elsewhere() {
        let curve = [quality(2, 5.0, 0.62), quality(3, 1.0, 0.6), quality(4, 0.8, 0.4), quality(5, 0.7, 0.3)];
        let (k, reason) = choose(10.0, &curve, 2, 5).unwrap();
        assert_eq!(k, 3);
        insta::assert_snapshot!(reason, @"k = 3 is the elbow of the inertia curve; its silhouette 0.600 is within 0.05 of the best from k = 2 to 5 (0.620 at k = 2).");
        let curve = [quality(2, 5.0, 0.8), quality(3, 1.0, 0.6), quality(4, 0.8, 0.4), quality(5, 0.7, 0.3)];
        let (k, reason) = choose(10.0, &curve, 2, 5).unwrap();
        assert_eq!(k, 2);
        insta::assert_snapshot!(reason, @"k = 2 is the nearest to the elbow of the inertia curve (k = 3) that separates well; its silhouette 0.800 is within 0.05 of the best from k = 2 to 5 (0.800 at k = 2).");
        assert_eq!(choose(10.0, &curve, 4, 5).unwrap().0, 4);
    }

    proptest! {
        #[test]
        fn a_silhouette_lies_between_minus_one_and_one(
            rows in proptest::collection::vec((-5.0..5.0f64, -5.0..5.0f64, 0..3usize), 2..40),
        ) {
            let values = rows.iter().flat_map(|row| [row.0, row.1]).collect();
            let labels: Vec<usize> = rows.iter().map(|row| row.2).collect();
            if let Some(found) = silhouette(&Points { values, dimensions: 2 }, &labels, 3) {
                prop_assert!((-1.0..=1.0).contains(&found));
            }
        }
    }
}
