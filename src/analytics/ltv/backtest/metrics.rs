//! How near predictions come to what happened: error, explained variance, total, probabilities, intervals, in one table.
//!
//! A metric that the data do not define (the R2 of constant outcomes, the AUC when nobody buys) is absent, never zero or `NaN`.

use super::ranking::{auc, normalized_gini, spearman, top_decile_share};
use crate::analytics::ltv::estimator::{Outcome, Prediction};
use serde::Serialize;

/// The accuracy of one prediction against one outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Accuracy {
    /// Number of customers.
    pub customers: usize,
    /// Root of the mean squared error of revenue, in currency.
    pub rmse: Option<f64>,
    /// Mean absolute error of revenue, in currency.
    pub mae: Option<f64>,
    /// Share of the variance of revenue that is explained: `1 - Σ (y - ŷ)² / Σ (y - ȳ)²`; below 0 when worse than the mean.
    pub r2: Option<f64>,
    /// Rank correlation of revenue.
    pub spearman: Option<f64>,
    /// Quality of the order by predicted revenue.
    pub normalized_gini: Option<f64>,
    /// Share of all actual revenue that the best tenth by prediction brought.
    pub top_decile_share: Option<f64>,
    /// Predicted revenue of all customers.
    pub predicted_total: Option<f64>,
    /// Their actual revenue.
    pub actual_total: Option<f64>,
    /// `predicted / actual - 1` of the totals; absent unless the actual total is positive.
    pub total_bias: Option<f64>,
    /// Mean squared error of the probability of a purchase.
    pub brier: Option<f64>,
    /// Area under the ROC curve of the probability of a purchase.
    pub auc: Option<f64>,
    /// Root of the mean squared deviation of actual revenue from its own mean: the RMSE of a constant that knew the mean.
    pub actual_deviation: Option<f64>,
    /// Mean absolute deviation of actual revenue from its own mean: the MAE of that constant.
    pub actual_mean_deviation: Option<f64>,
}

impl Accuracy {
    /// Compares `prediction` with `outcome`, customer by customer. Both must have one entry a customer; where they do not, the
    /// shorter length counts.
    #[must_use]
    pub fn of(prediction: &Prediction, outcome: &Outcome) -> Accuracy {
        let n = prediction.revenue.len().min(outcome.revenue.len());
        let (actual, predicted) = (&outcome.revenue[..n], &prediction.revenue[..n]);
        let (predicted_total, actual_total) = (total(predicted), total(actual));
        let mean = vec![actual_total / n as f64; n];
        let has_bought: Vec<bool> = outcome.purchases.iter().map(|purchases| *purchases > 0.0).collect();
        let buys = prediction.buys.as_ref().filter(|buys| buys.len() == has_bought.len());
        Accuracy {
            customers: n,
            rmse: rmse(actual, predicted),
            mae: mae(actual, predicted),
            r2: r2(actual, predicted),
            spearman: spearman(actual, predicted),
            normalized_gini: normalized_gini(actual, predicted),
            top_decile_share: top_decile_share(actual, predicted),
            predicted_total: finite(predicted_total),
            actual_total: finite(actual_total),
            total_bias: if actual_total > 0.0 { finite(predicted_total / actual_total - 1.0) } else { None },
            brier: buys.and_then(|buys| brier(&has_bought, buys)),
            auc: buys.and_then(|buys| auc(&has_bought, buys)),
            actual_deviation: rmse(actual, &mean),
            actual_mean_deviation: mae(actual, &mean),
        }
    }
}

/// The number, if it is one.
#[must_use]
pub fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Sum with the rounding carried along (Neumaier 1974), so that the order of the rows does not show in the digits.
#[must_use]
pub fn total(values: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    if sum.is_finite() { sum + lost } else { sum }
}

fn mean_of(values: &[f64]) -> Option<f64> {
    finite(total(values) / values.len() as f64)
}

/// Root of the mean squared error; `None` without customers.
#[must_use]
pub fn rmse(actual: &[f64], predicted: &[f64]) -> Option<f64> {
    mean_of(&actual.iter().zip(predicted).map(|(y, p)| (y - p).powi(2)).collect::<Vec<_>>()).map(f64::sqrt)
}

/// Mean absolute error; `None` without customers.
#[must_use]
pub fn mae(actual: &[f64], predicted: &[f64]) -> Option<f64> {
    mean_of(&actual.iter().zip(predicted).map(|(y, p)| (y - p).abs()).collect::<Vec<_>>())
}

