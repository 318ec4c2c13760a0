//! The estimators of `ltv` get back the parameters of a generated shop, and its totals.

use super::{Basket, Kind, Parameters, Process, SHARE_UNIT, Shop};
use crate::analytics::ltv::{LtvSpec, fit};
use crate::analytics::{Column, Frame, Values};
use std::collections::BTreeMap;

const CUSTOMERS: u32 = 50_000;

/// How finely time is told.
#[derive(Clone, Copy, PartialEq)]
enum Grain {
    /// As the models of the project count: two orders on one day are one purchase.
    Day,
    /// As the processes have it: every order, to the second.
    Second,
}

/// What a shop would know at the end.
fn frame(shop: &Shop, grain: Grain) -> Frame {
    let unit = if grain == Grain::Day { 86_400 } else { 1 };
    let in_days = f64::from(unit) / 86_400.0;
    // Days on which there could be a purchase: the last one is in it, as in CDNOW's 272 days from 1 January to 30 September.
    let end = shop.parameters().days * (86_400 / unit) - 1;
    let (mut keys, mut columns) = (Vec::new(), vec![Vec::new(); 4]);
    let mut basket = Basket::default();
    for number in 0..shop.parameters().customers {
        let mut days: BTreeMap<u32, f64> = BTreeMap::new();
        shop.events_of(number, 0, u32::MAX, &mut |event| {
            if event.kind == Kind::Order {
                shop.fill(&event, &mut basket);
                *days.entry(event.second / unit).or_default() += value(shop, &basket);
            }
        });
        let (Some(first), Some(last)) = (days.keys().next(), days.keys().last()) else { continue };
        let repeats = days.len() as f64 - 1.0;
        let mean = days.values().skip(1).sum::<f64>() / repeats;
        keys.push(number.to_string());
        columns[0].push(repeats);
        columns[1].push(f64::from(last - first) * in_days);
        columns[2].push(f64::from(end - first) * in_days);
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
fn fitted(shop: &Shop, estimator: &str, grain: Grain) -> (serde_json::Value, f64, f64) {
    let spec =
        LtvSpec { estimator: estimator.into(), horizon_days: 180.0, discount_rate_annual: 0.0, margin_share: 1.0 };
    let frame = frame(shop, grain);
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
    let (facts, purchases, values) = fitted(&pure(process), estimator, Grain::Day);
    for (name, truth) in process.values() {
        let found = facts["parameters"][name].as_f64().unwrap();
        assert!((found / truth - 1.0).abs() < 0.1, "{name} is {found}, not {truth}");
    }
    assert!(purchases.abs() < 0.03, "purchases are off by {purchases}");
    assert!(values.abs() < 0.03, "values are off by {values}");
}

/// Over seeds: how many of all parameters, lie within one standard error and within their 95 % intervals, how many vectors of four
/// lie inside as a whole, and the largest deviation of the value of the coming half year.
struct Recovery {
    parameters: [f64; 2],
    vectors: f64,
    value_off: f64,
}

fn recovery(process: Process, estimator: &str, seeds: std::ops::Range<u64>, customers: u32, grain: Grain) -> Recovery {
    let count = (seeds.end - seeds.start) as f64;
    let mut found = Recovery { parameters: [0.0; 2], vectors: 0.0, value_off: 0.0 };
    for seed in seeds {
        let mut parameters = pure(process).parameters().clone();
        (parameters.seed, parameters.customers) = (seed, customers);
        let (facts, _, values) = fitted(&Shop::new(parameters).unwrap(), estimator, grain);
        let distances = process.values().map(|(name, truth)| {
            let value = facts["parameters"][name].as_f64().unwrap();
            (value - truth).abs() / facts["standard_errors"][name].as_f64().unwrap()
        });
        for (place, reach) in [1.0, 1.96].into_iter().enumerate() {
            let inside = distances.iter().filter(|distance| **distance <= reach).count();
            found.parameters[place] += inside as f64 / (4.0 * count);
        }
        // Bonferroni's bound for four at once at 95 %.
        found.vectors += f64::from(u8::from(distances.iter().all(|distance| *distance <= 2.5))) / count;
        found.value_off = found.value_off.max(values.abs());
    }
    found
}

const BOTH: [(Process, &str); 2] = [(Process::BG_NBD, "bg_nbd"), (Process::PARETO_NBD, "pareto_nbd")];

/// Told to the second, 62 % (BG/NBD) and 67 % (Pareto/NBD) of the parameters lay within one standard error, 94 % and 96 % within 1.96, and the
/// values of the half year within 2.4 % and 3.5 %.
///
/// Told by days, 69 % and 74 % lay within 1.96: merging the orders of one day is a bias of its own, as large as the standard errors of
/// 20,000 customers. Values stayed within 2.2 % and 3.0 % all the same, so only these are held there.
#[test]
#[ignore = "two hundred fits to shops of 20,000 customers take minutes even with optimisation"]
fn parameters_are_within_their_95_percent_intervals_in_nine_of_ten_of_fifty_seeds() {
    for (process, estimator) in BOTH {
        for grain in [Grain::Day, Grain::Second] {
            let found = recovery(process, estimator, 0..50, 20_000, grain);
            let Recovery { parameters: [one, two], vectors, value_off } = found;
            let told = format!("{estimator}: {one} within one standard error, {two} within 1.96, {vectors} of vectors");
            assert!(value_off < 0.05, "value off by {value_off}; {told}");
            assert!(grain == Grain::Day || (two >= 0.9 && vectors >= 0.9 && one >= 0.58), "{told}");
        }
    }
}

/// The same for three small shops: of twelve parameters each.
#[test]
fn parameters_of_small_shops_are_within_their_intervals() {
    for (process, estimator) in BOTH {
        let found = recovery(process, estimator, 0..3, 2_000, Grain::Second);
        assert!(found.parameters[1] >= 0.75, "{estimator}: {:?}", found.parameters);
    }
}

#[test]
fn bg_nbd_is_recovered() {
    assert_recovered(Process::BG_NBD, "bg_nbd");
}

#[test]
fn pareto_nbd_is_recovered() {
    assert_recovered(Process::PARETO_NBD, "pareto_nbd");
}
