//! Two boosted models: who buys, and how much a buyer spends.

use super::grown::{GrownFit, SEED};
use super::lesson::{Lesson, money};
use super::tweedie::POWER;
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use crate::analytics::tree::split::Rules;
use crate::analytics::tree::{Boosting, Growth, Loss, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Probability of buying times revenue of buyers, both by trees.
pub struct TwoStage;

#[derive(Serialize, Deserialize)]
struct TwoStageFit {
    /// Probability of any revenue.
    buys: GrownFit,
    /// Revenue of one who brings any.
    value: GrownFit,
}

impl Estimator for TwoStage {
    fn name(&self) -> &'static str {
        "two_stage"
    }

    fn story(&self) -> &'static str {
        "whether a customer buys and how much a buyer spends are two questions with their own trees; the answers are multiplied"
    }

    fn paper(&self) -> &'static str {
        "Cragg (1971), Econometrica 39(5), two-part model; trees as in Ke et al. (2017)"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        let rules = Rules { rows_min: 20, curvature_min: 1e-3, l2: 0.0, gain_min: 0.0 };
        let growth = Growth { order: Order::LeafWise, depth_max: 12, leaves_max: 15, rules, features_by_node: None };
        let boosting = |loss| Boosting {
            loss,
            trees: 100,
            rate: 0.05,
            growth,
            row_share: 0.8,
            feature_share: 0.8,
            bins_max: 255,
            seed: SEED,
        };
        let bought: Vec<f64> = lesson.revenue.iter().map(|value| f64::from(u8::from(*value > 0.0))).collect();
        let buyers = lesson.buyers();
        Ok(Box::new(TwoStageFit {
            buys: GrownFit::boosted(&lesson, &bought, &boosting(Loss::Logistic)),
            value: GrownFit::boosted(&buyers, &buyers.revenue, &boosting(Loss::Tweedie { power: POWER })),
        }))
    }
}

impl Fit for TwoStageFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        let buys = self.buys.means(customers);
        let revenue = buys.iter().zip(self.value.means(customers)).map(|(buys, value)| money(buys * value));
        Prediction { revenue: revenue.collect(), buys: Some(buys), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let TwoStageFit { buys, value } = TwoStageFit::deserialize(facts).ok()?;
    let fit = TwoStageFit { buys: buys.checked()?, value: value.checked()? };
    Some(Box::new(fit))
}
