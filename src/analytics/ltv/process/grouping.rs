//! Equal purchase histories become one weighted row: the likelihood sees each only once.
//!
//! Days are whole numbers, so many customers share `(x, t_x, T)`: 2,357 CDNOW customers have 1,016 distinct histories.
//! The rows are sorted by `x`, and terms that depend on `x` alone (log-gammas) are computed once for each of its values.

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
}

/// A history and how many customers have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The history.
    pub history: History,
    /// How many customers.
    pub weight: f64,
    /// Place of its `repeat_count` in [`Groups::distinct_counts`].
    pub count_index: usize,
}

/// Distinct histories, sorted by repeat count, then last purchase, then age.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// The rows of the likelihood.
    pub rows: Vec<Group>,
    /// Distinct repeat counts, ascending.
    pub distinct_counts: Vec<f64>,
}

impl Groups {
    /// Groups equal histories; the second part holds the group of each customer, in the order given.
    #[must_use]
    pub fn new(histories: &[History]) -> (Groups, Vec<usize>) {
        let mut order: Vec<usize> = (0..histories.len()).collect();
        let key = |i: usize| (histories[i].repeat_count, histories[i].last_purchase_weeks, histories[i].age_weeks);
        order.sort_unstable_by(|left, right| {
            let (left, right) = (key(*left), key(*right));
            left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)).then(left.2.total_cmp(&right.2))
        });
        let mut groups = Groups::default();
        let mut group_of_customer = vec![0; histories.len()];
        for customer in order {
            match groups.rows.last_mut() {
                Some(last) if last.history == histories[customer] => last.weight += 1.0,
                _ => groups.push(histories[customer], 1.0),
            }
            group_of_customer[customer] = groups.rows.len() - 1;
        }
        (groups, group_of_customer)
    }

    /// Adds a row; rows must come in the order of their repeat counts.
    fn push(&mut self, history: History, weight: f64) {
        if self.distinct_counts.last() != Some(&history.repeat_count) {
            self.distinct_counts.push(history.repeat_count);
        }
        self.rows.push(Group { history, weight, count_index: self.distinct_counts.len() - 1 });
    }

    /// At most about `rows_max` rows, taken evenly; enough to find out where to start.
    #[must_use]
    pub fn thinned(&self, rows_max: usize) -> Groups {
        let mut thinned = Groups::default();
        for group in self.rows.iter().step_by(self.rows.len().div_ceil(rows_max.max(1)).max(1)) {
            thinned.push(group.history, group.weight);
        }
        thinned
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
            assert_eq!(groups.rows[group].history, *history);
        }
        for group in &groups.rows {
            assert_eq!(groups.distinct_counts[group.count_index], group.history.repeat_count);
        }
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
