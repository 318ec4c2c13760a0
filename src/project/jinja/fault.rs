//! What went wrong in a template: place in the original text, kind, message, and the macros that were being called.

use super::source::Source;
use crate::error::Error;
use crate::project::excerpt;
use crate::project::name::did_you_mean;
use minijinja::ErrorKind;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Most macros that a report names on the way to a fault.
const MOST_CALLS: usize = 6;

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
    /// File and line of the call, where it is known: that of the outermost macro.
    pub called_at: Option<String>,
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
        // An attribute is marked from its dot: what has no such attribute is the word before.
        let owner = range.as_ref().filter(|_| marked.starts_with('.')).and_then(|range| source.text.get(..range.start));
        let word_before = |text: &str| {
            let start = text.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
            text.get(start..).unwrap_or_default().to_owned()
        };
        let named = owner.map(word_before).filter(|word| !word.is_empty());
        let (kind, message) = explain(&error, named.as_deref().unwrap_or(marked));
        let (path, text) = (source.path.clone(), source.text.clone());
        Fault { kind, message, path, text, range, calls, cause: Some(error) }
    }

    /// The same, with the text from which the outermost macro was called.
    #[must_use]
    pub fn called_from(mut self, path: &str, text: &str) -> Fault {
        if let Some(call) = self.calls.last_mut() {
            let bare = call.name.rsplit('.').next().unwrap_or_default();
            call.called_at =
                excerpt::find_word(text, bare).map(|at| format!("{path}:{}", text[..at].matches('\n').count() + 1));
        }
        self
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

    /// The hint for `dbt_utils.star(...)` where there is no such package.
    fn missing_package(&self) -> Option<String> {
        let is_attribute = self.range.as_ref().is_some_and(|range| self.text[range.start..].starts_with('.'));
        let name = self.message.strip_suffix("' is undefined")?.strip_prefix('\'')?;
        is_attribute
            .then(|| format!("if \"{name}\" is a package, name it in packages.yml; quintile deps lists what is there"))
    }

    /// The error for people; `owner` is `model "x"` or the like, and `known` are names for a hint.
    #[must_use]
    pub fn into_error<'a>(self, owner: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
        let mut detail = match &self.range {
            Some(range) => excerpt::at_range(&self.path, &self.text, range.clone()),
            None => format!("The file is {}.", self.path),
        };
        // The headline holds the first line; more of them are an author's own words, told as they are.
        let first = self.message.lines().next().unwrap_or_default();
        if first != self.message {
            detail.push_str(&format!("\n{}", self.message));
        }
        for (index, call) in self.calls.iter().enumerate() {
            // A macro that calls itself is told a few times, not a screen full.
            if self.calls.len() > MOST_CALLS && index >= MOST_CALLS - 1 && index + 1 < self.calls.len() {
                if index + 1 == MOST_CALLS {
                    detail.push_str(&format!("\nand {} calls more", self.calls.len() - MOST_CALLS));
                }
                continue;
            }
            detail.push_str(&format!("\nin macro {} ({}:{})", call.name, call.path, call.line));
        }
        if let Some(call) = self.calls.last() {
            let place = call.called_at.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            detail.push_str(&format!(" called by {owner}{place}"));
        }
        let hint = match self.kind {
            FaultKind::Undefined => did_you_mean(self.wrong_word(), known).or_else(|| self.missing_package()),
            FaultKind::Limit => Some("look for a loop or a macro that repeats without end".to_owned()),
            _ => None,
        };
        let mut error = Error::config(format!("{owner} cannot be rendered: {first}")).detail(detail);
        error.hint = hint;
        let behind = self.cause.as_ref().and_then(std::error::Error::source);
        if let Some(cause) = behind.and_then(<dyn std::error::Error>::downcast_ref::<Error>) {
            // A statement that a template sent failed: what the server said of it counts, its words are told above.
            error.kind = cause.kind;
            error.sqlstate.clone_from(&cause.sqlstate);
            error.hint = cause.hint.clone().or(error.hint);
            if let Some(facts) = &cause.detail {
                error.detail = error.detail.map(|detail| format!("{detail}\n{facts}"));
            }
        }
        error
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
        ErrorKind::SyntaxError => (FaultKind::Syntax, syntax(&detail)),
        ErrorKind::UnknownFunction => {
            let name = detail.strip_suffix(" is unknown").unwrap_or(&detail);
            (FaultKind::Undefined, format!("'{name}' is undefined"))
        }
        ErrorKind::UndefinedError => {
            let word: String = marked.chars().take_while(|c| c.is_alphanumeric() || "_.".contains(*c)).collect();
            let named =
                if word.is_empty() { "a value is undefined".to_owned() } else { format!("'{word}' is undefined") };
            (FaultKind::Undefined, named)
        }
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownMethod => (FaultKind::Undefined, detail),
        kind if detail.is_empty() => (FaultKind::Failed, kind.to_string()),
        _ => (FaultKind::Failed, detail),
    }
}

/// The engine's word for a mistake of the syntax, in an author's words.
fn syntax(detail: &str) -> String {
    match detail.strip_prefix("unknown statement ") {
        Some(tag) if tag.starts_with("end") || matches!(tag, "else" | "elif") => {
            format!("`{{% {tag} %}}` does not belong here: no block that it could be of is open")
        }
        Some(tag) => format!("there is no tag `{{% {tag} %}}`"),
        None if detail.contains("unexpected end of input") => {
            "a block is not closed: its `{% end... %}` is missing".into()
        }
        None if detail == "unexpected end of variable block" => "a value is missing before `}}`".into(),
        None => detail.to_owned(),
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
