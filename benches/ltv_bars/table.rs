//! The table of one data set: every estimator at the test cut, the champion of the day, and the bars.

use crate::bars::{FIGURES, Figure, Reference, Row};
use crate::frame::origin;
use crate::orders::{Shop, span};
use quintile::analytics::ltv::ESTIMATORS;
use quintile::analytics::ltv::backtest::{Accuracy, Champion, Objective, Origin, backtest, champion};
use std::error::Error;

/// A data set with its two cuts.
pub struct Set<'a> {
    pub name: &'static str,
    pub shop: &'a Shop,
    pub train: i64,
    pub test: i64,
    pub horizon_days: i64,
    pub reference: Reference,
}

/// Bars met, and bars.
#[derive(Clone, Copy, Default)]
pub struct Count {
    pub met: usize,
    pub of: usize,
}

impl Count {
    pub fn add(&mut self, is_met: bool) {
        self.met += usize::from(is_met);
        self.of += 1;
    }
}

/// Most cuts that a job looks back at: `ltv_origins`.
const ORIGINS: i64 = 6;

/// Horizon and cuts of a job whose last day is `last`, as `ltv_windows.sql` has them: the longest horizon that fits four times.
pub fn cuts_of_job(first: i64, last: i64) -> (i64, Vec<i64>) {
    let horizon = [365, 180, 90].into_iter().find(|days| last - first >= 4 * days).unwrap_or(30);
    let cuts = (1..=ORIGINS).filter(|n| last - (n + 1) * horizon >= first).map(|n| last - n * horizon);
    let mut cuts: Vec<i64> = cuts.collect();
    cuts.reverse();
    (horizon, cuts)
}

/// Whom a job on the evening of the test cut would make champion: nothing after that cut is looked at.
pub fn champion_of(set: &Set) -> Result<(i64, Champion), Box<dyn Error>> {
    let (first, _) = span(set.shop).ok_or("no orders")?;
    let (horizon, cuts) = cuts_of_job(first, set.test);
    let origins: Vec<Origin> = cuts.iter().map(|cut| origin(set.shop, *cut, horizon)).collect();
    let tested = backtest(&origins, &ESTIMATORS, horizon as f64).map_err(|refusal| refusal.reason)?;
    Ok((horizon, champion::choose(&tested, Objective::Balanced, None)))
}

/// Prints the table, and counts the bars that the champion meets.
pub fn print(set: &Set) -> Result<(Count, Count), Box<dyn Error>> {
    let (job_horizon, champion) = champion_of(set)?;
    let origins = [set.train, set.test].map(|cut| origin(set.shop, cut, set.horizon_days));
    let tested = backtest(&origins, &ESTIMATORS, set.horizon_days as f64).map_err(|refusal| refusal.reason)?;
    let name = champion.estimator.unwrap_or("nobody");
    println!(
        "\n## {}: {} customers, learnt at {}, tested at {}, {} days",
        set.name,
        origins[1].customers.len(),
        origins[0].cut,
        origins[1].cut,
        set.horizon_days
    );
    println!(
        "champion: {name}, as a job on the evening of {} would choose it, from {} cuts {job_horizon} days apart ({}); nothing later was looked at\n",
        origins[1].cut,
        champion.cuts.len(),
        champion.cuts.join(", "),
    );
    println!("| estimator | {} |", FIGURES.map(Figure::name).join(" | "));
    println!("|---|{}", "---|".repeat(FIGURES.len()));
    let mut of_champion = None;
    for trial in &tested.trials {
        let mark = if trial.estimator == name { "**champion** " } else { "" };
        match trial.score(1) {
            Some(score) => {
                println!("| {mark}{} | {} |", trial.estimator, cells(&row(&score.accuracy)));
                of_champion = if trial.estimator == name { Some(row(&score.accuracy)) } else { of_champion };
            }
            None => println!("| {} | refused {:?} |", trial.estimator, trial.last()),
        }
    }
    println!("| reference: best of each column | {} |", cells(&set.reference.best));
    let bars: Vec<(String, &Row, bool)> = set
        .reference
        .meet
        .iter()
        .map(|(of, bars)| (format!("meet the reference's {of}"), bars, true))
        .chain([("beat".to_owned(), &set.reference.beat, false)])
        .filter(|(_, bars, _)| bars.iter().any(|bar| bar.is_finite()))
        .collect();
    for (what, bars, _) in &bars {
        println!("| bar: {what} | {} |", cells(bars));
    }
    let of_champion = of_champion.ok_or("the champion gives no numbers at the test cut")?;
    let (mut meet, mut beat) = (Count::default(), Count::default());
    println!("\nThe champion, rounded as the bars are printed:");
    for (what, bars, is_meet) in bars {
        let count = if is_meet { &mut meet } else { &mut beat };
        for ((figure, bar), value) in FIGURES.iter().zip(bars).zip(of_champion).filter(|((_, bar), _)| bar.is_finite())
        {
            let is_met = figure.is_met(value, *bar);
            count.add(is_met);
            let verdict = if is_met { "met" } else { "missed" };
            println!(
                "  {what}, {}: {} against {}: {verdict}",
                figure.name(),
                cell(*figure, value),
                cell(*figure, *bar)
            );
        }
    }
    Ok((meet, beat))
}

fn row(accuracy: &Accuracy) -> Row {
    FIGURES.map(|figure| figure.of(accuracy).unwrap_or(f64::NAN))
}

fn cells(row: &Row) -> String {
    FIGURES.iter().zip(row).map(|(figure, value)| cell(*figure, *value)).collect::<Vec<_>>().join(" | ")
}

fn cell(figure: Figure, value: f64) -> String {
    match figure {
        _ if !value.is_finite() => String::new(),
        Figure::Bias => format!("{value:+.0}"),
        // One digit more than bars have, where one decides.
        _ => format!("{value:.*}", figure.digits(value) + usize::from(figure.digits(value) == 3)),
    }
}
