//! Boosting as LightGBM does it: the leaf with the highest gain is cut next.

use super::grown::{GrownFit, SEED};
use super::lesson::Lesson;
use super::tweedie::POWER;
use crate::analytics::ltv::estimator::{Estimator, Family, Fit, Refusal, Training};
use crate::analytics::tree::split::Rules;
use crate::analytics::tree::{Boosting, Growth, Loss, Order};

/// Second-order boosting of leaf-wise trees.
pub struct LightGbmType;

impl Estimator for LightGbmType {
    fn name(&self) -> &'static str {
        "lightgbm_type"
    }

    fn story(&self) -> &'static str {
        "log expected revenue is a sum of trees whose best leaf is cut next, each a Newton step"
    }

    fn paper(&self) -> &'static str {
        "Ke et al. (2017), LightGBM, NeurIPS"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        let rules = Rules { rows_min: 40, curvature_min: 0.0, l2: 0.0, gain_min: 0.0 };
        let growth = Growth { order: Order::LeafWise, depth_max: 12, leaves_max: 15, rules, features_by_node: None };
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
