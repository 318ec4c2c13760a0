//! The way from a history to the published numbers, gone a second time with the parameters of the fit.
//!
//! `customer_ltv` has results; what lies in between (purchases of a customer who is alive, what discounting takes, the weight of
//! the own mean) is not stored, because (x, t_x, T) and the parameters tell it. If the results come out the same, the parts are
//! those that the run had; if not (a relation of another run, an own model), no part is shown as if it were.

use super::facts::{Fit, Ltv, Spend};
use crate::analytics::ltv::Outlook;
use crate::analytics::ltv::discount::Discounting;
use crate::analytics::ltv::process::{LifeMoment, PROCESSES, grouping::History};
use chrono::NaiveDate;
use serde::Deserialize;

/// Published numbers are the same to so many parts.
const TOLERANCE: f64 = 1e-6;

/// A history in days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Days {
    /// Purchase days after the first one, x.
    pub repeat_count: i64,
    /// From the first to the last, t_x.
    pub last_purchase_age_days: i64,
    /// From the first to the end of observation, T.
    pub age_days: i64,
}

/// What lies between a history and what is published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parts {
    /// Probability of being alive, also where the data do not identify it.
    pub alive: f64,
    /// Expected purchases within the horizon, if alive.
    pub purchases_if_alive: f64,
    /// Expected purchases within the horizon.
    pub purchases: f64,
    /// The same, each month discounted from its end.
    pub discounted_purchases: f64,
    /// Expected purchases within the horizon of the back-test.
    pub window_purchases: Option<f64>,
}

/// The parts as of `today`, if they lead to what is published.
pub(super) fn parts(days: Days, today: Option<NaiveDate>, fit: &Fit, ltv: &Ltv) -> Option<Parts> {
    let outlook = fit.outlook.as_ref().and_then(|kept| Outlook::deserialize(kept).ok());
    let parts = match outlook.zip(today) {
        Some((outlook, today)) => by_outlook(days, today, &outlook)?,
        None => by_parameters(days, fit)?,
    };
    let is_alive_same = ltv.probability_alive.is_none_or(|published| is_same(published, parts.alive));
    (is_alive_same && is_same(ltv.predicted_purchases?, parts.purchases)).then_some(parts)
}

/// As the rows were scored: on the clock of the season, if the fit has one.
fn by_outlook(days: Days, today: NaiveDate, outlook: &Outlook) -> Option<Parts> {
    let (count, age) = (days.repeat_count as f64, days.age_days as f64);
    let clock = outlook.clock(today, u32::try_from(days.age_days).ok()?);
    let (last, now) = clock.elapsed(days.last_purchase_age_days as f64, age);
    let moments = outlook.moments(&[(count, last), (count, now)], &clock);
    let [last, now] = moments.as_slice() else { return None };
    let alive = LifeMoment::alive(&last.life, &now.life);
    let [purchases, discounted, window, ..] = now.ahead;
    Some(Parts {
        alive,
        purchases_if_alive: purchases,
        purchases: alive * purchases,
        discounted_purchases: alive * discounted,
        window_purchases: (outlook.window_days > 0.0).then_some(alive * window),
    })
}

fn by_parameters(days: Days, fit: &Fit) -> Option<Parts> {
    let process = PROCESSES.iter().find(|process| Some(process.name()) == fit.estimator.as_deref())?;
    let theta: Option<Vec<f64>> =
        process.parameters().iter().map(|parameter| fit.parameters.get(parameter.name)?.as_f64()).collect();
    let theta = theta?;
    let weeks = |days: f64| days / 7.0;
    let history = History {
        repeat_count: days.repeat_count as f64,
        last_purchase_weeks: weeks(days.last_purchase_age_days as f64),
        age_weeks: weeks(days.age_days as f64),
    };
    if !history.is_sound() {
        return None;
    }
    let until = |weeks: f64| process.purchases_if_alive(&theta, history.repeat_count, history.age_weeks, weeks);
    let alive = process.probability_alive(&theta, &history);
    let (if_alive, discounted) = Discounting::over_days(fit.horizon_days?, fit.discount_rate_annual?).present(until);
    let window = fit.appraisal.as_ref().and_then(|appraisal| appraisal.horizon_days);
    Some(Parts {
        alive,
        purchases_if_alive: if_alive,
        purchases: alive * if_alive,
        discounted_purchases: alive * discounted,
        window_purchases: window.map(|days| alive * until(weeks(days))),
    })
}

/// Equal but for the digits in which sums of another order differ.
pub(super) fn is_same(left: f64, right: f64) -> bool {
    (left - right).abs() <= TOLERANCE * left.abs().max(right.abs()).max(1e-9)
}

