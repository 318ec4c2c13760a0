//! What is told of customers whose facts are written down here.

use super::explain;
use super::facts::{Facts, Rank, Run};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("facts")
}

/// A customer of a CD shop: x = 6, t_x = 206 days, T = 272 days, at parameters that are published.
fn somebody() -> Facts {
    let run = Run { run_id: 7, as_of: Some("1997-10-01T00:00:00Z".parse().expect("an instant")) };
    let relations = [
        "customers",
        "customer_purchases",
        "rfm_scores",
        "rfm_cut_points",
        "customer_segments",
        "customer_clusters",
        "cluster_personas",
        "customer_360",
        "customer_ltv",
        "ltv_calibration",
    ];
    let cut =
        |measure: &str, score: i64, cut_point: f64| json!({"measure": measure, "score": score, "cut_point": cut_point});
    let mut facts = Facts {
        workspace: "default".into(),
        customer_id: "12347".into(),
        runs: relations.iter().map(|name| ((*name).to_owned(), run)).collect(),
        customer: read(json!({
            "first_order_date": "1997-01-01", "last_order_date": "1997-07-26", "order_count": 8, "return_count": 1,
            "gross_revenue": 310.5, "returned_revenue": 10.5, "net_revenue": 300.0, "currency": "USD",
        })),
        purchases: read(json!({
            "repeat_count": 6, "first_purchase_date": "1997-01-01", "last_purchase_date": "1997-07-26", "mean_repeat_value": 40.0,
        })),
        scores: read(json!({
            "recency_days": 66, "frequency": 8, "monetary": 300.0, "r_score": 4, "f_score": 5, "m_score": 4, "rfm_code": 454,
        })),
        segments: read(json!([
            {"scheme": "classic11", "segment": "Champions"}, {"scheme": "rf10", "segment": "Champions"},
            {"scheme": "persona4", "segment": "VIPs"},
        ])),
        cluster: read(json!({"cluster_id": 2, "persona_confidence": 0.07})),
        persona: read(json!({"persona": "VIPs", "reason": "the highest mean net revenue of 4 clusters"})),
        wide: read(json!({"persona": "VIPs", "next_best_action": "Call", "next_best_channel": "telephone"})),
        ltv: read(json!({
            "expected_order_value": 39.0, "is_dropout_identified": true, "purchase_probability_30d": 0.2,
            "purchase_probability_90d": 0.41, "purchase_probability_180d": 0.5, "predicted_ltv": 150.0,
            "predicted_ltv_90d": 40.0, "predicted_ltv_180d": 75.0, "predicted_ltv_365d": 150.0, "predicted_ltv_year_2": 60.0,
            "predicted_ltv_year_3": 40.0, "predicted_ltv_year_4": 30.0, "predicted_ltv_year_5": 20.0,
            "predicted_ltv_p10": 0.0, "predicted_ltv_p50": 100.0, "predicted_ltv_p90": 400.0,
        })),
        fit: read(json!({
            "estimator": "mbg_nbd", "estimator_story": "Customers buy and leave.",
            "parameters": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, "customers": 2357, "repeat_customers": 946,
            "spend": {"estimator": "gamma_gamma", "parameters": {"p": 6.25, "q": 3.74, "v": 15.44},
                "population_mean_value": 6.25 * 15.44 / 2.74},
            "horizon_days": 365.0, "discount_rate_annual": 0.1, "margin_share": 1.0, "flags": [], "warnings": [],
            "appraisal": {"champion": "blend", "reason": "lowest loss", "story": "A mixture.", "horizon_days": 90.0, "cuts": 3,
                "accuracy": {"r2": 0.51, "normalized_gini": 0.76, "mae": 22.3, "total_bias": -0.04},
                "totals_inside": 3, "totals_told": 3},
        })),
        calibration: read(json!([{"estimator": "mbg_nbd", "cuts": 3, "customers": 312,
            "predicted_purchases_mean": 1.42, "actual_purchases_mean": 1.51},
            {"estimator": "blend", "cuts": 3, "customers": 312, "predicted_revenue_mean": 51.2, "actual_revenue_mean": 54.9}])),
        importance: read(json!([{"feature": "orders", "normalized_gini_drop": 0.01},
            {"feature": "revenue_90d", "normalized_gini_drop": 0.2}, {"feature": "units", "normalized_gini_drop": -0.1}])),
        revenue_rank: Some(Rank { customers: 2357, below: 2200, equal: 1, mean: 80.0, median: 40.0 }),
        ltv_rank: Some(Rank { customers: 2357, below: 2300, equal: 2, mean: 20.0, median: 6.0 }),
        ..Facts::default()
    };
    facts.cut_points = read(json!([
        cut("recency_days", 2, 250.0),
        cut("recency_days", 3, 200.0),
        cut("recency_days", 4, 90.0),
        cut("recency_days", 5, 30.0),
        cut("frequency", 2, 1.0),
        cut("frequency", 3, 1.0),
        cut("frequency", 4, 2.0),
        cut("frequency", 5, 4.0),
        cut("monetary", 2, 15.0),
        cut("monetary", 3, 30.0),
        cut("monetary", 4, 60.0),
        cut("monetary", 5, 310.0),
    ]));
    publish(&mut facts);
    facts
}

