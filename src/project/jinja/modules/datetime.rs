//! `modules.datetime`: the classes with their constructors, and arithmetic. The clock is that of [`Globals`].
//!
//! [`Globals`]: crate::project::jinja::Globals

use super::moment::{Class, Duration, Moment};
use super::zones::Zone;
use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use crate::project::jinja::operators::float;
use crate::project::jinja::rendering::Rendering;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use minijinja::value::{Object, ObjectRepr, Rest, Value, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State};
use std::sync::Arc;

/// The value of `modules.datetime`.
pub(super) fn module() -> Value {
    let timezone = Value::from_pairs([("utc", Value::from_object(Zone::Fixed(0)))]);
    Value::from_pairs([
        ("datetime", Value::from_object(Constructor(Class::DateTime))),
        ("date", Value::from_object(Constructor(Class::Date))),
        ("time", Value::from_object(Constructor(Class::Time))),
        ("timedelta", Value::from_function(|args: Rest<ValueOrKwargs>| timedelta(&args.into_values()))),
        ("timezone", timezone),
    ])
}

/// One of the classes.
#[derive(Debug)]
struct Constructor(Class);

fn date_of(given: &mut Arguments<'_>) -> Result<NaiveDate, Error> {
    let (year, month, day) =
        (given.required_integer("year")?, given.required_integer("month")?, given.required_integer("day")?);
    let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year));
    let parts = (year, u32::try_from(month).ok(), u32::try_from(day).ok());
    let (Some(year), Some(month), Some(day)) = parts else { return Err(refuse("the date is out of range")) };
    NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| refuse("the date is out of range"))
}

fn time_of(given: &mut Arguments<'_>) -> Result<NaiveTime, Error> {
    let mut parts = [0_u32; 4];
    for (part, name) in parts.iter_mut().zip(["hour", "minute", "second", "microsecond"]) {
        *part = u32::try_from(given.integer(name, 0)?).map_err(|_| refuse(format!("{name} is out of range")))?;
    }
    let [hour, minute, second, micro] = parts;
    NaiveTime::from_hms_micro_opt(hour, minute, second, micro).ok_or_else(|| refuse("the time is out of range"))
}

/// Methods of the classes, which may be handed on without being called: `try_or_compiler_error(..., datetime.strptime)`.
const METHODS: [&str; 8] =
    ["combine", "fromisoformat", "fromtimestamp", "now", "strptime", "today", "utcfromtimestamp", "utcnow"];

/// A method of a class as a value.
#[derive(Debug)]
struct Method(Class, &'static str);

impl Object for Method {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        Arc::new(Constructor(self.0)).call_method(state, self.1, args)
    }
}

