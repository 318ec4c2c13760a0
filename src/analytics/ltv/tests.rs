//! The whole fit from frame to columns: on CDNOW, on data without dropout, and on input it must refuse.

use super::cdnow::{self, assert_near};
use super::process::grouping::History;
use super::*;
use crate::analytics::Values;
use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

fn frame_of(rows: &[(String, f64, f64, f64, f64)]) -> Frame {
    let column =
        |name, value: fn(&(String, f64, f64, f64, f64)) -> f64| Column::float(name, rows.iter().map(value).collect());
    Frame {
        keys: rows.iter().map(|row| row.0.clone()).collect(),
        columns: vec![
            column("repeat_count", |row| row.1),
            column("last_purchase_age_days", |row| row.2),
            column("age_days", |row| row.3),
            column("mean_repeat_value", |row| row.4),
        ],
    }
}

fn cdnow_frame() -> Frame {
    let rows: Vec<_> = cdnow::sample()
        .iter()
        .map(|customer| {
            let History { repeat_count, last_purchase_weeks, age_weeks } = customer.history;
            let mean = if repeat_count > 0.0 { customer.mean_repeat_value } else { f64::NAN };
            (customer.id.clone(), repeat_count, (last_purchase_weeks * 7.0).round(), (age_weeks * 7.0).round(), mean)
        })
        .collect();
    frame_of(&rows)
}

fn spec(estimator: &str) -> LtvSpec {
    LtvSpec { estimator: estimator.into(), horizon_days: 365.0, discount_rate_annual: 0.1, margin_share: 1.0 }
}

fn floats<'a>(fit: &'a LtvFit, name: &str) -> &'a [f64] {
    match fit.columns.iter().find(|column| column.name == name).map(|column| &column.values) {
        Some(Values::Float(values)) => values,
        other => panic!("{name}: {other:?}"),
    }
}

/// Buyers at exponential rates who never drop out, seen in whole days.
fn immortal_frame(customers: usize, seed: u64) -> Frame {
    simulated_frame(customers, seed, 0.0)
}

/// The same, but after each repeat purchase (never after the first one) a customer is gone with this chance.
fn simulated_frame(customers: usize, seed: u64, dropout: f64) -> Frame {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut exponential =
        move |mean: f64| -mean * ((random.next_u64() >> 11) as f64 / (1u64 << 53) as f64).max(1e-16).ln();
    let rows: Vec<_> = (0..customers)
        .map(|i| {
            let age = 100.0 + (i % 180) as f64;
            let rate = exponential(0.03);
            let (mut day, mut count, mut last) = (0.0f64, 0.0, 0.0);
            loop {
                day += exponential(1.0 / rate);
                if day >= age {
                    break;
                }
                if day.ceil() > last {
                    last = day.ceil();
                    count += 1.0;
                    if exponential(1.0) < -(1.0 - dropout).ln() {
                        break;
                    }
                }
            }
            let mean = if count > 0.0 { 20.0 + exponential(10.0) } else { f64::NAN };
            (format!("C{i}"), count, last, age, mean)
        })
        .collect();
    frame_of(&rows)
}

#[test]
fn cdnow_is_predicted_as_by_the_reference_from_frame_to_holdout_dollars() {
    // 39 weeks ahead without discount is the hold-out period, so the value is the reference's predicted revenue.
    let references = [("bg_nbd", 1653.41, 59_931.6), ("mbg_nbd", 1576.73, 57_128.1), ("pareto_nbd", 1665.51, 60_449.3)];
    for (estimator, purchases, dollars) in references {
        let plain = LtvSpec { horizon_days: 273.0, discount_rate_annual: 0.0, ..spec(estimator) };
        let fit = fit(&cdnow_frame(), &plain).expect("a sound fit");
        assert_near(floats(&fit, "predicted_purchases").iter().sum(), purchases, 1e-4);
        assert_near(floats(&fit, "predicted_ltv").iter().sum(), dollars, 1e-4);
        assert_eq!(fit.facts["groups"], 1016);
        assert_eq!(fit.facts["repeat_customers"], 946);
        assert_eq!(fit.facts["repeat_purchases"], 2457.0);
        assert_eq!(fit.facts["spend"]["estimator"], "gamma_gamma");
    }
}

