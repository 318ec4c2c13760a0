//! What is told about a fit besides its rows: clusters in their order, quality by k, the reason.

use super::lloyd::Partition;
use super::quality::Quality;
use crate::analytics::scale::Scaler;
use serde_json::{Map, Value, json};

/// One cluster, in the order of its number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cluster {
    /// Its number.
    pub(super) id: i32,
    /// Index of its centroid in the partition.
    pub(super) label: usize,
    /// Number of rows.
    pub(super) size: usize,
    /// Mean of each feature in its own units, as the frame has them (before clamping and logarithm).
    pub(super) means: Vec<f64>,
}

/// The clusters by descending mean of the last feature, then of those before it, then by centroid.
/// `order[i]` is the frame's row of point `i`.
pub(super) fn clusters(features: &[(&str, &[f64])], order: &[usize], partition: &Partition) -> Vec<Cluster> {
    let empty = |label| Cluster { id: 0, label, size: 0, means: vec![0.0; features.len()] };
    let mut clusters: Vec<Cluster> = (0..partition.centroids.len()).map(empty).collect();
    for (row, label) in order.iter().zip(&partition.labels) {
        let cluster = &mut clusters[*label];
        cluster.size += 1;
        for (mean, (_, values)) in cluster.means.iter_mut().zip(features) {
            // Step by step, so that large values do not run over.
            *mean += (values[*row] - *mean) / cluster.size as f64;
        }
    }
    clusters.sort_by(|a, b| {
        let by_means = b.means.iter().rev().zip(a.means.iter().rev()).map(|(b, a)| b.total_cmp(a));
        let centroids = (partition.centroids.row(a.label), partition.centroids.row(b.label));
        let by_centroid = centroids.1.iter().zip(centroids.0).map(|(b, a)| b.total_cmp(a));
        by_means.chain(by_centroid).fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    clusters.iter_mut().zip(1..).for_each(|(cluster, id)| cluster.id = id);
    clusters
}

/// What is told about a fit besides its clusters.
pub(super) struct Told<'a> {
    /// Name and scale of each feature.
    pub(super) scalers: &'a [(&'a str, Scaler)],
    /// Why there are so many clusters.
    pub(super) reason: &'a str,
    /// By k.
    pub(super) qualities: &'a [Quality],
    /// Adjusted Rand index with the former fit, if they can be compared.
    pub(super) agreement: Option<f64>,
}

/// The facts as they are stored. `centroid` holds means in original units, `z` the centroid in standard units, which
/// `scaling` explains: `z = (f(x) - mean) / deviation`, with `f` the logarithm of 1 + x or nothing.
pub(super) fn facts(told: &Told<'_>, clusters: &[Cluster], partition: &Partition) -> Value {
    let Told { scalers, reason, qualities, agreement } = told;
    let names: Vec<&str> = scalers.iter().map(|(name, _)| *name).collect();
    let by_name = |values: &[f64]| -> Map<String, Value> {
        names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    };
    let k = clusters.len();
    let quality: Vec<Value> = qualities
        .iter()
        .map(|quality| {
            json!({
                "k": quality.k,
                "inertia_mean": quality.inertia_mean,
                "silhouette": quality.silhouette,
                "calinski_harabasz": quality.calinski_harabasz,
                "davies_bouldin": quality.davies_bouldin,
                "is_chosen": quality.k == k,
            })
        })
        .collect();
    let told: Vec<Value> = clusters
        .iter()
        .map(|cluster| {
            json!({
                "cluster_id": cluster.id,
                "size": cluster.size,
                "centroid": by_name(&cluster.means),
                "z": by_name(partition.centroids.row(cluster.label)),
            })
        })
        .collect();
    let scaling: Map<String, Value> = scalers
        .iter()
        .map(|(name, s)| ((*name).to_owned(), json!({ "log": s.log, "mean": s.mean, "deviation": s.deviation })))
        .collect();
    json!({
        "k": k,
        "reason": reason,
        "features": names,
        "scaling": scaling,
        "agreement_with_former": agreement,
        "quality": quality,
        "clusters": told,
    })
}
