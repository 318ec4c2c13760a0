//! Arguments of a function or method, taken by position or by name as in Python.

use super::callable;
use super::fault::refuse;
use super::values::type_name;
use minijinja::Error;
use minijinja::value::Value;
use std::collections::VecDeque;

/// Arguments that have not been taken yet.
pub(super) struct Arguments<'a> {
    function: &'a str,
    positional: VecDeque<Value>,
    named: Vec<(String, Value)>,
}

impl<'a> Arguments<'a> {
    pub fn new(function: &'a str, args: &[Value]) -> Result<Self, Error> {
        let (positional, named) = callable::arguments(args)?;
        Ok(Arguments { function, positional: positional.iter().cloned().collect(), named })
    }

    /// The next positional argument, or the one of this name.
    pub fn optional(&mut self, name: &str) -> Option<Value> {
        self.positional.pop_front().or_else(|| self.named_only(name))
    }

    /// The argument of this name, never one by position.
    pub fn named_only(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(given, _)| given == name)?;
        Some(self.named.remove(at).1)
    }

    pub fn required(&mut self, name: &str) -> Result<Value, Error> {
        let function = self.function;
        self.optional(name).ok_or_else(|| refuse(format!("{function}() needs the argument '{name}'")))
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) if value.is_none() => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.wrong(name, "a string", &value)),
            },
        }
    }

    pub fn required_text(&mut self, name: &str) -> Result<String, Error> {
        let function = self.function;
        self.text(name)?.ok_or_else(|| refuse(format!("{function}() needs the argument '{name}'")))
    }

    pub fn integer(&mut self, name: &str, default: i64) -> Result<i64, Error> {
        match self.optional(name) {
            None => Ok(default),
            Some(value) if value.is_none() => Ok(default),
            Some(value) => value.as_i64().ok_or_else(|| self.wrong(name, "an integer", &value)),
        }
    }

    pub fn required_integer(&mut self, name: &str) -> Result<i64, Error> {
        let value = self.required(name)?;
        value.as_i64().ok_or_else(|| self.wrong(name, "an integer", &value))
    }

    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        self.optional(name).map_or(default, |value| value.is_true())
    }

    /// All positional arguments that are left.
    pub fn rest(&mut self) -> Vec<Value> {
        self.positional.drain(..).collect()
    }

    /// All keyword arguments that are left.
    pub fn take_named(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.named)
    }

    /// Refuses what no one took.
    pub fn finish(self) -> Result<(), Error> {
        let function = self.function;
        if let Some((name, _)) = self.named.first() {
            return Err(refuse(format!("{function}() got an unexpected keyword argument '{name}'")));
        }
        if !self.positional.is_empty() {
            return Err(refuse(format!("{function}() got {} argument(s) too many", self.positional.len())));
        }
        Ok(())
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value) -> Error {
        let (function, found) = (self.function, type_name(value));
        refuse(format!("{function}() needs {wanted} for '{name}', not '{found}'"))
    }
}
