//! Coefficients that scikit-learn 1.9 gives for the same design, and whole models against theirs.

use super::design::Design;
use super::{least_squares, newton};
use crate::analytics::tree::Loss;

/// Forty rows of an intercept and three columns, and an amount that is zero for sixteen of them.
fn rows() -> (Design, Vec<f64>) {
    let (mut numbers, mut amounts) = (Vec::new(), Vec::new());
    for i in 0..40 {
        let i = f64::from(i);
        let (a, b, c) = ((1.3 * i).sin(), (0.7 * i).cos() + 0.2 * (1.3 * i).sin(), (2.1 * i).sin().powi(2));
        let u = (12.9898 * i).sin() * 0.5 + 0.5;
        numbers.extend([1.0, a, b, c]);
        amounts.push(if u < 0.4 { 0.0 } else { (0.8 * a - 0.5 * b + 0.3 * c).exp() * (0.5 + 2.0 * u) });
    }
    (Design { width: 4, numbers }, amounts)
}

#[track_caller]
fn assert_all_near(ours: &[f64], reference: [f64; 4], tolerance: f64) {
    for (ours, reference) in ours.iter().zip(reference) {
        assert!((ours - reference).abs() < tolerance, "ours {ours}, reference {reference}");
    }
}

#[test]
fn least_squares_equals_linear_regression_of_scikit_learn() {
    let (design, amounts) = rows();
    let ours = least_squares::solve(&design, &[1.0; 40], &amounts, 0.0).expect("solved");
    let theirs = [1.8073665041965585, 1.6032597251916403, -0.8882439720844566, 0.06429658541334277];
    assert_all_near(&ours, theirs, 1e-7);
}

#[test]
fn least_squares_with_a_penalty_equals_ridge_of_scikit_learn() {
    let (design, amounts) = rows();
    let ours = least_squares::solve(&design, &[1.0; 40], &amounts, 2.0).expect("solved");
    let theirs = [1.8127565028695134, 1.427525885034748, -0.7730237317838793, 0.047449878922668075];
    assert_all_near(&ours, theirs, 1e-7);
}

#[test]
fn newton_equals_tweedie_regressor_of_scikit_learn() {
    let (design, amounts) = rows();
    let cases = [
        (1.5, 0.0, [0.24420370134279148, 1.0371718209274117, -0.6122203249130818, 0.23472190298309353]),
        (1.5, 0.1, [0.34814966630450794, 0.841981826476875, -0.4728260023310986, 0.12009240800525396]),
        (1.2, 0.01, [0.2234428211081635, 1.0303589127589132, -0.6234553571687135, 0.2816267361520067]),
        (1.9, 1.0, [0.49230885054638723, 0.28737795795810117, -0.1334220535333795, 0.013383294708780233]),
    ];
    for (power, l2, theirs) in cases {
        let ours = newton::minimise(&design, &amounts, Loss::Tweedie { power }, l2).expect("found");
        assert_all_near(&ours, theirs, 1e-6);
    }
}

#[test]
fn newton_equals_gamma_regressor_of_scikit_learn() {
    let (design, amounts) = rows();
    let amounts: Vec<f64> = amounts.iter().map(|amount| amount + 0.1).collect();
    let ours = newton::minimise(&design, &amounts, Loss::Gamma, 0.1).expect("found");
    let theirs = [0.4197501812569974, 0.7616321579530594, -0.4174367689338447, 0.0699448703568499];
    assert_all_near(&ours, theirs, 1e-6);
}

#[test]
fn newton_equals_logistic_regression_of_scikit_learn() {
    let (design, amounts) = rows();
    let bought: Vec<f64> = amounts.iter().map(|amount| f64::from(u8::from(*amount > 0.0))).collect();
    let ours = newton::minimise(&design, &bought, Loss::Logistic, 0.01).expect("found");
    let theirs = [0.6821443546650465, 0.6909025020672616, -0.18659840754461363, -0.5087352734656209];
    assert_all_near(&ours, theirs, 1e-5);
}

#[test]
fn newton_finds_the_minimum_although_full_steps_overshoot() {
    // One row in a thousand has everything: the first Newton steps from the mean go too far.
    let numbers = (0..1000).flat_map(|i| [1.0, if i == 0 { 30.0 } else { -0.03 }]).collect();
    let amounts: Vec<f64> = (0..1000).map(|i| if i == 0 { 1e6 } else { f64::from(i % 2) }).collect();
    let design = Design { width: 2, numbers };
    let loss = Loss::Tweedie { power: 1.5 };
    let ours = newton::minimise(&design, &amounts, loss, 1e-3).expect("found");
    let slope: f64 = design
        .rows()
        .zip(&amounts)
        .map(|(row, y)| row[1] * loss.gradient(*y, ours[0] + ours[1] * row[1]).0 / 1000.0)
        .sum::<f64>()
        + 1e-3 * ours[1];
    assert!(slope.abs() < 1e-6, "gradient {slope} at {ours:?}");
}
