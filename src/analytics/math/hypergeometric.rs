//! Gauss's hypergeometric function in the shapes that lifetime models need, free of overflow and cancellation.
//!
//! The papers write their results with `2F1(A, B; C; z)` of large arguments, whose power series overflows for heavy buyers
//! and crawls when `z` is near 1. Two facts avoid that:
//!
//! * In the Pareto/NBD formulas `C = A + 1`, so Euler's transformation (NIST DLMF 15.8.1),
//!   `2F1(A, B; C; z) = (1 - z)^(C-A-B) 2F1(C-A, C-B; C; z)`, leaves a `2F1(1, b; c; z)` with terms below `z^k`, and all powers can be kept
//!   as logarithms outside. [`unit()`] evaluates it by Gauss's continued fraction, fast and exact up to `z` very near 1.
//! * In the BG/NBD formulas the whole bracket over `a - 1` is a mean of a positive quantity over a Beta distribution.
//!   [`thinned_purchases`] sums that mean term by term: nothing is subtracted, so `a = 1` needs no special care.

use statrs::function::gamma::ln_gamma;

/// Continued fractions stop here at the latest; reached only for `1 - z` below about 1e-8.
const FRACTION_STEPS_MAX: usize = 200_000;

/// Above these odds [`unit()`] uses the connection formula.
const FAR_ODDS: f64 = 50.0;

/// Above this number of series terms [`thinned_purchases`] integrates instead.
const SERIES_TERMS_MAX: f64 = 4_000.0;

/// `2F1(1, b; c; z)` for `c > b > 0` and `0 <= z < 1`, where `odds = z / (1 - z)`, to about 1e-14 relative.
///
/// Pfaff's transformation (DLMF 15.8.1) gives `(1 + odds) 2F1(1, c - b; c; -odds)`, whose continued fraction (DLMF 15.7.1 with its
/// `b = 0`) has only positive parts, so no digit is lost however near `z` is to 1; evaluated by the modified Lentz method.
/// The argument is the odds because callers know them exactly, while `1 - z` would be a difference.
#[must_use]
pub fn unit(b: f64, c: f64, odds: f64) -> f64 {
    if odds == 0.0 {
        return 1.0;
    }
    let gap = c - b;
    if odds > FAR_ODDS && b < 0.05 * odds.min(400.0) && (gap - gap.round()).abs() > 5e-4 {
        return (1.0 + odds) * unit_far(b, gap, odds);
    }
    (1.0 + odds) * by_fraction(gap, c, odds)
}

