//! The five fields of a crontab line, checked and rewritten for the `cron` crate, which counts and names differently.
//!
//! The crate wants seconds, numbers weekdays from Sunday = 1, and joins day of month and day of week by AND.
//! Here each field becomes a set of numbers first, so that every spelling is judged by one rule and errors can name it.

use crate::error::{Error, Result};
use std::str::FromStr;

/// A field of the line: what it is called in errors, and what it may hold.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    /// Where `*` ends: Sunday is 0 and 7, and a step must not count it twice.
    last: u32,
    /// Names for `first_name`, `first_name + 1`, ...
    names: &'static [&'static str],
    first_name: u32,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, last: 59, names: &[], first_name: 0 },
    Field { name: "hour", low: 0, high: 23, last: 23, names: &[], first_name: 0 },
    Field { name: "day of month", low: 1, high: 31, last: 31, names: &[], first_name: 0 },
    Field { name: "month", low: 1, high: 12, last: 12, names: &MONTHS, first_name: 1 },
    Field { name: "day of week", low: 0, high: 7, last: 6, names: &WEEKDAYS, first_name: 0 },
];

const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A parsed line: schedules of the `cron` crate whose union is what crontab means.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    /// One schedule, or two where day of month and day of week are both restricted: either may match.
    pub(super) schedules: Vec<cron::Schedule>,
    /// The hour field is `*`: the job follows elapsed time rather than the clock on the wall.
    pub(super) every_hour: bool,
}

/// Reads a crontab line or a nickname such as `@daily`.
pub(super) fn parse(text: &str) -> Result<Fields> {
    let line = text.trim();
    let line = if line.starts_with('@') { nickname(line)? } else { line };
    let words: Vec<&str> = line.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = words[..] else {
        return Err(bad(text)
            .detail(format!("It has {} fields; five are needed.", words.len()))
            .hint("write minute hour day-of-month month day-of-week, for example 30 2 * * 1-5, or @daily"));
    };
    let read = |index: usize, word: &str| values(&FIELDS[index], word).map_err(|detail| bad(text).detail(detail));
    let minutes = read(0, minute)?;
    let hours = read(1, hour)?;
    let days = read(2, day)?;
    let months = read(3, month)?;
    let weekdays = read(4, weekday)?;
    let at = |days: Option<u64>, weekdays: Option<u64>| {
        let days = days.map_or_else(|| "*".into(), |set| listed(set, 0));
        let weekdays = weekdays.map_or_else(|| "*".into(), |set| listed(fold_sunday(set), 1));
        let text = format!("0 {} {} {days} {} {weekdays}", listed(minutes, 0), listed(hours, 0), listed(months, 0));
        cron::Schedule::from_str(&text).map_err(|e| bad(line).source(e))
    };
    // crontab(5): a field is restricted if it does not begin with `*`; two restricted day fields match either way.
    let schedules = if day.starts_with('*') || weekday.starts_with('*') {
        vec![at(Some(days), Some(weekdays))?]
    } else {
        vec![at(Some(days), None)?, at(None, Some(weekdays))?]
    };
    Ok(Fields { schedules, every_hour: hour == "*" })
}

fn bad(text: &str) -> Error {
    Error::config(format!("schedule \"{}\" cannot be read", text.trim()))
}

fn nickname(word: &str) -> Result<&'static str> {
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    known.map(|(_, line)| *line).ok_or_else(|| {
        let names: Vec<&str> = NICKNAMES.iter().map(|(name, _)| *name).collect();
        bad(word).detail(format!("The nicknames are {}.", names.join(", ")))
    })
}

