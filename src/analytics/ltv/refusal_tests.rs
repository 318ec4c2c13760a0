//! Real data that a model of buying and leaving must be silent about: which flag is raised, what is left empty, who takes over.

use super::backtest::{Champion, Objective};
use super::process::choice::fit_process;
use super::score::TOLD_BY_PROCESS;
use super::*;
use crate::analytics::Values;

/// Customers of a fixture of grouped histories: `x`, `last_days`, `age_days`, customers, mean value.
fn rows(csv: &str) -> Vec<[f64; 4]> {
    let row = |line: &str| -> Vec<[f64; 4]> {
        let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap_or(f64::NAN)).collect();
        vec![[fields[0], fields[1], fields[2], fields[4]]; fields[3] as usize]
    };
    csv.lines().skip(1).flat_map(row).collect()
}

fn online_retail() -> Vec<[f64; 4]> {
    rows(include_str!("../../../tests/fixtures/online_retail_histories_2011_09_10.csv"))
}

fn superstore() -> Vec<[f64; 4]> {
    rows(include_str!("../../../tests/fixtures/superstore_histories_2016.csv"))
}

fn frame_of(rows: &[[f64; 4]]) -> Frame {
    let column = |name, place: usize| Column::float(name, rows.iter().map(|row| row[place]).collect());
    Frame {
        keys: (0..rows.len()).map(|i| format!("C{i}")).collect(),
        columns: vec![
            column("repeat_count", 0),
            column("last_purchase_age_days", 1),
            column("age_days", 2),
            column("mean_repeat_value", 3),
        ],
    }
}

fn customers_of(rows: &[[f64; 4]]) -> Customers {
    let input = input::read(&frame_of(rows)).expect("sound");
    Customers { histories: input.histories, mean_values: input.mean_values, features: Vec::new() }
}

fn spec(estimator: &str) -> LtvSpec {
    LtvSpec { estimator: estimator.into(), horizon_days: 90.0, discount_rate_annual: 0.0, margin_share: 1.0 }
}

fn floats<'a>(fit: &'a LtvFit, name: &str) -> &'a [f64] {
    match fit.columns.iter().find(|column| column.name == name).map(|column| &column.values) {
        Some(Values::Float(values)) => values,
        other => panic!("{name}: {other:?}"),
    }
}

fn is_empty(fit: &LtvFit, name: &str) -> bool {
    floats(fit, name).iter().all(|value| value.is_nan())
}

/// The reference: a of 0.0013 and b of 159 with errors above them, everybody alive with probability 1.000.
#[test]
fn online_retail_in_40_weeks_does_not_tell_who_left() {
    let rows = online_retail();
    assert_eq!(rows.len(), 3370);
    let groups = Groups::new(&customers_of(&rows).histories).0;
    for process in PROCESSES.iter().filter(|process| process.name() != "nbd") {
        let fit = fit_process(*process, &groups).expect("finite");
        let codes: Vec<&str> = fit.findings().iter().map(Reason::code).collect();
        assert!(codes.contains(&"dropout_unidentified") && !codes.contains(&"rate_unidentified"), "{codes:?}");
        // Purchases hold, so it may still be judged by them.
        assert!(!fit.findings().iter().any(Reason::is_refusal));
    }
    for estimator in [AUTO, "bg_nbd", "pareto_nbd"] {
        let fit = fit(&frame_of(&rows), &spec(estimator)).expect("a fit with a warning");
        assert!(fit.facts["flags"].as_array().expect("flags").contains(&"dropout_unidentified".into()), "{estimator}");
        assert!(is_empty(&fit, "probability_alive"));
        assert_eq!(fit.columns[7].values, Values::Boolean(vec![Some(false); rows.len()]));
        assert!(floats(&fit, "purchase_probability_90d").iter().all(|p| 0.0 < *p && *p < 1.0));
    }
}

/// The reference: r of 711 and alpha of 24,988; no difference between customers, a correlation of 0.05 with what came.
#[test]
fn superstore_to_2016_shows_no_difference_between_customers() {
    let rows = superstore();
    assert_eq!(rows.len(), 782);
    let customers = customers_of(&rows);
    for estimator in PROBABILISTIC {
        let refusal = estimator.fit(&Training { customers: &customers, earlier: None, horizon_days: 90.0 }).err();
        assert_eq!(refusal.map(|refusal| refusal.code), Some("rate_unidentified"), "{}", estimator.name());
    }
    for estimator in [AUTO, "nbd", "mbg_nbd"] {
        let fit = fit(&frame_of(&rows), &spec(estimator)).expect("a refusal");
        assert!(fit.facts["estimator"].is_null(), "{estimator}");
        assert_eq!(fit.facts["flags"], serde_json::json!(["rate_unidentified"]));
        for column in fit.columns.iter().filter(|column| column.name != "is_dropout_identified") {
            assert!(is_empty(&fit, &column.name), "{}", column.name);
        }
    }
}

/// The mean takes over where the cuts of the past made it champion.
#[test]
fn the_champion_tells_the_money_of_superstore_and_no_process_tells_who_buys() {
    let rows = superstore();
    let origin = |cut_day: i64| backtest::Origin {
        cut: format!("day {cut_day}"),
        cut_day,
        customers: customers_of(&rows),
        outcome: Outcome { revenue: vec![100.0; rows.len()], purchases: vec![1.0; rows.len()] },
        known_until: Vec::new(),
    };
    let origins = [origin(0), origin(90)];
    let tested = backtest::backtest(&origins, &ESTIMATORS, 90.0).expect("origins");
    for name in ["pareto_nbd", "mbg_nbd", "bg_nbd", "nbd", "blend"] {
        assert!(tested.trial(name).is_some_and(|trial| trial.score(1).is_none()), "{name}");
    }
    let champion: Champion = backtest::champion::choose(&tested, Objective::Balanced, None);
    assert!(champion.estimator.is_some_and(|name| regress::REGRESSORS.iter().any(|one| one.name() == name)));
    let appraisal = Appraisal::of(origins.to_vec(), tested, champion);
    let level = Level { revenue: vec![100.0; rows.len()] };
    let Learnt { outlook, facts } =
        learn(&frame_of(&rows), &spec(AUTO), Some(&appraisal), &Seasonal::None).expect("a level");
    let outlook = outlook.expect("the champion tells the level");
    let columns = outlook.score(&frame_of(&rows), &Clock::calendar(), Some(&level)).expect("scores");
    let fit = LtvFit { columns, facts };
    assert!(floats(&fit, "predicted_ltv").iter().all(|value| (value - 100.0).abs() < 1e-9));
    for name in TOLD_BY_PROCESS.iter().chain(&["probability_alive"]) {
        assert!(is_empty(&fit, name), "{name}");
    }
    assert!(fit.facts["flags"].as_array().expect("flags").contains(&"rate_unidentified".into()));
    assert!(fit.facts["churn"].is_null());
}
