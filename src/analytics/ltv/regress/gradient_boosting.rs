//! Gradient boosting with small trees and squared loss on net revenue.

use super::grown::{GrownFit, SEED};
use super::lesson::Lesson;
use crate::analytics::ltv::estimator::{Estimator, Family, Fit, Refusal, Training};
use crate::analytics::tree::split::Rules;
use crate::analytics::tree::{Boosting, Growth, Loss, Order};

/// Friedman's gradient boosting.
pub struct GradientBoosting;

impl Estimator for GradientBoosting {
    fn name(&self) -> &'static str {
        "gradient_boosting"
    }

    fn story(&self) -> &'static str {
        "revenue is a sum of many small trees, each fitted to what the former left over"
    }

    fn paper(&self) -> &'static str {
        "Friedman (2001), Greedy function approximation, Annals of Statistics 29(5)"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        let rules = Rules { rows_min: 100, curvature_min: 0.0, l2: 0.0, gain_min: 0.0 };
        let growth = Growth { order: Order::DepthWise, depth_max: 4, leaves_max: 16, rules, features_by_node: None };
        let boosting = Boosting {
            loss: Loss::Squared,
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
