//! Boosting as XGBoost does it: second order, level by level, with an L2 penalty of leaves.

use super::grown::{GrownFit, SEED};
use super::lesson::Lesson;
use super::tweedie::POWER;
use crate::analytics::ltv::estimator::{Estimator, Family, Fit, Refusal, Training};
use crate::analytics::tree::split::Rules;
use crate::analytics::tree::{Boosting, Growth, Loss, Order};

/// Second-order boosting of level-wise trees.
pub struct XgBoostType;

impl Estimator for XgBoostType {
    fn name(&self) -> &'static str {
        "xgboost_type"
    }

    fn story(&self) -> &'static str {
        "log expected revenue is a sum of trees grown level by level, each a penalised Newton step"
    }

    fn paper(&self) -> &'static str {
        "Chen, Guestrin (2016), XGBoost, KDD"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        let rules = Rules { rows_min: 100, curvature_min: 0.0, l2: 5.0, gain_min: 0.0 };
        let growth = Growth { order: Order::DepthWise, depth_max: 4, leaves_max: 16, rules, features_by_node: None };
        let boosting = Boosting {
            loss: Loss::Tweedie { power: POWER },
            trees: 60,
            rate: 0.05,
            growth,
            row_share: 0.8,
            feature_share: 0.8,
            bins_max: 255,
            seed: SEED,
        };
        Ok(Box::new(GrownFit::boosted_from_linear(&lesson, &boosting)?))
    }
}
