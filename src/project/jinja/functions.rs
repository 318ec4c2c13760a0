//! Functions that every template has, besides those that the host gives.

use super::arguments::Arguments;
use super::callable;
use super::fault::{limit, refuse};
use super::json::{self, Layout};
use super::modules;
use super::operators::spend;
use super::rendering::Rendering;
use super::values::{Dict, List, Set, items, lock, pairs_of};
use md5::{Digest, Md5};
use minijinja::value::{Kwargs, Object, ObjectRepr, Rest, Tuple, Value, ValueOrKwargs};
use minijinja::{Environment, Error, State};
use std::sync::{Arc, Mutex};

type Outcome = Result<Value, Error>;

/// Longest list that `range` makes.
const LONGEST_RANGE: i64 = 100_000;

/// Gives the environment the functions.
pub(super) fn install(env: &mut Environment<'_>) {
    env.add_function("__caller", |state: &mut State, number: usize| callable::caller(state, number));
    env.add_function("return", |state: &mut State, value: Option<Value>| -> Outcome {
        let value = value.unwrap_or(Value::from(()));
        Err(Rendering::of(state)?.give_back(state, value))
    });
    let namespace = Value::from_function(minijinja::functions::namespace);
    env.add_function("namespace", move |state: &mut State, args: Rest<ValueOrKwargs>| -> Outcome {
        Rendering::of(state)?.spend_namespace()?;
        namespace.call(state, &args.into_values())
    });
    env.add_function("range", range);
    env.add_function("dict", |state: &mut State, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("dict", &args.into_values())?;
        let mut pairs = given.optional("").map(|from| pairs_of(&from)).transpose()?.unwrap_or_default();
        pairs.extend(given.take_named().into_iter().map(|(name, value)| (Value::from(name), value)));
        spend(state, pairs.len().saturating_mul(48))?;
        Ok(Dict::from_pairs(pairs).into_value())
    });
    // dbt's `set` and `zip` answer with a default where Python raises; the strict ones raise.
    env.add_function("set", |state: &mut State, value: Option<Value>, default: Option<Value>| {
        or_default(set(state, &value.unwrap_or_default()), default)
    });
    env.add_function("set_strict", |state: &mut State, value: Value| set(state, &value));
    env.add_function("zip", |state: &mut State, args: Rest<ValueOrKwargs>| -> Outcome {
        let args = args.into_values();
        let (lists, named) = callable::arguments(&args)?;
        let default = named.into_iter().find(|(name, _)| name == "default").map(|(_, value)| value);
        or_default(zip(state, lists), default)
    });
    env.add_function("zip_strict", |state: &mut State, args: Rest<ValueOrKwargs>| zip(state, &args.into_values()));
    env.add_function("tojson", |value: Value, default: Option<Value>, named: Kwargs| -> Outcome {
        let sorted = named.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
        or_default(json::dump(&value, Layout { sorted, indent: None }).map(Value::from), default)
    });
    env.add_function("fromjson", |state: &mut State, text: &str, default: Option<Value>| {
        spend(state, text.len())?;
        or_default(json::parse(text), default)
    });
    env.add_function("toyaml", |value: Value, default: Option<Value>, named: Kwargs| -> Outcome {
        let sorted = named.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
        or_default(json::dump_yaml(&value, sorted).map(Value::from), default)
    });
    env.add_function("fromyaml", |state: &mut State, text: &str, default: Option<Value>| {
        spend(state, text.len())?;
        or_default(json::parse_yaml(text), default)
    });
    env.add_function("local_md5", |text: &str| -> String {
        Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    });
    env.add_function("cycler", |items: Rest<Value>| -> Outcome {
        if items.is_empty() {
            return Err(refuse("cycler() needs at least one item"));
        }
        Ok(Value::from_object(Cycler { items: items.to_vec(), at: Mutex::new(0) }))
    });
    env.add_function("joiner", |separator: Option<String>| {
        let separator = separator.unwrap_or_else(|| ", ".to_owned());
        Value::from_object(Joiner { separator, used: Mutex::new(false) })
    });
    env.add_global("modules", modules::value());
}

/// dbt gives the default, or nothing, for what cannot be converted.
fn or_default(result: Outcome, default: Option<Value>) -> Outcome {
    match result {
        Ok(value) => Ok(value),
        Err(_) => Ok(default.unwrap_or(Value::from(()))),
    }
}

fn set(state: &State<'_, '_>, value: &Value) -> Outcome {
    let items = items(value)?;
    spend(state, items.len().saturating_mul(24))?;
    Ok(Set::new(items)?.into_value())
}

fn zip(state: &State<'_, '_>, lists: &[Value]) -> Outcome {
    let lists: Vec<Vec<Value>> = lists.iter().map(items).collect::<Result<_, _>>()?;
    let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
    spend(state, shortest.saturating_mul(lists.len()).saturating_mul(24))?;
    let row = |index: usize| Value::from(Tuple::from(lists.iter().map(|list| list[index].clone()).collect::<Vec<_>>()));
    Ok(List::new((0..shortest).map(row).collect()).into_value())
}

fn range(state: &mut State<'_, '_>, first: i64, second: Option<i64>, step: Option<i64>) -> Outcome {
    let (start, stop) = second.map_or((0, first), |stop| (first, stop));
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(refuse("range() arg 3 must not be zero"));
    }
    let span = if step > 0 { i128::from(stop) - i128::from(start) } else { i128::from(start) - i128::from(stop) };
    let width = i128::from(step).abs();
    let length = (span + width - 1).div_euclid(width).max(0);
    if length > i128::from(LONGEST_RANGE) {
        return Err(limit(format!("range() is too long; it may have {LONGEST_RANGE} items")));
    }
    let length = i64::try_from(length).unwrap_or(0);
    spend(state, usize::try_from(length).unwrap_or(0).saturating_mul(24))?;
    Ok(List::new((0..length).map(|index| Value::from(start + index * step)).collect()).into_value())
}

/// `cycler('odd', 'even')`
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: Mutex<usize>,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.items[*lock(&self.at)].clone())
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, _: &[Value]) -> Outcome {
        let mut at = lock(&self.at);
        match name {
            "next" => {
                let item = self.items[*at].clone();
                *at = (*at + 1) % self.items.len();
                Ok(item)
            }
            "reset" => {
                *at = 0;
                Ok(Value::from(()))
            }
            _ => Err(refuse(format!("a cycler has no method {name}"))),
        }
    }
}

/// `joiner(', ')`: empty when called first, the separator from then on.
#[derive(Debug)]
struct Joiner {
    separator: String,
    used: Mutex<bool>,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Outcome {
        let used = std::mem::replace(&mut *lock(&self.used), true);
        Ok(Value::from(if used { self.separator.as_str() } else { "" }))
    }
}
