//! Zero-inflated lognormal: whether a customer buys, and how much if so, each linear in logarithms of the features.

use super::design::{Design, Form, Recipe, dot};
use super::least_squares;
use super::lesson::{Lesson, money};
use super::linear::unsolved;
use super::tweedie::{SCORE_MARGIN, Score};
use super::{newton, table};
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use crate::analytics::math::logistic;
use crate::analytics::tree::Loss;
use crate::analytics::tree::loss::SCORE_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Penalty of standardised coefficients' squares, per customer: of log odds and of the location.
const L2: f64 = 0.01;

/// The same of the log variance, which few residuals tell.
const L2_OF_SPREAD: f64 = 0.2;

/// Largest variance of log revenue: beyond it `exp(variance / 2)` multiplies by more than `e²`, which says that a lognormal does
/// not fit, not that customers are rich.
const VARIANCE_MAX: f64 = 4.0;

/// Location and variance are fitted in turn so often; the third digit stands after three.
const ROUNDS: usize = 6;

/// Logistic regression of buying, and normal regression of log revenue among buyers.
pub struct ZeroInflatedLognormal;

#[derive(Serialize, Deserialize)]
struct ZilnFit {
    recipe: Recipe,
    /// Log odds of buying.
    buys: Score,
    /// Mean of log revenue of a buyer.
    location: Score,
    /// Logarithm of the variance of log revenue about it.
    spread: Score,
}

impl Estimator for ZeroInflatedLognormal {
    fn name(&self) -> &'static str {
        "zero_inflated_lognormal"
    }

    fn story(&self) -> &'static str {
        "a customer buys or not with log odds linear in log features, and the revenue of one who buys is lognormal"
    }

    fn paper(&self) -> &'static str {
        "Wang, Liu, Miao (2019), A deep probabilistic model for customer lifetime value prediction, arXiv 1912.07753"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    /// Their loss (eq. 5) is a sum of one for buying and one for the value of buyers. With linear heads that share no weights,
    /// the first is a logistic regression, the second a normal regression of log revenue whose variance has a head too.
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        let recipe = Recipe::new(&lesson.table, Form::Log);
        let design = recipe.design(&lesson.table.picked(&recipe.names()), lesson.revenue.len());
        let is_buyer: Vec<bool> = lesson.revenue.iter().map(|value| *value > 0.0).collect();
        let bought: Vec<f64> = is_buyer.iter().map(|is_buyer| f64::from(u8::from(*is_buyer))).collect();
        let buys = newton::minimise(&design, &bought, Loss::Logistic, L2).ok_or_else(unsolved)?;
        let buyers = design.picked(&is_buyer);
        let logs: Vec<f64> = lesson.revenue.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
        let (location, spread) = lognormal(&buyers, &logs).ok_or_else(unsolved)?;
        Ok(Box::new(ZilnFit {
            buys: Score::new(buys, &design, SCORE_MARGIN),
            location: Score::new(location, &buyers, SCORE_MARGIN),
            // A variance beyond those of the training is a guess that `exp` would make a fortune.
            spread: Score::new(spread, &buyers, 0.0),
            recipe,
        }))
    }
}

/// Coefficients of the mean and of the log variance of `logs`: weighted least squares and a gamma regression of squared
/// residuals in turn (Harvey 1976, Econometrica 44(3), multiplicative heteroscedasticity).
fn lognormal(design: &Design, logs: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
    let count = logs.len() as f64;
    let mut weights = vec![1.0; logs.len()];
    let mut fit = None;
    for _ in 0..ROUNDS {
        let location = least_squares::solve(design, &weights, logs, L2 * count)?;
        let squares: Vec<f64> = design.rows().zip(logs).map(|(row, log)| (log - dot(row, &location)).powi(2)).collect();
        let spread = newton::minimise(design, &squares, Loss::Gamma, L2_OF_SPREAD)?;
        weights = design.rows().map(|row| (-dot(row, &spread)).clamp(-SCORE_MAX, SCORE_MAX).exp()).collect();
        // Of mean one, so that the penalty of the location keeps its weight.
        let mean = weights.iter().sum::<f64>() / count;
        weights.iter_mut().for_each(|weight| *weight /= mean);
        fit = Some((location, spread));
    }
    fit
}

impl ZilnFit {
    /// The mean of a lognormal, their eq. 6.
    fn value_of_buyer(&self, row: &[f64]) -> f64 {
        (self.location.of(row) + 0.5 * self.spread.of(row).exp().min(VARIANCE_MAX)).exp()
    }
}

impl Fit for ZilnFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        let design = self.recipe.design(&table::columns(customers, &self.recipe.names()), customers.len());
        let buys: Vec<f64> = design.rows().map(|row| logistic(self.buys.of(row))).collect();
        let revenue = design.rows().zip(&buys).map(|(row, buys)| buys * self.value_of_buyer(row));
        Prediction { revenue: revenue.map(money).collect(), buys: Some(buys), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = ZilnFit::deserialize(facts).ok()?;
    let width = fit.recipe.width();
    let is_sound =
        fit.recipe.is_sound() && fit.buys.is_sound(width) && fit.location.is_sound(width) && fit.spread.is_sound(width);
    is_sound.then(|| Box::new(fit) as Box<dyn Fit>)
}
