//! Customer clusters: k-means on scaled features, k by elbow and silhouette.
//!
//! The way of a fit: rows are put in the order of their values, so that the order in which the database gives them
//! decides nothing; features are scaled ([`super::scale`]); each k is tried on a seeded sample (starts by
//! `linfa-clustering`, then Lloyd's iteration to rest); the chosen k goes on from the sample's centroids over
//! all rows. Clusters are numbered from 1 by descending mean of the last feature, so that numbers do
//! not depend on the seed.

mod facts;
mod lloyd;
mod points;
mod quality;

use crate::analytics::scale::Scaler;
use crate::analytics::{Column, Frame, Values};
use crate::error::{Error, Result};
use lloyd::Partition;
use points::{Points, square_distance};
use quality::Quality;

/// How to cluster; from the model's `config(materialized='cluster', ...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSpec {
    /// The fixed number of clusters; `None` chooses between `k_min` and `k_max`.
    pub k: Option<usize>,
    /// Smallest k that may be chosen.
    pub k_min: usize,
    /// Largest k that may be chosen.
    pub k_max: usize,
    /// Apply log1p to every feature before standard scaling.
    pub log: bool,
    /// Independent starts for each k.
    pub starts: usize,
    /// Seed of all randomness.
    pub seed: u64,
}

/// The result of one clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterFit {
    /// Number of clusters.
    pub k: usize,
    /// Columns to write beside the key, one value a row of the frame: `cluster_id`, `persona_confidence`.
    pub columns: Vec<Column>,
    /// Facts about the fit (centroids, quality by k, the reason for the chosen k), stored in `quintile.fits`.
    pub facts: serde_json::Value,
}

/// Rows on which numbers of clusters are compared.
const SAMPLE_ROWS: usize = 20_000;
/// Rows on which silhouettes are taken; their cost grows with the square.
const SILHOUETTE_ROWS: usize = 2_000;
/// Values beyond are slips: their squares could not be added up.
const LARGEST: f64 = 1e150;

/// Clusters the rows of `frame` on all of its columns, which must be floats without NaN.
///
/// `cluster_id` counts from 1. `persona_confidence` is `1 - d1 / d2` with the distances to the nearest and the second
/// nearest centroid in standard units: 0 on the border, 1 at the centroid or where there is one cluster only.
/// With `log`, values below 0 are set to 0 before the logarithm. Fewer different rows than clusters lower
/// k, down to 1 where all rows are alike; no rows at all are an error.
pub fn fit(frame: &Frame, spec: &ClusterSpec) -> Result<ClusterFit> {
    check_spec(spec)?;
    let features = features(frame)?;
    let order = canonical_order(&features, frame.len());
    let points = scaled(&features, &order, spec.log);
    let Choice { centroids, reason, qualities } = choose_k(&points, spec)?;
    // Where the sample is everything, these are at rest already.
    let partition = lloyd::settle(&points, centroids);
    let clusters = facts::clusters(&features, &order, &partition);
    let mut id_of = vec![0; clusters.len()];
    for (i, cluster) in clusters.iter().enumerate() {
        id_of[cluster.label] = i as i32 + 1;
    }
    let mut ids = vec![None; frame.len()];
    let mut confidences = vec![0.0; frame.len()];
    for (i, row) in points.rows().enumerate() {
        ids[order[i]] = Some(id_of[partition.labels[i]]);
        confidences[order[i]] = confidence(row, &partition.centroids);
    }
    let columns = vec![
        Column { name: "cluster_id".into(), values: Values::Integer(ids) },
        Column::float("persona_confidence", confidences),
    ];
    let facts = facts::facts(&features, &reason, &qualities, &clusters, &partition);
    Ok(ClusterFit { k: clusters.len(), columns, facts })
}

fn check_spec(spec: &ClusterSpec) -> Result<()> {
    let wrong = |what: String| Err(Error::config("clustering cannot be done as configured").detail(what));
    if spec.k == Some(0) {
        return wrong("k is 0.".into());
    }
    if spec.k.is_none() && (spec.k_min == 0 || spec.k_min > spec.k_max) {
        return wrong(format!("There is no k from k_min = {} to k_max = {}.", spec.k_min, spec.k_max));
    }
    if spec.k.unwrap_or(spec.k_max) > 100 {
        return wrong("More than 100 clusters tell nobody anything.".into());
    }
    if spec.starts == 0 {
        return wrong("starts is 0.".into());
    }
    Ok(())
}

