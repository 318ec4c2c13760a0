//! Fits and scores purchase histories of a CSV file, and prints CPU seconds and peak memory as JSON, one line a step.
//!
//! `cargo bench --bench ltv_fit -- FILE.csv [--estimators mbg_nbd,pareto_nbd] [--repeat 1]`
//!
//! Columns `x,last_days,age_days`, one row a customer, and `weight` after them if rows are grouped already, as by `GROUP BY`.
//! Without a file, the CDNOW sample. `race_lifetimes.py` runs it beside lifetimes on the same rows.

#![allow(clippy::print_stdout, reason = "what it prints is its result")]

use quintile::analytics::ltv::process::choice::fit_process;
use quintile::analytics::ltv::process::grouping::{Groups, History};
use quintile::analytics::ltv::{PROCESSES, PurchaseProcess};
use std::io::{BufRead, BufReader};

const HORIZON_WEEKS: f64 = 39.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|place| arguments.get(place + 1)).cloned()
    };
    let cdnow = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cdnow_sample_cbs_exact.csv");
    let file = arguments.first().filter(|argument| !argument.starts_with("--")).map_or(cdnow, String::as_str);
    let chosen = value("--estimators").unwrap_or_else(|| "bg_nbd,mbg_nbd,pareto_nbd,nbd".into());
    let repeat: u32 = value("--repeat").map_or(Ok(1), |text| text.parse())?;
    let start = cpu_seconds()?;
    let (groups, group_of_customer) = read(file)?;
    let customers = groups.customers();
    tell(
        "read and group",
        "",
        start,
        &[("customers", customers), ("groups", groups.rows.len() as f64), ("moments", groups.moments.len() as f64)],
    )?;
    for process in PROCESSES.iter().filter(|process| chosen.split(',').any(|name| name == process.name())) {
        run(*process, &groups, &group_of_customer, repeat)?;
    }
    Ok(())
}

/// Fits, and scores every customer: P(alive), purchases and the probability of one.
fn run(
    process: &'static dyn PurchaseProcess,
    groups: &Groups,
    group_of_customer: &[u32],
    repeat: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let start = cpu_seconds()?;
    let mut fit = Err("never fitted".to_owned());
    for _ in 0..repeat {
        fit = fit_process(process, groups).map_err(|reason| reason.sentence());
    }
    let fit = fit?;
    let theta = &fit.estimate.theta;
    let mut figures = vec![("log_likelihood", fit.estimate.log_likelihood), ("repeat", f64::from(repeat))];
    figures.extend(process.parameters().iter().zip(theta).map(|(parameter, value)| (parameter.name, *value)));
    tell("fit", process.name(), start, &figures)?;
    let start = cpu_seconds()?;
    let ahead = groups.by_age(|count, age| {
        (
            process.purchases_if_alive(theta, count, age, HORIZON_WEEKS),
            process.buys_if_alive(theta, count, age, HORIZON_WEEKS),
        )
    });
    let by_group: Vec<[f64; 3]> = process
        .alive_by_group(theta, groups)
        .iter()
        .zip(&groups.rows)
        .map(|(alive, row)| {
            let (purchases, buys) = ahead[row.age_index as usize].unwrap_or_default();
            [*alive, alive * purchases, alive * buys]
        })
        .collect();
    let mut sums = [0.0; 3];
    let mut add =
        |scores: &[f64; 3], weight: f64| sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += weight * score);
    match group_of_customer.is_empty() {
        true => by_group.iter().zip(&groups.rows).for_each(|(scores, row)| add(scores, row.weight)),
        false => group_of_customer.iter().for_each(|group| add(&by_group[*group as usize], 1.0)),
    }
    tell("score", process.name(), start, &[("alive", sums[0]), ("purchases", sums[1]), ("buyers", sums[2])])
}

/// The groups, and the group of each customer where rows are customers.
fn read(file: &str) -> Result<(Groups, Vec<u32>), Box<dyn std::error::Error>> {
    let mut lines = BufReader::new(std::fs::File::open(file)?).lines();
    let header = lines.next().ok_or("an empty file")??;
    let names: Vec<&str> = header.split(',').collect();
    let place = |name: &str| names.iter().position(|column| *column == name);
    let columns = [
        place("x").ok_or("no column x")?,
        place("last_days").or_else(|| place("tx_days")).ok_or("no column last_days")?,
        place("age_days").or_else(|| place("T_days")).ok_or("no column age_days")?,
    ];
    let weight = place("weight");
    let (mut histories, mut weighted) = (Vec::new(), Vec::new());
    for line in lines {
        let line = line?;
        let number = |place: usize| -> Result<f64, Box<dyn std::error::Error>> {
            Ok(line.split(',').nth(place).ok_or("a short line")?.parse::<f64>()?)
        };
        let history = History {
            repeat_count: number(columns[0])?,
            last_purchase_weeks: number(columns[1])? / 7.0,
            age_weeks: number(columns[2])? / 7.0,
        };
        match weight {
            Some(weight) => weighted.push((history, number(weight)?)),
            None => histories.push(history),
        }
    }
    Ok(match weight {
        Some(_) => (Groups::weighted(weighted), Vec::new()),
        None => Groups::new(&histories),
    })
}

/// One line of JSON.
fn tell(step: &str, estimator: &str, start: f64, figures: &[(&str, f64)]) -> Result<(), Box<dyn std::error::Error>> {
    let mut line = serde_json::json!({
        "step": step, "estimator": estimator, "cpu_seconds": cpu_seconds()? - start, "peak_mb": peak_mb()?,
    });
    for (name, value) in figures {
        line[*name] = (*value).into();
    }
    println!("{line}");
    Ok(())
}

/// User and system time of this process, all threads; Linux only, in ticks of a hundredth of a second.
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("no name in stat")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// Largest resident memory so far.
fn peak_mb() -> Result<f64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("no number")?.parse::<f64>()? / 1024.0)
}
