//! Python's `list`.

use super::{dismantle, items, lock, repr};
use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use crate::project::jinja::rendering::Rendering;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Bytes that one item is counted as.
pub(super) const ITEM_BYTES: usize = 24;

/// A list that templates can change.
#[derive(Debug, Default)]
pub struct List(Mutex<Vec<Value>>);

impl List {
    /// A list of these items.
    #[must_use]
    pub fn new(items: Vec<Value>) -> Self {
        List(Mutex::new(items))
    }

    /// As a value of the engine.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::from_object(self)
    }

    /// The items as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Value> {
        lock(&self.0).clone()
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether it has no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an item at the end.
    pub fn push(&self, value: Value) {
        lock(&self.0).push(value);
    }

    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut lock(&self.0))
    }

    fn position(&self, index: i64, length: usize) -> Option<usize> {
        let length = i64::try_from(length).ok()?;
        let index = if index < 0 { index + length } else { index };
        usize::try_from(index).ok().filter(|_| index < length)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let items = self.take();
        if items.iter().any(|item| item.as_object().is_some()) {
            dismantle(items);
        }
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        lock(&self.0).get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &minijinja::value::DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<List>()?;
        let (left, right) = (self.snapshot(), other.snapshot());
        Some(left.cmp(&right))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let grow = |by: usize| Rendering::of(state)?.spend(by.saturating_mul(ITEM_BYTES));
        let nothing = Value::from(());
        let result = match name {
            "append" => {
                let item = given.required("object")?;
                grow(1)?;
                self.push(item);
                nothing
            }
            "extend" => {
                let more = items(&given.required("iterable")?)?;
                grow(more.len())?;
                lock(&self.0).extend(more);
                nothing
            }
            "insert" => {
                let (index, item) = (given.required_integer("index")?, given.required("object")?);
                grow(1)?;
                let mut list = lock(&self.0);
                let length = list.len();
                let wanted = if index < 0 { index + i64::try_from(length).unwrap_or(i64::MAX) } else { index };
                list.insert(usize::try_from(wanted).unwrap_or(0).min(length), item);
                nothing
            }
            "pop" => {
                let index = given.integer("index", -1)?;
                let mut list = lock(&self.0);
                if list.is_empty() {
                    return Err(refuse("pop from empty list"));
                }
                let at = self.position(index, list.len()).ok_or_else(|| refuse("pop index out of range"))?;
                list.remove(at)
            }
            "remove" => {
                let item = given.required("value")?;
                let at = self.snapshot().iter().position(|found| *found == item);
                let at = at.ok_or_else(|| refuse("list.remove(x): x not in list"))?;
                // The removed item may be dropped only when the lock is free: it could hold this list.
                let removed = lock(&self.0).remove(at);
                drop(removed);
                nothing
            }
            "index" => {
                let item = given.required("value")?;
                let at = self.snapshot().iter().position(|found| *found == item);
                Value::from(at.ok_or_else(|| refuse(format!("{} is not in list", repr(&item))))?)
            }
            "count" => {
                let item = given.required("value")?;
                Value::from(self.snapshot().iter().filter(|found| **found == item).count())
            }
            "sort" => {
                let reverse = given.optional("reverse").is_some_and(|value| value.is_true());
                let mut sorted = self.snapshot();
                sorted.sort_by(|a, b| if reverse { b.cmp(a) } else { a.cmp(b) });
                *lock(&self.0) = sorted;
                nothing
            }
            "reverse" => {
                lock(&self.0).reverse();
                nothing
            }
            "copy" => {
                let copy = self.snapshot();
                grow(copy.len())?;
                List::new(copy).into_value()
            }
            "clear" => {
                let gone = std::mem::take(&mut *lock(&self.0));
                drop(gone);
                nothing
            }
            _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("'list' object has no attribute '{name}'"))),
        };
        given.finish()?;
        Ok(result)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr(&Value::from_dyn_object(self.clone())))
    }
}