/// Puts what the parameters give into the published row.
fn publish(facts: &mut Facts) {
    let process = crate::analytics::ltv::PROCESSES[0];
    let history = crate::analytics::ltv::process::grouping::History {
        repeat_count: 6.0,
        last_purchase_weeks: 206.0 / 7.0,
        age_weeks: 272.0 / 7.0,
    };
    let theta = [0.525, 6.183, 0.891, 1.614];
    let ltv = facts.ltv.as_mut().expect("a row");
    ltv.probability_alive = Some(process.probability_alive(&theta, &history));
    ltv.predicted_purchases = Some(process.expected_purchases(&theta, &history, 365.0 / 7.0));
    ltv.expected_order_value =
        Some(crate::analytics::ltv::gamma_gamma::expected_value(&[6.25, 3.74, 15.44], 6.0, 40.0));
}

/// All that is told, a line a fact.
fn told(facts: &Facts) -> String {
    let told = explain(facts);
    let mut lines = told.summary;
    for section in told.sections {
        lines.push(format!("\n{} [{}]", section.title, section.name));
        let for_people = section.facts.into_iter().filter(|fact| !fact.label.is_empty());
        lines.extend(
            for_people.map(|fact| format!("{}: {} | {}", fact.label, fact.shown, fact.note).trim_end().to_owned()),
        );
        lines.extend(section.because.into_iter().map(|line| format!("- {line}")));
        lines.extend(section.left_out.into_iter().map(|line| format!("- left out: {line}")));
    }
    lines.join("\n")
}

#[test]
fn a_customer_whose_level_comes_from_a_champion() {
    insta::assert_snapshot!(told(&somebody()));
}

#[test]
fn numbers_follow_from_each_other() {
    let document = explain(&somebody()).to_json();
    let number =
        |section: &str, name: &str| document[section][name].as_f64().unwrap_or_else(|| panic!("{section}.{name}"));
    let (ahead, worth) = ("purchases_ahead", "lifetime_value");
    let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-9 * right.abs(), "{left} and {right}");
    near(
        number(ahead, "probability_alive") * number(ahead, "purchases_if_alive"),
        number(ahead, "predicted_purchases"),
    );
    near(
        number(ahead, "predicted_purchases")
            * number(worth, "discount_factor")
            * number(worth, "purchase_value")
            * number(worth, "margin_share"),
        number(worth, "predicted_ltv"),
    );
    near(number(worth, "champion_revenue"), number(worth, "purchase_value") * number(worth, "champion_purchases"));
    let weight = number(worth, "own_mean_weight");
    near(
        weight * number(worth, "mean_repeat_value") + (1.0 - weight) * number(worth, "population_mean_value"),
        number(worth, "expected_order_value"),
    );
    assert_eq!(document[worth]["is_level_of_champion"], true);
}

#[test]
fn without_a_champion_the_level_is_that_of_the_order_value() {
    let mut facts = somebody();
    let value = facts.ltv.as_ref().and_then(|ltv| ltv.expected_order_value).expect("a value");
    let discounted = explain(&facts).to_json()["lifetime_value"]["discounted_purchases"].as_f64().expect("a number");
    facts.ltv.as_mut().expect("a row").predicted_ltv = Some(discounted * value);
    facts.fit.as_mut().expect("a fit").appraisal = None;
    let text = told(&facts);
    assert!(text.contains("The value of a purchase is that of an order, above;"), "{text}");
    assert!(text.contains("too short for a cut of the past"), "{text}");
    assert!(!text.contains("blend"), "{text}");
}

