//! Python's `datetime`, `date`, `time` and `timedelta` as values.

use super::zones::Zone;
use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use minijinja::value::{DynObject, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::sync::Arc;

/// Longest text that `strftime` makes.
const LONGEST: usize = 4096;

/// Which of Python's classes a moment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `datetime.datetime`
    DateTime,
    /// `datetime.date`
    Date,
    /// `datetime.time`
    Time,
}

/// A date, a time, or both with an optional zone; the time is local to the zone.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Which class it is.
    pub class: Class,
    /// The local date and time.
    pub local: NaiveDateTime,
    /// Its zone.
    pub zone: Option<Zone>,
}

impl Moment {
    /// Date and time without a zone.
    pub fn naive(local: NaiveDateTime) -> Self {
        Moment { class: Class::DateTime, local, zone: None }
    }

    /// A date.
    pub fn date(date: NaiveDate) -> Self {
        Moment { class: Class::Date, local: date.and_time(NaiveTime::MIN), zone: None }
    }

    /// A time.
    pub fn time(time: NaiveTime) -> Self {
        Moment { class: Class::Time, local: NaiveDate::default().and_time(time), zone: None }
    }

    /// An instant as a zone shows it.
    pub fn in_zone(instant: DateTime<Utc>, zone: Zone) -> Self {
        Moment { class: Class::DateTime, local: zone.local(instant), zone: Some(zone) }
    }

    /// As a value of the engine.
    pub fn into_value(self) -> Value {
        Value::from_object(self)
    }

    /// The local time less the zone's offset; what two moments are compared by.
    pub fn instant(&self) -> NaiveDateTime {
        let offset = self.zone.map_or(0, |zone| zone.offset_seconds(self.local));
        self.local.checked_sub_signed(TimeDelta::seconds(offset.into())).unwrap_or(self.local)
    }

    fn offset_text(&self, colon: bool) -> String {
        let Some(zone) = self.zone else { return String::new() };
        let minutes = zone.offset_seconds(self.local) / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        format!("{sign}{hours:02}{}{minutes:02}", if colon { ":" } else { "" })
    }

    fn iso(&self, separator: &str) -> String {
        let date = self.local.format("%Y-%m-%d");
        let fraction = if self.local.nanosecond() == 0 { "%H:%M:%S" } else { "%H:%M:%S%.6f" };
        let time = self.local.format(fraction);
        match self.class {
            Class::Date => date.to_string(),
            Class::Time => format!("{time}{}", self.offset_text(true)),
            Class::DateTime => format!("{date}{separator}{time}{}", self.offset_text(true)),
        }
    }

    fn strftime(&self, format: &str) -> Result<String, Error> {
        if format.len() > LONGEST {
            return Err(refuse("the format is too long"));
        }
        let zone = self.zone.map(|zone| zone.name(self.local)).unwrap_or_default();
        let format =
            format.replace("%f", "%6f").replace("%z", &self.offset_text(false)).replace("%Z", &zone.replace('%', "%%"));
        let mut out = String::new();
        write!(out, "{}", self.local.format(&format))
            .map_err(|_| refuse(format!("'{format}' is not a format of strftime")))?;
        Ok(out)
    }

    /// The moment with some of its fields changed.
    fn replaced(&self, given: &mut Arguments<'_>) -> Result<Moment, Error> {
        let fields: &[&str] = match self.class {
            Class::Date => &["year", "month", "day"],
            Class::Time => &["hour", "minute", "second", "microsecond"],
            Class::DateTime => &["year", "month", "day", "hour", "minute", "second", "microsecond"],
        };
        let mut local = self.local;
        for field in fields {
            let now = self.field(field).unwrap_or(0);
            let wanted = given.integer(field, now)?;
            if wanted != now {
                local = set_field(local, field, wanted).ok_or_else(|| refuse(format!("{field} is out of range")))?;
            }
        }
        let zone = match given.optional("tzinfo") {
            Some(zone) => Zone::of(&zone)?,
            None => self.zone,
        };
        Ok(Moment { class: self.class, local, zone })
    }

