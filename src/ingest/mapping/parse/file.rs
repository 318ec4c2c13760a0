//! `[file]` and `[defaults]`: how the files are written, and what holds where they say nothing.

use super::problems::{Problems, join_key};
use crate::ingest::file::encoding;
use crate::ingest::mapping::{FileFormat, Format};
use crate::ingest::number::NumberFormat;
use chrono::NaiveDate;
use chrono_tz::Tz;
use encoding_rs::Encoding;
use toml::{Table, Value};

/// Keys that say how numbers are written; a column may have its own.
pub(super) const NUMBER_KEYS: [&str; 3] = ["decimal", "thousands", "currency_signs"];

/// `[defaults]`, read.
pub(super) struct Defaults {
    pub(super) currency: Option<String>,
    pub(super) timezone: Tz,
    pub(super) earliest: NaiveDate,
    pub(super) latest: Option<NaiveDate>,
}

pub(super) fn file_format(root: &Table, problems: &mut Problems) -> FileFormat {
    let empty = Table::new();
    let file = problems.table(root, "file").unwrap_or(&empty);
    let known = ["format", "delimiter", "header", "encoding", "nulls"];
    problems.unknown_keys("file", file, &[&known[..], &NUMBER_KEYS].concat());
    let format = match problems.text("file", file, "format").as_deref() {
        None | Some("csv") => Format::Csv,
        Some("fixed_blanks") => Format::FixedBlanks,
        Some("parquet") => Format::Parquet,
        Some(other) => {
            problems.add("file.format", format!("\"{other}\" is not known; use csv, fixed_blanks or parquet"));
            Format::Csv
        }
    };
    FileFormat {
        format,
        delimiter: delimiter("file", format, file, problems),
        has_header: problems.flag("file", file, "header").unwrap_or(true),
        encoding: encoding("file", file, problems),
        nulls: problems.texts("file", file, "nulls").unwrap_or_else(|| vec![String::new()]),
        numbers: number_format("file", file, &NumberFormat::default(), problems),
    }
}

pub(super) fn delimiter(at: &str, format: Format, file: &Table, problems: &mut Problems) -> u8 {
    let delimiter = problems.text(at, file, "delimiter");
    match (format, delimiter.as_deref().map(str::as_bytes)) {
        (Format::FixedBlanks, None) => b' ',
        (Format::Csv | Format::Parquet, None) => b',',
        (Format::FixedBlanks | Format::Parquet, Some(_)) => {
            problems.add(&join_key(at, "delimiter"), "has a meaning with format csv only");
            b' '
        }
        (Format::Csv, Some([one])) if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n' | 0) => *one,
        (Format::Csv, Some(_)) => {
            problems.add(&join_key(at, "delimiter"), "must be one ASCII character, and neither a quote nor a line end");
            b','
        }
    }
}

pub(super) fn encoding(at: &str, file: &Table, problems: &mut Problems) -> &'static Encoding {
    let Some(name) = problems.text(at, file, "encoding") else { return encoding_rs::UTF_8 };
    encoding::named(&name).unwrap_or_else(|| {
        let known = "use utf-8, utf-16, latin-1, windows-1252, or another name of the web's encodings";
        problems.add(&join_key(at, "encoding"), format!("\"{name}\" is not known; {known}"));
        encoding_rs::UTF_8
    })
}

/// How numbers are written, where a table says it; `else_by` elsewhere.
pub(super) fn number_format(at: &str, table: &Table, else_by: &NumberFormat, problems: &mut Problems) -> NumberFormat {
    let format = NumberFormat {
        decimal: problems.sign(at, table, "decimal").unwrap_or(else_by.decimal),
        thousands: problems.sign(at, table, "thousands").or(else_by.thousands),
        currency_signs: problems.texts(at, table, "currency_signs").unwrap_or_else(|| else_by.currency_signs.clone()),
    };
    if !matches!(format.decimal, '.' | ',') {
        problems.add(&join_key(at, "decimal"), "must be a point or a comma");
    }
    if format.thousands == Some(format.decimal) {
        problems.add(&join_key(at, "thousands"), "cannot be the decimal sign");
    }
    let is_sign = |sign: &String| !sign.trim().is_empty() && !sign.contains(|c: char| c.is_ascii_digit());
    if !format.currency_signs.iter().all(is_sign) {
        problems.add(&join_key(at, "currency_signs"), "must be signs as $ and EUR, without digits");
    }
    format
}

pub(super) fn defaults(root: &Table, problems: &mut Problems) -> Defaults {
    let empty = Table::new();
    let defaults = problems.table(root, "defaults").unwrap_or(&empty);
    problems.unknown_keys("defaults", defaults, &["currency", "timezone", "earliest", "latest"]);
    let timezone = problems.text("defaults", defaults, "timezone").unwrap_or_else(|| "UTC".into());
    let timezone = timezone.parse().unwrap_or_else(|_| {
        problems.add("defaults.timezone", format!("\"{timezone}\" is not an IANA time zone, as Europe/London is"));
        Tz::UTC
    });
    let currency = problems.text("defaults", defaults, "currency");
    if let Some(currency) = &currency
        && !(currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()))
    {
        problems.add("defaults.currency", format!("\"{currency}\" is not three capital letters, as GBP is"));
    }
    let (earliest, latest) = window(defaults, problems);
    Defaults { currency, timezone, earliest, latest }
}

/// The days that are borne. Nobody's files reach back behind 1970, and an empty clock shows that day.
fn window(defaults: &Table, problems: &mut Problems) -> (NaiveDate, Option<NaiveDate>) {
    let mut day = |key: &str| {
        let value = defaults.get(key)?;
        let day = value.as_str().and_then(|text| text.parse().ok());
        if day.is_none() {
            problems.add(&join_key("defaults", key), "must be a day in quotes, as \"2020-01-31\" is");
        }
        day
    };
    let (earliest, latest) = (day("earliest").or(NaiveDate::from_epoch_days(0)).unwrap_or_default(), day("latest"));
    if latest.is_some_and(|latest| latest < earliest) {
        problems.add("defaults.latest", format!("is before the earliest day, {earliest}"));
    }
    (earliest, latest)
}

/// A number written as such or as text. The shortest text of a float is what the file says, so 0.01 stays exact.
pub(super) fn decimal(value: &Value) -> Option<rust_decimal::Decimal> {
    use crate::ingest::number::parse_number;
    match value {
        Value::Integer(number) => Some(rust_decimal::Decimal::from(*number)),
        Value::Float(number) => parse_number(&number.to_string()).ok(),
        Value::String(text) => parse_number(text).ok(),
        _ => None,
    }
}
