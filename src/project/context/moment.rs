//! Dates and times of results: they print as Python prints them and know `strftime`, `isoformat` and their parts.

use super::arguments::Arguments;
use super::fault::invalid;
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use minijinja::value::{DynObject, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A date, or an instant with or without a zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// `date`
    Date(NaiveDate),
    /// `timestamp`
    Naive(NaiveDateTime),
    /// `timestamptz`
    Zoned(DateTime<FixedOffset>),
}

impl Moment {
    /// The moment as an object for templates.
    #[must_use]
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    fn date(self) -> NaiveDate {
        match self {
            Moment::Date(date) => date,
            Moment::Naive(at) => at.date(),
            Moment::Zoned(at) => at.date_naive(),
        }
    }

    /// Date and time of day, unless it is a date alone.
    fn clock(self) -> Option<NaiveDateTime> {
        match self {
            Moment::Date(_) => None,
            Moment::Naive(at) => Some(at),
            Moment::Zoned(at) => Some(at.naive_local()),
        }
    }

    /// ISO 8601 with this letter between date and time; microseconds only where there are some.
    fn iso(self, between: char) -> String {
        let mut text = self.date().format("%Y-%m-%d").to_string();
        if let Some(clock) = self.clock() {
            text.push_str(&clock.format(&format!("{between}%H:%M:%S")).to_string());
            if clock.nanosecond() / 1000 > 0 {
                text.push_str(&format!(".{:06}", clock.nanosecond() / 1000));
            }
        }
        if let Moment::Zoned(at) = self {
            text.push_str(&at.format("%:z").to_string());
        }
        text
    }

    /// The moment in a layout of `strftime`.
    fn format(self, layout: &str) -> Result<String, Error> {
        let (at, zone_name) = match self {
            Moment::Zoned(at) if at.offset().local_minus_utc() == 0 => (at, "UTC".to_owned()),
            Moment::Zoned(at) => (at, format!("UTC{}", at.format("%:z"))),
            Moment::Naive(at) => (at.and_utc().fixed_offset(), String::new()),
            Moment::Date(date) => (date.and_time(chrono::NaiveTime::MIN).and_utc().fixed_offset(), String::new()),
        };
        let offset = if zone_name.is_empty() { "" } else { "%z" };
        // Python's %f has six digits; a moment without zone prints nothing for %z and %Z. A doubled % is no directive.
        let python = |text: &str| text.replace("%f", "%6f").replace("%z", offset).replace("%Z", &zone_name);
        let layout = layout.split("%%").map(python).collect::<Vec<_>>().join("%%");
        let items: Vec<Item<'_>> = StrftimeItems::new(&layout).collect();
        // An unknown directive would panic in the formatter.
        if items.contains(&Item::Error) {
            return Err(invalid(format!("strftime() does not know the layout \"{layout}\"")));
        }
        Ok(at.format_with_items(items.into_iter()).to_string())
    }

    fn in_zone(self, zone: &Value) -> Result<Moment, Error> {
        let name = zone.to_string();
        let zone: Tz = name.parse().map_err(|_| invalid(format!("time zone \"{name}\" is not known")))?;
        let instant = match self {
            Moment::Zoned(at) => at,
            // Python takes a moment without zone to be in that of the machine; here every machine counts as UTC.
            Moment::Naive(at) => at.and_utc().fixed_offset(),
            Moment::Date(_) => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        Ok(Moment::Zoned(instant.with_timezone(&zone).fixed_offset()))
    }
}

/// Python's `str()`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso(' '))
    }
}

