//! The estimators of `ltv` get back the parameters of a generated shop, and its totals.

use super::{Basket, Kind, Parameters, Process, SHARE_UNIT, Shop};
use crate::analytics::ltv::{LtvSpec, fit};
use crate::analytics::{Column, Frame, Values};
use std::collections::BTreeMap;

const CUSTOMERS: u32 = 50_000;

/// What a shop would know at the end: day by day, as the models of the project count.
fn frame(shop: &Shop) -> Frame {
    let (mut keys, mut columns) = (Vec::new(), vec![Vec::new(); 4]);
    let mut basket = Basket::default();
    for number in 0..shop.parameters().customers {
        let mut days: BTreeMap<u32, f64> = BTreeMap::new();
        shop.events_of(number, 0, u32::MAX, &mut |event| {
            if event.kind == Kind::Order {
                shop.fill(&event, &mut basket);
                *days.entry(event.second / 86_400).or_default() += value(shop, &basket);
            }
        });
        let (Some(first), Some(last)) = (days.keys().next(), days.keys().last()) else { continue };
        let repeats = days.len() as f64 - 1.0;
        let mean = days.values().skip(1).sum::<f64>() / repeats;
        keys.push(number.to_string());
        columns[0].push(repeats);
        columns[1].push(f64::from(last - first));
        columns[2].push(f64::from(shop.parameters().days - first));
        columns[3].push(if repeats > 0.0 { mean } else { f64::NAN });
    }
    let names = ["repeat_count", "last_purchase_age_days", "age_days", "mean_repeat_value"];
    Frame { keys, columns: names.iter().zip(columns).map(|(name, values)| Column::float(name, values)).collect() }
}

/// Money that the lines of a basket are worth.
fn value(shop: &Shop, basket: &Basket) -> f64 {
    let of_line = |line: &super::Line| {
        shop.catalogue().products()[line.product].price_cents * line.quantity * (SHARE_UNIT - line.discount)
    };
    basket.lines.iter().map(of_line).sum::<i64>() as f64 / 1e6
}

/// Facts of the fit, and how far the sums of predicted purchases and values are from the truth, as shares of it.
fn fitted(shop: &Shop, estimator: &str) -> (serde_json::Value, f64, f64) {
    let spec =
        LtvSpec { estimator: estimator.into(), horizon_days: 180.0, discount_rate_annual: 0.0, margin_share: 1.0 };
    let frame = frame(shop);
    let fit = fit(&frame, &spec).unwrap();
    let sum = |name: &str| match fit.columns.iter().find(|column| column.name == name).map(|column| &column.values) {
        Some(Values::Float(values)) => values.iter().sum::<f64>(),
        _ => f64::NAN,
    };
    let (mut purchases, mut values) = (0.0, 0.0);
    for number in 0..shop.parameters().customers {
        let truth = shop.truth(&shop.latent(number));
        purchases += truth.expected_purchases[1];
        values += truth.expected_purchases[1] * truth.mean_value;
    }
    (fit.facts, sum("predicted_purchases") / purchases - 1.0, sum("predicted_ltv") / values - 1.0)
}

/// A shop that is nothing but the models: no season, no campaigns, nothing returned.
fn pure(process: Process) -> Shop {
    let mut parameters = Parameters::new(2026, CUSTOMERS);
    parameters.process = process;
    parameters.season = 0.0;
    parameters.campaigns.count = 0;
    parameters.returns.share = 0.0;
    Shop::new(parameters).unwrap()
}

/// Bounds from fits of this seed: parameters came back within 7.4 %, sums within 1.6 %.
fn assert_recovered(process: Process, estimator: &str) {
    let (facts, purchases, values) = fitted(&pure(process), estimator);
    for (name, truth) in process.values() {
        let found = facts["parameters"][name].as_f64().unwrap();
        assert!((found / truth - 1.0).abs() < 0.1, "{name} is {found}, not {truth}");
    }
    assert!(purchases.abs() < 0.03, "purchases are off by {purchases}");
    assert!(values.abs() < 0.03, "values are off by {values}");
}

#[test]
fn bg_nbd_is_recovered() {
    assert_recovered(Process::BG_NBD, "bg_nbd");
}

#[test]
fn pareto_nbd_is_recovered() {
    assert_recovered(Process::PARETO_NBD, "pareto_nbd");
}
