//! Judges all estimators at cuts of the past, and fits the one that did best to the customers of today.
//!
//! The champion tells the level: what each customer will bring in the horizon of the back-test. How that money is spread over
//! longer times, who is still there and who buys when is told by a model of buying and leaving, which alone knows.

use super::backtest::{
    self, BackTest, Blend, Champion, LeakyAgainstHonest, Objective, Origin, champion, importance, leaky_against_honest,
    total,
};
use super::churn::ChurnCalibration;
use super::estimator::{Customers, Estimator, Family, Feature, Fit, Outcome, Refusal, Training};
use super::input;
use super::probabilistic::{self, PROBABILISTIC, Probabilistic};
use super::process::{ParetoNbd, PurchaseProcess};
use super::regress::{self, LightGbmType, REGRESSORS};
use crate::analytics::Frame;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// All estimators of lifetime value; enrolment is one line in the list of its sort.
pub static ESTIMATORS: LazyLock<Vec<&'static dyn Estimator>> = LazyLock::new(|| {
    let blend: &'static dyn Estimator = &BLEND;
    PROBABILISTIC.iter().chain(REGRESSORS).copied().chain([blend]).collect()
});

/// Of five regressors beside Pareto/NBD this one had the lowest mean loss at 18 cuts of CDNOW and Online Retail before the cuts that
/// figures are shown for (docs/ltv.md); the others were within 0.01 of it.
static BLEND: Blend = Blend::new("blend", &Probabilistic(&ParetoNbd), &LightGbmType);

/// Columns of the windows that are not features.
const NOT_FEATURES: [&str; 9] = [
    "origin_n",
    "horizon_days",
    "cut_day",
    "repeat_count",
    "last_purchase_age_days",
    "age_days",
    "mean_repeat_value",
    "outcome_revenue",
    "outcome_purchases",
];

/// How often each feature is shuffled.
const SHUFFLES: usize = 3;

/// Seed of the shuffles.
const SEED: u64 = 42;

/// What the cuts of the past said.
pub struct Appraisal {
    /// Length of the horizon behind each cut.
    pub horizon_days: f64,
    /// Accuracy of every estimator.
    pub tested: BackTest,
    /// The one to publish.
    pub champion: Champion,
    /// The R2 that comes from predicting the past, beside the honest one.
    pub leaky: Option<LeakyAgainstHonest>,
    origins: Vec<Origin>,
}

/// What a champion that is no model of buying and leaving says of customers.
pub struct Level {
    /// Expected net revenue of each in the horizon of the back-test, not discounted.
    pub revenue: Vec<f64>,
}

impl Appraisal {
    /// Reads the cuts (`windows`: one row a customer and cut, see `ltv_windows.sql`) and judges all estimators there.
    ///
    /// None where the data are too short for a cut.
    ///
    /// # Errors
    /// A missing column, a row that contradicts itself, cuts that are none.
    pub fn new(windows: &Frame, objective: Objective, former: Option<&str>) -> Result<Option<Appraisal>> {
        let origins = origins_of(windows)?;
        let (Some(last), Some(horizon_days)) = (origins.last(), windows.floats("horizon_days")?.first().copied())
        else {
            return Ok(None);
        };
        let tested = backtest::backtest(&origins, &ESTIMATORS, horizon_days).map_err(|refusal| refused(&refusal))?;
        let champion = champion::choose(&tested, objective, former);
        let spend = last.customers.feature("revenue");
        let leaky =
            spend.and_then(|spend| leaky_against_honest(&last.customers, spend, &tested, champion.estimator).ok());
        Ok(Some(Appraisal { horizon_days, tested, champion, leaky, origins }))
    }

    /// What origins that were tested already say.
    #[cfg(test)]
    pub(super) fn of(origins: Vec<Origin>, tested: BackTest, champion: Champion) -> Appraisal {
        Appraisal { horizon_days: tested.horizon_days, tested, champion, leaky: None, origins }
    }

