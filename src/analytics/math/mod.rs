//! Special functions, a minimiser and small matrices that the estimators share, each with its source.

pub mod exponential_integral;
pub mod hypergeometric;
pub mod matrix;
pub mod minimize;
pub mod random;

/// `(1 - exp(-y)) / y`, with its limit 1 at `y = 0`, smooth on both sides of it.
///
/// Appears wherever a formula of the papers divides by `s - 1`, whose zero is removable.
#[must_use]
pub fn one_minus_exp_over(y: f64) -> f64 {
    if y.abs() < 1e-8 { 1.0 - 0.5 * y } else { -(-y).exp_m1() / y }
}

/// `ln(1 + exp(w))` without overflow for large `w` and without loss for very negative `w`.
#[must_use]
pub fn ln_one_plus_exp(w: f64) -> f64 {
    if w > 0.0 { w + (-w).exp().ln_1p() } else { w.exp().ln_1p() }
}

/// `1 / (1 + exp(-w))`, in `[0, 1]` for every `w`, infinite ones included.
#[must_use]
pub fn logistic(w: f64) -> f64 {
    if w >= 0.0 { 1.0 / (1.0 + (-w).exp()) } else { w.exp() / (1.0 + w.exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minus_exp_over_is_smooth_through_its_removable_singularity() {
        assert_eq!(one_minus_exp_over(0.0), 1.0);
        for y in [1e-12, 9.9e-9, 1.01e-8, 1e-7, 1e-5] {
            let series = |y: f64| 1.0 - y / 2.0 + y * y / 6.0;
            assert!((one_minus_exp_over(y) - series(y)).abs() < 1e-15, "at {y}");
            assert!((one_minus_exp_over(-y) - series(-y)).abs() < 1e-15, "at -{y}");
        }
        assert!((one_minus_exp_over(2.0) - (1.0 - (-2f64).exp()) / 2.0).abs() < 1e-16);
    }

    #[test]
    fn soft_functions_keep_their_limits_at_extreme_arguments() {
        assert_eq!(ln_one_plus_exp(1e6), 1e6);
        assert_eq!(ln_one_plus_exp(-1e6), 0.0);
        assert_eq!(logistic(f64::INFINITY), 1.0);
        assert_eq!(logistic(f64::NEG_INFINITY), 0.0);
        assert!((ln_one_plus_exp(-40.0) / (-40f64).exp() - 1.0).abs() < 1e-14);
    }
}
