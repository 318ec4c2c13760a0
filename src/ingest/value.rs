//! Text to exact numbers and to instants, or the reason why not, in words.

use chrono::format::{Item, Parsed};
use chrono::{DateTime, Datelike, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

/// Years outside are slips of the pen, and would move the age of every customer.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// Reads a number without rounding it: digits with a point, or with an exponent as floats are printed.
pub(crate) fn parse_number(text: &str) -> Result<Decimal, String> {
    let text = text.trim();
    let is_plain = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(is_plain) || !text.bytes().any(|b| b.is_ascii_digit()) {
        let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
        return Err(match word.as_str() {
            "nan" | "inf" | "infinity" => format!("{} is not a finite number", quoted(text)),
            _ => format!("{} is not a number", quoted(text)),
        });
    }
    let is_scientific = text.bytes().any(|b| matches!(b, b'e' | b'E'));
    let number = if is_scientific { Decimal::from_scientific(text) } else { Decimal::from_str_exact(text) };
    // The library does not tell "too long" from "malformed" in all cases; a float of any length tells.
    number.map_err(|_| match text.parse::<f64>() {
        Ok(_) => format!("{} cannot be kept exactly in 28 digits", quoted(text)),
        Err(_) => format!("{} is not a number", quoted(text)),
    })
}

/// Reads an instant by a `strftime` format. Without an hour it is midnight; without a zone it is in `zone`;
/// of a time that the clocks show twice it is the first.
pub(crate) fn parse_instant(text: &str, format: &str, items: &[Item<'_>], zone: Tz) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let mut parsed = Parsed::new();
    let unfit = || format!("{} is not a date of the form {format}", quoted(text));
    chrono::format::parse(&mut parsed, text, items.iter()).map_err(|e| match e.kind() {
        chrono::format::ParseErrorKind::OutOfRange | chrono::format::ParseErrorKind::Impossible => {
            format!("{} does not exist in the calendar", quoted(text))
        }
        _ => unfit(),
    })?;
    let instant = if let Some(seconds) = parsed.timestamp() {
        DateTime::from_timestamp(seconds, 0).ok_or_else(unfit)?
    } else {
        let date = parsed.to_naive_date().map_err(|_| format!("{} does not exist in the calendar", quoted(text)))?;
        let has_time = parsed.hour_div_12().is_some() || parsed.hour_mod_12().is_some();
        let time = if has_time { parsed.to_naive_time().map_err(|_| unfit())? } else { NaiveTime::MIN };
        let local = date.and_time(time);
        match parsed.offset().and_then(chrono::FixedOffset::east_opt) {
            Some(offset) => offset.from_local_datetime(&local).single().ok_or_else(unfit)?.to_utc(),
            None => match zone.from_local_datetime(&local).earliest() {
                Some(instant) => instant.to_utc(),
                None => return Err(format!("{} does not exist in {zone}: the clocks skip it", quoted(text))),
            },
        }
    };
    if YEARS.contains(&instant.year()) {
        Ok(instant)
    } else {
        Err(format!("{} is not between the years {} and {}", quoted(text), YEARS.start(), YEARS.end()))
    }
}

/// A value in quotes, cut after 60 characters.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}...\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::format::StrftimeItems;
    use proptest::prelude::*;

    fn instant(text: &str, format: &str, zone: Tz) -> Result<String, String> {
        let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
        parse_instant(text, format, &items, zone).map(|instant| instant.to_rfc3339())
    }

    #[test]
    fn numbers_are_exact() {
        for (text, expected) in [
            ("12.345678901234567890", "12.345678901234567890"),
            (" -15.5 ", "-15.5"),
            ("1000000000000", "1000000000000"),
            ("0.0000001", "0.0000001"),
            ("1e-05", "0.00001"),
            ("2.5E3", "2500"),
            (".5", "0.5"),
        ] {
            assert_eq!(parse_number(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told() {
        let texts =
            ["", "abc", "NaN", "-inf", "Infinity", "0x1F", "1e400", "12,50", "$12", "1_000", "--1", "1.2.3", "e5"];
        let long = "9".repeat(80);
        let told: Vec<String> = texts.iter().chain([&long.as_str()]).map(|t| parse_number(t).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn dates_are_midnight_in_their_zone() {
        let berlin = Tz::Europe__Berlin;
        assert_eq!(instant("2023-07-01", "%Y-%m-%d", berlin).unwrap(), "2023-06-30T22:00:00+00:00");
        assert_eq!(instant("1/3/2014", "%m/%d/%Y", Tz::UTC).unwrap(), "2014-01-03T00:00:00+00:00");
        let format = "%Y-%m-%d %H:%M:%S%z";
        assert_eq!(instant("2023-07-01 10:00:00+0500", format, berlin).unwrap(), "2023-07-01T05:00:00+00:00");
        assert_eq!(instant("1700000000", "%s", berlin).unwrap(), "2023-11-14T22:13:20+00:00");
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_is_the_first() {
        let told = instant("2023-10-29 02:30", "%Y-%m-%d %H:%M", Tz::Europe__Berlin).unwrap();
        assert_eq!(told, "2023-10-29T00:30:00+00:00");
    }

    #[test]
    fn what_is_no_date_is_told() {
        let day = "%Y-%m-%d";
        let told = [
            instant("2023-02-30", day, Tz::UTC),
            instant("2023-13-01", day, Tz::UTC),
            instant("03/01/2023", day, Tz::UTC),
            instant("yesterday", day, Tz::UTC),
            instant("infinity", day, Tz::UTC),
            instant("2023-01-01 10:00", day, Tz::UTC),
            instant("0001-01-01", day, Tz::UTC),
            instant("+10000-01-01", day, Tz::UTC),
            instant("2023-03-12 02:30:00", "%Y-%m-%d %H:%M:%S", Tz::America__New_York),
        ];
        insta::assert_snapshot!(told.map(Result::unwrap_err).join("\n"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_a_reason(text in ".{0,40}") {
            if let Ok(number) = parse_number(&text) {
                prop_assert_eq!(parse_number(&number.to_string()).unwrap(), number);
            }
        }

        #[test]
        fn any_text_is_a_date_or_a_reason(text in "[0-9:/ +-]{0,20}") {
            let items: Vec<Item<'_>> = StrftimeItems::new("%Y-%m-%d %H:%M").collect();
            if let Ok(instant) = parse_instant(&text, "%Y-%m-%d %H:%M", &items, Tz::Europe__London) {
                prop_assert!(YEARS.contains(&instant.year()));
            }
        }
    }
}