/// Mean purchases in the 39 held-out weeks by number of repeats in calibration, as in figure 5 of the BG/NBD paper.
#[test]
fn holdout_purchases_by_repeat_count_equal_the_reference() {
    let references: [(&'static dyn PurchaseProcess, [f64; 8]); 2] = [
        (&BgNbd, [0.2251, 0.5231, 1.0441, 1.5203, 2.1639, 2.6538, 3.5040, 6.1572]),
        (&ParetoNbd, [0.1384, 0.5995, 1.1958, 1.7138, 2.3983, 2.9072, 3.8186, 6.4031]),
    ];
    for (estimator, means) in references {
        let theta = choice::fit_process(estimator, &cdnow::groups()).expect("finite").estimate.theta;
        let (mut sums, mut customers) = ([0.0; 8], [0.0; 8]);
        for customer in cdnow::sample() {
            let bin = (customer.history.repeat_count as usize).min(7);
            sums[bin] += estimator.expected_purchases(&theta, &customer.history, 39.0);
            customers[bin] += 1.0;
        }
        assert_eq!(customers, [1411.0, 439.0, 214.0, 100.0, 62.0, 38.0, 29.0, 64.0]);
        for (bin, mean) in means.iter().enumerate() {
            assert!((sums[bin] / customers[bin] - mean).abs() < 2e-4, "{} {bin}", estimator.name());
        }
    }
}

/// Cumulative repeat purchases of all customers by calendar week, each from the own first purchase on.
#[test]
fn tracking_by_week_equals_the_reference() {
    let references: [(&'static dyn PurchaseProcess, [f64; 6]); 2] = [
        (&BgNbd, [709.0, 1726.9, 2494.0, 3127.7, 3675.0, 4160.6]),
        (&ParetoNbd, [698.8, 1733.1, 2524.9, 3184.4, 3757.9, 4270.0]),
    ];
    for (estimator, totals) in references {
        let theta = choice::fit_process(estimator, &cdnow::groups()).expect("finite").estimate.theta;
        for (total, week) in totals.iter().zip([13.0, 26.0, 39.0, 52.0, 65.0, 78.0]) {
            let ours: f64 = cdnow::sample()
                .iter()
                .map(|customer| (customer.history.age_weeks + week - 39.0).max(0.0))
                .map(|weeks| estimator.expected_purchases_of_new(&theta, weeks))
                .sum();
            assert!((ours - total).abs() < 0.15, "{} week {week}: {ours} against {total}", estimator.name());
        }
    }
}

#[test]
fn the_sum_of_twelve_months_equals_the_reference() {
    // One percent a month; the reference's month of 4.345 weeks is 0.005% shorter than ours.
    let spec = LtvSpec { discount_rate_annual: 1.01f64.powi(12) - 1.0, ..spec("bg_nbd") };
    let fit = fit(&cdnow_frame(), &spec).expect("a sound fit");
    let values = floats(&fit, "predicted_ltv");
    assert_near(values.iter().sum(), 71_507.953, 1e-4);
    let largest = (0..values.len()).max_by(|i, j| values[*i].total_cmp(&values[*j])).expect("rows");
    assert_eq!(cdnow_frame().keys[largest], "0509");
    assert_near(values[largest], 1_175.049, 1e-4);
    let mut half = spec.clone();
    half.margin_share = 0.5;
    let half = super::fit(&cdnow_frame(), &half).expect("a sound fit");
    assert_near(floats(&half, "predicted_ltv").iter().sum(), 71_507.953 / 2.0, 1e-4);
}

#[test]
fn the_columns_are_those_of_the_contract_and_inside_their_ranges() {
    let fit = fit(&cdnow_frame(), &spec(AUTO)).expect("a sound fit");
    let names: Vec<&str> = fit.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "predicted_purchases",
            "probability_alive",
            "purchase_probability_30d",
            "purchase_probability_90d",
            "purchase_probability_180d",
            "expected_order_value",
            "predicted_ltv",
            "is_dropout_identified",
            "predicted_ltv_90d",
            "predicted_ltv_180d",
            "predicted_ltv_365d",
            "predicted_ltv_year_2",
            "predicted_ltv_year_3",
            "predicted_ltv_year_4",
            "predicted_ltv_year_5",
            "predicted_ltv_p10",
            "predicted_ltv_p50",
            "predicted_ltv_p90",
            "predicted_purchases_unadjusted"
        ]
    );
    let by_time = ["", "_90d", "_180d", "_365d", "_year_2", "_p10", "_p50", "_p90"];
    let values = by_time.map(|time| floats(&fit, &format!("predicted_ltv{time}")));
    for (row, whole) in values[0].iter().enumerate() {
        let [quarter, half, year, second, low, middle, high] = std::array::from_fn(|i| values[i + 1][row]);
        assert!(0.0 < quarter && quarter < half && half < year && 0.0 < second && second < year, "row {row}");
        assert_near(year, *whole, 1e-12);
        assert!(0.0 <= low && low <= middle && middle <= high, "row {row}");
    }
    let by_window = ["30d", "90d", "180d"].map(|window| floats(&fit, &format!("purchase_probability_{window}")));
    for (row, alive) in floats(&fit, "probability_alive").iter().enumerate() {
        let [month, quarter, half] = by_window.map(|values| values[row]);
        assert!(0.0 < month && month < quarter && quarter < half && half < *alive && *alive <= 1.0, "row {row}");
    }
    assert_eq!(floats(&fit, "predicted_purchases"), floats(&fit, "predicted_purchases_unadjusted"));
    assert!(floats(&fit, "expected_order_value").iter().all(|value| *value > 0.0));
    assert_eq!(fit.columns[7].values, Values::Boolean(vec![Some(true); 2357]));
    assert_eq!(fit.facts["estimator"], "mbg_nbd");
    assert_eq!(fit.facts["flags"], serde_json::json!([]));
    assert_eq!(fit.facts["candidates"].as_array().map(Vec::len), Some(4));
    assert!(fit.facts["parameters"]["alpha"].is_f64() && fit.facts["standard_errors"]["b"].is_f64());
}

