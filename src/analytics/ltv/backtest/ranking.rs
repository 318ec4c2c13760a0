//! How well predictions put customers in order: mid-ranks, Spearman, normalised Gini, share of the best tenth, AUC.
//!
//! Everything here depends on predictions through their order alone, and customers with equal predictions share their
//! places equally. So the order of the rows never decides, as it does where a sort breaks ties.

use super::metrics::{finite, total};

/// Ranks from 1 (lowest); equal values share the mean of their places.
#[must_use]
pub fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; values.len()];
    let order = ascending(values);
    let mut below = 0;
    for tie in ties(&order, values) {
        let rank = (2 * below + tie.len() - 1) as f64 / 2.0 + 1.0;
        tie.iter().for_each(|customer| ranks[*customer] = rank);
        below += tie.len();
    }
    ranks
}

/// Places of the values, lowest first.
fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // Adding zero makes one value of -0.0 and 0.0.
    order.sort_unstable_by(|a, b| (values[*a] + 0.0).total_cmp(&(values[*b] + 0.0)));
    order
}

/// Runs of equal values in an ascending order.
fn ties<'a>(order: &'a [usize], values: &'a [f64]) -> impl DoubleEndedIterator<Item = &'a [usize]> {
    order.chunk_by(|a, b| values[*a] == values[*b])
}

/// Pearson's correlation; `None` when either side does not vary.
#[must_use]
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (total(x) / n, total(y) / n);
    let (xx, yy) = (spread(x, mean_x), spread(y, mean_y));
    // Constant values leave rounding behind, not nothing: below this it is not variation.
    let varies = |spread: f64, mean: f64| spread > (1e-12 * mean).powi(2) * n;
    if !(varies(xx, mean_x) && varies(yy, mean_y)) {
        return None;
    }
    let products: Vec<f64> = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).collect();
    finite(total(&products) / (xx.sqrt() * yy.sqrt())).map(|correlation| correlation.clamp(-1.0, 1.0))
}

fn spread(values: &[f64], mean: f64) -> f64 {
    total(&values.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>())
}

/// Spearman's rank correlation, on mid-ranks; `None` when either side is all one tie.
#[must_use]
pub fn spearman(actual: &[f64], predicted: &[f64]) -> Option<f64> {
    pearson(&mid_ranks(actual), &mid_ranks(predicted))
}

/// Gini of the actual values in the order of the predictions, over Gini in their own order: 1 for a perfect order, 0 for one
/// that knows nothing, -1 for a reversed one; `None` when the actual values do not vary.
///
/// Wang, Liu, Miao (2019), A Deep Probabilistic Model for Customer Lifetime Value Prediction, arXiv 1912.07753, section 4.2.
/// With `R` the ranks of the order, the Gini is `2 Σ y R / (n Σ y) - (n + 1) / n`, a multiple of `Σ (y - ȳ) R`; the factor is the same
/// above and below, so the quotient also holds where returns make values (or their sum) negative.
#[must_use]
pub fn normalized_gini(actual: &[f64], predicted: &[f64]) -> Option<f64> {
    let mean = total(actual) / actual.len() as f64;
    let middle = (actual.len() as f64 + 1.0) / 2.0;
    let gini = |order: &[f64]| {
        let terms: Vec<f64> =
            actual.iter().zip(mid_ranks(order)).map(|(value, rank)| (value - mean) * (rank - middle)).collect();
        total(&terms)
    };
    let own = gini(actual);
    let is_constant = actual.windows(2).all(|pair| pair[0] == pair[1]);
    if is_constant || own <= 0.0 {
        return None;
    }
    finite(gini(predicted) / own).map(|gini| gini.clamp(-1.0, 1.0))
}

/// Share of the actual total that the tenth of customers with the highest predictions brought; `None` unless the total is positive.
///
/// A tenth may be a fraction of a customer, and customers who tie for its last places share them equally: the result is the
/// mean over all orders of the ties. Net of returns it can exceed 1 or lie below 0.
#[must_use]
pub fn top_decile_share(actual: &[f64], predicted: &[f64]) -> Option<f64> {
    let sum = total(actual);
    if sum.is_nan() || sum <= 0.0 {
        return None;
    }
    let mut places = actual.len() as f64 / 10.0;
    let mut brought = Vec::new();
    let order = ascending(predicted);
    for tie in ties(&order, predicted).rev() {
        if places <= 0.0 {
            break;
        }
        let size = tie.len() as f64;
        let share = (places / size).min(1.0);
        brought.extend(tie.iter().map(|customer| actual[*customer] * share));
        places -= size;
    }
    finite(total(&brought) / sum)
}

