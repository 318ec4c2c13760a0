//! The number of clusters: each is tried on all points, and what comes of it decides.

use super::lloyd::Partition;
use super::points::{Points, square_distance};
use super::quality::Quality;
use super::{Algorithm, ClusterSpec, lloyd, mixture, quality, spread, starts};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// Rows on which starts of k-means come to rest; the best few go on over more.
pub(super) const START_ROWS: usize = 20_000;
/// Rows on which the best few are compared; the best of them goes on over all.
const FINAL_ROWS: usize = 100_000;
/// Rows on which mixtures are fitted.
const MIXTURE_ROWS: usize = 20_000;
/// Rows on which silhouettes are taken; their cost grows with the square.
const SILHOUETTE_ROWS: usize = 2_000;

/// The partition into the chosen number of clusters, and what speaks for it.
pub(super) struct Choice {
    pub(super) partition: Partition,
    /// Of each point.
    pub(super) confidences: Vec<f64>,
    pub(super) reason: String,
    pub(super) qualities: Vec<Quality>,
}

struct Candidate {
    partition: Partition,
    /// `None` for k-means, which takes them of the partition.
    margins: Option<Vec<f64>>,
    quality: Quality,
}

/// Tries every number of clusters from 2 on, and takes the one that is set, or the best.
pub(super) fn choose_k(points: &Points, spec: &ClusterSpec) -> Result<Choice> {
    let widest = spec.k.unwrap_or(spec.k_max).max(spec.k_max);
    let distinct = points.distinct(widest);
    let origin = Points::origin(points.dimensions);
    if distinct == 1 || widest == 1 || spec.k == Some(1) {
        let reason = match (distinct, points.len()) {
            (_, 1) => "k = 1: there is one row only.",
            (1, _) if widest > 1 => "k = 1: all rows are alike.",
            _ => "k = 1 is set in the model's configuration.",
        };
        let partition = lloyd::settle(points, origin);
        let qualities = vec![quality_of(points, &partition, &[], None)];
        let confidences = vec![1.0; points.len()];
        return Ok(Choice { partition, confidences, reason: reason.to_owned(), qualities });
    }
    let sample_rows = match spec.algorithm {
        Algorithm::KMeans => FINAL_ROWS,
        Algorithm::GaussianMixture => MIXTURE_ROWS,
    };
    let sample = points.sample(sample_rows, spec.seed);
    let few = points.sample_places(SILHOUETTE_ROWS, spec.seed.wrapping_add(1));
    let started = sample.sample(START_ROWS, spec.seed);
    let samples = Samples { started: &started, sample: &sample, few: &few };
    let tried = (2..=distinct.min(widest)).into_par_iter().filter_map(|k| candidate(points, &samples, k, spec));
    let mut tried: Vec<Candidate> = tried.collect();
    let qualities: Vec<Quality> = tried.iter().map(|candidate| candidate.quality.clone()).collect();
    let (k, reason) = match spec.k {
        _ if distinct < spec.k.unwrap_or(spec.k_min) => {
            (distinct, format!("k = {distinct}: there are only {distinct} different rows."))
        }
        Some(k) => (k, format!("k = {k} is set in the model's configuration.")),
        None => {
            let (low, high) = (spec.k_min.max(2), spec.k_max.min(distinct));
            let chosen = match spec.algorithm {
                Algorithm::KMeans => {
                    let inertia_of_one = lloyd::settle(points, origin).inertia_mean;
                    quality::choose(inertia_of_one, &qualities, low, high)
                }
                Algorithm::GaussianMixture => quality::least_bic(&qualities, low, high),
            };
            chosen.ok_or_else(|| no_fit("every number of clusters"))?
        }
    };
    let place = tried.iter().position(|candidate| candidate.quality.k == k);
    let Candidate { partition, margins, .. } = tried.swap_remove(place.ok_or_else(|| no_fit(&format!("k = {k}")))?);
    let confidences =
        margins.unwrap_or_else(|| points.rows().map(|row| confidence(row, &partition.centroids)).collect());
    Ok(Choice { partition, confidences, reason, qualities })
}

fn no_fit(what: &str) -> Error {
    Error::failed("customers cannot be clustered")
        .detail(format!("The mixture of normal distributions does not settle for {what}: too many rows are alike."))
        .hint("use algorithm='kmeans', or fewer clusters")
}

/// Parts of all points.
struct Samples<'a> {
    /// For starts of k-means.
    started: &'a Points,
    /// For the last choice among them, and for mixtures.
    sample: &'a Points,
    /// Places of those whose silhouettes are taken.
    few: &'a [usize],
}

fn candidate(points: &Points, samples: &Samples<'_>, k: usize, spec: &ClusterSpec) -> Option<Candidate> {
    let (partition, margins, bic) = match spec.algorithm {
        Algorithm::KMeans => {
            let finalists = starts::finalists(samples.started, k, spec.starts, spec.seed);
            let start = starts::filled(points, starts::tightest_on(samples.sample, finalists), k);
            (lloyd::tightest(points, start), None, None)
        }
        Algorithm::GaussianMixture => {
            let mixture = mixture::fit(points, samples.sample, k, spec.starts, spec.seed)?;
            (mixture.partition, Some(mixture.margins), Some(mixture.bic))
        }
    };
    let quality = Quality { k, ..quality_of(points, &partition, samples.few, bic) };
    Some(Candidate { partition, margins, quality })
}

/// The figures of a partition of all points; the silhouette is that of a `few` of them.
fn quality_of(points: &Points, partition: &Partition, few: &[usize], bic: Option<f64>) -> Quality {
    let values = few.iter().flat_map(|place| points.row(*place).iter().copied()).collect();
    let labels: Vec<usize> = few.iter().map(|place| partition.labels[*place]).collect();
    let few = Points { values, dimensions: points.dimensions };
    Quality {
        k: partition.centroids.len(),
        inertia_mean: partition.inertia_mean,
        silhouette: quality::silhouette(&few, &labels, partition.centroids.len()),
        calinski_harabasz: spread::calinski_harabasz(points, partition),
        davies_bouldin: spread::davies_bouldin(points, partition),
        bic,
    }
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
