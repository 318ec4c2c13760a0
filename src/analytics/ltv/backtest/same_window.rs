//! The leaky R2 beside the honest one: how well spend is "predicted" from features of the same days, and how well from the past.
//!
//! Dashboards that report an R2 of 0.95 for lifetime value made the target from the window that the features come from, often with
//! the total among the features. That is algebra, not foresight, and linear regression then is "the best model", because the
//! target is a linear function of a feature. This makes the mistake on purpose, on the shop's own data, with the usual random
//! split of customers, so that both numbers can stand side by side.

use super::folds::{chosen, fingerprint, sample, taken};
use super::leakage::{CORRELATION_MAX, closeness};
use super::metrics::{r2, total};
use super::report::BackTest;
use crate::analytics::ltv::estimator::{Customers, Refusal};
use crate::analytics::math::matrix::{Matrix, inverse};
use serde::Serialize;

/// Fewer customers than this give no R2 worth showing.
pub const CUSTOMERS_MIN: usize = 50;

/// More customers than this say the same: of more a sample is taken, which follows from what the rows say.
const CUSTOMERS_MAX: usize = 50_000;

/// Of this many customers one is held out, as in the usual split of 80 to 20.
const HELD_OUT_ONE_IN: u64 = 5;

/// Both numbers of the box, each with its sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakyAgainstHonest {
    /// R2 of the spend until the cut, from features until the cut with the spend among them.
    pub leaky_r2: f64,
    /// The same without features that are nearly the spend.
    pub leaky_r2_without_total: Option<f64>,
    /// What the leaky number is.
    pub leaky_sentence: String,
    /// R2 of the spend after the cut, pooled over cuts, of the estimator that is shown.
    pub honest_r2: Option<f64>,
    /// What the honest number is.
    pub honest_sentence: String,
}

/// The two leaky numbers: linear regression of `spend`, each customer's revenue until the cut, on what is known at the cut and `spend`
/// itself, scored on the fifth of customers that it was not fitted to; then without features that are nearly the spend.
///
/// # Errors
/// `lengths_differ`, `too_few_customers`, `spend_does_not_vary`.
pub fn leaky_r2(customers: &Customers, spend: &[f64]) -> Result<(f64, Option<f64>), Refusal> {
    let n = customers.len();
    let refuse = |code, reason: String| Err(Refusal { code, reason });
    let is_even = customers.features.iter().all(|feature| feature.values.len() == n);
    if spend.len() != n || customers.mean_values.len() != n || !is_even || spend.iter().any(|value| !value.is_finite())
    {
        return refuse(
            "lengths_differ",
            format!("There are {n} customers, and not one finite value of each column for each."),
        );
    }
    if n < CUSTOMERS_MIN {
        return refuse("too_few_customers", format!("There are {n} customers; at least {CUSTOMERS_MIN} are needed."));
    }
    let rows = sample(customers, CUSTOMERS_MAX);
    let (customers, spend) = (&chosen(customers, &rows), &taken(spend, &rows));
    let mut columns = known_columns(customers);
    let is_held: Vec<bool> =
        (0..rows.len()).map(|row| fingerprint(customers, row).is_multiple_of(HELD_OUT_ONE_IN)).collect();
    columns.push(spend.clone());
    let Some(with_total) = split_r2(&columns, spend, &is_held) else {
        return refuse("spend_does_not_vary", "Customers' spend does not vary, or cannot be split.".into());
    };
    columns.retain(|column| closeness(column, spend).is_none_or(|closeness| closeness <= CORRELATION_MAX));
    Ok((with_total, split_r2(&columns, spend, &is_held)))
}

