//! Printing: data to standard output, all else to standard error; a closed pipe is the reader's choice, not a fault.

use super::Format;
pub use crate::serve::grouped;
use comfy_table::{CellAlignment, Table, presets};
use std::io::{IsTerminal, Write};

/// A result, to standard output.
pub fn data(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Anything that is not a result, to standard error.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A result as one JSON document.
pub fn json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => data(&text),
        Err(e) => note(&format!("error: the result cannot be written as JSON\n  caused by: {e}")),
    }
}

/// A result as a table for people, or as JSON for programs.
pub fn rows<T: serde::Serialize>(format: Format, items: &[T], head: &[&str], line: impl Fn(&T) -> Vec<String>) {
    match format {
        Format::Json => json(&items),
        Format::Text => data(&table(head, &items.iter().map(line).collect::<Vec<_>>())),
    }
}

/// A plain table: head, rule, rows; numbers to the right.
#[must_use]
pub fn table(head: &[&str], lines: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head.to_vec());
    for line in lines {
        table.add_row(line.clone());
    }
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let is_number =
            |text: &String| text.chars().next_back().is_none_or(|c| c.is_ascii_digit() || c == '%' || c == '-');
        if lines.iter().all(|line| line.get(number).is_some_and(is_number)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Whether colours help: a terminal, and no `NO_COLOR`.
pub fn is_coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !crate::config::is_colour_refused()
}

/// Colours of words that tell how something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Well.
    Green,
    /// Worth a look.
    Yellow,
    /// Badly.
    Red,
    /// Not at all.
    Dim,
}

/// The text in this colour, where colours help.
#[must_use]
pub fn coloured(text: &str, colour: Colour, is_coloured: bool) -> String {
    if !is_coloured {
        return text.to_owned();
    }
    let code = match colour {
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Red => 31,
        Colour::Dim => 2,
    };
    // The blanks that fill a column stay outside.
    let word = text.trim_end();
    format!("\u{1b}[{code}m{word}\u{1b}[0m{}", &text[word.len()..])
}

/// A path as people type it: from the current folder where it lies below that.
#[must_use]
pub fn short_path(path: &std::path::Path) -> String {
    let here = std::path::Path::new(".").canonicalize().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// `1 node`, `2 nodes`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// `0.05 s`, `12.3 s`, `4 min 10 s`.
#[must_use]
pub fn duration(elapsed: std::time::Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 9.95 {
        format!("{seconds:.2} s")
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_no_trailing_blanks() {
        let text = table(&["name", "rows"], &[vec!["a".into(), "1,000".into()], vec!["long".into(), "2".into()]]);
        assert_eq!(text, "name   rows\na     1,000\nlong      2");
    }
}
