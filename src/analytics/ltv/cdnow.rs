//! The CDNOW sample of Fader and Hardie, which the tests of every estimator are held against.

use super::process::grouping::{Groups, History};

/// One customer: calibration to 1997-09-30, hold-out of 39 weeks after it.
pub struct Customer {
    pub id: String,
    pub history: History,
    pub mean_repeat_value: f64,
    pub holdout_count: f64,
    pub holdout_revenue: f64,
}

/// All 2,357 customers.
pub fn sample() -> Vec<Customer> {
    include_str!("../../../tests/fixtures/cdnow_sample_cbs_exact.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |i: usize| fields[i].parse::<f64>().expect("a number");
            Customer {
                id: fields[0].into(),
                history: History {
                    repeat_count: number(1),
                    last_purchase_weeks: number(2) / 7.0,
                    age_weeks: number(3) / 7.0,
                },
                mean_repeat_value: number(4),
                holdout_count: number(6),
                holdout_revenue: number(7),
            }
        })
        .collect()
}

/// Their distinct histories.
pub fn groups() -> Groups {
    Groups::new(&sample().iter().map(|customer| customer.history).collect::<Vec<_>>()).0
}

/// A history written as in the papers: `x`, `t_x`, `T` in weeks.
pub fn history(x: f64, last: f64, age: f64) -> History {
    History { repeat_count: x, last_purchase_weeks: last, age_weeks: age }
}

/// Fails unless `ours` is within a relative distance of the reference (absolute below 1e-300).
#[track_caller]
pub fn assert_near(ours: f64, reference: f64, relative: f64) {
    assert!(
        (ours - reference).abs() <= relative * reference.abs().max(1e-300),
        "ours {ours}, reference {reference}, relative difference {:e}",
        ours / reference - 1.0
    );
}

/// Fails unless the estimator gives P(alive) and expected purchases of `(x, t_x, T, weeks ahead, P(alive), purchases)` to 1e-8.
#[track_caller]
pub fn assert_predictions(
    estimator: &dyn super::PurchaseProcess,
    theta: &[f64],
    cases: &[(f64, f64, f64, f64, f64, f64)],
) {
    for (x, last, age, weeks, alive, purchases) in cases {
        let history = history(*x, *last, *age);
        assert_near(estimator.probability_alive(theta, &history), *alive, 1e-8);
        assert_near(estimator.expected_purchases(theta, &history, *weeks), *purchases, 1e-8);
    }
}
