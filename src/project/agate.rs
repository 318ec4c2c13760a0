//! A seed file as dbt reads it: rows of text, and the type of each column from its values, by the rules of the library
//! that dbt uses (agate).
//!
//! Facts taken from dbt-core 1.11: a column is a number if every value is, `integer` if none has a fraction, else
//! `float8`; then date, timestamp, boolean, text. Blank and `null` in any case are null in every type.

use crate::error::{Error, Result};

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers, and columns without any value.
    Integer,
    /// Numbers with fractions.
    Float,
    /// Dates, as 2024-01-31.
    Date,
    /// Dates with times.
    Timestamp,
    /// `true` and `false`.
    Boolean,
    /// Everything else.
    Text,
}

impl ColumnKind {
    /// The SQL type that dbt gives such a column on PostgreSQL.
    #[must_use]
    pub fn sql_type(self) -> &'static str {
        match self {
            ColumnKind::Integer => "integer",
            ColumnKind::Float => "float8",
            ColumnKind::Date => "date",
            ColumnKind::Timestamp => "timestamp without time zone",
            ColumnKind::Boolean => "boolean",
            ColumnKind::Text => "text",
        }
    }
}

/// A column of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedColumn {
    /// Its name, as the header has it.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// A row of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRow {
    /// The line of the file that it begins on, from 1.
    pub line: usize,
    /// A value a column, in a form that PostgreSQL reads; none for null.
    pub values: Vec<Option<String>>,
}

/// A seed file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedTable {
    /// Its columns in order.
    pub columns: Vec<SeedColumn>,
    /// Its rows in order.
    pub rows: Vec<SeedRow>,
}

/// Reads a seed file. Columns named in `text_columns` (those with a type of the user's) stay text.
///
/// Errors name file and line: a row that is longer than the header, or a file without one.
pub fn read(path: &str, text: &str, delimiter: char, text_columns: &[String]) -> Result<SeedTable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut records = records(&text, delimiter).into_iter();
    let header = records.next().ok_or_else(|| {
        Error::config(format!("seed file {path} is empty")).hint("write the names of the columns into its first line")
    })?;
    let names = names(&header.1);
    let mut rows = Vec::new();
    for (line, mut values) in records {
        if values.len() > names.len() {
            return Err(Error::config(format!("seed file {path} has a row that is longer than its header"))
                .detail(format!("Line {line} has {} values for {} columns.", values.len(), names.len()))
                .hint("quote values that hold the delimiter, or name the missing columns"));
        }
        values.resize(names.len(), String::new());
        rows.push((line, values));
    }
    let kinds: Vec<ColumnKind> = names
        .iter()
        .enumerate()
        .map(|(place, name)| match text_columns.contains(name) {
            true => ColumnKind::Text,
            false => kind_of(&rows.iter().map(|(_, values)| values[place].as_str())),
        })
        .collect();
    let columns = names.into_iter().zip(&kinds).map(|(name, kind)| SeedColumn { name, kind: *kind }).collect();
    let rows = rows.into_iter().map(|(line, values)| SeedRow {
        line,
        values: values.into_iter().zip(&kinds).map(|(value, kind)| written(*kind, value)).collect(),
    });
    Ok(SeedTable { columns, rows: rows.collect() })
}

/// Records with the line that each begins on, by the rules of Python's `csv`: a quote opens only at the start of a
/// value, and what follows a closing quote belongs to the value. A blank line is a record without values.
fn records(text: &str, delimiter: char) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let (mut values, mut value) = (Vec::new(), String::new());
    let (mut line, mut first_line) = (1, 1);
    let (mut is_quoted, mut is_fresh, mut is_blank) = (false, true, true);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                value.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            _ if is_quoted => value.push(c),
            '"' if is_fresh => (is_quoted, is_fresh, is_blank) = (true, false, false),
            '\n' => {
                if !is_blank {
                    values.push(std::mem::take(&mut value));
                }
                found.push((first_line, std::mem::take(&mut values)));
                (first_line, is_fresh, is_blank) = (line, true, true);
            }
            _ if c == delimiter => {
                values.push(std::mem::take(&mut value));
                (is_fresh, is_blank) = (true, false);
            }
            _ => {
                value.push(c);
                (is_fresh, is_blank) = (false, false);
            }
        }
    }
    if !is_blank {
        values.push(value);
        found.push((first_line, values));
    }
    found
}

