//! How far to believe it: who told the level, how good that was at cuts of the past, what the fit warns of.

use super::facts::{Appraised, Facts, Fit};
use super::scores::of_customers;
use super::words::{count, decimals, money, percent};
use super::Section;
use serde_json::{Value, json};

pub(super) fn section(facts: &Facts) -> Section {
    let mut section = Section::new("estimator", "How far to believe it");
    let Some(fit) = &facts.fit else {
        section.left_out.push(facts.why_missing("quintile.fits"));
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
        Some(appraisal) => past(&mut section, facts, appraisal),
        None if fit.estimator.is_some() => section
            .because
            .push("The data are too short for a cut of the past, so nothing is known of how good this is.".into()),
        None => {}
    }
    warnings(&mut section, fit);
    section
}

fn past(section: &mut Section, facts: &Facts, appraisal: &Appraised) {
    let Some(champion) = appraisal.champion.as_deref() else {
        section.keep("champion", None::<String>);
        section.because.extend(appraisal.reason.clone());
        return;
    };
    section.tell("champion", champion, "level told by", champion, appraisal.story.clone().unwrap_or_default());
    section.keep("champion_reason", appraisal.reason.clone());
    section.keep("tested_horizon_days", appraisal.horizon_days);
    let number = |name: &str| appraisal.accuracy.get(name).and_then(Value::as_f64);
    let currency = facts.customer.as_ref().and_then(|customer| customer.currency.as_deref());
    if let Some(gini) = number("normalized_gini") {
        section.tell("normalized_gini", gini, "order of customers", decimals(gini, 2), "1 is perfect, 0 is chance (normalised Gini)");
    }
    if let Some(r2) = number("r2") {
        section.tell("r2", r2, "revenue foreseen", decimals(r2, 2), "share of the variance (R2); honest ones lie at 0.3 to 0.7");
    }
    if let Some(mae) = number("mae") {
        section.tell("mae", mae, "error a customer", money(mae, currency), "mean absolute error of revenue in that time");
    }
    if let Some(bias) = number("total_bias") {
        let way = if bias < 0.0 { "low" } else { "high" };
        section.tell("total_bias", bias, "error of the total", format!("{} too {way}", percent(bias.abs())), "");
    }
    if let (Some(inside), Some(told @ 1..)) = (appraisal.totals_inside, appraisal.totals_told) {
        section.keep("totals_inside", inside);
        section.keep("totals_told", told);
        section.because.push(format!("The 80 % interval of the total, told beforehand, held at {inside} of {}.", count(told, "cut")));
    }
    if let (Some(cuts), Some(days)) = (appraisal.cuts, appraisal.horizon_days) {
        section.keep("cuts", cuts);
        section.because.push(format!(
            "These figures are from {}, each predicting {} that were over by then; of a single customer they promise less than of many.",
            if cuts == 1 { "1 day of the past".to_owned() } else { format!("{cuts} days of the past") },
            count(days.round() as i64, "day")
        ));
    }
}

fn warnings(section: &mut Section, fit: &Fit) {
    section.keep("flags", json!(fit.flags));
    let told = fit.flags.iter().zip(&fit.warnings);
    section.because.extend(told.map(|(code, sentence)| format!("Beware, {code}: {sentence}")));
}
