//! What the values of one column are: a number, an instant, an id that went through a float.

use crate::ingest::instant::{InstantFormat, parse_date};
use crate::ingest::number::NumberFormat;

/// Spellings of "no value" that files use.
const NULLS: [&str; 12] =
    ["", "N/A", "n/a", "NA", "#N/A", "NULL", "null", "None", "NaN", "nan", "Not Available", "unknown"];
/// Signs of money that files write beside it.
const SIGNS: [&str; 9] = ["$", "€", "£", "¥", "USD", "EUR", "GBP", "CHF", "R$"];
/// Ways to write a day, each alone and with a time.
const DAYS: [&str; 7] = ["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d %b %Y"];
const TIMES: [&str; 4] = ["", " %H:%M", " %H:%M:%S", " %I:%M %p"];

/// What is known of a column.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Spellings of "no value" that occur.
    pub(super) nulls: Vec<&'static str>,
    /// How its numbers are written, if all values are numbers.
    pub(super) numbers: Option<NumberFormat>,
    /// Formats by which all values are days or instants; more than one if the file does not tell.
    pub(super) instants: Vec<String>,
    /// All values end in `.0`.
    pub(super) is_float_artefact: bool,
    /// Some values are there.
    pub(super) has_values: bool,
    /// All numbers lie from 0 to 100, and some are above 1.
    pub(super) is_percent: bool,
}

impl Facts {
    pub(super) fn of(name: &str, values: &[&str]) -> Facts {
        let nulls = NULLS.into_iter().filter(|null| values.iter().any(|value| value.trim() == *null)).collect();
        let values: Vec<&str> = values.iter().copied().filter(|value| !NULLS.contains(&value.trim())).collect();
        if values.is_empty() {
            return Facts { nulls, ..Facts::default() };
        }
        let numbers = numbers(&values);
        let within = |numbers: &NumberFormat| {
            let read: Vec<_> = values.iter().filter_map(|value| numbers.parse(value).ok()).collect();
            read.iter().all(|n| (0.into()..=100.into()).contains(n)) && read.iter().any(|n| *n > 1.into())
        };
        Facts {
            nulls,
            is_percent: numbers.as_ref().is_some_and(within),
            instants: instants(name, &values),
            numbers,
            is_float_artefact: values.iter().all(|value| value.ends_with(".0")),
            has_values: true,
        }
    }
}

fn numbers(values: &[&str]) -> Option<NumberFormat> {
    let is_used = |sign: &&str| values.iter().any(|value| value.contains(sign));
    let currency_signs: Vec<String> = SIGNS.into_iter().filter(is_used).map(str::to_owned).collect();
    let format = |(decimal, thousands)| NumberFormat { decimal, thousands, currency_signs: currency_signs.clone() };
    let ways = [('.', None), ('.', Some(',')), (',', None), (',', Some('.')), (',', Some(' ')), ('.', Some('\''))];
    ways.into_iter().map(format).find(|format| values.iter().all(|value| format.parse(value).is_ok()))
}

fn instants(name: &str, values: &[&str]) -> Vec<String> {
    let name = name.to_lowercase();
    let is_named = ["date", "day", "time", "_at", "created", "ordered"].iter().any(|word| name.contains(word));
    let is_digits = values.iter().all(|value| value.trim().bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    // Eight digits may be a day, and a long number an instant, but then the name says so.
    if is_digits && !is_named {
        return Vec::new();
    }
    let dotted = values.iter().any(|value| value.contains('.'));
    let mut formats: Vec<String> = vec!["iso".into()];
    for day in DAYS.iter().filter(|_| !is_digits || dotted) {
        formats.extend(TIMES.iter().map(|time| format!("{day}{time}")));
    }
    if is_digits {
        let digits = values[0].trim().split('.').next().map_or(0, str::len);
        formats.extend((digits == 10).then(|| "epoch_seconds".into()));
        formats.extend((digits == 13).then(|| "epoch_milliseconds".into()));
    }
    formats.retain(|name| {
        let format = InstantFormat::parse(name).into_iter().collect::<Vec<_>>();
        values.iter().all(|value| parse_date(value, &format).is_ok())
    });
    formats
}
