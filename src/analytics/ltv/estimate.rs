//! Maximum likelihood over positive, bounded parameters: several starts, standard errors, and what the data cannot tell.

use crate::analytics::math::matrix::{Matrix, cholesky, inverse};
use crate::analytics::math::minimize::{
    Minimum, Objective, Stop, central_gradient, hessian, hessian_of_gradient, minimize,
};
use serde::{Deserialize, Serialize};

/// The starts compete on this many rows; the winner is then taken to the top on all of them.
pub(super) const ROWS_TO_START_ON: usize = 500;

/// A parameter this near to its bound (in logarithms) lies on it.
const BOUND_DISTANCE: f64 = 0.01;

/// Curvature of the log-likelihood by the logarithm of a parameter, below which the parameter counts as unknown:
/// its standard error would exceed four times its value, and the differences behind the curvature are rounding.
const CURVATURE_MIN: f64 = 0.05;

/// A log-likelihood of positive parameters.
pub(super) trait Likelihood {
    /// The log-likelihood.
    fn log_likelihood(&self, theta: &[f64]) -> f64;
    /// With derivatives by each parameter, where they have a closed form.
    fn gradient(&self, theta: &[f64]) -> Option<(f64, Vec<f64>)>;
    /// Sum of the weights of its rows.
    fn size(&self) -> f64;
}

/// A fitted parameter vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The parameters.
    pub theta: Vec<f64>,
    /// Standard errors from the second derivatives; `None` where the likelihood is flat.
    pub standard_errors: Vec<Option<f64>>,
    /// Covariance of the logarithms of the parameters, for draws; 0 in the rows and columns of those without a standard error.
    pub covariance: Matrix,
    /// Which parameters ended on a bound.
    pub is_on_bound: Vec<bool>,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// Whether the search ended by its own rule.
    pub has_converged: bool,
}

impl Estimate {
    /// Whether the data determine parameter `i`: inside its bounds and with a standard error below its value.
    #[must_use]
    pub fn is_identified(&self, i: usize) -> bool {
        !self.is_on_bound[i] && self.standard_errors[i].is_some_and(|error| error < self.theta[i])
    }
}

/// The objective of the minimiser: minus the log-likelihood as a function of the logarithms of the parameters.
struct InLogarithms<'a, L: Likelihood>(&'a L);

impl<L: Likelihood> Objective for InLogarithms<'_, L> {
    fn value(&self, x: &[f64]) -> f64 {
        -self.0.log_likelihood(&exponentials(x))
    }

    fn value_and_gradient(&self, x: &[f64], ceiling: f64) -> Option<(f64, Vec<f64>)> {
        let theta = exponentials(x);
        let (value, gradient) = match self.0.gradient(&theta) {
            Some((value, gradient)) => {
                (-value, gradient.iter().zip(&theta).map(|(slope, value)| -slope * value).collect())
            }
            None => {
                let value = self.value(x);
                if !(value.is_finite() && value <= ceiling) {
                    return None;
                }
                (value, central_gradient(|x| self.value(x), x))
            }
        };
        (value.is_finite() && value <= ceiling).then_some((value, gradient))
    }
}

impl<L: Likelihood> InLogarithms<'_, L> {
    /// Second derivatives, by the closed gradient where there is one.
    fn curvature(&self, x: &[f64]) -> Matrix {
        if self.0.gradient(&exponentials(x)).is_none() {
            return hessian(|x| self.value(x), x);
        }
        hessian_of_gradient(
            |x| match self.value_and_gradient(x, f64::MAX) {
                Some((_, gradient)) => gradient,
                None => vec![f64::NAN; x.len()],
            },
            x,
        )
    }
}

