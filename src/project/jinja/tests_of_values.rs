//! The tests of Jinja2 (`x is mapping`) that the engine decides differently.

use super::callable;
use minijinja::Environment;
use minijinja::value::{Value, ValueKind};

/// Gives the environment the tests.
pub(super) fn install(env: &mut Environment<'_>) {
    env.add_test("__given", |value: &Value| callable::is_given(value));
    // To Python, strings and mappings have a length and items, which is all that Jinja2 asks of a sequence.
    env.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    env.add_test("iterable", |value: &Value| {
        matches!(
            value.kind(),
            ValueKind::Seq | ValueKind::String | ValueKind::Map | ValueKind::Iterable | ValueKind::Undefined
        )
    });
    env.add_test("callable", |value: &Value| {
        value.kind() == ValueKind::Plain
            && value.downcast_object_ref::<super::modules::Moment>().is_none()
            && value.downcast_object_ref::<super::modules::Duration>().is_none()
    });
    env.add_test("number", |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool));
}
