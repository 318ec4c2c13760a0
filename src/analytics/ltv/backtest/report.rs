//! What a back-test found: a verdict for each estimator at each origin, and all origins pooled, as plain values and as JSON.

use super::calibration::{Decile, FrequencyRow};
use super::leakage::{Finding, suspiciously_good};
use super::metrics::{Accuracy, finite, total};
use super::total::TotalInterval;
use crate::analytics::ltv::estimator::{Family, Refusal};
use serde_json::{Value, json};

/// The whole back-test.
#[derive(Clone, Debug, PartialEq)]
pub struct BackTest {
    /// Length of the horizon.
    pub horizon_days: f64,
    /// The origins, in order of time.
    pub origins: Vec<TestedOrigin>,
    /// One entry an estimator, in the order given.
    pub trials: Vec<Trial>,
    /// What the leakage guard found in the features.
    pub findings: Vec<Finding>,
}

/// An origin as it was tested.
#[derive(Clone, Debug, PartialEq)]
pub struct TestedOrigin {
    /// Name of the cut.
    pub cut: String,
    /// Its day.
    pub cut_day: i64,
    /// Number of customers.
    pub customers: usize,
    /// Name of the earlier cut that could be learnt from.
    pub earlier_cut: Option<String>,
}

/// One estimator over all origins.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Name of the estimator.
    pub estimator: &'static str,
    /// What sort it is.
    pub family: Family,
    /// One verdict an origin.
    pub verdicts: Vec<Verdict>,
    /// Accuracy over the origins where all comparable estimators gave numbers; see [`BackTest::comparable`] and [`pooled`].
    pub pooled: Option<Accuracy>,
    /// Set when it is too good to be true.
    pub flag: Option<Finding>,
}

/// How an estimator did at one origin.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It gave numbers.
    Scored(Box<Score>),
    /// It gave none.
    Refused(Refusal),
}

/// The numbers of one estimator at one origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Accuracy against the outcome.
    pub accuracy: Accuracy,
    /// Means by tenth of the prediction.
    pub deciles: Vec<Decile>,
    /// Means by repeat count.
    pub by_frequency: Vec<FrequencyRow>,
    /// The interval of the total that errors before this origin gave.
    pub total: Option<TotalInterval>,
    /// Whether the actual total lies in it.
    pub is_total_inside: Option<bool>,
}

impl Trial {
    /// The score at origin `k`.
    #[must_use]
    pub fn score(&self, k: usize) -> Option<&Score> {
        match self.verdicts.get(k)? {
            Verdict::Scored(score) => Some(score),
            Verdict::Refused(_) => None,
        }
    }

    /// The verdict at the last origin, which is nearest to the prediction that will be published.
    #[must_use]
    pub fn last(&self) -> Option<&Verdict> {
        self.verdicts.last()
    }

    /// `(predicted, actual)` totals at all origins where it gave numbers: what the interval of the next total rests on.
    #[must_use]
    pub fn totals(&self) -> Vec<(f64, f64)> {
        (0..self.verdicts.len()).filter_map(|k| self.total_at(k)).collect()
    }

    /// `(predicted, actual)` totals at origin `k`.
    #[must_use]
    pub fn total_at(&self, k: usize) -> Option<(f64, f64)> {
        let accuracy = &self.score(k)?.accuracy;
        Some((accuracy.predicted_total?, accuracy.actual_total?))
    }

    /// Origins whose actual total lay in the interval made before it, and origins that had one.
    #[must_use]
    pub fn total_coverage(&self) -> (usize, usize) {
        let told: Vec<bool> = (0..self.verdicts.len()).filter_map(|k| self.score(k)?.is_total_inside).collect();
        (told.iter().filter(|inside| **inside).count(), told.len())
    }
}

