//! Python's operators, as the filters that expressions are rewritten to.
//!
//! Each knows how large its result will be before it makes it, and counts that.

use super::fault::{limit, refuse};
use super::format;
use super::modules;
use super::rendering::Rendering;
use super::values::{Dict, List, Set, display, items, type_name};
use minijinja::value::{Rest, Tuple, Value, ValueKind};
use minijinja::{Environment, Error, State};

/// Bytes that one item of a list is counted as.
const ITEM_BYTES: usize = 24;

/// Gives the environment the operators.
pub(super) fn install(env: &mut Environment<'_>) {
    env.add_filter("__list", |state: &mut State, value: Value| -> Result<Value, Error> {
        let items = items(&value)?;
        spend(state, items.len().saturating_mul(ITEM_BYTES))?;
        Ok(List::new(items).into_value())
    });
    env.add_filter("__dict", |state: &mut State, value: Value| -> Result<Value, Error> {
        let pairs = super::values::pairs_of(&value)?;
        spend(state, pairs.len().saturating_mul(2 * ITEM_BYTES))?;
        Ok(Dict::from_pairs(pairs).into_value())
    });
    env.add_filter("__slice", |state: &mut State, value: Value, start: Value, stop: Value, step: Option<Value>| {
        spend(state, value.len().unwrap_or(0))?;
        super::values::slice(&value, &start, &stop, &step.unwrap_or_default())
    });
    env.add_filter("__concat", concat);
    env.add_filter("__add", add);
    env.add_filter("__sub", sub);
    env.add_filter("__mul", mul);
    env.add_filter("__div", |a: Value, b: Value| div(&a, &b));
    env.add_filter("__floordiv", |a: Value, b: Value| floordiv(&a, &b));
    env.add_filter("__mod", modulo);
    env.add_filter("__pow", |a: Value, b: Value| pow(&a, &b));
    env.add_filter("__spend", |state: &mut State, bytes: usize| -> Result<&'static str, Error> {
        spend(state, bytes)?;
        Ok("")
    });
    env.add_function("__discard", |_: Value| "");
}

/// Counts bytes of the rendering that `state` belongs to.
pub(super) fn spend(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    Rendering::of(state)?.spend(bytes)
}

/// Two numbers as what Python would calculate with.
enum Numbers {
    Integers(i128, i128),
    Floats(f64, f64),
}

fn integer(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

pub(super) fn float(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => None,
    }
}

fn numbers(a: &Value, b: &Value) -> Option<Numbers> {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => Some(Numbers::Integers(a, b)),
        _ => Some(Numbers::Floats(float(a)?, float(b)?)),
    }
}

fn whole(result: Option<i128>) -> Result<Value, Error> {
    let result = result.ok_or_else(|| refuse("the number is too large"))?;
    Ok(i64::try_from(result).map_or_else(|_| Value::from(result), Value::from))
}

fn unsupported(operator: &str, a: &Value, b: &Value) -> Error {
    if a.is_undefined() || b.is_undefined() {
        let side = if a.is_undefined() { "left" } else { "right" };
        return refuse(format!("the value on the {side} of {operator} is undefined"));
    }
    let (a, b) = (type_name(a), type_name(b));
    refuse(format!("unsupported operand type(s) for {operator}: '{a}' and '{b}'"))
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
        && !value.is_tuple()
        && value.downcast_object_ref::<Set>().is_none()
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands the rest over so")]
fn concat(state: &mut State, first: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let parts: Vec<String> = std::iter::once(first).chain(others.iter()).map(display).collect();
    spend(state, parts.iter().map(String::len).sum())?;
    Ok(Value::from(parts.concat()))
}

fn add(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(left), Some(right)) = (a.as_str(), b.as_str()) {
        spend(state, left.len() + right.len())?;
        return Ok(Value::from([left, right].concat()));
    }
    if let Some(numbers) = numbers(a, b) {
        return match numbers {
            Numbers::Integers(a, b) => whole(a.checked_add(b)),
            Numbers::Floats(a, b) => Ok(Value::from(a + b)),
        };
    }
    if (a.is_tuple() && b.is_tuple()) || (is_list(a) && is_list(b)) {
        let (mut left, right) = (items(a)?, items(b)?);
        spend(state, (left.len() + right.len()).saturating_mul(ITEM_BYTES))?;
        left.extend(right);
        return Ok(if a.is_tuple() { Value::from(Tuple::from(left)) } else { List::new(left).into_value() });
    }
    modules::arithmetic('+', a, b).unwrap_or_else(|| Err(unsupported("+", a, b)))
}

