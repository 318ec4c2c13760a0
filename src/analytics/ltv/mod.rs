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
//! | [`season`] | the calendar | operational time |
//! | [`covariates`] | what is known from the start | effects on the rates |
//! | [`bg_bb`] | purchases at opportunities | the same predictions in discrete time |
//! | [`interval`] | draws of parameters and futures | quantiles for each customer |
//! | [`churn`] | expected purchases, outcomes after cuts of the past | the probability of a purchase |
//! | [`residual`] | expected purchases | present value by window and by year |
//! | [`reason`] | what was found | a code and a sentence, and whether it refuses |
//! | [`regress`] | features and outcomes of an earlier cut | an estimator; one file each, enrolled in [`regress::REGRESSORS`] |
//! | [`backtest`] | estimators and earlier cuts | their accuracy on what came after, and the champion |
//! | [`appraisal`] | cuts of the past, today's customers | the champion and its level |
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
pub mod covariates;
pub mod discount;
pub mod estimate;
pub mod estimator;
mod facts;
pub mod gamma_gamma;
mod input;
pub mod interval;
pub mod probabilistic;
pub mod process;
pub mod reason;
pub mod regress;
pub mod residual;
pub mod season;
mod spend;

pub use appraisal::{Appraisal, ESTIMATORS, Level};
pub use churn::ChurnCalibration;
pub use estimator::{Customers, Estimator, Family, Feature, Fit, Outcome, Prediction, Refusal, Training};
pub use probabilistic::PROBABILISTIC;
pub use process::choice::REPEAT_CUSTOMERS_MIN;
pub use process::{AUTO, BgNbd, MbgNbd, Nbd, PROCESSES, Parameter, ParetoNbd, PurchaseProcess, Role};
pub use reason::Reason;
pub use spend::VALUED_CUSTOMERS_MIN;

use crate::analytics::{Column, Frame, Values};
use crate::error::{Error, Result};
use discount::Discounting;
use input::{DAYS_OF_A_WEEK, Input};
use process::choice::{self, Choice, PurchaseFit};
#[cfg(test)]
use process::grouping::History;
use process::grouping::{Group, Groups};
use residual::{Residual, Terms};

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

/// Fits and predicts for the rows of `frame`, without asking how any estimator did in the past; see [`fit_at_level`].
///
/// # Errors
/// As there.
pub fn fit(frame: &Frame, spec: &LtvSpec) -> Result<LtvFit> {
    fit_at_level(frame, spec, None)
}

