//! Fits of the whole CDNOW file and of the summary that other packages ship, against the reference's values.

use super::cdnow::assert_near;
use super::process::choice::fit_process;
use super::process::grouping::{Groups, History};
use super::{BgNbd, MbgNbd, ParetoNbd, PurchaseProcess, gamma_gamma};
use chrono::NaiveDate;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;

/// Histories, `(count, mean)` of repeat customers with a positive mean, and purchase days of the 39 weeks after.
fn master() -> (Vec<History>, Vec<(f64, f64)>, f64) {
    let mut text = String::new();
    let bytes: &[u8] = include_bytes!("../../../seeds/demo/CDNOW_master.txt.gz");
    GzDecoder::new(bytes).read_to_string(&mut text).expect("a gzip file");
    let mut orders: BTreeMap<&str, BTreeMap<NaiveDate, f64>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let day = NaiveDate::parse_from_str(fields[1], "%Y%m%d").expect("a date");
        *orders.entry(fields[0]).or_default().entry(day).or_default() += fields[3].parse::<f64>().expect("dollars");
    }
    let end = NaiveDate::from_ymd_opt(1997, 9, 30).expect("a date");
    let (mut histories, mut valued, mut holdout) = (Vec::new(), Vec::new(), 0.0);
    for days in orders.values() {
        let first = *days.keys().next().expect("an order");
        let weeks = |day: NaiveDate| (day - first).num_days() as f64 / 7.0;
        let past: Vec<(&NaiveDate, &f64)> = days.range(..=end).collect();
        let count = past.len() as f64 - 1.0;
        holdout += (days.len() - past.len()) as f64;
        let last = past.last().map_or(first, |(day, _)| **day);
        histories.push(History { repeat_count: count, last_purchase_weeks: weeks(last), age_weeks: weeks(end) });
        let mean = past.iter().skip(1).map(|(_, value)| **value).sum::<f64>() / count;
        if count > 0.0 && mean > 0.0 {
            valued.push((count, mean));
        }
    }
    (histories, valued, holdout)
}

struct Reference {
    process: &'static dyn PurchaseProcess,
    theta: [f64; 4],
    tolerance: f64,
    log_likelihood: f64,
    purchases: f64,
}

#[test]
fn cdnow_master_equals_the_reference() {
    let (histories, valued, holdout) = master();
    assert_eq!((histories.len(), holdout), (23_570, 19_684.0));
    let groups = Groups::new(&histories).0;
    assert_eq!(groups.rows.len(), 8_685);
    assert_eq!(histories.iter().map(|history| history.repeat_count).sum::<f64>(), 24_337.0);
    let references = [
        Reference {
            process: &BgNbd,
            theta: [0.251_624, 4.788_943, 0.723_434, 2.161_088],
            tolerance: 1e-4,
            log_likelihood: -95_368.443_93,
            purchases: 16_873.7,
        },
        Reference {
            process: &MbgNbd,
            theta: [0.637_140, 7.310_289, 0.807_474, 1.228_394],
            tolerance: 1e-4,
            log_likelihood: -95_336.958_32,
            purchases: 15_933.6,
        },
        Reference {
            process: &ParetoNbd,
            theta: [0.597_420, 11.585_658, 0.522_186, 8.827_760],
            tolerance: 5e-3,
            log_likelihood: -95_415.118_62,
            purchases: 17_153.2,
        },
    ];
    for reference in references {
        let fit = fit_process(reference.process, &groups).expect("finite");
        let theta = &fit.estimate.theta;
        for (ours, published) in theta.iter().zip(reference.theta) {
            assert_near(*ours, published, reference.tolerance);
        }
        let found = fit.estimate.log_likelihood;
        assert!(found >= reference.log_likelihood - 0.001, "{}: {found}", reference.process.name());
        let ahead =
            groups.rows.iter().map(|row| row.weight * reference.process.expected_purchases(theta, &row.history, 39.0));
        assert_near(ahead.sum(), reference.purchases, 1e-4);
    }
    assert_eq!(valued.len(), 9_450);
    let estimate = gamma_gamma::fit(&valued).expect("finite");
    for (ours, published) in estimate.theta.iter().zip([6.275_358, 3.624_450, 14.983_690]) {
        assert_near(*ours, published, 1e-4);
    }
    assert!(estimate.log_likelihood >= -40_763.476_26 - 0.001, "{}", estimate.log_likelihood);
}

/// Weeks and values rounded to two decimals, as lifetimes and BTYD ship it.
#[test]
fn the_two_decimal_summary_equals_the_reference() {
    let mut histories = Vec::new();
    let mut valued = Vec::new();
    for line in include_str!("../../../tests/fixtures/cdnow_summary_two_decimals.csv").lines().skip(1) {
        let numbers: Vec<f64> = line.split(',').map(|field| field.trim().parse().expect("a number")).collect();
        histories.push(History { repeat_count: numbers[1], last_purchase_weeks: numbers[2], age_weeks: numbers[3] });
        if numbers[1] > 0.0 && numbers[4] > 0.0 {
            valued.push((numbers[1], numbers[4]));
        }
    }
    let groups = Groups::new(&histories).0;
    let references: [(&'static dyn PurchaseProcess, f64); 3] =
        [(&BgNbd, -9_582.425_56), (&MbgNbd, -9_582.132_68), (&ParetoNbd, -9_594.973_93)];
    for (process, log_likelihood) in references {
        let found = fit_process(process, &groups).expect("finite").estimate.log_likelihood;
        assert!((found - log_likelihood).abs() < 1e-4, "{}: {found}", process.name());
    }
    let estimate = gamma_gamma::fit(&valued).expect("finite");
    for (ours, published) in estimate.theta.iter().zip([6.248_801, 3.744_589, 15.447_752]) {
        assert_near(*ours, published, 1e-5);
    }
    assert!((estimate.log_likelihood + 4_055.923_24).abs() < 1e-4, "{}", estimate.log_likelihood);
}
