//! Rolling origins: the cuts that a back-test stands at, and which earlier cut each may learn from.
//!
//! A cut is the end of a day. What is known of customers comes from days up to it; what they did is counted in the horizon
//! after it. Someone who stood at a cut could learn from an earlier one only if its horizon had ended by then; the protocol
//! checks this on the days themselves, so that no label, date format or order of arguments can carry the future in.

use crate::analytics::ltv::estimator::{Customers, Outcome, Refusal};

/// A cut, what was known of customers there, and what they did in the horizon after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// Name of the cut for people, such as its date.
    pub cut: String,
    /// Day of the cut, counted from any day that all origins share.
    pub cut_day: i64,
    /// Customers as they were known at the end of that day.
    pub customers: Customers,
    /// What they did in the horizon after it.
    pub outcome: Outcome,
    /// The latest day that went into each feature, for those that tell it.
    pub known_until: Vec<KnownUntil>,
}

/// The latest day that went into a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownUntil {
    /// Name of the feature.
    pub feature: String,
    /// The day, counted like [`Origin::cut_day`].
    pub day: i64,
}

/// Days of the cuts that data from `first_day` to `last_day` allow, in order of time: the last one a horizon before the end, each
/// `step_days` before the next, none with less than a horizon of history, at most `origins_max`.
#[must_use]
pub fn rolling_cuts(first_day: i64, last_day: i64, horizon_days: i64, step_days: i64, origins_max: usize) -> Vec<i64> {
    if horizon_days < 1 || step_days < 1 {
        return Vec::new();
    }
    let earliest = first_day.saturating_add(horizon_days);
    let latest = last_day.saturating_sub(horizon_days);
    let mut cuts: Vec<i64> = std::iter::successors(Some(latest), |cut| cut.checked_sub(step_days))
        .take_while(|cut| *cut >= earliest)
        .take(origins_max)
        .collect();
    cuts.reverse();
    cuts
}

/// The origin that one who stands at origin `k` may learn from: the latest whose horizon had ended by then.
#[must_use]
pub fn earlier_of(origins: &[Origin], k: usize, horizon_days: f64) -> Option<usize> {
    let now = origins.get(k)?.cut_day as f64;
    (0..k).rev().find(|j| origins[*j].cut_day as f64 + horizon_days <= now)
}

/// Refuses origins that no back-test can be made of.
///
/// # Errors
/// `no_origins`, `horizon_out_of_range`, `origins_out_of_order`, `lengths_differ`, `features_differ`, `not_finite`.
pub fn check(origins: &[Origin], horizon_days: f64) -> Result<(), Refusal> {
    let refuse = |code, reason: String| Err(Refusal { code, reason });
    if !(horizon_days.is_finite() && horizon_days >= 1.0) {
        return refuse("horizon_out_of_range", format!("The horizon is {horizon_days} days; it must be at least one."));
    }
    let Some(first) = origins.first() else {
        return refuse(
            "no_origins",
            "No cut has a whole horizon after it in the data, so nothing can be tested.".into(),
        );
    };
    if let Some(pair) = origins.windows(2).find(|pair| pair[0].cut_day >= pair[1].cut_day) {
        return refuse(
            "origins_out_of_order",
            format!("Cut {} does not lie after cut {}; origins go in the order of time.", pair[1].cut, pair[0].cut),
        );
    }
    for origin in origins {
        check_lengths(origin)?;
        check_numbers(origin)?;
        let names = |origin: &Origin| -> Vec<String> {
            origin.customers.features.iter().map(|feature| feature.name.clone()).collect()
        };
        if names(origin) != names(first) {
            return refuse(
                "features_differ",
                format!("Cut {} has other features, or another order of them, than cut {}.", origin.cut, first.cut),
            );
        }
    }
    Ok(())
}

fn check_lengths(origin: &Origin) -> Result<(), Refusal> {
    let (customers, outcome) = (&origin.customers, &origin.outcome);
    let columns = [
        ("mean values", customers.mean_values.len()),
        ("outcome revenue", outcome.revenue.len()),
        ("outcome purchases", outcome.purchases.len()),
    ];
    let features = customers.features.iter().map(|feature| (feature.name.as_str(), feature.values.len()));
    for (name, length) in columns.into_iter().chain(features) {
        if length != customers.len() {
            let reason = format!(
                "At cut {} there are {} customers, but {length} values of {name}.",
                origin.cut,
                customers.len()
            );
            return Err(Refusal { code: "lengths_differ", reason });
        }
    }
    Ok(())
}

