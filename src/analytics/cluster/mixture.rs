//! A mixture of normal distributions: clusters that may be long, tilted, and of unlike width.
//!
//! The parameters come from `linfa-clustering`'s expectation maximisation on a sample; densities are taken here, over
//! all points in bounded memory.

use super::lloyd::Partition;
use super::points::{Points, square_distance};
use crate::analytics::math::matrix::{Matrix, cholesky};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::GaussianMixtureModel;
use ndarray::{Array2, Axis};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;

/// Rounds of expectation maximisation; scikit-learn's 100 leave many fits of customers unfinished.
const MAX_ROUNDS: u64 = 500;

/// A fitted mixture over all points.
pub(super) struct Mixture {
    /// Each point with the component that most probably made it; centroids are the components' means.
    pub(super) partition: Partition,
    /// By how much the probability of that component exceeds that of the next, 0 to 1.
    pub(super) margins: Vec<f64>,
    /// Bayes' information criterion (Schwarz 1978): less is better.
    pub(super) bic: f64,
}

/// Fits `k` components on `sample` and places all `points`; `None` where the sample bears no such fit.
pub(super) fn fit(points: &Points, sample: &Points, k: usize, starts: usize, seed: u64) -> Option<Mixture> {
    let records = Array2::from_shape_vec((sample.len(), sample.dimensions), sample.values.clone()).ok()?;
    let random = Xoshiro256Plus::seed_from_u64(seed.wrapping_add(k as u64));
    let params = GaussianMixtureModel::params_with_rng(k, random).n_runs(starts as u64).max_n_iterations(MAX_ROUNDS);
    let fitted = params.fit(&DatasetBase::from(records)).ok()?;
    let components: Vec<Component> = (0..k)
        .map(|number| {
            let covariance = fitted.covariances().index_axis(Axis(0), number);
            let covariance: Matrix = covariance.rows().into_iter().map(|row| row.to_vec()).collect();
            Component::new(fitted.weights()[number], fitted.means().row(number).to_vec(), &covariance)
        })
        .collect::<Option<_>>()?;
    let placed: Vec<Placed> = points.values.par_chunks(points.dimensions).map(|row| place(row, &components)).collect();
    let log_likelihood: f64 = placed.iter().map(|placed| placed.log_density).sum();
    let d = points.dimensions as f64;
    let parameters = k as f64 * (1.0 + d + d * (d + 1.0) / 2.0) - 1.0;
    let bic = parameters * (points.len() as f64).ln() - 2.0 * log_likelihood;
    bic.is_finite().then(|| Mixture {
        partition: partition(points, &components, &placed),
        margins: placed.iter().map(|placed| placed.margin).collect(),
        bic,
    })
}

struct Component {
    mean: Vec<f64>,
    /// Lower triangular root of the covariance.
    root: Matrix,
    /// Logarithm of the weight and of the density at the mean.
    log_peak: f64,
}

impl Component {
    fn new(weight: f64, mean: Vec<f64>, covariance: &Matrix) -> Option<Component> {
        let root = cholesky(covariance)?;
        let log_root: f64 = (0..mean.len()).map(|d| root[d][d].ln()).sum();
        let log_peak = weight.ln() - log_root - mean.len() as f64 / 2.0 * std::f64::consts::TAU.ln();
        Some(Component { mean, root, log_peak })
    }

    /// Logarithm of the weight times the density at a point.
    fn log_density(&self, row: &[f64]) -> f64 {
        // Forward substitution gives the point in units of the component's own spread.
        let mut steps = vec![0.0; row.len()];
        for i in 0..row.len() {
            let known: f64 = (0..i).map(|j| self.root[i][j] * steps[j]).sum();
            steps[i] = (row[i] - self.mean[i] - known) / self.root[i][i];
        }
        self.log_peak - steps.iter().map(|step| step * step).sum::<f64>() / 2.0
    }
}

struct Placed {
    label: usize,
    margin: f64,
    log_density: f64,
}

