//! The server's answer to a wrong statement with the place it points at, carried as the source of our error.

use crate::error::Error;
use crate::warehouse::fault::fault;
use std::fmt;

/// What the server said about a statement. Found behind an [`Error`] by [`SqlFault::of`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlFault {
    /// Five characters, such as `42703`.
    pub sqlstate: String,
    /// The server's message, as it is.
    pub message: String,
    /// The server's detail.
    pub detail: Option<String>,
    /// The server's hint.
    pub hint: Option<String>,
    /// Where in a function or a nested statement it happened.
    pub context: Option<String>,
    /// The character that the server points at, from 1, in the text that the caller gave; none where the server
    /// points into text that was put around it.
    pub position: Option<u32>,
}

impl SqlFault {
    /// The server's answer behind `error`, if there is one.
    #[must_use]
    pub fn of(error: &Error) -> Option<&SqlFault> {
        error.source.as_deref().and_then(|source| source.downcast_ref())
    }

    /// Our error for a fault in a statement of which the caller's text begins after `before` characters and has
    /// `length` of them; `offset` characters of the caller's whole text stand before that.
    pub(super) fn told(doing: &str, error: &tokio_postgres::Error, place: Place) -> Error {
        let told = fault(doing, error);
        let Some(db) = error.as_db_error() else { return told };
        let position = match db.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(position)) => place.in_callers_text(*position),
            _ => None,
        };
        told.source(SqlFault {
            sqlstate: db.code().code().into(),
            message: db.message().into(),
            detail: db.detail().map(Into::into),
            hint: db.hint().map(Into::into),
            context: db.where_().map(Into::into),
            position,
        })
    }
}

/// Where the caller's text lies in the statement that was sent, in characters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Characters put before it.
    pub(super) before: usize,
    /// Its own characters.
    pub(super) length: usize,
    /// Characters of the caller's whole text that stand before it.
    pub(super) offset: usize,
}

impl Place {
    fn in_callers_text(self, position: u32) -> Option<u32> {
        let at = (position as usize).checked_sub(self.before)?;
        // One past the end is where the server points at a statement that ends too early.
        (1..=self.length + 1).contains(&at).then(|| u32::try_from(at + self.offset).ok()).flatten()
    }
}

impl fmt::Display for SqlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLSTATE {}", self.sqlstate)
    }
}

impl std::error::Error for SqlFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_told_in_the_callers_text() {
        let place = Place { before: 10, length: 5, offset: 100 };
        assert_eq!(place.in_callers_text(11), Some(101));
        assert_eq!(place.in_callers_text(16), Some(106));
        assert_eq!((place.in_callers_text(10), place.in_callers_text(17)), (None, None));
    }
}