/// Fits and predicts for the rows of `frame`; the level of the money is that of `appraised`, if the past could be asked.
///
/// Reads the float columns `repeat_count` (x), `last_purchase_age_days` (t_x), `age_days` (T) and `mean_repeat_value`
/// (`NaN` without a repeat purchase). Returns, in the order of the rows, `predicted_purchases`, `probability_alive`,
/// `purchase_probability_30d`, `_90d`, `_180d`, `expected_order_value`, `predicted_ltv`, `is_dropout_identified`, then `predicted_ltv`
/// within 90, 180 and 365 days, in the years two to five, and its 10, 50 and 90 percent quantiles over the horizon.
/// All are finite and at least 0, but `probability_alive` is absent (`NaN`) when the data cannot tell dropout, and all
/// are absent when there are too few repeat customers to fit anything. Where customers do not differ, purchases and their
/// probabilities are absent, and so is all else unless a champion tells the money. The facts say so.
///
/// # Errors
/// A specification out of range, a missing column, a row that contradicts itself, no order value.
pub fn fit_at_level(frame: &Frame, spec: &LtvSpec, appraised: Option<(&Appraisal, Option<&Level>)>) -> Result<LtvFit> {
    check(spec)?;
    let input = input::read(frame)?;
    let (groups, group_of_customer) = Groups::new(&input.histories);
    if let Some(reason) = choice::too_few(&groups) {
        return Ok(refused(frame, spec, &reason));
    }
    let appraisal = appraised.map(|(appraisal, _)| appraisal);
    let by_holdout = appraisal.map(|appraisal| appraisal.champion.names()).unwrap_or_default();
    let choice = choice::choose(process_of(spec, appraisal), &by_holdout, &groups)?;
    let level = appraised.and_then(|(_, level)| level);
    // A process in which customers do not differ knows nothing of any of them: it is refused, and the champion tells the money.
    let refusal = choice.fit.no_difference();
    if let (Some(reason), None) = (&refusal, level) {
        let mut empty = refused(frame, spec, reason);
        if let Some(appraisal) = appraisal {
            empty.facts["appraisal"] = appraisal.facts();
        }
        return Ok(empty);
    }
    // Where nobody is seen to leave, a process is right about who buys, given the rates that it found.
    let churn = appraisal
        .filter(|_| refusal.is_none() && choice.fit.is_dropout_identified())
        .and_then(|appraisal| appraisal.churn(choice.fit.estimator));
    let counts = || input.histories.iter().map(|history| history.repeat_count);
    let spend = spend::fit(counts().zip(input.mean_values.iter().copied())).ok_or_else(|| {
        Error::failed("no repeat customer has a positive mean_repeat_value")
            .detail("Without any order value there is no lifetime value in money.")
            .hint("check the amounts behind mean_repeat_value")
    })?;
    let plan = Discounting::over_days(spec.horizon_days, spec.discount_rate_annual);
    let ahead = Ahead {
        plan,
        terms: Terms { rate_annual: spec.discount_rate_annual, ..Terms::default() },
        window_weeks: appraised.map_or(0.0, |(appraisal, _)| appraisal.horizon_days / DAYS_OF_A_WEEK),
    };
    let predictions = Prospect::of_groups(&choice.fit, &groups, &ahead);

    let of_customers = |value: fn(&Prospect) -> f64| -> Vec<f64> {
        group_of_customer.iter().map(|group| value(&predictions[*group as usize])).collect()
    };
    let order_values: Vec<f64> =
        counts().zip(&input.mean_values).map(|(count, mean)| spend.expected_order_value(count, *mean)).collect();
    // What one expected purchase is worth: the customer's order value, or what the champion says of the window over the purchases
    // expected in it.
    let purchase_values: Vec<f64> = match level {
        None => order_values.clone(),
        Some(level) => of_customers(|prediction| prediction.window_purchases)
            .iter()
            .zip(&level.revenue)
            .map(|(purchases, revenue)| if *purchases > 0.0 { revenue / purchases } else { 0.0 })
            .collect(),
    };
    let worth = |purchases: &[f64]| -> Vec<f64> {
        let of_one = |(purchases, value): (&f64, &f64)| purchases * value * spec.margin_share;
        purchases.iter().zip(&purchase_values).map(of_one).collect()
    };
    let ltv = worth(&of_customers(|prediction| prediction.discounted_purchases));
    let is_dropout_identified = refusal.is_none() && choice.fit.is_dropout_identified();
    let alive = match is_dropout_identified {
        true => of_customers(|prediction| prediction.alive),
        false => vec![f64::NAN; frame.len()],
    };
    let buys_in = |window: usize| -> Vec<f64> {
        let of_one = |prediction: &Prospect| match &churn {
            Some(churn) => churn.probability(prediction.purchases_in[window]),
            None => prediction.buys_in[window],
        };
        group_of_customer.iter().map(|group| of_one(&predictions[*group as usize])).collect()
    };
    let mut columns = vec![
        Column::float("predicted_purchases", of_customers(|prediction| prediction.purchases)),
        Column::float("purchase_probability_30d", buys_in(0)),
        Column::float("purchase_probability_90d", buys_in(1)),
        Column::float("purchase_probability_180d", buys_in(2)),
        Column::float("expected_order_value", order_values.clone()),
        Column::float("predicted_ltv", ltv),
    ];
    columns.extend(later_columns(|pick| {
        worth(&group_of_customer.iter().map(|group| pick(&predictions[*group as usize].residual)).collect::<Vec<_>>())
    }));
    let spread = interval::intervals(
        &choice.fit,
        &spend,
        (&groups, &group_of_customer),
        &input.mean_values,
        spec.horizon_days / DAYS_OF_A_WEEK,
        INTERVAL_SEED,
    );
    for (name, values) in QUANTILES.iter().zip(spread.value) {
        let scaled = values.iter().zip(&purchase_values).zip(&order_values).map(|((value, purchase), order)| {
            if *order > 0.0 { value * purchase / order * spec.margin_share } else { 0.0 }
        });
        columns.push(Column::float(name, scaled.collect()));
    }
    check_finite(frame, &columns)?;
    if refusal.is_some() {
        let of_process = |column: &&mut Column| TOLD_BY_PROCESS.contains(&column.name.as_str());
        columns
            .iter_mut()
            .filter(of_process)
            .for_each(|column| column.values = Values::Float(vec![f64::NAN; frame.len()]));
    }
    columns.insert(1, Column::float("probability_alive", alive));
    columns.insert(
        7,
        Column {
            name: "is_dropout_identified".into(),
            values: Values::Boolean(vec![Some(is_dropout_identified); frame.len()]),
        },
    );
    let mut facts = facts::tell(&facts::Story {
        spec,
        input: &input,
        groups: &groups,
        choice: &choice,
        spend: &spend,
        plan: &ahead.plan,
    });
    facts["churn"] = serde_json::json!(churn);
    if let Some(appraisal) = appraisal {
        facts["appraisal"] = appraisal.facts();
        let of_window = of_customers(|prediction| prediction.window_purchases);
        let total: f64 = of_window.iter().zip(&purchase_values).map(|(purchases, value)| purchases * value).sum();
        facts["appraisal"]["total"] = serde_json::json!(appraisal.total(total));
    }
    Ok(LtvFit { columns, facts })
}