fn check_numbers(origin: &Origin) -> Result<(), Refusal> {
    let refuse = |what: &str, customer: usize| {
        let reason = format!("At cut {} {what} of customer number {} is not finite.", origin.cut, customer + 1);
        Err(Refusal { code: "not_finite", reason })
    };
    for (customer, history) in origin.customers.histories.iter().enumerate() {
        if !(history.repeat_count + history.last_purchase_weeks + history.age_weeks).is_finite() {
            return refuse("the purchase history", customer);
        }
    }
    if let Some(customer) =
        origin.customers.mean_values.iter().position(|mean| mean.is_some_and(|mean| !mean.is_finite()))
    {
        return refuse("the mean value", customer);
    }
    for (what, values) in [("the revenue", &origin.outcome.revenue), ("the purchases", &origin.outcome.purchases)] {
        if let Some(customer) = values.iter().position(|value| !value.is_finite()) {
            return refuse(what, customer);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::estimator::Feature;
    use crate::analytics::ltv::process::grouping::History;
    use proptest::prelude::*;

    fn at(day: i64) -> Origin {
        Origin {
            cut: format!("day {day}"),
            cut_day: day,
            customers: Customers {
                histories: vec![History { repeat_count: 1.0, last_purchase_weeks: 1.0, age_weeks: 2.0 }],
                mean_values: vec![Some(5.0)],
                features: vec![Feature { name: "revenue".into(), values: vec![10.0] }],
            },
            outcome: Outcome { revenue: vec![1.0], purchases: vec![1.0] },
            known_until: Vec::new(),
        }
    }

    fn code(origins: &[Origin], horizon_days: f64) -> &'static str {
        check(origins, horizon_days).expect_err("refused").code
    }

    #[test]
    fn an_origin_learns_from_the_latest_one_whose_horizon_had_ended() {
        let origins = [at(0), at(30), at(89), at(90), at(120)];
        assert_eq!(
            (0..5).map(|k| earlier_of(&origins, k, 90.0)).collect::<Vec<_>>(),
            [None, None, None, Some(0), Some(1)]
        );
        assert_eq!(earlier_of(&origins, 3, 90.5), None);
        assert_eq!(earlier_of(&origins, 9, 90.0), None);
    }

    #[test]
    fn malformed_origins_are_refused_by_name() {
        assert_eq!(check(&[at(0), at(1)], 30.0), Ok(()));
        assert_eq!(code(&[], 30.0), "no_origins");
        assert_eq!(code(&[at(0)], f64::NAN), "horizon_out_of_range");
        assert_eq!(code(&[at(1), at(1)], 30.0), "origins_out_of_order");
        let mut other = at(0);
        other.outcome.revenue.push(1.0);
        assert_eq!(code(&[other], 30.0), "lengths_differ");
        let mut other = at(0);
        other.customers.features[0].values.clear();
        assert_eq!(code(&[other], 30.0), "lengths_differ");
        let mut other = at(5);
        other.customers.features[0].name = "income".into();
        assert_eq!(code(&[at(0), other], 30.0), "features_differ");
        for break_it in [
            |origin: &mut Origin| origin.outcome.revenue[0] = f64::NAN,
            |origin: &mut Origin| origin.outcome.purchases[0] = f64::INFINITY,
            |origin: &mut Origin| origin.customers.mean_values[0] = Some(f64::NAN),
            |origin: &mut Origin| origin.customers.histories[0].age_weeks = f64::NAN,
        ] {
            let mut other = at(0);
            break_it(&mut other);
            assert_eq!(code(&[other], 30.0), "not_finite");
        }
    }

    #[test]
    fn cuts_roll_back_from_the_last_whole_horizon() {
        assert_eq!(rolling_cuts(0, 545, 90, 90, 4), [185, 275, 365, 455]);
        assert_eq!(rolling_cuts(0, 545, 90, 90, 9), [95, 185, 275, 365, 455]);
        assert!(rolling_cuts(0, 100, 90, 30, 9).is_empty());
        assert!(rolling_cuts(0, 100, 0, 30, 9).is_empty());
        assert!(rolling_cuts(i64::MIN, i64::MAX, 90, i64::MAX, 9).len() <= 9);
    }

    proptest! {
        #[test]
        fn no_horizon_that_is_learnt_from_reaches_past_the_cut(
            gaps in prop::collection::vec(1i64..60, 1..12), horizon in 1.0f64..120.0,
        ) {
            let mut day = 0;
            let origins: Vec<Origin> = gaps.iter().map(|gap| { day += gap; at(day) }).collect();
            for k in 0..origins.len() {
                let ended = |j: usize| origins[j].cut_day as f64 + horizon <= origins[k].cut_day as f64;
                match earlier_of(&origins, k, horizon) {
                    Some(j) => prop_assert!(j < k && ended(j) && (j + 1..k).all(|later| !ended(later))),
                    None => prop_assert!((0..k).all(|j| !ended(j))),
                }
            }
        }
    }
}
