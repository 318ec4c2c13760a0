//! The line of a node that ended: columns that stay in their places, at most a hundred characters wide.

use super::print::{self, Colour};
use crate::pipeline::in_place::{NodeResult, Status, is_good};
use crate::project::manifest::Manifest;
use std::sync::Arc;

/// Characters of a line, so that it does not wrap on a usual terminal.
const WIDTH: usize = 100;

/// Counts the nodes that ended and writes their lines.
pub struct Lines {
    manifest: Arc<Manifest>,
    is_coloured: bool,
    done: usize,
}

impl Lines {
    /// Lines about the nodes of this project.
    #[must_use]
    pub fn new(manifest: Arc<Manifest>, is_coloured: bool) -> Lines {
        Lines { manifest, is_coloured, done: 0 }
    }

    /// What a line calls a node: its relation, or its name.
    #[must_use]
    pub fn name(&self, id: &str) -> String {
        name(&self.manifest, id)
    }

    /// The line of a node that ended, of `total`; below it the story of a failure.
    pub fn finished(&mut self, result: &NodeResult, total: usize) -> String {
        // Hooks of the project come before and after what is counted.
        let is_hook = result.id.starts_with("operation.");
        self.done += usize::from(!is_hook);
        let digits = total.to_string().len().max(2);
        let place = if is_hook { String::new() } else { format!("{:>digits$}/{total:<digits$}", self.done) };
        let place = format!("{place:<width$}", width = 2 * digits + 1);
        let (word, colour) = mark(result.status);
        let word = print::coloured(&format!("{word:<5}"), colour, self.is_coloured);
        let fixed = "  ".len() + place.len() + " ERROR ".len() + 12 + 2 + 14 + 1 + 8;
        let width = WIDTH - fixed;
        let line = format!(
            "  {place} {word} {:<12} {:<width$} {:>14} {:>8}",
            kind(&self.manifest, &result.id),
            cut(&self.name(&result.id), width),
            rows(result),
            took(result)
        );
        let line = line.trim_end();
        match result.status {
            Status::Error | Status::Fail | Status::PartialSuccess | Status::RuntimeError
                if !result.message.is_empty() =>
            {
                format!("{line}\n{}", indented(&result.message))
            }
            _ => line.to_owned(),
        }
    }
}

/// What people call a node: its relation, or its name.
#[must_use]
pub fn name(manifest: &Manifest, id: &str) -> String {
    match manifest.nodes.get(id) {
        Some(node) if node.is_built() => format!("{}.{}", node.schema, node.alias),
        Some(node) => node.name.clone(),
        None => id.rsplit('.').next().unwrap_or(id).to_owned(),
    }
}

fn kind(manifest: &Manifest, id: &str) -> String {
    match manifest.nodes.get(id) {
        Some(node) if node.is_built() => match node.materialized() {
            "materialized_view" => "mat. view".to_owned(),
            other => other.replace('_', " "),
        },
        Some(node) if id.starts_with("operation.") => node.tags().first().map_or("hook", |list| *list).to_owned(),
        Some(node) => node.resource.as_str().replace('_', " "),
        None => id.split('.').next().unwrap_or_default().to_owned(),
    }
}

/// The word before a line.
fn mark(status: Status) -> (&'static str, Colour) {
    match status {
        Status::Success => ("ok", Colour::Green),
        Status::Pass => ("pass", Colour::Green),
        Status::Warn => ("warn", Colour::Yellow),
        Status::PartialSuccess => ("PART", Colour::Yellow),
        Status::Error | Status::RuntimeError => ("ERROR", Colour::Red),
        Status::Fail => ("FAIL", Colour::Red),
        Status::Skipped => ("skip", Colour::Dim),
        Status::NoOp => ("-", Colour::Dim),
    }
}

fn rows(result: &NodeResult) -> String {
    let told = |count: i64| format!("{} row{}", print::grouped(count), if count == 1 { "" } else { "s" });
    match (result.failures, result.rows) {
        (Some(failures), _) if !is_good(result.status) || result.status == Status::Warn => told(failures),
        (None, Some(rows)) => told(i64::try_from(rows).unwrap_or(i64::MAX)),
        _ if result.message == "unchanged" => "unchanged".to_owned(),
        _ => String::new(),
    }
}

fn took(result: &NodeResult) -> String {
    match result.status {
        Status::Skipped | Status::NoOp => String::new(),
        _ => print::duration(result.elapsed),
    }
}

/// The text in this many characters: what is too long loses its middle, since names differ at their ends.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let head = (width - 1) / 2;
    let tail = width - 1 - head;
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn result(id: &str, status: Status) -> NodeResult {
        NodeResult { status, rows: Some(1_234_567), elapsed: Duration::from_millis(1234), ..NodeResult::blank(id) }
    }

    #[test]
    fn columns_stay_in_their_places() {
        let mut lines = Lines::new(Arc::default(), false);
        let long = format!("test.shop.{}", "relationships_orders_".repeat(6));
        let drawn = [
            lines.finished(&result("operation.shop.start", Status::Success), 1),
            lines.finished(&result("model.shop.orders", Status::Success), 120),
            lines.finished(&result(&long, Status::Pass), 120),
        ];
        let end_of_rows =
            |line: &String| line.char_indices().count() - line.chars().rev().take_while(|c| *c != 'w').count();
        assert!(drawn.iter().skip(1).all(|line| line.chars().count() <= WIDTH), "{drawn:#?}");
        assert_eq!(end_of_rows(&drawn[1]), end_of_rows(&drawn[2]));
        assert!(drawn[1].starts_with("    1/120 ok    model"), "{}", drawn[1]);
        assert!(drawn[2].contains('…'));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut plain = Lines::new(Arc::default(), false);
        let mut coloured = Lines::new(Arc::default(), true);
        let failed = result("model.shop.orders", Status::Error);
        let drawn = coloured.finished(&failed, 3);
        assert!(drawn.contains("\u{1b}[31mERROR\u{1b}[0m"), "{drawn:?}");
        assert_eq!(drawn.replace("\u{1b}[31m", "").replace("\u{1b}[0m", ""), plain.finished(&failed, 3));
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(cut("abcdefghij", 10), "abcdefghij");
        assert_eq!(cut("abcdefghijk", 10), "abcd…ghijk");
    }
}
