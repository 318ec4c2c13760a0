//! Feature scaling for clustering: log1p and standard scores, with their inverse.

/// How one feature is scaled: `z = (f(x) - mean) / deviation`, with `f` either the identity or
/// `log1p(max(x, 0))`. The deviation is that of the population (divided by n); a feature whose values are all
/// alike has deviation 1, so that its scores are 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaler {
    /// Whether values below 0 are set to 0 and the logarithm of 1 + value is taken first.
    pub log: bool,
    /// Mean of the values, after the logarithm if there is one.
    pub mean: f64,
    /// Standard deviation of the same values; above 0.
    pub deviation: f64,
}

/// Differences below this share of the largest value are rounding, not information.
const ROUNDING: f64 = 1e-12;

impl Scaler {
    /// Learns the scale of finite values; without values it leaves them as they are.
    #[must_use]
    pub fn fit(values: &[f64], log: bool) -> Scaler {
        let prepared = || values.iter().map(|value| prepare(*value, log));
        let count = values.len().max(1) as f64;
        let mean = prepared().sum::<f64>() / count;
        let variance = prepared().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let largest = prepared().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let deviation = variance.sqrt();
        let is_constant = deviation <= largest * ROUNDING;
        Scaler { log, mean, deviation: if is_constant { 1.0 } else { deviation } }
    }

    /// The standard score of a value.
    #[must_use]
    pub fn scale(&self, value: f64) -> f64 {
        (prepare(value, self.log) - self.mean) / self.deviation
    }

    /// The score under `other` of what has the score `score` here; both prepare values alike.
    #[must_use]
    pub fn moved(&self, score: f64, other: &Scaler) -> f64 {
        (score * self.deviation + self.mean - other.mean) / other.deviation
    }

    /// The value that has this score; what was below 0 before a logarithm comes back as 0.
    #[must_use]
    pub fn unscale(&self, score: f64) -> f64 {
        let value = score * self.deviation + self.mean;
        if self.log { value.exp_m1() } else { value }
    }
}

fn prepare(value: f64, log: bool) -> f64 {
    if log { value.max(0.0).ln_1p() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scores_are_those_of_the_population() {
        let scaler = Scaler::fit(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0], false);
        assert_eq!((scaler.mean, scaler.deviation), (5.0, 2.0));
        assert_eq!((scaler.scale(9.0), scaler.unscale(2.0)), (2.0, 9.0));
    }

    #[test]
    fn values_that_are_alike_score_zero() {
        for value in [0.0, 0.1, -3.7e9] {
            let scaler = Scaler::fit(&[value; 7], false);
            assert!(scaler.scale(value).abs() < 1e-6, "{value}");
            assert_eq!(scaler.deviation, 1.0);
        }
        assert_eq!(Scaler::fit(&[], true).scale(0.0), 0.0);
    }

    #[test]
    fn negative_values_count_as_zero_before_the_logarithm() {
        let scaler = Scaler::fit(&[-5.0, 0.0, 10.0], true);
        assert_eq!(scaler.scale(-5.0), scaler.scale(0.0));
    }

    proptest! {
        #[test]
        fn unscale_inverts_scale(values in proptest::collection::vec(0.0..1e9f64, 2..50), log: bool) {
            let scaler = Scaler::fit(&values, log);
            for value in values {
                prop_assert!((scaler.unscale(scaler.scale(value)) - value).abs() <= 1e-6 * (1.0 + value));
            }
        }
    }
}