/// An unnamed column gets a letter, a repeated name a number.
fn names(header: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (place, name) in header.iter().enumerate() {
        let name = match name.is_empty() {
            true => char::from(b'a' + u8::try_from(place % 26).unwrap_or(0)).to_string().repeat(place / 26 + 1),
            false => name.clone(),
        };
        let mut unique = name.clone();
        let mut number = 2;
        while found.contains(&unique) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        found.push(unique);
    }
    found
}

fn is_null(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || value.eq_ignore_ascii_case("null")
}

/// The first kind that every value has; the two spellings of a timestamp are kinds of their own.
fn kind_of<'a>(values: &(impl Iterator<Item = &'a str> + Clone)) -> ColumnKind {
    let all = |holds: fn(&str) -> bool| values.clone().filter(|v| !is_null(v)).all(holds);
    if all(|v| number(v).is_some()) {
        let has_fraction = |v: &str| number(v).is_some_and(|n| n.has_fraction());
        let any = values.clone().filter(|v| !is_null(v)).any(has_fraction);
        return if any { ColumnKind::Float } else { ColumnKind::Integer };
    }
    if all(|v| date(v).is_some()) {
        return ColumnKind::Date;
    }
    if all(|v| timestamp(v).is_some()) || all(|v| iso_timestamp(v).is_some()) {
        return ColumnKind::Timestamp;
    }
    if all(|v| ["true", "false"].iter().any(|word| v.trim().eq_ignore_ascii_case(word))) {
        return ColumnKind::Boolean;
    }
    ColumnKind::Text
}

fn written(kind: ColumnKind, value: String) -> Option<String> {
    if is_null(&value) {
        return None;
    }
    match kind {
        ColumnKind::Integer => number(&value).map(|n| n.whole()),
        ColumnKind::Float => number(&value).map(|n| n.text),
        ColumnKind::Date => date(&value),
        ColumnKind::Timestamp => timestamp(&value).or_else(|| iso_timestamp(&value)),
        ColumnKind::Boolean => Some(value.trim().to_ascii_lowercase()),
        ColumnKind::Text => Some(value),
    }
}

/// Signs of money that are taken off a number at both ends, in this order.
const CURRENCIES: &str = "؋$ƒ៛¥₡₱£€¢﷼₪₩₭₮₦฿₤₫";

/// A number, in plain digits.
struct Number {
    text: String,
    digits: String,
    /// How many of the digits stand after the point; less than none for zeros to add.
    scale: i64,
    is_negative: bool,
    is_finite: bool,
}

impl Number {
    fn has_fraction(&self) -> bool {
        let zeros = self.digits.len() - self.digits.trim_end_matches('0').len();
        self.is_finite && self.digits.bytes().any(|b| b != b'0') && self.scale > i64::try_from(zeros).unwrap_or(0)
    }

    /// Without a point and an exponent; beyond any whole number of the server's it stays as it is.
    fn whole(&self) -> String {
        if !self.is_finite || self.scale.abs() > 100 {
            return self.text.clone();
        }
        let kept = usize::try_from((i64::try_from(self.digits.len()).unwrap_or(0) - self.scale).max(0)).unwrap_or(0);
        let mut digits: String = self.digits.chars().chain(std::iter::repeat('0')).take(kept).collect();
        digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return "0".into();
        }
        if self.is_negative { format!("-{digits}") } else { digits }
    }
}

