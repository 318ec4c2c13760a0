//! `try_or_compiler_error`: calls a function and, if that fails, says what the author wants said instead.

use super::exceptions::{Raised, RaisedKind, raised};
use super::fault::invalid;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `try_or_compiler_error(message, function, *arguments)`
pub fn try_or_compiler_error() -> Value {
    Value::from_object(Attempt)
}

#[derive(Debug)]
struct Attempt;

impl Object for Attempt {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let [message, function, rest @ ..] = args else {
            return Err(invalid("try_or_compiler_error() needs a message and a function"));
        };
        function.call(state, rest).map_err(|error| {
            // What an author raised further down says more than the message that was meant for all else.
            if raised(&error).is_some() { error } else { Raised::error(RaisedKind::Compiler, message.to_string()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;

    #[test]
    fn a_failure_is_told_in_the_authors_words() {
        let host = fake::parsing();
        assert_eq!(fake::render(&host, "{{ try_or_compiler_error('bad', adapter.quote, 'a') }}"), "\"a\"");
        let error = fake::error(&host, "{{ try_or_compiler_error('bad date', adapter.quote) }}");
        assert_eq!(super::raised(&error).map(|raised| raised.text.as_str()), Some("bad date"));
        assert!(fake::fault(&host, "{{ try_or_compiler_error('x') }}").contains("needs a message and a function"));
    }
}
