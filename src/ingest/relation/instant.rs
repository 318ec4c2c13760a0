//! Formats of days and instants in SQL: a regular expression takes a text apart, and what no calendar has gives no value.
//!
//! The server's own `to_timestamp` reads `2023-02-30` as an error that would end the whole statement, and `1.13.2023` as
//! a day of the next year. So the parts are numbers first, and a date only where they are one.

use super::text::pattern_of;
use crate::ingest::instant::InstantFormat;
use crate::project::quote_literal;
use chrono_tz::Tz;

/// Fields of a `strftime` format that can be said in SQL.
pub const FIELDS: &str = "%Y %y %m %b %d %H %I %M %S %p %z %F %T %R";

/// Types whose values are days and instants already.
pub(super) const NATIVE: &str = "'{timestamptz,timestamp,date}'::regtype[]";
/// ISO 8601 as the reader of files takes it; the groups are year, month and day (dashed, then not), hour, minute, second,
/// its fraction, UTC, and sign, hours and minutes of the distance from UTC.
const ISO: &str = "^([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|([0-9]{2})([0-9]{2}))\
    (?:[T ]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.,]([0-9]+))?)?\
    (?: ?(?:([zZ]|[uU][tT][cC])|([-+])([0-9]{2})(?::?([0-9]{2}))?))?)?$";
/// Text that is a number of seconds or milliseconds.
const EPOCH: &str = "^([-+]?(?:[0-9]{1,28}[.]?[0-9]{0,28}|[.][0-9]{1,28})(?:[eE][-+]?[0-9]{1,2})?)$";
const MONTHS: &str = "ARRAY['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']";

/// One format, ready for a text.
pub(super) struct Reading {
    /// Takes the text apart.
    pattern: String,
    quick: Option<Quick>,
    form: Form,
}

/// A way to the same parts that needs no groups of a regular expression: to find these costs the server forty times what
/// it costs to see that a text fits.
enum Quick {
    /// Texts of fixed width, as nearly all of ISO 8601 are.
    Iso,
    /// All fields stand between these signs.
    Separated(Vec<char>),
}

/// Day, or day and time, with all their digits.
const ISO_FIXED: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?$";

enum Form {
    /// Numbers of a calendar and a clock.
    Clock(Clock),
    /// Seconds since 1970, this many to a second.
    Epoch(u32),
}

/// SQL for each number, over the matched parts.
struct Clock {
    year: String,
    month: String,
    day: String,
    hour: String,
    minute: String,
    second: String,
    /// An interval; NULL where the text names no zone.
    offset: Option<String>,
}

/// Whether every field of the format can be said in SQL.
#[must_use]
pub fn is_format(format: &str) -> bool {
    strftime(format, "m").is_some()
}

/// The format over the parts in column `matched`; `None` where it cannot be said in SQL.
pub(super) fn reading(format: &InstantFormat, matched: &str) -> Option<Reading> {
    let group = |number: usize| format!("{matched}[{number}]");
    let number = |sql: String| format!("coalesce({sql}, '0')::integer");
    Some(match format {
        InstantFormat::Iso => {
            let fraction = format!("('0.' || coalesce(left({}, 6), '0'))::float8", group(9));
            let offset = format!(
                "CASE WHEN {utc} IS NOT NULL THEN INTERVAL '0' WHEN {sign} IS NOT NULL THEN make_interval(hours => \
                 ({sign} || {hours})::integer, mins => ({sign} || coalesce({minutes}, '0'))::integer) END",
                utc = group(10),
                sign = group(11),
                hours = group(12),
                minutes = group(13),
            );
            let either = |first, second| format!("coalesce({}, {})::integer", group(first), group(second));
            Reading {
                pattern: ISO.into(),
                quick: Some(Quick::Iso),
                form: Form::Clock(Clock {
                    year: format!("{}::integer", group(1)),
                    month: either(2, 4),
                    day: either(3, 5),
                    hour: number(group(6)),
                    minute: number(group(7)),
                    second: format!("({} + {fraction})", number(group(8))),
                    offset: Some(offset),
                }),
            }
        }
        InstantFormat::EpochSeconds => Reading { pattern: EPOCH.into(), quick: None, form: Form::Epoch(1) },
        InstantFormat::EpochMilliseconds => Reading { pattern: EPOCH.into(), quick: None, form: Form::Epoch(1_000) },
        // To the reader of numbers a blank is one blank, to strftime any number of them.
        InstantFormat::Numeric { format, .. } => {
            let pattern = strftime(format, matched)?.pattern.replace("\\s*", " ");
            Reading { pattern, quick: separators(format).map(Quick::Separated), ..strftime(format, matched)? }
        }
        InstantFormat::Strftime { format, .. } => strftime(format, matched)?,
    })
}

