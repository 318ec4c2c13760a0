//! Zero-inflated lognormal: whether a customer buys, and how much if so, each linear in logarithms of the features.

use super::design::{Form, Recipe};
use super::least_squares;
use super::lesson::{Lesson, money};
use super::linear::unsolved;
use super::tweedie::Score;
use super::{newton, table};
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use crate::analytics::math::logistic;
use crate::analytics::tree::Loss;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Penalty of standardised coefficients' squares, per customer.
const L2: f64 = 1e-3;

/// Largest variance of log revenue: beyond it `exp(variance / 2)` multiplies everybody by more than `e²`, which says that a
/// lognormal does not fit, not that customers are rich.
const VARIANCE_MAX: f64 = 4.0;

/// Logistic regression of buying, and normal regression of log revenue among buyers.
pub struct ZeroInflatedLognormal;

#[derive(Serialize, Deserialize)]
struct ZilnFit {
    recipe: Recipe,
    /// Log odds of buying.
    buys: Score,
    /// Mean of log revenue of a buyer.
    location: Score,
    /// Variance of log revenue about it.
    variance: f64,
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

    /// Their loss (eq. 5) is a sum of one for buying and one for the value of buyers. With linear heads that share no weights
    /// and one variance, each part has its own minimum: a logistic regression, and least squares of log revenue.
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        let recipe = Recipe::new(&lesson.table, Form::Log);
        let design = recipe.design(&lesson.table.picked(&recipe.names()), lesson.revenue.len());
        let is_buyer: Vec<bool> = lesson.revenue.iter().map(|value| *value > 0.0).collect();
        let bought: Vec<f64> = is_buyer.iter().map(|is_buyer| f64::from(u8::from(*is_buyer))).collect();
        let buys = newton::minimise(&design, &bought, Loss::Logistic, L2).ok_or_else(unsolved)?;
        let buyers = design.picked(&is_buyer);
        let logs: Vec<f64> = lesson.revenue.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
        let count = logs.len() as f64;
        let location = least_squares::solve(&buyers, &logs, L2 * count).ok_or_else(unsolved)?;
        let location = Score::new(location, &buyers);
        let residuals = buyers.rows().zip(&logs).map(|(row, log)| (log - location.of(row)).powi(2));
        let freedom = (count - design.width as f64).max(0.5 * count);
        let variance = (residuals.sum::<f64>() / freedom).min(VARIANCE_MAX);
        Ok(Box::new(ZilnFit { buys: Score::new(buys, &design), location, variance, recipe }))
    }
}

impl Fit for ZilnFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        let design = self.recipe.design(&table::columns(customers, &self.recipe.names()), customers.len());
        let buys: Vec<f64> = design.rows().map(|row| logistic(self.buys.of(row))).collect();
        // The mean of a lognormal, their eq. 6.
        let revenue =
            design.rows().zip(&buys).map(|(row, buys)| buys * (self.location.of(row) + 0.5 * self.variance).exp());
        Prediction { revenue: revenue.map(money).collect(), buys: Some(buys), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = ZilnFit::deserialize(facts).ok()?;
    let width = fit.recipe.width();
    let is_sound = fit.recipe.is_sound()
        && fit.buys.is_sound(width)
        && fit.location.is_sound(width)
        && (0.0..=VARIANCE_MAX).contains(&fit.variance);
    is_sound.then(|| Box::new(fit) as Box<dyn Fit>)
}
