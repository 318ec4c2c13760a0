//! Messages about a run: sentences for people, or one JSON document a line with time, level and event.

use super::selection::LogFormat;
use super::{Global, print};
use crate::error::Error;
use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value as Json, json};

/// Warnings about a project's files that are told one by one; -v tells all.
const WARNINGS_AT_MOST: usize = 10;

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Somebody must act.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// A message for programs; `facts` is a map of what else is known.
pub fn json(level: Level, event: &str, message: &str, facts: &Json) {
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut document: Map<String, Json> = Map::new();
    document.insert("timestamp".into(), json!(now));
    document.insert("level".into(), json!(level.as_str()));
    document.insert("event".into(), json!(event));
    document.insert("message".into(), json!(message));
    document.extend(facts.as_object().cloned().unwrap_or_default());
    print::note(&Json::Object(document).to_string());
}

/// A sentence about what is done; nothing where people asked for quiet.
pub fn info(global: &Global, event: &str, text: &str) {
    match global.project.log_format {
        _ if global.project.quiet => {}
        LogFormat::Json => json(Level::Info, event, text, &Json::Null),
        LogFormat::Text => print::note(text),
    }
}

/// The error that ends the command.
pub fn error(format: LogFormat, error: &Error) {
    match format {
        LogFormat::Json => {
            let facts = json!({"detail": error.detail, "hint": error.hint, "sqlstate": error.sqlstate});
            json(Level::Error, "error", &error.message, &facts);
        }
        LogFormat::Text => print::note(&error.report()),
    }
}

/// What is odd about the project: a line each, with the whole story under -v.
pub fn warnings(global: &Global, warnings: &[Error]) {
    if global.project.log_format == LogFormat::Json {
        for warning in warnings {
            let facts = json!({"detail": warning.detail, "hint": warning.hint});
            json(Level::Warn, "project_warning", &warning.message, &facts);
        }
        return;
    }
    if global.project.quiet {
        return;
    }
    let is_coloured = print::is_coloured(&std::io::stderr());
    let word = print::coloured("warning:", print::Colour::Yellow, is_coloured);
    if global.verbose > 0 {
        for warning in warnings {
            print::note(&warning.report().replacen("error:", &word, 1));
        }
        return;
    }
    for warning in warnings.iter().take(WARNINGS_AT_MOST) {
        print::note(&format!("{word} {}", one_line(warning)));
    }
    if let Some(more) = warnings.len().checked_sub(WARNINGS_AT_MOST).filter(|more| *more > 0) {
        print::note(&format!("{word} {more} more; -v tells them all, --strict makes them errors"));
    }
}

/// `message (models/schema.yml:12)`
fn one_line(warning: &Error) -> String {
    let first = warning.detail.as_deref().and_then(|detail| detail.lines().next()).unwrap_or_default();
    // An excerpt begins with its place.
    match first.strip_suffix(':').filter(|place| place.contains(':') && !place.contains(' ')) {
        Some(place) => format!("{} ({place})", warning.message),
        None => warning.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_a_line_with_its_place() {
        let placed =
            Error::config("key \"materialised\" is unknown").detail("models/a.yml:4:\n  materialised: x\n  ^^^");
        assert_eq!(one_line(&placed), "key \"materialised\" is unknown (models/a.yml:4)");
        assert_eq!(one_line(&Error::config("odd").detail("Some words: here")), "odd");
    }
}
