//! Everybody goes on spending at the rate of the past.

use super::lesson::money;
use super::table::columns;
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use serde_json::{Value, json};

/// Shortest time that a rate is taken over: the first order of yesterday is not a rate of one order a day.
const AGE_DAYS_MIN: f64 = 30.0;

/// Revenue to date over age, times the horizon.
pub struct RunRate;

struct RateFit {
    horizon_days: f64,
}

impl Estimator for RunRate {
    fn name(&self) -> &'static str {
        "run_rate"
    }

    fn story(&self) -> &'static str {
        "every customer goes on at revenue to date over age, the age being at least 30 days"
    }

    fn paper(&self) -> &'static str {
        "none: the rule of thumb that others must beat"
    }

    fn family(&self) -> Family {
        Family::Baseline
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        Ok(Box::new(RateFit { horizon_days: training.horizon_days }))
    }
}

impl Fit for RateFit {
    /// Reads the feature `revenue`; without it, the mean repeat value times purchases, and nothing for who has no repeat.
    fn predict(&self, customers: &Customers) -> Prediction {
        let names = ["repeat_count", "age_days", "mean_repeat_value", "revenue"].map(String::from);
        let columns = columns(customers, &names);
        let rate = |row: usize| {
            let [count, age, mean, revenue] = [0, 1, 2, 3].map(|column| columns[column][row]);
            let spent = if revenue.is_finite() { revenue } else { (count + 1.0) * mean };
            money(spent / age.max(AGE_DAYS_MIN) * self.horizon_days)
        };
        Prediction { revenue: (0..customers.len()).map(rate).collect(), ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        json!({ "horizon_days": self.horizon_days })
    }
}

pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let horizon_days = facts.get("horizon_days")?.as_f64()?;
    Some(Box::new(RateFit { horizon_days }))
}
