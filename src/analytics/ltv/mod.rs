//! Customer lifetime value: buy-till-you-die estimators for purchases, Gamma-Gamma for spend.
//!
//! | file | turns | into |
//! |---|---|---|
//! | [`estimator`] | what is known at a cut | the shape of every estimator |
//! | `input` | columns in days | checked histories in weeks |
//! | [`process`] | histories | likelihood, P(alive), purchases; one file each, enrolled in [`PROCESSES`] |
//! | `estimate` | a likelihood | parameters, standard errors, what is not identified |
//! | [`gamma_gamma`], `spend` | order values | expected order value |
//! | [`discount`] | expected purchases by month | their present value |
//! | [`probabilistic`] | a process and Gamma-Gamma | an estimator |
//! | [`season`], `seasonal` | the calendar | operational time |
//! | [`covariates`] | what is known from the start | effects on the rates |
//! | [`bg_bb`] | purchases at opportunities | the same predictions in discrete time |
//! | [`interval`] | draws of parameters and futures | quantiles for each customer |
//! | [`churn`] | expected purchases, outcomes after cuts of the past | the probability of a purchase |
//! | [`residual`] | expected purchases | present value by window and by year |
//! | [`reason`] | what was found | a code and a sentence, and whether it refuses |
//! | [`regress`] | features and outcomes of an earlier cut | an estimator; one file each, enrolled in [`regress::REGRESSORS`] |
//! | [`backtest`] | estimators and earlier cuts | their accuracy on what came after, and the champion |
//! | [`appraisal`] | cuts of the past, today's customers | the champion and its level |
//! | [`clock`] | a season, today | operational days back and ahead |
//! | [`outlook`] | fits | what is ahead at each moment of a life, as it is kept and scored with |
//! | [`score`] | an outlook and customers | the columns |
//! | `facts` | all of it | JSON for `quintile.fits` |
//!
//! Definitions, refusals and the comparison with published values are in docs/ltv.md.

pub mod appraisal;
pub mod backtest;
pub mod bg_bb;
#[cfg(test)]
mod cdnow;
#[cfg(test)]
mod cdnow_tests;
pub mod churn;
pub mod clock;
pub mod covariates;
pub mod discount;
pub mod estimate;
pub mod estimator;
mod facts;
pub mod gamma_gamma;
mod input;
pub mod interval;
pub mod outlook;
pub mod probabilistic;
pub mod process;
pub mod reason;
pub mod regress;
pub mod residual;
pub mod score;
pub mod season;
mod seasonal;
mod spend;

pub use appraisal::{Appraisal, ESTIMATORS, Level};
pub use churn::ChurnCalibration;
pub use estimator::{Customers, Estimator, Family, Feature, Fit, Outcome, Prediction, Refusal, Training};
pub use outlook::Outlook;
pub use probabilistic::PROBABILISTIC;
pub use process::choice::REPEAT_CUSTOMERS_MIN;
pub use process::{AUTO, BgNbd, MbgNbd, Nbd, PROCESSES, Parameter, ParetoNbd, PurchaseProcess, Role};
pub use reason::Reason;
pub use seasonal::Seasonal;
pub use spend::VALUED_CUSTOMERS_MIN;

use crate::analytics::{Column, Frame};
use crate::error::{Error, Result};
use clock::Clock;
use input::Input;
use process::choice::{self, Choice, PurchaseFit};
use process::grouping::Groups;

/// Longest horizon; beyond ten years neither customers nor discount rates stay what they are.
pub const HORIZON_DAYS_MAX: f64 = 3650.0;

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

/// What a fit has learnt.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// What to score with; none where there are too few repeat customers to fit anything.
    pub outlook: Option<Outlook>,
    /// Facts about the fit.
    pub facts: serde_json::Value,
}

/// Fits and predicts for the rows of `frame`, without asking how any estimator did in the past.
///
/// Reads the float columns `repeat_count` (x), `last_purchase_age_days` (t_x), `age_days` (T) and `mean_repeat_value`
/// (`NaN` without a repeat purchase). Returns, in the order of the rows, `predicted_purchases`, `probability_alive`,
/// `purchase_probability_30d`, `_90d`, `_180d`, `expected_order_value`, `predicted_ltv`, `is_dropout_identified`, then `predicted_ltv`
/// within 90, 180 and 365 days, in the years two to five, and its 10, 50 and 90 percent quantiles over the horizon.
/// All are finite and at least 0, but `probability_alive` is absent (`NaN`) when the data cannot tell dropout, and all
/// are absent when there are too few repeat customers to fit anything, or customers do not differ; the facts say so. Where
/// the column `first_purchase_value` is there, first purchases count as orders too.
///
/// # Errors
/// Those of [`learn`] and of [`Outlook::score`].
pub fn fit(frame: &Frame, spec: &LtvSpec) -> Result<LtvFit> {
    let Learnt { outlook, facts } = learn(frame, spec, None, &Seasonal::None)?;
    let columns = match &outlook {
        Some(outlook) => outlook.score(frame, &Clock::calendar(), None)?,
        None => score::empty(frame.len()),
    };
    Ok(LtvFit { columns, facts })
}