impl Object for Constructor {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(method) = METHODS.into_iter().find(|method| key.as_str() == Some(method)) {
            return Some(Value::from_object(Method(self.0, method)));
        }
        let [least, greatest] = [NaiveDate::from_ymd_opt(1, 1, 1)?, NaiveDate::from_ymd_opt(9999, 12, 31)?];
        let date = match key.as_str()? {
            "min" => least,
            "max" => greatest,
            _ => return None,
        };
        let end = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999)?;
        let time = if date == least { NaiveTime::MIN } else { end };
        Some(match self.0 {
            Class::Date => Moment::date(date).into_value(),
            Class::Time => Moment::time(time).into_value(),
            Class::DateTime => Moment::naive(date.and_time(time)).into_value(),
        })
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new("datetime", args)?;
        let moment = match self.0 {
            Class::Date => Moment::date(date_of(&mut given)?),
            Class::Time => Moment::time(time_of(&mut given)?),
            Class::DateTime => {
                let local = date_of(&mut given)?.and_time(time_of(&mut given)?);
                let zone = given.optional("tzinfo").map(|zone| Zone::of(&zone)).transpose()?.flatten();
                Moment { class: Class::DateTime, local, zone }
            }
        };
        given.finish()?;
        Ok(moment.into_value())
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let now = Rendering::of(state)?.globals().now();
        let moment = match name {
            "now" => match given.optional("tz").map(|zone| Zone::of(&zone)).transpose()?.flatten() {
                Some(zone) => Moment::in_zone(now, zone),
                None => Moment::naive(now.naive_utc()),
            },
            "utcnow" => Moment::naive(now.naive_utc()),
            "today" => Moment::naive(now.naive_utc()),
            "strptime" => strptime(&given.required_text("date_string")?, &given.required_text("format")?)?,
            "fromisoformat" => from_iso(&given.required_text("date_string")?)?,
            "fromtimestamp" | "utcfromtimestamp" => {
                let seconds = float(&given.required("timestamp")?).ok_or_else(|| refuse("a number is needed"))?;
                let zone = given.optional("tz").map(|zone| Zone::of(&zone)).transpose()?.flatten();
                let span = micros(seconds * 1e6)?;
                let instant = DateTime::UNIX_EPOCH.checked_add_signed(span).ok_or_else(out_of_range)?;
                zone.map_or(Moment::naive(instant.naive_utc()), |zone| Moment::in_zone(instant, zone))
            }
            "combine" => {
                let (date, time) = (given.required("date")?, given.required("time")?);
                let of = |value: &Value| value.downcast_object_ref::<Moment>().copied();
                let (Some(date), Some(time)) = (of(&date), of(&time)) else {
                    return Err(refuse("combine() needs a date and a time"));
                };
                Moment::naive(date.local.date().and_time(time.local.time()))
            }
            _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("the class has no method '{name}'"))),
        };
        given.finish()?;
        Ok(match self.0 {
            Class::Date => Moment::date(moment.local.date()),
            Class::Time => Moment::time(moment.local.time()),
            Class::DateTime => Moment { class: Class::DateTime, ..moment },
        }
        .into_value())
    }
}

fn out_of_range() -> Error {
    refuse("the date is out of range")
}

fn strptime(text: &str, format: &str) -> Result<Moment, Error> {
    let wrong = || refuse(format!("time data '{text}' does not match format '{format}'"));
    // Python's `%f` takes one to six digits of a fraction; with the dot before it that is chrono's `%.f`.
    let pattern = format.replace(".%f", "%.f").replace("%f", "%6f");
    if format.contains("%z") {
        let found = DateTime::parse_from_str(text, &pattern).map_err(|_| wrong())?;
        let zone = Zone::Fixed(found.offset().local_minus_utc());
        return Ok(Moment { class: Class::DateTime, local: found.naive_local(), zone: Some(zone) });
    }
    if let Ok(found) = NaiveDateTime::parse_from_str(text, &pattern) {
        return Ok(Moment::naive(found));
    }
    if let Ok(found) = NaiveDate::parse_from_str(text, &pattern) {
        return Ok(Moment::naive(found.and_time(NaiveTime::MIN)));
    }
    // What the format leaves out is 1900-01-01 00:00:00.
    for (more_text, more_format) in [(" 00", " %M"), (" 01", " %d"), (" 01 01", " %m %d")] {
        let (text, pattern) = (format!("{text}{more_text}"), format!("{pattern}{more_format}"));
        if let Ok(found) = NaiveDateTime::parse_from_str(&text, &pattern) {
            return Ok(Moment::naive(found));
        }
        if let Ok(found) = NaiveDate::parse_from_str(&text, &pattern) {
            return Ok(Moment::naive(found.and_time(NaiveTime::MIN)));
        }
    }
    let time = NaiveTime::parse_from_str(text, &pattern).map_err(|_| wrong())?;
    let day = NaiveDate::from_ymd_opt(1900, 1, 1).ok_or_else(wrong)?;
    Ok(Moment::naive(day.and_time(time)))
}