/// Orders of known value and their mean: the repeat purchases, with the first one where the fit counts it.
pub(super) fn known_orders(spend: &Spend, count: i64, mean: Option<f64>, first: Option<f64>) -> (i64, Option<f64>) {
    let repeats = mean.filter(|_| count > 0);
    if spend.includes_first_purchase != Some(true) {
        return (count, repeats);
    }
    let Some(first) = first else { return (count + 1, repeats) };
    let mean = (repeats.unwrap_or(0.0) * count as f64 + first) / (count + 1) as f64;
    (count + 1, Some(mean).filter(|mean| *mean > 0.0))
}

/// Weight of the customer's own mean in Gamma-Gamma's expected value, `p x / (p x + q - 1)`: that value,
/// `p (v + x z) / (p x + q - 1)`, is the mean of `z` with this weight and of `p v / (q - 1)`, that of all, with the rest.
pub(super) fn own_weight(spend: &Spend, orders: i64) -> Option<f64> {
    let parameter = |name: &str| spend.parameters.as_ref()?.get(name)?.as_f64();
    let known = parameter("p")? * orders as f64;
    Some(known / (known + parameter("q")? - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fit(value: serde_json::Value) -> Fit {
        serde_json::from_value(value).expect("facts")
    }

    fn mbg() -> Fit {
        fit(json!({
            "estimator": "mbg_nbd",
            "parameters": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
            "horizon_days": 273.0, "discount_rate_annual": 0.0,
            "appraisal": {"horizon_days": 90.0},
        }))
    }

    /// The published values of the estimator's own test, in days: x = 2, t_x = 213, T = 272.
    #[test]
    fn parts_are_those_of_the_estimator_and_multiply() {
        let days = Days { repeat_count: 2, last_purchase_age_days: 213, age_days: 272 };
        let published =
            |alive, purchases| Ltv { probability_alive: alive, predicted_purchases: Some(purchases), ..Ltv::default() };
        let guess = published(None, 1.262_9);
        assert_eq!(parts(days, None, &mbg(), &guess), None, "near is not the same");
        let process = PROCESSES.iter().find(|process| process.name() == "mbg_nbd").expect("there");
        let history = History { repeat_count: 2.0, last_purchase_weeks: 213.0 / 7.0, age_weeks: 272.0 / 7.0 };
        let expected = process.expected_purchases(&[0.525, 6.183, 0.891, 1.614], &history, 39.0);
        let parts = parts(days, None, &mbg(), &published(None, expected)).expect("the same");
        assert!((parts.alive - 0.7062).abs() < 1e-3, "{parts:?}");
        assert!(is_same(parts.alive * parts.purchases_if_alive, expected));
        assert!(is_same(parts.discounted_purchases, expected), "no discount: {parts:?}");
        assert!(parts.window_purchases.is_some_and(|window| window > 0.0 && window < expected));
        assert_eq!(super::parts(days, None, &mbg(), &published(Some(0.5), expected)), None, "another P(alive)");
        let later = Days { age_days: 300, ..days };
        assert_eq!(super::parts(later, None, &mbg(), &published(None, expected)), None, "another T");
        assert_eq!(super::parts(days, None, &fit(json!({"estimator": "own"})), &published(None, expected)), None);
    }

    #[test]
    fn the_first_purchase_is_an_order_where_the_fit_counts_it() {
        let with = Spend { includes_first_purchase: Some(true), ..Spend::default() };
        assert_eq!(known_orders(&Spend::default(), 2, Some(20.0), Some(50.0)), (2, Some(20.0)));
        assert_eq!(known_orders(&with, 2, Some(20.0), Some(50.0)), (3, Some(30.0)));
        assert_eq!(known_orders(&with, 0, None, Some(12.0)), (1, Some(12.0)));
        assert_eq!(known_orders(&with, 0, None, Some(0.0)), (1, None));
    }

    #[test]
    fn the_weight_of_the_own_mean_gives_the_formula_of_the_paper() {
        let spend: Spend = serde_json::from_value(json!({
            "parameters": {"p": 6.25, "q": 3.74, "v": 15.44}, "population_mean_value": 6.25 * 15.44 / 2.74,
        }))
        .expect("facts");
        let weight = own_weight(&spend, 2).expect("parameters");
        let value = weight * 22.345 + (1.0 - weight) * spend.population_mean_value.expect("a mean");
        assert!((value - 24.659_612_86).abs() < 1e-7, "{value}: the value by mpmath");
        assert_eq!(own_weight(&spend, 0), Some(0.0));
        assert_eq!(own_weight(&Spend::default(), 2), None);
    }
}
