//! Recovery of what outcomes were drawn from, what must not be learnt from, and the bar of the reference on CDNOW.

use super::*;
use crate::analytics::ltv::backtest::metrics::brier;
use crate::analytics::ltv::backtest::ranking::auc;
use crate::analytics::ltv::cdnow;
use crate::analytics::ltv::process::choice::fit_process;
use crate::analytics::ltv::{ParetoNbd, PurchaseProcess};
use crate::analytics::math::random::Random;
use proptest::prelude::*;

/// Expected purchases, and outcomes drawn from a level and a shape.
fn drawn(level: f64, shape: f64) -> (Vec<f64>, Vec<bool>) {
    let mut random = Random::new(11, &[]);
    let purchases: Vec<f64> = (0..20_000).map(|_| random.gamma(0.6)).collect();
    let has_bought = purchases.iter().map(|e| random.uniform() < probability(*e, level, shape)).collect();
    (purchases, has_bought)
}

#[test]
fn level_and_shape_that_outcomes_were_drawn_from_come_back() {
    let (purchases, has_bought) = drawn(1.44, 0.8);
    let of_process: Vec<f64> = purchases.iter().map(|e| 0.6 * -(-e).exp_m1()).collect();
    let found = ChurnCalibration::learn(&purchases, &of_process, &has_bought).expect("better");
    // Half of the error of the level is believed.
    assert!((found.level - 1.2).abs() < 0.03, "{found:?}");
    assert!((found.shape / 0.8 - 1.0).abs() < 0.1, "{found:?}");
    assert!(found.log_loss < found.log_loss_of_process && found.customers == 20_000);
}

#[test]
fn a_process_that_is_right_keeps_its_word() {
    let (purchases, has_bought) = drawn(1.0, 0.8);
    let right: Vec<f64> = purchases.iter().map(|e| probability(*e, 1.0, 0.8)).collect();
    assert_eq!(ChurnCalibration::learn(&purchases, &right, &has_bought), None);
}

#[test]
fn what_teaches_nothing_is_not_learnt_from() {
    let (purchases, has_bought) = drawn(1.0, 0.8);
    let half = vec![0.5; purchases.len()];
    assert!(ChurnCalibration::learn(&purchases, &half, &has_bought).is_some());
    assert_eq!(ChurnCalibration::learn(&[], &[], &[]), None);
    assert_eq!(ChurnCalibration::learn(&purchases[1..], &half, &has_bought), None);
    assert_eq!(ChurnCalibration::learn(&purchases, &half, &vec![true; purchases.len()]), None);
    assert_eq!(ChurnCalibration::learn(&purchases, &vec![f64::NAN; purchases.len()], &has_bought), None);
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        let mut purchases = purchases.clone();
        purchases[3] = bad;
        assert_eq!(ChurnCalibration::learn(&purchases, &half, &has_bought), None);
    }
}

/// Pareto/NBD on the CDNOW sample, bar of the reference: AUC of at least 0.775 and Brier score of at most 0.16 over 39 weeks.
/// Level and shape are those that its back-test of 30 day cuts before 1997-09-30 gives (`make bench-ltv` makes them anew).
#[test]
fn churn_on_cdnow_sample_meets_the_bar_of_the_reference() {
    let fit = fit_process(&ParetoNbd, &cdnow::groups()).expect("finite");
    let learnt = ChurnCalibration { level: 1.04, shape: 0.5, customers: 0, log_loss_of_process: 0.0, log_loss: 0.0 };
    let customers = cdnow::sample();
    let purchases = |weeks: f64| -> Vec<f64> {
        let of = |c: &cdnow::Customer| ParetoNbd.expected_purchases(&fit.estimate.theta, &c.history, weeks);
        customers.iter().map(of).collect()
    };
    let probabilities: Vec<f64> = purchases(39.0).into_iter().map(|e| learnt.probability(e)).collect();
    let has_bought: Vec<bool> = customers.iter().map(|c| c.holdout_count > 0.0).collect();
    let (area, score) = (auc(&has_bought, &probabilities), brier(&has_bought, &probabilities));
    assert!(area.is_some_and(|area| area >= 0.775), "{area:?}");
    assert!(score.is_some_and(|score| score <= 0.16), "{score:?}");
}

proptest! {
    #[test]
    fn a_probability_is_one_and_grows_with_the_window(
        level in 0.14f64..7.4, shape in 0.05f64..148.0, purchases in 0.0f64..1e9, more in 1.0f64..10.0,
    ) {
        let learnt = ChurnCalibration { level, shape, customers: 0, log_loss_of_process: 0.0, log_loss: 0.0 };
        let (short, long) = (learnt.probability(purchases), learnt.probability(purchases * more));
        prop_assert!((0.0..=1.0).contains(&short) && short <= long && long <= 1.0);
    }
}
