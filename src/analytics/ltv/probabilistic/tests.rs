//! The probabilistic estimators through the shape that all estimators have: CDNOW's figures, refusals, hostile input.

use super::*;
use crate::analytics::ltv::PROCESSES;
use crate::analytics::ltv::cdnow::{self, assert_near, history};
use crate::analytics::math::random::Random;

fn cdnow_customers() -> Customers {
    let sample = cdnow::sample();
    Customers {
        histories: sample.iter().map(|customer| customer.history).collect(),
        mean_values: sample.iter().map(|c| Some(c.mean_repeat_value).filter(|mean| *mean > 0.0)).collect(),
        features: vec![],
    }
}

fn fit(estimator: &dyn Estimator, customers: &Customers) -> Result<Box<dyn Fit>, Refusal> {
    estimator.fit(&Training { customers, earlier: None, horizon_days: 273.0 })
}

#[test]
fn every_process_is_enrolled_under_its_own_name() {
    let names = |list: Vec<&'static str>| list.into_iter().collect::<std::collections::BTreeSet<_>>();
    let estimators = names(PROBABILISTIC.iter().map(|estimator| estimator.name()).collect());
    assert_eq!(estimators, names(PROCESSES.iter().map(|process| process.name()).collect()));
    assert!(PROBABILISTIC.iter().all(|estimator| estimator.family() == Family::Probabilistic));
}

struct Row {
    estimator: &'static str,
    purchases: f64,
    dollars: f64,
    mean_absolute_error: f64,
    root_mean_square: f64,
    correlation: f64,
}

/// The table of dollars of the reference: model times Gamma-Gamma against the 70,976.39 of the hold-out.
#[test]
fn holdout_dollars_of_cdnow_equal_the_reference() {
    let rows = [
        ("bg_nbd", 1653.41, 59_931.6, 30.408, 72.299, 0.5647),
        ("mbg_nbd", 1576.73, 57_128.1, 29.710, 71.946, 0.5672),
        ("pareto_nbd", 1665.51, 60_449.3, 29.454, 72.182, 0.5720),
    ];
    let customers = cdnow_customers();
    let actual: Vec<f64> = cdnow::sample().iter().map(|customer| customer.holdout_revenue).collect();
    assert_near(actual.iter().sum(), 70_976.39, 1e-9);
    for (name, purchases, dollars, mean_absolute_error, root_mean_square, correlation) in rows {
        let row = Row { estimator: name, purchases, dollars, mean_absolute_error, root_mean_square, correlation };
        let estimator = PROBABILISTIC.iter().find(|estimator| estimator.name() == row.estimator).expect(name);
        let prediction = fit(*estimator, &customers).expect("fitted").predict(&customers);
        assert_near(prediction.purchases.as_ref().expect("told").iter().sum(), row.purchases, 1e-4);
        assert_near(prediction.revenue.iter().sum(), row.dollars, 1e-4);
        let (mae, rmse, r) = errors(&prediction.revenue, &actual);
        assert_near(mae, row.mean_absolute_error, 1e-4);
        assert_near(rmse, row.root_mean_square, 1e-4);
        assert_near(r, row.correlation, 2e-4);
    }
}

/// Mean absolute error, root mean square error, Pearson's correlation.
fn errors(predicted: &[f64], actual: &[f64]) -> (f64, f64, f64) {
    let n = predicted.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let pairs = || predicted.iter().zip(actual);
    let (p, a) = (mean(predicted), mean(actual));
    let sum = |term: fn(f64, f64) -> f64, p: f64, a: f64| pairs().map(|(x, y)| term(x - p, y - a)).sum::<f64>();
    let r = sum(|x, y| x * y, p, a) / (sum(|x, _| x * x, p, a) * sum(|_, y| y * y, p, a)).sqrt();
    let mae = pairs().map(|(x, y)| (x - y).abs()).sum::<f64>() / n;
    (mae, (pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>() / n).sqrt(), r)
}

/// Purchases: mean absolute error, root mean square error and correlation of the reference's table 3a.
#[test]
fn holdout_purchases_of_cdnow_have_the_errors_of_the_reference() {
    let rows = [
        ("bg_nbd", 0.78545, 1.60798, 0.62565),
        ("mbg_nbd", 0.76478, 1.60718, 0.62725),
        ("pareto_nbd", 0.75452, 1.60285, 0.63022),
    ];
    let customers = cdnow_customers();
    let actual: Vec<f64> = cdnow::sample().iter().map(|customer| customer.holdout_count).collect();
    for (name, mae, rmse, r) in rows {
        let estimator = PROBABILISTIC.iter().find(|estimator| estimator.name() == name).expect(name);
        let prediction = fit(*estimator, &customers).expect("fitted").predict(&customers);
        let ours = errors(prediction.purchases.as_deref().expect("told"), &actual);
        assert_near(ours.0, mae, 1e-4);
        assert_near(ours.1, rmse, 1e-4);
        assert_near(ours.2, r, 1e-4);
    }
}

