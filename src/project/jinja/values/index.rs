//! Slices with Python's rules.

use super::{List, items, type_name};
use crate::project::jinja::fault::refuse;
use minijinja::Error;
use minijinja::value::{Tuple, Value, ValueKind};

/// `value[start:stop:step]`: a string of a string, a tuple of a tuple, else a list.
pub fn slice(value: &Value, start: &Value, stop: &Value, step: &Value) -> Result<Value, Error> {
    let bound = |bound: &Value| -> Result<Option<i64>, Error> {
        match bound.as_i64() {
            Some(index) => Ok(Some(index)),
            None if bound.is_none() || bound.is_undefined() => Ok(None),
            None => Err(refuse("slice indices must be integers or None")),
        }
    };
    let (start, stop, step) = (bound(start)?, bound(stop)?, bound(step)?.unwrap_or(1));
    if step == 0 {
        return Err(refuse("slice step cannot be zero"));
    }
    if let Some(text) = value.as_str() {
        let letters: Vec<char> = text.chars().collect();
        let picked: String = indices(letters.len(), start, stop, step).map(|index| letters[index]).collect();
        return Ok(Value::from(picked));
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Undefined) {
        return Err(refuse(format!("'{}' object cannot be sliced", type_name(value))));
    }
    let all = items(value)?;
    let picked: Vec<Value> = indices(all.len(), start, stop, step).map(|index| all[index].clone()).collect();
    Ok(if value.is_tuple() { Value::from(Tuple::from(picked)) } else { List::new(picked).into_value() })
}

/// The indices that Python's `range(*slice(start, stop, step).indices(length))` gives.
fn indices(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: i64| if bound < 0 { (bound.saturating_add(length)).max(lowest) } else { bound.min(highest) };
    let first = start.map_or(if step > 0 { lowest } else { highest }, clamp);
    let end = stop.map_or(if step > 0 { highest } else { lowest }, clamp);
    std::iter::successors(Some(first), move |at| at.checked_add(step))
        .take_while(move |at| if step > 0 { *at < end } else { *at > end })
        .filter_map(|at| usize::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_pythons() {
        let none = Value::from(());
        let cut = |a: Option<i64>, b: Option<i64>, c: Option<i64>| {
            let [a, b, c] = [a, b, c].map(|bound| bound.map_or(none.clone(), Value::from));
            slice(&Value::from("abcdef"), &a, &b, &c).unwrap().to_string()
        };
        for ((a, b, c), expected) in [
            ((None, None, None), "abcdef"),
            ((Some(-2), None, None), "ef"),
            ((None, Some(-1), None), "abcde"),
            ((None, None, Some(-1)), "fedcba"),
            ((Some(10), None, Some(-2)), "fdb"),
            ((Some(4), Some(1), Some(-1)), "edc"),
            ((Some(3), Some(1), None), ""),
            ((Some(-100), Some(100), Some(4)), "ae"),
        ] {
            assert_eq!(cut(a, b, c), expected);
        }
        assert!(slice(&Value::from("a"), &none, &none, &Value::from(0)).is_err());
    }
}