#[test]
fn bg_nbd_is_given_when_asked_for_but_not_without_a_word() {
    let fit = fit(&cdnow_frame(), &spec("bg_nbd")).expect("a sound fit");
    assert_eq!(fit.facts["flags"], serde_json::json!(["estimator_objection"]));
    let alive = floats(&fit, "probability_alive");
    assert!(cdnow_frame().floats("repeat_count").expect("there").iter().zip(alive).all(|(x, p)| *x > 0.0 || *p == 1.0));
}

#[test]
fn customers_who_never_drop_out_are_reported_as_not_identified() {
    for (estimator, seed) in [("mbg_nbd", 1), ("pareto_nbd", 2), ("bg_nbd", 3), (AUTO, 4)] {
        let frame = immortal_frame(800, seed);
        let fit = fit(&frame, &spec(estimator)).expect("a fit with a warning");
        assert_eq!(fit.columns[7].values, Values::Boolean(vec![Some(false); 800]), "{estimator}: {}", fit.facts);
        assert!(floats(&fit, "probability_alive").iter().all(|value| value.is_nan()));
        assert_eq!(fit.facts["flags"][0], "dropout_unidentified");
        assert!(fit.facts["warnings"][0].as_str().is_some_and(|text| text.contains("probability_alive is left empty")));
        // Purchases are still right: nobody leaves, so the coming half year is like the past.
        let half_year = LtvSpec { horizon_days: 180.0, ..spec(estimator) };
        let ahead: f64 = floats(&super::fit(&frame, &half_year).expect("fit"), "predicted_purchases").iter().sum();
        assert!((ahead / (800.0 * 0.03 * 180.0) - 1.0).abs() < 0.1, "{estimator}: {ahead}");
    }
}

#[test]
fn auto_leaves_bg_nbd_aside_even_where_it_is_the_likeliest() {
    let fit = fit(&simulated_frame(400, 5, 0.3), &spec(AUTO)).expect("a fit");
    let likelihood = |name: &str| {
        let candidates = fit.facts["candidates"].as_array().expect("a list");
        candidates
            .iter()
            .find(|fit| fit["estimator"] == name)
            .and_then(|fit| fit["log_likelihood"].as_f64())
            .expect("a fit")
    };
    assert!(likelihood("bg_nbd") > likelihood("mbg_nbd") && likelihood("bg_nbd") > likelihood("pareto_nbd"));
    assert_ne!(fit.facts["estimator"], "bg_nbd");
}

