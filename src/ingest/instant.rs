//! Days and instants as files write them: ISO 8601, any `strftime` format, or seconds since 1970.

use super::value::quoted;
use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// A way to write a day or an instant.
#[derive(Clone, Debug, PartialEq)]
pub enum InstantFormat {
    /// `2023-03-01`, `2023-03-01 10:30`, `2023-03-01T10:30:00.5+02:00`: what a column without a format is read by.
    Iso,
    /// Seconds since 1970, with or without a fraction.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Numbers of year, month, day, hour, minute, second and signs between them: most files, and quickly read.
    Numeric {
        /// As written in the mapping.
        format: String,
        /// The format, read.
        parts: Vec<Part>,
    },
    /// Anything else that `strftime` knows.
    Strftime {
        /// As written in the mapping.
        format: String,
        /// The format, read.
        items: Vec<Item<'static>>,
    },
}

/// A piece of [`InstantFormat::Numeric`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `%Y`, `%m`, `%d`, `%H`, `%M`, `%S` are numbers 0 to 5.
    Number(usize),
    /// The byte itself.
    Sign(u8),
}

/// The instants that a load bears. Others are slips of the pen, and one of them would move the age of every customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first that is borne.
    pub earliest: DateTime<Utc>,
    /// The last that is borne.
    pub latest: DateTime<Utc>,
}

impl Window {
    /// The instant, or the reason why it is not plausible.
    pub(crate) fn check(&self, instant: DateTime<Utc>, text: &str) -> Result<DateTime<Utc>, String> {
        if (self.earliest..=self.latest).contains(&instant) {
            return Ok(instant);
        }
        let [earliest, latest] = [self.earliest, self.latest].map(|end| end.date_naive());
        Err(format!("{} is not between {earliest} and {latest}", quoted(text.trim())))
    }
}

impl Window {
    /// The day, or the reason why nobody who buys was born on it.
    pub(crate) fn check_birth(&self, day: NaiveDate, text: &str) -> Result<NaiveDate, String> {
        let earliest = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default();
        let latest = self.latest.date_naive();
        if (earliest..=latest).contains(&day) {
            return Ok(day);
        }
        Err(format!("{} is not between {earliest} and {latest}", quoted(text.trim())))
    }
}

/// A day, perhaps with the time on the clock and the clock's distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reading {
    date: NaiveDate,
    time: NaiveTime,
    offset: Option<FixedOffset>,
}

/// Why a text is no reading.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The text has another form.
    Form,
    /// The form is right, the day or time does not exist.
    Calendar,
}

impl InstantFormat {
    /// Reads the name of a format: `iso`, `epoch_seconds`, `epoch_milliseconds`, or a `strftime` format.
    pub(crate) fn parse(format: &str) -> Option<InstantFormat> {
        match format {
            "iso" => return Some(InstantFormat::Iso),
            "epoch_seconds" => return Some(InstantFormat::EpochSeconds),
            "epoch_milliseconds" => return Some(InstantFormat::EpochMilliseconds),
            _ => {}
        }
        if let Some(parts) = numeric_parts(format) {
            return Some(InstantFormat::Numeric { format: format.to_owned(), parts });
        }
        let items = StrftimeItems::new(format).parse_to_owned().ok()?;
        // A format without any field would read every row as the same nothing.
        let has_field = items.iter().any(|item| matches!(item, Item::Numeric(..) | Item::Fixed(..)));
        has_field.then(|| InstantFormat::Strftime { format: format.to_owned(), items })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            InstantFormat::Iso => "2023-12-31 23:59:59",
            InstantFormat::EpochSeconds => "seconds since 1970",
            InstantFormat::EpochMilliseconds => "milliseconds since 1970",
            InstantFormat::Numeric { format, .. } | InstantFormat::Strftime { format, .. } => format,
        }
    }

    fn read(&self, text: &str) -> Result<Reading, Fault> {
        match self {
            InstantFormat::Iso => read_iso(text.as_bytes()),
            InstantFormat::EpochSeconds => read_epoch(text, 1_000_000),
            InstantFormat::EpochMilliseconds => read_epoch(text, 1_000),
            InstantFormat::Numeric { parts, .. } => read_numeric(text.as_bytes(), parts),
            InstantFormat::Strftime { items, .. } => read_strftime(text, items),
        }
    }
}

