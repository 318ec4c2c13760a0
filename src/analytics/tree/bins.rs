//! Columns of numbers as small integers: quantile bins, with one bin more for what is not known.

use rayon::prelude::*;

/// Most bins of known values; one more says "not known", so that a bin fits in a byte.
pub const BINS_MAX: usize = 255;

/// Largest magnitude that counts as a number; beyond it, infinite and `NaN` values are "not known".
pub const KNOWN_MAX: f64 = 1e300;

/// Whether a value can be put on an axis.
#[must_use]
pub fn is_known(value: f64) -> bool {
    // Written so that NaN is refused too.
    value.abs() <= KNOWN_MAX
}

/// One feature of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct BinnedColumn {
    /// Bin of each row; the last bin is "not known".
    pub bins: Vec<u8>,
    /// Upper edge of each bin but the last of known values: `value <= cuts[bin]`.
    pub cuts: Vec<f64>,
}

impl BinnedColumn {
    /// Number of bins, that of unknown values included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cuts.len() + 2
    }

    /// Never: there is always a bin for known and one for unknown values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Bin of what is not known.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.cuts.len() + 1
    }

    /// Upper edge of a bin of known values; the last one has all of them below it.
    #[must_use]
    pub fn threshold(&self, bin: usize) -> f64 {
        self.cuts.get(bin).copied().unwrap_or(KNOWN_MAX)
    }

    fn new(values: &[f64], bins_max: usize) -> BinnedColumn {
        let cuts = cuts(values, bins_max.clamp(1, BINS_MAX));
        let bin = |value: &f64| match is_known(*value) {
            true => cuts.partition_point(|cut| cut < value) as u8,
            false => (cuts.len() + 1) as u8,
        };
        BinnedColumn { bins: values.iter().map(bin).collect(), cuts }
    }
}

/// All features of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Binned {
    /// Number of rows.
    pub rows: usize,
    /// The features, in the order of the columns they came from.
    pub columns: Vec<BinnedColumn>,
}

impl Binned {
    /// Bins `columns` (each with one value a row) into at most `bins_max` quantile bins each.
    #[must_use]
    pub fn new(columns: &[Vec<f64>], bins_max: usize) -> Binned {
        let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
        let columns = columns.par_iter().map(|values| BinnedColumn::new(&values[..rows], bins_max)).collect();
        Binned { rows, columns }
    }

    /// Most bins of any feature.
    #[must_use]
    pub fn bins_max(&self) -> usize {
        self.columns.iter().map(BinnedColumn::len).max().unwrap_or(0)
    }
}

/// Edges between bins that hold about equally many rows; between all distinct values, if these are few.
fn cuts(values: &[f64], bins_max: usize) -> Vec<f64> {
    // Adding zero makes one of the two zeros.
    let mut known: Vec<f64> = values.iter().filter(|value| is_known(**value)).map(|value| value + 0.0).collect();
    known.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for value in &known {
        match distinct.last_mut() {
            Some((last, count)) if last == value => *count += 1,
            _ => distinct.push((*value, 1)),
        }
    }
    let is_few = distinct.len() <= bins_max;
    let (mut cuts, mut rows_left, mut bins_left, mut rows_in) = (Vec::new(), known.len(), bins_max, 0);
    for pair in distinct.windows(2) {
        rows_in += pair[0].1;
        // What is left is shared anew after each bin, so that one frequent value does not starve the others.
        if is_few || (bins_left > 1 && rows_in * bins_left >= rows_left) {
            cuts.push(shortest_between(pair[0].0, pair[1].0));
            rows_left -= rows_in;
            rows_in = 0;
            bins_left -= 1;
        }
    }
    cuts
}

/// The number with the fewest digits in the middle half between `low` and `high`: trees are stored as text.
fn shortest_between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    let is_near = |cut: &f64| (cut - middle).abs() <= 0.25 * (high - low);
    // Of two neighbours among floats the lower one is the cut: what is at most that is on its side.
    (1..=15).map(|digits| rounded(middle, digits)).find(is_near).filter(|cut| (low..high).contains(cut)).unwrap_or(low)
}

/// `value` with so many significant decimal digits.
#[must_use]
pub fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_distinct_values_get_a_bin_each_and_unknown_ones_the_last() {
        let column = BinnedColumn::new(&[3.0, f64::NAN, 1.0, 2.0, 2.0, f64::INFINITY, -0.0, 0.0], 255);
        assert_eq!(column.cuts, [0.5, 1.5, 2.5]);
        assert_eq!(column.bins, [3, 4, 1, 2, 2, 4, 0, 0]);
        assert_eq!(column.missing(), 4);
    }

    #[test]
    fn bins_hold_about_equally_many_rows_beside_a_frequent_value() {
        let values: Vec<f64> = (0..9000).map(|i| if i < 5000 { 0.0 } else { f64::from(i) }).collect();
        let column = BinnedColumn::new(&values, 41);
        assert_eq!(column.cuts.len(), 40);
        let mut sizes = vec![0; column.len()];
        column.bins.iter().for_each(|bin| sizes[usize::from(*bin)] += 1);
        assert_eq!(sizes[0], 5000);
        assert!(sizes[1..41].iter().all(|size| (99..=101).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_cut_has_few_digits_and_lies_between_its_neighbours() {
        assert_eq!(shortest_between(1.234567, 8.9), 5.0);
        assert_eq!(shortest_between(10.27, 10.35), 10.3);
        for (low, high) in [(1.0, 1.0 + f64::EPSILON), (-1e300, 1e300), (5e-324, 1e-323), (-2.5, -2.4999999)] {
            let cut = shortest_between(low, high);
            assert!(low <= cut && cut < high, "{low} {cut} {high}");
        }
    }
}