/// Area under the ROC curve: the probability that a customer with the event has a higher score than one without it, ties
/// counting half (Mann-Whitney); `None` without customers of both kinds.
#[must_use]
pub fn auc(has_event: &[bool], score: &[f64]) -> Option<f64> {
    let positives = has_event.iter().filter(|event| **event).count() as f64;
    let negatives = has_event.len() as f64 - positives;
    let ranks: Vec<f64> =
        mid_ranks(score).into_iter().zip(has_event).filter(|(_, event)| **event).map(|(rank, _)| rank).collect();
    finite((total(&ranks) - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use super::super::metrics::tests::{SMALL, TIED, assert_close};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_of_ties_are_those_of_scipy_rankdata() {
        assert_eq!(mid_ranks(&[2.0, -1.0, 2.0, 0.0, -0.0, 9.0]), [4.5, 1.0, 4.5, 2.5, 2.5, 6.0]);
        assert!(mid_ranks(&[]).is_empty());
    }

    #[test]
    fn correlations_equal_scipy() {
        assert_close(spearman(SMALL.0, SMALL.1), 0.991031208965115);
        assert_close(spearman(TIED.0, TIED.1), 0.7392779535773544);
        assert_close(pearson(SMALL.0, SMALL.1), 0.9380518601157034);
        assert_close(pearson(TIED.0, TIED.1), 0.7597251438880317);
        assert_eq!(pearson(&[0.1; 7], SMALL.0), None);
    }

    #[test]
    fn normalized_gini_equals_covariance_with_scipy_ranks() {
        // The published gains chart (a sort, a running sum) averaged over 40,000 random orders of the ties gives 0.8206.
        assert_close(normalized_gini(TIED.0, TIED.1), 0.8197879858657245);
        assert_close(normalized_gini(SMALL.0, SMALL.1), 1.0);
        assert_eq!(normalized_gini(&[3.0; 4], &[1.0, 2.0, 3.0, 4.0]), None);
    }

    #[test]
    fn areas_equal_scikit_learn() {
        let has_event = |actual: &[f64]| actual.iter().map(|value| *value > 0.0).collect::<Vec<_>>();
        assert_close(auc(&has_event(SMALL.0), SMALL.2), 1.0);
        assert_close(auc(&has_event(TIED.0), TIED.2), 0.82);
        assert_eq!(auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn ties_at_the_border_of_the_best_tenth_share_its_places() {
        // One place for the two customers with the highest prediction, who brought 5 and 20 of 33.
        assert_close(top_decile_share(TIED.0, TIED.1), 12.5 / 33.0);
        // 0.7 of a place.
        assert_close(top_decile_share(SMALL.0, SMALL.1), 0.7 * 40.0 / 80.75);
        assert_close(top_decile_share(&[1.0, 2.0, 3.0], &[4.0; 3]), 0.1);
        assert_eq!(top_decile_share(&[1.0, -1.0], &[1.0, 2.0]), None);
    }

    proptest! {
        #[test]
        fn order_of_rows_never_decides(
            pairs in prop::collection::vec((-3i32..6, -3i32..6), 2..40), turn in 0usize..40,
        ) {
            let split = |pairs: &[(i32, i32)]| -> (Vec<f64>, Vec<f64>) {
                pairs.iter().map(|(a, p)| (f64::from(*a), f64::from(*p))).unzip()
            };
            let (actual, predicted) = split(&pairs);
            let mut other = pairs.clone();
            other.rotate_left(turn % pairs.len());
            other.reverse();
            let (other_actual, other_predicted) = split(&other);
            for metric in [spearman, normalized_gini, top_decile_share] {
                let (left, right) = (metric(&actual, &predicted), metric(&other_actual, &other_predicted));
                prop_assert_eq!(left.is_some(), right.is_some());
                if let (Some(left), Some(right)) = (left, right) {
                    prop_assert!((left - right).abs() < 1e-12);
                }
            }
        }

        #[test]
        fn an_order_is_perfect_reversed_or_between(actual in prop::collection::vec(-50i32..200, 2..40), predicted in prop::collection::vec(-5i32..5, 40)) {
            let actual: Vec<f64> = actual.into_iter().map(f64::from).collect();
            let predicted: Vec<f64> = predicted.into_iter().take(actual.len()).map(f64::from).collect();
            let reversed: Vec<f64> = actual.iter().map(|value| -value).collect();
            for metric in [spearman, normalized_gini] {
                let Some(value) = metric(&actual, &predicted) else { continue };
                prop_assert!((-1.0..=1.0).contains(&value));
                prop_assert!((metric(&actual, &actual).expect("varies") - 1.0).abs() < 1e-12);
                prop_assert!((metric(&actual, &reversed).expect("varies") + 1.0).abs() < 1e-12);
            }
            prop_assert!(normalized_gini(&actual, &vec![7.0; actual.len()]).is_none_or(|gini| gini.abs() < 1e-12));
        }

        #[test]
        fn a_growing_function_of_the_predictions_changes_no_order(actual in prop::collection::vec(0i32..50, 2..30), predicted in prop::collection::vec(-5i32..5, 30)) {
            let actual: Vec<f64> = actual.into_iter().map(f64::from).collect();
            let predicted: Vec<f64> = predicted.into_iter().take(actual.len()).map(f64::from).collect();
            let grown: Vec<f64> = predicted.iter().map(|value| value.exp() * 3.0).collect();
            for metric in [spearman, normalized_gini, top_decile_share] {
                prop_assert_eq!(metric(&actual, &predicted), metric(&actual, &grown));
            }
        }
    }
}