/// The box: the mistake on the customers of the last cut beside the estimator `shown` of the back-test.
///
/// # Errors
/// See [`leaky_r2`].
pub fn leaky_against_honest(
    customers: &Customers,
    spend: &[f64],
    tested: &BackTest,
    shown: Option<&str>,
) -> Result<LeakyAgainstHonest, Refusal> {
    let (leaky, without_total) = leaky_r2(customers, spend)?;
    let honest =
        shown.and_then(|name| tested.trial(name)).and_then(|trial| Some((trial.estimator, trial.pooled.as_ref()?.r2?)));
    let without =
        without_total.map_or_else(String::new, |r2| format!(" Without the total among the features it is {r2:.2}."));
    let leaky_sentence = format!(
        "R2 of {leaky:.2}: the spend of the same days that the features come from, \"predicted\" by a straight line for customers \
         left out at random; it repeats what was already in the till.{without}"
    );
    let cuts = tested.comparable().1.len();
    let honest_sentence = match honest {
        Some((name, r2)) => format!(
            "R2 of {r2:.2}: the net revenue of the next {:.0} days, predicted by \"{name}\" from what was known at {cuts} of the earlier cuts.",
            tested.horizon_days
        ),
        None => "No estimator gave an honest number, because the data hold no cut with an outcome that varies.".into(),
    };
    Ok(LeakyAgainstHonest {
        leaky_r2: leaky,
        leaky_r2_without_total: without_total,
        leaky_sentence,
        honest_r2: honest.map(|(_, r2)| r2),
        honest_sentence,
    })
}

/// Everything known at the cut, column by column.
fn known_columns(customers: &Customers) -> Vec<Vec<f64>> {
    let of_history = |part: fn(&crate::analytics::ltv::process::grouping::History) -> f64| {
        customers.histories.iter().map(part).collect::<Vec<f64>>()
    };
    let mut columns = vec![
        of_history(|history| history.repeat_count),
        of_history(|history| history.last_purchase_weeks),
        of_history(|history| history.age_weeks),
        customers.mean_values.iter().map(|mean| mean.unwrap_or(f64::NAN)).collect(),
    ];
    columns.extend(customers.features.iter().map(|feature| feature.values.clone()));
    columns
}

/// Least squares on the customers that are not held out, R2 on those that are; `None` where either is not defined.
fn split_r2(columns: &[Vec<f64>], target: &[f64], is_held: &[bool]) -> Option<f64> {
    let standard: Vec<Vec<f64>> = columns.iter().filter_map(|column| standardised(column)).collect();
    let fitted: Vec<usize> = (0..target.len()).filter(|row| !is_held[*row]).collect();
    let held: Vec<usize> = (0..target.len()).filter(|row| is_held[*row]).collect();
    let mean = total(&fitted.iter().map(|row| target[*row]).collect::<Vec<_>>()) / fitted.len() as f64;
    let unit = target.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
    let product = |left: &dyn Fn(usize) -> f64, right: &dyn Fn(usize) -> f64| {
        total(&fitted.iter().map(|row| left(*row) * right(*row)).collect::<Vec<_>>()) / fitted.len() as f64
    };
    // A constant comes first; a trace of ridge keeps columns that say the same solvable.
    let column = |i: usize, row: usize| if i == 0 { 1.0 } else { standard[i - 1][row] };
    let size = standard.len() + 1;
    let gram: Matrix = (0..size)
        .map(|i| {
            (0..size)
                .map(|j| product(&|row| column(i, row), &|row| column(j, row)) + if i == j { 1e-9 } else { 0.0 })
                .collect()
        })
        .collect();
    let moments: Vec<f64> =
        (0..size).map(|i| product(&|row| column(i, row), &|row| (target[row] - mean) / unit)).collect();
    let solution = inverse(&gram)?;
    let weights: Vec<f64> = solution.iter().map(|line| line.iter().zip(&moments).map(|(a, b)| a * b).sum()).collect();
    let predicted: Vec<f64> =
        held.iter().map(|row| mean + unit * (0..size).map(|i| weights[i] * column(i, *row)).sum::<f64>()).collect();
    let actual: Vec<f64> = held.iter().map(|row| target[*row]).collect();
    r2(&actual, &predicted)
}

