//! Values as Python prints them: `str(x)` and `repr(x)`.

use super::{Dict, List, Set};
use minijinja::value::{Tuple, Value, ValueKind};
use std::fmt::Write;

/// Deepest container that is printed in full; a list may hold itself.
const DEEPEST: usize = 40;
/// A printed value ends here; the limit on rendered text is far below.
const LONGEST: usize = 8 << 20;

/// `str(x)`; an undefined value is empty.
pub fn display(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_undefined() => String::new(),
        None => repr(value),
    }
}

/// `repr(x)`
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value, 0);
    out
}

fn write_repr(out: &mut String, value: &Value, depth: usize) {
    if depth > DEEPEST || out.len() > LONGEST {
        out.push_str("...");
        return;
    }
    if has_own_face(value) {
        let _ = write!(out, "{value}");
        return;
    }
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => write_number(out, value),
        ValueKind::String => quote(out, value.as_str().unwrap_or_default()),
        ValueKind::Map => {
            let pairs = value.downcast_object_ref::<Dict>().map(Dict::pairs).unwrap_or_else(|| {
                value.as_object().and_then(minijinja::value::DynObject::try_iter_pairs).into_iter().flatten().collect()
            });
            out.push('{');
            for (index, (key, item)) in pairs.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_repr(out, key, depth + 1);
                out.push_str(": ");
                write_repr(out, item, depth + 1);
            }
            out.push('}');
        }
        ValueKind::Seq | ValueKind::Iterable => write_items(out, value, depth),
        _ => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Whether it is an object of the templates' surroundings, a relation for example: those say themselves how they print,
/// although they may count as maps.
fn has_own_face(value: &Value) -> bool {
    let here = module_path!();
    let (crate_name, _) = here.split_once("::").unwrap_or((here, ""));
    let values = here.rsplit_once("::").map_or(here, |(values, _)| values);
    value.as_object().is_some_and(|object| {
        let name = object.type_name();
        name.starts_with(crate_name) && !name.starts_with(values)
    })
}

fn write_items(out: &mut String, value: &Value, depth: usize) {
    let is_tuple = value.downcast_object_ref::<Tuple>().is_some();
    let is_set = value.downcast_object_ref::<Set>().is_some();
    let items = match value.downcast_object_ref::<List>() {
        Some(list) => list.snapshot(),
        None => value.try_iter().into_iter().flatten().collect(),
    };
    if is_set && items.is_empty() {
        out.push_str("set()");
        return;
    }
    let (open, close) = if is_tuple {
        ("(", ")")
    } else if is_set {
        ("{", "}")
    } else {
        ("[", "]")
    };
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_repr(out, item, depth + 1);
    }
    out.push_str(if is_tuple && items.len() == 1 { "," } else { "" });
    out.push_str(close);
}

fn write_number(out: &mut String, value: &Value) {
    let float = (!value.is_integer()).then(|| f64::try_from(value.clone()).ok()).flatten();
    match float {
        Some(float) => out.push_str(&float_text(float)),
        None => {
            let _ = write!(out, "{value}");
        }
    }
}

/// A float as Python prints it: the shortest text that reads back, with an exponent from 1e16 on and below 1e-4.
pub(in super::super) fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |positive| ('-', positive));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = format!("{float}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A string literal: single quotes, unless the text has one and no double quote.
fn quote(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_in_python() {
        let list = List::new(vec![Value::from("a"), Value::from(1), Value::from(()), Value::from(true)]);
        assert_eq!(repr(&list.into_value()), "['a', 1, None, True]");
        assert_eq!(repr(&Value::from(Tuple::from([Value::from("it's")]))), "(\"it's\",)");
        assert_eq!(repr(&Dict::from_pairs([(Value::from(1), Value::from(2.0))]).into_value()), "{1: 2.0}");
        for (float, text) in [
            (1.0, "1.0"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(float_text(float), text);
        }
        assert_eq!(display(&Value::UNDEFINED), "");
    }

    #[test]
    fn a_list_that_holds_itself_ends() {
        let list = Value::from_object(List::default());
        let inner = list.downcast_object::<List>().unwrap();
        inner.push(list.clone());
        assert!(repr(&list).contains("..."));
    }
}
