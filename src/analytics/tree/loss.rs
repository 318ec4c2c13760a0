//! What a prediction costs: squared, Tweedie, gamma and logistic loss of a score, with gradient and curvature.

use crate::analytics::math::{ln_one_plus_exp, logistic};
use serde::{Deserialize, Serialize};

/// Scores of log and logit links stay within this, so that their exponential is finite.
pub const SCORE_MAX: f64 = 50.0;

/// A loss of target `y` at score `f`; the prediction is the link's inverse of `f`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `(y - f)² / 2`; predicts `f`.
    Squared,
    /// Half the deviance of a compound Poisson sum of gammas, `1 < power < 2`, without terms of `y` alone; predicts `exp(f)`.
    Tweedie {
        /// Variance is proportional to the mean to this power.
        power: f64,
    },
    /// Half the deviance of a gamma, the limit of Tweedie's at power 2; predicts `exp(f)`.
    Gamma,
    /// Negative log-likelihood of `y` in {0, 1}; predicts the probability of 1.
    Logistic,
}

impl Loss {
    /// The constant score of least loss.
    #[must_use]
    pub fn start(self, targets: &[f64]) -> f64 {
        let mean = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
        match self {
            Loss::Squared => mean,
            Loss::Tweedie { .. } | Loss::Gamma => mean.max(1e-12).ln(),
            Loss::Logistic => {
                let share = mean.clamp(1e-9, 1.0 - 1e-9);
                (share / (1.0 - share)).ln()
            }
        }
    }

    /// First and second derivative of the loss in the score.
    #[must_use]
    pub fn gradient(self, y: f64, score: f64) -> (f64, f64) {
        match self {
            Loss::Squared => (score - y, 1.0),
            Loss::Tweedie { power } => {
                let score = score.clamp(-SCORE_MAX, SCORE_MAX);
                let (less, more) = (y * ((1.0 - power) * score).exp(), ((2.0 - power) * score).exp());
                (more - less, (power - 1.0) * less + (2.0 - power) * more)
            }
            Loss::Gamma => {
                let ratio = y * (-score.clamp(-SCORE_MAX, SCORE_MAX)).exp();
                (1.0 - ratio, ratio)
            }
            Loss::Logistic => {
                let share = logistic(score);
                (share - y, share * (1.0 - share))
            }
        }
    }

    /// The loss.
    #[must_use]
    pub fn value(self, y: f64, score: f64) -> f64 {
        match self {
            Loss::Squared => 0.5 * (y - score) * (y - score),
            Loss::Tweedie { power } => {
                let score = score.clamp(-SCORE_MAX, SCORE_MAX);
                y * ((1.0 - power) * score).exp() / (power - 1.0) + ((2.0 - power) * score).exp() / (2.0 - power)
            }
            Loss::Gamma => y * (-score.clamp(-SCORE_MAX, SCORE_MAX)).exp() + score,
            Loss::Logistic => ln_one_plus_exp(score) - y * score,
        }
    }

    /// The prediction of a score.
    #[must_use]
    pub fn prediction(self, score: f64) -> f64 {
        match self {
            Loss::Squared => score,
            Loss::Tweedie { .. } | Loss::Gamma => score.clamp(-SCORE_MAX, SCORE_MAX).exp(),
            Loss::Logistic => logistic(score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_loss() {
        for loss in
            [Loss::Squared, Loss::Tweedie { power: 1.5 }, Loss::Tweedie { power: 1.2 }, Loss::Gamma, Loss::Logistic]
        {
            for (y, score) in [(0.0, -1.3), (1.0, 0.4), (1.0, 2.0), (0.0, 3.0)] {
                let step = 1e-4;
                let (up, at, down) = (loss.value(y, score + step), loss.value(y, score), loss.value(y, score - step));
                let (gradient, curvature) = loss.gradient(y, score);
                assert!(((up - down) / (2.0 * step) - gradient).abs() < 1e-6, "{loss:?} at {y}, {score}");
                assert!(((up - 2.0 * at + down) / (step * step) - curvature).abs() < 1e-5, "{loss:?} at {y}, {score}");
            }
        }
    }

    #[test]
    fn the_start_has_no_gradient_and_predicts_the_mean() {
        let targets = [0.0, 0.0, 1.0, 0.0, 1.0];
        for loss in [Loss::Squared, Loss::Tweedie { power: 1.5 }, Loss::Gamma, Loss::Logistic] {
            let start = loss.start(&targets);
            let gradient: f64 = targets.iter().map(|y| loss.gradient(*y, start).0).sum();
            assert!(gradient.abs() < 1e-12, "{loss:?}");
            assert!((loss.prediction(start) - 0.4).abs() < 1e-12, "{loss:?}");
        }
    }
}
