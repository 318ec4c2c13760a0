//! dbt's native rendering: `as_text`, `as_bool` and `as_number` mark a value, and the mark decides what becomes of it.

use super::fault::refuse;
use super::values::{display, type_name};
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error};
use std::fmt;
use std::sync::Arc;

/// What a marked text is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Native,
    Bool,
    Number,
}

/// A text that native rendering reads as a literal.
#[derive(Debug)]
struct Marked {
    wanted: Wanted,
    text: String,
}

impl Object for Marked {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Gives the environment the filters.
pub(super) fn install(env: &mut Environment<'_>) {
    let mark = |wanted| {
        move |value: Value| match value.kind() {
            ValueKind::String => Value::from_object(Marked { wanted, text: display(&value) }),
            _ => value,
        }
    };
    env.add_filter("as_text", |value: Value| display(&value));
    env.add_filter("as_native", mark(Wanted::Native));
    env.add_filter("as_bool", mark(Wanted::Bool));
    env.add_filter("as_number", mark(Wanted::Number));
}

/// The value of a print that stands alone.
pub(super) fn resolve(value: &Value) -> Result<Value, Error> {
    let Some(marked) = value.downcast_object_ref::<Marked>() else {
        return Ok(if value.is_undefined() { Value::from("") } else { value.clone() });
    };
    let text = &marked.text;
    let literal = literal(text).unwrap_or_else(|| Value::from(text.as_str()));
    let fits = match marked.wanted {
        Wanted::Native => true,
        Wanted::Bool => literal.kind() == ValueKind::Bool,
        Wanted::Number => literal.kind() == ValueKind::Number,
    };
    if fits {
        return Ok(literal);
    }
    let wanted = if marked.wanted == Wanted::Bool { "bool" } else { "number" };
    debug_assert_ne!(type_name(&literal), wanted);
    Err(refuse(format!("could not convert value '{text}' into type '{wanted}'")))
}

/// A Python literal: numbers, strings, `True`, `False`, `None`, lists, tuples and dicts of them.
fn literal(text: &str) -> Option<Value> {
    let text = text.trim();
    let engine = Environment::new();
    // An expression without names, calls and operators is a literal; the engine reads those as Python does.
    let parsed = engine.compile_expression(text).ok()?;
    let scanned = super::scan::scan(&format!("{{{{ {text} }}}}")).ok()?;
    let source = format!("{{{{ {text} }}}}");
    let plain = scanned.tokens.iter().all(|token| match token.kind {
        super::scan::TokenKind::Name => matches!(&source[token.range.clone()], "True" | "False" | "None"),
        super::scan::TokenKind::Operator => "-[](){},:".contains(&source[token.range.clone()]),
        _ => true,
    });
    if plain { parsed.eval(()).ok() } else { None }
}
