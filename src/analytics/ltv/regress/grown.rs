//! The fit of estimators made of trees: an ensemble over named columns.

use super::lesson::{Lesson, money};
use super::table::{self, Table};
use super::tweedie::{self, TweedieFit};
use crate::analytics::ltv::estimator::{Customers, Fit, Prediction, Refusal};
use crate::analytics::tree::{Boosting, Ensemble, Forest, Loss};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What every draw of these estimators depends on: the same rows give the same trees.
pub(super) const SEED: u64 = 7;

/// An ensemble, the columns that it reads, and the model that it starts from.
#[derive(Serialize, Deserialize)]
pub(super) struct GrownFit {
    pub columns: Vec<String>,
    pub ensemble: Ensemble,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<TweedieFit>,
}

impl GrownFit {
    /// The mean of `targets` by a forest.
    pub fn forest(lesson: &Lesson, forest: &Forest) -> GrownFit {
        let Table { names, columns } = lesson.table_of_trees();
        GrownFit { columns: names, ensemble: forest.fit(&columns, &lesson.revenue), first: None }
    }

    /// Boosting from a constant.
    pub fn boosted(lesson: &Lesson, targets: &[f64], boosting: &Boosting) -> GrownFit {
        let Table { names, columns } = lesson.table_of_trees();
        GrownFit { columns: names, ensemble: boosting.fit(&columns, targets, None), first: None }
    }

    /// Boosting from the Tweedie model: trees learn what it leaves over.
    ///
    /// Trees give everybody beyond the oldest customer of the training what they gave that one, so by themselves they miss that
    /// the older a cohort is, the less it buys. A linear model in logarithms follows such a trend, and misses what trees find.
    pub fn boosted_from_linear(lesson: &Lesson, boosting: &Boosting) -> Result<GrownFit, Refusal> {
        let first = tweedie::fit(lesson)?;
        let scores = first.scores(&lesson.table.picked(&first.recipe.names()), lesson.revenue.len());
        let (starts, targets) = match boosting.loss {
            Loss::Squared => (scores.into_iter().map(f64::exp).collect(), lesson.revenue.clone()),
            _ => (scores, lesson.positive_revenue()),
        };
        let Table { names, columns } = lesson.table_of_trees();
        let ensemble = boosting.fit(&columns, &targets, Some(&starts));
        Ok(GrownFit { columns: names, ensemble, first: Some(first) })
    }

    /// What the ensemble says: money, or a share.
    pub fn means(&self, customers: &Customers) -> Vec<f64> {
        let mut scores = self.ensemble.scores(&table::columns(customers, &self.columns), customers.len());
        if let Some(first) = &self.first {
            let columns = table::columns(customers, &first.recipe.names());
            for (score, start) in scores.iter_mut().zip(first.scores(&columns, customers.len())) {
                *score += if self.ensemble.loss == Loss::Squared { start.exp() } else { start };
            }
        }
        scores.into_iter().map(|score| money(self.ensemble.loss.prediction(score))).collect()
    }

    pub fn checked(self) -> Option<GrownFit> {
        let is_sound =
            self.ensemble.features == self.columns.len() && self.first.as_ref().is_none_or(TweedieFit::is_sound);
        let GrownFit { columns, ensemble, first } = self;
        let ensemble = ensemble.checked()?;
        is_sound.then_some(GrownFit { columns, ensemble, first })
    }
}

impl Fit for GrownFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        Prediction { revenue: self.means(customers), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = GrownFit::deserialize(facts).ok()?.checked()?;
    Some(Box::new(fit))
}
