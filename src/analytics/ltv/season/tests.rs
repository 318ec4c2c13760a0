//! Generated shops with a known season, and clocks by hand.

use super::*;
use crate::analytics::generate::{Kind, Parameters, Process, Shop};
use crate::analytics::ltv::BgNbd;
use proptest::prelude::*;

const START: fn() -> NaiveDate = || NaiveDate::from_ymd_opt(2022, 1, 1).unwrap_or_default();

/// Histories until day `until`, repeat purchases of each day, and the purchases of the `ahead` days after it.
fn seen(shop: &Shop, until: u32, ahead: u32) -> (Vec<DatedHistory>, Vec<f64>, f64) {
    let (mut histories, mut repeats, mut to_come) = (Vec::new(), vec![0.0; until as usize], 0.0);
    for number in 0..shop.parameters().customers {
        let mut days = std::collections::BTreeSet::new();
        shop.events_of(number, 0, u32::MAX, &mut |event| {
            if event.kind == Kind::Order {
                days.insert(event.second / 86_400);
            }
        });
        let Some(first) = days.first().copied().filter(|first| *first < until) else { continue };
        let past: Vec<u32> = days.range(..until).copied().collect();
        past.iter().skip(1).for_each(|day| repeats[*day as usize] += 1.0);
        to_come += days.range(until..until + ahead).count() as f64;
        let last_day = past.last().copied().unwrap_or(first);
        histories.push(DatedHistory { first_day: first, last_day, repeat_count: past.len() as f64 - 1.0 });
    }
    (histories, repeats, to_come)
}

fn shop(season: f64, customers: u32) -> Shop {
    let mut parameters = Parameters::new(77, customers);
    parameters.season = season;
    parameters.process = Process::BG_NBD;
    parameters.campaigns.count = 0;
    parameters.returns.share = 0.0;
    Shop::new(parameters).unwrap()
}

/// Purchases predicted for the `days` after `until`, with a season and without.
fn predicted(found: &SeasonalFit, histories: &[DatedHistory], until: u32, days: u32) -> (f64, f64) {
    let total = |season: &Season, fit: &PurchaseFit| -> f64 {
        let clock = season.clock(START(), (until + days) as usize);
        let weeks = clock.horizon_weeks(until, days);
        let of = |dated: &DatedHistory| {
            fit.estimator.expected_purchases(&fit.estimate.theta, &clock.history(dated, until), weeks)
        };
        histories.iter().map(of).sum()
    };
    (total(&found.season, &found.fit), total(&Season::none(), &found.plain))
}

/// From the first of November, after 22 months: the 60 days that follow hold Christmas.
#[test]
fn the_season_of_a_generated_shop_is_found_and_mends_the_christmas_forecast() {
    let shop = shop(1.0, 8_000);
    let until = 669;
    let (histories, repeats, came) = seen(&shop, until, 60);
    let found = fit(&BgNbd, &histories, &repeats, START()).expect("sound");
    assert_eq!(found.finding, None);
    let clock = shop.clock();
    let mut day = 0;
    for (month, factor) in found.season.factors().iter().enumerate() {
        let first = NaiveDate::from_ymd_opt(2022, month as u32 + 1, 1).unwrap();
        let next = day + u32::from(first.num_days_in_month());
        let truth = (clock.at_day(next) - clock.at_day(day)) / f64::from(next - day);
        assert!((factor / truth - 1.0).abs() < 0.09, "month {}: {factor}, truly {truth}", month + 1);
        day = next;
    }
    let (with, without) = predicted(&found, &histories, until, 60);
    assert!((with / came - 1.0).abs() < 0.05, "{with} of {came}");
    assert!(without / came - 1.0 < -0.12, "{without} of {came} without the season");
}

#[test]
fn a_wave_of_new_customers_is_not_a_season() {
    // All come within the first 200 days, so plain counts of repeat purchases rise, and fall for good.
    let mut parameters = shop(0.0, 6_000).parameters().clone();
    parameters.acquisition_days = 200;
    let shop = Shop::new(parameters).unwrap();
    let (histories, repeats, _) = seen(&shop, 730, 1);
    let found = fit(&BgNbd, &histories, &repeats, START()).expect("sound");
    let off = found.season.factors().iter().map(|factor| (factor - 1.0).abs()).fold(0.0, f64::max);
    assert!(off < 0.1, "{:?}", found.season);
    let (first, last): (f64, f64) = (repeats[100..300].iter().sum(), repeats[500..700].iter().sum());
    assert!(first > 1.5 * last, "{first} {last}");
}

#[test]
fn less_than_a_year_has_no_season_and_says_so() {
    let shop = shop(1.0, 1_500);
    let (histories, repeats, _) = seen(&shop, 300, 1);
    let found = fit(&BgNbd, &histories, &repeats, START()).expect("sound");
    assert_eq!((found.season, found.finding.map(|reason| reason.code())), (Season::none(), Some("season_not_covered")));
    assert_eq!(found.fit.estimate, found.plain.estimate);
}

#[test]
fn given_factors_have_mean_one_and_the_clock_follows_the_calendar() {
    let mut factors = [1.0; 12];
    factors[11] = 3.0;
    let season = Season::given(factors).expect("in range");
    let clock = season.clock(START(), 1461);
    // Four years of the calendar with one leap day.
    assert!((clock.at(1461) - 1461.0).abs() < 0.2, "{}", clock.at(1461));
    let december = clock.horizon_weeks(334, 31) * 7.0;
    assert!((december - 31.0 * season.factors()[11]).abs() < 1e-9);
    assert!((season.factors()[11] / season.factors()[0] - 3.0).abs() < 1e-12);
    // 29 February 2024 is the 790th day.
    assert!((clock.horizon_weeks(789, 1) * 7.0 - season.factors()[1]).abs() < 1e-9);
    assert!((clock.horizon_weeks(790, 1) * 7.0 - season.factors()[2]).abs() < 1e-9);
    assert_eq!(clock.at(1463) - clock.at(1461), 2.0);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 21.0] {
        factors[3] = bad;
        assert_eq!(Season::given(factors), None);
    }
}

#[test]
fn without_a_season_operational_time_is_the_calendar() {
    let clock = Season::none().clock(START(), 400);
    let dated = DatedHistory { first_day: 10, last_day: 17, repeat_count: 1.0 };
    let history = History { repeat_count: 1.0, last_purchase_weeks: 1.0, age_weeks: 3.0 };
    assert_eq!(clock.history(&dated, 31), history);
}

proptest! {
    #[test]
    fn the_clock_never_goes_back(factors in prop::array::uniform12(0.05f64..20.0), a in 0u32..2000, b in 0u32..2000) {
        let clock = Season::given(factors).expect("in range").clock(START(), 1500);
        prop_assert!(clock.at(a.min(b)) <= clock.at(a.max(b)));
        let dated = DatedHistory { first_day: a.min(b), last_day: a.max(b), repeat_count: if a == b { 0.0 } else { 1.0 } };
        prop_assert!(clock.history(&dated, 2000).is_sound());
    }
}
