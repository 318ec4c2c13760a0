//! The honest protocol: what an estimator would have said at earlier cuts, against what then happened.
//!
//! At each origin an estimator learns from the customers as they were known there, and from an earlier origin whose horizon had
//! ended by then; it predicts the horizon after the cut, and is scored on what nobody could know. Nothing here reads a clock
//! or draws a random customer: a random split at one cut needs the future to train, so its figures are not those of a forecast.
//!
//! | file | turns | into |
//! |---|---|---|
//! | [`window`] | days | rolling cuts, and which earlier cut each may learn from |
//! | [`leakage`] | features and results | what was made from the future, or is too good to be true |
//! | [`same_window`] | spend of one window | the R2 that comes from predicting the past, beside the honest one |
//! | [`metrics`], [`ranking`] | predictions and outcomes | accuracy, one number a question |
//! | [`calibration`] | the same | tables by tenth and by repeat count |
//! | [`total`] | past errors of totals | the interval of the next total |
//! | [`report`] | all of it | [`BackTest`], also as JSON |
//! | [`champion`] | a back-test | the estimator to publish, and why |
//! | [`blend`] | two estimators | their mixture, weighed at an earlier cut |
//! | [`folds`] | an estimator | predictions for customers whose outcomes it did not see |
//! | [`tracking`] | a purchase process | purchases by week, actual against expected, and the alarm |
//! | [`importance`] | a fit | what each feature contributes |

pub mod blend;
pub mod calibration;
pub mod champion;
pub mod folds;
pub mod importance;
pub mod leakage;
pub mod metrics;
pub mod ranking;
pub mod report;
pub mod same_window;
pub mod total;
pub mod tracking;
pub mod window;

pub use blend::Blend;
pub use champion::{Champion, Objective};
pub use leakage::Finding;
pub use metrics::{Accuracy, Coverage, coverage};
pub use report::{BackTest, Score, TestedOrigin, Trial, Verdict};
pub use same_window::{LeakyAgainstHonest, leaky_against_honest};
pub use window::{KnownUntil, Origin, rolling_cuts};

use super::estimator::{Customers, Estimator, Fit, Prediction, Refusal, Training};
use std::borrow::Cow;

/// Tests `estimators` at every origin, in order of time.
///
/// The first origins have no earlier one to learn from: there only estimators that need no outcomes give numbers, and those that
/// do refuse by themselves. An estimator whose prediction has the wrong length or a number that is not finite is refused.
///
/// # Errors
/// The origins are not ones; see [`window::check`].
pub fn backtest(origins: &[Origin], estimators: &[&dyn Estimator], horizon_days: f64) -> Result<BackTest, Refusal> {
    window::check(origins, horizon_days)?;
    let mut findings = leakage::features_after_cut(origins);
    let customers = admitted(origins, &findings);
    for (origin, customers) in origins.iter().zip(&customers) {
        for finding in leakage::nearly_the_outcome(customers, &origin.outcome.revenue, &origin.cut) {
            if findings.iter().all(|other| other.subject != finding.subject) {
                findings.push(finding);
            }
        }
    }
    let tested = |k: usize| TestedOrigin {
        cut: origins[k].cut.clone(),
        cut_day: origins[k].cut_day,
        customers: origins[k].customers.len(),
        earlier_cut: window::earlier_of(origins, k, horizon_days).map(|earlier| origins[earlier].cut.clone()),
    };
    let trials = estimators.iter().map(|estimator| trial(origins, &customers, *estimator, horizon_days)).collect();
    let origins = (0..origins.len()).map(tested).collect();
    Ok(BackTest { horizon_days, origins, trials, findings }.with_pooled())
}

/// The customers of each origin with the features that the guard lets through.
fn admitted<'a>(origins: &'a [Origin], refused: &[Finding]) -> Vec<Cow<'a, Customers>> {
    origins
        .iter()
        .map(|origin| match refused.is_empty() {
            true => Cow::Borrowed(&origin.customers),
            false => Cow::Owned(leakage::without(&origin.customers, refused)),
        })
        .collect()
}

/// One estimator at all origins.
fn trial(origins: &[Origin], customers: &[Cow<'_, Customers>], estimator: &dyn Estimator, horizon_days: f64) -> Trial {
    let mut trial = Trial {
        estimator: estimator.name(),
        family: estimator.family(),
        verdicts: Vec::with_capacity(origins.len()),
        pooled: None,
        flag: None,
    };
    for k in 0..origins.len() {
        let earlier = window::earlier_of(origins, k, horizon_days)
            .map(|earlier| (customers[earlier].as_ref(), &origins[earlier].outcome));
        let training = Training { customers: &customers[k], earlier, horizon_days };
        let verdict = match fit_and_predict(estimator, &training) {
            Ok((_, prediction)) => {
                // Only errors that were known by this cut may widen its interval.
                let ended = |j: &usize| origins[*j].cut_day as f64 + horizon_days <= origins[k].cut_day as f64;
                let past: Vec<(f64, f64)> = (0..k).filter(ended).filter_map(|j| trial.total_at(j)).collect();
                Verdict::Scored(Box::new(score(&origins[k], &prediction, &past)))
            }
            Err(refusal) => Verdict::Refused(refusal),
        };
        trial.verdicts.push(verdict);
    }
    trial
}

fn score(origin: &Origin, prediction: &Prediction, past: &[(f64, f64)]) -> Score {
    let accuracy = Accuracy::of(prediction, &origin.outcome);
    let total = accuracy.predicted_total.and_then(|predicted| total::interval(predicted, past, None, total::LEVEL));
    Score {
        is_total_inside: total.zip(accuracy.actual_total).map(|(interval, actual)| interval.holds(actual)),
        total,
        deciles: calibration::deciles(&prediction.revenue, &origin.outcome.revenue),
        by_frequency: calibration::by_frequency(&origin.customers, prediction, &origin.outcome),
        accuracy,
    }
}

/// Fits and predicts for the customers of the training; the fit and a prediction of finite numbers, one a customer.
///
/// # Errors
/// That of the estimator; `lengths_differ` or `not_finite` where its prediction is not one.
pub fn fit_and_predict(
    estimator: &dyn Estimator,
    training: &Training<'_>,
) -> Result<(Box<dyn Fit>, Prediction), Refusal> {
    let fit = estimator.fit(training)?;
    let prediction = fit.predict(training.customers);
    check_prediction(estimator.name(), &prediction, training.customers.len())?;
    Ok((fit, prediction))
}

fn check_prediction(estimator: &str, prediction: &Prediction, customers: usize) -> Result<(), Refusal> {
    let columns = [
        ("revenue", Some(&prediction.revenue)),
        ("purchases", prediction.purchases.as_ref()),
        ("probability of a purchase", prediction.buys.as_ref()),
    ];
    for (what, values) in columns {
        let Some(values) = values else { continue };
        if values.len() != customers {
            let reason = format!("\"{estimator}\" gave {} values of {what} for {customers} customers.", values.len());
            return Err(Refusal { code: "lengths_differ", reason });
        }
        let bad = values.iter().filter(|value| !value.is_finite()).count();
        if bad > 0 {
            let reason =
                format!("\"{estimator}\" gave a {what} that is not finite for {bad} of {customers} customers.");
            return Err(Refusal { code: "not_finite", reason });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