fn place(row: &[f64], components: &[Component]) -> Placed {
    let logs: Vec<f64> = components.iter().map(|component| component.log_density(row)).collect();
    let (mut label, mut next) = (0, f64::NEG_INFINITY);
    for (number, log) in logs.iter().enumerate().skip(1) {
        if *log > logs[label] {
            (label, next) = (number, logs[label]);
        } else if *log > next {
            next = *log;
        }
    }
    // Far from everything all densities round to 0: their ratios do not.
    let total: f64 = logs.iter().map(|log| (log - logs[label]).exp()).sum();
    let margin = (1.0 - (next - logs[label]).exp()) / total;
    Placed { label, margin, log_density: logs[label] + total.ln() }
}

/// Components without points are dropped.
fn partition(points: &Points, components: &[Component], placed: &[Placed]) -> Partition {
    let mut counts = vec![0_usize; components.len()];
    placed.iter().for_each(|placed| counts[placed.label] += 1);
    let mut centroids = Points { values: Vec::new(), dimensions: points.dimensions };
    let mut renumbered = vec![0; components.len()];
    for (label, component) in components.iter().enumerate().filter(|(label, _)| counts[*label] > 0) {
        renumbered[label] = centroids.len();
        centroids.values.extend_from_slice(&component.mean);
    }
    let labels: Vec<usize> = placed.iter().map(|placed| renumbered[placed.label]).collect();
    let inertia: f64 = points.rows().zip(&labels).map(|(row, label)| square_distance(row, centroids.row(*label))).sum();
    Partition { centroids, labels, inertia_mean: inertia / points.len().max(1) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long flat heap through another that is round: k-means cuts the long one in two.
    fn crossed() -> Points {
        let wobble = |i: usize, step: usize| {
            // Sum of twelve uniforms: near enough to a normal.
            (0..12).map(|part| (((i * 12 + part) * step) % 997) as f64 / 997.0).sum::<f64>() - 6.0
        };
        let rows = (0..2_000).flat_map(|i| match i % 2 {
            0 => [10.0 * wobble(i, 331), 0.2 * wobble(i, 577)],
            _ => [0.5 * wobble(i, 719), 6.0 + 0.5 * wobble(i, 457)],
        });
        Points { values: rows.collect(), dimensions: 2 }
    }

    #[test]
    fn clusters_of_unlike_form_are_told_apart() {
        let points = crossed();
        let found = fit(&points, &points, 2, 3, 1).expect("a fit");
        let label = found.partition.labels[0];
        let right = found.partition.labels.iter().enumerate().filter(|(i, l)| (**l == label) == (i % 2 == 0)).count();
        assert!(right >= 1_995, "{right} of 2000");
        assert!(found.margins.iter().all(|margin| (0.0..=1.0).contains(margin)));
        let one = fit(&points, &points, 1, 1, 1).expect("a fit");
        assert!(found.bic < one.bic && one.margins.iter().all(|margin| *margin == 1.0));
    }

    #[test]
    fn the_criterion_of_one_component_is_that_of_the_normal_distribution() {
        // Of -1, 0, 1 the likeliest normal has mean 0 and variance 2/3 (and linfa adds 1e-6); BIC has two parameters.
        let points = Points { values: vec![-1.0, 0.0, 1.0], dimensions: 1 };
        let variance = 2.0_f64 / 3.0 + 1e-6;
        let log_likelihood = -1.5 * (std::f64::consts::TAU * variance).ln() - 1.0 / variance;
        let expected = 2.0 * 3.0_f64.ln() - 2.0 * log_likelihood;
        let found = fit(&points, &points, 1, 1, 1).expect("a fit").bic;
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn a_point_far_from_all_has_a_place() {
        let component = |mean: f64| Component::new(0.5, vec![mean], &vec![vec![1.0]]).expect("positive");
        let placed = place(&[1e6], &[component(0.0), component(3.0)]);
        assert_eq!((placed.label, placed.margin), (1, 1.0));
        let between = place(&[1.5], &[component(0.0), component(3.0)]);
        assert!(between.margin.abs() < 1e-12);
    }
}
