//! How much two partitions of the same customers agree.

use std::collections::HashMap;
use std::hash::Hash;

/// The adjusted Rand index (Hubert and Arabie 1985) of pairs `(label there, label here)`, one a customer: 1 where both
/// part the customers alike, whatever the labels are called, and about 0 where they agree by chance only.
/// `None` for fewer than two customers.
pub fn adjusted_rand_index<A: Hash + Eq + Copy, B: Hash + Eq + Copy>(
    pairs: impl IntoIterator<Item = (A, B)>,
) -> Option<f64> {
    let (mut cells, mut there, mut here) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut count = 0_u64;
    for (a, b) in pairs {
        *cells.entry((a, b)).or_insert(0_u64) += 1;
        *there.entry(a).or_insert(0_u64) += 1;
        *here.entry(b).or_insert(0_u64) += 1;
        count += 1;
    }
    if count < 2 {
        return None;
    }
    // Whole numbers until the end: the order in which the cells come decides nothing.
    let pairs_in = |count: &u64| u128::from(*count) * u128::from(count - 1) / 2;
    let both: u128 = cells.values().map(pairs_in).sum();
    let first: u128 = there.values().map(pairs_in).sum();
    let second: u128 = here.values().map(pairs_in).sum();
    let (both, first, second) = (both as f64, first as f64, second as f64);
    let expected = first * second / pairs_in(&count) as f64;
    let most = f64::midpoint(first, second);
    // One cluster on both sides, or every customer alone on both.
    Some(if most == expected { 1.0 } else { (both - expected) / (most - expected) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_that_of_scikit_learn_1_9() {
        let index =
            |there: &[u8], here: &[u8]| adjusted_rand_index(there.iter().copied().zip(here.iter().copied())).unwrap();
        assert_eq!(index(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0);
        assert!((index(&[0, 0, 1, 1], &[0, 0, 1, 2]) - 0.571_428_571_428_571_4).abs() < 1e-15);
        assert!((index(&[0, 0, 1, 2], &[0, 0, 1, 1]) - 0.571_428_571_428_571_4).abs() < 1e-15);
        assert_eq!(index(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
        assert_eq!(index(&[7, 7], &[3, 3]), 1.0);
        assert_eq!(adjusted_rand_index([(1, 1)]), None);
    }
}
