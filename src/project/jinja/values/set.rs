//! Python's `set`; it keeps the order of insertion, so that what is rendered from it is the same at each run.

use super::list::ITEM_BYTES;
use super::{hashable, items, lock, repr};
use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use crate::project::jinja::rendering::Rendering;
use indexmap::IndexSet;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex};

/// A set that templates can change.
#[derive(Debug, Default)]
pub struct Set(Mutex<IndexSet<Value>>);

impl Set {
    /// A set of these items; an item that can change is refused.
    pub fn new(items: Vec<Value>) -> Result<Self, Error> {
        items.iter().try_for_each(hashable)?;
        Ok(Set(Mutex::new(items.into_iter().collect())))
    }

    /// As a value of the engine.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::from_object(self)
    }

    /// The items as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Value> {
        lock(&self.0).iter().cloned().collect()
    }
}

impl Object for Set {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.snapshot())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let (mut left, mut right) = (self.snapshot(), other.downcast_ref::<Set>()?.snapshot());
        left.sort();
        right.sort();
        Some(left.cmp(&right))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let nothing = Value::from(());
        let own: IndexSet<Value> = lock(&self.0).clone();
        let mut others = || -> Result<Vec<Value>, Error> {
            let mut all = Vec::new();
            for other in given.rest() {
                all.extend(items(&other)?);
            }
            all.iter().try_for_each(hashable)?;
            Rendering::of(state)?.spend((all.len() + own.len()).saturating_mul(ITEM_BYTES))?;
            Ok(all)
        };
        let of = |items: IndexSet<Value>| Set(Mutex::new(items)).into_value();
        let result = match name {
            "add" | "update" => {
                let more = if name == "update" { others()? } else { vec![given.required("elem")?] };
                more.iter().try_for_each(hashable)?;
                Rendering::of(state)?.spend(more.len().saturating_mul(ITEM_BYTES))?;
                lock(&self.0).extend(more);
                nothing
            }
            "remove" | "discard" => {
                let item = given.required("elem")?;
                let removed = lock(&self.0).shift_remove(&item);
                if !removed && name == "remove" {
                    return Err(refuse(format!("the set has no element {}", repr(&item))));
                }
                nothing
            }
            "pop" => {
                let first = lock(&self.0).shift_remove_index(0);
                first.ok_or_else(|| refuse("pop from an empty set"))?
            }
            "clear" => {
                let gone = std::mem::take(&mut *lock(&self.0));
                drop(gone);
                nothing
            }
            "copy" => of(own),
            "union" => {
                let more = others()?;
                of(own.into_iter().chain(more).collect())
            }
            "intersection" => {
                let mut kept = own.clone();
                for other in given.rest() {
                    let other: IndexSet<Value> = items(&other)?.into_iter().collect();
                    kept.retain(|item| other.contains(item));
                }
                of(kept)
            }
            "difference" => {
                let gone: IndexSet<Value> = others()?.into_iter().collect();
                of(own.into_iter().filter(|item| !gone.contains(item)).collect())
            }
            "symmetric_difference" => {
                let other: IndexSet<Value> = others()?.into_iter().collect();
                let left = own.iter().filter(|item| !other.contains(*item));
                of(left.chain(other.iter().filter(|item| !own.contains(*item))).cloned().collect())
            }
            "issubset" | "issuperset" | "isdisjoint" => {
                let other: IndexSet<Value> = others()?.into_iter().collect();
                Value::from(match name {
                    "issubset" => own.iter().all(|item| other.contains(item)),
                    "issuperset" => other.iter().all(|item| own.contains(item)),
                    _ => !own.iter().any(|item| other.contains(item)),
                })
            }
            _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("'set' object has no attribute '{name}'"))),
        };
        given.finish()?;
        Ok(result)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr(&Value::from_dyn_object(self.clone())))
    }
}