/// Mean 0 and deviation 1, what is not known in the middle; `None` for a column that does not vary.
fn standardised(column: &[f64]) -> Option<Vec<f64>> {
    let known: Vec<f64> = column.iter().copied().filter(|value| value.is_finite()).collect();
    let mean = total(&known) / known.len() as f64;
    let deviation =
        (total(&known.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>()) / known.len() as f64).sqrt();
    if !(deviation.is_finite() && deviation > 1e-9 * mean.abs()) {
        return None;
    }
    Some(column.iter().map(|value| if value.is_finite() { (value - mean) / deviation } else { 0.0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::super::backtest;
    use super::super::tests::{AGAIN, origin};
    use super::*;
    use crate::analytics::ltv::cdnow;
    use crate::analytics::ltv::estimator::Feature;

    /// The CDNOW sample as it was known at the cut, and all spend until then.
    fn cdnow_customers() -> (Customers, Vec<f64>) {
        let spend = include_str!("../../../../tests/fixtures/cdnow_sample_cbs_exact.csv")
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(5).and_then(|field| field.parse().ok()).expect("a number"))
            .collect();
        let sample = cdnow::sample();
        let customers = Customers {
            histories: sample.iter().map(|customer| customer.history).collect(),
            mean_values: sample
                .iter()
                .map(|customer| Some(customer.mean_repeat_value).filter(|mean| *mean > 0.0))
                .collect(),
            features: Vec::new(),
        };
        (customers, spend)
    }

    /// Lifetime value reference 5: linear regression reaches an R2 of 1.000 with the total among the features, about 0.8 without it.
    #[test]
    fn the_mistake_gives_an_r2_of_one_on_cdnow() {
        let (mut customers, spend) = cdnow_customers();
        let (with_total, without) = leaky_r2(&customers, &spend).expect("enough customers");
        assert!(with_total > 0.9999, "{with_total}");
        let without = without.expect("other features");
        assert!((0.4..0.95).contains(&without), "{without}");
        // A copy of the total under another name is taken out with it.
        customers
            .features
            .push(Feature { name: "income".into(), values: spend.iter().map(|value| 1.1 * value + 5.0).collect() });
        let again = leaky_r2(&customers, &spend).expect("enough customers").1.expect("other features");
        assert!((again - without).abs() < 0.1, "{again} {without}");
    }

    #[test]
    fn the_box_has_a_sentence_for_each_number() {
        let origins = [origin(0, 1.0), origin(30, 1.0)];
        let tested = backtest(&origins, &[&AGAIN], 30.0).expect("origins");
        let customers = &origins[1].customers;
        let spend = customers.feature("revenue").expect("there").to_vec();
        let found = leaky_against_honest(customers, &spend, &tested, Some("again")).expect("enough customers");
        assert!(found.leaky_r2 > 0.9999 && found.honest_r2.is_some_and(|r2| r2 < 0.9), "{found:?}");
        assert!(found.leaky_sentence.starts_with("R2 of 1.00: the spend of the same days"));
        assert!(
            found.honest_sentence.ends_with("predicted by \"again\" from what was known at 2 of the earlier cuts.")
        );
        let nobody = leaky_against_honest(customers, &spend, &tested, None).expect("enough customers");
        assert_eq!(nobody.honest_r2, None);
    }

    #[test]
    fn what_has_no_r2_is_refused() {
        let code = |customers: &Customers, spend: &[f64]| leaky_r2(customers, spend).expect_err("refused").code;
        let (customers, spend) = cdnow_customers();
        assert_eq!(code(&customers, &spend[1..]), "lengths_differ");
        assert_eq!(code(&Customers::default(), &[]), "too_few_customers");
        assert_eq!(code(&customers, &vec![f64::NAN; spend.len()]), "lengths_differ");
        assert_eq!(code(&customers, &vec![7.0; spend.len()]), "spend_does_not_vary");
    }
}
