//! Whether predictions mean what they say: predicted and actual means by tenth of the prediction, and by repeat count.

use super::metrics::total;
use super::ranking::mid_ranks;
use crate::analytics::ltv::estimator::{Customers, Outcome, Prediction};
use serde::Serialize;

/// Repeat counts from this one on form one row, as in the papers.
pub const REPEAT_COUNT_MAX: usize = 7;

/// Customers of about the same predicted revenue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decile {
    /// 1 (lowest predictions) to 10 (highest).
    pub decile: usize,
    /// Number of customers.
    pub customers: usize,
    /// Mean predicted revenue.
    pub predicted_mean: f64,
    /// Mean actual revenue.
    pub actual_mean: f64,
}

/// Customers with the same number of repeat purchases at the cut.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrequencyRow {
    /// Repeat count; the last row holds [`REPEAT_COUNT_MAX`] and more.
    pub repeat_count: usize,
    /// Number of customers.
    pub customers: usize,
    /// Mean predicted purchase days, of estimators that tell.
    pub predicted_purchases_mean: Option<f64>,
    /// Mean actual purchase days.
    pub actual_purchases_mean: f64,
    /// Mean predicted revenue.
    pub predicted_revenue_mean: f64,
    /// Mean actual revenue.
    pub actual_revenue_mean: f64,
}

/// Tenths by predicted revenue. Customers of equal predictions stay together, in the tenth that the middle of their places lies in;
/// so tenths may differ in size, and one that nobody falls into is absent.
#[must_use]
pub fn deciles(predicted: &[f64], actual: &[f64]) -> Vec<Decile> {
    let n = predicted.len().min(actual.len());
    let tenths: Vec<usize> = mid_ranks(&predicted[..n])
        .into_iter()
        .map(|rank| (((rank - 0.5) * 10.0 / n as f64).floor() as usize).min(9))
        .collect();
    (0..10)
        .filter_map(|tenth| {
            let members: Vec<usize> = (0..n).filter(|customer| tenths[*customer] == tenth).collect();
            Some(Decile {
                decile: tenth + 1,
                customers: members.len(),
                predicted_mean: mean(predicted, &members)?,
                actual_mean: mean(actual, &members)?,
            })
        })
        .collect()
}

/// Means by number of repeat purchases at the cut: 0, 1, ..., 6, and 7 or more. Rows without customers are absent.
#[must_use]
pub fn by_frequency(customers: &Customers, prediction: &Prediction, outcome: &Outcome) -> Vec<FrequencyRow> {
    let lengths = [customers.len(), prediction.revenue.len(), outcome.revenue.len(), outcome.purchases.len()];
    let n = lengths.into_iter().min().unwrap_or(0);
    let purchases = prediction.purchases.as_ref().filter(|purchases| purchases.len() >= n);
    let row_of = |customer: &usize| (customers.histories[*customer].repeat_count as usize).min(REPEAT_COUNT_MAX);
    (0..=REPEAT_COUNT_MAX)
        .filter_map(|repeat_count| {
            let members: Vec<usize> = (0..n).filter(|customer| row_of(customer) == repeat_count).collect();
            Some(FrequencyRow {
                repeat_count,
                customers: members.len(),
                predicted_purchases_mean: purchases.and_then(|purchases| mean(purchases, &members)),
                actual_purchases_mean: mean(&outcome.purchases, &members)?,
                predicted_revenue_mean: mean(&prediction.revenue, &members)?,
                actual_revenue_mean: mean(&outcome.revenue, &members)?,
            })
        })
        .collect()
}

fn mean(values: &[f64], members: &[usize]) -> Option<f64> {
    let chosen: Vec<f64> = members.iter().map(|customer| values[*customer]).collect();
    (!chosen.is_empty()).then(|| total(&chosen) / chosen.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow;
    use crate::analytics::ltv::process::{BgNbd, ParetoNbd, PurchaseProcess};
    use proptest::prelude::*;

    #[test]
    fn ties_stay_together_and_everybody_is_somewhere() {
        let found = deciles(&[1.0; 20], &[3.0; 20]);
        assert_eq!(found, [Decile { decile: 6, customers: 20, predicted_mean: 1.0, actual_mean: 3.0 }]);
        let predicted: Vec<f64> = (0..100).map(f64::from).collect();
        let found = deciles(&predicted, &predicted);
        assert!(found.iter().all(|decile| decile.customers == 10 && decile.predicted_mean == decile.actual_mean));
        assert_eq!((found[0].predicted_mean, found[9].predicted_mean), (4.5, 94.5));
        assert!(deciles(&[], &[]).is_empty());
    }

    /// Lifetime value reference 3a: mean purchases in the 39 held-out weeks by number of repeats in calibration.
    #[test]
    fn cdnow_by_frequency_equals_the_reference() {
        let sample = cdnow::sample();
        let customers =
            Customers { histories: sample.iter().map(|customer| customer.history).collect(), ..Customers::default() };
        let outcome = Outcome {
            revenue: vec![0.0; sample.len()],
            purchases: sample.iter().map(|customer| customer.holdout_count).collect(),
        };
        let rows = |process: &dyn PurchaseProcess, theta: &[f64]| {
            let expected: Vec<f64> =
                sample.iter().map(|customer| process.expected_purchases(theta, &customer.history, 39.0)).collect();
            let prediction =
                Prediction { revenue: vec![0.0; sample.len()], purchases: Some(expected), ..Prediction::default() };
            by_frequency(&customers, &prediction, &outcome)
        };
        let bg = rows(&BgNbd, &[0.242595, 4.413602, 0.792922, 2.425907]);
        let pareto = rows(&ParetoNbd, &[0.553277, 10.577683, 0.606240, 11.668733]);
        let reference = [
            (1411, 0.2367, 0.2251, 0.1384),
            (439, 0.6970, 0.5231, 0.5995),
            (214, 1.3925, 1.0441, 1.1958),
            (100, 1.56, 1.5203, 1.7138),
            (62, 2.5323, 2.1639, 2.3983),
            (38, 2.9474, 2.6538, 2.9072),
            (29, 3.8621, 3.504, 3.8186),
            (64, 6.3594, 6.1572, 6.4031),
        ];
        for (x, (n, actual, by_bg, by_pareto)) in reference.into_iter().enumerate() {
            for (row, predicted) in [(&bg[x], by_bg), (&pareto[x], by_pareto)] {
                assert_eq!((row.repeat_count, row.customers), (x, n));
                assert!((row.actual_purchases_mean - actual).abs() < 6e-5, "{row:?}");
                assert!(
                    (row.predicted_purchases_mean.expect("told") - predicted).abs() < 1.1e-4,
                    "{row:?} {predicted}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn tenths_keep_the_totals(pairs in prop::collection::vec((-5i32..9, -5i32..20), 1..60)) {
            let (predicted, actual): (Vec<f64>, Vec<f64>) =
                pairs.iter().map(|(p, a)| (f64::from(*p), f64::from(*a))).unzip();
            let found = deciles(&predicted, &actual);
            prop_assert_eq!(found.iter().map(|decile| decile.customers).sum::<usize>(), pairs.len());
            let sum: f64 = found.iter().map(|decile| decile.actual_mean * decile.customers as f64).sum();
            prop_assert!((sum - actual.iter().sum::<f64>()).abs() < 1e-9);
            prop_assert!(found.windows(2).all(|pair| pair[0].predicted_mean < pair[1].predicted_mean));
        }
    }
}
