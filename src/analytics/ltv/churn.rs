//! From expected purchases to the probability of a purchase, calibrated at cuts of the past.
//!
//! A process tells P(buys) = P(alive) P(buys | alive), which can never exceed P(alive). Of frequent buyers who are silent for a while
//! it is too sure that they have left: on CDNOW 2 percent of some were to buy again, and 43 percent did. Expected purchases order
//! customers better than P(buys) does. So, with `E` the expected purchases of the same window, purchases are taken as
//! negative binomial about `c E`: `P(buys) = 1 - (1 + c E / k)^-k`. Level `c` and shape `k` are those that make what customers
//! did after cuts of the past likeliest (Bernoulli likelihood; a calibration by two parameters, as in Platt 1999, with the link of
//! the NBD, Ehrenberg 1959). `E` grows with the window and the same `c` and `k` hold for all, so the probability grows with it too.

use crate::analytics::math::minimize::{Objective, Stop, minimize};
use serde::{Deserialize, Serialize};

/// Fewer customers who bought, or did not buy, after the cuts than this teach nothing.
pub const CUSTOMERS_MIN: usize = 50;

/// How much of the error of the level is expected again, in logarithms; the same half as that of the total in the blend.
const LEVEL_TRUST: f64 = 0.5;

/// Parameters that are paid for: they must gain more log-likelihood than this (Akaike 1974).
const PARAMETERS: f64 = 2.0;

/// Limits of the logarithms of level and shape.
const BOUNDS: [(f64, f64); 2] = [(-2.0, 2.0), (-3.0, 5.0)];

/// This near to a limit, the data have no opinion.
const BOUND_DISTANCE: f64 = 0.01;

/// How expected purchases become a probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChurnCalibration {
    /// Purchases that come for one expected.
    pub level: f64,
    /// Shape of the negative binomial distribution; the lower, the more customers of one expectation differ.
    pub shape: f64,
    /// Customers and cuts that it was learnt from, each customer once a cut.
    pub customers: usize,
    /// Mean log loss there of the probabilities of the process itself.
    pub log_loss_of_process: f64,
    /// The same of these, with the whole error of the level taken back.
    pub log_loss: f64,
}

impl ChurnCalibration {
    /// Learns from what a process said of customers at cuts of the past, one entry a customer and cut: expected purchases, probability
    /// of one, and whether one came in the same window.
    ///
    /// None where the probabilities of the process are as good, or nothing can be told: then they should stand. The order of the
    /// entries changes nothing but rounding.
    #[must_use]
    pub fn learn(purchases: &[f64], buys: &[f64], has_bought: &[bool]) -> Option<ChurnCalibration> {
        let n = has_bought.len();
        let is_sound = purchases.len() == n
            && buys.len() == n
            && purchases.iter().all(|value| (0.0..f64::MAX).contains(value))
            && buys.iter().all(|value| (0.0..=1.0).contains(value));
        if !is_sound {
            return None;
        }
        let buyers = has_bought.iter().filter(|bought| **bought).count();
        if buyers.min(n - buyers) < CUSTOMERS_MIN {
            return None;
        }
        let log_loss_of_process = log_loss(buys.iter().copied(), has_bought)?;
        let stop = Stop { gradient: 1e-7, gain: 1e-12, iterations: 100 };
        let best = minimize(&Loss { purchases, has_bought }, &[0.0, 0.0], &BOUNDS, stop, None)?;
        let is_inside =
            best.x.iter().zip(BOUNDS).all(|(x, (low, high))| x - low > BOUND_DISTANCE && high - x > BOUND_DISTANCE);
        let is_better = best.value + PARAMETERS / (n as f64) < log_loss_of_process;
        (is_inside && is_better).then(|| ChurnCalibration {
            level: (LEVEL_TRUST * best.x[0]).exp(),
            shape: best.x[1].exp(),
            customers: n,
            log_loss_of_process,
            log_loss: best.value,
        })
    }

    /// Probability of at least one purchase in a window in which `purchases` are expected, in `[0, 1]`.
    #[must_use]
    pub fn probability(&self, purchases: f64) -> f64 {
        probability(purchases, self.level, self.shape)
    }
}

/// `1 - (1 + c E / k)^-k`, without loss where it is small.
fn probability(purchases: f64, level: f64, shape: f64) -> f64 {
    -(-shape * (level * purchases.max(0.0) / shape).ln_1p()).exp_m1()
}

/// Mean of `-ln` of the probability of what happened; None where it is not finite.
fn log_loss(probabilities: impl Iterator<Item = f64>, has_bought: &[bool]) -> Option<f64> {
    // A probability of 0 of what happened would decide alone.
    let of = |(p, bought): (f64, &bool)| -(if *bought { p } else { 1.0 - p }).max(1e-9).ln();
    let mean = probabilities.zip(has_bought).map(of).sum::<f64>() / has_bought.len() as f64;
    mean.is_finite().then_some(mean)
}

/// Mean log loss by the logarithms of level and shape.
struct Loss<'a> {
    purchases: &'a [f64],
    has_bought: &'a [bool],
}

impl Objective for Loss<'_> {
    fn value(&self, x: &[f64]) -> f64 {
        let (level, shape) = (x[0].exp(), x[1].exp());
        let probabilities = self.purchases.iter().map(|purchases| probability(*purchases, level, shape));
        log_loss(probabilities, self.has_bought).unwrap_or(f64::INFINITY)
    }
}

#[cfg(test)]
mod tests;
