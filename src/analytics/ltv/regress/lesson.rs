//! What a regressor learns from: customers at the earlier cut and what they brought, checked, in an order of its own.

use super::table::{KNOWN_MAX, Table};
use crate::analytics::ltv::estimator::{Refusal, Training};
use std::cmp::Ordering;

/// Fewest customers at the earlier cut.
pub const CUSTOMERS_MIN: usize = 200;

/// Fewest of them who brought money after it.
pub const BUYERS_MIN: usize = 30;

/// Most customers of a fit; of more, every second, third, ... is taken, which bounds memory and costs no accuracy that one could see.
const CUSTOMERS_MAX: usize = 500_000;

/// Customers at the earlier cut, and the net revenue of each in the horizon after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lesson {
    pub table: Table,
    pub revenue: Vec<f64>,
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
        Ok(Lesson {
            table: Table { columns: table.columns.iter().map(pick).collect(), names: table.names },
            revenue: rows.iter().map(|row| row.1).collect(),
        })
    }

    /// Those who brought money.
    pub fn buyers(&self) -> Lesson {
        let pick =
            |values: &Vec<f64>| values.iter().zip(&self.revenue).filter(|row| *row.1 > 0.0).map(|row| *row.0).collect();
        let columns = self.table.columns.iter().map(pick).collect();
        Lesson { table: Table { names: self.table.names.clone(), columns }, revenue: pick(&self.revenue) }
    }

    /// Revenue without its negative part: what a log link and a share of buyers can describe.
    pub fn positive_revenue(&self) -> Vec<f64> {
        self.revenue.iter().map(|value| value.max(0.0)).collect()
    }
}

/// A prediction of money as it leaves a regressor: never negative, never beyond what a sum can hold.
pub(super) fn money(value: f64) -> f64 {
    // `max` takes the number where the other side is none.
    value.max(0.0).min(KNOWN_MAX)
}
