//! Customer lifetime value: buy-till-you-die estimators for purchases, Gamma-Gamma for spend.

use crate::analytics::{Column, Frame};
use crate::error::Result;

/// How to predict; from the model's `config(materialized='ltv', ...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct LtvSpec {
    /// Name of the estimator of purchases, or `auto`.
    pub estimator: String,
    /// Days ahead that the value is predicted for.
    pub horizon_days: f64,
    /// Yearly discount rate; 0.1 is ten percent a year.
    pub discount_rate_annual: f64,
    /// Share of revenue that is margin.
    pub margin_share: f64,
}

/// The result of one fit.
#[derive(Clone, Debug, PartialEq)]
pub struct LtvFit {
    /// Columns to write beside the key, one value a row of the frame.
    pub columns: Vec<Column>,
    /// Facts about the fit (parameters, standard errors, log-likelihood, flags), stored in `quintile.fits`.
    pub facts: serde_json::Value,
}

/// Fits and predicts for the rows of `frame`.
pub fn fit(frame: &Frame, spec: &LtvSpec) -> Result<LtvFit> {
    let _ = (frame, spec);
    Err(crate::error::Error::failed("not there yet"))
}