#[test]
fn a_refused_fit_tells_its_code_and_no_number() {
    let mut facts = somebody();
    facts.ltv = read(json!({"is_dropout_identified": false}));
    facts.ltv_rank = None;
    facts.fit = read(json!({
        "estimator": null, "horizon_days": 365.0, "flags": ["too_few_repeat_customers"],
        "warnings": ["12 of 40 customers have a repeat purchase; at least 50 are needed to predict lifetime value."],
    }));
    let told = explain(&facts);
    let document = told.to_json();
    assert_eq!(document["purchases_ahead"]["predicted_purchases"], Value::Null);
    assert_eq!(document["purchases_ahead"]["flags"][0], "too_few_repeat_customers");
    let ahead = told.sections.iter().find(|section| section.name == "purchases_ahead").expect("there");
    assert!(ahead.because[0].starts_with("Nothing is predicted. too_few_repeat_customers: 12 of 40"), "{ahead:?}");
    assert!(told.summary.iter().any(|line| line.contains("too_few_repeat_customers")), "{:?}", told.summary);
}

#[test]
fn dropout_that_is_not_identified_shows_no_probability_and_no_part_of_it() {
    let mut facts = somebody();
    facts.ltv.as_mut().expect("a row").probability_alive = None;
    let fit = facts.fit.as_mut().expect("a fit");
    (fit.flags, fit.warnings) = (vec!["dropout_unidentified".into()], vec!["Nobody can tell.".into()]);
    let told = explain(&facts);
    let document = told.to_json();
    assert_eq!(document["purchases_ahead"]["probability_alive"], Value::Null);
    assert_eq!(document["purchases_ahead"]["purchases_if_alive"], Value::Null);
    let ahead = told.sections.iter().find(|section| section.name == "purchases_ahead").expect("there");
    assert!(ahead.because.iter().any(|line| line == "Nobody can tell. (dropout_unidentified)"), "{ahead:?}");
    assert!(document["lifetime_value"]["purchase_value"].is_f64(), "money holds all the same");
}

#[test]
fn another_history_than_that_of_the_fit_is_noticed() {
    let mut facts = somebody();
    facts.purchases.as_mut().expect("a row").repeat_count = Some(7);
    let text = told(&facts);
    assert!(text.contains("the numbers do not come out the same"), "{text}");
    assert!(text.contains("of another run than the history above"), "{text}");
    assert!(!text.contains("purchases if alive ="), "{text}");
}

#[test]
fn an_own_project_with_customers_alone_is_told_what_it_lacks() {
    let mut facts = Facts { workspace: "own".into(), customer_id: "a".into(), ..Facts::default() };
    facts.customer =
        read(json!({"first_order_date": "2025-01-01", "last_order_date": "2025-01-20", "net_revenue": 5, "extra": []}));
    facts.runs.insert("customers".into(), Run { run_id: 1, as_of: "2025-02-01T00:00:00Z".parse().ok() });
    insta::assert_snapshot!(told(&facts));
}

#[test]
fn somebody_who_bought_once_and_scores_of_another_run() {
    let mut facts = somebody();
    facts.purchases =
        read(json!({"repeat_count": 0, "first_purchase_date": "1997-07-26", "last_purchase_date": "1997-07-26"}));
    facts.scores.as_mut().expect("a row").f_score = Some(2);
    let text = told(&facts);
    assert!(text.starts_with("Bought on one day, 66 days ago, and not again since."), "{text}");
    assert!(text.contains("frequency: 8 orders | score 2\n"), "no cut point that contradicts it: {text}");
    assert!(!text.contains("gap"), "{text}");
}

#[test]
fn instants_that_differ_are_told() {
    let mut facts = somebody();
    facts.runs.insert("customer_clusters".into(), Run { run_id: 5, as_of: "1997-09-01T00:00:00Z".parse().ok() });
    let summary = explain(&facts).summary.join("\n");
    assert!(summary.contains("customer_clusters (run 5) are as of an earlier one"), "{summary}");
}
