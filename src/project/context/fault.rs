//! How the objects tell the template engine that something is wrong.

use crate::error::Error as Told;
use minijinja::{Error, ErrorKind};
use std::borrow::Cow;

/// A wrong call, in the words of `text`.
pub(super) fn invalid(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

/// An answer of the database that is an error; it stays whole inside, see [`database_error`].
pub(super) fn from_database(error: Told) -> Error {
    invalid(error.message.clone()).with_source(error)
}

/// The database's own error behind a failed rendering, with SQLSTATE, detail and hint.
#[must_use]
pub fn database_error(error: &Error) -> Option<&Told> {
    behind(error)
}

/// The first cause of this type behind `error`.
pub(super) fn behind<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_databases_error_is_found_behind_any_number_of_template_errors() {
        let told = Told { sqlstate: Some("42P01".into()), ..Told::failed("relation \"x\" does not exist") };
        let wrapped = invalid("in a macro").with_source(from_database(told));
        let found = database_error(&wrapped).expect("found");
        assert_eq!(
            (found.message.as_str(), found.sqlstate.as_deref()),
            ("relation \"x\" does not exist", Some("42P01"))
        );
        assert!(database_error(&invalid("alone")).is_none());
    }
}