/// Coefficient of determination; `None` when the actual values do not vary.
#[must_use]
pub fn r2(actual: &[f64], predicted: &[f64]) -> Option<f64> {
    let first = *actual.first()?;
    if actual.iter().all(|value| *value == first) {
        return None;
    }
    let mean = vec![mean_of(actual)?; actual.len()];
    finite(1.0 - (rmse(actual, predicted)? / rmse(actual, &mean)?).powi(2))
}

/// Brier score: mean squared distance of a probability from what happened, 0 or 1; `None` without customers.
#[must_use]
pub fn brier(has_event: &[bool], probability: &[f64]) -> Option<f64> {
    mean_of(&has_event.iter().zip(probability).map(|(event, p)| (f64::from(*event) - p).powi(2)).collect::<Vec<_>>())
}

/// How often intervals held the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Number of intervals.
    pub customers: usize,
    /// Share of actual values inside, borders included (counts sit on borders).
    pub inside_share: f64,
    /// Share below the lower border.
    pub below_share: f64,
    /// Share above the upper border.
    pub above_share: f64,
    /// Mean of upper less lower border.
    pub mean_width: f64,
}

/// Compares `actual` with the borders given for each customer, such as p10 and p90; `None` without customers, with lengths that
/// differ, or where a border is not finite or the lower one above the upper.
#[must_use]
pub fn coverage(actual: &[f64], low: &[f64], high: &[f64]) -> Option<Coverage> {
    if actual.is_empty() || low.len() != actual.len() || high.len() != actual.len() {
        return None;
    }
    let is_interval = |(low, high): (&f64, &f64)| low.is_finite() && high.is_finite() && low <= high;
    if !low.iter().zip(high).all(is_interval) {
        return None;
    }
    let n = actual.len() as f64;
    let below = actual.iter().zip(low).filter(|(y, low)| y < low).count() as f64;
    let above = actual.iter().zip(high).filter(|(y, high)| y > high).count() as f64;
    let widths: Vec<f64> = low.iter().zip(high).map(|(low, high)| high - low).collect();
    Some(Coverage {
        customers: actual.len(),
        inside_share: (n - below - above) / n,
        below_share: below / n,
        above_share: above / n,
        mean_width: mean_of(&widths)?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Actual revenue, predicted revenue, probability of a purchase.
    pub type Case = (&'static [f64], &'static [f64], &'static [f64]);

    pub const SMALL: Case = (
        &[12.5, 0.0, 3.25, 40.0, 7.0, 0.0, 18.0],
        &[10.0, 1.5, 4.0, 30.0, 9.0, 0.5, 25.0],
        &[0.9, 0.2, 0.4, 0.95, 0.5, 0.1, 0.8],
    );
    pub const TIED: Case = (
        &[0.0, 0.0, 5.0, 5.0, 0.0, 20.0, -3.0, 5.0, 0.0, 1.0],
        &[1.0, 1.0, 1.0, 4.0, 0.0, 4.0, 0.0, 2.0, 2.0, 1.0],
        &[0.3, 0.3, 0.3, 0.8, 0.1, 0.8, 0.1, 0.5, 0.5, 0.3],
    );

    #[track_caller]
    pub fn assert_close(ours: Option<f64>, reference: f64) {
        let ours = ours.expect("defined");
        assert!((ours - reference).abs() <= 1e-12 * reference.abs().max(1.0), "ours {ours}, reference {reference}");
    }

    fn accuracy(case: Case) -> Accuracy {
        let prediction = Prediction { revenue: case.1.to_vec(), purchases: None, buys: Some(case.2.to_vec()) };
        // Who brought something has bought.
        let purchases = case.0.iter().map(|value| f64::from(*value > 0.0)).collect();
        Accuracy::of(&prediction, &Outcome { revenue: case.0.to_vec(), purchases })
    }

    #[test]
    fn accuracy_equals_scikit_learn() {
        let small = accuracy(SMALL);
        assert_close(small.rmse, 4.815340071064556);
        assert_close(small.mae, 3.4642857142857144);
        assert_close(small.r2, 0.8656691051503732);
        assert_close(small.total_bias, -0.009287925696594423);
        assert_close(small.brier, 0.10178571428571427);
        let tied = accuracy(TIED);
        assert_close(tied.rmse, 5.449770637375485);
        assert_close(tied.mae, 3.1);
        assert_close(tied.r2, 0.21031640521137984);
        assert_close(tied.total_bias, -0.5151515151515151);
        assert_close(tied.brier, 0.176);
        assert_close(tied.auc, 0.82);
    }

    #[test]
    fn what_is_not_defined_is_absent() {
        let none = Accuracy::of(&Prediction::default(), &Outcome::default());
        let nothing_known = Accuracy { predicted_total: Some(0.0), actual_total: Some(0.0), ..Accuracy::default() };
        assert_eq!(none, nothing_known);
        let zero = Outcome { revenue: vec![0.0; 3], purchases: vec![0.0; 3] };
        let accuracy = Accuracy::of(&Prediction { revenue: vec![1.0, 2.0, 3.0], ..Prediction::default() }, &zero);
        assert_eq!((accuracy.r2, accuracy.spearman, accuracy.normalized_gini), (None, None, None));
        assert_eq!((accuracy.total_bias, accuracy.top_decile_share, accuracy.brier), (None, None, None));
        assert_close(accuracy.mae, 2.0);
        let huge = Outcome { revenue: vec![f64::MAX, -f64::MAX], purchases: vec![1.0; 2] };
        let accuracy = Accuracy::of(&Prediction { revenue: vec![0.0, 1.0], ..Prediction::default() }, &huge);
        assert_eq!((accuracy.rmse, accuracy.r2), (None, None));
    }

    #[test]
    fn intervals_hold_their_borders() {
        let found = coverage(&[0.0, 1.0, 5.0, 9.0], &[0.0, 2.0, 4.0, 1.0], &[0.0, 3.0, 6.0, 8.0]).expect("intervals");
        assert_eq!(
            (found.inside_share, found.below_share, found.above_share, found.mean_width),
            (0.5, 0.25, 0.25, 2.5)
        );
        assert_eq!(coverage(&[1.0], &[2.0], &[1.0]), None);
        assert_eq!(coverage(&[1.0], &[f64::NAN], &[1.0]), None);
        assert_eq!(coverage(&[], &[], &[]), None);
        assert_eq!(coverage(&[1.0], &[], &[]), None);
    }

    #[test]
    fn a_sum_keeps_what_rounding_takes() {
        assert_eq!(total(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(total(&[f64::MAX, f64::MAX]), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn a_perfect_prediction_has_no_error(actual in prop::collection::vec(-100.0f64..1e4, 2..50)) {
            let prediction = Prediction { revenue: actual.clone(), ..Prediction::default() };
            let purchases = vec![1.0; actual.len()];
            let accuracy = Accuracy::of(&prediction, &Outcome { revenue: actual, purchases });
            prop_assert_eq!((accuracy.rmse, accuracy.mae), (Some(0.0), Some(0.0)));
            prop_assert!(accuracy.r2.is_none_or(|r2| r2 == 1.0));
            prop_assert!(accuracy.total_bias.is_none_or(|bias| bias == 0.0));
        }

        #[test]
        fn errors_have_their_bounds_and_no_order(rows in prop::collection::vec((-100.0f64..1e4, -100.0f64..1e4, 0.0f64..=1.0), 2..50)) {
            let of = |rows: &[(f64, f64, f64)]| {
                let prediction = Prediction {
                    revenue: rows.iter().map(|row| row.1).collect(),
                    purchases: None,
                    buys: Some(rows.iter().map(|row| row.2).collect()),
                };
                let revenue: Vec<f64> = rows.iter().map(|row| row.0).collect();
                let purchases = revenue.iter().map(|value| f64::from(*value > 50.0)).collect();
                Accuracy::of(&prediction, &Outcome { revenue, purchases })
            };
            let (accuracy, turned) = (of(&rows), of(&rows.iter().rev().copied().collect::<Vec<_>>()));
            let (rmse, mae) = (accuracy.rmse.expect("rows"), accuracy.mae.expect("rows"));
            prop_assert!(mae <= rmse * (1.0 + 1e-12));
            prop_assert!(accuracy.r2.is_none_or(|r2| r2 <= 1.0));
            prop_assert!((0.0..=1.0).contains(&accuracy.brier.expect("rows")));
            prop_assert!(accuracy.auc.is_none_or(|auc| (0.0..=1.0).contains(&auc)));
            let near = |left: Option<f64>, right: Option<f64>| match (left, right) {
                (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * left.abs().max(1.0),
                (left, right) => left == right,
            };
            prop_assert!(near(accuracy.rmse, turned.rmse) && near(accuracy.r2, turned.r2) && near(accuracy.brier, turned.brier));
            prop_assert!(near(accuracy.auc, turned.auc) && near(accuracy.total_bias, turned.total_bias));
        }
    }
}
