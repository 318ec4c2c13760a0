//! Values of Parquet columns as text: decimals exact, floats shortest, days and instants in ISO 8601.

use chrono::{DateTime, NaiveDate, NaiveTime};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;
use std::io::Write as _;

/// Appends a value's text.
pub(super) type Write<T> = Box<dyn Fn(&T, &mut Vec<u8>) + Send>;

/// What a column's values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// As the physical type says.
    Plain,
    Unsigned,
    /// Digits after the point.
    Decimal(i32),
    Date,
    /// Parts of a second.
    Time(i64),
    /// Parts of a second, and whether the instant is in UTC (or on somebody's clock).
    Timestamp(i64, bool),
    Float16,
}

/// Writers for one column.
pub(super) struct Writer(Meaning);

/// Finds what the column's values mean; older files say it by the converted type only.
pub(super) fn writer(column: &ColumnDescriptor) -> Writer {
    Writer(match column.logical_type_ref() {
        Some(LogicalType::Decimal(decimal)) => Meaning::Decimal(decimal.scale),
        Some(LogicalType::Date) => Meaning::Date,
        Some(LogicalType::Time(time)) => Meaning::Time(parts(time.unit)),
        Some(LogicalType::Timestamp(instant)) => Meaning::Timestamp(parts(instant.unit), instant.is_adjusted_to_u_t_c),
        Some(LogicalType::Integer(integer)) if !integer.is_signed => Meaning::Unsigned,
        Some(LogicalType::Float16) => Meaning::Float16,
        Some(_) => Meaning::Plain,
        None => match column.converted_type() {
            ConvertedType::DECIMAL => Meaning::Decimal(column.type_scale()),
            ConvertedType::DATE => Meaning::Date,
            ConvertedType::TIME_MILLIS => Meaning::Time(1_000),
            ConvertedType::TIME_MICROS => Meaning::Time(1_000_000),
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1_000, true),
            ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000, true),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                Meaning::Unsigned
            }
            _ => Meaning::Plain,
        },
    })
}

fn parts(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

impl Writer {
    pub(super) fn booleans(self) -> Write<bool> {
        Box::new(|value, text| push(text, value))
    }

    pub(super) fn integers(self) -> Write<i32> {
        match self.0 {
            Meaning::Unsigned => Box::new(|value, text| push(text, value.cast_unsigned())),
            Meaning::Date => Box::new(|days, text| match NaiveDate::from_epoch_days(*days) {
                Some(date) => push(text, date),
                None => push(text, days),
            }),
            meaning => Box::new(move |value, text| integer(i64::from(*value), meaning, text)),
        }
    }

    pub(super) fn long_integers(self) -> Write<i64> {
        match self.0 {
            Meaning::Unsigned => Box::new(|value, text| push(text, value.cast_unsigned())),
            meaning => Box::new(move |value, text| integer(*value, meaning, text)),
        }
    }

    /// Nanoseconds as Impala and old Spark wrote them; they are on somebody's clock.
    pub(super) fn old_timestamps(self) -> Write<Int96> {
        Box::new(|value, text| integer(value.to_nanos(), Meaning::Timestamp(1_000_000_000, false), text))
    }

    pub(super) fn floats(self) -> Write<f32> {
        Box::new(|value, text| push(text, value))
    }

    pub(super) fn doubles(self) -> Write<f64> {
        Box::new(|value, text| push(text, value))
    }

    pub(super) fn texts(self) -> Write<ByteArray> {
        let meaning = self.0;
        Box::new(move |value, text| bytes(value.data(), meaning, text))
    }

    pub(super) fn fixed_texts(self) -> Write<FixedLenByteArray> {
        let meaning = self.0;
        Box::new(move |value, text| bytes(value.data(), meaning, text))
    }
}

fn push(text: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to memory does not fail.
    let _ = write!(text, "{value}");
}

fn integer(value: i64, meaning: Meaning, text: &mut Vec<u8>) {
    match meaning {
        Meaning::Decimal(scale) => decimal(i128::from(value), scale, text),
        Meaning::Time(parts) => {
            let seconds = u32::try_from(value.div_euclid(parts)).unwrap_or(u32::MAX);
            match NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds(value, parts)) {
                Some(time) => push(text, time),
                None => push(text, value),
            }
        }
        Meaning::Timestamp(parts, is_utc) => {
            match DateTime::from_timestamp(value.div_euclid(parts), nanoseconds(value, parts)) {
                Some(instant) => {
                    push(text, instant.naive_utc());
                    text.extend_from_slice(if is_utc { b"Z" } else { b"" });
                }
                // No calendar has it; the number is for the message.
                None => push(text, value),
            }
        }
        _ => push(text, value),
    }
}