fn sub(_: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    match numbers(a, b) {
        Some(Numbers::Integers(a, b)) => whole(a.checked_sub(b)),
        Some(Numbers::Floats(a, b)) => Ok(Value::from(a - b)),
        None => match (a.downcast_object_ref::<Set>(), b.downcast_object_ref::<Set>()) {
            (Some(left), Some(right)) => {
                let gone = right.snapshot();
                Ok(Set::new(left.snapshot().into_iter().filter(|item| !gone.contains(item)).collect())?.into_value())
            }
            _ => modules::arithmetic('-', a, b).unwrap_or_else(|| Err(unsupported("-", a, b))),
        },
    }
}

fn mul(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    match numbers(a, b) {
        Some(Numbers::Integers(a, b)) => return whole(a.checked_mul(b)),
        Some(Numbers::Floats(a, b)) => return Ok(Value::from(a * b)),
        None => {}
    }
    let repeated = match (integer(a), integer(b)) {
        (None, Some(times)) => Some((a, times)),
        (Some(times), None) => Some((b, times)),
        _ => None,
    };
    if let Some((value, times)) =
        repeated.filter(|(value, _)| value.as_str().is_some() || is_list(value) || value.is_tuple())
    {
        let times = usize::try_from(times.max(0)).map_err(|_| limit("the text is repeated too often"))?;
        if let Some(text) = value.as_str() {
            spend(state, text.len().saturating_mul(times))?;
            return Ok(Value::from(text.repeat(times)));
        }
        let once = items(value)?;
        spend(state, once.len().saturating_mul(times).saturating_mul(ITEM_BYTES))?;
        let all: Vec<Value> = std::iter::repeat_n(once, times).flatten().collect();
        return Ok(if value.is_tuple() { Value::from(Tuple::from(all)) } else { List::new(all).into_value() });
    }
    modules::arithmetic('*', a, b).unwrap_or_else(|| Err(unsupported("*", a, b)))
}

fn div(a: &Value, b: &Value) -> Result<Value, Error> {
    match (float(a), float(b)) {
        (Some(_), Some(0.0)) => Err(refuse("division by zero")),
        (Some(a), Some(b)) => Ok(Value::from(a / b)),
        _ => modules::arithmetic('/', a, b).unwrap_or_else(|| Err(unsupported("/", a, b))),
    }
}

fn floordiv(a: &Value, b: &Value) -> Result<Value, Error> {
    match numbers(a, b) {
        Some(Numbers::Integers(_, 0)) => Err(refuse("integer division or modulo by zero")),
        Some(Numbers::Integers(a, b)) => {
            let (quotient, rest) = (a.checked_div(b), a.checked_rem(b));
            let down = rest.is_some_and(|rest| rest != 0 && (rest < 0) != (b < 0));
            whole(quotient.map(|quotient| quotient - i128::from(down)))
        }
        Some(Numbers::Floats(_, 0.0)) => Err(refuse("float floor division by zero")),
        Some(Numbers::Floats(a, b)) => Ok(Value::from((a / b).floor())),
        None => Err(unsupported("//", a, b)),
    }
}

fn modulo(state: &mut State, a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(text) = a.as_str() {
        let formatted = format::printf(text, b)?;
        spend(state, formatted.len())?;
        return Ok(Value::from(formatted));
    }
    match numbers(a, b) {
        Some(Numbers::Integers(_, 0) | Numbers::Floats(_, 0.0)) => Err(refuse("integer division or modulo by zero")),
        Some(Numbers::Integers(a, b)) => {
            let rest = a.checked_rem(b).unwrap_or(0);
            whole(Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }))
        }
        Some(Numbers::Floats(a, b)) => {
            let rest = a % b;
            Ok(Value::from(if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }))
        }
        None => Err(unsupported("%", a, b)),
    }
}

fn pow(a: &Value, b: &Value) -> Result<Value, Error> {
    match numbers(a, b) {
        Some(Numbers::Integers(a, b)) if b >= 0 => whole(u32::try_from(b).ok().and_then(|b| a.checked_pow(b))),
        Some(_) => {
            let (a, b) = (float(a).unwrap_or_default(), float(b).unwrap_or_default());
            if a == 0.0 && b < 0.0 {
                return Err(refuse("0.0 cannot be raised to a negative power"));
            }
            Ok(Value::from(a.powf(b)))
        }
        None => Err(unsupported("**", a, b)),
    }
}