/// A `strftime` format; a year, a month and a day must be in it.
fn strftime(format: &str, matched: &str) -> Option<Reading> {
    let format = format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M");
    let (mut pattern, mut groups) = (String::from("^"), Vec::new());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            pattern.push_str(&if letter.is_whitespace() { "\\s*".to_owned() } else { pattern_of(&letter.to_string()) });
            continue;
        }
        let field = letters.next()?;
        pattern.push_str(match field {
            '%' => "%",
            'Y' => "([0-9]{1,4})",
            'y' => "([0-9]{2})",
            'm' | 'd' | 'H' | 'I' | 'M' | 'S' => "([0-9]{1,2})",
            'b' => "([A-Za-z]{3})",
            'p' => "([AaPp][Mm])",
            'z' => "\\s*([-+][0-9]{2}:?[0-9]{2})",
            _ => return None,
        });
        if field != '%' {
            groups.push(field);
        }
    }
    pattern.push('$');
    let group = |field: char| {
        let place = groups.iter().position(|known| *known == field)?;
        Some(format!("{matched}[{}]", place + 1))
    };
    let number = |field: char| group(field).map(|sql| format!("{sql}::integer"));
    // A year of two digits is one from 1970 to 2069, as strftime reads it.
    let short_year = || number('y').map(|year| format!("({year} + CASE WHEN {year} < 70 THEN 2000 ELSE 1900 END)"));
    let named_month = || group('b').map(|month| format!("array_position({MONTHS}, lower({month}))"));
    // Of twelve hours, 12 is the first; without the half of the day nobody knows which are meant.
    let half_day_hour = || {
        let (hour, half) = (number('I')?, group('p')?);
        Some(format!(
            "CASE WHEN {hour} BETWEEN 1 AND 12 THEN {hour} % 12 + CASE lower({half}) WHEN 'pm' THEN 12 ELSE 0 END END"
        ))
    };
    if number('H').is_none() && (number('I').is_some() || group('p').is_some()) && half_day_hour().is_none() {
        return None;
    }
    let midnight = || "0".to_owned();
    let offset = group('z').map(|offset| {
        format!("make_interval(hours => left({offset}, 3)::integer, mins => (left({offset}, 1) || right({offset}, 2))::integer)")
    });
    let clock = Clock {
        year: number('Y').or_else(short_year)?,
        month: number('m').or_else(named_month)?,
        day: number('d')?,
        hour: number('H').or_else(half_day_hour).unwrap_or_else(midnight),
        minute: number('M').unwrap_or_else(midnight),
        second: number('S').unwrap_or_else(midnight),
        offset,
    };
    Some(Reading { pattern, quick: None, form: Form::Clock(clock) })
}

/// The signs between the fields of a format in which one sign stands between each two.
fn separators(format: &str) -> Option<Vec<char>> {
    let mut fields = format.split('%');
    let before = fields.next()?;
    let mut signs: Vec<&str> = fields.map(|field| field.get(1..).unwrap_or_default()).collect();
    let is_last_alone = signs.pop()?.is_empty();
    let is_sign = |sign: char| sign == ' ' || sign.is_ascii_punctuation();
    let found: Option<Vec<char>> = signs
        .into_iter()
        .map(|text| text.chars().next().filter(|sign| text.chars().count() == 1 && is_sign(*sign)))
        .collect();
    found.filter(|signs| before.is_empty() && is_last_alone && !signs.is_empty())
}

impl Reading {
    /// The parts of a text, which has no blanks around it; no value where it has another form.
    pub fn parts(&self, text: &str) -> String {
        let pattern = quote_literal(&self.pattern);
        match &self.quick {
            None => format!("regexp_match({text}, {pattern})"),
            Some(Quick::Iso) => {
                let place = |from: u8| format!("nullif(substr({text}, {from}, 2), '')");
                format!(
                    "CASE WHEN {text} ~ '{ISO_FIXED}' THEN ARRAY[left({text}, 4), {}, {}, NULL, NULL, {}, {}, {}] \
                     ELSE regexp_match({text}, {pattern}) END",
                    place(6),
                    place(9),
                    place(12),
                    place(15),
                    place(18)
                )
            }
            Some(Quick::Separated(signs)) => {
                let first = signs.first().copied().unwrap_or(' ').to_string();
                let others: String = signs.iter().skip(1).collect();
                let alike = first.repeat(others.chars().count());
                let (first, others, alike) = (quote_literal(&first), quote_literal(&others), quote_literal(&alike));
                format!(
                    "CASE WHEN {text} ~ {pattern} THEN string_to_array(translate({text}, {others}, {alike}), {first}) END"
                )
            }
        }
    }

