//! The protocol as a whole, with small estimators: who sees what, who is refused, what is told.

use super::*;
use crate::analytics::ltv::estimator::{Family, Feature, Outcome};
use crate::analytics::ltv::process::grouping::History;
use serde_json::Value;

/// A fit that is one function of a customer's revenue so far.
pub(super) struct Rule(pub fn(f64) -> f64, pub f64);

impl Fit for Rule {
    fn predict(&self, customers: &Customers) -> Prediction {
        let spent = customers.feature("revenue").unwrap_or(&[]);
        let revenue = match spent.is_empty() {
            true => vec![self.1; customers.len()],
            false => spent.iter().map(|spent| self.1 * (self.0)(*spent)).collect(),
        };
        Prediction { revenue, ..Prediction::default() }
    }

    fn facts(&self) -> Value {
        Value::Null
    }
}

/// What a small estimator does.
pub(super) type Behaviour = fn(&Training<'_>) -> Result<Box<dyn Fit>, Refusal>;

/// An estimator for tests.
pub(super) struct Small(pub &'static str, pub Family, pub Behaviour);

impl Estimator for Small {
    fn name(&self) -> &'static str {
        self.0
    }

    fn story(&self) -> &'static str {
        "A small one for tests."
    }

    fn paper(&self) -> &'static str {
        "None."
    }

    fn family(&self) -> Family {
        self.1
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        (self.2)(training)
    }
}

/// Everybody spends what the mean customer of the earlier origin spent.
pub(super) static MEAN: Small = Small("mean", Family::Regressor, |training| {
    let (_, outcome) = training
        .earlier
        .ok_or_else(|| Refusal { code: "no_earlier_origin", reason: "There is no earlier cut.".into() })?;
    Ok(Box::new(Rule(|_| 1.0, outcome.revenue.iter().sum::<f64>() / outcome.revenue.len() as f64)))
});

/// Everybody spends again what they have spent.
pub(super) static AGAIN: Small = Small("again", Family::Baseline, |_| Ok(Box::new(Rule(|spent| spent, 1.0))));

static BROKEN: Small = Small("broken", Family::Baseline, |_| Ok(Box::new(Rule(|spent| 1.0 / (spent - 3.0), 1.0))));

/// Sixty customers of whom number i has spent i, and will spend `factor` times that, give or take.
pub(super) fn origin(day: i64, factor: f64) -> Origin {
    let noise = |i: i32| f64::from((i * 7 + day as i32) % 11) - 5.0;
    Origin {
        cut: format!("day {day}"),
        cut_day: day,
        customers: Customers {
            histories: vec![History { repeat_count: 1.0, last_purchase_weeks: 1.0, age_weeks: 9.0 }; 60],
            mean_values: vec![None; 60],
            features: vec![Feature { name: "revenue".into(), values: (0..60).map(f64::from).collect() }],
        },
        outcome: Outcome {
            revenue: (0..60).map(|i| (factor * (f64::from(i) + 3.0 * noise(i))).max(0.0)).collect(),
            purchases: (0..60).map(|i| f64::from(i % 2)).collect(),
        },
        known_until: Vec::new(),
    }
}

#[test]
fn an_estimator_learns_from_ended_horizons_only() {
    let origins = [origin(0, 1.0), origin(20, 2.0), origin(30, 3.0), origin(60, 1.0)];
    let found = backtest(&origins, &[&MEAN, &AGAIN], 30.0).expect("origins");
    let earlier: Vec<Option<&str>> = found.origins.iter().map(|origin| origin.earlier_cut.as_deref()).collect();
    assert_eq!(earlier, [None, None, Some("day 0"), Some("day 30")]);
    let mean = found.trial("mean").expect("tested");
    assert!(matches!(&mean.verdicts[1], Verdict::Refused(refusal) if refusal.code == "no_earlier_origin"));
    // At day 30 the mean of day 0 is predicted, not that of day 20, whose horizon ends at day 50.
    let total = mean.total_at(2).expect("scored").0;
    assert!((total - origins[0].outcome.revenue.iter().sum::<f64>()).abs() < 1e-9);
    // One past error of the total at day 60 for each estimator: those that had ended.
    let errors = |name: &str| found.trial(name).and_then(|trial| trial.score(3)?.total).map(|total| total.past_errors);
    assert_eq!((errors("mean"), errors("again")), (Some(1), Some(3)));
}

#[test]
fn what_comes_after_a_cut_cannot_change_its_verdict() {
    let mut origins = [origin(0, 1.0), origin(30, 1.2), origin(60, 1.1)];
    let before = backtest(&origins, &[&MEAN, &AGAIN], 30.0).expect("origins");
    origins[2].outcome.revenue.iter_mut().for_each(|revenue| *revenue *= 100.0);
    origins[2].customers.features[0].values.iter_mut().for_each(|spent| *spent += 1.0);
    let after = backtest(&origins, &[&MEAN, &AGAIN], 30.0).expect("origins");
    for (left, right) in before.trials.iter().zip(&after.trials) {
        assert_eq!(left.verdicts[..2], right.verdicts[..2]);
        assert_ne!(left.verdicts[2], right.verdicts[2]);
    }
}

