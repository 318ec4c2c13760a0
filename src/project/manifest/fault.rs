//! Errors that functions of templates raise.

use minijinja::{Error, ErrorKind};

/// An error of a function, told in our words.
pub fn refuse(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}
