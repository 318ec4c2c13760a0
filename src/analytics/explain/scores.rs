//! Scores with the cut points they fell between, and the segments that follow from them.

use super::Section;
use super::facts::{CutPoint, Facts, Scores};
use super::words::{count, money, whole};
use serde_json::json;

/// A measure with its score.
struct Measure {
    name: &'static str,
    label: &'static str,
    score_name: &'static str,
    value: f64,
    score: Option<i64>,
    /// Fewer is better.
    is_downward: bool,
}

/// How people say a value of the measure.
fn said(measure: &str, value: f64, currency: Option<&str>) -> String {
    match measure {
        "recency_days" => count(value.round() as i64, "day"),
        "frequency" => count(value.round() as i64, "order"),
        _ => money(value, currency),
    }
}

pub(super) fn section(facts: &Facts) -> Section {
    let mut section = Section::new("scores", "Scores (1 to 5, 5 is best)");
    let Some(scores) = &facts.scores else {
        section.left_out.push(facts.why_missing("rfm_scores"));
        return section;
    };
    let currency = facts.customer.as_ref().and_then(|customer| customer.currency.as_deref());
    let mut unlike = false;
    for measure in measures(facts, scores) {
        let cuts = cuts_of(&facts.cut_points, measure.name, scores);
        let note = match (measure.score, measure.between(&cuts)) {
            (None, _) => "no score".to_owned(),
            (Some(score), None) => {
                unlike |= !cuts.is_empty();
                format!("score {score}")
            }
            (Some(score), Some((reached, next))) => {
                let beyond = if measure.is_downward { "under" } else { "over" };
                let at = |cut: f64| format!("{beyond} {}", said(measure.name, cut, currency));
                let reached = reached.map(|cut| format!(": {}", at(cut))).unwrap_or_default();
                let next = next.map(|(better, cut)| format!("; {} would be {better}", at(cut))).unwrap_or_default();
                format!("score {score}{reached}{next}")
            }
        };
        let value = match measure.name {
            "monetary" => json!(measure.value),
            _ => json!(measure.value as i64),
        };
        section.tell(measure.name, value, measure.label, said(measure.name, measure.value, currency), note);
        section.keep(measure.score_name, measure.score);
        section.keep(&format!("{}_cut_points", measure.name), json!(cuts));
    }
    match (scores.rfm_code, &scores.unscored_reason) {
        (Some(code), _) => {
            let (r, f, m) = (code / 100, code / 10 % 10, code % 10);
            section.tell(
                "rfm_code",
                code,
                "rfm_code",
                code.to_string(),
                format!("recency {r}, frequency {f}, monetary {m}"),
            );
        }
        (None, Some(reason)) => section.because.push(format!("There are no scores: {reason}.")),
        (None, None) => {}
    }
    section.keep("unscored_reason", scores.unscored_reason.clone());
    match facts.missing.get("rfm_cut_points") {
        Some(why) => section.left_out.push(why.clone()),
        None if unlike => section.because.push(
            "The published cut points do not give these scores (another run's, or an own rule), so they are not shown."
                .into(),
        ),
        None => {}
    }
    section
}

fn measures(facts: &Facts, scores: &Scores) -> Vec<Measure> {
    let is_profit = scores.monetary_basis.as_deref() == Some("profit");
    let money = if is_profit { facts.customer.as_ref().and_then(|c| c.profit) } else { scores.monetary };
    let money_label = if is_profit { "monetary (profit)" } else { "monetary" };
    let measure = |name, label, score_name, value: Option<f64>, score, is_downward| {
        value.map(|value| Measure { name, label, score_name, value, score, is_downward })
    };
    [
        measure("recency_days", "recency", "r_score", scores.recency_days.map(|d| d as f64), scores.r_score, true),
        measure("frequency", "frequency", "f_score", scores.frequency.map(|n| n as f64), scores.f_score, false),
        measure("monetary", money_label, "m_score", money, scores.m_score, false),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Cut points that hold for the customer, for the scores 2 to 5: those of the own cell, where the method has cells.
fn cuts_of(cut_points: &[CutPoint], measure: &str, scores: &Scores) -> Vec<f64> {
    let of_measure = || cut_points.iter().filter(|cut| cut.measure == measure);
    let is_own =
        |cut: &&CutPoint| cut.r_score == scores.r_score && (cut.f_score.is_none() || cut.f_score == scores.f_score);
    let own: Vec<&CutPoint> = of_measure().filter(|cut| cut.r_score.is_some()).filter(is_own).collect();
    let mut chosen = if own.is_empty() { of_measure().filter(|cut| cut.r_score.is_none()).collect() } else { own };
    chosen.sort_by_key(|cut| cut.score);
    chosen.iter().map(|cut| cut.cut_point).collect()
}

/// The cut that was reached, and the next better score with the cut before it.
type Between = (Option<f64>, Option<(i64, f64)>);

impl Measure {
    /// None where the cuts do not lead to the score.
    fn between(&self, cuts: &[f64]) -> Option<Between> {
        let [_, _, _, _] = cuts else { return None };
        let is_beaten = |cut: &f64| if self.is_downward { self.value < *cut } else { self.value > *cut };
        let beaten = cuts.iter().filter(|cut| is_beaten(cut)).count();
        if self.score != i64::try_from(beaten + 1).ok() {
            return None;
        }
        let reached = beaten.checked_sub(1).map(|place| cuts[place]);
        let next = cuts.get(beaten).map(|cut| {
            // Where cuts coincide, who beats one beats them all.
            let best = cuts.iter().rposition(|other| other == cut).unwrap_or(beaten);
            (best as i64 + 2, *cut)
        });
        Some((reached, next))
    }
}

pub(super) fn segments(facts: &Facts) -> Section {
    let mut section = Section::new("segments", "Segments");
    if facts.segments.is_empty() {
        section.left_out.push(facts.why_missing("customer_segments"));
    }
    let code = facts.scores.as_ref().and_then(|scores| scores.rfm_code);
    for membership in &facts.segments {
        let note = match (membership.scheme.as_str(), code) {
            ("classic11" | "seed5" | "seed7", Some(code)) => format!("the rule for rfm_code {code}"),
            ("rf10", Some(code)) => format!("the rule for recency {} and frequency {}", code / 100, code / 10 % 10),
            ("persona4", _) => "the persona, below".to_owned(),
            _ => String::new(),
        };
        let shown = membership.segment.clone().unwrap_or_else(|| "none".into());
        section.tell(&membership.scheme, membership.segment.clone(), &membership.scheme, shown, note);
    }
    section
}

/// `of 4,338 customers`, for notes.
pub(super) fn of_customers(customers: i64) -> String {
    format!("of {} customers", whole(customers))
}
