//! `'%s' % x` and `'{}'.format(x)`, with widths that cannot fill the memory.

use super::fault::limit;
use minijinja::Error;
use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Tuple, Value};

/// Largest width or precision that a format may ask for.
const WIDEST: i64 = 10_000;

/// `text % given`: a tuple holds the values, anything else is the only one.
pub(super) fn printf(text: &str, given: &Value) -> Result<String, Error> {
    let values = match given.downcast_object_ref::<Tuple>() {
        Some(tuple) => tuple.to_vec(),
        None => vec![given.clone()],
    };
    printf_with(text, &values)
}

/// `text % (values...)`
pub(super) fn printf_with(text: &str, values: &[Value]) -> Result<String, Error> {
    check_width(text)?;
    if text.contains('*') && values.iter().filter_map(Value::as_i64).any(|width| width.abs() > WIDEST) {
        return Err(too_wide());
    }
    format(FormatStyle::Printf, text, &shown(values))
}

/// `text.format(args...)`
pub(super) fn str_format(text: &str, args: &[Value]) -> Result<String, Error> {
    check_width(text)?;
    format(FormatStyle::StrFormat, text, &shown(args))
}

/// The engine prints `none` where Python prints `None`.
fn shown(values: &[Value]) -> Vec<Value> {
    values.iter().map(|value| if value.is_none() { Value::from("None") } else { value.clone() }).collect()
}

/// Refuses formats with a number too large for a width anywhere behind a `%` or a `:`.
fn check_width(text: &str) -> Result<(), Error> {
    let mut in_format = false;
    let mut number = 0_i64;
    for letter in text.chars() {
        match letter {
            '%' | ':' => (in_format, number) = (true, 0),
            '0'..='9' if in_format => {
                number = number * 10 + i64::from(letter.to_digit(10).unwrap_or(0));
                if number > WIDEST {
                    return Err(too_wide());
                }
            }
            '.' | '-' | '+' | '#' | '<' | '>' | '^' | '=' | ',' | '_' | '(' | ')' => number = 0,
            c if c.is_whitespace() => in_format = false,
            _ => number = 0,
        }
    }
    Ok(())
}

fn too_wide() -> Error {
    limit(format!("a format may not be wider than {WIDEST}"))
}