/// `2F1(1, gap; c; -odds) = 1 / (1 + gap odds / (c + u2 odds / (c + 1 + u3 odds / (c + 2 + ...))))`.
fn by_fraction(gap: f64, c: f64, odds: f64) -> f64 {
    let b = c - gap;
    let mut fraction = c;
    let mut numerator_ratio = fraction;
    let mut denominator_ratio = 0.0;
    for step in 2..FRACTION_STEPS_MAX {
        let n = (step / 2) as f64;
        let u = if step % 2 == 0 { n * (b - 1.0 + n) } else { (gap + n) * (c - 1.0 + n) };
        let partial = u * odds;
        let level = c - 1.0 + step as f64;
        denominator_ratio = 1.0 / (level + partial * denominator_ratio);
        numerator_ratio = level + partial / numerator_ratio;
        let change = numerator_ratio * denominator_ratio;
        fraction *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    1.0 / (1.0 + gap * odds / fraction)
}

/// `2F1(1, b; b + gap; z)` as by [`unit()`], with its derivatives by `b` and by `gap`, from the continued fraction itself.
///
/// For far odds by central differences of the connection formula, whose derivatives have no short form.
#[must_use]
pub fn unit_with_gradient(b: f64, gap: f64, odds: f64) -> (f64, f64, f64) {
    if odds == 0.0 {
        return (1.0, 0.0, 0.0);
    }
    if odds > 4.0 * FAR_ODDS {
        let value = unit(b, b + gap, odds);
        let slope = |step: f64, at: &dyn Fn(f64) -> f64| (at(step) - at(-step)) / (2.0 * step);
        let by_b = slope(1e-4 * b, &|step| unit(b + step, b + step + gap, odds));
        let by_gap = slope(1e-4 * gap, &|step| unit(b, b + gap + step, odds));
        return (value, by_b, by_gap);
    }
    let (value, by_gap, by_c) = by_fraction_with_gradient(gap, b + gap, odds);
    let whole = 1.0 + odds;
    (whole * value, whole * by_c, whole * (by_gap + by_c))
}

/// [`by_fraction`] with its derivatives by `gap` and by `c`, carried along step by step.
fn by_fraction_with_gradient(gap: f64, c: f64, odds: f64) -> (f64, f64, f64) {
    let b = c - gap;
    let (mut fraction, mut ln_by_gap, mut ln_by_c) = (c, 0.0, 1.0 / c);
    let (mut upper, mut upper_by_gap, mut upper_by_c) = (c, 0.0, 1.0);
    let (mut lower, mut lower_by_gap, mut lower_by_c) = (0.0, 0.0, 0.0);
    for step in 2..FRACTION_STEPS_MAX {
        let n = (step / 2) as f64;
        let (u, u_by_gap, u_by_c) =
            if step % 2 == 0 { (n * (b - 1.0 + n), -n, n) } else { ((gap + n) * (c - 1.0 + n), c - 1.0 + n, gap + n) };
        let (partial, partial_by_gap, partial_by_c) = (u * odds, u_by_gap * odds, u_by_c * odds);
        let level = c - 1.0 + step as f64;
        let next = 1.0 / (level + partial * lower);
        let square = next * next;
        lower_by_gap = -square * (partial_by_gap * lower + partial * lower_by_gap);
        lower_by_c = -square * (1.0 + partial_by_c * lower + partial * lower_by_c);
        lower = next;
        let share = 1.0 / upper;
        let ratio = partial * share;
        upper_by_gap = (partial_by_gap - ratio * upper_by_gap) * share;
        upper_by_c = 1.0 + (partial_by_c - ratio * upper_by_c) * share;
        upper = level + ratio;
        let change = upper * lower;
        let (more_by_gap, more_by_c) = (
            (upper_by_gap * lower + upper * lower_by_gap) / change,
            (upper_by_c * lower + upper * lower_by_c) / change,
        );
        fraction *= change;
        ln_by_gap += more_by_gap;
        ln_by_c += more_by_c;
        if (change - 1.0).abs() < 1e-15
            && more_by_gap.abs() <= 1e-14 * ln_by_gap.abs()
            && more_by_c.abs() <= 1e-14 * ln_by_c.abs()
        {
            break;
        }
    }
    let tail = odds / fraction;
    let value = 1.0 / (1.0 + gap * tail);
    (value, -value * value * tail * (1.0 - gap * ln_by_gap), value * value * gap * tail * ln_by_c)
}

/// `2F1(1, gap; gap + b; -odds)` for large odds by the connection formula DLMF 15.8.2, which needs a `gap` that is no integer.
///
/// The continued fraction takes about 17 square roots of the odds; fits to data without dropout spend their time here.
fn unit_far(b: f64, gap: f64, odds: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, 0.0);
    loop {
        term *= -(gap + b - 2.0 - k) / ((gap - 2.0 - k) * odds);
        sum += term;
        k += 1.0;
        // Terms fall, rise once where k passes the gap, and fall for good.
        if term.abs() < 1e-17 * sum.abs() && (k > gap || k > 40.0) {
            break;
        }
    }
    let near = (gap + b - 1.0) / ((gap - 1.0) * odds) * sum;
    if gap > 40.0 {
        return near;
    }
    let nearest = gap.round();
    let sign = if nearest % 2.0 == 0.0 { 1.0 } else { -1.0 };
    let sine = sign * (std::f64::consts::PI * (gap - nearest)).sin();
    let ln_power = -gap * odds.ln() + (b - 1.0) * (1.0 / odds).ln_1p() - ln_beta(gap, b);
    near + std::f64::consts::PI / sine * ln_power.exp()
}

/// Mean over `p ~ Beta(a, b)` of `(1 - (1 + p u)^(-shape)) / p`: purchases of a living customer whose purchases follow a
/// Gamma-Poisson process of this shape over the time `u` (in units of the rate's scale) and end with chance `p` after each one.
///
/// Equal to `(a+b-1)/(a-1) [1 - (1+u)^(-shape) 2F1(shape, b; a+b-1; u/(1+u))]`, the bracket of the BG/NBD paper (its equation 10),
/// but every term here is positive: with `N` negative binomial, it is the sum of `P(N = j) (1 + E[1-p] + ... + E[(1-p)^(j-1)])`.
#[must_use]
pub fn thinned_purchases(shape: f64, a: f64, b: f64, u: f64) -> f64 {
    if u <= 0.0 {
        return 0.0;
    }
    let mean = shape * u;
    let terms = mean + 10.0 * (mean * (1.0 + u)).sqrt() + 40.0 * (1.0 + u);
    if terms > SERIES_TERMS_MAX { thinned_by_quadrature(shape, a, b, u) } else { thinned_by_series(shape, a, b, u) }
}

