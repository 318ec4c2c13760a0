//! Equal purchase histories become one weighted row: the likelihood sees each only once.
//!
//! Days are whole numbers, so many customers share `(x, t_x, T)`: 2,357 CDNOW customers have 1,016 distinct histories.
//! The rows are sorted by `x`, and terms that depend on `x` alone (log-gammas) are computed once for each of its values.

use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// The purchase history of a customer, in weeks; the papers' `(x, t_x, T)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// Purchase days after the first one, `x`.
    pub repeat_count: f64,
    /// Time from the first to the last purchase, `t_x`; 0 when `x = 0`.
    pub last_purchase_weeks: f64,
    /// Time from the first purchase to the end of observation, `T`.
    pub age_weeks: f64,
}

impl History {
    /// A customer at the moment of the first purchase.
    pub const NEW: History = History { repeat_count: 0.0, last_purchase_weeks: 0.0, age_weeks: 0.0 };

    /// Whether it is finite and free of contradictions.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let History { repeat_count, last_purchase_weeks, age_weeks } = *self;
        repeat_count.fract() == 0.0
            && repeat_count >= 0.0
            && repeat_count.is_finite()
            && (0.0..=age_weeks).contains(&last_purchase_weeks)
            && age_weeks.is_finite()
            && (repeat_count > 0.0 || last_purchase_weeks == 0.0)
    }
}

/// A history and how many customers have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The history.
    pub history: History,
    /// How many customers.
    pub weight: f64,
    /// Place of its `repeat_count` in [`Groups::distinct_counts`].
    pub count_index: u32,
    /// Place of `(x, t_x)` in [`Groups::moments`].
    pub last_index: u32,
    /// Place of `(x, T)` in [`Groups::moments`].
    pub age_index: u32,
}

/// A time since the first purchase at which somebody with this repeat count bought last, or ceased to be seen.
///
/// Two million customers of a simulated year have 264,162 histories but 8,858 moments, so what depends on `(x, t)` alone is computed
/// once a moment: fits to the day cost less than the rounding of days to weeks would save.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Repeat purchases, `x`.
    pub repeat_count: f64,
    /// Time since the first purchase, in weeks.
    pub weeks: f64,
}

/// Distinct histories, sorted by repeat count, then last purchase, then age.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// The rows of the likelihood.
    pub rows: Vec<Group>,
    /// Distinct repeat counts, ascending.
    pub distinct_counts: Vec<f64>,
    /// Distinct `(x, t_x)` and `(x, T)` together, ascending.
    pub moments: Vec<Moment>,
}

/// Bits of a history, to look it up by.
#[derive(PartialEq, Eq)]
struct Key([u64; 3]);

impl Key {
    fn new(history: &History) -> Self {
        // Adding 0 makes one zero of the two.
        let History { repeat_count, last_purchase_weeks, age_weeks } = history;
        Key([repeat_count, last_purchase_weeks, age_weeks].map(|value| (value + 0.0).to_bits()))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|bits| state.write_u64(*bits));
    }
}

