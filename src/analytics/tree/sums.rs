//! Gradients and curvatures as integers: their sums are exact, whatever the order and the number of threads.
//!
//! A sum of floats depends on the order of its terms in the last digit, a tie between two cuts is decided by that digit, and
//! everything after it differs. Integers also make a sibling's histogram, parent minus child, exact.

/// Bits of the count in [`Sums::mass`]; the other 40 hold curvature.
const COUNT_BITS: u32 = 24;

/// Most rows of a fit.
pub const ROWS_MAX: usize = (1 << COUNT_BITS) - 1;

/// Sums over rows: 16 bytes, so that histograms of a node stay in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Sum of gradients, in [`Gradients::gradient_unit`].
    gradient: i64,
    /// Sum of curvatures, in [`Gradients::curvature_unit`], above the number of rows.
    mass: u64,
}

impl Sums {
    /// Number of rows.
    #[must_use]
    pub fn count(self) -> usize {
        (self.mass & ROWS_MAX as u64) as usize
    }

    /// Adds rows.
    pub fn add(&mut self, other: Sums) {
        self.gradient += other.gradient;
        self.mass += other.mass;
    }

    /// Without the rows of `part`, which must be among them.
    #[must_use]
    pub fn without(self, part: Sums) -> Sums {
        Sums { gradient: self.gradient - part.gradient, mass: self.mass - part.mass }
    }
}

/// Gradient and curvature of the loss at each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// One entry a row; count 0 of rows that take no part.
    pub rows: Vec<Sums>,
    gradient_unit: f64,
    curvature_unit: f64,
}

impl Gradients {
    /// `pairs` are gradient and curvature (at least 0) of each row, each counted as often as `times` says (once without it).
    ///
    /// Nothing when a number is not finite, nothing takes part, or there are more than [`ROWS_MAX`].
    #[must_use]
    pub fn new(pairs: &[(f64, f64)], times: Option<&[u32]>) -> Option<Gradients> {
        let times_of = |row: usize| times.map_or(1, |times| times[row]);
        let count: u64 = (0..pairs.len()).map(|row| u64::from(times_of(row))).sum();
        let (mut gradient_max, mut curvature_max) = (0f64, 0f64);
        for (gradient, curvature) in pairs {
            if !gradient.is_finite() || !curvature.is_finite() || *curvature < 0.0 {
                return None;
            }
            gradient_max = gradient_max.max(gradient.abs());
            curvature_max = curvature_max.max(*curvature);
        }
        if count == 0 || count > ROWS_MAX as u64 {
            return None;
        }
        let gradient_unit = unit(gradient_max, count, 61);
        let curvature_unit = unit(curvature_max, count, 63 - COUNT_BITS as i32);
        let rows = pairs.iter().enumerate().map(|(row, (gradient, curvature))| {
            let times = times_of(row);
            Sums {
                gradient: (gradient / gradient_unit).round() as i64 * i64::from(times),
                mass: ((((curvature / curvature_unit).round() as u64) << COUNT_BITS) + 1) * u64::from(times),
            }
        });
        Some(Gradients { rows: rows.collect(), gradient_unit, curvature_unit })
    }

    /// Sum of gradients as a number.
    #[must_use]
    pub fn gradient(&self, sums: Sums) -> f64 {
        sums.gradient as f64 * self.gradient_unit
    }

    /// Sum of curvatures as a number.
    #[must_use]
    pub fn curvature(&self, sums: Sums) -> f64 {
        (sums.mass >> COUNT_BITS) as f64 * self.curvature_unit
    }
}

/// A power of two in which `count` values up to `largest` sum to less than two to the `bits`.
fn unit(largest: f64, count: u64, bits: i32) -> f64 {
    let whole = (largest.log2() + (count as f64).log2()).ceil() as i32;
    // Zeros, and numbers so small that their unit would be zero.
    if largest < 1e-250 { 1e-250 } else { 2f64.powi(whole - bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_in_any_order_and_subtraction_returns_the_rest() {
        let pairs: Vec<(f64, f64)> = (0..1000).map(|i| ((f64::from(i) * 0.7).sin() * 1e6, 1.0)).collect();
        let gradients = Gradients::new(&pairs, None).expect("finite");
        let sum = |rows: &mut dyn Iterator<Item = &Sums>| {
            let mut sums = Sums::default();
            rows.for_each(|row| sums.add(*row));
            sums
        };
        let all = sum(&mut gradients.rows.iter());
        assert_eq!(all, sum(&mut gradients.rows.iter().rev()));
        assert_eq!(all.without(sum(&mut gradients.rows[300..].iter())), sum(&mut gradients.rows[..300].iter()));
        assert_eq!(all.count(), 1000);
        assert_eq!(gradients.curvature(all), 1000.0);
        let exact: f64 = pairs.iter().map(|pair| pair.0).sum();
        assert!((gradients.gradient(all) - exact).abs() < 1e-6);
    }

    #[test]
    fn extremes_neither_overflow_nor_pass() {
        let pairs = vec![(1e300, 1e300); 5000];
        let gradients = Gradients::new(&pairs, Some(&vec![3; 5000])).expect("finite");
        let mut all = Sums::default();
        gradients.rows.iter().for_each(|row| all.add(*row));
        assert_eq!(all.count(), 15_000);
        assert!((gradients.gradient(all) / 1.5e304 - 1.0).abs() < 1e-9);
        assert!((gradients.curvature(all) / 1.5e304 - 1.0).abs() < 1e-6);
        assert_eq!(Gradients::new(&[(f64::NAN, 1.0)], None), None);
        assert_eq!(Gradients::new(&[(1.0, f64::INFINITY)], None), None);
        assert_eq!(Gradients::new(&[(1.0, 1.0)], Some(&[0])), None);
        let zero = Gradients::new(&[(0.0, 0.0)], None).expect("finite");
        assert_eq!(zero.curvature(zero.rows[0]), 0.0);
    }
}