    /// The champion as an estimator.
    #[must_use]
    pub fn estimator(&self) -> Option<&'static dyn Estimator> {
        let name = self.champion.estimator?;
        ESTIMATORS.iter().copied().find(|estimator| estimator.name() == name)
    }

    /// Whether the champion needs to know more of today's customers than their histories.
    #[must_use]
    pub fn needs_features(&self) -> bool {
        self.estimator().is_some_and(|estimator| estimator.family() != Family::Probabilistic)
    }

    /// Fits the champion with the latest outcome there is; `today` are rows of the windows as of now, all or a sample.
    ///
    /// Where it refuses, which it did not at the last cut, the next best becomes champion. None where that is a model of buying and
    /// leaving, which is fitted to all customers anyway, or nobody.
    ///
    /// # Errors
    /// A missing column, a row that contradicts itself.
    pub fn champion_fit(&mut self, today: &Frame) -> Result<Option<Box<dyn Fit>>> {
        let customers = customers_of(today)?;
        let order: Vec<&'static str> = self.champion.estimator.into_iter().chain(self.champion.names()).collect();
        for name in order {
            let Some(estimator) = ESTIMATORS.iter().copied().find(|estimator| estimator.name() == name) else {
                continue;
            };
            if self.champion.estimator != Some(name) {
                self.champion.reason.push_str(&format!(" So \"{name}\" is taken."));
                self.champion.estimator = Some(name);
            }
            if estimator.family() == Family::Probabilistic {
                return Ok(None);
            }
            let latest = self.origins.last().map(|origin| (&origin.customers, &origin.outcome));
            let training = Training { customers: &customers, earlier: latest, horizon_days: self.horizon_days };
            match backtest::fit_and_predict(estimator, &training) {
                Ok((fit, _)) => return Ok(Some(fit)),
                Err(refusal) => {
                    let Refusal { code, reason } = refusal;
                    self.champion.reason.push_str(&format!(" Today \"{name}\" refuses ({code}): {reason}."));
                    self.champion.estimator = None;
                }
            }
        }
        Ok(None)
    }

    /// The interval of a total over the horizon of the back-test, from the champion's past errors: that of a total of 1, which scales.
    #[must_use]
    pub fn total(&self) -> Option<total::TotalInterval> {
        let trial = self.tested.trial(self.champion.estimator?)?;
        total::interval(1.0, &trial.totals(), None, total::LEVEL)
    }

    /// How what `process` expects becomes the probability of a purchase, learnt at all cuts together; none where its own
    /// probabilities were as good.
    ///
    /// Only cuts count where its dropout was identified, as at the fit that this is used for.
    #[must_use]
    pub fn churn(&self, process: &'static dyn PurchaseProcess) -> Option<ChurnCalibration> {
        let (mut purchases, mut buys, mut has_bought) = (Vec::new(), Vec::new(), Vec::new());
        for origin in &self.origins {
            let fit = Probabilistic(process).fit_customers(&origin.customers, self.horizon_days);
            let Ok(fit) = fit else { continue };
            if !fit.purchases().is_dropout_identified() {
                continue;
            }
            let told = fit.predict(&origin.customers);
            let (Some(expected), Some(probabilities)) = (told.purchases, told.buys) else { continue };
            purchases.extend(expected);
            buys.extend(probabilities);
            has_bought.extend(origin.outcome.purchases.iter().map(|purchases| *purchases > 0.0));
        }
        ChurnCalibration::learn(&purchases, &buys, &has_bought)
    }

    /// All of it as JSON, with what each feature contributes to the champion at the last cut.
    #[must_use]
    pub fn facts(&self) -> Value {
        json!({
            "horizon_days": self.horizon_days,
            "backtest": self.tested.facts(),
            "champion": self.champion,
            "hysteresis": champion::HYSTERESIS,
            "objective_story": self.champion.objective.story(),
            "leaky_against_honest": self.leaky,
            "importance": self.importance(),
            "total": self.total(),
            "estimators": ESTIMATORS
                .iter()
                .map(|e| json!({ "estimator": e.name(), "story": e.story(), "paper": e.paper() }))
                .collect::<Vec<_>>(),
        })
    }

    fn importance(&self) -> Vec<importance::Importance> {
        let (Some(estimator), Some(last)) = (self.estimator(), self.origins.last()) else { return Vec::new() };
        let earlier = backtest::window::earlier_of(&self.origins, self.origins.len() - 1, self.horizon_days);
        let earlier = earlier.map(|k| (&self.origins[k].customers, &self.origins[k].outcome));
        let training = Training { customers: &last.customers, earlier, horizon_days: self.horizon_days };
        let Ok((fit, _)) = backtest::fit_and_predict(estimator, &training) else { return Vec::new() };
        importance::permutation_importance(fit.as_ref(), &last.customers, &last.outcome, SHUFFLES, SEED)
    }
}

