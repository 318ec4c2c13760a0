//! What a learner would have said of customers whose outcomes it did not see: folds of one cut, by what the rows say.

use super::{check_prediction, fit_and_predict};
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Feature, Outcome, Prediction, Refusal, Training};

/// Number of folds. Three fits cost less than the five that are usual, and a learner from two thirds of the customers is
/// nearly the one from all.
const FOLDS: u64 = 3;

/// Predictions for `customers` that do not rest on their own outcomes in the horizon after this cut.
///
/// Estimators of histories never see an outcome, and are fitted once; others learn from two folds and predict the third. Who
/// belongs to which fold follows from the row itself, so the order of the rows changes nothing.
///
/// # Errors
/// That of the estimator, in any fold; a prediction that is not one.
pub fn out_of_sample(
    estimator: &dyn Estimator,
    customers: &Customers,
    outcome: &Outcome,
    horizon_days: f64,
) -> Result<Prediction, Refusal> {
    if matches!(estimator.family(), Family::Probabilistic | Family::Baseline) {
        let from_histories = fit_and_predict(estimator, &Training { customers, earlier: None, horizon_days });
        if let Ok((_, prediction)) = from_histories {
            return Ok(prediction);
        }
    }
    let fold_of: Vec<u64> = (0..customers.len()).map(|row| fingerprint(customers, row) % FOLDS).collect();
    let mut whole = Prediction { revenue: vec![0.0; customers.len()], purchases: None, buys: None };
    for fold in 0..FOLDS {
        let (held, known): (Vec<usize>, Vec<usize>) = (0..customers.len()).partition(|row| fold_of[*row] == fold);
        let (held_customers, known_customers) = (chosen(customers, &held), chosen(customers, &known));
        let known_outcome =
            Outcome { revenue: taken(&outcome.revenue, &known), purchases: taken(&outcome.purchases, &known) };
        let training =
            Training { customers: &held_customers, earlier: Some((&known_customers, &known_outcome)), horizon_days };
        let prediction = estimator.fit(&training)?.predict(&held_customers);
        check_prediction(estimator.name(), &prediction, held.len())?;
        place(&mut whole.revenue, &held, &prediction.revenue);
        for (whole, part) in [(&mut whole.purchases, &prediction.purchases), (&mut whole.buys, &prediction.buys)] {
            if let Some(part) = part {
                place(whole.get_or_insert_with(|| vec![0.0; customers.len()]), &held, part);
            }
        }
    }
    Ok(whole)
}

/// The rows of `customers` that `rows` names, in its order.
#[must_use]
pub fn chosen(customers: &Customers, rows: &[usize]) -> Customers {
    Customers {
        histories: rows.iter().map(|row| customers.histories[*row]).collect(),
        mean_values: rows.iter().map(|row| customers.mean_values[*row]).collect(),
        features: customers
            .features
            .iter()
            .map(|feature| Feature { name: feature.name.clone(), values: taken(&feature.values, rows) })
            .collect(),
    }
}

/// The entries of `values` that `rows` names, in its order.
#[must_use]
pub fn taken(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|row| values[*row]).collect()
}

fn place(whole: &mut [f64], rows: &[usize], part: &[f64]) {
    for (row, value) in rows.iter().zip(part) {
        whole[*row] = *value;
    }
}

/// A number that follows from what is known of the customer in this row; equal rows have equal ones.
#[must_use]
pub fn fingerprint(customers: &Customers, row: usize) -> u64 {
    let history = &customers.histories[row];
    let known = [
        history.repeat_count,
        history.last_purchase_weeks,
        history.age_weeks,
        customers.mean_values[row].unwrap_or(f64::NAN),
    ];
    let features = customers.features.iter().map(|feature| feature.values[row]);
    known.into_iter().chain(features).fold(0x9e37_79b9_7f4a_7c15, |hash: u64, value| {
        // One bit pattern for all that is not known, and one for both zeros.
        let bits = if value.is_nan() { u64::MAX } else { (value + 0.0).to_bits() };
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
        let mixed = (hash ^ bits).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// All rows, or of more than `customers_max` those whose fingerprints are lowest, in the order of the rows.
#[must_use]
pub fn sample(customers: &Customers, customers_max: usize) -> Vec<usize> {
    let mut rows: Vec<(u64, usize)> = (0..customers.len()).map(|row| (fingerprint(customers, row), row)).collect();
    if rows.len() > customers_max {
        rows.select_nth_unstable(customers_max);
        rows.truncate(customers_max);
    }
    rows.sort_unstable_by_key(|(_, row)| *row);
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AGAIN, MEAN, origin};
    use super::*;

    #[test]
    fn a_learner_is_asked_about_customers_whose_outcomes_it_did_not_see() {
        let one = origin(0, 1.0);
        let found = out_of_sample(&MEAN, &one.customers, &one.outcome, 30.0).expect("learnt");
        let fold_of = |row: usize| fingerprint(&one.customers, row) % FOLDS;
        for row in 0..60 {
            let others: Vec<f64> = (0..60)
                .filter(|other| fold_of(*other) != fold_of(row))
                .map(|other| one.outcome.revenue[other])
                .collect();
            assert!((found.revenue[row] - others.iter().sum::<f64>() / others.len() as f64).abs() < 1e-12);
        }
        // All folds are used, and a rule without outcomes is asked once about all.
        assert_eq!((0..60).map(fold_of).collect::<std::collections::BTreeSet<_>>().len(), FOLDS as usize);
        let again = out_of_sample(&AGAIN, &one.customers, &one.outcome, 30.0).expect("a rule");
        assert_eq!(again.revenue, one.customers.features[0].values);
    }

    #[test]
    fn a_sample_is_of_the_same_customers_whatever_the_order_of_rows() {
        let customers = origin(0, 1.0).customers;
        let turned = chosen(&customers, &(0..60).rev().collect::<Vec<_>>());
        let values = |customers: &Customers| {
            let mut values: Vec<u64> =
                sample(customers, 20).iter().map(|row| customers.features[0].values[*row] as u64).collect();
            values.sort_unstable();
            values
        };
        assert_eq!(values(&customers), values(&turned));
        assert_eq!((values(&customers).len(), sample(&customers, 60).len()), (20, 60));
    }
}