/// The model of buying and leaving: the champion, if it is one; else the one asked for, where `auto` leaves the choice to the cuts.
fn process_of<'a>(spec: &'a LtvSpec, appraisal: Option<&Appraisal>) -> &'a str {
    let champion = appraisal.and_then(|appraisal| appraisal.champion.estimator);
    let is_process = |name: &&str| PROCESSES.iter().any(|process| process.name() == *name);
    match champion.filter(is_process) {
        Some(champion) if spec.estimator == AUTO => champion,
        _ => &spec.estimator,
    }
}

/// Seed of the draws behind the intervals.
const INTERVAL_SEED: u64 = 42;

/// Columns that only a process tells, whoever tells the money; `probability_alive` is another one, with a rule of its own.
const TOLD_BY_PROCESS: [&str; 4] =
    ["predicted_purchases", "purchase_probability_30d", "purchase_probability_90d", "purchase_probability_180d"];

/// Windows of the probability of a purchase.
const BUYS_WITHIN_DAYS: [f64; 3] = [30.0, 90.0, 180.0];

/// Columns of the quantiles of value over the horizon.
const QUANTILES: [&str; 3] = ["predicted_ltv_p10", "predicted_ltv_p50", "predicted_ltv_p90"];

/// Columns of the value of windows and of later years.
const LATER: [&str; 7] = [
    "predicted_ltv_90d",
    "predicted_ltv_180d",
    "predicted_ltv_365d",
    "predicted_ltv_year_2",
    "predicted_ltv_year_3",
    "predicted_ltv_year_4",
    "predicted_ltv_year_5",
];

/// A part of what is left of a customer.
type Pick = fn(&Residual) -> f64;

fn later_columns(values: impl Fn(Pick) -> Vec<f64>) -> Vec<Column> {
    let picks: [Pick; 7] = [
        |left| left.within_days[0],
        |left| left.within_days[1],
        |left| left.within_days[2],
        |left| left.in_year[1],
        |left| left.in_year[2],
        |left| left.in_year[3],
        |left| left.in_year[4],
    ];
    LATER.iter().zip(picks).map(|(name, pick)| Column::float(name, values(pick))).collect()
}