/// Area under the curve of "buys again in the 39 weeks" on CDNOW, by expected purchases (the reference's figures) and by
/// `buys`, whose Brier score is the third number.
#[test]
fn who_buys_again_is_told_as_well_as_by_the_reference() {
    let rows =
        [("bg_nbd", 0.773, 0.7569, 0.1612), ("mbg_nbd", 0.773, 0.7601, 0.1614), ("pareto_nbd", 0.779, 0.7712, 0.1619)];
    let customers = cdnow_customers();
    let bought: Vec<bool> = cdnow::sample().iter().map(|customer| customer.holdout_count > 0.0).collect();
    for (name, by_purchases, by_buys, brier) in rows {
        let estimator = PROBABILISTIC.iter().find(|estimator| estimator.name() == name).expect(name);
        let prediction = fit(*estimator, &customers).expect("fitted").predict(&customers);
        let (purchases, buys) = (prediction.purchases.expect("told"), prediction.buys.expect("told"));
        let off = buys.iter().zip(&bought).map(|(p, b)| (p - f64::from(u8::from(*b))).powi(2)).sum::<f64>() / 2357.0;
        assert!((area(&purchases, &bought) - by_purchases).abs() < 5e-4, "{name}: {}", area(&purchases, &bought));
        assert!((area(&buys, &bought) - by_buys).abs() < 5e-4 && (off - brier).abs() < 5e-4, "{name}");
    }
}

/// Share of pairs of a buyer and another customer that the score puts in order; half of those it puts level.
fn area(scores: &[f64], bought: &[bool]) -> f64 {
    let (yes, no): (Vec<usize>, Vec<usize>) = (0..scores.len()).partition(|i| bought[*i]);
    let ahead = |i: &usize, j: &usize| match scores[*i].total_cmp(&scores[*j]) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let wins: f64 = yes.iter().map(|i| no.iter().map(|j| ahead(i, j)).sum::<f64>()).sum();
    wins / (yes.len() * no.len()) as f64
}

/// Regular orders, as in Superstore: everybody buys at the same rate, so nothing tells one customer from another.
#[test]
fn customers_who_do_not_differ_are_refused() {
    let mut random = Random::new(3, &[]);
    let histories: Vec<History> = (0..600)
        .map(|_| {
            let mut days: Vec<f64> =
                (0..random.poisson(4.0) as u32).map(|_| (random.uniform() * 700.0).ceil()).collect();
            days.sort_by(f64::total_cmp);
            days.dedup();
            history(days.len() as f64, days.last().copied().unwrap_or(0.0) / 7.0, 100.0)
        })
        .collect();
    let customers = Customers { mean_values: vec![Some(10.0); histories.len()], histories, features: vec![] };
    for estimator in PROBABILISTIC {
        let refusal = fit(*estimator, &customers).err().expect("refused");
        assert_eq!(refusal.code, "rate_unidentified", "{}: {}", estimator.name(), refusal.reason);
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_with_its_code() {
    let code = |customers: &Customers| {
        let codes: Vec<&str> =
            PROBABILISTIC.iter().map(|estimator| fit(*estimator, customers).err().map_or("none", |r| r.code)).collect();
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
        codes[0]
    };
    assert_eq!(code(&Customers::default()), "too_few_repeat_customers");
    let mut customers = cdnow_customers();
    customers.histories[7].age_weeks = f64::NAN;
    assert_eq!(code(&customers), "history_invalid");
    customers.histories[7] = history(2.0, f64::INFINITY, f64::INFINITY);
    assert_eq!(code(&customers), "history_invalid");
    let mut customers = cdnow_customers();
    customers.mean_values.fill(None);
    assert_eq!(code(&customers), "no_order_value");
    customers.mean_values.fill(Some(f64::NAN));
    assert_eq!(code(&customers), "no_order_value");
    let one = Customers { histories: vec![history(3.0, 2.0, 5.0)], mean_values: vec![Some(3.0)], features: vec![] };
    assert_eq!(code(&one), "too_few_repeat_customers");
    let zeros = Customers { histories: vec![History::NEW; 500], mean_values: vec![None; 500], features: vec![] };
    assert_eq!(code(&zeros), "too_few_repeat_customers");
    let same =
        Customers { histories: vec![history(1.0, 1.0, 1.0); 500], mean_values: vec![Some(1.0); 500], features: vec![] };
    assert_eq!(code(&same), "rate_unidentified");
}

#[test]
fn predictions_for_hostile_histories_are_finite() {
    for estimator in PROBABILISTIC {
        let fit = fit(*estimator, &cdnow_customers()).expect("fitted");
        let histories = vec![
            history(f64::NAN, 0.0, 1.0),
            history(1.0, 2.0, 1.0),
            history(0.0, 0.0, f64::INFINITY),
            history(5000.0, 1.0, 2000.0),
            History::NEW,
        ];
        let mean_values = vec![Some(f64::NAN), Some(f64::INFINITY), Some(-3.0), None, Some(1e12)];
        let prediction = fit.predict(&Customers { histories, mean_values, features: vec![] });
        assert!(prediction.revenue.iter().all(|value| value.is_finite() && *value >= 0.0), "{:?}", prediction.revenue);
        assert_eq!(prediction.revenue[..3], [0.0; 3]);
        assert_eq!(fit.predict(&Customers::default()).revenue, Vec::<f64>::new());
        let training = Training { customers: &cdnow_customers(), earlier: None, horizon_days: f64::NAN };
        let none = estimator.fit(&training).expect("fitted").predict(&cdnow_customers());
        assert!(none.revenue.iter().all(|value| *value == 0.0));
    }
}

#[test]
fn facts_tell_cautions_by_code() {
    let customers = cdnow_customers();
    let facts = fit(&Probabilistic(&Nbd), &customers).expect("fitted").facts();
    assert_eq!(facts["flags"], serde_json::json!(["estimator_objection"]));
    assert_eq!(facts["is_dropout_identified"], false);
    let facts = fit(&Probabilistic(&MbgNbd), &customers).expect("fitted").facts();
    assert_eq!((&facts["flags"], &facts["is_dropout_identified"]), (&serde_json::json!([]), &true.into()));
    assert_eq!((&facts["customers"], &facts["groups"]), (&2357.0.into(), &1016.into()));
}
