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
    /// How its numbers are written, if nearly all values are numbers: a broken row is no reason to call them text.
    pub(super) numbers: Option<NumberFormat>,
    /// Formats by which nearly all values are days or instants; more than one if the file does not tell.
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

/// The candidates that most values fit, all but one in twenty, or but one of three and more.
fn fitting<T>(candidates: Vec<T>, values: &[&str], is_right: impl Fn(&T, &str) -> bool) -> Vec<T> {
    let wrong = |candidate: &T| values.iter().filter(|value| !is_right(candidate, value)).count();
    let counted: Vec<(usize, T)> = candidates.into_iter().map(|candidate| (wrong(&candidate), candidate)).collect();
    let borne = (values.len() / 20).max(usize::from(values.len() >= 3));
    let fewest = counted.iter().map(|(wrong, _)| *wrong).min().filter(|fewest| *fewest <= borne);
    counted.into_iter().filter(|(wrong, _)| Some(*wrong) == fewest).map(|(_, candidate)| candidate).collect()
}

fn numbers(values: &[&str]) -> Option<NumberFormat> {
    let is_used = |sign: &&str| values.iter().any(|value| value.contains(sign));
    let currency_signs: Vec<String> = SIGNS.into_iter().filter(is_used).map(str::to_owned).collect();
    let format = |(decimal, thousands)| NumberFormat { decimal, thousands, currency_signs: currency_signs.clone() };
    let ways = [('.', None), ('.', Some(',')), (',', None), (',', Some('.')), (',', Some(' ')), ('.', Some('\''))];
    let formats = ways.into_iter().map(format).collect();
    fitting(formats, values, |format, value| format.parse(value).is_ok()).into_iter().next()
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

fn instants(name: &str, values: &[&str]) -> Vec<String> {
    let name = name.to_lowercase();
    let is_named =
        ["date", "datum", "fecha", "day", "time", "_at", "created", "ordered"].iter().any(|word| name.contains(word));
    // A day has two points.
    let is_number = |value: &&str| value.trim().splitn(3, '.').count() < 3 && value.trim().bytes().all(is_of_number);
    let is_digits = values.iter().all(is_number);
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
    let read =
        formats.into_iter().map(|name| (InstantFormat::parse(&name).into_iter().collect::<Vec<_>>(), name)).collect();
    fitting(read, values, |(format, _), value| parse_date(value, format).is_ok())
        .into_iter()
        .map(|(_, name)| name)
        .collect()
}
