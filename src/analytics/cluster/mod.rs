//! Customer clusters: k-means on scaled features, k by elbow and silhouette.

use crate::analytics::{Column, Frame};
use crate::error::Result;

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

/// Clusters the rows of `frame` on all of its columns.
pub fn fit(frame: &Frame, spec: &ClusterSpec) -> Result<ClusterFit> {
    let _ = (frame, spec);
    Err(crate::error::Error::failed("not there yet"))
}
