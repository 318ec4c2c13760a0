//! What lifetime values are worth on public data, by the honest protocol, beside the bars of the reference: figures, not a test.
//!
//! `cargo bench --bench ltv_bars` (or `make bench-ltv`) reads the bundled CDNOW and Online Retail, and ends with 0 whatever it finds.
//!
//! | file | holds |
//! |---|---|
//! | `orders` | order lines, added up to days of each customer |
//! | `frame` | what `ltv_windows.sql` knows at a cut |
//! | `bars` | figures of the reference |
//! | `table` | every estimator at the test cut |
//! | `churn` | who buys again |
//! | `intervals` | how often intervals hold |

#![allow(clippy::print_stdout, reason = "what it prints is its result")]

mod bars;
mod churn;
mod frame;
mod intervals;
mod orders;
mod table;

use orders::day;
use std::error::Error;
use table::{Count, Set};

fn main() -> Result<(), Box<dyn Error>> {
    let start = std::time::Instant::now();
    let root = env!("CARGO_MANIFEST_DIR");
    let cdnow = orders::cdnow(root)?;
    let sample = orders::cdnow_sample(root, &cdnow)?;
    let retail = orders::online_retail(root)?;
    println!("# Lifetime value: figures and bars (`make bench-ltv`, which is `cargo bench --bench ltv_bars`)");
    let sets = [
        Set {
            name: "CDNOW B",
            shop: &cdnow,
            train: day("1997-07-04")?,
            test: day("1997-12-31")?,
            horizon_days: 180,
            reference: bars::CDNOW,
        },
        Set {
            name: "Online Retail B, net of returns",
            shop: &retail,
            train: day("2011-06-12")?,
            test: day("2011-09-10")?,
            horizon_days: 90,
            reference: bars::ONLINE_RETAIL,
        },
    ];
    let (mut meet, mut beat) = (Count::default(), Count::default());
    let add = |sum: &mut Count, more: Count| (sum.met, sum.of) = (sum.met + more.met, sum.of + more.of);
    for set in &sets {
        let (met, beaten) = table::print(set)?;
        add(&mut meet, met);
        add(&mut beat, beaten);
    }

    println!("\n## Who buys again: CDNOW sample, calibration to 1997-09-30, 39 weeks after it");
    add(&mut meet, churn::print(&sample, day("1997-09-30")?, 273)?);

    println!("\n## 80 percent intervals of each customer (bar: 80 to 95 % inside, ends included)\n");
    println!("| data | process | of | inside | below | above | |\n|---|---|---|---|---|---|---|");
    add(&mut meet, intervals::of_customers("CDNOW sample, 273 days", &sample, day("1997-09-30")?, 273)?);
    add(&mut meet, intervals::of_customers("Online Retail, 90 days", &retail, day("2011-09-10")?, 90)?);

    println!("\n## 80 percent interval of the total, cuts 30 days apart (bar: 7 of 10)\n");
    println!("| data | horizon days | estimator | inside | |\n|---|---|---|---|---|");
    // All of CDNOW's customers have come by the end of March.
    for horizon_days in [30, 90] {
        add(&mut meet, intervals::of_totals("CDNOW", &cdnow, horizon_days, day("1997-03-31")?)?);
    }
    add(&mut meet, intervals::of_totals("Online Retail", &retail, 30, day("2010-12-01")?)?);

    println!("\nBars met: {} of {} to meet, {} of {} to beat.", meet.met, meet.of, beat.met, beat.of);
    println!("{:.0} s, {:.0} CPU s, at most {:.0} MB.", start.elapsed().as_secs_f64(), cpu_seconds()?, peak_mb()?);
    Ok(())
}

/// User and system time of this process, all threads; Linux only, in ticks of a hundredth of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("no name in stat")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// Largest resident memory so far.
fn peak_mb() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("no number")?.parse::<f64>()? / 1024.0)
}
