//! Coefficients of a generalised linear model by Newton's method with step halving (iteratively reweighted least squares).

use super::design::{Design, dot};
use super::least_squares::{normal_equations, solved};
use crate::analytics::tree::Loss;

const ITERATIONS_MAX: usize = 60;
const HALVINGS_MAX: i32 = 30;

/// Coefficients of least mean loss plus `l2 / 2 |b|²`, the intercept (the first) not penalised.
///
/// Tweedie loss with `1 < power < 2` and logistic loss are convex in the score, so Newton's steps, halved while they do not
/// improve, end at the one minimum. This is the objective of scikit-learn's `TweedieRegressor` with `alpha = l2`.
///
/// Nothing when numbers are not finite.
pub(super) fn minimise(design: &Design, targets: &[f64], loss: Loss, l2: f64) -> Option<Vec<f64>> {
    let count = targets.len() as f64;
    let objective = |coefficients: &[f64]| {
        let losses: f64 = design.rows().zip(targets).map(|(row, y)| loss.value(*y, dot(row, coefficients))).sum();
        losses / count + 0.5 * l2 * coefficients[1..].iter().map(|value| value * value).sum::<f64>()
    };
    let mut coefficients = vec![0.0; design.width];
    *coefficients.first_mut()? = loss.start(targets);
    let mut value = objective(&coefficients);
    for _ in 0..ITERATIONS_MAX {
        let derivatives = design.rows().zip(targets).map(|(row, y)| loss.gradient(*y, dot(row, &coefficients)));
        let (gradients, curvatures): (Vec<f64>, Vec<f64>) = derivatives.unzip();
        let (curvature, mut gradient) = normal_equations(design, &curvatures, &gradients);
        gradient.iter_mut().zip(&coefficients).skip(1).for_each(|(sum, b)| *sum += count * l2 * b);
        let step = solved(curvature, &gradient, count * l2)?;
        let moved = |halvings: i32| -> Vec<f64> {
            let share = 0.5f64.powi(halvings);
            coefficients.iter().zip(&step).map(|(b, step)| b - share * step).collect()
        };
        let better = (0..HALVINGS_MAX).map(moved).map(|moved| (objective(&moved), moved)).find(|moved| moved.0 < value);
        let Some((moved_value, moved)) = better else { break };
        let gain = value - moved_value;
        (coefficients, value) = (moved, moved_value);
        if gain <= 1e-14 * value.abs() {
            break;
        }
    }
    value.is_finite().then_some(coefficients)
}