/// Python's `repr()`, which is what a list of dates shows.
impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        let Some(clock) = self.clock() else {
            return write!(f, "datetime.date({}, {}, {})", date.year(), date.month(), date.day());
        };
        write!(
            f,
            "datetime.datetime({}, {}, {}, {}, {}",
            date.year(),
            date.month(),
            date.day(),
            clock.hour(),
            clock.minute()
        )?;
        let microseconds = clock.nanosecond() / 1000;
        if clock.second() > 0 || microseconds > 0 {
            write!(f, ", {}", clock.second())?;
        }
        if microseconds > 0 {
            write!(f, ", {microseconds}")?;
        }
        if let Moment::Zoned(at) = self {
            match at.offset().local_minus_utc() {
                0 => f.write_str(", tzinfo=datetime.timezone.utc")?,
                seconds => write!(f, ", tzinfo=datetime.timezone(datetime.timedelta(seconds={seconds}))")?,
            }
        }
        f.write_str(")")
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let clock = self.clock();
        let number = match key.as_str()? {
            "year" => return Some(Value::from(self.date().year())),
            "month" => self.date().month(),
            "day" => self.date().day(),
            "hour" => clock?.hour(),
            "minute" => clock?.minute(),
            "second" => clock?.second(),
            "microsecond" => clock?.nanosecond() / 1000,
            _ => return None,
        };
        Some(Value::from(number))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some(match (self.as_ref(), other) {
            // Two instants compare as instants, whatever their zones.
            (Moment::Zoned(own), Moment::Zoned(other)) => own.cmp(other),
            (own, other) => own.cmp(other),
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_ref(), f)
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let weekday = self.date().weekday();
        match method {
            "strftime" => {
                let given = Arguments::bind("strftime", &["format"], args)?;
                Ok(Value::from(self.format(&given.text("format")?)?))
            }
            "isoformat" => {
                let given = Arguments::bind("isoformat", &["sep"], args)?;
                let between = given.optional_text("sep").and_then(|text| text.chars().next()).unwrap_or('T');
                Ok(Value::from(self.iso(between)))
            }
            "date" if self.clock().is_some() => Ok(Moment::Date(self.date()).value()),
            "weekday" => Ok(Value::from(weekday.num_days_from_monday())),
            "isoweekday" => Ok(Value::from(weekday.number_from_monday())),
            "timestamp" => match self.as_ref() {
                Moment::Zoned(at) => Ok(Value::from(at.timestamp_micros() as f64 / 1e6)),
                Moment::Naive(at) => Ok(Value::from(at.and_utc().timestamp_micros() as f64 / 1e6)),
                Moment::Date(_) => Err(Error::from(ErrorKind::UnknownMethod)),
            },
            "astimezone" => {
                let given = Arguments::bind("astimezone", &["tz"], args)?;
                Ok(self.in_zone(given.required("tz")?)?.value())
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::{Environment, context};

    fn zoned(text: &str) -> Moment {
        Moment::Zoned(DateTime::parse_from_rfc3339(text).expect("a moment"))
    }

    fn naive(text: &str) -> Moment {
        Moment::Naive(text.parse().expect("a moment"))
    }

    #[test]
    fn print_as_python_prints_them() {
        let date = Moment::Date("2020-01-01".parse().expect("a date"));
        assert_eq!((date.to_string(), format!("{date:?}")), ("2020-01-01".into(), "datetime.date(2020, 1, 1)".into()));
        let at = naive("2020-01-01T00:00:00");
        assert_eq!(
            (at.to_string(), format!("{at:?}")),
            ("2020-01-01 00:00:00".into(), "datetime.datetime(2020, 1, 1, 0, 0)".into())
        );
        let at = zoned("2020-01-01T05:00:00.123+00:00");
        assert_eq!(at.to_string(), "2020-01-01 05:00:00.123000+00:00");
        assert_eq!(format!("{at:?}"), "datetime.datetime(2020, 1, 1, 5, 0, 0, 123000, tzinfo=datetime.timezone.utc)");
    }

    #[test]
    fn templates_take_them_apart() {
        let context = context! { at => zoned("2024-02-29T13:05:09.000007+02:00").value(), n => naive("2024-02-29T00:00:00").value() };
        let render = |text: &str| Environment::new().render_str(text, &context).expect("rendered");
        assert_eq!(render("{{ at.year }}-{{ at.month }} {{ at.microsecond }} {{ at.date() }}"), "2024-2 7 2024-02-29");
        assert_eq!(render("{{ at.strftime('%Y%m%d %H:%M:%S.%f %z|%j') }}"), "20240229 13:05:09.000007 +0200|060");
        assert_eq!(
            render("{{ n.strftime('%Y%z%Z') }} {{ n.isoformat() }} {{ at.isoformat(' ') }}"),
            "2024 2024-02-29T00:00:00 2024-02-29 13:05:09.000007+02:00"
        );
        assert_eq!(
            render("{{ at.astimezone('America/New_York') }} {{ at.weekday() }} {{ at.isoweekday() }}"),
            "2024-02-29 06:05:09.000007-05:00 3 4"
        );
        assert_eq!(render("{{ at.strftime('%%f %Z') }}"), "%f UTC+02:00");
        assert_eq!(render("{{ n < at or n == n }} {{ at.astimezone('UTC') == at }}"), "True True");
    }

    #[test]
    fn an_unknown_layout_is_an_error_and_no_panic() {
        let context = context! { at => naive("2024-02-29T00:00:00").value() };
        let error = Environment::new().render_str("{{ at.strftime('%Q') }}", context).expect_err("refused");
        assert_eq!(error.detail(), Some("strftime() does not know the layout \"%Q\""));
    }
}
