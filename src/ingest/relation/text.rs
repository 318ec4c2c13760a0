//! Texts of a mapping as parts of SQL and of its templates.

use crate::project::quote_literal;

/// What the reader of files takes off around a value.
const BLANKS: &str = "E' \\t\\n\\r\\f\\v'";

/// Text as a regular expression that matches nothing else.
pub(super) fn pattern_of(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// Texts as a list of literals.
pub(super) fn literals<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    texts.into_iter().map(|text| quote_literal(text)).collect::<Vec<_>>().join(", ")
}

/// The text without blanks around it.
pub(super) fn trimmed(sql: &str) -> String {
    format!("btrim({sql}, {BLANKS})")
}

/// No value where the text is one of `nulls`, with or without blanks around it.
pub(super) fn without_nulls(sql: &str, nulls: &[&String]) -> String {
    if nulls.is_empty() {
        return sql.to_owned();
    }
    let list = literals(nulls.iter().copied());
    let has_blanks = nulls.iter().any(|null| null.trim() != null.as_str());
    let whole = if has_blanks { format!(" OR {sql} IN ({list})") } else { String::new() };
    format!("CASE WHEN {} IN ({list}){whole} THEN NULL ELSE {sql} END", trimmed(sql))
}

/// SQL in a template that renders to itself, whatever stands in names and texts.
pub(super) fn verbatim(sql: &str) -> String {
    sql.replace('{', "{{ '{' }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_patterns_and_no_templates() {
        assert_eq!(pattern_of("R$ 1.b\\€"), "R\\$ 1\\.b\\\\€");
        assert_eq!(verbatim("{{ x }}{% y %}"), "{{ '{' }}{{ '{' }} x }}{{ '{' }}% y %}");
    }

    #[test]
    fn nulls_are_found_with_and_without_blanks() {
        let (empty, blank) = (String::new(), " - ".to_owned());
        assert_eq!(without_nulls("t", &[]), "t");
        let told = without_nulls("t", &[&empty]);
        assert_eq!(told, format!("CASE WHEN btrim(t, {BLANKS}) IN ('') THEN NULL ELSE t END"));
        assert!(without_nulls("t", &[&empty, &blank]).contains("IN ('', ' - ') OR t IN ('', ' - ') THEN"));
    }
}
