//! The estimators of `ltv` get back the parameters of a generated shop, and its totals.

use super::{Parameters, Process, Shop};
use crate::analytics::ltv::{LtvSpec, fit};
use crate::analytics::{Column, Frame};
use std::collections::BTreeMap;

/// What a shop would know at the end: day by day, as the models of the project count.
fn frame(shop: &Shop) -> Frame {
    let customers = shop.parameters().customers;
    let (mut keys, mut columns) = (Vec::new(), vec![Vec::new(); 4]);
    let mut basket = super::Basket::default();
    for number in 0..customers {
        let mut days: BTreeMap<u32, f64> = BTreeMap::new();
        shop.events_of(number, 0, u32::MAX, &mut |event| {
            if event.kind != super::Kind::Order {
                return;
            }
            shop.fill(&event, &mut basket);
            let value: f64 = basket
                .lines
                .iter()
                .map(|line| {
                    let price = shop.catalogue().products()[line.product].price_cents;
                    (price * line.quantity * (super::SHARE_UNIT - line.discount)) as f64 / 1e6
                })
                .sum();
            *days.entry(event.second / 86_400).or_default() += value;
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
    let columns = names.iter().zip(columns).map(|(name, values)| Column::float(name, values)).collect();
    Frame { keys, columns }
}

/// Fitted parameters of purchases and spend by name, and the sum of predicted purchases.
fn fitted(shop: &Shop, estimator: &str) -> (serde_json::Value, f64) {
    let spec =
        LtvSpec { estimator: estimator.into(), horizon_days: 180.0, discount_rate_annual: 0.0, margin_share: 1.0 };
    let frame = frame(shop);
    let fit = fit(&frame, &spec).unwrap();
    let predicted = match &fit.columns[0].values {
        crate::analytics::Values::Float(values) => values.iter().sum(),
        _ => f64::NAN,
    };
    (fit.facts, predicted)
}

fn parameters(process: Process) -> Parameters {
    let mut parameters = Parameters::new(2026, 50_000);
    parameters.process = process;
    parameters.season = 0.0;
    parameters.campaigns.count = 0;
    parameters
}

#[test]
#[ignore = "a minute without optimisation"]
fn show() {
    let shop = Shop::new(parameters(Process::BG_NBD)).unwrap();
    let (facts, predicted) = fitted(&shop, "bg_nbd");
    let truth: f64 = (0..50_000).map(|number| shop.truth(&shop.latent(number)).expected_purchases[1]).sum();
    panic!("{facts:#} {predicted} {truth}");
}
