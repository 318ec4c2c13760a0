//! A generalised linear model of revenue: many zeros and a long tail at once, on logarithms of the features.

use super::design::{Design, Form, Recipe, dot};
use super::lesson::{Lesson, money};
use super::linear::unsolved;
use super::{newton, table};
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use crate::analytics::tree::Loss;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Variance grows with this power of the mean: between Poisson (1) and gamma (2), a Poisson number of gamma amounts.
pub(super) const POWER: f64 = 1.5;

/// Penalty of a standardised coefficient's square, in units of the mean deviance of revenue over its mean.
const L2: f64 = 0.1;

/// How far beyond the scores of the training a score may go: a factor of two in money.
///
/// A sum of logarithms is a product of powers. A customer who is beyond the training in several features at once would be
/// multiplied up several times, with nothing in the data to tell whether that is so.
pub(super) const SCORE_MARGIN: f64 = std::f64::consts::LN_2;

/// Tweedie regression with a log link.
pub struct TweedieGlm;

/// A score linear in a design, within the scores seen in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Score {
    /// Intercept first, of standardised columns.
    pub coefficients: Vec<f64>,
    pub low: f64,
    pub high: f64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TweedieFit {
    pub recipe: Recipe,
    pub score: Score,
}

impl Score {
    /// `margin` is how far beyond the scores of `design`, which it was fitted on, a score may go.
    pub fn new(coefficients: Vec<f64>, design: &Design, margin: f64) -> Score {
        let scores = design.rows().map(|row| dot(row, &coefficients));
        let (low, high) = scores.fold((f64::MAX, f64::MIN), |(low, high), score| (low.min(score), high.max(score)));
        Score { low: low - margin, high: high + margin, coefficients }
    }

    pub fn of(&self, row: &[f64]) -> f64 {
        dot(row, &self.coefficients).clamp(self.low, self.high)
    }

    pub fn is_sound(&self, width: usize) -> bool {
        self.coefficients.len() == width && self.low.is_finite() && self.high.is_finite() && self.low <= self.high
    }
}

impl Estimator for TweedieGlm {
    fn name(&self) -> &'static str {
        "tweedie_glm"
    }

    fn story(&self) -> &'static str {
        "revenue is a Poisson number of gamma amounts, whose mean is a product of powers of the features"
    }

    fn paper(&self) -> &'static str {
        "Tweedie (1984); Jorgensen (1987), Exponential dispersion models, JRSS B 49(2)"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        Ok(Box::new(fit(&Lesson::new(training)?)?))
    }
}

/// The model of what customers of `lesson` bring.
pub(super) fn fit(lesson: &Lesson) -> Result<TweedieFit, Refusal> {
    let recipe = Recipe::new(&lesson.table, Form::Log);
    let design = recipe.design(&lesson.table.picked(&recipe.names()), lesson.revenue.len());
    let revenue = lesson.positive_revenue();
    let mean = revenue.iter().sum::<f64>() / revenue.len() as f64;
    // In units of the mean, so that the penalty means the same in every currency.
    let relative: Vec<f64> = revenue.iter().map(|value| value / mean).collect();
    let mut coefficients =
        newton::minimise(&design, &relative, Loss::Tweedie { power: POWER }, L2).ok_or_else(unsolved)?;
    coefficients[0] += mean.ln();
    Ok(TweedieFit { recipe, score: Score::new(coefficients, &design, SCORE_MARGIN) })
}

impl TweedieFit {
    /// Logarithms of expected revenue.
    pub fn scores(&self, columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
        self.recipe.design(columns, rows).rows().map(|row| self.score.of(row)).collect()
    }

    pub fn is_sound(&self) -> bool {
        self.recipe.is_sound() && self.score.is_sound(self.recipe.width())
    }
}

impl Fit for TweedieFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        let scores = self.scores(&table::columns(customers, &self.recipe.names()), customers.len());
        Prediction { revenue: scores.into_iter().map(|score| money(score.exp())).collect(), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = TweedieFit::deserialize(facts).ok()?;
    fit.is_sound().then(|| Box::new(fit) as Box<dyn Fit>)
}