fn thinned_by_series(shape: f64, a: f64, b: f64, u: f64) -> f64 {
    let z = u / (1.0 + u);
    // Probabilities are scaled by exp(ln_scale), because P(N = 0) alone may underflow.
    let mut ln_scale = -shape * u.ln_1p();
    let mut probability = shape * z;
    let mut survival = 1.0;
    let mut kept = 1.0;
    let mut sum = probability;
    let mut j = 1.0;
    loop {
        let growth = z * (shape + j) / (j + 1.0);
        probability *= growth;
        survival *= (b + j - 1.0) / (a + b + j - 1.0);
        kept += survival;
        j += 1.0;
        let term = probability * kept;
        sum += term;
        let ratio = z * (shape + j) / (j + 1.0) * (1.0 + 1.0 / j);
        // Past the peak the rest is below a geometric series.
        if (ratio < 1.0 && term * ratio < 1e-17 * sum * (1.0 - ratio)) || j > 100.0 * SERIES_TERMS_MAX {
            break;
        }
        if sum > 1e280 {
            sum *= 1e-280;
            probability *= 1e-280;
            ln_scale += 280.0 * std::f64::consts::LN_10;
        }
    }
    (ln_scale + sum.ln()).exp()
}

/// The same mean by the trapezium rule over `v = ln(p / (1-p))`, stretched by a hyperbolic sine.
///
/// The integrand is analytic and falls off at both ends, so the rule converges exponentially; dividing by the
/// integral of the weight alone removes the Beta function and most of the rounding.
fn thinned_by_quadrature(shape: f64, a: f64, b: f64, u: f64) -> f64 {
    const STEP: f64 = 1.0 / 64.0;
    let centre = (a / b).ln();
    let width = (1.0 / a + 1.0 / b).sqrt().min(1.0);
    let ln_weight = |v: f64| {
        let ln_p = if v > 0.0 { -(-v).exp().ln_1p() } else { v - v.exp().ln_1p() };
        (a * ln_p + b * (ln_p - v), ln_p)
    };
    let (peak, _) = ln_weight(centre);
    let mut weights = 0.0;
    let mut total = 0.0;
    for direction in [-1.0, 1.0] {
        let mut step = if direction > 0.0 { 0.0 } else { 1.0 };
        loop {
            let w = direction * step * STEP;
            let v = centre + width * w.sinh();
            let (ln_density, ln_p) = ln_weight(v);
            let stretch = w.cosh();
            let weight = (ln_density - peak).exp() * stretch;
            let p = ln_p.exp();
            let purchases = if p < 1e-300 { shape * u } else { -(-shape * (p * u).ln_1p()).exp_m1() / p };
            weights += weight;
            total += weight * purchases;
            step += 1.0;
            // The purchases vary by at most shape * u, so this much fall of the weight ends it.
            if ln_density - peak < -(50.0 + (1.0 + shape * u).ln()) - stretch.ln() {
                break;
            }
        }
    }
    total / weights
}

