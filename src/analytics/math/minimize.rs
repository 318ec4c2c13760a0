//! Minimising a smooth function of a few bounded parameters: projected BFGS that never accepts a non-finite value.
//!
//! Quasi-Newton steps after Nocedal and Wright, Numerical Optimization (2006), algorithm 6.1, with back-tracking (their 3.1) and
//! steps cut at the bounds. Likelihoods of lifetime models have flat ridges that run to the border of the parameter space
//! (and a false `+inf` behind it), so bounds and the refusal of non-finite values are part of the method, not a precaution.

use super::matrix::Matrix;

/// What is minimised.
pub trait Objective {
    /// The value at `x`; anything not finite means "not here".
    fn value(&self, x: &[f64]) -> f64;

    /// The value and its gradient at `x` if the value is finite and at most `ceiling`, else `None`.
    ///
    /// By central differences; an implementation with a closed gradient computes both in one pass.
    fn value_and_gradient(&self, x: &[f64], ceiling: f64) -> Option<(f64, Vec<f64>)> {
        let value = self.value(x);
        (value.is_finite() && value <= ceiling).then(|| (value, central_gradient(|x| self.value(x), x)))
    }
}

/// Where to stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// Largest part of the gradient (along directions not blocked by a bound) that counts as zero.
    pub gradient: f64,
    /// Gain of one step, relative to `1 + |value|`, that counts as none.
    pub gain: f64,
    /// Limit of iterations.
    pub iterations: usize,
}

/// The lowest point found.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// Where.
    pub x: Vec<f64>,
    /// How low.
    pub value: f64,
    /// Iterations used.
    pub iterations: usize,
    /// Whether a stopping rule other than the limit of iterations ended it.
    pub has_converged: bool,
}

/// Walks down from `start` inside `bounds` (one lower and upper limit a parameter); `None` if the start is not finite.
///
/// `guess` is a positive definite estimate of the inverse Hessian there, if the caller has one: it saves the search from learning it.
pub fn minimize(
    objective: &impl Objective,
    start: &[f64],
    bounds: &[(f64, f64)],
    stop: Stop,
    guess: Option<Matrix>,
) -> Option<Minimum> {
    let n = start.len();
    let mut x: Vec<f64> = start.iter().zip(bounds).map(|(x, (low, high))| x.clamp(*low, *high)).collect();
    let (mut value, mut gradient) = objective.value_and_gradient(&x, f64::MAX)?;
    if gradient.iter().any(|g| !g.is_finite()) {
        return None;
    }
    let mut is_fresh = guess.is_none();
    let mut inverse_hessian = guess.unwrap_or_else(|| scaled_identity(n, 1.0 / norm(&gradient).max(1.0)));
    for iteration in 0..stop.iterations {
        let free: Vec<bool> = (0..n).map(|i| !is_blocked(x[i], gradient[i], bounds[i])).collect();
        let steepest = (0..n).filter(|i| free[*i]).map(|i| gradient[i].abs()).fold(0.0, f64::max);
        if steepest <= stop.gradient {
            return Some(Minimum { x, value, iterations: iteration, has_converged: true });
        }
        let mut direction: Vec<f64> = (0..n)
            .map(|i| {
                if free[i] {
                    -(0..n).filter(|j| free[*j]).map(|j| inverse_hessian[i][j] * gradient[j]).sum::<f64>()
                } else {
                    0.0
                }
            })
            .collect();
        // In logarithms of parameters a step of 3 is a factor of 20: enough for one iteration.
        let longest = direction.iter().fold(0.0f64, |longest, d| longest.max(d.abs()));
        if longest > 3.0 {
            direction.iter_mut().for_each(|d| *d *= 3.0 / longest);
        }
        let Some((next_x, next_value, next_gradient)) = step_down(objective, &x, value, &gradient, &direction, bounds)
        else {
            if is_fresh {
                // Not even along the gradient is there anything lower: this is rounding level.
                return Some(Minimum { x, value, iterations: iteration, has_converged: true });
            }
            inverse_hessian = scaled_identity(n, 1.0 / norm(&gradient).max(1.0));
            is_fresh = true;
            continue;
        };
        let moved: Vec<f64> = (0..n).map(|i| next_x[i] - x[i]).collect();
        let turned: Vec<f64> = (0..n).map(|i| next_gradient[i] - gradient[i]).collect();
        let gain = value - next_value;
        (x, value, gradient) = (next_x, next_value, next_gradient);
        if gain <= stop.gain * (1.0 + value.abs()) && !is_fresh {
            return Some(Minimum { x, value, iterations: iteration + 1, has_converged: true });
        }
        update(&mut inverse_hessian, &moved, &turned, is_fresh);
        is_fresh = false;
    }
    Some(Minimum { x, value, iterations: stop.iterations, has_converged: false })
}