/// The numbers that a field's word allows, as bits; the error is a sentence with the field's name and range.
fn values(field: &Field, word: &str) -> std::result::Result<u64, String> {
    let mut set = 0;
    for item in word.split(',') {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(step)),
            None => (item, None),
        };
        let (from, to) = if span == "*" {
            (field.low, field.last)
        } else if let Some((from, to)) = span.split_once('-') {
            let (from, to) = (number(field, from)?, number(field, to)?);
            // `fri-sun` ends on the Sunday after.
            let to = if field.high == 7 && to == 0 && from > 0 { 7 } else { to };
            if from > to {
                return Err(format!("The {} range \"{span}\" runs backwards.", field.name));
            }
            (from, to)
        } else {
            let only = number(field, span)?;
            if step.is_some() {
                return Err(format!(
                    "The {} step \"{item}\" needs a range before it: */N or {only}-{}/N.",
                    field.name, field.high
                ));
            }
            (only, only)
        };
        let step = match step {
            None => 1,
            Some(step) => {
                step.parse::<usize>().ok().filter(|step| (1..=field.high as usize + 1).contains(step)).ok_or_else(
                    || format!("The {} step \"{step}\" is not a number from 1 to {}.", field.name, field.high + 1),
                )?
            }
        };
        for value in (from..=to).step_by(step) {
            set |= 1 << value;
        }
    }
    Ok(set)
}

fn number(field: &Field, word: &str) -> std::result::Result<u32, String> {
    let named = field.names.iter().position(|name| name.eq_ignore_ascii_case(word));
    if let Some(index) = named.and_then(|index| u32::try_from(index).ok()) {
        return Ok(index + field.first_name);
    }
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let value = if digits { word.parse::<u32>().ok() } else { None };
    value.filter(|value| (field.low..=field.high).contains(value)).ok_or_else(|| {
        let names = match field.names {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!("The {} \"{word}\" is not one of {} to {}{names}.", field.name, field.low, field.high)
    })
}

/// Bit 7 (Sunday again) onto bit 0.
fn fold_sunday(set: u64) -> u64 {
    (set | (set >> 7)) & 0b111_1111
}

/// `1,2,5` from bits, each number shifted by `by`.
fn listed(set: u64, by: u32) -> String {
    let numbers: Vec<String> = (0..64).filter(|bit| set >> bit & 1 == 1).map(|bit| (bit + by).to_string()).collect();
    numbers.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let error = parse(text).expect_err("the line is wrong");
        assert_eq!(error.exit_code(), 2);
        error.detail.unwrap_or_default()
    }

    #[test]
    fn errors_name_the_field_and_its_range() {
        assert_eq!(problem("60 * * * *"), "The minute \"60\" is not one of 0 to 59.");
        assert_eq!(problem("0 24 * * *"), "The hour \"24\" is not one of 0 to 23.");
        assert_eq!(problem("0 0 0 * *"), "The day of month \"0\" is not one of 1 to 31.");
        assert_eq!(problem("0 0 * sept *"), "The month \"sept\" is not one of 1 to 12 or jan to dec.");
        assert_eq!(problem("0 0 * * 8"), "The day of week \"8\" is not one of 0 to 7 or sun to sat.");
        assert_eq!(problem("0 20-8 * * *"), "The hour range \"20-8\" runs backwards.");
        assert_eq!(problem("*/0 * * * *"), "The minute step \"0\" is not a number from 1 to 60.");
        assert_eq!(problem("5/10 * * * *"), "The minute step \"5/10\" needs a range before it: */N or 5-59/N.");
        assert_eq!(problem("0 2 * *"), "It has 4 fields; five are needed.");
        assert_eq!(problem("1,,2 * * * *"), "The minute \"\" is not one of 0 to 59.");
        assert!(problem("@fortnightly").contains("@weekly"));
    }

    #[test]
    fn lists_ranges_steps_and_names_become_one_set() {
        let set = |index: usize, word: &str| values(&FIELDS[index], word).expect("a good field");
        assert_eq!(listed(set(0, "0-10/5,30"), 0), "0,5,10,30");
        assert_eq!(listed(set(3, "JAN-mar,12"), 0), "1,2,3,12");
        assert_eq!(listed(fold_sunday(set(4, "fri-sun")), 0), "0,5,6");
        assert_eq!(listed(fold_sunday(set(4, "7")), 1), "1");
        assert_eq!(listed(set(4, "*/3"), 0), "0,3,6");
    }
}