/// `ln B(a, b)`, the logarithm of the Beta function.
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(ours: f64, reference: f64, relative: f64) {
        assert!((ours / reference - 1.0).abs() < relative, "ours {ours:e}, reference {reference:e}");
    }

    fn odds(z: f64) -> f64 {
        z / (1.0 - z)
    }

    #[test]
    fn unit_hypergeometric_equals_mpmath() {
        near(unit(0.553, 2.2, odds(0.1)), 1.02643588509665, 1e-12);
        near(unit(0.553, 1.7, odds(0.95)), 2.07609420291391, 1e-12);
        near(unit(200.5, 202.1, odds(0.999)), 183.065843641298, 1e-12);
        near(unit(2.5, 4.0, odds(0.9999999)), 5.99494335422787, 1e-12);
        near(unit(0.01, 0.05, odds(0.7)), 1.44549142573533, 1e-12);
        near(unit(1000.5, 1700.25, odds(0.97)), 2.33155645928263, 1e-12);
        near(unit(1.6, 2000.5, odds(0.9)), 1.00072066296772, 1e-12);
    }

    #[test]
    fn unit_hypergeometric_has_its_closed_forms() {
        near(unit(1.0, 2.0, odds(0.3)), -(0.7f64).ln() / 0.3, 1e-14);
        near(unit(2.5, 2.5 + 1e-12, 9.0), 10.0, 1e-10);
        assert_eq!(unit(3.0, 4.0, 0.0), 1.0);
    }

    #[test]
    fn thinned_purchases_equal_mpmath() {
        near(thinned_purchases(2.243, 0.793, 4.426, 0.9), 1.68543497394272, 1e-10);
        near(thinned_purchases(1000.25, 0.79, 1002.4, 0.17), 159.678890429356, 1e-10);
        near(thinned_purchases(0.243, 0.793, 2.426, 12.0), 1.46326305336745, 1e-10);
        near(thinned_purchases(3.2, 159.3, 0.0013, 0.5), 0.726786405650622, 1e-10);
        near(thinned_purchases(3.2, 0.0013, 159.0, 0.5), 1.59998633805301, 1e-10);
        near(thinned_purchases(1.5, 1.5, 3.0, 2000.0), 6.70754187830634, 1e-10);
        near(thinned_purchases(0.5, 0.9, 2.0, 50000.0), 26.3313845199098, 1e-10);
        near(thinned_purchases(2.0, 1.000000000000001, 3.0, 1.5), 2.02715121979026, 1e-10);
    }

    proptest! {
        #[test]
        fn series_and_quadrature_agree(
            ln_shape in -3.0f64..6.0, ln_a in -4.0f64..5.0, ln_b in -4.0f64..5.0, ln_u in -6.0f64..3.0,
        ) {
            let (shape, a, b, u) = (ln_shape.exp(), ln_a.exp(), ln_b.exp(), ln_u.exp());
            let series = thinned_by_series(shape, a, b, u);
            let quadrature = thinned_by_quadrature(shape, a, b, u);
            prop_assert!((series / quadrature - 1.0).abs() < 1e-9, "{} against {}", series, quadrature);
        }

        #[test]
        fn far_odds_join_the_continued_fraction(
            whole in 0u32..60, part in prop_oneof![0.0006f64..0.01, 0.01..0.99, 0.99..0.9994], share in 0.0f64..0.9, ln_odds in 3.92f64..9.0,
        ) {
            let (gap, odds) = (f64::from(whole) + part, ln_odds.exp());
            let b = 1e-4 + share * 0.05 * odds.min(400.0);
            let far = unit_far(b, gap, odds);
            let fraction = by_fraction(gap, gap + b, odds);
            prop_assert!((far / fraction - 1.0).abs() < 1e-10, "{} against {}", far, fraction);
        }

        #[test]
        fn the_carried_gradient_is_that_of_the_function(b in 0.05f64..300.0, gap in 0.05f64..50.0, ln_odds in -6.0f64..7.0) {
            let odds = ln_odds.exp();
            let (value, by_b, by_gap) = unit_with_gradient(b, gap, odds);
            prop_assert!((value / unit(b, b + gap, odds) - 1.0).abs() < 1e-12);
            let at = |b: f64, gap: f64| unit(b, b + gap, odds);
            let (step_b, step_gap) = (1e-4 * b, 1e-4 * gap);
            let numeric_b = (at(b + step_b, gap) - at(b - step_b, gap)) / 2e-4;
            let numeric_gap = (at(b, gap + step_gap) - at(b, gap - step_gap)) / 2e-4;
            // Of derivatives by logarithms; differences carry this much rounding, more where two formulas meet.
            let noise = 2e-6 * value;
            prop_assert!((by_b * b - numeric_b).abs() <= 1e-6 * numeric_b.abs() + noise, "{} {}", by_b * b, numeric_b);
            prop_assert!((by_gap * gap - numeric_gap).abs() <= 1e-6 * numeric_gap.abs() + noise, "{} {}", by_gap * gap, numeric_gap);
        }

        #[test]
        fn contiguous_functions_fit_together(b in 0.01f64..500.0, gap in 0.01f64..50.0, z in 0.0f64..0.99999) {
            // F(1, b; c; z) = 1 + (b z / c) F(1, b + 1; c + 1; z), straight from the series.
            let c = b + gap;
            let whole = unit(b, c, odds(z));
            let shifted = 1.0 + b * z / c * unit(b + 1.0, c + 1.0, odds(z));
            prop_assert!((whole / shifted - 1.0).abs() < 1e-11, "{} against {}", whole, shifted);
        }
    }
}
