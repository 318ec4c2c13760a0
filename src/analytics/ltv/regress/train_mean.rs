//! Everybody brings what the average customer brought after the earlier cut.

use super::lesson::{Lesson, money};
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use serde_json::{Value, json};

/// The mean of the earlier outcome, for everybody.
pub struct TrainMean;

struct MeanFit {
    mean: f64,
}

impl Estimator for TrainMean {
    fn name(&self) -> &'static str {
        "train_mean"
    }

    fn story(&self) -> &'static str {
        "every customer brings what the average one brought in the horizon after the earlier cut"
    }

    fn paper(&self) -> &'static str {
        "none: the rule that any ranking must beat"
    }

    fn family(&self) -> Family {
        Family::Baseline
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let lesson = Lesson::new(training)?;
        Ok(Box::new(MeanFit { mean: lesson.revenue.iter().sum::<f64>() / lesson.revenue.len() as f64 }))
    }
}

impl Fit for MeanFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        Prediction { revenue: vec![money(self.mean); customers.len()], ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        json!({ "mean": self.mean })
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let mean = facts.get("mean")?.as_f64()?;
    Some(Box::new(MeanFit { mean }))
}
