//! How often intervals hold: of each customer at one cut, and of the total at rolling cuts.

use crate::frame::origin;
use crate::orders::{Shop, span};
use crate::table::Count;
use quintile::analytics::ltv::backtest::{Origin, backtest, coverage, rolling_cuts};
use quintile::analytics::ltv::probabilistic::Probabilistic;
use quintile::analytics::ltv::{ESTIMATORS, Estimator, MbgNbd, ParetoNbd, PurchaseProcess};
use std::error::Error;

/// Seed of the draws, as a job has it.
const SEED: u64 = 42;

/// Coverage that 80 percent intervals of customers should have: counts are discrete, so at least 80.
const COVERAGE: std::ops::RangeInclusive<f64> = 0.8..=0.95;

/// Intervals of each customer's purchases and value from the day `cut` on.
pub fn of_customers(name: &str, shop: &Shop, cut: i64, horizon_days: i64) -> Result<Count, Box<dyn Error>> {
    let mut count = Count::default();
    let Origin { customers, outcome, .. } = origin(shop, cut, horizon_days);
    for process in [&MbgNbd as &'static dyn PurchaseProcess, &ParetoNbd] {
        let fit = Probabilistic(process).fit_customers(&customers, horizon_days as f64);
        let intervals = fit.map_err(|reason| reason.sentence())?.intervals(&customers, SEED);
        for (what, ends, actual) in
            [("purchases", &intervals.purchases, &outcome.purchases), ("value", &intervals.value, &outcome.revenue)]
        {
            let found = coverage(actual, &ends[0], &ends[2]).ok_or("no intervals")?;
            let is_met = COVERAGE.contains(&found.inside_share);
            count.add(is_met);
            println!(
                "| {name} | {} | {what} | {:.1} % | {:.1} % | {:.1} % | {} |",
                process.name(),
                100.0 * found.inside_share,
                100.0 * found.below_share,
                100.0 * found.above_share,
                if is_met { "met" } else { "missed" }
            );
        }
    }
    Ok(count)
}

/// Intervals of the total, each from errors of cuts whose horizon had ended by then.
pub fn of_totals(name: &str, shop: &Shop, horizon_days: i64, first_cut: i64) -> Result<Count, Box<dyn Error>> {
    let mut count = Count::default();
    let (first, last) = span(shop).ok_or("no orders")?;
    let cuts = rolling_cuts(first, last, horizon_days, 30, usize::MAX);
    let cuts: Vec<i64> = cuts.into_iter().filter(|cut| *cut >= first_cut).collect();
    let origins: Vec<Origin> = cuts.iter().map(|cut| origin(shop, *cut, horizon_days)).collect();
    let estimators: Vec<&dyn Estimator> =
        ESTIMATORS.iter().copied().filter(|estimator| ["pareto_nbd", "blend"].contains(&estimator.name())).collect();
    let tested = backtest(&origins, &estimators, horizon_days as f64).map_err(|refusal| refusal.reason)?;
    for trial in &tested.trials {
        let (inside, of) = trial.total_coverage();
        let is_met = 10 * inside >= 7 * of;
        count.add(is_met);
        let verdict = if is_met { "met" } else { "missed" };
        println!("| {name} | {horizon_days} | {} | {inside} of {of} | {verdict} |", trial.estimator);
    }
    Ok(count)
}