/// A quick hash for three floats; nobody chooses histories to make it slow, so it need not withstand that.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, bits: u64) {
        let mixed = (self.0.rotate_left(5) ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Groups {
    /// Groups equal histories; the second part holds the group of each customer, in the order given.
    #[must_use]
    pub fn new(histories: &[History]) -> (Groups, Vec<u32>) {
        let mut places: HashMap<Key, u32, BuildHasherDefault<Mixer>> = HashMap::default();
        let mut distinct: Vec<(History, f64)> = Vec::new();
        let mut group_of_customer: Vec<u32> = histories
            .iter()
            .map(|history| {
                let place = *places.entry(Key::new(history)).or_insert_with(|| {
                    distinct.push((*history, 0.0));
                    distinct.len() as u32 - 1
                });
                distinct[place as usize].1 += 1.0;
                place
            })
            .collect();
        drop(places);
        let mut order: Vec<u32> = (0..distinct.len() as u32).collect();
        order.sort_unstable_by(|left, right| ascending(&distinct[*left as usize].0, &distinct[*right as usize].0));
        let mut rank = vec![0u32; order.len()];
        order.iter().zip(0..).for_each(|(place, sorted)| rank[*place as usize] = sorted);
        group_of_customer.iter_mut().for_each(|group| *group = rank[*group as usize]);
        let groups = Groups::of_sorted(order.iter().map(|place| distinct[*place as usize]));
        (groups, group_of_customer)
    }

    /// Rows that are grouped already (by `GROUP BY`), each with its number of customers; in any order, and a history may come twice.
    #[must_use]
    pub fn weighted(mut rows: Vec<(History, f64)>) -> Groups {
        rows.sort_by(|left, right| ascending(&left.0, &right.0));
        rows.dedup_by(|later, first| {
            let is_same = later.0 == first.0;
            if is_same {
                first.1 += later.1;
            }
            is_same
        });
        Groups::of_sorted(rows.into_iter())
    }

    /// Distinct histories with their weights, ascending.
    fn of_sorted(sorted: impl Iterator<Item = (History, f64)>) -> Groups {
        let mut groups = Groups::default();
        groups.rows.reserve_exact(sorted.size_hint().0);
        for (history, weight) in sorted {
            if groups.distinct_counts.last() != Some(&history.repeat_count) {
                groups.distinct_counts.push(history.repeat_count);
            }
            let count_index = groups.distinct_counts.len() as u32 - 1;
            groups.rows.push(Group { history, weight, count_index, last_index: 0, age_index: 0 });
        }
        let mut times: Vec<f64> = Vec::new();
        for block in groups.rows.chunk_by_mut(|left, right| left.count_index == right.count_index) {
            times.clear();
            times.extend(block.iter().flat_map(|row| [row.history.last_purchase_weeks, row.history.age_weeks]));
            times.sort_unstable_by(f64::total_cmp);
            times.dedup();
            let base = groups.moments.len();
            let place = |weeks: f64| (base + times.partition_point(|time| time.total_cmp(&weeks).is_lt())) as u32;
            for row in &mut *block {
                row.last_index = place(row.history.last_purchase_weeks);
                row.age_index = place(row.history.age_weeks);
            }
            let repeat_count = block.first().map_or(0.0, |row| row.history.repeat_count);
            groups.moments.extend(times.iter().map(|weeks| Moment { repeat_count, weeks: *weeks }));
        }
        groups
    }

    /// At most about `rows_max` rows, taken evenly; enough to find out where to start.
    #[must_use]
    pub fn thinned(&self, rows_max: usize) -> Groups {
        let every = self.rows.len().div_ceil(rows_max.max(1)).max(1);
        Groups::of_sorted(self.rows.iter().step_by(every).map(|group| (group.history, group.weight)))
    }

    /// What depends on `(x, T)` alone, computed once for each and placed by [`Group::age_index`].
    pub fn by_age<T: Send>(&self, value: impl Fn(f64, f64) -> T + Sync) -> Vec<Option<T>> {
        let mut is_age = vec![false; self.moments.len()];
        self.rows.iter().for_each(|row| is_age[row.age_index as usize] = true);
        self.moments
            .par_iter()
            .zip(is_age)
            .map(|(moment, is_age)| is_age.then(|| value(moment.repeat_count, moment.weeks)))
            .collect()
    }

    /// Number of customers.
    #[must_use]
    pub fn customers(&self) -> f64 {
        self.rows.iter().map(|group| group.weight).sum::<f64>() + 0.0
    }

    /// Repeat purchases a week of observed age, over all customers.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let repeats: f64 = self.rows.iter().map(|group| group.weight * group.history.repeat_count).sum();
        let weeks: f64 = self.rows.iter().map(|group| group.weight * group.history.age_weeks).sum();
        repeats / weeks
    }

    /// Mean age in weeks.
    #[must_use]
    pub fn mean_age(&self) -> f64 {
        self.rows.iter().map(|group| group.weight * group.history.age_weeks).sum::<f64>() / self.customers()
    }
}

/// By repeat count, then last purchase, then age.
fn ascending(left: &History, right: &History) -> Ordering {
    left.repeat_count
        .total_cmp(&right.repeat_count)
        .then(left.last_purchase_weeks.total_cmp(&right.last_purchase_weeks))
        .then(left.age_weeks.total_cmp(&right.age_weeks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow;

    #[test]
    fn the_cdnow_sample_has_1016_distinct_histories() {
        let customers = cdnow::sample();
        let histories: Vec<History> = customers.iter().map(|customer| customer.history).collect();
        let (groups, group_of_customer) = Groups::new(&histories);
        assert_eq!((groups.rows.len(), groups.customers()), (1016, 2357.0));
        for (history, group) in histories.iter().zip(group_of_customer) {
            assert_eq!(groups.rows[group as usize].history, *history);
        }
        for group in &groups.rows {
            let History { repeat_count, last_purchase_weeks, age_weeks } = group.history;
            assert_eq!(groups.distinct_counts[group.count_index as usize], repeat_count);
            let at = |index: u32| groups.moments[index as usize];
            assert_eq!(at(group.last_index), Moment { repeat_count, weeks: last_purchase_weeks });
            assert_eq!(at(group.age_index), Moment { repeat_count, weeks: age_weeks });
        }
    }

    #[test]
    fn rows_that_are_grouped_already_give_the_same_groups() {
        let groups = cdnow::groups();
        let mut rows: Vec<(History, f64)> = groups.rows.iter().rev().map(|row| (row.history, row.weight)).collect();
        assert_eq!(Groups::weighted(rows.clone()), groups);
        rows[7].1 -= 0.5;
        rows.push((rows[7].0, 0.5));
        assert_eq!(Groups::weighted(rows), groups);
    }

    #[test]
    fn thinning_keeps_the_first_of_every_few_rows() {
        let histories: Vec<History> = (0..10).map(|x| History { repeat_count: f64::from(x), ..History::NEW }).collect();
        let (groups, _) = Groups::new(&histories);
        let counts = |groups: &Groups| groups.rows.iter().map(|row| row.history.repeat_count).collect::<Vec<_>>();
        assert_eq!(counts(&groups.thinned(4)), [0.0, 3.0, 6.0, 9.0]);
        assert_eq!(groups.thinned(100), groups);
    }
}
