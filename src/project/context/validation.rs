//! `validation.any['a', 'b']`: what `config.get(key, validator=...)` checks a value with.

use super::exceptions::{Raised, RaisedKind};
use super::fault::invalid;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `validation`
pub fn validation() -> Value {
    Value::from_object(Validation)
}

#[derive(Debug)]
struct Validation;

impl Object for Validation {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "any").then(|| Value::from_object(Any))
    }
}

/// Indexed by the values that are right, it gives a validator.
#[derive(Debug)]
struct Any;

impl Object for Any {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let allowed = match key.as_str() {
            Some(_) => vec![key.clone()],
            None => key.try_iter().ok()?.collect(),
        };
        Some(Value::from_object(OneOf(allowed)))
    }
}

#[derive(Debug)]
struct OneOf(Vec<Value>);

impl Object for OneOf {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let [value] = args else { return Err(invalid("a validator takes one value")) };
        if self.0.contains(value) {
            return Ok(Value::from(()));
        }
        let allowed: Vec<String> = self.0.iter().map(|one| format!("'{one}'")).collect();
        Err(Raised::error(RaisedKind::Compiler, format!("value '{value}' is none of {}", allowed.join(", "))))
    }
}
