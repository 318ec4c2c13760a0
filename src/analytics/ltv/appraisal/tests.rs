//! Cuts of the past in a frame become a judgement, and the champion's level comes back by customer.

use super::*;
use crate::analytics::Column;
use crate::analytics::ltv::Family;

/// Purchase days of customer `i`: every `10 + 7 (i mod 9)` days, from a day of their own; every third stops after day 250.
fn purchases(i: usize) -> Vec<i64> {
    let (first, gap) = ((i as i64 * 37) % 150, 10 + 7 * (i as i64 % 9));
    let end = if i.is_multiple_of(3) { 250 } else { 460 };
    (0..).map(|n| first + n * gap).take_while(|day| *day <= end).collect()
}

/// The frame of `customers` customers at the cuts of these days, the latest with origin 0 and without an outcome.
fn windows(customers: usize, cuts: &[i64], horizon: i64) -> Frame {
    let mut frame = Frame::default();
    let names = ["origin_n", "horizon_days", "cut_day", "repeat_count", "last_purchase_age_days", "age_days"];
    let more = ["mean_repeat_value", "revenue", "outcome_revenue", "outcome_purchases"];
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); names.len() + more.len()];
    for (origin, cut) in cuts.iter().enumerate() {
        for i in 0..customers {
            let days = purchases(i);
            let known: Vec<i64> = days.iter().copied().filter(|day| day <= cut).collect();
            let (Some(first), Some(last)) = (known.first(), known.last()) else { continue };
            let value = 10.0 + (i % 7) as f64;
            let later = days.iter().filter(|day| *day > cut && **day <= cut + horizon).count() as f64;
            let repeats = (known.len() - 1) as f64;
            let row = [
                origin as f64,
                horizon as f64,
                *cut as f64,
                repeats,
                (last - first) as f64,
                (cut - first) as f64,
                if repeats > 0.0 { value } else { f64::NAN },
                value * known.len() as f64,
                value * later,
                later,
            ];
            values.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
            frame.keys.push(format!("c{i}"));
        }
    }
    let all = names.iter().chain(&more).zip(values);
    frame.columns = all.map(|(name, values)| Column::float(name, values)).collect();
    frame
}

#[test]
fn cuts_are_judged_in_order_of_time_and_small_shops_leave_regressors_out() {
    let frame = windows(150, &[450, 360, 270, 180], 90);
    let appraisal = Appraisal::new(&frame, Objective::default(), None).expect("sound").expect("three cuts");
    let cuts: Vec<&str> = appraisal.tested.origins.iter().map(|origin| origin.cut.as_str()).collect();
    assert_eq!(cuts, ["1970-06-30", "1970-09-28", "1970-12-27"]);
    assert_eq!(appraisal.tested.trials.len(), ESTIMATORS.len());
    let estimator = appraisal.estimator().expect("a champion");
    assert!(!matches!(estimator.family(), Family::Regressor | Family::Blend), "{}", estimator.name());
    let refused = appraisal.tested.trial("ridge").and_then(|trial| trial.last());
    let Some(backtest::Verdict::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, "too_few_customers");
    let facts = appraisal.facts();
    assert_eq!(facts["champion"]["estimator"], estimator.name());
    assert!(facts["leaky_against_honest"]["leaky_r2"].as_f64().is_some_and(|r2| r2 > 0.99), "{facts}");
    let total = appraisal.total().expect("past errors").of(1000.0);
    assert!(
        total.low < total.median && total.median < total.high && total.past_errors > 0 && total.predicted == 1000.0
    );
}

#[test]
fn a_champion_says_the_same_after_its_facts_were_kept_and_of_a_few_customers_as_of_all() {
    let frame = windows(150, &[450, 360, 270, 180], 90);
    let mut appraisal = Appraisal::new(&frame, Objective::default(), None).expect("sound").expect("three cuts");
    appraisal.champion.estimator = Some("run_rate");
    let today = windows(150, &[450], 90);
    let fit = appraisal.champion_fit(&today).expect("fitted").expect("a champion");
    let name = appraisal.champion.estimator.expect("a champion");
    let said = level(fit.as_ref(), &today).expect("numbers").revenue;
    let kept = restore(name, &fit.facts()).expect("restored");
    assert_eq!(level(kept.as_ref(), &today).expect("numbers").revenue, said);
    let few = windows(20, &[450], 90);
    let of_few = level(kept.as_ref(), &few).expect("numbers").revenue;
    assert_eq!(of_few, said[..few.keys.len()]);
}

#[test]
fn a_champion_that_refuses_today_gives_way_to_the_next_best() {
    let frame = windows(150, &[450, 360, 270, 180], 90);
    let mut appraisal = Appraisal::new(&frame, Objective::default(), None).expect("sound").expect("three cuts");
    let best = appraisal.champion.names()[0];
    // With 150 customers no regressor can be fitted.
    appraisal.champion.estimator = Some("ridge");
    let fit = appraisal.champion_fit(&windows(150, &[450], 90)).expect("sound");
    assert_eq!(appraisal.champion.estimator, Some(best));
    assert_eq!(fit.is_none(), PROBABILISTIC.iter().any(|process| process.name() == best));
    let reason = &appraisal.champion.reason;
    assert!(
        reason.contains("Today \"ridge\" refuses (too_few_customers): ") && reason.ends_with("is taken."),
        "{reason}"
    );
}

/// Enough customers for all of them: whoever becomes champion can be had back from what is stored.
#[test]
fn every_estimator_can_be_had_back_from_its_facts() {
    let frame = windows(600, &[450, 360, 270, 180], 90);
    let origins = origins_of(&frame).expect("sound");
    let last = origins.last().expect("cuts");
    let today = customers_of(&windows(600, &[450], 90)).expect("sound");
    for estimator in ESTIMATORS.iter() {
        let earlier = Some((&last.customers, &last.outcome));
        let training = Training { customers: &today, earlier, horizon_days: 90.0 };
        let (fit, said) = match backtest::fit_and_predict(*estimator, &training) {
            Ok(found) => found,
            Err(refusal) => panic!("{}: {refusal:?}", estimator.name()),
        };
        let kept = restore(estimator.name(), &fit.facts()).unwrap_or_else(|| panic!("{}", estimator.name()));
        for (kept, said) in kept.predict(&today).revenue.iter().zip(&said.revenue) {
            assert!((kept - said).abs() <= 1e-12 * said.abs(), "{}: {kept} {said}", estimator.name());
        }
        assert!(restore(estimator.name(), &serde_json::json!({})).is_none(), "{}", estimator.name());
    }
    assert!(restore("prophet", &serde_json::json!({})).is_none());
}

#[test]
fn data_without_a_cut_are_not_judged() {
    assert!(Appraisal::new(&windows(150, &[450], 90), Objective::default(), None).expect("sound").is_none());
    assert_eq!(date_of(19_723), "2024-01-01");
}

#[test]
fn every_estimator_has_a_name_of_its_own() {
    let mut names: Vec<&str> = ESTIMATORS.iter().map(|estimator| estimator.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ESTIMATORS.len());
}