/// Fits to the rows of `frame`, whose columns are those of [`fit`], in the time of a season if one is wanted; with what the past said of
/// estimators, if it could be asked.
///
/// # Errors
/// A specification out of range, a missing column, a row that contradicts itself, no order value.
pub fn learn(frame: &Frame, spec: &LtvSpec, appraisal: Option<&Appraisal>, seasonal: &Seasonal) -> Result<Learnt> {
    check(spec)?;
    let input = input::read(frame)?;
    let (groups, _) = Groups::new(&input.histories);
    if let Some(reason) = choice::too_few(&groups) {
        return Ok(Learnt { outlook: None, facts: facts::refusal(spec, frame.len(), &reason) });
    }
    let champion = appraisal.and_then(|appraisal| appraisal.champion.estimator);
    let by_holdout = appraisal.map(|appraisal| appraisal.champion.names()).unwrap_or_default();
    let by_holdout: Vec<&str> = champion.into_iter().chain(by_holdout).collect();
    let choice = choice::choose(&spec.estimator, &by_holdout, &groups)?;
    // A process in which customers do not differ knows nothing of any of them: it is refused, and a champion that learns tells the money.
    let refusal = choice.fit.no_difference();
    if let (Some(reason), false) = (&refusal, appraisal.is_some_and(Appraisal::needs_features)) {
        let mut facts = facts::refusal(spec, frame.len(), reason);
        if let Some(appraisal) = appraisal {
            facts["appraisal"] = appraisal.facts();
        }
        return Ok(Learnt { outlook: None, facts });
    }
    // Where nobody is seen to leave, a process is right about who buys, given the rates that it found.
    let churn = appraisal
        .filter(|_| refusal.is_none() && choice.fit.is_dropout_identified())
        .and_then(|appraisal| appraisal.churn(choice.fit.estimator));
    let spend = input.known_orders().fit(&input.histories).ok_or_else(|| {
        Error::failed("no repeat customer has a positive mean_repeat_value")
            .detail("Without any order value there is no lifetime value in money.")
            .hint("check the amounts behind mean_repeat_value")
    })?;
    let window_days = appraisal.map_or(0.0, |appraisal| appraisal.horizon_days);
    let mut outlook = Outlook::new(choice.fit.clone(), spend, spec, window_days);
    outlook.churn = churn;
    let found = match refusal {
        None => seasonal.fit(choice.fit.estimator, &input)?,
        Some(_) => None,
    };
    let mut facts = facts::tell(&facts::Story {
        spec,
        input: &input,
        groups: &groups,
        choice: &choice,
        spend: &outlook.spend,
        plan: &outlook.plan(),
    });
    facts["churn"] = serde_json::json!(outlook.churn);
    if let Some(found) = found {
        facts["season"] = facts::season(&found);
        if found.finding.is_none() {
            outlook.purchases = found.fit;
            outlook.season = Some(found.season);
            outlook.is_season_seen_twice = seasonal.is_seen_twice(&input);
        }
    }
    facts["outlook"] = serde_json::to_value(&outlook).unwrap_or_default();
    if let Some(appraisal) = appraisal {
        facts["appraisal"] = appraisal.facts();
    }
    Ok(Learnt { outlook: Some(outlook), facts })
}

fn check(spec: &LtvSpec) -> Result<()> {
    let limits = [
        ("horizon_days", spec.horizon_days, 1.0, HORIZON_DAYS_MAX),
        ("discount_rate_annual", spec.discount_rate_annual, 0.0, 10.0),
        ("margin_share", spec.margin_share, 0.0, 1.0),
    ];
    for (name, value, low, high) in limits {
        if !(low..=high).contains(&value) {
            return Err(Error::config(format!("setting \"{name}\" of the lifetime value model is out of range"))
                .detail(format!("It is {value}; it must be between {low} and {high}."))
                .hint(format!("correct {name} in the model's config")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
