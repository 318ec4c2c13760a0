//! What is published of one customer, as far as the project publishes it: every field may be absent.
//!
//! Fields have the names of the columns, so a row as JSON becomes a value of these without a list of columns in between; what a
//! project's own relation has besides is left aside.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// All that one look at the published relations found.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The workspace that was looked at.
    pub workspace: String,
    /// The id as typed.
    pub customer_id: String,
    /// The run behind each relation that was read.
    pub runs: BTreeMap<String, Run>,
    /// Why a relation was not read, as a sentence.
    pub missing: BTreeMap<String, String>,
    /// Row of `customers`.
    pub customer: Option<Customer>,
    /// Row of `customer_purchases`.
    pub purchases: Option<Purchases>,
    /// Row of `rfm_scores`.
    pub scores: Option<Scores>,
    /// All of `rfm_cut_points`.
    pub cut_points: Vec<CutPoint>,
    /// Rows of `customer_segments`.
    pub segments: Vec<Membership>,
    /// Row of `customer_clusters`.
    pub cluster: Option<Cluster>,
    /// Row of `cluster_personas` of that cluster.
    pub persona: Option<Persona>,
    /// Row of `customer_360`.
    pub wide: Option<Wide>,
    /// Row of `customer_ltv`.
    pub ltv: Option<Ltv>,
    /// The fit behind `customer_ltv`.
    pub fit: Option<Fit>,
    /// Rows of `ltv_calibration` about customers who bought as often, one an estimator.
    pub calibration: Vec<Calibration>,
    /// Rows of `ltv_importance`.
    pub importance: Vec<Importance>,
    /// The place of the customer by net revenue so far.
    pub revenue_rank: Option<Rank>,
    /// The place by predicted lifetime value.
    pub ltv_rank: Option<Rank>,
}

/// A run whose rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub run_id: i64,
    /// The instant that its rows are true for.
    pub as_of: Option<DateTime<Utc>>,
}

/// Orders and money so far.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of customers, documented there")]
pub struct Customer {
    pub first_order_date: Option<NaiveDate>,
    pub last_order_date: Option<NaiveDate>,
    pub order_count: Option<i64>,
    pub return_count: Option<i64>,
    pub gross_revenue: Option<f64>,
    pub returned_revenue: Option<f64>,
    pub net_revenue: Option<f64>,
    pub profit: Option<f64>,
    pub currency: Option<String>,
    pub id_is_synthetic: Option<bool>,
}

/// Days with a purchase.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of customer_purchases, documented there")]
pub struct Purchases {
    pub repeat_count: Option<i64>,
    pub first_purchase_date: Option<NaiveDate>,
    pub last_purchase_date: Option<NaiveDate>,
    pub mean_repeat_value: Option<f64>,
    pub first_purchase_value: Option<f64>,
}

/// Scores and what they were given for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of rfm_scores, documented there")]
pub struct Scores {
    pub recency_days: Option<i64>,
    pub frequency: Option<i64>,
    pub monetary: Option<f64>,
    pub r_score: Option<i64>,
    pub f_score: Option<i64>,
    pub m_score: Option<i64>,
    pub rfm_code: Option<i64>,
    pub monetary_basis: Option<String>,
    pub unscored_reason: Option<String>,
}

/// The value that parts a score from the one below.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of rfm_cut_points, documented there")]
pub struct CutPoint {
    pub measure: String,
    pub score: i64,
    pub cut_point: f64,
    pub r_score: Option<i64>,
    pub f_score: Option<i64>,
}

/// A segment of a scheme.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of customer_segments, documented there")]
pub struct Membership {
    pub scheme: String,
    pub segment: Option<String>,
}

/// The cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of customer_clusters, documented there")]
pub struct Cluster {
    pub cluster_id: Option<i64>,
    pub persona_confidence: Option<f64>,
}

/// What a cluster goes by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of cluster_personas, documented there")]
pub struct Persona {
    pub persona: Option<String>,
    pub reason: Option<String>,
}

/// What only the wide relation has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of customer_360, documented there")]
pub struct Wide {
    pub persona: Option<String>,
    pub next_best_action: Option<String>,
    pub next_best_channel: Option<String>,
}

/// What is expected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of customer_ltv, documented there")]
pub struct Ltv {
    pub predicted_purchases: Option<f64>,
    pub probability_alive: Option<f64>,
    pub purchase_probability_30d: Option<f64>,
    pub purchase_probability_90d: Option<f64>,
    pub purchase_probability_180d: Option<f64>,
    pub expected_order_value: Option<f64>,
    pub is_dropout_identified: Option<bool>,
    pub predicted_ltv: Option<f64>,
    pub predicted_ltv_90d: Option<f64>,
    pub predicted_ltv_180d: Option<f64>,
    pub predicted_ltv_365d: Option<f64>,
    pub predicted_ltv_year_2: Option<f64>,
    pub predicted_ltv_year_3: Option<f64>,
    pub predicted_ltv_year_4: Option<f64>,
    pub predicted_ltv_year_5: Option<f64>,
    /// Not in every version of the relation.
    pub value_to_date: Option<f64>,
    pub predicted_ltv_p10: Option<f64>,
    pub predicted_ltv_p50: Option<f64>,
    pub predicted_ltv_p90: Option<f64>,
}

