//! The frames of `benches/ltv_bars` are those of `ltv_windows.sql`: on CDNOW, and where something came back.

#[allow(dead_code, reason = "the bench uses the rest")]
#[path = "../../benches/ltv_bars/frame.rs"]
mod frame;
#[allow(dead_code, reason = "the bench uses the rest")]
#[path = "../../benches/ltv_bars/orders.rs"]
mod orders;

use orders::{Day, Shop};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Histories, mean values and what came after, as the reference derived them from the sample's own file.
#[test]
fn the_cdnow_sample_has_the_histories_and_holdout_of_the_reference() {
    let all = orders::cdnow(ROOT).expect("the bundled file");
    assert_eq!(all.len(), 23_570);
    let sample = orders::cdnow_sample(ROOT, &all).expect("ids");
    let cut = orders::day("1997-09-30").expect("a date");
    let found = frame::origin(&sample, cut, 273);
    let mut ours: Vec<[i64; 6]> = (0..found.customers.len())
        .map(|i| {
            let (history, mean) = (found.customers.histories[i], found.customers.mean_values[i]);
            let cents = |dollars: f64| (100.0 * dollars).round() as i64;
            [
                history.repeat_count as i64,
                (7.0 * history.last_purchase_weeks).round() as i64,
                (7.0 * history.age_weeks).round() as i64,
                cents(mean.unwrap_or(0.0)),
                found.outcome.purchases[i] as i64,
                cents(found.outcome.revenue[i]),
            ]
        })
        .collect();
    let fixture = std::fs::read_to_string(format!("{ROOT}/tests/fixtures/cdnow_sample_cbs_exact.csv")).expect("there");
    let mut theirs: Vec<[i64; 6]> = fixture
        .lines()
        .skip(1)
        .map(|line| {
            let field: Vec<f64> = line.split(',').map(|field| field.parse().expect("a number")).collect();
            let cents = |dollars: f64| (100.0 * dollars).round() as i64;
            [field[1] as i64, field[2] as i64, field[3] as i64, cents(field[4]), field[6] as i64, cents(field[7])]
        })
        .collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours.len(), 2357);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // A cent of rounding of a mean.
        assert!(ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= 1), "{ours:?} {theirs:?}");
    }
}

#[test]
fn a_return_counts_from_its_own_day_and_lowers_the_purchase_before_it() {
    let bought = |day, value| Day { day, orders: 1.0, value, returned: 0.0, units: 2.0 };
    let back = |day, value: f64| Day { day, orders: 0.0, value: -value, returned: value, units: 0.0 };
    let days = vec![back(1, 9.0), bought(2, 10.0), bought(12, 30.0), back(20, 5.0), back(21, 99.0), bought(25, 7.0)];
    let shop = Shop::from([("a".to_owned(), days), ("later".to_owned(), vec![bought(30, 1.0)])]);
    let at = |cut| frame::origin(&shop, cut, 10);
    let feature = |cut, name| at(cut).customers.feature(name).expect(name)[0];
    // Who comes later is not known yet; what came back before the first purchase is left out.
    assert_eq!((at(15).customers.len(), at(35).customers.len(), at(1).customers.len()), (1, 2, 0));
    assert_eq!((feature(15, "revenue"), feature(15, "returned_revenue")), (40.0, 0.0));
    assert_eq!((feature(20, "revenue"), feature(20, "last_purchase_value")), (35.0, 25.0));
    // More came back than was bought: the purchase is worth nothing, not less.
    assert_eq!((feature(21, "revenue"), feature(21, "returned_revenue")), (10.0, 104.0));
    assert_eq!(at(21).customers.mean_values, [None]);
    // The time behind the cut is net: 7 less 5 and 99, of one purchase day.
    assert_eq!((at(15).outcome.revenue, at(15).outcome.purchases), (vec![7.0 - 104.0], vec![1.0]));
    assert_eq!((feature(25, "revenue_30d"), feature(25, "purchases_30d")), (17.0, 3.0));
    assert_eq!((feature(32, "revenue_30d"), feature(32, "purchases_30d")), (7.0, 2.0));
}