/// The feature columns, checked.
fn features(frame: &Frame) -> Result<Vec<(&str, &[f64])>> {
    let refused =
        |detail: String, hint: &str| Err(Error::failed("customers cannot be clustered").detail(detail).hint(hint));
    if frame.is_empty() {
        return refused(
            "There are no rows.".into(),
            "load orders first; those without a customer, a positive quantity or a price do not count",
        );
    }
    if frame.columns.is_empty() {
        return refused("There are no features.".into(), "add columns to the model's SELECT");
    }
    let mut features = Vec::new();
    let mut problems = Vec::new();
    for column in &frame.columns {
        let values = frame.floats(&column.name)?;
        if values.len() != frame.len() {
            problems.push(format!("Column \"{}\" has {} values for {} rows.", column.name, values.len(), frame.len()));
            continue;
        }
        let is_bad = |value: &f64| value.is_nan() || value.abs() > LARGEST;
        if let Some(first) = values.iter().position(is_bad) {
            let count = values.iter().filter(|value| is_bad(value)).count();
            let (name, key) = (&column.name, &frame.keys[first]);
            problems.push(format!("Column \"{name}\" is missing or not finite in {count} rows, first for \"{key}\"."));
        }
        features.push((column.name.as_str(), values));
    }
    if problems.is_empty() {
        return Ok(features);
    }
    refused(problems.join("\n"), "give every row a number, with `coalesce` for example")
}

/// Rows by their values, the first feature first. Rows that are alike stay in the order they came, which decides nothing.
fn canonical_order(features: &[(&str, &[f64])], rows: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|a, b| {
        let differing = features.iter().map(|(_, values)| (values[*a] + 0.0).total_cmp(&(values[*b] + 0.0)));
        differing.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    order
}

fn scaled(features: &[(&str, &[f64])], order: &[usize], log: bool) -> Points {
    let dimensions = features.len();
    let mut values = vec![0.0; order.len() * dimensions];
    for (place, (_, column)) in features.iter().enumerate() {
        let ordered: Vec<f64> = order.iter().map(|row| column[*row]).collect();
        let scaler = Scaler::fit(&ordered, log);
        for (row, value) in ordered.into_iter().enumerate() {
            values[row * dimensions + place] = scaler.scale(value) + 0.0;
        }
    }
    Points { values, dimensions }
}

/// The chosen number of clusters, as centroids on the sample, and what speaks for it.
struct Choice {
    centroids: Points,
    reason: String,
    qualities: Vec<Quality>,
}

fn choose_k(points: &Points, spec: &ClusterSpec) -> Result<Choice> {
    let widest = spec.k.unwrap_or(spec.k_max).max(spec.k_max);
    let distinct = points.distinct(widest);
    let origin = Points::origin(points.dimensions);
    if distinct == 1 || widest == 1 || spec.k == Some(1) {
        let reason = match (distinct, points.len()) {
            (_, 1) => "k = 1: there is one row only.",
            (1, _) if widest > 1 => "k = 1: all rows are alike.",
            _ => "k = 1 is set in the model's configuration.",
        };
        let inertia_mean = lloyd::settle(points, origin.clone()).inertia_mean;
        let qualities = vec![Quality { k: 1, inertia_mean, silhouette: None }];
        return Ok(Choice { centroids: origin, reason: reason.to_owned(), qualities });
    }
    let sample = points.sample(SAMPLE_ROWS, spec.seed);
    let inertia_of_one = lloyd::settle(&sample, origin).inertia_mean;
    let mut qualities = Vec::new();
    let mut tried = Vec::new();
    for k in 2..=distinct.min(widest) {
        let partition = lloyd::settle(&sample, lloyd::start(&sample, k, spec.starts, spec.seed)?);
        let silhouette = silhouette_of(&sample, &partition, spec.seed);
        qualities.push(Quality { k, inertia_mean: partition.inertia_mean, silhouette });
        tried.push(partition.centroids);
    }
    let (k, reason) = match spec.k {
        _ if distinct < spec.k.unwrap_or(spec.k_min) => {
            (distinct, format!("k = {distinct}: there are only {distinct} different rows."))
        }
        Some(k) => (k, format!("k = {k} is set in the model's configuration.")),
        None => quality::choose(inertia_of_one, &qualities, spec.k_min.max(2), spec.k_max.min(distinct))
            .ok_or_else(|| Error::failed("number of clusters cannot be chosen"))?,
    };
    Ok(Choice { centroids: tried.swap_remove(k - 2), reason, qualities })
}

fn silhouette_of(sample: &Points, partition: &Partition, seed: u64) -> Option<f64> {
    let few = sample.sample(SILHOUETTE_ROWS, seed.wrapping_add(1));
    let labels: Vec<usize> = few.rows().map(|row| lloyd::nearest(row, &partition.centroids).0).collect();
    quality::silhouette(&few, &labels, partition.centroids.len())
}

fn confidence(row: &[f64], centroids: &Points) -> f64 {
    let (mut first, mut second) = (f64::INFINITY, f64::INFINITY);
    for distance in centroids.rows().map(|centroid| square_distance(row, centroid)) {
        if distance < first {
            (first, second) = (distance, first);
        } else if distance < second {
            second = distance;
        }
    }
    if second.is_finite() && second > 0.0 { 1.0 - (first / second).sqrt() } else { 1.0 }
}

#[cfg(test)]
mod tests;
