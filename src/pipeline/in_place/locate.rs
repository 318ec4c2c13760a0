//! Points at the place in a model's own file that PostgreSQL complains about.
//!
//! PostgreSQL counts characters of the SQL it got. Rendering moved the text, so the line of that SQL is looked for in the
//! file; where the file does not hold it once and only once, the place is shown in the SQL as it was sent.

use crate::error::Error;
use crate::project::excerpt_at;
use crate::project::manifest::{Manifest, Node};
use crate::warehouse::in_place::SqlFault;

/// The error with its place in the node's file, where PostgreSQL told one about `sql`, which the file `compiled` keeps.
pub fn in_file(manifest: &Manifest, compiled: &str, node: &Node, sql: &str, mut error: Error) -> Error {
    let Some(position) = SqlFault::of(&error).and_then(|fault| fault.position) else {
        // A fault of the rows, such as a division by zero, has no place: the statement's file is told instead.
        if SqlFault::of(&error).is_some() {
            let files = format!("The statement is {compiled}, from {}.", manifest.shown_file(node));
            error.detail = Some(error.detail.map_or(files.clone(), |facts| format!("{files}\n{facts}")));
        }
        return error;
    };
    let place = place(manifest, node, compiled, sql, position as usize);
    // Place and facts are told in full now; the server's own report behind them would say it twice.
    error.source = None;
    let detail = match &error.detail {
        Some(detail) => format!("{place}\n{detail}"),
        None => place,
    };
    error.detail(detail)
}

/// `position` counts characters of `statement` from 1.
fn place(manifest: &Manifest, node: &Node, compiled: &str, statement: &str, position: usize) -> String {
    let offset = statement.char_indices().nth(position.saturating_sub(1)).map_or(statement.len(), |(at, _)| at);
    let start = statement[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = statement[start..].lines().next().unwrap_or_default();
    let word = word_at(statement, offset);
    let shown = manifest.shown_file(node);
    let text = &node.raw_code;
    if let Some(at) = only(text, line.trim()) {
        let within = offset - start - (line.len() - line.trim_start().len()).min(offset - start);
        return excerpt_at(&shown, text, at + within..at + within + word.len(), node.line);
    }
    // The line holds something that was rendered; the word alone may still be unique.
    if let Some(at) = only_word(text, word) {
        return excerpt_at(&shown, text, at..at + word.len(), node.line);
    }
    format!("{}\nIt comes from {shown}.", excerpt_at(compiled, statement, offset..offset + word.len(), 0))
}

/// The place in a statement that stands in no file, else its beginning.
pub fn excerpt_of(path: &str, statement: &str, position: Option<u32>) -> String {
    let position = position.map_or(0, |position| (position as usize).saturating_sub(1));
    let offset = statement.char_indices().nth(position).map_or(statement.len(), |(at, _)| at);
    excerpt_at(path, statement, offset..offset + word_at(statement, offset).len(), 0)
}

/// The word or sign at a place.
fn word_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '.');
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if length == 0 { &rest[..rest.chars().next().map_or(0, char::len_utf8)] } else { &rest[..length] }
}

/// Where the text holds this, if it does so once.
fn only(text: &str, needle: &str) -> Option<usize> {
    if needle.is_empty() {
        return None;
    }
    let mut found = text.match_indices(needle);
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}

fn only_word(text: &str, word: &str) -> Option<usize> {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = text.match_indices(word).filter(|(at, _)| {
        let before = text[..*at].chars().next_back().is_some_and(joins);
        let after = text[at + word.len()..].chars().next().is_some_and(joins);
        !before && !after && word.chars().any(joins)
    });
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}
