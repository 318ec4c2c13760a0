//! Ordinary least squares on the features as they are.

use super::design::{Form, Recipe, dot};
use super::least_squares;
use super::lesson::{Lesson, money};
use super::table;
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Least squares without a penalty.
pub struct Linear;

/// Coefficients over a design.
#[derive(Serialize, Deserialize)]
pub(super) struct LinearFit {
    pub recipe: Recipe,
    /// Intercept first; of standardised columns, in currency.
    pub coefficients: Vec<f64>,
}

impl Estimator for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn story(&self) -> &'static str {
        "revenue is a weighted sum of the features"
    }

    fn paper(&self) -> &'static str {
        "Gauss (1809), Theoria motus; least squares by the normal equations"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        Ok(Box::new(fit(&Lesson::new(training)?, 0.0)?))
    }
}

/// Least squares of net revenue on raw columns, with `l2` per row on standardised coefficients.
pub(super) fn fit(lesson: &Lesson, l2: f64) -> Result<LinearFit, Refusal> {
    let recipe = Recipe::new(&lesson.table, Form::Raw);
    let design = recipe.design(&lesson.table.picked(&recipe.names()), lesson.revenue.len());
    let penalty = l2 * lesson.revenue.len() as f64;
    let coefficients = least_squares::solve(&design, &vec![1.0; lesson.revenue.len()], &lesson.revenue, penalty)
        .ok_or_else(unsolved)?;
    Ok(LinearFit { recipe, coefficients })
}

/// Features of such a kind that not even the jitter of the diagonal helps.
pub(super) fn unsolved() -> Refusal {
    Refusal { code: "unsolvable", reason: "the features have no least-squares solution in the range of numbers".into() }
}

impl Fit for LinearFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        let design = self.recipe.design(&table::columns(customers, &self.recipe.names()), customers.len());
        let revenue = design.rows().map(|row| money(dot(row, &self.coefficients))).collect();
        Prediction { revenue, ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = LinearFit::deserialize(facts).ok()?;
    let is_sound = fit.recipe.is_sound() && fit.coefficients.len() == fit.recipe.width();
    is_sound.then(|| Box::new(fit) as Box<dyn Fit>)
}
