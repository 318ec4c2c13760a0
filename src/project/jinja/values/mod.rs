//! Python's containers as values of the template engine: they change, print as Python prints them, and work wherever the
//! engine's own do.

mod dict;
mod index;
mod list;
mod repr;
mod set;

pub use dict::Dict;
pub use list::List;
pub use set::Set;

pub(super) use dict::pairs_of;
pub(super) use index::slice;
pub(super) use repr::{display, float_text, repr};

use super::fault::refuse;
use minijinja::Error;
use minijinja::value::{Tuple, Value, ValueKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic while the lock is held leaves plain data, so a poisoned lock is as good as a clean one.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What Python's `type(x).__name__` gives.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "Undefined",
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Bytes => "bytes",
        ValueKind::Map => "dict",
        _ if value.is_tuple() => "tuple",
        _ if value.downcast_object_ref::<Set>().is_some() => "set",
        ValueKind::Seq | ValueKind::Iterable => "list",
        _ => "object",
    }
}

/// The items that iterating over a value gives; the characters of a string, the keys of a mapping.
pub(super) fn items(value: &Value) -> Result<Vec<Value>, Error> {
    if let Some(list) = value.downcast_object_ref::<List>() {
        return Ok(list.snapshot());
    }
    match value.kind() {
        ValueKind::Undefined => Ok(Vec::new()),
        ValueKind::String | ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            value.try_iter()?.checked().collect()
        }
        _ => Err(refuse(format!("'{}' object is not iterable", type_name(value)))),
    }
}

/// Refuses what cannot be a key or an element of a set because it can change.
pub(super) fn hashable(value: &Value) -> Result<(), Error> {
    let changes = value.downcast_object_ref::<List>().is_some()
        || value.downcast_object_ref::<Dict>().is_some()
        || value.downcast_object_ref::<Set>().is_some();
    if changes {
        return Err(refuse(format!("unhashable type: '{}'", type_name(value))));
    }
    match value.downcast_object_ref::<Tuple>() {
        Some(tuple) => tuple.iter().try_for_each(hashable),
        None => Ok(()),
    }
}

/// Takes nested containers apart one by one; dropping a long chain of them the usual way would overflow the stack.
fn dismantle(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        if let Some(list) = value.downcast_object::<List>() {
            drop(value);
            if let Some(mut list) = std::sync::Arc::into_inner(list) {
                pending.append(&mut list.take());
            }
        } else if let Some(dict) = value.downcast_object::<Dict>() {
            drop(value);
            if let Some(mut dict) = std::sync::Arc::into_inner(dict) {
                pending.append(&mut dict.take());
            }
        }
    }
}