fn from_iso(text: &str) -> Result<Moment, Error> {
    let spaced = text.replacen(' ', "T", 1);
    if let Ok(found) = DateTime::parse_from_rfc3339(&spaced) {
        let zone = Zone::Fixed(found.offset().local_minus_utc());
        return Ok(Moment { class: Class::DateTime, local: found.naive_local(), zone: Some(zone) });
    }
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let found = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(&spaced, format).ok());
    let found = found.or_else(|| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN)));
    found.map(Moment::naive).ok_or_else(|| refuse(format!("invalid isoformat string: '{text}'")))
}

/// A span of so many microseconds, refused where Python would overflow too.
fn micros(amount: f64) -> Result<TimeDelta, Error> {
    if !amount.is_finite() || amount.abs() > 9.0e18 {
        return Err(refuse("the timedelta is out of range"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    Ok(TimeDelta::microseconds(amount.round() as i64))
}

fn timedelta(args: &[Value]) -> Result<Value, Error> {
    let mut given = Arguments::new("timedelta", args)?;
    let units = [
        ("days", 86_400e6),
        ("seconds", 1e6),
        ("microseconds", 1.0),
        ("milliseconds", 1e3),
        ("minutes", 60e6),
        ("hours", 3600e6),
        ("weeks", 604_800e6),
    ];
    let mut total = 0.0;
    for (name, unit) in units {
        if let Some(amount) = given.optional(name) {
            total += unit * float(&amount).ok_or_else(|| refuse(format!("{name} must be a number")))?;
        }
    }
    given.finish()?;
    Ok(Duration(micros(total)?).into_value())
}

/// Arithmetic with moments and durations; `None` where neither operand is one.
pub(in super::super) fn arithmetic(operator: char, a: &Value, b: &Value) -> Option<Result<Value, Error>> {
    let (moment_a, moment_b) = (a.downcast_object_ref::<Moment>(), b.downcast_object_ref::<Moment>());
    let (span_a, span_b) = (a.downcast_object_ref::<Duration>(), b.downcast_object_ref::<Duration>());
    let moved = |moment: &Moment, span: TimeDelta| {
        let local = moment.local.checked_add_signed(span).ok_or_else(out_of_range)?;
        let local = if moment.class == Class::Date { local.date().and_time(NaiveTime::MIN) } else { local };
        Ok(Moment { local, ..*moment }.into_value())
    };
    let span = |span: Option<TimeDelta>| span.map(|span| Duration(span).into_value()).ok_or_else(out_of_range);
    #[expect(clippy::cast_precision_loss, reason = "Python divides timedeltas as floats too")]
    let scaled =
        |duration: &Duration, factor: f64| Ok(Duration(micros(duration.micros() as f64 * factor)?).into_value());
    Some(match (operator, moment_a, moment_b, span_a, span_b) {
        ('+', Some(moment), _, _, Some(by)) | ('+', _, Some(moment), Some(by), _) => moved(moment, by.0),
        ('-', Some(moment), _, _, Some(by)) => moved(moment, -by.0),
        ('-', Some(a), Some(b), ..) => span(Some(a.instant().signed_duration_since(b.instant()))),
        ('+', _, _, Some(a), Some(b)) => span(a.0.checked_add(&b.0)),
        ('-', _, _, Some(a), Some(b)) => span(a.0.checked_sub(&b.0)),
        #[expect(clippy::cast_precision_loss, reason = "Python divides timedeltas as floats too")]
        ('/', _, _, Some(a), Some(b)) if b.micros() != 0 => Ok(Value::from(a.micros() as f64 / b.micros() as f64)),
        ('*', _, _, Some(duration), None) => scaled(duration, float(b)?),
        ('*', _, _, None, Some(duration)) => scaled(duration, float(a)?),
        ('/', _, _, Some(duration), None) => scaled(duration, 1.0 / float(b).filter(|by| *by != 0.0)?),
        _ => return None,
    })
}
