//! What an estimator of lifetime value is given, what it must give back, and why it may refuse.
//!
//! An estimator sees customers as they were known at a *cut*, and says what each will bring in the horizon after it. The
//! honest protocol (`backtest`) rests on this shape: whoever learns from outcomes is given those of an earlier cut only.

use super::process::grouping::History;
use serde_json::Value;

/// Customers as they were known at a cut, one entry of each vector a customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Customers {
    /// Purchase histories up to the cut, in weeks.
    pub histories: Vec<History>,
    /// Mean value of the repeat purchase days, where there is a positive one.
    pub mean_values: Vec<Option<f64>>,
    /// What else was known at the cut, column by column.
    pub features: Vec<Feature>,
}

/// One thing that was known of all customers at the cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Name of the column.
    pub name: String,
    /// One value a customer; `NaN` where it is not known.
    pub values: Vec<f64>,
}

/// What customers did in the horizon after a cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Net revenue, returns taken off, in currency; not discounted.
    pub revenue: Vec<f64>,
    /// Days with a purchase.
    pub purchases: Vec<f64>,
}

/// What an estimator may learn from.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// Customers at the cut to predict from: nothing is known of what comes after it.
    pub customers: &'a Customers,
    /// Customers at an earlier cut, and what they did in the horizon after it, which ends at `customers`' cut or before.
    pub earlier: Option<(&'a Customers, &'a Outcome)>,
    /// Length of the horizon.
    pub horizon_days: f64,
}

/// What is predicted of each customer for the horizon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Expected net revenue, in currency, not discounted; finite.
    pub revenue: Vec<f64>,
    /// Expected days with a purchase, of estimators that tell.
    pub purchases: Option<Vec<f64>>,
    /// Probability of at least one purchase, of estimators that tell.
    pub buys: Option<Vec<f64>>,
}

/// Why an estimator gives no numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A word for programs, such as `dropout_unidentified`.
    pub code: &'static str,
    /// A sentence for people, with the figures.
    pub reason: String,
}

/// What sort of estimator it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A rule without parameters, which others must beat.
    Baseline,
    /// A model of buying and leaving, fitted to histories alone.
    Probabilistic,
    /// Learns from outcomes after an earlier cut.
    Regressor,
    /// A mixture of others.
    Blend,
}

/// A way to estimate lifetime value.
pub trait Estimator: Sync {
    /// Name as in `config(estimator='...')`.
    fn name(&self) -> &'static str;

    /// Its assumptions in one sentence.
    fn story(&self) -> &'static str;

    /// Where it comes from.
    fn paper(&self) -> &'static str;

    /// What sort it is.
    fn family(&self) -> Family;

    /// Learns from `training`; deterministic.
    ///
    /// # Errors
    /// The data cannot support it.
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal>;
}

/// A fitted estimator.
pub trait Fit: Send + Sync {
    /// What `customers`, described by the features of the training, will do in the horizon.
    fn predict(&self, customers: &Customers) -> Prediction;

    /// Parameters and what else is worth keeping, as JSON; finite numbers only.
    fn facts(&self) -> Value;
}

impl Customers {
    /// Number of customers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.histories.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.histories.is_empty()
    }

    /// The values of the feature `name`.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<&[f64]> {
        self.features.iter().find(|feature| feature.name == name).map(|feature| feature.values.as_slice())
    }
}
