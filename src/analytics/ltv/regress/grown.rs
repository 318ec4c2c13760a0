//! The fit of estimators made of trees: an ensemble over named columns.

use super::lesson::{Lesson, money};
use super::table;
use super::tweedie::TweedieFit;
use crate::analytics::ltv::estimator::{Customers, Fit, Prediction};
use crate::analytics::tree::{Boosting, Ensemble};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What every draw of these estimators depends on: the same rows give the same trees.
pub(super) const SEED: u64 = 7;

/// An ensemble, the columns that it reads, and the model whose scores it starts from.
#[derive(Serialize, Deserialize)]
pub(super) struct GrownFit {
    pub columns: Vec<String>,
    pub ensemble: Ensemble,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<TweedieFit>,
}

impl GrownFit {
    pub fn new(lesson: Lesson, ensemble: Ensemble) -> GrownFit {
        GrownFit { columns: lesson.table.names, ensemble, offset: None }
    }

    /// Trees on what a linear model in logarithms leaves over.
    pub fn boosted(lesson: Lesson, boosting: &Boosting, offset: Option<TweedieFit>) -> GrownFit {
        let revenue = lesson.positive_revenue();
        let scores = offset.as_ref().map(|fit| fit.scores(&lesson.table.picked(&fit.recipe.names()), revenue.len()));
        let ensemble = boosting.fit(&lesson.table.columns, &revenue, scores.as_deref());
        GrownFit { columns: lesson.table.names, ensemble, offset }
    }

    pub fn revenue(&self, customers: &Customers) -> Vec<f64> {
        let mut scores = self.ensemble.scores(&table::columns(customers, &self.columns));
        if let Some(offset) = &self.offset {
            let columns = table::columns(customers, &offset.recipe.names());
            scores
                .iter_mut()
                .zip(offset.scores(&columns, customers.len()))
                .for_each(|(score, offset)| *score += offset);
        }
        scores.into_iter().map(|score| money(self.ensemble.loss.prediction(score))).collect()
    }

    pub fn checked(self) -> Option<GrownFit> {
        let is_sound =
            self.ensemble.features == self.columns.len() && self.offset.as_ref().is_none_or(TweedieFit::is_sound);
        let GrownFit { columns, ensemble, offset } = self;
        let ensemble = ensemble.checked()?;
        is_sound.then_some(GrownFit { columns, ensemble, offset })
    }
}

impl Fit for GrownFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        Prediction { revenue: self.revenue(customers), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = GrownFit::deserialize(facts).ok()?.checked()?;
    Some(Box::new(fit))
}