/// Reads an instant by the first format that fits. Without an hour it is midnight; without a zone it is in `zone`;
/// of a time that the clocks show twice it is the first.
pub(crate) fn parse_instant(text: &str, formats: &[InstantFormat], zone: Tz) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let reading = read(text, formats)?;
    let local = reading.date.and_time(reading.time);
    match reading.offset {
        Some(offset) => local.checked_sub_offset(offset).map(|utc| utc.and_utc()),
        None if zone == Tz::UTC => Some(local.and_utc()),
        None => match zone.from_local_datetime(&local).earliest() {
            Some(instant) => Some(instant.to_utc()),
            None => return Err(format!("{} does not exist in {zone}: the clocks skip it", quoted(text))),
        },
    }
    .ok_or_else(|| format!("{} does not exist in the calendar", quoted(text)))
}

/// Reads a day by the first format that fits; a time beside it is left out.
pub(crate) fn parse_date(text: &str, formats: &[InstantFormat]) -> Result<NaiveDate, String> {
    read(text.trim(), formats).map(|reading| reading.date)
}

fn read(text: &str, formats: &[InstantFormat]) -> Result<Reading, String> {
    let mut is_in_form = false;
    for format in formats {
        match format.read(text) {
            Ok(reading) => return Ok(reading),
            Err(fault) => is_in_form |= fault == Fault::Calendar,
        }
    }
    if is_in_form {
        return Err(format!("{} does not exist in the calendar", quoted(text)));
    }
    let names: Vec<&str> = formats.iter().map(InstantFormat::name).collect();
    Err(format!("{} is not a date of the form {}", quoted(text), names.join(" or ")))
}

/// The parts of a format that is made of plain numbers only.
fn numeric_parts(format: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        parts.push(match byte {
            b'%' => Part::Number(b"YmdHMS".iter().position(|field| Some(*field) == bytes.clone().next())?),
            // To strftime, blanks mean any number of them, and a letter of another script is more than a byte.
            b if b.is_ascii_graphic() => Part::Sign(b),
            b' ' => Part::Sign(b' '),
            _ => return None,
        });
        if byte == b'%' {
            bytes.next();
        }
    }
    let has = |field| parts.contains(&Part::Number(field));
    (has(0) && has(1) && has(2)).then_some(parts)
}

/// Takes up to `width` digits off the front.
fn take_number(text: &mut &[u8], width: usize) -> Option<u32> {
    let digits = text.iter().take(width).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let number = text[..digits].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    *text = &text[digits..];
    Some(number)
}

fn take_sign(text: &mut &[u8], sign: u8) -> bool {
    let is_there = text.first() == Some(&sign);
    if is_there {
        *text = &text[1..];
    }
    is_there
}

fn read_numeric(mut text: &[u8], parts: &[Part]) -> Result<Reading, Fault> {
    let mut fields = [0_u32; 6];
    for part in parts {
        match part {
            Part::Number(field) => {
                let width = if *field == 0 { 4 } else { 2 };
                fields[*field] = take_number(&mut text, width).ok_or(Fault::Form)?;
            }
            Part::Sign(sign) if take_sign(&mut text, *sign) => {}
            Part::Sign(_) => return Err(Fault::Form),
        }
    }
    if text.is_empty() { reading(fields, 0, None) } else { Err(Fault::Form) }
}

