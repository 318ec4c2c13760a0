//! Scores in memory: the columns of `customer_ltv` from an [`Outlook`], as the database's statement makes them too.

use super::Level;
use super::clock::Clock;
use super::input::{self, DAYS_OF_A_WEEK};
use super::interval::LEVELS;
use super::outlook::{self, Moment, Outlook};
use super::process::LifeMoment;
use crate::analytics::{Column, Frame, Values};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// Columns of the quantiles of value over the horizon.
pub const QUANTILES: [&str; 3] = ["predicted_ltv_p10", "predicted_ltv_p50", "predicted_ltv_p90"];

/// Columns of the value of windows and of later years, in the order of [`outlook::LATER`].
pub const LATER: [&str; 7] = [
    "predicted_ltv_90d",
    "predicted_ltv_180d",
    "predicted_ltv_365d",
    "predicted_ltv_year_2",
    "predicted_ltv_year_3",
    "predicted_ltv_year_4",
    "predicted_ltv_year_5",
];

/// Columns that a process tells alone: absent where customers do not differ in it.
pub const TOLD_BY_PROCESS: [&str; 5] = [
    "predicted_purchases",
    "purchase_probability_30d",
    "purchase_probability_90d",
    "purchase_probability_180d",
    UNADJUSTED,
];

/// The last column: purchases within the horizon if every month ahead were an average one.
pub const UNADJUSTED: &str = "predicted_purchases_unadjusted";

/// Columns before them; all numbers but `is_dropout_identified`.
pub const FIRST: [&str; 8] = [
    "predicted_purchases",
    "probability_alive",
    "purchase_probability_30d",
    "purchase_probability_90d",
    "purchase_probability_180d",
    "expected_order_value",
    "predicted_ltv",
    "is_dropout_identified",
];

impl Outlook {
    /// Predicts for the rows of `frame`, whose columns are those of [`super::fit`], on a `clock` of today; the level of the money is `level`'s,
    /// if given.
    ///
    /// # Errors
    /// A missing column, a row that contradicts itself, a result that is not a number of at least 0.
    pub fn score(&self, frame: &Frame, clock: &Clock, level: Option<&Level>) -> Result<Vec<Column>> {
        let input = input::read(frame)?;
        let days = |weeks: f64| (weeks * DAYS_OF_A_WEEK * 1e6).round() / 1e6;
        let mut places: HashMap<(u64, u64), usize> = HashMap::new();
        let mut wanted: Vec<(f64, f64)> = Vec::new();
        let mut place_of = |count: f64, days: f64| {
            *places.entry((count.to_bits(), days.to_bits())).or_insert_with(|| {
                wanted.push((count, days));
                wanted.len() - 1
            })
        };
        let rows: Vec<(usize, usize)> = input
            .histories
            .iter()
            .map(|history| {
                let count = history.repeat_count + 0.0;
                let (last, now) = clock.elapsed(days(history.last_purchase_weeks), days(history.age_weeks));
                (place_of(count, last + 0.0), place_of(count, now + 0.0))
            })
            .collect();
        let moments = self.moments(&wanted, clock);
        let worth = self.order_value();
        let known = input.known_orders_with(self.spend.first > 0.0);
        let mut columns: Vec<Vec<f64>> =
            vec![Vec::with_capacity(frame.len()); FIRST.len() - 1 + LATER.len() + QUANTILES.len() + 1];
        for (row, (last, age)) in rows.into_iter().enumerate() {
            let mean = known.means[row];
            let of_level = level.map(|level| level.revenue[row]);
            let values = self.one((&moments[last], &moments[age]), worth, mean, of_level);
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        let names = FIRST[..FIRST.len() - 1].iter().chain(&LATER).chain(&QUANTILES).chain([&UNADJUSTED]);
        let mut columns: Vec<Column> = names.zip(columns).map(|(name, values)| Column::float(name, values)).collect();
        check_finite(frame, &columns)?;
        if !self.tells_purchases() {
            let nobodys = columns.iter_mut().filter(|column| TOLD_BY_PROCESS.contains(&column.name.as_str()));
            nobodys.for_each(|column| column.values = Values::Float(vec![f64::NAN; frame.len()]));
        }
        let is_identified = self.is_dropout_identified();
        if !is_identified {
            columns[1] = Column::float(FIRST[1], vec![f64::NAN; frame.len()]);
        }
        columns.insert(FIRST.len() - 1, flag(is_identified, frame.len()));
        Ok(columns)
    }

    /// The numbers of one customer, in the order of the columns.
    fn one(
        &self,
        (last, age): (&Moment, &Moment),
        worth: outlook::OrderValue,
        mean: Option<f64>,
        level: Option<f64>,
    ) -> Vec<f64> {
        let alive = LifeMoment::alive(&last.life, &age.life);
        let ahead = age.ahead.map(|value| alive * value);
        let order = worth.of(age.repeat_count, mean);
        // What one expected purchase is worth: the customer's order, or what the champion says of the window over the purchases in it.
        let purchase = match level {
            None => order,
            Some(revenue) if ahead[outlook::WINDOW] > 0.0 => revenue / ahead[outlook::WINDOW],
            Some(_) => 0.0,
        };
        let money = purchase * self.margin_share;
        let [month, quarter, half] = [0, 1, 2].map(|window| match &self.churn {
            Some(churn) => churn.probability(ahead[outlook::SOON[window]]),
            None => ahead[outlook::BUYS[window]],
        });
        let (purchases, discounted) = (ahead[outlook::PURCHASES], ahead[outlook::DISCOUNTED]);
        let mut values = vec![purchases, alive, month, quarter, half, order, discounted * money];
        values.extend(outlook::LATER.iter().map(|place| ahead[*place] * money));
        let unit = worth.unit(age.repeat_count, mean);
        values.extend(LEVELS.iter().map(|level| {
            let amount = outlook::quantile(&age.curve, *level, alive) * unit;
            if order > 0.0 { amount / order * money } else { 0.0 }
        }));
        values.push(ahead[outlook::UNADJUSTED]);
        values
    }
}

/// A young or small shop still gets its other models: the columns are there, empty, with the reason in the facts.
pub(super) fn empty(rows: usize) -> Vec<Column> {
    let absent = |name: &&str| Column::float(name, vec![f64::NAN; rows]);
    let mut columns: Vec<Column> = FIRST[..FIRST.len() - 1].iter().map(absent).collect();
    columns.push(flag(false, rows));
    columns.extend(LATER.iter().chain(&QUANTILES).chain([&UNADJUSTED]).map(absent));
    columns
}

fn flag(is_dropout_identified: bool, rows: usize) -> Column {
    let values = Values::Boolean(vec![Some(is_dropout_identified); rows]);
    Column { name: FIRST[FIRST.len() - 1].into(), values }
}

/// The last line of defence: nothing that is not a number, infinite or negative leaves this module.
fn check_finite(frame: &Frame, columns: &[Column]) -> Result<()> {
    for column in columns {
        let Values::Float(values) = &column.values else { continue };
        if let Some(row) = values.iter().position(|value| !(value.is_finite() && *value >= 0.0)) {
            return Err(Error::failed(format!(
                "prediction \"{}\" of customer \"{}\" failed",
                column.name, frame.keys[row]
            ))
            .detail(format!("The result is {}.", values[row]))
            .hint("look for extreme values in the row of this customer, or set another estimator"));
        }
    }
    Ok(())
}
