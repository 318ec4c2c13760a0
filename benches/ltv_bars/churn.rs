//! Who buys again, as a job would tell it on the evening of 1997-09-30 from the CDNOW sample, and who did in the 39 weeks after.

use crate::frame::{origin, windows};
use crate::orders::{Shop, span};
use crate::table::{Count, cuts_of_job};
use quintile::analytics::ltv::backtest::metrics::brier;
use quintile::analytics::ltv::backtest::ranking::auc;
use quintile::analytics::ltv::backtest::{Objective, Origin};
use quintile::analytics::ltv::probabilistic::Probabilistic;
use quintile::analytics::ltv::{AUTO, Appraisal, Fit, LtvSpec, PROCESSES, Seasonal, learn};
use std::error::Error;

/// The bars of the reference: of 39 weeks.
const AUC_MIN: f64 = 0.775;
const BRIER_MAX: f64 = 0.16;

/// Prints the area under the curve and the Brier score of every process and of what is published; the bars are for the latter.
pub fn print(sample: &Shop, cut: i64, horizon_days: i64) -> Result<Count, Box<dyn Error>> {
    let (first, _) = span(sample).ok_or("no orders")?;
    let (job_horizon, cuts) = cuts_of_job(first, cut);
    let past: Vec<Origin> = cuts.iter().map(|cut| origin(sample, *cut, job_horizon)).collect();
    let appraisal = Appraisal::new(&windows(&past, job_horizon), Objective::Balanced, None)?.ok_or("no cuts")?;
    let today = origin(sample, cut, horizon_days);
    let spec = LtvSpec {
        estimator: AUTO.into(),
        horizon_days: horizon_days as f64,
        discount_rate_annual: 0.0,
        margin_share: 1.0,
    };
    let histories = windows(std::slice::from_ref(&today), horizon_days);
    let fit = learn(&histories, &spec, Some(&appraisal), &Seasonal::None)?;
    let chosen = fit.facts["estimator"].as_str().unwrap_or_default().to_owned();
    println!("\nA job of that evening has {} cuts {job_horizon} days apart, and {chosen} tells who buys.", past.len());
    println!("\n| process | probability | AUC | Brier | mean | bought |\n|---|---|---|---|---|---|");
    let has_bought: Vec<bool> = today.outcome.purchases.iter().map(|purchases| *purchases > 0.0).collect();
    let mut count = Count::default();
    for process in PROCESSES {
        let of = Probabilistic(*process).fit_customers(&today.customers, horizon_days as f64);
        let told = of.map_err(|reason| reason.sentence())?.predict(&today.customers);
        let (purchases, buys) = (told.purchases.unwrap_or_default(), told.buys.unwrap_or_default());
        row(process.name(), "of the process", &buys, &has_bought)?;
        let Some(churn) = appraisal.churn(*process) else { continue };
        let what = format!("calibrated: level {:.2}, shape {:.2}", churn.level, churn.shape);
        let calibrated: Vec<f64> = purchases.into_iter().map(|purchases| churn.probability(purchases)).collect();
        let (area, score) = row(process.name(), &what, &calibrated, &has_bought)?;
        if process.name() == chosen {
            count.add(area >= AUC_MIN);
            count.add(score <= BRIER_MAX);
        }
    }
    println!("\n{} of {} bars met by {chosen} (AUC >= {AUC_MIN}, Brier <= {BRIER_MAX}).", count.met, count.of);
    Ok(count)
}

fn row(process: &str, what: &str, probabilities: &[f64], has_bought: &[bool]) -> Result<(f64, f64), Box<dyn Error>> {
    let area = auc(has_bought, probabilities).ok_or("nobody bought")?;
    let score = brier(has_bought, probabilities).ok_or("no customers")?;
    let mean = probabilities.iter().sum::<f64>() / probabilities.len() as f64;
    let bought = has_bought.iter().filter(|bought| **bought).count() as f64 / has_bought.len() as f64;
    println!("| {process} | {what} | {area:.4} | {score:.4} | {mean:.3} | {bought:.3} |");
    Ok((area, score))
}
