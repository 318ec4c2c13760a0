//! The guard against the future in the past: features dated after the cut, features that are nearly the outcome, results too good to be true.

use super::ranking::{pearson, spearman};
use super::window::Origin;
use crate::analytics::ltv::estimator::Customers;
use serde::Serialize;
use std::collections::BTreeSet;

/// Honest predictions of what customers will spend explain 30 to 70 percent of its variance; above this share the future has
/// most likely leaked into the features.
pub const R2_MAX: f64 = 0.9;

/// A feature that moves with the outcome more closely than this is the outcome under another name.
pub const CORRELATION_MAX: f64 = 0.99;

/// Fewer customers than this may move together by chance.
pub const CUSTOMERS_MIN: usize = 20;

/// Something that the guard found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A word for programs: `feature_after_cut`, `feature_nearly_outcome`, `suspiciously_good`.
    pub code: &'static str,
    /// The feature or the estimator.
    pub subject: String,
    /// A sentence for people, with the figures.
    pub reason: String,
}

/// Features made from days after their cut, each told once, with its worst case. They are to be left out everywhere: a column that
/// sees the future at one cut is not the same column at the others.
#[must_use]
pub fn features_after_cut(origins: &[Origin]) -> Vec<Finding> {
    let mut found: Vec<(i64, Finding)> = Vec::new();
    for origin in origins {
        for known in origin.known_until.iter().filter(|known| known.day > origin.cut_day) {
            let days = known.day.saturating_sub(origin.cut_day);
            let finding = Finding {
                code: "feature_after_cut",
                subject: known.feature.clone(),
                reason: format!(
                    "Feature \"{}\" was made from data up to {days} days after the cut {}, so it is left out.",
                    known.feature, origin.cut
                ),
            };
            match found.iter_mut().find(|(_, other)| other.subject == finding.subject) {
                Some(other) if other.0 < days => *other = (days, finding),
                Some(_) => {}
                None => found.push((days, finding)),
            }
        }
    }
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// `customers` without the features of this name.
#[must_use]
pub fn without(customers: &Customers, findings: &[Finding]) -> Customers {
    let refused: BTreeSet<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
    let mut kept = customers.clone();
    kept.features.retain(|feature| !refused.contains(feature.name.as_str()));
    kept
}

/// Features that are nearly `outcome`, by value or by order; told for the cut `cut`.
#[must_use]
pub fn nearly_the_outcome(customers: &Customers, outcome: &[f64], cut: &str) -> Vec<Finding> {
    customers
        .features
        .iter()
        .filter_map(|feature| {
            let closeness = closeness(&feature.values, outcome)?;
            (closeness > CORRELATION_MAX).then(|| Finding {
                code: "feature_nearly_outcome",
                subject: feature.name.clone(),
                reason: format!(
                    "Feature \"{}\" has a correlation of {closeness:.3} with the revenue after the cut {cut}; \
                     what is known before the cut does not follow what comes after it so closely.",
                    feature.name
                ),
            })
        })
        .collect()
}

/// The larger of the two correlations, without sign, over customers of whom the feature is known.
pub(super) fn closeness(feature: &[f64], outcome: &[f64]) -> Option<f64> {
    let (x, y): (Vec<f64>, Vec<f64>) =
        feature.iter().zip(outcome).filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(x, y)| (*x, *y)).unzip();
    if x.len() < CUSTOMERS_MIN {
        return None;
    }
    let by_value = pearson(&x, &y).map_or(0.0, f64::abs);
    let by_order = spearman(&x, &y).map_or(0.0, f64::abs);
    Some(by_value.max(by_order))
}

/// Flags an estimator that explains more than honest predictions can.
#[must_use]
pub fn suspiciously_good(estimator: &str, r2: Option<f64>) -> Option<Finding> {
    let r2 = r2.filter(|r2| *r2 > R2_MAX)?;
    Some(Finding {
        code: "suspiciously_good",
        subject: estimator.into(),
        reason: format!(
            "Over all cuts \"{estimator}\" explains {:.1} percent of the variance of future revenue; above {:.0} percent \
             the future has most likely leaked into the features, so it cannot become champion.",
            100.0 * r2,
            100.0 * R2_MAX
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::window::KnownUntil;
    use super::*;
    use crate::analytics::ltv::estimator::Feature;

    fn known(cut_day: i64, days: &[(&str, i64)]) -> Origin {
        let known_until =
            days.iter().map(|(feature, day)| KnownUntil { feature: (*feature).into(), day: *day }).collect();
        Origin { cut: format!("day {cut_day}"), cut_day, known_until, ..Origin::default() }
    }

    #[test]
    fn a_feature_dated_after_the_cut_is_refused_once_with_its_worst_case() {
        let origins =
            [known(10, &[("late", 12), ("fine", 10)]), known(20, &[("late", 27), ("fine", 3), ("other", 21)])];
        let found = features_after_cut(&origins);
        assert_eq!(found.iter().map(|finding| finding.subject.as_str()).collect::<Vec<_>>(), ["late", "other"]);
        assert_eq!(
            found[0].reason,
            "Feature \"late\" was made from data up to 7 days after the cut day 20, so it is left out."
        );
        let feature = |name: &str| Feature { name: name.into(), values: Vec::new() };
        let customers = Customers { features: vec![feature("fine"), feature("late")], ..Customers::default() };
        assert_eq!(without(&customers, &found).features, [feature("fine")]);
    }

    #[test]
    fn the_outcome_under_another_name_is_noticed_by_value_and_by_order() {
        let outcome: Vec<f64> = (0..60).map(|i| f64::from(i * i % 17 * i)).collect();
        let feature = |name: &str, value: &dyn Fn(f64) -> f64| Feature {
            name: name.into(),
            values: outcome.iter().map(|y| value(*y)).collect(),
        };
        let mut honest = feature("honest", &|y| y);
        honest.values.rotate_left(7);
        let mut gaps = feature("gaps", &|y| 3.0 * y);
        gaps.values[5] = f64::NAN;
        let customers = Customers {
            features: vec![feature("copy", &|y| 1.2 * y + 1.0), feature("logarithm", &|y| -y.ln_1p()), honest, gaps],
            ..Customers::default()
        };
        let found = nearly_the_outcome(&customers, &outcome, "2011-09-10");
        assert_eq!(
            found.iter().map(|finding| finding.subject.as_str()).collect::<Vec<_>>(),
            ["copy", "logarithm", "gaps"]
        );
        let few = Customers { features: vec![feature("copy", &|y| y)], ..Customers::default() };
        assert!(nearly_the_outcome(&few, &outcome[..CUSTOMERS_MIN - 1], "2011-09-10").is_empty());
        assert!(nearly_the_outcome(&few, &[0.0; 60], "2011-09-10").is_empty());
    }

    #[test]
    fn only_what_no_honest_prediction_reaches_is_flagged() {
        assert_eq!(suspiciously_good("linear", Some(0.9)), None);
        assert_eq!(suspiciously_good("linear", None), None);
        let finding = suspiciously_good("linear", Some(0.954)).expect("flagged");
        assert_eq!((finding.code, finding.reason.contains("95.4 percent")), ("suspiciously_good", true));
    }
}
