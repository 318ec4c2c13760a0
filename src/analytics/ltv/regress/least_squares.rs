//! Least squares with an L2 penalty by the normal equations and a Cholesky factor.

use super::design::{Design, dot};
use crate::analytics::math::matrix::{Matrix, cholesky};
use rayon::prelude::*;

/// Added to the diagonal, relative to it: columns that follow from others (days since the last purchase from T and t_x)
/// would otherwise leave a pivot of rounding noise.
const JITTER: f64 = 1e-9;

/// Rows whose sums one thread makes; sums of these parts are added in order, so that threads do not change them.
const ROWS_OF_A_PART: usize = 4096;

/// Coefficients `b` of least `sum of w (y - X b)² + l2 |b|²`, the first (the intercept's) not penalised.
///
/// Nothing when numbers are not finite.
pub(super) fn solve(design: &Design, weights: &[f64], targets: &[f64], l2: f64) -> Option<Vec<f64>> {
    let weighted: Vec<f64> = weights.iter().zip(targets).map(|(weight, target)| weight * target).collect();
    let (gram, moments) = normal_equations(design, weights, &weighted);
    solved(gram, &moments, l2)
}

/// `Xᵀ W X` and `Xᵀ v`.
pub(super) fn normal_equations(design: &Design, weights: &[f64], values: &[f64]) -> (Matrix, Vec<f64>) {
    let width = design.width;
    let parts: Vec<(Vec<f64>, Vec<f64>)> = design
        .numbers
        .par_chunks(ROWS_OF_A_PART * width.max(1))
        .zip(weights.par_chunks(ROWS_OF_A_PART))
        .zip(values.par_chunks(ROWS_OF_A_PART))
        .map(|((numbers, weights), values)| {
            let (mut gram, mut moments) = (vec![0.0; width * width], vec![0.0; width]);
            for ((row, weight), value) in numbers.chunks(width).zip(weights).zip(values) {
                for (i, left) in row.iter().enumerate() {
                    moments[i] += left * value;
                    let weighted = left * weight;
                    if weighted != 0.0 {
                        let cells = &mut gram[i * width..i * width + i + 1];
                        cells.iter_mut().zip(row).for_each(|(cell, right)| *cell += weighted * right);
                    }
                }
            }
            (gram, moments)
        })
        .collect();
    let (mut gram, mut moments) = (vec![vec![0.0; width]; width], vec![0.0; width]);
    for (part_gram, part_moments) in parts {
        for i in 0..width {
            moments[i] += part_moments[i];
            for j in 0..=i {
                gram[i][j] += part_gram[i * width + j];
                gram[j][i] = gram[i][j];
            }
        }
    }
    (gram, moments)
}

/// Solves `(gram + l2) b = moments`.
pub(super) fn solved(mut gram: Matrix, moments: &[f64], l2: f64) -> Option<Vec<f64>> {
    let width = moments.len();
    for (i, row) in gram.iter_mut().enumerate() {
        row[i] += JITTER * row[i].max(f64::MIN_POSITIVE) + if i > 0 { l2 } else { 0.0 };
    }
    let lower = cholesky(&gram)?;
    let mut solution = moments.to_vec();
    for i in 0..width {
        solution[i] = (solution[i] - dot(&lower[i][..i], &solution[..i])) / lower[i][i];
    }
    for i in (0..width).rev() {
        let known: f64 = (i + 1..width).map(|k| lower[k][i] * solution[k]).sum();
        solution[i] = (solution[i] - known) / lower[i][i];
    }
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}
