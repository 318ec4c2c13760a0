//! Whether the customer is still there, and buys again: P(alive), expected purchases, chances of a purchase.

use super::Section;
use super::arithmetic::{Parts, parts};
use super::facts::{Calibration, Facts, Fit, Ltv};
use super::history::History;
use super::words::{count, decimals, figure, percent, whole};
use serde_json::json;

/// What is expected, with the parts it was made of, where they are found again.
pub(super) struct Prospect {
    pub parts: Option<Parts>,
}

impl Prospect {
    pub(super) fn of(facts: &Facts, history: &History) -> Prospect {
        let found = || parts(history.days()?, history.last_day, facts.fit.as_ref()?, facts.ltv.as_ref()?);
        Prospect { parts: found() }
    }
}

/// The relation's row and the fit behind it; or sentences that say why there is none.
pub(super) fn fitted(facts: &Facts) -> Result<(&Ltv, &Fit), String> {
    let ltv = facts.ltv.as_ref().ok_or_else(|| facts.why_missing("customer_ltv"))?;
    let fit = facts.fit.as_ref().ok_or_else(|| facts.why_missing("quintile.fits"))?;
    Ok((ltv, fit))
}

/// Why there is no number, with the codes; none where there is one.
pub(super) fn refusal(ltv: &Ltv, fit: &Fit) -> Option<String> {
    if ltv.predicted_purchases.is_some() || ltv.predicted_ltv.is_some() {
        return None;
    }
    let reasons: Vec<String> =
        fit.flags.iter().zip(&fit.warnings).map(|(code, sentence)| format!("{code}: {sentence}")).collect();
    Some(match reasons.is_empty() {
        true => "Nothing is predicted of this customer, and the fit does not say why.".into(),
        false => format!("Nothing is predicted. {}", reasons.join(" ")),
    })
}

/// The sentence of a flag, with its code.
pub(super) fn warning(fit: &Fit, code: &str) -> Option<String> {
    let place = fit.flags.iter().position(|flag| flag == code)?;
    Some(format!("{} ({code})", fit.warnings.get(place)?))
}

/// `the next 365 days`.
pub(super) fn next(days: f64) -> String {
    format!("the next {}", count(days.round() as i64, "day"))
}

pub(super) fn section(facts: &Facts, history: &History, prospect: &Prospect) -> Section {
    let mut section = Section::new("purchases_ahead", "Purchases ahead");
    let (ltv, fit) = match fitted(facts) {
        Ok(both) => both,
        Err(why) => {
            if let Some(purchases) = facts.ltv.as_ref().and_then(|ltv| ltv.predicted_purchases) {
                section.tell("predicted_purchases", purchases, "expected purchases", figure(purchases), "");
            }
            section.left_out.push(why);
            return section;
        }
    };
    if let Some(why) = refusal(ltv, fit) {
        section.because.push(why);
        section.keep("predicted_purchases", None::<f64>);
        section.keep("flags", json!(fit.flags));
        return section;
    }
    let estimator = fit.estimator.as_deref().unwrap_or("the estimator");
    section.keep("estimator", estimator);
    section.keep("horizon_days", fit.horizon_days);
    match ltv.probability_alive {
        Some(alive) => {
            let note = format!("has not silently left, by {estimator}");
            section.tell("probability_alive", alive, "P(alive)", percent(alive), note);
        }
        None => section.tell("probability_alive", None::<f64>, "P(alive)", "not told", "the data cannot tell who left"),
    }
    if let Some(purchases) = ltv.predicted_purchases {
        let within = fit.horizon_days.map(|days| format!("purchase days in {}", next(days))).unwrap_or_default();
        section.tell("predicted_purchases", purchases, "expected purchases", figure(purchases), within);
    }
    let chances = [
        ("purchase_probability_30d", "30 days", ltv.purchase_probability_30d),
        ("purchase_probability_90d", "90 days", ltv.purchase_probability_90d),
        ("purchase_probability_180d", "180 days", ltv.purchase_probability_180d),
    ];
    for (name, days, chance) in chances {
        let Some(chance) = chance else { continue };
        let note = if name.contains("_90d") { "the rest to 100 is the churn risk" } else { "" };
        section.tell(name, chance, &format!("buys within {days}"), percent(chance), note);
    }
    formula(&mut section, ltv, fit, history, prospect);
    section.because.extend(fit.estimator_story.as_ref().map(|story| format!("How {estimator} sees it: {story}")));
    section.because.extend(
        facts.calibration.iter().find(|row| row.estimator == estimator).and_then(|row| alike(row, facts, history)),
    );
    section
}

fn formula(section: &mut Section, ltv: &Ltv, fit: &Fit, history: &History, prospect: &Prospect) {
    if ltv.predicted_purchases.is_none() {
        section.keep("is_reproduced", false);
        section.keep("purchases_if_alive", None::<f64>);
        section.because.push("Who buys, and how often, is told of nobody here.".into());
        section.because.extend(warning(fit, "rate_unidentified"));
        return;
    }
    let (Some(parts), Some(days), Some(purchases)) = (prospect.parts, history.days(), ltv.predicted_purchases) else {
        section.keep("is_reproduced", false);
        section.keep("purchases_if_alive", None::<f64>);
        let why = match history.days() {
            None => {
                "The history that these numbers rest on is not to be read (see above), so their parts are not shown."
            }
            Some(_) => {
                "From the published history and the parameters of the fit the numbers do not come out the same (relations of several runs, or an own model), so their parts are not shown."
            }
        };
        section.because.push(why.into());
        section.because.extend(warning(fit, "dropout_unidentified"));
        return;
    };
    let known = format!(
        "x = {}, t_x = {}, T = {} days",
        whole(days.repeat_count),
        whole(days.last_purchase_age_days),
        whole(days.age_days)
    );
    section.keep("is_reproduced", true);
    if ltv.probability_alive.is_some() {
        section.keep("purchases_if_alive", parts.purchases_if_alive);
        section.because.push(format!(
            "A customer with this history ({known}) who is still there buys on {} more days; predicted_purchases = P(alive) x purchases if alive = {} x {} = {}.",
            figure(parts.purchases_if_alive),
            figure(parts.alive),
            figure(parts.purchases_if_alive),
            figure(purchases)
        ));
    } else {
        // What would be multiplied by a P(alive) that means nothing means as little.
        section.keep("purchases_if_alive", None::<f64>);
        section.because.push(format!(
            "Customers with this history ({known}) are expected to buy on {} more days.",
            figure(purchases)
        ));
        section.because.extend(warning(fit, "dropout_unidentified"));
    }
}

/// `312 customers with 6 repeats`.
pub(super) fn as_often(row: &Calibration, history: &History) -> Option<String> {
    let repeats = match history.repeat_count? {
        0 => "without a repeat".to_owned(),
        7.. => "with 7 or more repeats".to_owned(),
        x => format!("with {}", count(x, "repeat")),
    };
    Some(format!("{} {repeats}", count(row.customers, "customer")))
}

/// What customers who had bought as often did at cuts of the past.
fn alike(row: &Calibration, facts: &Facts, history: &History) -> Option<String> {
    let (predicted, actual) = (row.predicted_purchases_mean?, row.actual_purchases_mean?);
    let horizon = facts.fit.as_ref()?.appraisal.as_ref()?.horizon_days?;
    Some(format!(
        "In the past: {} ({}) were expected by {} to buy on {} days in the {} after, and bought on {}.",
        as_often(row, history)?,
        count(row.cuts, "cut"),
        row.estimator,
        decimals(predicted, 2),
        count(horizon.round() as i64, "day"),
        decimals(actual, 2)
    ))
}