fn number(value: &str) -> Option<Number> {
    let mut rest = value.trim().trim_matches('%');
    let mut is_negative = false;
    if let Some(after) = rest.strip_prefix('-') {
        (rest, is_negative) = (after, true);
    }
    for symbol in CURRENCIES.chars() {
        rest = rest.trim_matches(symbol);
    }
    let plain: String = rest.chars().filter(|c| *c != ',' && *c != '_').collect();
    let mut plain = plain.trim();
    if let Some(after) = plain.strip_prefix('-') {
        (plain, is_negative) = (after, !is_negative);
    } else if let Some(after) = plain.strip_prefix('+') {
        plain = after;
    }
    let sign = if is_negative { "-" } else { "" };
    if ["nan", "inf", "infinity"].iter().any(|word| plain.eq_ignore_ascii_case(word)) {
        let text = if plain.eq_ignore_ascii_case("nan") { "NaN".into() } else { format!("{sign}Infinity") };
        return Some(Number { text, digits: String::new(), scale: 0, is_negative, is_finite: false });
    }
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (plain, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some(Number { text: format!("{sign}{plain}"), digits, scale, is_negative, is_finite: true })
}

/// `2024-1-31` in PostgreSQL's form.
fn date(value: &str) -> Option<String> {
    let mut parts = value.trim().splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_short = |part: &str| (1..=2).contains(&part.len());
    if year.len() != 4 || !is_short(month) || !is_short(day) {
        return None;
    }
    checked_date(digits(year)?, digits(month)?, digits(day)?)
}

fn checked_date(year: u32, month: u32, day: u32) -> Option<String> {
    let date = chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    (year > 0).then(|| date.format("%Y-%m-%d").to_string())
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `2024-01-31 10:11:12`
fn timestamp(value: &str) -> Option<String> {
    let (day, time) = value.trim().split_once(char::is_whitespace)?;
    let parts: Vec<&str> = time.trim_start().split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return None };
    if parts.iter().any(|part| !(1..=2).contains(&part.len())) {
        return None;
    }
    // 61 is a leap second to Python, which has it end as an error on the server; here it is text at once.
    let time = chrono::NaiveTime::from_hms_opt(digits(hour)?, digits(minute)?, digits(second)?)?;
    Some(format!("{} {time}", date(day)?))
}

/// ISO 8601 with a `T`: extended or basic, to the hour, the minute, the second or a part of it, with or without zone.
fn iso_timestamp(value: &str) -> Option<String> {
    let (day, rest) = value.trim().split_once('T')?;
    let zone_start = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone_start);
    Some(format!("{} {}{}", iso_date(day)?, iso_time(time)?, iso_zone(zone)?))
}

fn iso_date(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    let (year, rest) = (digits(plain.get(..4)?)?, plain.get(4..)?);
    let is_calendar = [10, 8].contains(&text.len()) && rest.len() == 4;
    let dashes = text.len() - plain.len();
    match rest.len() {
        4 if is_calendar && (dashes == 0 || date(text).is_some()) => {
            checked_date(year, digits(&rest[..2])?, digits(&rest[2..])?)
        }
        3 if dashes == 0 || (dashes == 1 && text.as_bytes().get(4) == Some(&b'-')) => {
            let date = chrono::NaiveDate::from_yo_opt(i32::try_from(year).ok()?, digits(rest)?)?;
            Some(date.format("%Y-%m-%d").to_string())
        }
        _ => None,
    }
}

fn iso_time(text: &str) -> Option<String> {
    let (clock, part) = match text.find(['.', ',']) {
        Some(point) => (&text[..point], Some(&text[point + 1..])),
        None => (text, None),
    };
    let plain: String = clock.chars().filter(|c| *c != ':').collect();
    let is_extended = clock.len() != plain.len();
    let is_shaped = !is_extended || clock.split(':').all(|part| part.len() == 2);
    if !is_shaped || !matches!(plain.len(), 2 | 4 | 6) || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A part of an hour or a minute is left to text: nobody writes it.
    if part.is_some_and(|p| plain.len() != 6 || p.is_empty() || digits(p).is_none()) {
        return None;
    }
    let two = |at: usize| plain.get(at..at + 2).map_or(Some(0), digits);
    let time = chrono::NaiveTime::from_hms_opt(two(0)?, two(2)?, two(4)?)?;
    Some(part.map_or_else(|| time.to_string(), |part| format!("{time}.{part}")))
}

fn iso_zone(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    if text == "Z" {
        return Some("+00:00".into());
    }
    let plain: String = text[1..].chars().filter(|c| *c != ':').collect();
    match plain.len() {
        2 | 4 if digits(&plain).is_some() => {
            Some(format!("{}{}:{}", &text[..1], &plain[..2], plain.get(2..).filter(|m| !m.is_empty()).unwrap_or("00")))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "agate_tests.rs"]
mod tests;
