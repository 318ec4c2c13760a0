//! A random forest on net revenue.

use super::grown::{GrownFit, SEED};
use super::lesson::Lesson;
use crate::analytics::ltv::estimator::{Estimator, Family, Fit, Refusal, Training};
use crate::analytics::tree::split::Rules;
use crate::analytics::tree::{Forest, Growth, Order};

/// The mean of many deep trees.
pub struct RandomForest;

impl Estimator for RandomForest {
    fn name(&self) -> &'static str {
        "random_forest"
    }

    fn story(&self) -> &'static str {
        "customers who are alike bring alike; what alike means is told by many trees, each on a sample of its own"
    }

    fn paper(&self) -> &'static str {
        "Breiman (2001), Random forests, Machine Learning 45"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        // A third of the features at each node, as Breiman has it for regression.
        let features_by_node = Some(lesson.table_of_trees().columns.len().div_ceil(3));
        let rules = Rules { rows_min: 20, curvature_min: 0.0, l2: 0.0, gain_min: 0.0 };
        let growth = Growth { order: Order::DepthWise, depth_max: 16, leaves_max: 4096, rules, features_by_node };
        let forest = Forest { trees: 100, growth, bins_max: 63, is_bootstrap: true, seed: SEED };
        Ok(Box::new(GrownFit::forest(&lesson, &forest)))
    }
}
