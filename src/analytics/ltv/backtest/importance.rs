//! What each feature contributes: how much worse a fit predicts when that feature alone is shuffled among customers.
//!
//! Breiman (2001), Random Forests, section 10. It needs nothing of the fit but its predictions, so all estimators are measured alike.
//! Features that say the same share their importance, or hide each other's: a low figure means "not needed beside the others".

use super::metrics::{r2, total};
use super::ranking::normalized_gini;
use crate::analytics::ltv::estimator::{Customers, Fit, Outcome};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use serde::Serialize;

/// Name under which `x`, `t_x` and `T` are shuffled together: apart they would make customers who cannot exist.
pub const HISTORY: &str = "purchase_history";

/// Name under which the mean value of repeat purchases is shuffled.
pub const MEAN_VALUE: &str = "mean_repeat_value";

/// What one feature contributes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// Name of the feature.
    pub feature: String,
    /// Mean loss of R2 over the shufflings.
    pub r2_drop: f64,
    /// Its standard deviation.
    pub r2_drop_deviation: f64,
    /// Mean loss of normalised Gini.
    pub gini_drop: f64,
    /// Its standard deviation.
    pub gini_drop_deviation: f64,
}

/// Shuffles each feature `repeats` times (at least once) and predicts; the most important first, by the order of customers.
///
/// Repeatable: each shuffling depends on `seed`, the name of the feature and the number of the repeat alone, and on the order of the
/// rows. Empty when the prediction is not one, or the outcome does not vary.
#[must_use]
pub fn permutation_importance(
    fit: &dyn Fit,
    customers: &Customers,
    outcome: &Outcome,
    repeats: usize,
    seed: u64,
) -> Vec<Importance> {
    let mut shuffled = customers.clone();
    let Some(whole) = quality(fit, &shuffled, outcome) else { return Vec::new() };
    let names = [HISTORY, MEAN_VALUE].into_iter().chain(customers.features.iter().map(|feature| feature.name.as_str()));
    let mut found: Vec<Importance> = Vec::new();
    for (place, name) in names.enumerate() {
        let mut drops = Vec::with_capacity(repeats.max(1));
        for repeat in 0..repeats.max(1) {
            let order = permutation(customers.len(), seed, name, repeat as u64);
            put(&mut shuffled, customers, place, |row| order[row]);
            if let Some(rest) = quality(fit, &shuffled, outcome) {
                drops.push((whole.0 - rest.0, whole.1 - rest.1));
            }
        }
        put(&mut shuffled, customers, place, |row| row);
        let (r2_drop, r2_drop_deviation) = moments(&drops.iter().map(|drop| drop.0).collect::<Vec<_>>());
        let (gini_drop, gini_drop_deviation) = moments(&drops.iter().map(|drop| drop.1).collect::<Vec<_>>());
        if !drops.is_empty() {
            let feature = name.to_string();
            found.push(Importance { feature, r2_drop, r2_drop_deviation, gini_drop, gini_drop_deviation });
        }
    }
    found
        .sort_by(|left, right| right.gini_drop.total_cmp(&left.gini_drop).then(right.r2_drop.total_cmp(&left.r2_drop)));
    found
}

/// Fills column `place` of `shuffled` (history, mean value, then the features) from the rows of `customers` that `from` names.
fn put(shuffled: &mut Customers, customers: &Customers, place: usize, from: impl Fn(usize) -> usize) {
    for row in 0..customers.len() {
        match place {
            0 => shuffled.histories[row] = customers.histories[from(row)],
            1 => shuffled.mean_values[row] = customers.mean_values[from(row)],
            _ => shuffled.features[place - 2].values[row] = customers.features[place - 2].values[from(row)],
        }
    }
}

/// R2 and normalised Gini, if both are defined.
fn quality(fit: &dyn Fit, customers: &Customers, outcome: &Outcome) -> Option<(f64, f64)> {
    let predicted = fit.predict(customers).revenue;
    let is_one = predicted.len() == outcome.revenue.len() && predicted.iter().all(|value| value.is_finite());
    if !is_one {
        return None;
    }
    Some((r2(&outcome.revenue, &predicted)?, normalized_gini(&outcome.revenue, &predicted)?))
}

/// A random order of `0..n`, by Fisher and Yates.
fn permutation(n: usize, seed: u64, name: &str, repeat: u64) -> Vec<usize> {
    // FNV-1a over the name: columns keep their shufflings when others come or go.
    let name_hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(
        seed ^ name_hash.rotate_left(17) ^ repeat.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    );
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        let uniform = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        order.swap(last, ((uniform * (last + 1) as f64) as usize).min(last));
    }
    order
}

/// Mean and standard deviation (0 for a single value).
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = total(values) / n;
    let squares: Vec<f64> = values.iter().map(|value| (value - mean).powi(2)).collect();
    (mean, (total(&squares) / (n - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Rule, origin};
    use super::*;
    use crate::analytics::ltv::estimator::{Feature, Prediction};
    use serde_json::Value;

    /// Twice the spend so far, and something of the repeat count, which is the same for all.
    struct Formula;

    impl Fit for Formula {
        fn predict(&self, customers: &Customers) -> Prediction {
            let spent = customers.feature("revenue").unwrap_or(&[]);
            let revenue = spent
                .iter()
                .zip(&customers.histories)
                .map(|(spent, history)| 2.0 * spent + history.repeat_count)
                .collect();
            Prediction { revenue, ..Prediction::default() }
        }

        fn facts(&self) -> Value {
            Value::Null
        }
    }

    #[test]
    fn the_feature_that_is_used_counts_and_the_others_do_not() {
        let mut origin = origin(0, 2.0);
        origin
            .customers
            .features
            .insert(0, Feature { name: "noise".into(), values: (0..60).map(|i| f64::from(i * 13 % 7)).collect() });
        let found = permutation_importance(&Formula, &origin.customers, &origin.outcome, 5, 42);
        assert_eq!(found.len(), 4);
        assert_eq!(found[0].feature, "revenue");
        assert!(found[0].gini_drop > 0.5 && found[0].r2_drop > 0.5 && found[0].gini_drop_deviation > 0.0, "{found:?}");
        for other in &found[1..] {
            assert_eq!((other.r2_drop, other.gini_drop, other.gini_drop_deviation), (0.0, 0.0, 0.0), "{other:?}");
        }
        assert_eq!(found, permutation_importance(&Formula, &origin.customers, &origin.outcome, 5, 42));
        assert_ne!(found, permutation_importance(&Formula, &origin.customers, &origin.outcome, 5, 43));
        origin.customers.features.remove(0);
        let alone = permutation_importance(&Formula, &origin.customers, &origin.outcome, 5, 42);
        assert_eq!(alone[0], found[0]);
    }

    #[test]
    fn what_cannot_be_measured_is_empty() {
        let one = origin(0, 0.0);
        assert!(permutation_importance(&Formula, &one.customers, &one.outcome, 3, 1).is_empty());
        let broken = Rule(|_| f64::NAN, 1.0);
        let one = origin(0, 1.0);
        assert!(permutation_importance(&broken, &one.customers, &one.outcome, 3, 1).is_empty());
        assert!(permutation_importance(&Formula, &Customers::default(), &Outcome::default(), 0, 1).is_empty());
    }

    #[test]
    fn a_shuffling_keeps_everybody() {
        let mut order = permutation(1000, 7, "revenue", 3);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        assert_eq!(permutation(1, 7, "revenue", 3), [0]);
    }
}
