//! What is wrong in a project file: a warning or an error, with the line, an excerpt and the next step.

use crate::error::Error;
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file means what it seems to mean, but something in it is not read; `--strict` makes it an error.
    Warning,
    /// The file cannot be understood.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Warning or error.
    pub level: Level,
    /// The file, relative to the project folder.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, lower case, no final period.
    pub message: String,
    /// `path:line:`, the line itself, carets.
    pub place: String,
    /// The next step.
    pub hint: String,
}

impl Problem {
    /// Whether the project cannot be run with it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// The same as an error of the crate.
    #[must_use]
    pub fn into_error(self) -> Error {
        let error = Error::config(self.message).detail(self.place);
        if self.hint.is_empty() { error } else { error.hint(self.hint) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}