    /// The time on the clock as a timestamp without zone; no value where calendar or clock do not have it.
    pub fn local(&self, matched: &str) -> String {
        match &self.form {
            Form::Epoch(scale) => format!(
                "CASE WHEN abs({matched}[1]::numeric) < {limit} THEN TIMESTAMP 'epoch' \
                 + trunc({matched}[1]::numeric * {microseconds})::float8 * INTERVAL '1 microsecond' END",
                limit = 100_000_000_000_u64 * u64::from(*scale),
                microseconds = 1_000_000 / scale,
            ),
            Form::Clock(Clock { year, month, day, hour, minute, second, .. }) => format!(
                "CASE WHEN {year} >= 1 AND {day} BETWEEN 1 AND (ARRAY[31, CASE WHEN {year} % 4 = 0 AND ({year} % 100 <> 0 \
                 OR {year} % 400 = 0) THEN 29 ELSE 28 END, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[{month}] \
                 AND {hour} <= 23 AND {minute} <= 59 AND {second} < 61 \
                 THEN make_timestamp({year}, {month}, {day}, {hour}, {minute}, least({second}, 59.999999)) END"
            ),
        }
    }

    /// The instant of what [`Reading::local`] gave in column `local`.
    pub fn instant(&self, matched: &str, local: &str, zone: Tz) -> String {
        let at_offset = |offset: &str| format!("({local} - ({offset})) AT TIME ZONE 'UTC'");
        match &self.form {
            Form::Epoch(_) => format!("{local} AT TIME ZONE 'UTC'"),
            Form::Clock(Clock { offset: None, .. }) => in_zone(local, zone),
            Form::Clock(Clock { offset: Some(offset), .. }) => {
                let has_zone = format!("{matched} IS NOT NULL AND ({offset}) IS NOT NULL");
                format!("CASE WHEN {has_zone} THEN {} ELSE {} END", at_offset(offset), in_zone(local, zone))
            }
        }
    }
}

/// The instant at which the clocks of the zone show this time: of two the first, of none no value.
pub(super) fn in_zone(local: &str, zone: Tz) -> String {
    let there = quote_literal(zone.name());
    if zone == Tz::UTC {
        return format!("{local} AT TIME ZONE 'UTC'");
    }
    // The server takes the later of two, and for a time that the clocks skip one that they never show.
    format!(
        "CASE WHEN ({local} AT TIME ZONE {there}) AT TIME ZONE {there} <> {local} THEN NULL \
         WHEN (({local} AT TIME ZONE {there}) - INTERVAL '1 hour') AT TIME ZONE {there} = {local} \
         THEN ({local} AT TIME ZONE {there}) - INTERVAL '1 hour' ELSE {local} AT TIME ZONE {there} END"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_known_fields_are_said_in_sql_and_others_are_not() {
        for format in ["%d.%m.%Y", "%Y-%m-%d %H:%M:%SZ", "%d %b %y", "%m/%d/%Y %I:%M %p", "%F %T%z", "%Y%m%d"] {
            assert!(is_format(format), "{format}");
        }
        for format in ["%A %d %B %Y", "%Y-%j", "%s", "%Y-%m", "%d.%m.%Y %I:%M", "%d.%m.%Y %p", "%Y-%m-%d %H:%M:%S%.f"] {
            assert!(!is_format(format), "{format}");
        }
    }

    #[test]
    fn a_format_is_a_pattern_and_its_groups() {
        let format = InstantFormat::parse("%d.%m.%Y").expect("a format");
        let reading = reading(&format, "m").expect("known");
        assert_eq!(reading.pattern, "^([0-9]{1,2})\\.([0-9]{1,2})\\.([0-9]{1,4})$");
        assert!(reading.parts("t").ends_with("THEN string_to_array(translate(t, '.', '.'), '.') END"));
        assert_eq!(separators("%d.%m.%Y %H:%M"), Some(vec!['.', '.', ' ', ':']));
        assert_eq!((separators("%Y%m%d"), separators("%Y-%m-%dZ"), separators("x%Y-%m-%d")), (None, None, None));
        assert!(reading.local("m").contains("make_timestamp(m[3]::integer, m[2]::integer, m[1]::integer, 0, 0"));
    }
}
