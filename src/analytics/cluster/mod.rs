//! Customer clusters: k-means on scaled features, k by elbow and silhouette.
//!
//! The way of a fit: rows are put in the order of their values, so that the order in which the database gives them
//! decides nothing; features are scaled ([`super::scale`]); for each k the best of several starts on a seeded sample
//! goes on over all rows until it rests; k is chosen by what that gives. Clusters keep the numbers of the former fit
//! where they continue its clusters, and are numbered from 1 by descending mean of the last feature where there is
//! none, so that numbers do not depend on the seed.

pub mod agreement;
mod choice;
mod facts;
mod former;
mod hartigan;
mod kernel;
mod lloyd;
mod matching;
mod mixture;
mod points;
mod quality;
mod spread;
mod starts;

use crate::analytics::scale::Scaler;
use crate::analytics::{Column, Frame, Values};
use crate::error::{Error, Result};
use choice::{Choice, choose_k};
pub use former::FormerFit;
use points::Points;

/// What a cluster is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// The customers nearest to one centre.
    #[default]
    KMeans,
    /// Those whom one normal distribution most probably made: clusters may be long, tilted, and of unlike width.
    GaussianMixture,
}

/// How to cluster; from the model's `config(materialized='cluster', ...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSpec {
    /// How clusters are found.
    pub algorithm: Algorithm,
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

/// Values beyond are slips: their squares could not be added up.
const LARGEST: f64 = 1e150;

/// Clusters the rows of `frame` on all of its columns, which must be floats without NaN.
///
/// `cluster_id` counts from 1. `persona_confidence` is 0 on the border and 1 where there is one cluster only; between,
/// for k-means `1 - d1 / d2` with the distances to the nearest and the second nearest centroid in standard units, for a
/// mixture the probability of the cluster less that of the next.
/// With `log`, values below 0 are set to 0 before the logarithm. Fewer different rows than clusters lower
/// k, down to 1 where all rows are alike; no rows at all are an error. The clusters of the `former` fit lend their
/// numbers to those that continue them.
pub fn fit(frame: &Frame, spec: &ClusterSpec, former: Option<&FormerFit>) -> Result<ClusterFit> {
    check_spec(spec)?;
    let features = features(frame)?;
    let order = canonical_order(&features, frame.len());
    let (points, scalers) = scaled(&features, &order, spec.log);
    let Choice { partition, confidences: by_place, reason, qualities } = choose_k(&points, spec)?;
    let mut clusters = facts::clusters(&features, &order, &partition);
    let centroids: Vec<Vec<f64>> = clusters.iter().map(|c| partition.centroids.row(c.label).to_vec()).collect();
    if let Some(numbers) = former.and_then(|former| former.numbers(&scalers, &centroids)) {
        clusters.iter_mut().zip(numbers).for_each(|(cluster, number)| cluster.id = number);
    }
    clusters.sort_by_key(|cluster| cluster.id);
    let agreement = former.and_then(|former| former.agreement(&scalers, &points, &partition));
    let mut id_of = vec![0; clusters.len()];
    for cluster in &clusters {
        id_of[cluster.label] = cluster.id;
    }
    let mut ids = vec![None; frame.len()];
    let mut confidences = vec![0.0; frame.len()];
    for (place, row) in order.iter().enumerate() {
        ids[*row] = Some(id_of[partition.labels[place]]);
        confidences[*row] = by_place[place];
    }
    let columns = vec![
        Column { name: "cluster_id".into(), values: Values::Integer(ids) },
        Column::float("persona_confidence", confidences),
    ];
    let told = facts::Told { scalers: &scalers, reason: &reason, qualities: &qualities, agreement };
    let facts = facts::facts(&told, &clusters, &partition);
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

fn scaled<'f>(features: &[(&'f str, &[f64])], order: &[usize], log: bool) -> (Points, Vec<(&'f str, Scaler)>) {
    let dimensions = features.len();
    let mut values = vec![0.0; order.len() * dimensions];
    let mut scalers = Vec::with_capacity(dimensions);
    for (place, (name, column)) in features.iter().enumerate() {
        let ordered: Vec<f64> = order.iter().map(|row| column[*row]).collect();
        let scaler = Scaler::fit(&ordered, log);
        for (row, value) in ordered.into_iter().enumerate() {
            values[row * dimensions + place] = scaler.scale(value) + 0.0;
        }
        scalers.push((*name, scaler));
    }
    (Points { values, dimensions }, scalers)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod scikit_tests;
