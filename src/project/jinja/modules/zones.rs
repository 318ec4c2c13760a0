//! `modules.pytz` and the zones of `modules.datetime`.

use super::moment::{Class, Moment};
use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use minijinja::value::{Object, ObjectRepr, Rest, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A fixed offset in seconds.
    Fixed(i32),
    /// One of the zone database.
    Named(Tz),
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone::Named(Tz::UTC);

    /// The zone that a value is, `None` for none.
    pub fn of(value: &Value) -> Result<Option<Zone>, Error> {
        if value.is_none() || value.is_undefined() {
            return Ok(None);
        }
        let zone = value.downcast_object_ref::<Zone>();
        zone.map(|zone| Some(*zone)).ok_or_else(|| refuse("a time zone is needed, as pytz.timezone('...') gives"))
    }

    /// What clocks in the zone show at an instant.
    pub fn local(self, instant: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Zone::Fixed(seconds) => instant.naive_utc() + TimeDelta::seconds(seconds.into()),
            Zone::Named(zone) => instant.with_timezone(&zone).naive_local(),
        }
    }

    /// Offset from UTC at a local time; the earlier one where clocks show it twice.
    pub fn offset_seconds(self, local: NaiveDateTime) -> i32 {
        match self {
            Zone::Fixed(seconds) => seconds,
            Zone::Named(zone) => {
                let found = zone.offset_from_local_datetime(&local).earliest();
                found.unwrap_or_else(|| zone.offset_from_utc_datetime(&local)).fix().local_minus_utc()
            }
        }
    }

    /// The abbreviation at a local time.
    pub fn name(self, local: NaiveDateTime) -> String {
        match self {
            Zone::Fixed(_) => self.to_string(),
            Zone::Named(zone) => {
                let found = zone.offset_from_local_datetime(&local).earliest();
                found.unwrap_or_else(|| zone.offset_from_utc_datetime(&local)).to_string()
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Fixed(0) => f.write_str("UTC"),
            Zone::Fixed(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                write!(f, "UTC{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
            }
            Zone::Named(zone) => f.write_str(zone.name()),
        }
    }
}

impl Object for Zone {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("zone")).then(|| Value::from(self.to_string()))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let moment = given.required("dt")?;
        given.finish()?;
        let moment = moment.downcast_object_ref::<Moment>().ok_or_else(|| refuse("a datetime is needed"))?;
        match name {
            "localize" if moment.zone.is_some() => Err(refuse("the datetime has a time zone already")),
            "localize" => Ok(Moment { class: Class::DateTime, local: moment.local, zone: Some(**self) }.into_value()),
            "normalize" | "fromutc" => Ok(Moment::in_zone(moment.instant().and_utc(), **self).into_value()),
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("a time zone has no attribute '{name}'"))),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// The value of `modules.pytz`.
pub(super) fn module() -> Value {
    let timezone = Value::from_function(|name: &str, _: Rest<Value>| -> Result<Value, Error> {
        let zone: Tz = name.parse().map_err(|_| refuse(format!("unknown time zone '{name}'")))?;
        Ok(Value::from_object(Zone::Named(zone)))
    });
    let utc = Value::from_object(Zone::UTC);
    Value::from_pairs([("timezone", timezone), ("utc", utc.clone()), ("UTC", utc)])
}