impl BackTest {
    /// The trial of the estimator of this name.
    #[must_use]
    pub fn trial(&self, estimator: &str) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.estimator == estimator)
    }

    /// Places of the estimators that can be compared, and of the origins to compare them at.
    ///
    /// Who gave numbers at the last origin, and at no fewer than half of the origins that have an earlier one to learn from, can be
    /// compared, at the origins where all of them gave numbers. The last is always among these. A latecomer so waits until there is
    /// something to compare it by, and does not take the earlier origins from all others.
    #[must_use]
    pub fn comparable(&self) -> (Vec<usize>, Vec<usize>) {
        let Some(last) = self.origins.len().checked_sub(1) else { return (Vec::new(), Vec::new()) };
        let learnable: Vec<usize> = (0..=last).filter(|k| self.origins[*k].earlier_cut.is_some()).collect();
        let scored = |trial: &Trial| learnable.iter().filter(|k| trial.score(**k).is_some()).count();
        let is_comparable = |trial: &Trial| trial.score(last).is_some() && 2 * scored(trial) >= learnable.len();
        let comparable: Vec<usize> =
            (0..self.trials.len()).filter(|place| is_comparable(&self.trials[*place])).collect();
        if comparable.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let is_shared = |k: &usize| comparable.iter().all(|place| self.trials[*place].score(*k).is_some());
        let cuts = (0..=last).filter(is_shared).collect();
        (comparable, cuts)
    }

    /// Fills in the pooled accuracy of each trial, and flags what is too good to be true.
    ///
    /// Estimators that can be compared are pooled over the same origins, so that their figures can stand in one table; the others over
    /// those where they gave numbers. The flag looks at all origins of an estimator: a leak shows everywhere.
    #[must_use]
    pub(super) fn with_pooled(mut self) -> BackTest {
        let (comparable, cuts) = self.comparable();
        let all: Vec<usize> = (0..self.origins.len()).collect();
        for (place, trial) in self.trials.iter_mut().enumerate() {
            let at = |origins: &[usize]| -> Option<Accuracy> {
                let scored: Vec<&Accuracy> =
                    origins.iter().filter_map(|k| trial.score(*k)).map(|score| &score.accuracy).collect();
                pooled(&scored)
            };
            let whole = at(&all);
            let shared = if comparable.contains(&place) { at(&cuts) } else { whole.clone() };
            trial.flag = suspiciously_good(trial.estimator, whole.and_then(|whole| whole.r2));
            trial.pooled = shared;
        }
        self
    }

    /// All of it as JSON, with finite numbers only; what is not defined is `null`.
    #[must_use]
    pub fn facts(&self) -> Value {
        let origin = |origin: &TestedOrigin| {
            json!({
                "cut": origin.cut,
                "customers": origin.customers,
                "earlier_cut": origin.earlier_cut,
            })
        };
        let trial = |trial: &Trial| {
            let verdicts: Vec<Value> = trial.verdicts.iter().zip(&self.origins).map(verdict_facts).collect();
            let (inside, told) = trial.total_coverage();
            json!({
                "estimator": trial.estimator,
                "family": family_name(trial.family),
                "flag": trial.flag,
                "pooled": trial.pooled,
                "totals_inside": inside,
                "totals_told": told,
                "origins": verdicts,
            })
        };
        json!({
            "horizon_days": finite(self.horizon_days),
            "origins": self.origins.iter().map(origin).collect::<Vec<_>>(),
            "estimators": self.trials.iter().map(trial).collect::<Vec<_>>(),
            "findings": self.findings,
        })
    }
}

fn verdict_facts((verdict, origin): (&Verdict, &TestedOrigin)) -> Value {
    match verdict {
        Verdict::Scored(score) => json!({
            "cut": origin.cut,
            "accuracy": score.accuracy,
            "deciles": score.deciles,
            "by_frequency": score.by_frequency,
            "total": score.total,
            "is_total_inside": score.is_total_inside,
        }),
        Verdict::Refused(refusal) => json!({
            "cut": origin.cut,
            "refused": { "code": refusal.code, "reason": refusal.reason },
        }),
    }
}

/// The word for a family in relations and facts.
#[must_use]
pub fn family_name(family: Family) -> &'static str {
    match family {
        Family::Baseline => "baseline",
        Family::Probabilistic => "probabilistic",
        Family::Regressor => "regressor",
        Family::Blend => "blend",
    }
}

/// Accuracy over several origins; `None` without any.
///
/// Squared and absolute errors are taken over all customers of all origins together (so R2 is one less their squared errors over
/// their squared deviations, each from the mean of its own origin), totals are summed, and what rests on order or probability is
/// the mean over the origins where it is defined.
#[must_use]
pub fn pooled(accuracies: &[&Accuracy]) -> Option<Accuracy> {
    if accuracies.is_empty() {
        return None;
    }
    let mean = |part: fn(&Accuracy) -> Option<f64>| {
        let told: Vec<f64> = accuracies.iter().filter_map(|accuracy| part(accuracy)).collect();
        finite(total(&told) / told.len() as f64)
    };
    let sum = |part: fn(&Accuracy) -> Option<f64>| {
        let told: Option<Vec<f64>> = accuracies.iter().map(|accuracy| part(accuracy)).collect();
        told.and_then(|told| finite(total(&told)))
    };
    let customers: usize = accuracies.iter().map(|accuracy| accuracy.customers).sum();
    let of_all = |part: fn(&Accuracy) -> Option<f64>| {
        let told: Option<Vec<f64>> =
            accuracies.iter().map(|accuracy| Some(part(accuracy)? * accuracy.customers as f64)).collect();
        told.and_then(|told| finite(total(&told) / customers as f64))
    };
    let squared = of_all(|accuracy| accuracy.rmse.map(|rmse| rmse * rmse));
    let deviation = of_all(|accuracy| accuracy.actual_deviation.map(|deviation| deviation * deviation));
    let r2 = match (squared, deviation) {
        (Some(squared), Some(deviation)) if deviation > 0.0 => finite(1.0 - squared / deviation),
        _ => None,
    };
    let (predicted_total, actual_total) =
        (sum(|accuracy| accuracy.predicted_total), sum(|accuracy| accuracy.actual_total));
    let total_bias = match (predicted_total, actual_total) {
        (Some(predicted), Some(actual)) if actual > 0.0 => finite(predicted / actual - 1.0),
        _ => None,
    };
    Some(Accuracy {
        customers,
        rmse: squared.map(f64::sqrt),
        mae: of_all(|accuracy| accuracy.mae),
        r2,
        spearman: mean(|accuracy| accuracy.spearman),
        normalized_gini: mean(|accuracy| accuracy.normalized_gini),
        top_decile_share: mean(|accuracy| accuracy.top_decile_share),
        predicted_total,
        actual_total,
        total_bias,
        brier: mean(|accuracy| accuracy.brier),
        auc: mean(|accuracy| accuracy.auc),
        actual_deviation: deviation.map(f64::sqrt),
        actual_mean_deviation: of_all(|accuracy| accuracy.actual_mean_deviation),
    })
}
