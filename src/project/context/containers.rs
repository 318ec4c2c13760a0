//! Lists, tuples and dicts that our objects hand to templates, each made in one place.
//!
//! Templates written for Python change the lists and dicts they are given, so what is made here is what a literal in a
//! template would be.

use crate::project::jinja::{Dict, List};
use minijinja::Value;
use minijinja::value::Tuple;

/// A list.
pub(super) fn list(values: Vec<Value>) -> Value {
    List::new(values).into_value()
}

/// A tuple.
pub(super) fn tuple(values: Vec<Value>) -> Value {
    Value::from(Tuple::new(values))
}

/// A dict that keeps the order of its entries.
pub(super) fn dict<K: Into<Value>>(pairs: impl IntoIterator<Item = (K, Value)>) -> Value {
    Dict::from_pairs(pairs.into_iter().map(|(key, value)| (key.into(), value))).into_value()
}

/// The value, or `none` where there is none.
pub(super) fn or_none<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or_else(|| Value::from(()), Into::into)
}