    fn field(&self, name: &str) -> Option<i64> {
        let (date, time) = (self.local.date(), self.local.time());
        Some(match name {
            "year" if self.class != Class::Time => i64::from(date.year()),
            "month" if self.class != Class::Time => i64::from(date.month()),
            "day" if self.class != Class::Time => i64::from(date.day()),
            "hour" if self.class != Class::Date => i64::from(time.hour()),
            "minute" if self.class != Class::Date => i64::from(time.minute()),
            "second" if self.class != Class::Date => i64::from(time.second()),
            "microsecond" if self.class != Class::Date => i64::from(time.nanosecond() / 1000),
            _ => return None,
        })
    }
}

fn set_field(local: NaiveDateTime, name: &str, value: i64) -> Option<NaiveDateTime> {
    let number = u32::try_from(value).ok()?;
    match name {
        "year" => local.with_year(i32::try_from(value).ok().filter(|year| (1..=9999).contains(year))?),
        "month" => local.with_month(number),
        "day" => local.with_day(number),
        "hour" => local.with_hour(number),
        "minute" => local.with_minute(number),
        "second" => local.with_second(number),
        _ => local.with_nanosecond(number.checked_mul(1000)?),
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "tzinfo" => Some(self.zone.map_or(Value::from(()), Value::from_object)),
            name => self.field(name).map(Value::from),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Moment>()?;
        Some(self.instant().cmp(&other.instant()))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let date = self.local.date();
        let result = match name {
            "strftime" => Value::from(self.strftime(&given.required_text("format")?)?),
            "isoformat" => Value::from(self.iso(&given.text("sep")?.unwrap_or_else(|| "T".to_owned()))),
            "date" => Moment::date(date).into_value(),
            "time" => Moment::time(self.local.time()).into_value(),
            "replace" => self.replaced(&mut given)?.into_value(),
            "weekday" => Value::from(date.weekday().num_days_from_monday()),
            "isoweekday" => Value::from(date.weekday().number_from_monday()),
            "toordinal" => Value::from(date.num_days_from_ce()),
            #[expect(clippy::cast_precision_loss, reason = "Python gives a float here too")]
            "timestamp" => Value::from(self.instant().and_utc().timestamp_micros() as f64 / 1e6),
            "isocalendar" => {
                let week = date.iso_week();
                Value::from((week.year(), week.week(), date.weekday().number_from_monday()))
            }
            "utcoffset" => self.zone.map_or(Value::from(()), |zone| {
                Duration(TimeDelta::seconds(zone.offset_seconds(self.local).into())).into_value()
            }),
            "astimezone" => {
                let zone = Zone::of(&given.required("tz")?)?.ok_or_else(|| refuse("astimezone() needs a time zone"))?;
                Moment::in_zone(self.instant().and_utc(), zone).into_value()
            }
            _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("a datetime has no attribute '{name}'"))),
        };
        given.finish()?;
        Ok(result)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso(" "))
    }
}

/// Python's `timedelta`.
#[derive(Clone, Copy, Debug)]
pub struct Duration(pub TimeDelta);

impl Duration {
    /// As a value of the engine.
    pub fn into_value(self) -> Value {
        Value::from_object(self)
    }

    /// Length in microseconds.
    pub fn micros(&self) -> i64 {
        self.0.num_microseconds().unwrap_or(i64::MAX)
    }
}

const DAY: i64 = 86_400_000_000;

impl Object for Duration {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        // As in Python only the days may be negative.
        let within = self.micros().rem_euclid(DAY);
        match key.as_str()? {
            "days" => Some(Value::from(self.micros().div_euclid(DAY))),
            "seconds" => Some(Value::from(within / 1_000_000)),
            "microseconds" => Some(Value::from(within % 1_000_000)),
            _ => None,
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Duration>()?.0))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        Arguments::new(name, args)?.finish()?;
        match name {
            #[expect(clippy::cast_precision_loss, reason = "Python gives a float here too")]
            "total_seconds" => Ok(Value::from(self.micros() as f64 / 1e6)),
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("a timedelta has no attribute '{name}'"))),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, within) = (self.micros().div_euclid(DAY), self.micros().rem_euclid(DAY));
        if days != 0 {
            write!(f, "{days} day{}, ", if days.abs() == 1 { "" } else { "s" })?;
        }
        let seconds = within / 1_000_000;
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match within % 1_000_000 {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}
