//! How far to believe it: who told the level, how good that was at cuts of the past, what the fit warns of.

use super::Section;
use super::ahead::as_often;
use super::facts::{Appraised, Calibration, Facts, Fit};
use super::history::History;
use super::scores::of_customers;
use super::words::{capital, count, decimals, money, percent};
use serde_json::{Value, json};

pub(super) fn section(facts: &Facts, history: &History) -> Section {
    let mut section = Section::new("estimator", "How far to believe it");
    let Some(fit) = &facts.fit else {
        let relation = if facts.ltv.is_some() { "quintile.fits" } else { "customer_ltv" };
        section.left_out.push(facts.why_missing(relation));
        return section;
    };
    if let Some(run) = facts.runs.get("customer_ltv") {
        let as_of = run.as_of.map(|at| at.format("as of %Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
        let of = fit.customers.map(of_customers).unwrap_or_default();
        section.tell("fit_run_id", run.run_id, "fitted", format!("run {}", run.run_id), format!("{as_of}, {of}"));
        section.keep("fit_as_of", run.as_of.map(|at| json!(at)).unwrap_or_default());
    }
    section.keep("purchases_estimator", fit.estimator.clone());
    match &fit.appraisal {
        Some(appraisal) => past(&mut section, facts, history, appraisal),
        None if fit.estimator.is_some() => section
            .because
            .push("The data are too short for a cut of the past, so nothing is known of how good this is.".into()),
        None => {}
    }
    warnings(&mut section, fit);
    section
}

fn past(section: &mut Section, facts: &Facts, history: &History, appraisal: &Appraised) {
    let Some(champion) = appraisal.champion.as_deref() else {
        section.keep("champion", None::<String>);
        section.because.extend(appraisal.reason.clone());
        return;
    };
    let is_process = facts.fit.as_ref().is_some_and(|fit| fit.estimator.as_deref() == Some(champion));
    let story = match is_process {
        true => "which tells the purchases too".to_owned(),
        false => appraisal.story.as_deref().map(capital).unwrap_or_default(),
    };
    section.tell("champion", champion, "level told by", champion, story);
    section.keep("champion_reason", appraisal.reason.clone());
    section.keep("tested_horizon_days", appraisal.horizon_days);
    let number = |name: &str| appraisal.accuracy.get(name).and_then(Value::as_f64);
    let currency = facts.customer.as_ref().and_then(|customer| customer.currency.as_deref());
    if let Some(gini) = number("normalized_gini") {
        section.tell(
            "normalized_gini",
            gini,
            "order of customers",
            decimals(gini, 2),
            "1 is perfect, 0 is chance (normalised Gini)",
        );
    }
    if let Some(r2) = number("r2") {
        section.tell(
            "r2",
            r2,
            "revenue foreseen",
            decimals(r2, 2),
            "share of the variance (R2); honest ones lie at 0.3 to 0.7",
        );
    }
    if let Some(mae) = number("mae") {
        section.tell(
            "mae",
            mae,
            "error a customer",
            money(mae, currency),
            "mean absolute error of revenue in that time",
        );
    }
    if let Some(bias) = number("total_bias") {
        let way = if bias < 0.0 { "low" } else { "high" };
        section.tell(
            "total_bias",
            bias,
            "error of the total",
            format!("{} too {way}", percent(bias.abs())),
            "all cuts together",
        );
    }
    if let (Some(inside), Some(told @ 1..)) = (appraisal.totals_inside, appraisal.totals_told) {
        section.keep("totals_inside", inside);
        section.keep("totals_told", told);
        section.because.push(format!(
            "The 80 % interval of the total, told beforehand, held at {inside} of {}.",
            count(told, "cut")
        ));
    }
    if let (Some(cuts), Some(days)) = (appraisal.cuts, appraisal.horizon_days) {
        section.keep("cuts", cuts);
        section.because.push(format!(
            "These figures are from {} of the past, at each of which the {} after were predicted, which are over now. They are of many customers: about a single one the spread above says more.",
            count(cuts, "cut"),
            count(days.round() as i64, "day")
        ));
        let alike = facts.calibration.iter().find(|row| row.estimator == champion);
        section.because.extend(alike.and_then(|row| revenue_of_alike(row, history, days, currency)));
    }
    // What the loss is made of is the same for all runs, and stands in docs/ltv.md.
    let reason = appraisal.reason.as_deref().and_then(|reason| reason.split("; the loss is").next());
    section.because.extend(reason.map(|reason| format!("Why {champion}: {}.", reason.trim_end_matches('.'))));
}

/// What customers who had bought as often brought at cuts of the past.
fn revenue_of_alike(row: &Calibration, history: &History, days: f64, currency: Option<&str>) -> Option<String> {
    Some(format!(
        "In the past: {} ({}) were expected by {} to bring {} each in the {} after, and brought {}.",
        as_often(row, history)?,
        count(row.cuts, "cut"),
        row.estimator,
        money(row.predicted_revenue_mean?, currency),
        count(days.round() as i64, "day"),
        money(row.actual_revenue_mean?, currency)
    ))
}

fn warnings(section: &mut Section, fit: &Fit) {
    section.keep("flags", json!(fit.flags));
    // Of a fit that was refused, and of these flags, the sections above tell.
    let is_told =
        |code: &String| fit.estimator.is_none() || ["dropout_unidentified", "spend_fallback"].contains(&code.as_str());
    let others = fit.flags.iter().zip(&fit.warnings).filter(|(code, _)| !is_told(code));
    section.because.extend(others.map(|(code, sentence)| format!("Beware, {code}: {sentence}")));
}
