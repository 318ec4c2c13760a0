//! What is known of customers at a cut and what they did in the horizon after it, by the definitions of `ltv_windows.sql`.

use super::orders::{Day, Shop};
use quintile::analytics::ltv::backtest::Origin;
use quintile::analytics::ltv::process::grouping::History;
use quintile::analytics::ltv::{Customers, Feature, Outcome};
use quintile::analytics::{Column, Frame};

/// A purchase day, less what came back of it up to the cut.
#[derive(Clone, Copy, Debug)]
struct Purchase {
    day: i64,
    value: f64,
    returned: f64,
    units: f64,
    orders: f64,
}

/// Columns of the windows beside the history, in the order of the SQL; `NaN` is its `NULL`.
const FEATURES: [&str; 18] = [
    "revenue",
    "orders",
    "days_since_last_purchase",
    "first_purchase_value",
    "last_purchase_value",
    "largest_purchase_value",
    "deviation_of_purchase_values",
    "revenue_30d",
    "purchases_30d",
    "revenue_90d",
    "purchases_90d",
    "revenue_180d",
    "purchases_180d",
    "revenue_365d",
    "purchases_365d",
    "mean_gap_days",
    "returned_revenue",
    "units",
];

/// The customers of `shop` at the end of the day `cut`, and what they did in the `horizon_days` after it.
pub fn origin(shop: &Shop, cut: i64, horizon_days: i64) -> Origin {
    let mut customers = Customers {
        features: FEATURES.map(|name| Feature { name: name.into(), values: Vec::new() }).to_vec(),
        ..Customers::default()
    };
    let mut outcome = Outcome::default();
    for days in shop.values() {
        let (before, after) = days.split_at(days.partition_point(|day| day.day <= cut));
        let purchases = purchases(before);
        let Some(first) = purchases.first() else { continue };
        let last = purchases.last().unwrap_or(first);
        let repeats = &purchases[1..];
        let count = repeats.len() as f64;
        customers.histories.push(History {
            repeat_count: count,
            last_purchase_weeks: (last.day - first.day) as f64 / 7.0,
            age_weeks: (cut - first.day) as f64 / 7.0,
        });
        let mean = repeats.iter().map(|purchase| purchase.value).sum::<f64>() / count;
        customers.mean_values.push(Some(mean).filter(|mean| *mean > 0.0));
        for (feature, value) in customers.features.iter_mut().zip(features(&purchases, first, last, cut)) {
            feature.values.push(value);
        }
        let ahead: Vec<&Day> = after.iter().filter(|day| day.day <= cut + horizon_days).collect();
        outcome.revenue.push(ahead.iter().map(|day| day.value).sum());
        outcome.purchases.push(ahead.iter().filter(|day| day.orders > 0.0).count() as f64);
    }
    let date = chrono::NaiveDate::default() + chrono::TimeDelta::days(cut);
    Origin { cut: date.to_string(), cut_day: cut, customers, outcome, known_until: Vec::new() }
}

/// Purchases up to the cut: a return lowers the latest one before it, never below zero, and one before the first is left out.
fn purchases(days: &[Day]) -> Vec<Purchase> {
    let mut purchases: Vec<Purchase> = Vec::new();
    for day in days {
        if day.orders > 0.0 {
            purchases.push(Purchase { day: day.day, value: 0.0, returned: 0.0, units: 0.0, orders: 0.0 });
        }
        let Some(purchase) = purchases.last_mut() else { continue };
        purchase.value += day.value;
        purchase.returned += day.returned;
        purchase.units += day.units;
        purchase.orders += day.orders;
    }
    purchases.iter_mut().for_each(|purchase| purchase.value = purchase.value.max(0.0));
    purchases
}

fn features(purchases: &[Purchase], first: &Purchase, last: &Purchase, cut: i64) -> [f64; FEATURES.len()] {
    let sum = |part: fn(&Purchase) -> f64| purchases.iter().map(part).sum::<f64>();
    let n = purchases.len() as f64;
    let revenue = sum(|purchase| purchase.value);
    let squares: f64 = purchases.iter().map(|purchase| (purchase.value - revenue / n).powi(2)).sum();
    let within = |days: i64| {
        let late = || purchases.iter().filter(move |purchase| purchase.day > cut - days);
        [late().map(|purchase| purchase.value).sum(), late().count() as f64]
    };
    let [w30, w90, w180, w365] = [30, 90, 180, 365].map(within);
    [
        revenue,
        sum(|purchase| purchase.orders),
        (cut - last.day) as f64,
        first.value,
        last.value,
        purchases.iter().map(|purchase| purchase.value).fold(0.0, f64::max),
        if n > 1.0 { (squares / (n - 1.0)).sqrt() } else { f64::NAN },
        w30[0],
        w30[1],
        w90[0],
        w90[1],
        w180[0],
        w180[1],
        w365[0],
        w365[1],
        if n > 1.0 { (last.day - first.day) as f64 / (n - 1.0) } else { f64::NAN },
        sum(|purchase| purchase.returned),
        sum(|purchase| purchase.units),
    ]
}

/// The rows of `ltv_windows.sql`, one a customer and origin, numbered back from the last of `origins`, which is 1.
pub fn windows(origins: &[Origin], horizon_days: i64) -> Frame {
    let rows: Vec<(usize, usize)> =
        origins.iter().enumerate().flat_map(|(k, origin)| (0..origin.customers.len()).map(move |i| (k, i))).collect();
    let column = |name: &str, value: &dyn Fn(&Origin, usize, usize) -> f64| {
        Column::float(name, rows.iter().map(|(k, i)| value(&origins[*k], *k, *i)).collect())
    };
    let days = |weeks: f64| (7.0 * weeks).round();
    let mut columns = vec![
        column("origin_n", &|_, k, _| (origins.len() - k) as f64),
        column("horizon_days", &|_, _, _| horizon_days as f64),
        column("cut_day", &|origin, _, _| origin.cut_day as f64),
        column("repeat_count", &|origin, _, i| origin.customers.histories[i].repeat_count),
        column("last_purchase_age_days", &|origin, _, i| days(origin.customers.histories[i].last_purchase_weeks)),
        column("age_days", &|origin, _, i| days(origin.customers.histories[i].age_weeks)),
        column("mean_repeat_value", &|origin, _, i| origin.customers.mean_values[i].unwrap_or(f64::NAN)),
        column("outcome_revenue", &|origin, _, i| origin.outcome.revenue[i]),
        column("outcome_purchases", &|origin, _, i| origin.outcome.purchases[i]),
    ];
    for (place, name) in FEATURES.iter().enumerate() {
        columns.push(column(name, &|origin, _, i| origin.customers.features[place].values[i]));
    }
    Frame { keys: rows.iter().map(|(k, i)| format!("{k}-{i}")).collect(), columns }
}
