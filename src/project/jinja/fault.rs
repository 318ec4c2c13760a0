//! What went wrong in a template: place in the original text, kind, message, and the macros that were being called.

use super::source::Source;
use crate::error::{Error, Kind};
use crate::project::excerpt;
use minijinja::ErrorKind;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Which sort of fault this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The template cannot be understood.
    Syntax,
    /// A name, a filter, a test or a method does not exist.
    Undefined,
    /// A limit on steps, size or depth was met.
    Limit,
    /// Rendering was stopped from outside.
    Interrupted,
    /// Any other error while rendering.
    Failed,
}

/// One macro on the way to the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// `package.name`
    pub name: String,
    /// File of the macro.
    pub path: String,
    /// Line of its first tag.
    pub line: usize,
}

/// A message and a byte range, before it is known to which file they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub message: String,
    /// Where, in the text that was looked at.
    pub range: Range<usize>,
}

/// A fault of a template.
#[derive(Debug)]
pub struct Fault {
    /// The sort of fault.
    pub kind: FaultKind,
    /// What is wrong: lower case, no final period.
    pub message: String,
    /// File of the template in which it happened.
    pub path: Arc<str>,
    /// That file's original text.
    pub text: Arc<str>,
    /// Byte range in that text, where it is known.
    pub range: Option<Range<usize>>,
    /// Macros that were being called, innermost first.
    pub calls: Vec<Called>,
    /// The engine's error; a function of the caller may have put its own error behind it.
    pub cause: Option<minijinja::Error>,
}

/// Marks errors that come from a limit, so that they can be told from mistakes.
#[derive(Debug)]
pub(super) struct LimitReached;

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a limit was reached")
    }
}

impl std::error::Error for LimitReached {}

/// Marks the error of a rendering that was told to stop.
#[derive(Debug)]
pub(super) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rendering was stopped")
    }
}

impl std::error::Error for Stopped {}

/// An error of an operation, as functions and filters report it.
pub(super) fn refuse(message: impl Into<String>) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, message.into())
}

/// An error of a limit.
pub(super) fn limit(message: impl Into<String>) -> minijinja::Error {
    refuse(message).with_source(LimitReached)
}

impl Fault {
    /// A trouble with the syntax at `range`.
    pub(super) fn syntax(message: impl Into<String>, range: Range<usize>) -> Trouble {
        Trouble { message: message.into(), range }
    }

    /// A fault of the syntax, in a file.
    pub(super) fn of_syntax(path: &str, text: &Arc<str>, trouble: Trouble) -> Fault {
        Fault {
            kind: FaultKind::Syntax,
            message: trouble.message,
            path: Arc::from(path),
            text: text.clone(),
            range: Some(trouble.range),
            calls: Vec::new(),
            cause: None,
        }
    }

    /// The engine's error, told in terms of the original text.
    pub(super) fn of_engine(error: minijinja::Error, source: &Source, calls: Vec<Called>) -> Fault {
        let range = match (error.range(), error.line()) {
            (Some(range), _) => Some(source.original_range(range)),
            (None, Some(line)) => Some(source.original_line(line)),
            (None, None) => None,
        };
        let marked = range.clone().and_then(|range| source.text.get(range)).unwrap_or_default();
        let (kind, message) = explain(&error, marked);
        let (path, text) = (source.path.clone(), source.text.clone());
        Fault { kind, message, path, text, range, calls, cause: Some(error) }
    }

    /// Line of the fault, from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        let start = self.range.as_ref()?.start.min(self.text.len());
        Some(self.text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1)
    }

    /// Column of the fault in characters, from 1.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        let before = self.text.get(..self.range.as_ref()?.start)?;
        Some(before.chars().rev().take_while(|c| *c != '\n').count() + 1)
    }

    /// The words in the original text that are wrong, up to the first bracket or dot.
    #[must_use]
    pub fn wrong_word(&self) -> &str {
        let marked = self.range.clone().and_then(|range| self.text.get(range)).unwrap_or_default();
        marked.split(|c: char| !(c.is_alphanumeric() || c == '_')).find(|word| !word.is_empty()).unwrap_or_default()
    }

    /// The error for people; `owner` is `model "x"` or the like, and `known` are names for a hint.
    #[must_use]
    pub fn into_error<'a>(self, owner: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
        let mut detail = match &self.range {
            Some(range) => excerpt::at_range(&self.path, &self.text, range.clone()),
            None => format!("The file is {}.", self.path),
        };
        detail.push_str(&format!("\n{}", self.message));
        let mut calls = self.calls.chunk_by(|one, next| one == next).peekable();
        while let Some(same) = calls.next() {
            let Some(call) = same.first() else { continue };
            // A macro that calls itself without end would fill the screen.
            let times = if same.len() > 1 { format!(", {} deep", same.len()) } else { String::new() };
            let by = if calls.peek().is_none() { format!(" called by {owner}") } else { String::new() };
            detail.push_str(&format!("\nin macro {} ({}:{}){times}{by}", call.name, call.path, call.line));
        }
        let hint = match self.kind {
            FaultKind::Undefined => crate::project::name::did_you_mean(self.wrong_word(), known),
            FaultKind::Limit => Some("look for a loop or a macro that repeats without end".to_owned()),
            _ => None,
        };
        let mut error = Error::config(format!("{owner} cannot be rendered")).detail(detail);
        error.hint = hint;
        let Some(cause) = self.cause else { return error };
        let Some(behind) = std::error::Error::source(&cause).and_then(|behind| behind.downcast_ref::<Error>()) else {
            return error;
        };
        error.hint = error.hint.or_else(|| behind.hint.clone());
        // What the server said is kept whole; what a function of ours refused stands in the detail already.
        if behind.kind == Kind::Config { error } else { error.source(cause) }
    }
}

/// Kind and message of an engine's error; `marked` are the words it points at.
fn explain(error: &minijinja::Error, marked: &str) -> (FaultKind, String) {
    let behind = |is: fn(&(dyn std::error::Error + 'static)) -> bool| std::error::Error::source(error).is_some_and(is);
    let detail = error.detail().unwrap_or_default().to_owned();
    if behind(<dyn std::error::Error>::is::<Stopped>) {
        return (FaultKind::Interrupted, detail);
    }
    if behind(<dyn std::error::Error>::is::<LimitReached>) {
        return (FaultKind::Limit, detail);
    }
    match error.kind() {
        ErrorKind::OutOfFuel => (FaultKind::Limit, "the template takes too many steps".to_owned()),
        ErrorKind::SyntaxError => (FaultKind::Syntax, detail),
        ErrorKind::UnknownFunction => {
            let name = detail.strip_suffix(" is unknown").unwrap_or(&detail);
            (FaultKind::Undefined, format!("'{name}' is undefined"))
        }
        ErrorKind::UndefinedError => {
            let word: String = marked.chars().take_while(|c| c.is_alphanumeric() || "_.".contains(*c)).collect();
            // What is missing from a value is marked with the dot before it.
            let word = word.trim_start_matches('.');
            let named =
                if word.is_empty() { "a value is undefined".to_owned() } else { format!("'{word}' is undefined") };
            (FaultKind::Undefined, named)
        }
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownMethod => (FaultKind::Undefined, detail),
        kind if detail.is_empty() => (FaultKind::Failed, kind.to_string()),
        _ => (FaultKind::Failed, detail),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line() {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl std::error::Error for Fault {}
