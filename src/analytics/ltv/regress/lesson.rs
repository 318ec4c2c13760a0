//! What a regressor learns from: customers at the earlier cut and what they brought, checked, in an order of its own.

use super::table::{KNOWN_MAX, Table, columns};
use crate::analytics::ltv::estimator::{Customers, Refusal, Training};
use std::cmp::Ordering;

/// Fewest customers at the earlier cut.
pub const CUSTOMERS_MIN: usize = 200;

/// Fewest of them who brought money after it.
pub const BUYERS_MIN: usize = 30;

/// Most customers of a fit; of more, every second, third, ... is taken, which bounds memory and costs no accuracy that one could see.
const CUSTOMERS_MAX: usize = 500_000;

/// Largest share of customers to predict that may be beyond the values of a column seen in training before trees go without it.
const BEYOND_MAX: f64 = 0.25;

/// Customers at the earlier cut, and the net revenue of each in the horizon after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lesson {
    pub table: Table,
    pub revenue: Vec<f64>,
    /// Whether each column stays what it was: few customers to predict are beyond the values seen in training.
    is_settled: Vec<bool>,
}

impl Lesson {
    /// Reads and checks the earlier cut; rows whose outcome is not known are left out.
    ///
    /// Rows are sorted by what they say, so that no fit depends on the order in which a database returns them.
    pub fn new(training: &Training<'_>) -> Result<Lesson, Refusal> {
        let Some((customers, outcome)) = training.earlier else {
            return Err(Refusal {
                code: "no_earlier_cut",
                reason:
                    "there is no earlier cut with an outcome to learn from: the history is shorter than two horizons"
                        .into(),
            });
        };
        let table = Table::of(customers);
        let value = |row: usize| outcome.revenue.get(row).copied().filter(|value| value.abs() <= KNOWN_MAX);
        let mut rows: Vec<(usize, f64)> =
            (0..table.len()).filter_map(|row| value(row).map(|value| (row, value))).collect();
        if rows.len() < CUSTOMERS_MIN {
            return Err(Refusal {
                code: "too_few_customers",
                reason: format!(
                    "{} customers were known at the earlier cut; at least {CUSTOMERS_MIN} are needed",
                    rows.len()
                ),
            });
        }
        let buyers = rows.iter().filter(|row| row.1 > 0.0).count();
        if buyers == 0 {
            return Err(Refusal {
                code: "no_revenue_after_cut",
                reason: format!("none of {} customers brought revenue after the earlier cut", rows.len()),
            });
        }
        if buyers < BUYERS_MIN {
            return Err(Refusal {
                code: "too_few_buyers",
                reason: format!(
                    "{buyers} of {} customers brought revenue after the earlier cut; at least {BUYERS_MIN} are needed",
                    rows.len()
                ),
            });
        }
        let compare = |left: &(usize, f64), right: &(usize, f64)| {
            let by_columns = table.columns.iter().map(|column| column[left.0].total_cmp(&column[right.0]));
            by_columns.fold(Ordering::Equal, Ordering::then).then(left.1.total_cmp(&right.1))
        };
        rows.sort_unstable_by(compare);
        let step = rows.len().div_ceil(CUSTOMERS_MAX);
        let rows: Vec<(usize, f64)> = rows.into_iter().step_by(step).collect();
        let pick = |column: &Vec<f64>| rows.iter().map(|row| column[row.0]).collect();
        let is_settled = is_settled(&table, training.customers);
        Ok(Lesson {
            is_settled,
            table: Table { columns: table.columns.iter().map(pick).collect(), names: table.names },
            revenue: rows.iter().map(|row| row.1).collect(),
        })
    }

    /// Those who brought money.
    pub fn buyers(&self) -> Lesson {
        let pick =
            |values: &Vec<f64>| values.iter().zip(&self.revenue).filter(|row| *row.1 > 0.0).map(|row| *row.0).collect();
        let table = Table { names: self.table.names.clone(), columns: self.table.columns.iter().map(pick).collect() };
        Lesson { table, revenue: pick(&self.revenue), is_settled: self.is_settled.clone() }
    }

    /// The columns that trees may cut: a cut of an age that everybody has passed would send all of them to one side.
    pub fn table_of_trees(&self) -> Table {
        let settled = |place: &usize| self.is_settled.get(*place).copied().unwrap_or(true);
        let kept: Vec<usize> = (0..self.table.names.len()).filter(settled).collect();
        Table {
            names: kept.iter().map(|place| self.table.names[*place].clone()).collect(),
            columns: kept.iter().map(|place| self.table.columns[*place].clone()).collect(),
        }
    }

    /// Revenue without its negative part: what a log link and a share of buyers can describe.
    pub fn positive_revenue(&self) -> Vec<f64> {
        self.revenue.iter().map(|value| value.max(0.0)).collect()
    }
}

/// Whether at most [`BEYOND_MAX`] of the known values of each column of `table` among `customers` lie outside it.
fn is_settled(table: &Table, customers: &Customers) -> Vec<bool> {
    let later = columns(customers, &table.names);
    let is_settled = |(seen, later): (&Vec<f64>, &Vec<f64>)| {
        let low = seen.iter().copied().fold(f64::INFINITY, f64::min);
        let high = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let known = later.iter().filter(|value| value.is_finite()).count();
        let beyond = later.iter().filter(|value| **value < low || **value > high).count();
        beyond as f64 <= BEYOND_MAX * known as f64
    };
    table.columns.iter().zip(&later).map(is_settled).collect()
}

/// A prediction of money as it leaves a regressor: never negative, never beyond what a sum can hold.
pub(super) fn money(value: f64) -> f64 {
    // What is not a number fails the comparison.
    if value > 0.0 { value.min(KNOWN_MAX) } else { 0.0 }
}