/// What a champion's fit says of customers: `today` are rows of the windows as of now.
///
/// # Errors
/// A missing column, a row that contradicts itself; a prediction that is none.
pub fn level(fit: &dyn Fit, today: &Frame) -> Result<Level> {
    let revenue = fit.predict(&customers_of(today)?).revenue;
    match revenue.iter().position(|revenue| !(revenue.is_finite() && *revenue >= 0.0)) {
        None => Ok(Level { revenue }),
        Some(row) => Err(Error::failed(format!("lifetime value of customer \"{}\" failed", today.keys[row]))
            .detail(format!("The champion says {}.", revenue[row]))
            .hint("look for extreme values in the row of this customer, or set an estimator in the model's config")),
    }
}

/// A champion's fit as [`Fit::facts`] wrote it; none where it cannot be had back, so that it must be fitted anew.
#[must_use]
pub fn restore(estimator: &str, facts: &Value) -> Option<Box<dyn Fit>> {
    match estimator {
        "blend" => BLEND.restore(facts),
        process if PROBABILISTIC.iter().any(|known| known.name() == process) => probabilistic::restore(facts),
        regressor => regress::restore(regressor, facts),
    }
}

/// The origins in order of time.
fn origins_of(windows: &Frame) -> Result<Vec<Origin>> {
    let (numbers, days) = (windows.floats("origin_n")?, windows.floats("cut_day")?);
    let mut rows_of: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (row, (number, day)) in numbers.iter().zip(days).enumerate() {
        if *number >= 1.0 {
            rows_of.entry(*day as i64).or_default().push(row);
        }
    }
    let (revenue, purchases) = (windows.floats("outcome_revenue")?, windows.floats("outcome_purchases")?);
    let taken = |values: &[f64], rows: &[usize]| rows.iter().map(|row| values[*row]).collect::<Vec<f64>>();
    rows_of
        .into_iter()
        .map(|(cut_day, rows)| {
            let part = Frame {
                keys: rows.iter().map(|row| windows.keys[*row].clone()).collect(),
                columns: windows
                    .columns
                    .iter()
                    .map(|column| {
                        Ok(crate::analytics::Column::float(&column.name, taken(windows.floats(&column.name)?, &rows)))
                    })
                    .collect::<Result<_>>()?,
            };
            Ok(Origin {
                cut: date_of(cut_day),
                cut_day,
                customers: customers_of(&part)?,
                outcome: Outcome { revenue: taken(revenue, &rows), purchases: taken(purchases, &rows) },
                known_until: Vec::new(),
            })
        })
        .collect()
}

fn customers_of(frame: &Frame) -> Result<Customers> {
    let input = input::read(frame)?;
    let features = frame.columns.iter().filter(|column| !NOT_FEATURES.contains(&column.name.as_str()));
    let features = features
        .map(|column| Ok(Feature { name: column.name.clone(), values: frame.floats(&column.name)?.to_vec() }))
        .collect::<Result<_>>()?;
    Ok(Customers { histories: input.histories, mean_values: input.mean_values, features })
}

/// The date of a day counted from 1970-01-01.
fn date_of(day: i64) -> String {
    let date = chrono::TimeDelta::try_days(day).and_then(|days| chrono::NaiveDate::default().checked_add_signed(days));
    date.map_or_else(|| format!("day {day}"), |date| date.to_string())
}

fn refused(refusal: &Refusal) -> Error {
    Error::failed(format!("estimators cannot be judged: {}", refusal.reason)).detail(format!("Code: {}.", refusal.code))
}

#[cfg(test)]
mod tests;