/// A point lower than `x` along the direction, with value and gradient; Armijo's rule, halving.
fn step_down(
    objective: &impl Objective,
    x: &[f64],
    value: f64,
    gradient: &[f64],
    direction: &[f64],
    bounds: &[(f64, f64)],
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let mut length = 1.0;
    for _ in 0..40 {
        let next: Vec<f64> =
            (0..x.len()).map(|i| (x[i] + length * direction[i]).clamp(bounds[i].0, bounds[i].1)).collect();
        let slope: f64 = (0..x.len()).map(|i| gradient[i] * (next[i] - x[i])).sum();
        // A promised gain below the rounding of the value cannot be told from none.
        if -slope <= 1e-15 * (1.0 + value.abs()) {
            return None;
        }
        match objective.value_and_gradient(&next, value + 1e-4 * slope) {
            Some((lower, turned)) if turned.iter().all(|g| g.is_finite()) => return Some((next, lower, turned)),
            _ => {}
        }
        length *= 0.5;
    }
    None
}

/// The BFGS update of the inverse Hessian; left alone when the curvature along the step is not positive.
fn update(inverse_hessian: &mut Matrix, moved: &[f64], turned: &[f64], is_first: bool) {
    let n = moved.len();
    let curvature: f64 = (0..n).map(|i| moved[i] * turned[i]).sum();
    let turned_squared: f64 = turned.iter().map(|t| t * t).sum();
    if curvature <= 1e-12 * (turned_squared * moved.iter().map(|m| m * m).sum::<f64>()).sqrt() {
        return;
    }
    if is_first {
        *inverse_hessian = scaled_identity(n, curvature / turned_squared);
    }
    let product: Vec<f64> = (0..n).map(|i| (0..n).map(|j| inverse_hessian[i][j] * turned[j]).sum()).collect();
    let quadratic: f64 = (0..n).map(|i| turned[i] * product[i]).sum();
    for i in 0..n {
        for j in 0..n {
            inverse_hessian[i][j] += (1.0 + quadratic / curvature) * moved[i] * moved[j] / curvature
                - (product[i] * moved[j] + moved[i] * product[j]) / curvature;
        }
    }
}

