//! Estimators that learn from outcomes after an earlier cut, and the two rules that they must beat.
//!
//! | file | holds |
//! |---|---|
//! | `lesson` | what is learnt from: a checked table in an order of its own, or the refusal |
//! | `table` | customers as named columns of numbers |
//! | `design` | columns made ready for linear models: logarithms, standardised, with marks for what is not known |
//! | `least_squares`, `newton` | coefficients of linear and generalised linear models |
//! | `grown` | the fit of estimators made of trees |
//! | [`train_mean`], [`run_rate`] | rules without a fit |
//! | [`linear`], [`ridge`], [`tweedie`], [`ziln`] | linear in the features or in their logarithms |
//! | [`random_forest`], [`gradient_boosting`], [`xgboost`], [`lightgbm`], [`two_stage`] | trees of `analytics::tree` |
//!
//! The target is net revenue in the horizon. It may be negative when more came back than was bought; learners with a log link and
//! those of a share of buyers take 0 for it, the others take it as it is. No prediction is negative.

mod design;
pub mod gradient_boosting;
mod grown;
mod least_squares;
mod lesson;
pub mod lightgbm;
pub mod linear;
mod newton;
pub mod random_forest;
pub mod ridge;
pub mod run_rate;
mod table;
pub mod train_mean;
pub mod tweedie;
pub mod two_stage;
pub mod xgboost;
pub mod ziln;

pub use gradient_boosting::GradientBoosting;
pub use lesson::{BUYERS_MIN, CUSTOMERS_MIN};
pub use lightgbm::LightGbmType;
pub use linear::Linear;
pub use random_forest::RandomForest;
pub use ridge::Ridge;
pub use run_rate::RunRate;
pub use train_mean::TrainMean;
pub use tweedie::TweedieGlm;
pub use two_stage::TwoStage;
pub use xgboost::XgBoostType;
pub use ziln::ZeroInflatedLognormal;

use super::estimator::{Estimator, Fit};
use serde_json::Value;

/// All of them; enrolment is one line here.
pub static REGRESSORS: &[&dyn Estimator] = &[
    &TrainMean,
    &RunRate,
    &Linear,
    &Ridge,
    &RandomForest,
    &GradientBoosting,
    &XgBoostType,
    &LightGbmType,
    &TweedieGlm,
    &ZeroInflatedLognormal,
    &TwoStage,
];

/// A fit as it was when [`Fit::facts`] wrote it, or nothing when the estimator is not one of these or the facts do not fit together.
#[must_use]
pub fn restore(estimator: &str, facts: &Value) -> Option<Box<dyn Fit>> {
    match estimator {
        "train_mean" => train_mean::restore(facts),
        "run_rate" => run_rate::restore(facts),
        "linear" | "ridge" => linear::restore(facts),
        "random_forest" | "gradient_boosting" | "xgboost_type" | "lightgbm_type" => grown::restore(facts),
        "tweedie_glm" => tweedie::restore(facts),
        "zero_inflated_lognormal" => ziln::restore(facts),
        "two_stage" => two_stage::restore(facts),
        _ => None,
    }
}

#[cfg(test)]
mod scikit_tests;
#[cfg(test)]
mod tests;
