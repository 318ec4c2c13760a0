//! `modules`: the parts of Python's library that dbt gives to templates.

mod datetime;
mod itertools;
mod moment;
mod regex;
mod zones;

pub(super) use datetime::arithmetic;
pub(super) use moment::{Duration, Moment};

use minijinja::value::Value;

/// The value of `modules`.
pub(super) fn value() -> Value {
    Value::from_pairs([
        ("datetime", datetime::module()),
        ("re", regex::module()),
        ("pytz", zones::module()),
        ("itertools", itertools::module()),
    ])
}