#[test]
fn what_was_learnt_before_christmas_is_worth_less_after_it() {
    let today = chrono::NaiveDate::from_ymd_opt(2023, 12, 31).expect("a date");
    let factors = std::array::from_fn(|month| if month == 11 { 3.0 } else { 1.0 });
    let learnt = learn(&cdnow_frame(), &spec("pareto_nbd"), None, &Seasonal::Given { today, factors }).expect("a fit");
    let outlook = Outlook { window_days: 90.0, ..learnt.outlook.expect("an outlook") };
    let clock = outlook.clock(today, 365);
    // 31 of the 90 days before were of December, which counts three times; none of the 90 to come.
    let of_regressor = outlook.season_of_window(Family::Regressor, &clock);
    assert_near(of_regressor, 90.0 / (59.0 + 3.0 * 31.0), 1e-9);
    let usual = outlook.season.as_ref().expect("a season").factors()[0];
    assert_near(outlook.season_of_window(Family::Blend, &clock), usual, 1e-9);
    assert_near(outlook.season_of_window(Family::Regressor, &Clock::calendar()), 1.0, 0.0);
    let seen_once = Outlook { is_season_seen_twice: false, ..outlook };
    assert_near(seen_once.season_of_window(Family::Regressor, &clock), 1.0, 0.0);
}

#[test]
fn settings_out_of_range_are_refused() {
    let cases = [
        (LtvSpec { horizon_days: 0.0, ..spec(AUTO) }, "horizon_days"),
        (LtvSpec { horizon_days: f64::NAN, ..spec(AUTO) }, "horizon_days"),
        (LtvSpec { discount_rate_annual: -0.1, ..spec(AUTO) }, "discount_rate_annual"),
        (LtvSpec { margin_share: -0.2, ..spec(AUTO) }, "margin_share"),
    ];
    for (spec, name) in cases {
        let error = fit(&cdnow_frame(), &spec).expect_err(name);
        assert_eq!(error.message, format!("setting \"{name}\" of the lifetime value model is out of range"));
        assert_eq!(error.exit_code(), 2);
    }
    assert_eq!(fit(&cdnow_frame(), &spec("lstm")).expect_err("unknown").message, "estimator \"lstm\" is unknown");
    assert!(fit(&Frame::default(), &spec(AUTO)).is_err());
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let frame = cdnow_frame();
    let turned = Frame {
        keys: frame.keys.iter().rev().cloned().collect(),
        columns: frame
            .columns
            .iter()
            .map(|column| match &column.values {
                Values::Float(values) => Column::float(&column.name, values.iter().rev().copied().collect()),
                _ => column.clone(),
            })
            .collect(),
    };
    let (fit, turned) = (super::fit(&frame, &spec(AUTO)).expect("fit"), super::fit(&turned, &spec(AUTO)).expect("fit"));
    let backwards: Vec<f64> = floats(&turned, "predicted_ltv").iter().rev().copied().collect();
    assert_eq!(floats(&fit, "predicted_ltv"), backwards);
    assert_eq!(fit.facts, turned.facts);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn odd_but_consistent_data_gives_numbers_or_a_refusal(
        rows in prop::collection::vec((0u32..400, 1u32..3000, 0.0f64..1.0, -50.0f64..1e7), 60..160),
        only_small in any::<bool>(),
    ) {
        let rows: Vec<_> = rows
            .into_iter()
            .enumerate()
            .map(|(i, (count, age, last_share, mean))| {
                let count = f64::from(if only_small { count % 3 } else { count });
                let last = if count == 0.0 { 0.0 } else { (last_share * f64::from(age)).ceil().max(1.0) };
                (format!("C{i}"), count, last, f64::from(age), mean)
            })
            .collect();
        match fit(&frame_of(&rows), &spec(AUTO)) {
            Ok(fit) if fit.facts["estimator"].is_null() => {
                let repeaters = rows.iter().filter(|row| row.1 > 0.0).count();
                match fit.facts["flags"][0].as_str() {
                    Some("too_few_repeat_customers") => prop_assert!(repeaters < REPEAT_CUSTOMERS_MIN, "{}", repeaters),
                    other => prop_assert_eq!(other, Some("rate_unidentified")),
                }
                prop_assert!(floats(&fit, "predicted_ltv").iter().all(|value| value.is_nan()));
            }
            Ok(fit) => {
                for name in ["predicted_purchases", "purchase_probability_90d", "expected_order_value", "predicted_ltv"] {
                    prop_assert!(floats(&fit, name).iter().all(|value| value.is_finite() && *value >= 0.0), "{}", name);
                }
            }
            Err(error) => prop_assert!(error.detail.is_some(), "{}", error),
        }
    }
}
