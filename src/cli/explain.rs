//! `quintile explain`: why a customer has these values, as a page for people or one JSON object.

use super::session::Session;
use super::{Format, Global, print};
use crate::analytics::explain::{Explanation, Fact, Section, explain};
use crate::error::Result;
use clap::Args;
use std::process::ExitCode;

/// Columns of the page: wide enough for a formula, narrow enough for a mail.
const WIDTH: usize = 100;

/// Space before what belongs to a section.
const INDENT: usize = 2;

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(after_help = "Example:  quintile explain 12347\n\
    It reads what is published, all at one moment. Formulas have four digits, to be checked by\n\
    hand; --format json has all digits, under the names of the columns.")]
pub struct Arguments {
    /// Id of the customer, as raw.orders has it
    #[arg(value_name = "CUSTOMER", allow_hyphen_values = true)]
    customer: String,
}

/// Reads, explains, prints.
pub async fn run(global: &Global, arguments: Arguments) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let facts = session.warehouse.customer_facts(&arguments.customer).await;
    session.close().await;
    let told = explain(&facts?);
    match global.format {
        Format::Json => print::json(&told.to_json()),
        Format::Text => print::data(&page(&told, print::is_coloured(&std::io::stdout()))),
    }
    Ok(ExitCode::SUCCESS)
}

fn page(told: &Explanation, is_coloured: bool) -> String {
    let run = told.run.map(|run| {
        let as_of = run.as_of.map(|at| at.format(", as of %Y-%m-%d %H:%M UTC").to_string());
        format!("run {}{}", run.run_id, as_of.unwrap_or_default())
    });
    let mut lines =
        vec![format!("Customer {} (workspace {}, {})", told.customer_id, told.workspace, run.unwrap_or_default())];
    lines.extend(told.summary.iter().flat_map(|sentence| hanging(sentence)));
    for section in &told.sections {
        lines.push(String::new());
        lines.push(print::coloured(section.title, print::Colour::Green, is_coloured));
        lines.extend(body(section, is_coloured));
    }
    lines.join("\n")
}

/// Facts in columns, then sentences, then what is not there.
fn body(section: &Section, is_coloured: bool) -> Vec<String> {
    let facts: Vec<&Fact> = section.facts.iter().filter(|fact| !fact.label.is_empty()).collect();
    let label_width = facts.iter().map(|fact| fact.label.chars().count()).max().unwrap_or(0);
    // A long value without a note needs no column of its own.
    let noted = facts.iter().filter(|fact| !fact.note.is_empty());
    let value_width = noted.map(|fact| fact.shown.chars().count()).max().unwrap_or(0).min(WIDTH / 2);
    let mut lines = Vec::new();
    for fact in facts {
        let before = INDENT + label_width + 2;
        if fact.note.is_empty() {
            let shown = wrapped(&fact.shown, WIDTH - before);
            lines.extend(beside(&format!("{:label_width$}", fact.label), &shown, before));
            continue;
        }
        let begun = format!("{:label_width$}  {:value_width$}", fact.label, fact.shown);
        let before = before + value_width + 2;
        let notes: Vec<String> = wrapped(&fact.note, WIDTH.saturating_sub(before).max(30));
        lines.extend(beside(&begun, &notes, before));
    }
    lines.extend(section.because.iter().flat_map(|sentence| bullet(sentence)));
    let dim = |line: String| print::coloured(&line, print::Colour::Dim, is_coloured);
    lines.extend(section.left_out.iter().flat_map(|why| bullet(&format!("Left out: {why}"))).map(dim));
    lines
}

/// The first line beside what it belongs to, all others below it.
fn beside(begun: &str, lines: &[String], before: usize) -> Vec<String> {
    let mut told = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let head = if number == 0 { format!("{:INDENT$}{begun}  ", "") } else { " ".repeat(before) };
        told.push(format!("{head}{line}").trim_end().to_owned());
    }
    told
}

fn bullet(sentence: &str) -> Vec<String> {
    beside("-", &wrapped(sentence, WIDTH - INDENT - 2), INDENT + 2)
        .into_iter()
        .map(|line| line.replacen("-  ", "- ", usize::from(line.starts_with("  -  "))))
        .collect()
}

/// A sentence whose further lines stand farther in, so that the next one is seen to begin.
fn hanging(sentence: &str) -> Vec<String> {
    let lines = wrapped(sentence, WIDTH - 2 * INDENT);
    let indent = |(number, line): (usize, String)| {
        format!("{}{line}", " ".repeat(if number == 0 { INDENT } else { 2 * INDENT }))
    };
    lines.into_iter().enumerate().map(indent).collect()
}

/// Lines of at most `width` characters, broken at blanks; a longer word stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map(|line| (line.chars().count(), line));
        match line {
            Some((0, line)) => line.push_str(word),
            Some((length, line)) if length + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_keep_long_words_whole() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("a incomprehensible b", 4), ["a", "incomprehensible", "b"]);
        assert_eq!(wrapped("", 8), [""]);
    }

    #[test]
    fn what_goes_on_stands_below_what_it_belongs_to() {
        assert_eq!(beside("label", &["one".into(), "two".into()], 9), ["  label  one", "         two"]);
        let told = bullet(&format!("{} end", "word ".repeat(20)));
        assert_eq!((told[0].starts_with("  - word"), told[1].as_str()), (true, "    word end"));
    }
}