/// A young or small shop still gets its other models: the columns are there, empty, with the reason in the facts.
fn refused(frame: &Frame, spec: &LtvSpec, reason: &Reason) -> LtvFit {
    let names = [
        "predicted_purchases",
        "probability_alive",
        "purchase_probability_30d",
        "purchase_probability_90d",
        "purchase_probability_180d",
        "expected_order_value",
        "predicted_ltv",
    ];
    let mut columns: Vec<Column> = names.iter().map(|name| Column::float(name, vec![f64::NAN; frame.len()])).collect();
    columns
        .push(Column { name: "is_dropout_identified".into(), values: Values::Boolean(vec![Some(false); frame.len()]) });
    columns.extend(LATER.iter().chain(&QUANTILES).map(|name| Column::float(name, vec![f64::NAN; frame.len()])));
    LtvFit { columns, facts: facts::refusal(spec, frame.len(), reason) }
}

/// What is predicted for all customers of one history.
#[derive(Clone, Copy)]
struct Prospect {
    purchases: f64,
    discounted_purchases: f64,
    window_purchases: f64,
    alive: f64,
    /// Expected purchases within [`BUYS_WITHIN_DAYS`], and the probability of one.
    purchases_in: [f64; 3],
    buys_in: [f64; 3],
    residual: Residual,
}

/// The time that is looked ahead.
struct Ahead {
    /// The horizon, month by month.
    plan: Discounting,
    /// Windows and years.
    terms: Terms,
    /// The horizon of the back-test.
    window_weeks: f64,
}

impl Prospect {
    /// Of each group: what is ahead of those alive is found once for each `(x, T)`.
    fn of_groups(fit: &PurchaseFit, groups: &Groups, time: &Ahead) -> Vec<Prospect> {
        let (process, theta) = (fit.estimator, &fit.estimate.theta);
        let ahead = groups.by_age(|count, age| {
            let until = |weeks: f64| process.purchases_if_alive(theta, count, age, weeks);
            let (purchases, discounted_purchases) = time.plan.present(until);
            Prospect {
                purchases,
                discounted_purchases,
                window_purchases: until(time.window_weeks),
                residual: time.terms.residual(until),
                alive: 1.0,
                purchases_in: BUYS_WITHIN_DAYS.map(|days| until(days / DAYS_OF_A_WEEK)),
                buys_in: BUYS_WITHIN_DAYS.map(|days| process.buys_if_alive(theta, count, age, days / DAYS_OF_A_WEEK)),
            }
        });
        let alive = process.alive_by_group(theta, groups);
        let of_group = |(group, alive): (&Group, f64)| ahead[group.age_index as usize].map(|ahead| ahead.times(alive));
        groups.rows.iter().zip(alive).filter_map(of_group).collect()
    }

    fn times(self, alive: f64) -> Prospect {
        Prospect {
            purchases: alive * self.purchases,
            discounted_purchases: alive * self.discounted_purchases,
            window_purchases: alive * self.window_purchases,
            alive,
            purchases_in: self.purchases_in.map(|purchases| alive * purchases),
            buys_in: self.buys_in.map(|buys| alive * buys),
            residual: self.residual.times(alive),
        }
    }
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

/// The last line of defence: nothing that is not a number, infinite or negative leaves this module.
fn check_finite(frame: &Frame, columns: &[Column]) -> Result<()> {
    for column in columns {
        let Values::Float(values) = &column.values else { continue };
        if let Some(row) = values.iter().position(|value| !(value.is_finite() && *value >= 0.0)) {
            return Err(Error::failed(format!(
                "prediction \"{}\" of customer \"{}\" failed",
                column.name, frame.keys[row]
            ))
            .detail(format!("The result is {}.", values[row]))
            .hint("look for extreme values in the row of this customer, or set another estimator"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;
