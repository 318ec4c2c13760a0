//! The generalised exponential integral `E_s(y)`, for discounted sums without end.

/// Step of the trapezium rule over `ln t`. The integrand is analytic for `|Im ln t| < π/2`, so the error is about `exp(-π²/STEP)`.
const STEP: f64 = 0.25;

/// `exp(y) E_s(y) = ∫_0^∞ exp(-y t) (1 + t)^-s dt` for `y > 0` and `s > 0`, to about 1e-13 relative.
///
/// Equal to `y^(s-1) Ψ(s, s; y)` with the confluent hypergeometric function of the second kind (NIST DLMF 8.19.3 and 13.4.4). By the trapezium
/// rule over `ln t`: its continued fraction crawls for small `y`, which is the usual case here, and its series fails at whole `s`.
#[must_use]
pub fn scaled_exponential_integral(s: f64, y: f64) -> f64 {
    if y <= 0.0 {
        return if s > 1.0 { 1.0 / (s - 1.0) } else { f64::INFINITY };
    }
    // Below it the integrand is t itself, and what is left out is less than 1e-16 of the whole, 1 / (y + s) or more.
    let first = -(1.0 + y + s).ln() - 38.0;
    // Beyond it exp(-y t) is nothing.
    let last = (750.0 / y).ln();
    let steps = ((last - first) / STEP).ceil().max(1.0) as usize;
    (0..=steps)
        .map(|step| {
            let ln_t = first + step as f64 * STEP;
            let t = ln_t.exp();
            (ln_t - y * t - s * t.ln_1p()).exp()
        })
        .sum::<f64>()
        * STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(ours: f64, reference: f64) {
        assert!((ours / reference - 1.0).abs() < 1e-12, "ours {ours:e}, reference {reference:e}");
    }

    #[test]
    fn scaled_exponential_integrals_equal_mpmath() {
        near(scaled_exponential_integral(0.606, 0.13643), 2.858843748920873);
        near(scaled_exponential_integral(0.606, 0.001), 31.7494240128141);
        near(scaled_exponential_integral(1.0, 0.05), 2.594430349760613);
        near(scaled_exponential_integral(1.5, 2.0), 0.3145230828477821);
        near(scaled_exponential_integral(0.01, 0.3), 3.292908438246634);
        near(scaled_exponential_integral(12.5, 30.0), 0.02368808773767692);
        near(scaled_exponential_integral(0.001, 0.0001), 9914.038898354167);
    }

    /// DLMF 8.19.12: `s E_(s+1)(y) = exp(-y) - y E_s(y)`.
    #[test]
    fn neighbours_fit_together() {
        for (s, y) in [(0.3, 0.01), (0.9, 0.5), (2.5, 7.0), (40.0, 0.2), (1.0, 90.0)] {
            near(s * scaled_exponential_integral(s + 1.0, y), 1.0 - y * scaled_exponential_integral(s, y));
        }
    }

    #[test]
    fn without_discount_the_sum_is_finite_only_for_a_finite_life() {
        assert_eq!(scaled_exponential_integral(3.0, 0.0), 0.5);
        assert_eq!(scaled_exponential_integral(0.9, 0.0), f64::INFINITY);
    }
}