#[test]
fn predictions_that_are_not_numbers_are_refused() {
    let found = backtest(&[origin(0, 1.0)], &[&BROKEN, &AGAIN], 30.0).expect("origins");
    let Verdict::Refused(refusal) = &found.trials[0].verdicts[0] else { panic!("{:?}", found.trials[0]) };
    assert_eq!(refusal.code, "not_finite");
    assert_eq!(refusal.reason, "\"broken\" gave a revenue that is not finite for 1 of 60 customers.");
    assert!(found.trials[0].pooled.is_none() && found.trials[1].pooled.is_some());
    let empty: Small = Small("empty", Family::Baseline, |_| Ok(Box::new(Rule(|_| 1.0, f64::NAN))));
    assert_eq!(
        fit_and_predict(&empty, &Training { customers: &Customers::default(), earlier: None, horizon_days: 1.0 })
            .map(|(_, p)| p.revenue.len())
            .ok(),
        Some(0)
    );
}

#[test]
fn a_feature_from_the_future_is_kept_from_every_estimator() {
    let mut origins = [origin(0, 1.0), origin(30, 1.0)];
    for origin in &mut origins {
        let values = origin.outcome.revenue.clone();
        origin.customers.features.push(Feature { name: "refunds".into(), values });
    }
    origins[1].known_until.push(KnownUntil { feature: "refunds".into(), day: 44 });
    let peeking: Small = Small("peeking", Family::Baseline, |training| match training.customers.feature("refunds") {
        Some(_) => Err(Refusal { code: "saw_the_future", reason: "It was shown the feature.".into() }),
        None => Ok(Box::new(Rule(|_| 1.0, 1.0))),
    });
    let found = backtest(&origins, &[&peeking], 30.0).expect("origins");
    assert!(found.trials[0].score(0).is_some() && found.trials[0].score(1).is_some());
    assert_eq!(found.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["feature_after_cut"]);
    // Undated it is let through, but its likeness to the outcome is told.
    origins[1].known_until.clear();
    let found = backtest(&origins, &[&peeking], 30.0).expect("origins");
    assert!(found.trials[0].score(0).is_none());
    assert_eq!(found.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["feature_nearly_outcome"]);
}

#[test]
fn an_estimator_that_knows_the_outcome_is_flagged() {
    let mut origins = [origin(0, 1.0), origin(30, 1.0)];
    for origin in &mut origins {
        origin.outcome.revenue = (0..60).map(|i| f64::from(i) + f64::from(i % 3)).collect();
    }
    let found = backtest(&origins, &[&AGAIN, &MEAN], 30.0).expect("origins");
    assert_eq!(found.trials[0].flag.as_ref().map(|flag| flag.code), Some("suspiciously_good"));
    assert!(found.trials[1].flag.is_none());
}

#[test]
fn facts_are_json_with_finite_numbers() {
    let origins = [origin(0, 1.0), origin(30, 0.0)];
    let found = backtest(&origins, &[&MEAN, &AGAIN, &BROKEN], 30.0).expect("origins");
    let facts = found.facts();
    assert_eq!(facts["estimators"][2]["origins"][0]["refused"]["code"], "not_finite");
    assert_eq!(facts["estimators"][1]["origins"][1]["accuracy"]["r2"], Value::Null);
    assert_eq!(facts["estimators"][0]["family"], "regressor");
    assert_eq!(facts["estimators"][1]["origins"][0]["deciles"].as_array().map(Vec::len), Some(10));
}

#[test]
fn pooled_figures_are_those_of_all_customers_together() {
    let origins = [origin(0, 1.0), origin(30, 2.0)];
    let found = backtest(&origins, &[&AGAIN], 30.0).expect("origins");
    let pooled = found.trials[0].pooled.clone().expect("scored");
    let both = |part: fn(&Origin) -> Vec<f64>| origins.iter().flat_map(part).collect::<Vec<_>>();
    let actual = both(|origin| origin.outcome.revenue.clone());
    let predicted = both(|origin| origin.customers.features[0].values.clone());
    assert_eq!(pooled.customers, 120);
    assert!((pooled.rmse.expect("told") - metrics::rmse(&actual, &predicted).expect("told")).abs() < 1e-12);
    assert!((pooled.mae.expect("told") - metrics::mae(&actual, &predicted).expect("told")).abs() < 1e-12);
    let bias = predicted.iter().sum::<f64>() / actual.iter().sum::<f64>() - 1.0;
    assert!((pooled.total_bias.expect("told") - bias).abs() < 1e-12);
}

#[test]
fn one_row_constant_columns_and_no_purchase_have_an_answer() {
    let mut one = origin(0, 1.0);
    one.customers.histories.truncate(1);
    one.customers.mean_values.truncate(1);
    one.customers.features[0].values = vec![f64::NAN];
    one.outcome = Outcome { revenue: vec![0.0], purchases: vec![0.0] };
    let found = backtest(std::slice::from_ref(&one), &[&AGAIN], 30.0).expect("an origin");
    assert!(matches!(&found.trials[0].verdicts[0], Verdict::Refused(refusal) if refusal.code == "not_finite"));
    one.customers.features[0].values = vec![1.0];
    assert!(backtest(&[one], &[&AGAIN], 30.0).expect("an origin").trials[0].score(0).is_some());
    assert_eq!(backtest(&[Origin::default()], &[], 30.0).map(|found| found.trials.len()), Ok(0));
    assert_eq!(backtest(&[Origin::default()], &[&AGAIN], 30.0).expect("empty").trials.len(), 1);
}
