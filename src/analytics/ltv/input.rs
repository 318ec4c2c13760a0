//! From the frame's columns to checked histories; a row that contradicts itself is refused by key and column.

use super::process::grouping::History;
use super::spend::{FIRST_VALUE, KnownOrders};
use crate::analytics::Frame;
use crate::error::{Error, Result};

/// Days of a week; the estimators count in weeks, as the papers do.
pub(super) const DAYS_OF_A_WEEK: f64 = 7.0;

/// Checked rows of the frame, in its order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    /// Purchase histories.
    pub histories: Vec<History>,
    /// Mean value of repeat orders; `None` where there is no positive one.
    pub mean_values: Vec<Option<f64>>,
    /// Value of the first purchase, where the frame tells it.
    pub first_values: Option<Vec<f64>>,
}

impl Input {
    /// Orders of known value: the first purchase is among them where the frame tells it.
    pub(super) fn known_orders(&self) -> KnownOrders {
        self.known_orders_with(true)
    }

    /// The same, with the first purchase only if it is wanted.
    pub(super) fn known_orders_with(&self, first: bool) -> KnownOrders {
        let firsts = self.first_values.as_deref().filter(|_| first);
        KnownOrders::new(&self.histories, &self.mean_values, firsts)
    }
}

/// Reads `repeat_count`, `last_purchase_age_days`, `age_days` and `mean_repeat_value`.
pub(super) fn read(frame: &Frame) -> Result<Input> {
    let counts = frame.floats("repeat_count")?;
    let lasts = frame.floats("last_purchase_age_days")?;
    let ages = frame.floats("age_days")?;
    let means = frame.floats("mean_repeat_value")?;
    let mut input = Input {
        histories: Vec::with_capacity(frame.len()),
        mean_values: Vec::with_capacity(frame.len()),
        first_values: frame.floats(FIRST_VALUE).ok().map(<[f64]>::to_vec),
    };
    for (i, key) in frame.keys.iter().enumerate() {
        let row = Row { key, count: counts[i], last: lasts[i], age: ages[i], mean: means[i] };
        row.check()?;
        input.histories.push(History {
            repeat_count: row.count,
            last_purchase_weeks: row.last / DAYS_OF_A_WEEK,
            age_weeks: row.age / DAYS_OF_A_WEEK,
        });
        input.mean_values.push((row.count > 0.0 && row.mean > 0.0).then_some(row.mean));
    }
    Ok(input)
}

struct Row<'a> {
    key: &'a str,
    count: f64,
    last: f64,
    age: f64,
    mean: f64,
}

impl Row<'_> {
    fn check(&self) -> Result<()> {
        let Row { count, last, age, mean, .. } = *self;
        for (column, value) in [("repeat_count", count), ("last_purchase_age_days", last), ("age_days", age)] {
            if value.is_nan() {
                return Err(self.refused(column, "It is absent.".into()));
            }
            if !value.is_finite() || value < 0.0 {
                return Err(self.refused(column, format!("It is {value}; it must be a finite number of at least 0.")));
            }
        }
        if count.fract() != 0.0 {
            return Err(
                self.refused("repeat_count", format!("It is {count}; it counts purchase days after the first one."))
            );
        }
        if last > age {
            let fact = format!("It is {last}, after the end of observation: age_days is {age}.");
            return Err(self.refused("last_purchase_age_days", fact));
        }
        if count == 0.0 && last > 0.0 {
            let fact = format!("It is {last} although repeat_count is 0; without a repeat purchase it must be 0.");
            return Err(self.refused("last_purchase_age_days", fact));
        }
        if count > 0.0 && last == 0.0 {
            let fact = format!(
                "It is 0 although repeat_count is {count}; repeat purchases come on later days than the first one."
            );
            return Err(self.refused("last_purchase_age_days", fact));
        }
        if mean.is_infinite() {
            return Err(self.refused("mean_repeat_value", format!("It is {mean}.")));
        }
        Ok(())
    }

    fn refused(&self, column: &str, fact: String) -> Error {
        Error::failed(format!("column \"{column}\" of customer \"{}\" cannot be used for lifetime value", self.key))
            .detail(fact)
            .hint("correct the SELECT of the model; docs/ltv.md defines its columns")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::Column;

    fn one(count: f64, last: f64, age: f64, mean: f64) -> Frame {
        Frame {
            keys: vec!["C-7".into()],
            columns: vec![
                Column::float("repeat_count", vec![count]),
                Column::float("last_purchase_age_days", vec![last]),
                Column::float("age_days", vec![age]),
                Column::float("mean_repeat_value", vec![mean]),
            ],
        }
    }

    #[test]
    fn contradictions_are_refused_by_key_and_column() {
        let cases = [
            (f64::NAN, 1.0, 9.0, 1.0, "repeat_count", "It is absent."),
            (-1.0, 1.0, 9.0, 1.0, "repeat_count", "It is -1; it must be a finite number of at least 0."),
            (1.5, 1.0, 9.0, 1.0, "repeat_count", "It is 1.5; it counts purchase days after the first one."),
            (1.0, f64::NAN, 9.0, 1.0, "last_purchase_age_days", "It is absent."),
            (1.0, 10.0, 9.0, 1.0, "last_purchase_age_days", "It is 10, after the end of observation: age_days is 9."),
            (
                0.0,
                2.0,
                9.0,
                1.0,
                "last_purchase_age_days",
                "It is 2 although repeat_count is 0; without a repeat purchase it must be 0.",
            ),
            (
                3.0,
                0.0,
                9.0,
                1.0,
                "last_purchase_age_days",
                "It is 0 although repeat_count is 3; repeat purchases come on later days than the first one.",
            ),
            (1.0, 1.0, f64::INFINITY, 1.0, "age_days", "It is inf; it must be a finite number of at least 0."),
            (1.0, 1.0, 9.0, f64::INFINITY, "mean_repeat_value", "It is inf."),
        ];
        for (count, last, age, mean, column, fact) in cases {
            let error = read(&one(count, last, age, mean)).expect_err(fact);
            assert_eq!(
                error.message,
                format!("column \"{column}\" of customer \"C-7\" cannot be used for lifetime value")
            );
            assert_eq!(error.detail.as_deref(), Some(fact));
        }
    }

    #[test]
    fn days_become_weeks_and_values_that_are_not_positive_are_left_out() {
        let input = read(&one(2.0, 7.0, 21.0, 12.5)).expect("sound");
        let history = History { repeat_count: 2.0, last_purchase_weeks: 1.0, age_weeks: 3.0 };
        assert_eq!(input, Input { histories: vec![history], mean_values: vec![Some(12.5)], first_values: None });
        for (count, last, mean) in [(2.0, 7.0, 0.0), (2.0, 7.0, -3.0), (2.0, 7.0, f64::NAN), (0.0, 0.0, 5.0)] {
            assert_eq!(read(&one(count, last, 21.0, mean)).expect("sound").mean_values, [None]);
        }
    }

    #[test]
    fn a_missing_column_is_named() {
        let mut frame = one(1.0, 1.0, 9.0, 1.0);
        frame.columns.remove(2);
        assert_eq!(read(&frame).expect_err("missing").message, "column \"age_days\" is missing");
    }
}