fn reading(fields: [u32; 6], nanoseconds: u32, offset: Option<FixedOffset>) -> Result<Reading, Fault> {
    let [year, month, day, hour, minute, second] = fields;
    let year = i32::try_from(year).map_err(|_| Fault::Calendar)?;
    let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(Fault::Calendar)?;
    // A leap second is the last instant of its minute: the database knows no other.
    let (second, nanoseconds) = if second == 60 { (59, 999_999_999) } else { (second, nanoseconds) };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanoseconds).ok_or(Fault::Calendar)?;
    Ok(Reading { date, time, offset })
}

fn read_iso(mut text: &[u8]) -> Result<Reading, Fault> {
    let text = &mut text;
    let mut fields = [0; 6];
    let is_date = text.len() >= 8 && text.iter().take(4).all(u8::is_ascii_digit);
    if !is_date {
        return Err(Fault::Form);
    }
    let dashed = text[4] == b'-';
    for (field, width) in [(0, 4), (1, 2), (2, 2)] {
        if field > 0 && dashed && !take_sign(text, b'-') {
            return Err(Fault::Form);
        }
        fields[field] = take_number(text, width).ok_or(Fault::Form)?;
    }
    if text.is_empty() {
        return reading(fields, 0, None);
    }
    if !take_sign(text, b'T') && !take_sign(text, b' ') {
        return Err(Fault::Form);
    }
    fields[3] = take_number(text, 2).ok_or(Fault::Form)?;
    if !take_sign(text, b':') {
        return Err(Fault::Form);
    }
    fields[4] = take_number(text, 2).ok_or(Fault::Form)?;
    let mut nanoseconds = 0;
    if take_sign(text, b':') {
        fields[5] = take_number(text, 2).ok_or(Fault::Form)?;
        if take_sign(text, b'.') || take_sign(text, b',') {
            nanoseconds = take_fraction(text).ok_or(Fault::Form)?;
        }
    }
    let offset = take_offset(text).ok_or(Fault::Form)?;
    if text.is_empty() { reading(fields, nanoseconds, offset) } else { Err(Fault::Form) }
}

/// Nanoseconds of the digits after the point; digits beyond nine are dropped.
fn take_fraction(text: &mut &[u8]) -> Option<u32> {
    let before = text.len();
    let number = take_number(text, 9)?;
    let digits = u32::try_from(before - text.len()).ok()?;
    while text.first().is_some_and(u8::is_ascii_digit) {
        *text = &text[1..];
    }
    Some(number * 10_u32.pow(9 - digits))
}

/// `Z`, `UTC`, `+02:00`, `+0200`, `-04`; `Some(None)` where there is nothing more.
#[allow(clippy::option_option)] // No zone and a zone that cannot be read are different things.
fn take_offset(text: &mut &[u8]) -> Option<Option<FixedOffset>> {
    if text.is_empty() {
        return Some(None);
    }
    take_sign(text, b' ');
    if text.eq_ignore_ascii_case(b"z") || text.eq_ignore_ascii_case(b"utc") {
        *text = &[];
        return Some(FixedOffset::east_opt(0));
    }
    let is_west = take_sign(text, b'-');
    if !is_west && !take_sign(text, b'+') {
        return None;
    }
    let hours = take_number(text, 2)?;
    take_sign(text, b':');
    let minutes = if text.is_empty() { 0 } else { take_number(text, 2)? };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    FixedOffset::east_opt(if is_west { -seconds } else { seconds }).map(Some)
}

/// Text in seconds (`microseconds` = 1,000,000) or milliseconds (1,000) to an instant.
fn read_epoch(text: &str, microseconds: i64) -> Result<Reading, Fault> {
    let number = super::number::parse_number(text).map_err(|_| Fault::Form)?;
    let scaled = number.checked_mul(microseconds.into()).ok_or(Fault::Calendar)?.trunc();
    let scaled = i64::try_from(scaled).map_err(|_| Fault::Calendar)?;
    let instant: NaiveDateTime = DateTime::from_timestamp_micros(scaled).ok_or(Fault::Calendar)?.naive_utc();
    Ok(Reading { date: instant.date(), time: instant.time(), offset: FixedOffset::east_opt(0) })
}