fn is_blocked(x: f64, gradient: f64, (low, high): (f64, f64)) -> bool {
    (x <= low && gradient > 0.0) || (x >= high && gradient < 0.0)
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn scaled_identity(n: usize, scale: f64) -> Matrix {
    (0..n).map(|i| (0..n).map(|j| if i == j { scale } else { 0.0 }).collect()).collect()
}

/// Gradient by central differences; the step suits parameters that are logarithms.
pub fn central_gradient(value: impl Fn(&[f64]) -> f64, x: &[f64]) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut at = x.to_vec();
    (0..x.len())
        .map(|i| {
            at[i] = x[i] + STEP;
            let above = value(&at);
            at[i] = x[i] - STEP;
            let below = value(&at);
            at[i] = x[i];
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

/// Second derivatives at `x` by central differences of an exact gradient: twice as many gradients as there are parameters.
pub fn hessian_of_gradient(gradient: impl Fn(&[f64]) -> Vec<f64>, x: &[f64]) -> Matrix {
    const STEP: f64 = 5e-4;
    let n = x.len();
    let mut at = x.to_vec();
    let rows: Matrix = (0..n)
        .map(|i| {
            at[i] = x[i] + STEP;
            let above = gradient(&at);
            at[i] = x[i] - STEP;
            let below = gradient(&at);
            at[i] = x[i];
            above.iter().zip(&below).map(|(above, below)| (above - below) / (2.0 * STEP)).collect()
        })
        .collect();
    (0..n).map(|i| (0..n).map(|j| 0.5 * (rows[i][j] + rows[j][i])).collect()).collect()
}

/// Second derivatives at `x` by differences of values, for standard errors; the step suits parameters that are logarithms.
pub fn hessian(value: impl Fn(&[f64]) -> f64, x: &[f64]) -> Matrix {
    const STEP: f64 = 4e-3;
    let n = x.len();
    let at = |moves: &[(usize, f64)]| {
        let mut point = x.to_vec();
        for (i, direction) in moves {
            point[*i] += direction * STEP;
        }
        value(&point)
    };
    let centre = value(x);
    let second = |i: usize, j: usize| {
        if i == j {
            return (at(&[(i, 1.0)]) - 2.0 * centre + at(&[(i, -1.0)])) / (STEP * STEP);
        }
        let equal = at(&[(i, 1.0), (j, 1.0)]) + at(&[(i, -1.0), (j, -1.0)]);
        let opposite = at(&[(i, 1.0), (j, -1.0)]) + at(&[(i, -1.0), (j, 1.0)]);
        (equal - opposite) / (4.0 * STEP * STEP)
    };
    let lower: Matrix = (0..n).map(|i| (0..=i).map(|j| second(i, j)).collect()).collect();
    (0..n).map(|i| (0..n).map(|j| lower[i.max(j)][i.min(j)]).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Function<F: Fn(&[f64]) -> f64>(F);

    impl<F: Fn(&[f64]) -> f64> Objective for Function<F> {
        fn value(&self, x: &[f64]) -> f64 {
            self.0(x)
        }
    }

    const STOP: Stop = Stop { gradient: 1e-7, gain: 1e-16, iterations: 500 };
    const WIDE: [(f64, f64); 2] = [(-10.0, 10.0); 2];

    fn rosenbrock(x: &[f64]) -> f64 {
        (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2)
    }

    #[test]
    fn rosenbrock_is_followed_to_its_minimum() {
        let found = minimize(&Function(rosenbrock), &[-1.2, 1.0], &WIDE, STOP, None).expect("finite");
        assert!(found.has_converged);
        assert!((found.x[0] - 1.0).abs() < 1e-6 && (found.x[1] - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_guess_of_the_inverse_hessian_saves_iterations() {
        let start = [0.9, 0.8];
        let plain = minimize(&Function(rosenbrock), &start, &WIDE, STOP, None).expect("finite");
        let guess = crate::analytics::math::matrix::inverse(&hessian(rosenbrock, &start));
        let guided = minimize(&Function(rosenbrock), &start, &WIDE, STOP, guess).expect("finite");
        assert!((guided.x[0] - 1.0).abs() < 1e-6 && guided.iterations < plain.iterations, "{guided:?} {plain:?}");
    }

    #[test]
    fn a_minimum_outside_ends_on_the_bound() {
        let bounds = [(-10.0, 0.5), (-10.0, 10.0)];
        let found = minimize(&Function(rosenbrock), &[-1.2, 1.0], &bounds, STOP, None).expect("finite");
        assert!(found.x[0] == 0.5 && (found.x[1] - 0.25).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_false_infinite_minimum_is_never_entered() {
        let cliff = |x: &[f64]| if x[0] < 0.0 { f64::NEG_INFINITY } else { (x[0] - 0.01).powi(2) + x[1] * x[1] };
        let found = minimize(&Function(cliff), &[3.0, 2.0], &WIDE, STOP, None).expect("finite");
        assert!((found.x[0] - 0.01).abs() < 1e-5 && found.value.is_finite(), "{found:?}");
    }

    #[test]
    fn a_start_that_is_not_finite_is_refused() {
        assert_eq!(minimize(&Function(|_: &[f64]| f64::NAN), &[0.0, 0.0], &WIDE, STOP, None), None);
    }

    #[test]
    fn hessian_of_a_quadratic_is_its_matrix() {
        let found = hessian(|x| 2.0 * x[0] * x[0] + 3.0 * x[0] * x[1] + 5.0 * x[1] * x[1], &[0.3, -0.7]);
        for (ours, exact) in found.concat().iter().zip([4.0, 3.0, 3.0, 10.0]) {
            assert!((ours - exact).abs() < 1e-6);
        }
        let gradient = |x: &[f64]| vec![4.0 * x[0] + 3.0 * x[1], 3.0 * x[0] + 10.0 * x[1]];
        for (ours, exact) in hessian_of_gradient(gradient, &[0.3, -0.7]).concat().iter().zip([4.0, 3.0, 3.0, 10.0]) {
            assert!((ours - exact).abs() < 1e-9);
        }
    }
}
