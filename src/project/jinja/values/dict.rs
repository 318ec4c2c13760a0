//! Python's `dict`: keeps the order of insertion, takes any hashable key.

use super::list::ITEM_BYTES;
use super::{List, dismantle, hashable, items, lock, repr};
use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use crate::project::jinja::rendering::Rendering;
use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::{Arc, Mutex};

/// A dictionary that templates can change.
#[derive(Debug, Default)]
pub struct Dict(Mutex<IndexMap<Value, Value>>);

impl Dict {
    /// A dictionary of these pairs; of two with one key, the later counts.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        Dict(Mutex::new(pairs.into_iter().collect()))
    }

    /// As a value of the engine.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::from_object(self)
    }

    /// The pairs as they are now.
    #[must_use]
    pub fn pairs(&self) -> Vec<(Value, Value)> {
        lock(&self.0).iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &Value) -> Option<Value> {
        lock(&self.0).get(key).cloned()
    }

    /// Sets the value of a key.
    pub fn insert(&self, key: Value, value: Value) {
        lock(&self.0).insert(key, value);
    }

    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut *lock(&self.0)).into_values().collect()
    }
}

/// The pairs of a mapping, or of an iterable of pairs.
pub(in super::super) fn pairs_of(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if let Some(dict) = value.downcast_object_ref::<Dict>() {
        return Ok(dict.pairs());
    }
    let keys = items(value)?;
    let pairs: Result<Vec<_>, Error> = if value.kind() == ValueKind::Map {
        keys.into_iter().map(|key| Ok((key.clone(), value.get_item(&key)?))).collect()
    } else {
        keys.into_iter()
            .map(|pair| match <[Value; 2]>::try_from(items(&pair)?) {
                Ok([key, value]) => Ok((key, value)),
                Err(found) => Err(refuse(format!("a pair is needed here, not {} items", found.len()))),
            })
            .collect()
    };
    let pairs = pairs?;
    pairs.iter().try_for_each(|(key, _)| hashable(key))?;
    Ok(pairs)
}

impl Drop for Dict {
    fn drop(&mut self) {
        let values = self.take();
        if values.iter().any(|value| value.as_object().is_some()) {
            dismantle(values);
        }
    }
}

fn pair((key, value): (Value, Value)) -> Value {
    Value::from(Tuple::from([key, value]))
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(lock(&self.0).keys().cloned().collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(lock(&self.0).len())
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let grow = |by: usize| Rendering::of(state)?.spend(by.saturating_mul(2 * ITEM_BYTES));
        let missing = |key: &Value| refuse(format!("the dictionary has no key {}", repr(key)));
        let nothing = Value::from(());
        let result = match name {
            "get" => {
                let (key, default) = (given.required("key")?, given.optional("default"));
                self.get(&key).or(default).unwrap_or(nothing)
            }
            "keys" => List::new(lock(&self.0).keys().cloned().collect()).into_value(),
            "values" => List::new(lock(&self.0).values().cloned().collect()).into_value(),
            "items" => List::new(self.pairs().into_iter().map(pair).collect()).into_value(),
            "update" => {
                let mut pairs = given.optional("other").map(|other| pairs_of(&other)).transpose()?.unwrap_or_default();
                pairs.extend(given.take_named().into_iter().map(|(name, value)| (Value::from(name), value)));
                grow(pairs.len())?;
                lock(&self.0).extend(pairs);
                nothing
            }
            "pop" => {
                let (key, default) = (given.required("key")?, given.optional("default"));
                let found = lock(&self.0).shift_remove(&key);
                found.or(default).ok_or_else(|| missing(&key))?
            }
            "popitem" => {
                let last = lock(&self.0).pop();
                pair(last.ok_or_else(|| refuse("popitem(): dictionary is empty"))?)
            }
            "setdefault" => {
                let (key, default) = (given.required("key")?, given.optional("default").unwrap_or(nothing));
                hashable(&key)?;
                grow(1)?;
                lock(&self.0).entry(key).or_insert(default).clone()
            }
            // Results and configurations of dbt are objects that become dictionaries; here they are dictionaries.
            "copy" | "to_dict" => {
                let pairs = self.pairs();
                grow(pairs.len())?;
                Dict::from_pairs(pairs).into_value()
            }
            "clear" => {
                let gone = std::mem::take(&mut *lock(&self.0));
                drop(gone);
                nothing
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        given.finish()?;
        Ok(result)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr(&Value::from_dyn_object(self.clone())))
    }
}