/// Finds the parameters of the highest likelihood; `None` when no start has a finite one.
pub(super) fn maximize<L: Likelihood>(
    thinned: &L,
    all: &L,
    starts: &[Vec<f64>],
    bounds: &[(f64, f64)],
) -> Option<Estimate> {
    let bounds: Vec<(f64, f64)> = bounds.iter().map(|(low, high)| (low.ln(), high.ln())).collect();
    let rough = Stop { gradient: 1e-4 * thinned.size(), gain: 1e-6, iterations: 60 };
    let lower = |left: &Minimum, right: &Minimum| left.value.total_cmp(&right.value);
    let start = starts
        .iter()
        .filter_map(|start| minimize(&InLogarithms(thinned), &logarithms(start), &bounds, rough, None))
        .min_by(lower)?;
    // Curvature grows with the number of customers, so that of the few rows tells that of all.
    let few = InLogarithms(thinned).curvature(&start.x);
    let guess = inverse(&few).map(|matrix| scaled(&matrix, thinned.size() / all.size()));
    let exact = Stop { gradient: 2e-8 * all.size(), gain: 1e-12, iterations: 300 };
    // The rough winner may lie where all rows together have no finite value; then the starts themselves are tried.
    let top = minimize(&InLogarithms(all), &start.x, &bounds, exact, guess).or_else(|| {
        let all = InLogarithms(all);
        starts.iter().filter_map(|start| minimize(&all, &logarithms(start), &bounds, exact, None)).min_by(lower)
    })?;
    let theta = exponentials(&top.x);
    let is_on_bound: Vec<bool> = top
        .x
        .iter()
        .zip(&bounds)
        .map(|(x, (low, high))| x - low < BOUND_DISTANCE || high - x < BOUND_DISTANCE)
        .collect();
    let covariance = covariance_of_logarithms(&InLogarithms(all).curvature(&top.x), &is_on_bound);
    let standard_errors = theta
        .iter()
        .enumerate()
        .map(|(i, value)| (covariance[i][i] > 0.0).then(|| covariance[i][i].sqrt() * value))
        .collect();
    Some(Estimate {
        theta,
        standard_errors,
        covariance,
        is_on_bound,
        log_likelihood: -top.value,
        has_converged: top.has_converged,
    })
}

/// Covariance of the logarithms of the parameters; those on a bound or in a flat direction have none.
fn covariance_of_logarithms(curvature: &Matrix, is_on_bound: &[bool]) -> Matrix {
    let mut known: Vec<usize> = Vec::new();
    let part = |indices: &[usize]| -> Matrix {
        indices.iter().map(|i| indices.iter().map(|j| curvature[*i][*j]).collect()).collect()
    };
    for (i, on_bound) in is_on_bound.iter().enumerate() {
        let with_this: Vec<usize> = known.iter().copied().chain([i]).collect();
        let is_curved =
            cholesky(&part(&with_this)).is_some_and(|lower| lower[known.len()][known.len()].powi(2) > CURVATURE_MIN);
        if !on_bound && is_curved {
            known = with_this;
        }
    }
    let mut covariance = vec![vec![0.0; is_on_bound.len()]; is_on_bound.len()];
    if let Some(inverse) = inverse(&part(&known)) {
        for (row, i) in known.iter().enumerate() {
            for (column, j) in known.iter().enumerate() {
                covariance[*i][*j] = inverse[row][column];
            }
        }
    }
    covariance
}

fn scaled(matrix: &Matrix, factor: f64) -> Matrix {
    matrix.iter().map(|row| row.iter().map(|value| value * factor).collect()).collect()
}

fn exponentials(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| x.exp()).collect()
}

fn logarithms(theta: &[f64]) -> Vec<f64> {
    theta.iter().map(|value| value.ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_directions_and_bounds_have_no_standard_error() {
        let curvature = vec![vec![4.0, 0.0, 0.0], vec![0.0, 1e-9, 0.0], vec![0.0, 0.0, 25.0]];
        let variances = |is_on_bound: [bool; 3]| {
            let covariance = covariance_of_logarithms(&curvature, &is_on_bound);
            [0, 1, 2].map(|i| covariance[i][i])
        };
        assert_eq!(variances([false, false, false]), [0.25, 0.0, 0.04]);
        assert_eq!(variances([true, false, false]), [0.0, 0.0, 0.04]);
    }
}