/// The fit of lifetime values, as `quintile.fits` keeps it, without the long lists of the back-test.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the facts of a fit, documented where they are made (analytics::ltv)")]
pub struct Fit {
    pub estimator: Option<String>,
    pub estimator_story: Option<String>,
    pub parameters: Map<String, Value>,
    pub customers: Option<i64>,
    pub repeat_customers: Option<i64>,
    pub spend: Spend,
    pub horizon_days: Option<f64>,
    pub discount_rate_annual: Option<f64>,
    pub margin_share: Option<f64>,
    /// What the rows were scored with; not in facts of older fits.
    pub outlook: Option<Value>,
    pub flags: Vec<String>,
    pub warnings: Vec<String>,
    /// None where the data were too short for a cut of the past.
    pub appraisal: Option<Appraised>,
}

/// How order values were fitted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the facts of a fit, documented where they are made (analytics::ltv)")]
pub struct Spend {
    pub estimator: Option<String>,
    pub parameters: Option<Map<String, Value>>,
    pub population_mean_value: Option<f64>,
    /// Whether the first purchase counts as an order.
    pub includes_first_purchase: Option<bool>,
}

/// What cuts of the past said of the champion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the facts of a fit, documented where they are made (analytics::ltv)")]
pub struct Appraised {
    pub champion: Option<String>,
    pub reason: Option<String>,
    pub story: Option<String>,
    pub horizon_days: Option<f64>,
    /// Number of cuts.
    pub cuts: Option<i64>,
    /// The champion's accuracy over them.
    pub accuracy: Map<String, Value>,
    pub totals_inside: Option<i64>,
    pub totals_told: Option<i64>,
}

/// Predicted and actual means of customers with as many repeat purchases, over all cuts of the past.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of ltv_calibration, documented there")]
pub struct Calibration {
    pub estimator: String,
    pub cuts: i64,
    pub customers: i64,
    pub predicted_revenue_mean: Option<f64>,
    pub actual_revenue_mean: Option<f64>,
    pub predicted_purchases_mean: Option<f64>,
    pub actual_purchases_mean: Option<f64>,
}

/// What a feature contributes to the champion.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the columns of ltv_importance, documented there")]
pub struct Importance {
    pub feature: String,
    pub normalized_gini_drop: Option<f64>,
}

/// The place of a value among those of all customers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rank {
    /// Customers with a value.
    pub customers: i64,
    /// Those with a lower one.
    pub below: i64,
    /// Those with the same, this customer included.
    pub equal: i64,
    /// Mean of all.
    pub mean: f64,
    /// Median of all.
    pub median: f64,
}

impl Rank {
    /// Share of the *other* customers that have less.
    #[must_use]
    pub fn share_below(&self) -> Option<f64> {
        (self.customers > 1 && self.equal > 0).then(|| self.below as f64 / (self.customers - 1) as f64)
    }
}

impl Facts {
    /// Whether any relation has the customer.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.customer.is_some()
            || self.purchases.is_some()
            || self.scores.is_some()
            || self.cluster.is_some()
            || self.wide.is_some()
            || self.ltv.is_some()
    }

    /// Why the relation tells nothing of the customer.
    #[must_use]
    pub fn why_missing(&self, relation: &str) -> String {
        self.missing.get(relation).cloned().unwrap_or_else(|| match self.runs.get(relation) {
            Some(run) => format!("Relation \"{relation}\" (run {}) has no row of this customer.", run.run_id),
            None => format!("Relation \"{relation}\" was not read."),
        })
    }

    /// The last day that the relation's run saw. The time zone in which the company counts days is not published, but a recency is:
    /// the latest order and the days since then tell it. Else it is the day in UTC.
    #[must_use]
    pub fn last_day(&self, relation: &str) -> Option<NaiveDate> {
        let as_of = self.runs.get(relation)?.as_of?;
        let of_scores = self.runs.get("rfm_scores").and_then(|run| run.as_of) == Some(as_of);
        let recency = self.scores.as_ref().filter(|_| of_scores).and_then(|scores| scores.recency_days);
        let latest = self.customer.as_ref().and_then(|customer| customer.last_order_date);
        match (latest, recency) {
            (Some(latest), Some(days)) => latest.checked_add_signed(chrono::TimeDelta::try_days(days)?),
            _ => Some((as_of - chrono::TimeDelta::microseconds(1)).date_naive()),
        }
    }
}
