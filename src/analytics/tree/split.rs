//! The histogram of one feature over the rows of a node, and its best cut.

use super::bins::BinnedColumn;
use super::sums::{Gradients, Sums};

/// What a cut must satisfy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Fewest rows on either side.
    pub rows_min: usize,
    /// Least curvature on either side.
    pub curvature_min: f64,
    /// L2 penalty of leaf values, the `lambda` of Chen and Guestrin (2016).
    pub l2: f64,
    /// Least gain, their `gamma`.
    pub gain_min: f64,
}

/// A cut of a node in two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Place of the feature.
    pub feature: usize,
    /// Last bin that goes left.
    pub bin: usize,
    /// Whether rows that do not know the feature go left.
    pub is_missing_left: bool,
    /// What the cut takes off the loss.
    pub gain: f64,
    /// Sums of the left side.
    pub left: Sums,
    /// Sums of the right side.
    pub right: Sums,
}

impl Rules {
    /// The value of a leaf: the step of Newton's method, `-G / (H + lambda)` (their eq. 5).
    #[must_use]
    pub fn leaf_value(&self, gradients: &Gradients, sums: Sums) -> f64 {
        let mass = gradients.curvature(sums) + self.l2;
        if mass > 0.0 { -gradients.gradient(sums) / mass } else { 0.0 }
    }

    /// What a leaf takes off the loss, `G² / (H + lambda) / 2` (their eq. 6).
    fn worth(&self, gradients: &Gradients, sums: Sums) -> f64 {
        let (gradient, mass) = (gradients.gradient(sums), gradients.curvature(sums) + self.l2);
        if mass > 0.0 { 0.5 * gradient * gradient / mass } else { 0.0 }
    }

    fn allows(&self, gradients: &Gradients, sums: Sums) -> bool {
        sums.count() >= self.rows_min.max(1)
            && (self.curvature_min <= 0.0 || gradients.curvature(sums) >= self.curvature_min)
    }

    /// The best cut of a feature, `total` being the sums over its `histogram`; the first of equals.
    #[must_use]
    pub fn best(
        &self,
        gradients: &Gradients,
        feature: usize,
        column: &BinnedColumn,
        histogram: &[Sums],
        total: Sums,
    ) -> Option<Split> {
        let missing = histogram[column.missing()];
        let own = self.worth(gradients, total);
        let mut best: Option<Split> = None;
        let mut consider = |bin: usize, left: Sums, is_missing_left: bool| {
            let right = total.without(left);
            if !self.allows(gradients, left) || !self.allows(gradients, right) {
                return;
            }
            let gain = self.worth(gradients, left) + self.worth(gradients, right) - own;
            // What rounding alone can make of nothing is no gain.
            let floor = best.as_ref().map_or(self.gain_min.max(own * 1e-12).max(f64::MIN_POSITIVE), |best| best.gain);
            if gain > floor {
                best = Some(Split { feature, bin, is_missing_left, gain, left, right });
            }
        };
        let mut left = Sums::default();
        for (bin, sums) in histogram[..column.missing()].iter().enumerate() {
            // An empty bin cuts the same rows as the one before.
            if sums.count() == 0 {
                continue;
            }
            left.add(*sums);
            if missing.count() == 0 {
                // A later row that does not know the feature goes with the many.
                consider(bin, left, 2 * left.count() >= total.count());
            } else {
                let mut with_missing = left;
                with_missing.add(missing);
                consider(bin, left, false);
                consider(bin, with_missing, true);
            }
        }
        best
    }
}

/// Sums of the rows in each bin; `sums[i]` belongs to `rows[i]`.
pub fn fill(histogram: &mut [Sums], column: &BinnedColumn, rows: &[u32], sums: &[Sums]) {
    // Two histograms in turn: rows of one bin in sequence would otherwise wait for each other's store.
    let (mut even, mut odd) = ([Sums::default(); 256], [Sums::default(); 256]);
    let bin = |row: u32| usize::from(column.bins[row as usize]);
    for (rows, sums) in rows.chunks(2).zip(sums.chunks(2)) {
        even[bin(rows[0])].add(sums[0]);
        if let (Some(row), Some(sums)) = (rows.get(1), sums.get(1)) {
            odd[bin(*row)].add(*sums);
        }
    }
    for ((cell, even), odd) in histogram.iter_mut().zip(even).zip(odd) {
        *cell = even;
        cell.add(odd);
    }
}

/// Turns the histogram of a parent into that of the child whose sibling has `other`.
pub fn subtract(histogram: &mut [Sums], other: &[Sums]) {
    for (cell, other) in histogram.iter_mut().zip(other) {
        *cell = cell.without(*other);
    }
}