fn nanoseconds(value: i64, parts: i64) -> u32 {
    u32::try_from(value.rem_euclid(parts) * (1_000_000_000 / parts)).unwrap_or_default()
}

fn bytes(value: &[u8], meaning: Meaning, text: &mut Vec<u8>) {
    match (meaning, value) {
        (Meaning::Decimal(scale), [first, rest @ ..]) if rest.len() < 16 => {
            // Big-endian with a sign; the sign fills what is not there.
            let filled = i128::from(first.cast_signed());
            decimal(rest.iter().fold(filled, |number, byte| number << 8 | i128::from(*byte)), scale, text);
        }
        (Meaning::Float16, [low, high]) => push(text, half(u16::from_le_bytes([*low, *high]))),
        // Whether it is UTF-8 is found with the row, as for every file.
        _ => text.extend_from_slice(value),
    }
}

fn decimal(unscaled: i128, scale: i32, text: &mut Vec<u8>) {
    let scale = usize::try_from(scale).unwrap_or_default();
    if scale == 0 {
        return push(text, unscaled);
    }
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    push(text, format_args!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" }));
}

/// A 16-bit float: a sign, 5 bits of exponent, 10 bits of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2.0_f32.powi(-14),
        0x1f if fraction > 0.0 => f32::NAN,
        0x1f => sign * f32::INFINITY,
        exponent => sign * (1.0 + fraction) * 2.0_f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn decimals_keep_every_digit() {
        for (unscaled, scale, expected) in
            [(12_345, 2, "123.45"), (-5, 2, "-0.05"), (0, 3, "0.000"), (7, 0, "7"), (-100, 1, "-10.0")]
        {
            assert_eq!(told(|text| decimal(unscaled, scale, text)), expected);
        }
        let bytes_of = |value: &[u8]| told(|text| bytes(value, Meaning::Decimal(2), text));
        assert_eq!(bytes_of(&[0xff, 0xff, 0xfb]), "-0.05");
        assert_eq!(bytes_of(&[0x30, 0x39]), "123.45");
        assert_eq!(bytes_of(&[]), "");
    }

    #[test]
    fn instants_are_in_iso_form() {
        let at = |value, meaning| told(|text| integer(value, meaning, text));
        let micros = Meaning::Timestamp(1_000_000, true);
        assert_eq!(at(1_700_000_000_250_000, micros), "2023-11-14 22:13:20.250Z");
        assert_eq!(at(-1, Meaning::Timestamp(1_000, false)), "1969-12-31 23:59:59.999");
        assert_eq!(at(i64::MAX, Meaning::Timestamp(1_000, true)), i64::MAX.to_string());
        assert_eq!(at(3_600_000, Meaning::Time(1_000)), "01:00:00");
    }

    #[test]
    fn small_floats_are_what_they_are() {
        let values = [0x3c00, 0xc000, 0x3555, 0x0001, 0x7c00].map(half);
        assert_eq!(values, [1.0, -2.0, 0.333_251_95, 5.960_464_5e-8, f32::INFINITY]);
    }
}
