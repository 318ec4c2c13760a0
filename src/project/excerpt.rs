//! Points into a file: `path:line`, the line itself, and carets under the words that are wrong.

use std::ops::Range;

/// Most characters of a line that are shown.
const WIDEST_LINE: usize = 160;

/// `path:line:`, the line, and carets under the bytes of `range` (as far as they lie on its first line).
pub(super) fn at_range(path: &str, text: &str, range: Range<usize>) -> String {
    let start = floor_boundary(text, range.start);
    let line = text[..start].matches('\n').count() + 1;
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let end = floor_boundary(text, range.end.clamp(start, line_end));
    let before = text[line_start..start].chars().count();
    let width = text[start..end].chars().count().max(1);
    draw(path, line, text[line_start..line_end].trim_end(), Some((before, width)))
}

/// As `at_range`, for a text that begins `lines_before` lines into its file.
#[must_use]
pub fn excerpt_at(path: &str, text: &str, range: Range<usize>, lines_before: usize) -> String {
    if lines_before == 0 {
        return at_range(path, text, range);
    }
    let padded = format!("{}{text}", "\n".repeat(lines_before));
    at_range(path, &padded, range.start + lines_before..range.end + lines_before)
}

/// As [`excerpt_at`], at the first place that holds `word`; the path alone where none does.
#[must_use]
pub fn excerpt_of_word(path: &str, text: &str, word: &str) -> String {
    at_quoted(path, text, word)
}

/// `path:line:` and the line, with carets under `needle` where the line holds it as a word.
pub(super) fn at_line(path: &str, text: &str, line: usize, needle: &str) -> String {
    let content = text.lines().nth(line.saturating_sub(1)).unwrap_or("").trim_end();
    let marked = find_word(content, needle).map(|i| (content[..i].chars().count(), needle.chars().count()));
    draw(path, line, content, marked)
}

/// The first place where `text` holds `needle` as a word, else the path alone, as a sentence.
pub(super) fn at_word(path: &str, text: &str, needle: &str) -> String {
    match find_word(text, needle) {
        Some(start) => at_range(path, text, start..start + needle.len()),
        None => format!("The file is {path}."),
    }
}

/// As [`at_word`], but first where the word stands in quotes, as in `ref('orders')`.
pub(super) fn at_quoted(path: &str, text: &str, needle: &str) -> String {
    match find_quoted(text, needle) {
        Some(start) => at_range(path, text, start..start + needle.len()),
        None => at_word(path, text, needle),
    }
}

/// Line of the first place where `needle` stands in quotes, else as a word.
pub(super) fn line_of_quoted(text: &str, needle: &str) -> Option<usize> {
    let start = find_quoted(text, needle).or_else(|| find_word(text, needle))?;
    Some(text[..start].matches('\n').count() + 1)
}

fn find_quoted(text: &str, needle: &str) -> Option<usize> {
    let quoted = ['\'', '"'].map(|quote| text.find(&format!("{quote}{needle}{quote}")));
    quoted.into_iter().flatten().min().map(|quote| quote + 1)
}

/// As [`at_word`], but first where the word is a key, as in `config(key=value)`.
pub(super) fn at_key(path: &str, text: &str, key: &str) -> String {
    match find_key(text, key) {
        Some(start) => at_range(path, text, start..start + key.len()),
        None => at_word(path, text, key),
    }
}

/// Byte offset of `key` where one `=` or, in quotes, a `:` follows it.
pub(super) fn find_key(text: &str, key: &str) -> Option<usize> {
    find_where(text, key, |after| {
        let assigned = after.trim_start().strip_prefix('=').is_some_and(|rest| !rest.starts_with('='));
        assigned || after.strip_prefix(['\'', '"']).is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

/// Byte offset of `needle` where no letter, digit or `_` touches it.
pub(super) fn find_word(text: &str, needle: &str) -> Option<usize> {
    find_where(text, needle, |_| true)
}

fn find_where(text: &str, needle: &str, fits: impl Fn(&str) -> bool) -> Option<usize> {
    if needle.is_empty() {
        return None;
    }
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(needle).map(|(start, _)| start).find(|&start| {
        let before = text[..start].chars().next_back();
        let after = &text[start + needle.len()..];
        !before.is_some_and(joins) && !after.chars().next().is_some_and(joins) && fits(after)
    })
}

fn draw(path: &str, line: usize, content: &str, marked: Option<(usize, usize)>) -> String {
    let number = line.to_string();
    let (content, marked) = cut(content, marked);
    let content = content.as_str();
    let mut drawing = format!("{path}:{line}:\n{number} | {content}");
    if let Some((before, width)) = marked {
        // A tab before the mark stays a tab, so that the carets stand right at any tab width.
        let indent: String = content.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        drawing.push_str(&format!("\n{} | {indent}{}", " ".repeat(number.len()), "^".repeat(width)));
    }
    drawing
}

/// A long line is shown around its mark only: a page in one line helps nobody.
fn cut(content: &str, marked: Option<(usize, usize)>) -> (String, Option<(usize, usize)>) {
    let length = content.chars().count();
    if length <= WIDEST_LINE {
        return (content.to_owned(), marked);
    }
    let (before, width) = marked.unwrap_or((0, 0));
    let from = before.saturating_sub(WIDEST_LINE / 3).min(length - WIDEST_LINE);
    let lead = if from > 0 { "..." } else { "" };
    let trail = if from + WIDEST_LINE < length { "..." } else { "" };
    let part: String = content.chars().skip(from).take(WIDEST_LINE).collect();
    let width = width.min(WIDEST_LINE - (before - from));
    (format!("{lead}{part}{trail}"), marked.map(|_| (before - from + lead.len(), width)))
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_range_past_tabs_and_wide_letters() {
        let text = "SELECT 1\n\té, foo(x)\n";
        let start = text.find("foo").unwrap_or(0);
        assert_eq!(at_range("m.sql", text, start..start + 6), "m.sql:2:\n2 | \té, foo(x)\n  | \t   ^^^^^^");
    }

    #[test]
    fn a_range_past_the_end_or_over_lines_marks_what_is_there() {
        assert_eq!(at_range("m.sql", "ab\ncd", 1..5), "m.sql:1:\n1 | ab\n  |  ^");
        assert_eq!(at_range("m.sql", "ab", 9..12), "m.sql:1:\n1 | ab\n  |   ^");
    }

    #[test]
    fn a_long_line_is_shown_around_its_mark() {
        let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let drawn = at_range("m.sql", &text, 500..501);
        let lines: Vec<&str> = drawn.lines().collect();
        assert!(lines[1].len() < 180 && lines[1].starts_with("1 | ...a") && lines[1].ends_with("b..."), "{drawn}");
        assert_eq!(lines[1].find('x'), lines[2].find('^'));
    }

    #[test]
    fn words_are_whole_words() {
        assert_eq!(find_word("orders_x orders", "orders"), Some(9));
        assert_eq!(find_key("k == 1, k = 2", "k"), Some(8));
        assert_eq!(at_quoted("m.sql", "a.x ref('a')", "a"), "m.sql:1:\n1 | a.x ref('a')\n  |          ^");
        assert_eq!(at_word("m.sql", "abc", "zzz"), "The file is m.sql.");
        assert_eq!(at_line("m.yml", "a: 1\n- name: b\n", 2, "b"), "m.yml:2:\n2 | - name: b\n  |         ^");
    }
}