fn read_strftime(text: &str, items: &[Item<'static>]) -> Result<Reading, Fault> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).map_err(|e| match e.kind() {
        chrono::format::ParseErrorKind::OutOfRange | chrono::format::ParseErrorKind::Impossible => Fault::Calendar,
        _ => Fault::Form,
    })?;
    if let Some(seconds) = parsed.timestamp() {
        let instant = DateTime::from_timestamp(seconds, 0).ok_or(Fault::Calendar)?.naive_utc();
        return Ok(Reading { date: instant.date(), time: instant.time(), offset: FixedOffset::east_opt(0) });
    }
    let date = parsed.to_naive_date().map_err(|_| Fault::Calendar)?;
    let has_time = parsed.hour_div_12().is_some() || parsed.hour_mod_12().is_some();
    let time = if has_time { parsed.to_naive_time().map_err(|_| Fault::Form)? } else { NaiveTime::MIN };
    // The library reads years of any length; the calendar of the database ends.
    if !(-4712..=294_275).contains(&date.year()) {
        return Err(Fault::Calendar);
    }
    Ok(Reading { date, time, offset: parsed.offset().and_then(FixedOffset::east_opt) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str, format: &str, zone: Tz) -> Result<String, String> {
        parse_instant(text, &[InstantFormat::parse(format).unwrap()], zone).map(|instant| instant.to_rfc3339())
    }

    #[test]
    fn dates_are_midnight_in_their_zone() {
        let berlin = Tz::Europe__Berlin;
        assert_eq!(instant("2023-07-01", "%Y-%m-%d", berlin).unwrap(), "2023-06-30T22:00:00+00:00");
        assert_eq!(instant("1/3/2014", "%m/%d/%Y", Tz::UTC).unwrap(), "2014-01-03T00:00:00+00:00");
        let format = "%Y-%m-%d %H:%M:%S%z";
        assert_eq!(instant("2023-07-01 10:00:00+0500", format, berlin).unwrap(), "2023-07-01T05:00:00+00:00");
        assert_eq!(instant("1700000000", "%s", berlin).unwrap(), "2023-11-14T22:13:20+00:00");
        assert_eq!(instant("3 Jan 2014 1:05 PM", "%d %b %Y %I:%M %p", Tz::UTC).unwrap(), "2014-01-03T13:05:00+00:00");
    }

    #[test]
    fn iso_is_read_in_all_its_forms() {
        for (text, expected) in [
            ("2023-07-01", "2023-06-30T22:00:00+00:00"),
            ("20230701", "2023-06-30T22:00:00+00:00"),
            ("2023-07-01 10:00", "2023-07-01T08:00:00+00:00"),
            ("2023-07-01T10:00:30.5", "2023-07-01T08:00:30.500+00:00"),
            ("2024-08-04 20:13:33.393567", "2024-08-04T18:13:33.393567+00:00"),
            ("2023-07-01T10:00:00Z", "2023-07-01T10:00:00+00:00"),
            ("2023-07-01 10:00:00 -0400", "2023-07-01T14:00:00+00:00"),
            ("2023-07-01 10:00:00 UTC", "2023-07-01T10:00:00+00:00"),
            ("2023-07-01T10:00:00+05:30", "2023-07-01T04:30:00+00:00"),
        ] {
            assert_eq!(instant(text, "iso", Tz::Europe__Berlin).as_deref(), Ok(expected), "{text}");
        }
        for text in
            ["2023", "2023-07", "2023-07-01 10", "2023-07-01 10:00:00 +", "2023-07-01x", "23-07-01", "2023-07-01 "]
        {
            assert!(instant(text.trim_start(), "iso", Tz::UTC).is_err() || text.ends_with(' '), "{text}");
        }
    }

    #[test]
    fn seconds_since_1970_keep_their_fraction() {
        assert_eq!(instant("1700000000.25", "epoch_seconds", Tz::UTC).unwrap(), "2023-11-14T22:13:20.250+00:00");
        assert_eq!(instant("1700000000250", "epoch_milliseconds", Tz::UTC).unwrap(), "2023-11-14T22:13:20.250+00:00");
        assert_eq!(instant("-1", "epoch_seconds", Tz::UTC).unwrap(), "1969-12-31T23:59:59+00:00");
        assert!(instant("1e28", "epoch_seconds", Tz::UTC).is_err());
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_is_the_first() {
        let told = instant("2023-10-29 02:30", "%Y-%m-%d %H:%M", Tz::Europe__Berlin).unwrap();
        assert_eq!(told, "2023-10-29T00:30:00+00:00");
    }

    #[test]
    fn the_first_format_that_fits_is_taken() {
        let formats: Vec<_> = ["%d.%m.%Y", "iso"].iter().filter_map(|format| InstantFormat::parse(format)).collect();
        let day = |text| parse_date(text, &formats);
        assert_eq!(day("03.01.2014").unwrap().to_string(), "2014-01-03");
        assert_eq!(day("2014-01-03").unwrap().to_string(), "2014-01-03");
        assert_eq!(day("31.02.2014").unwrap_err(), "\"31.02.2014\" does not exist in the calendar");
        assert_eq!(day("x").unwrap_err(), "\"x\" is not a date of the form %d.%m.%Y or 2023-12-31 23:59:59");
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
            instant("+10000-01-01", day, Tz::UTC),
            instant("2023-03-12 02:30:00", "%Y-%m-%d %H:%M:%S", Tz::America__New_York),
            instant("2023-03-12 02:30:00 America/New_York", "iso", Tz::UTC),
        ];
        insta::assert_snapshot!(told.map(Result::unwrap_err).join("\n"));
    }

    #[test]
    fn what_is_not_plausible_is_told() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap().and_time(NaiveTime::MIN).and_utc();
        let window = Window { earliest: day("1970-01-01"), latest: day("2026-01-03") };
        assert_eq!(window.check(day("2026-01-03"), "2026-01-03"), Ok(day("2026-01-03")));
        for text in ["0001-01-01", "1969-12-31", "2099-01-01", "9999-12-31"] {
            let told = window.check(day(text), text).unwrap_err();
            assert_eq!(told, format!("\"{text}\" is not between 1970-01-01 and 2026-01-03"));
        }
    }

    #[test]
    fn a_format_without_a_field_is_none() {
        for format in ["", "day", "%%", "%Q"] {
            assert_eq!(InstantFormat::parse(format), None, "{format}");
        }
    }

    proptest! {
        /// The quick reader takes and refuses what the library does.
        #[test]
        fn numbers_are_read_as_strftime_reads_them(
            year in 0..9999_u32, month in 0..14_u32, day in 0..33_u32, hour in 0..25_u32, minute in 0..61_u32,
            is_padded: bool, end in "[ 0-9]{0,1}",
        ) {
            let format = "%Y-%m-%d %H:%M";
            let text = if is_padded {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}{end}")
            } else {
                format!("{year:04}-{month}-{day} {hour}:{minute}{end}")
            };
            let items: Vec<Item<'static>> = StrftimeItems::new(format).parse_to_owned().unwrap();
            let quick = InstantFormat::parse(format).unwrap().read(&text);
            prop_assert_eq!(quick.ok(), read_strftime(&text, &items).ok(), "{}", text);
        }

        #[test]
        fn any_text_is_a_date_or_a_reason(text in "[0-9TZ:/ .+-]{0,30}") {
            for format in ["iso", "epoch_seconds", "epoch_milliseconds", "%Y-%m-%d %H:%M", "%d/%m/%y"] {
                let _ = instant(&text, format, Tz::Europe__London);
            }
        }
    }
}
