//! One value of a result from the server's text form to a typed cell.
//!
//! Text, not the binary form: it is the same for every type there is, keeps each digit of a numeric, and tells a
//! `timestamptz` with the session's offset.

use crate::project::Cell;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use tokio_postgres::types::Type;

/// The cell for `text`, a value of type `sql_type`. A value out of the range of a typed cell, such as `infinity`, and
/// every type without one, stays text.
pub(super) fn cell(sql_type: &Type, text: Option<&str>) -> Cell {
    let Some(text) = text else { return Cell::Null };
    typed(sql_type, text).unwrap_or_else(|| Cell::Text(text.to_owned()))
}

fn typed(sql_type: &Type, text: &str) -> Option<Cell> {
    match *sql_type {
        Type::BOOL => match text {
            "t" => Some(Cell::Bool(true)),
            "f" => Some(Cell::Bool(false)),
            _ => None,
        },
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => text.parse().ok().map(Cell::Int),
        Type::FLOAT4 | Type::FLOAT8 => text.parse().ok().map(Cell::Float),
        Type::NUMERIC => Some(Cell::Number(text.to_owned())),
        Type::DATE => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Cell::Date),
        Type::TIME => NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok().map(Cell::Time),
        Type::TIMESTAMP => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(Cell::Timestamp),
        Type::TIMESTAMPTZ => DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok().map(Cell::TimestampTz),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_digits_and_their_offset() {
        assert_eq!(cell(&Type::NUMERIC, Some("1.50")), Cell::Number("1.50".into()));
        assert_eq!(cell(&Type::INT8, Some("-7")), Cell::Int(-7));
        assert_eq!(cell(&Type::BOOL, Some("t")), Cell::Bool(true));
        assert_eq!(cell(&Type::BOOL, None), Cell::Null);
        let Cell::TimestampTz(instant) = cell(&Type::TIMESTAMPTZ, Some("2020-01-02 03:04:05.5+05:30")) else {
            panic!("no instant")
        };
        assert_eq!(instant.to_rfc3339(), "2020-01-02T03:04:05.500+05:30");
        assert!(matches!(cell(&Type::TIMESTAMPTZ, Some("2020-01-02 03:04:05+00")), Cell::TimestampTz(_)));
    }

    #[test]
    fn what_has_no_typed_cell_stays_text() {
        assert_eq!(cell(&Type::DATE, Some("infinity")), Cell::Text("infinity".into()));
        assert_eq!(cell(&Type::TIMESTAMP, Some("0044-03-15 00:00:00 BC")), Cell::Text("0044-03-15 00:00:00 BC".into()));
        assert_eq!(cell(&Type::INT4_ARRAY, Some("{1,2}")), Cell::Text("{1,2}".into()));
    }
}
