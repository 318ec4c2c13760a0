//! One value of a result as a template sees it, and the type of a column of them.

use super::super::moment::Moment;
use crate::project::Cell;
use minijinja::Value;

/// What a column holds, by agate's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// Whole numbers, or nothing at all.
    Integer,
    /// Numbers with a point.
    Number,
    /// Dates.
    Date,
    /// Timestamps.
    DateTime,
    /// Truth values.
    Boolean,
    /// All else.
    Text,
}

impl ColumnType {
    /// agate's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Integer => "Integer",
            ColumnType::Number => "Number",
            ColumnType::Date => "Date",
            ColumnType::DateTime => "DateTime",
            ColumnType::Boolean => "Boolean",
            ColumnType::Text => "Text",
        }
    }

    /// The SQL type that dbt-postgres makes of it.
    pub fn sql(self, has_decimals: bool) -> &'static str {
        match self {
            ColumnType::Number if has_decimals => "float8",
            ColumnType::Integer | ColumnType::Number => "integer",
            ColumnType::Date => "date",
            ColumnType::DateTime => "timestamp without time zone",
            ColumnType::Boolean => "boolean",
            ColumnType::Text => "text",
        }
    }
}

/// The type of the column at `place`: that of its values, which the server made all of one type.
pub(super) fn column_type(rows: &[Vec<Cell>], place: usize) -> ColumnType {
    let first = rows.iter().filter_map(|row| row.get(place)).find(|cell| **cell != Cell::Null);
    match first {
        None | Some(Cell::Null | Cell::Int(_)) => ColumnType::Integer,
        Some(Cell::Number(_) | Cell::Float(_)) => ColumnType::Number,
        Some(Cell::Bool(_)) => ColumnType::Boolean,
        Some(Cell::Date(_)) => ColumnType::Date,
        Some(Cell::Timestamp(_) | Cell::TimestampTz(_)) => ColumnType::DateTime,
        // agate has no time of day; dbt shows it as text.
        Some(Cell::Text(_) | Cell::Time(_)) => ColumnType::Text,
    }
}

/// The value of a cell.
pub(super) fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::from(()),
        Cell::Bool(truth) => Value::from(truth),
        Cell::Int(number) => Value::from(number),
        Cell::Number(text) => number(&text),
        Cell::Float(number) => Value::from(number),
        Cell::Text(text) => Value::from(text),
        Cell::Date(date) => Moment::Date(date).value(),
        Cell::Time(time) => Value::from(time.format("%H:%M:%S%.6f").to_string().trim_end_matches(".000000")),
        Cell::Timestamp(at) => Moment::Naive(at).value(),
        Cell::TimestampTz(at) => Moment::Zoned(at).value(),
    }
}

/// A `numeric`: whole ones exactly, others as the nearest float.
///
/// dbt has Python's `Decimal` here, which keeps `1.50` apart from `1.5`. The template engine compares and adds only
/// numbers of its own; an object that prints `1.50` would compare as greater than every number, without an error.
/// A right branch is worth more than a trailing zero.
fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    if let Ok(whole) = text.parse::<i128>() {
        return Value::from(whole);
    }
    text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(cell: Cell) -> String {
        value(cell).to_string()
    }

    #[test]
    fn numbers_stay_numbers() {
        assert_eq!(printed(Cell::Int(7)), "7");
        assert_eq!(printed(Cell::Number("10".into())), "10");
        assert_eq!(printed(Cell::Number("12345678901234567890123".into())), "12345678901234567890123");
        assert_eq!(printed(Cell::Number("1.25".into())), "1.25");
        assert!(value(Cell::Number("0.33333333333333333333".into())) < Value::from(1));
        assert!(value(Cell::Number("1234.50".into())) > Value::from(1000));
        assert!(value(Cell::Number("2.00".into())) == Value::from(2));
    }

    #[test]
    fn text_that_looks_like_a_number_stays_text() {
        assert!(value(Cell::Text("010".into())).as_str() == Some("010"));
        assert!(value(Cell::Text(String::new())).as_str() == Some(""));
    }

    #[test]
    fn dates_and_nothing_print_as_python_prints_them() {
        assert_eq!(printed(Cell::Date("2020-01-01".parse().expect("a date"))), "2020-01-01");
        assert_eq!(printed(Cell::Timestamp("2020-01-01T00:00:00".parse().expect("a moment"))), "2020-01-01 00:00:00");
        assert_eq!(printed(Cell::Time("10:05:00".parse().expect("a time"))), "10:05:00");
        assert_eq!(printed(Cell::Time("10:05:00.5".parse().expect("a time"))), "10:05:00.500000");
        assert!(value(Cell::Null).is_none());
    }

    #[test]
    fn the_type_is_that_of_the_first_value() {
        let rows = vec![vec![Cell::Null, Cell::Null], vec![Cell::Null, Cell::Float(1.0)]];
        assert_eq!((column_type(&rows, 0), column_type(&rows, 1)), (ColumnType::Integer, ColumnType::Number));
    }
}
