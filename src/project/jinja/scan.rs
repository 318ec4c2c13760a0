//! Cuts a template into text, comments, raw blocks, prints and tags, and prints and tags into tokens.
//!
//! The template engine has its own lexer; ours exists because the work before it (finding dbt's blocks, making literals
//! mutable) must know where an expression is and where only text looks like one.

use super::fault::{Fault, Trouble};
use std::ops::Range;

/// What a part of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Text that is printed as it is.
    Text,
    /// `{# ... #}`
    Comment,
    /// `{% raw %} ... {% endraw %}`, all of it.
    Raw,
    /// `{% docs name %} ... {% enddocs %}`, all of it: what is inside is prose, not a template.
    Docs,
    /// `{{ ... }}`
    Print,
    /// `{% ... %}`
    Tag,
}

/// One part of a template; the parts follow each other without a gap.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Byte range with the delimiters.
    pub whole: Range<usize>,
    /// Whether the left delimiter has a `-`, which eats the white space before it.
    pub trims_left: bool,
    /// Whether the right delimiter has a `-`.
    pub trims_right: bool,
    /// Indices of its tokens.
    pub tokens: Range<usize>,
    /// What is between the tags of a raw or a docs block.
    pub inside: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or a keyword.
    Name,
    /// A number.
    Number,
    /// A string literal with its quotes.
    Literal,
    /// One of the operators, brackets and separators.
    Operator,
}

/// One token of an expression or a tag.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub range: Range<usize>,
}

/// A template as parts and tokens.
#[derive(Debug, Default)]
pub struct Scan {
    /// The parts in order.
    pub parts: Vec<Part>,
    /// Tokens of all prints and tags in order.
    pub tokens: Vec<Token>,
}

const LONG_OPERATORS: [&str; 6] = ["**", "//", "==", "!=", "<=", ">="];

/// Cuts `text`; an unclosed delimiter, string or raw block is the only error there can be.
pub fn scan(text: &str) -> Result<Scan, Trouble> {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < text.len() {
        let Some(open) = opening(text, at) else {
            scan.push(PartKind::Text, at..text.len());
            break;
        };
        if open > at {
            scan.push(PartKind::Text, at..open);
        }
        at = match text.as_bytes()[open + 1] {
            b'#' => scan.comment(text, open)?,
            b'{' => scan.expression(text, open, PartKind::Print)?,
            _ => scan.expression(text, open, PartKind::Tag)?,
        };
    }
    Ok(scan)
}

fn opening(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    (from..bytes.len().saturating_sub(1)).find(|&i| bytes[i] == b'{' && matches!(bytes[i + 1], b'{' | b'%' | b'#'))
}

impl Scan {
    /// The tokens of a part.
    pub fn tokens_of(&self, part: &Part) -> &[Token] {
        &self.tokens[part.tokens.clone()]
    }

    /// The first word of a tag.
    pub fn keyword<'a>(&self, text: &'a str, part: &Part) -> Option<&'a str> {
        let first = self.tokens_of(part).first().filter(|_| part.kind == PartKind::Tag)?;
        Some(&text[first.range.clone()])
    }

    fn push(&mut self, kind: PartKind, whole: Range<usize>) {
        let none = self.tokens.len()..self.tokens.len();
        let inside = whole.end..whole.end;
        self.parts.push(Part { kind, whole, trims_left: false, trims_right: false, tokens: none, inside });
    }

    fn comment(&mut self, text: &str, open: usize) -> Result<usize, Trouble> {
        let close = text[open + 2..]
            .find("#}")
            .ok_or_else(|| Fault::syntax("the comment is not closed; `#}` is missing", open..open + 2))?;
        let end = open + 2 + close + 2;
        self.push(PartKind::Comment, open..end);
        if let Some(part) = self.parts.last_mut() {
            part.trims_left = text[open + 2..].starts_with('-');
            part.trims_right = close > 0 && text[..end - 2].ends_with('-');
        }
        Ok(end)
    }

    fn expression(&mut self, text: &str, open: usize, kind: PartKind) -> Result<usize, Trouble> {
        let bytes = text.as_bytes();
        let closing = if kind == PartKind::Print { "}}" } else { "%}" };
        let first = self.tokens.len();
        let mut at = open + 2;
        let trims_left = bytes.get(at) == Some(&b'-');
        if matches!(bytes.get(at), Some(b'-' | b'+')) {
            at += 1;
        }
        let mut depth = 0_usize;
        loop {
            let rest = &text[at..];
            let Some(letter) = rest.chars().next() else {
                let message = format!("`{closing}` is missing");
                return Err(Fault::syntax(message, open..open + 2));
            };
            let marked = rest.starts_with(['-', '+']) && rest[1..].starts_with(closing);
            if depth == 0 && (marked || rest.starts_with(closing)) {
                let trims_right = marked && letter == '-';
                let end = at + usize::from(marked) + 2;
                let tokens = first..self.tokens.len();
                self.parts.push(Part { kind, whole: open..end, trims_left, trims_right, tokens, inside: end..end });
                return match self.parts.last().and_then(|part| self.keyword(text, part)) {
                    Some("raw") => self.verbatim(text, open..end, PartKind::Raw, "endraw"),
                    Some("docs") => self.verbatim(text, open..end, PartKind::Docs, "enddocs"),
                    _ => Ok(end),
                };
            }
            if letter.is_whitespace() {
                at += letter.len_utf8();
                continue;
            }
            let (kind, length) = token(text, at)?;
            match &rest[..length] {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.tokens.push(Token { kind, range: at..at + length });
            at += length;
        }
    }

    /// Widens the tag just read up to the tag that closes it.
    fn verbatim(&mut self, text: &str, tag: Range<usize>, kind: PartKind, closing: &str) -> Result<usize, Trouble> {
        let mut at = tag.end;
        while let Some(found) = text[at..].find("{%") {
            let inside = text[at + found + 2..].trim_start_matches(['-', '+']).trim_start();
            let after = inside.strip_prefix(closing).map(|after| after.trim_start().trim_start_matches(['-', '+']));
            if let Some(rest) = after.and_then(|after| after.strip_prefix("%}")) {
                let end = text.len() - rest.len();
                if let Some(part) = self.parts.last_mut() {
                    (part.kind, part.whole, part.inside) = (kind, tag.start..end, tag.end..at + found);
                }
                return Ok(end);
            }
            at += found + 2;
        }
        Err(Fault::syntax(format!("`{{% {closing} %}}` is missing"), tag))
    }
}

/// Kind and length of the token at `at`.
fn token(text: &str, at: usize) -> Result<(TokenKind, usize), Trouble> {
    let rest = &text[at..];
    let letter = rest.chars().next().unwrap_or(' ');
    if letter == '\'' || letter == '"' {
        let mut escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == letter => return Ok((TokenKind::Literal, index + 1)),
                _ => {}
            }
        }
        return Err(Fault::syntax("the string is not closed", at..at + 1));
    }
    if letter.is_ascii_digit() {
        return Ok((TokenKind::Number, number(rest)));
    }
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    if word > 0 {
        return Ok((TokenKind::Name, word));
    }
    if LONG_OPERATORS.iter().any(|operator| rest.starts_with(operator)) {
        return Ok((TokenKind::Operator, 2));
    }
    if "+-*/%~[](){}.,:|=<>;".contains(letter) {
        return Ok((TokenKind::Operator, 1));
    }
    Err(Fault::syntax(format!("unexpected character `{letter}`"), at..at + letter.len_utf8()))
}

fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let mut length = digits(0);
    let followed_by_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    if bytes.get(length) == Some(&b'.') && followed_by_digit(length + 1) {
        length += 1 + digits(length + 1);
    }
    // `1e-3` and `1.5e+3`: the sign belongs to the number.
    let hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
    if !hexadecimal && matches!(bytes[length - 1], b'e' | b'E') && matches!(bytes.get(length), Some(b'+' | b'-')) {
        length += 1 + digits(length + 1);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(PartKind, &str)> {
        scan(text).unwrap().parts.iter().map(|part| (part.kind, &text[part.whole.clone()])).collect()
    }

    #[test]
    fn delimiters_inside_strings_braces_comments_and_raw_blocks_do_not_count() {
        let text = "a {{ {'}}': {}} }}{# {% x %} #}{%- raw -%}{{ no }}{%- endraw %}z";
        let expected = [
            (PartKind::Text, "a "),
            (PartKind::Print, "{{ {'}}': {}} }}"),
            (PartKind::Comment, "{# {% x %} #}"),
            (PartKind::Raw, "{%- raw -%}{{ no }}{%- endraw %}"),
            (PartKind::Text, "z"),
        ];
        assert_eq!(kinds(text), expected);
    }

    #[test]
    fn numbers_names_and_operators_are_told_apart() {
        let text = "{{ x.1e-3 ** 1_000 // 'a\\'b' }}";
        let scanned = scan(text).unwrap();
        let words: Vec<_> = scanned.tokens.iter().map(|token| &text[token.range.clone()]).collect();
        assert_eq!(words, ["x", ".", "1e-3", "**", "1_000", "//", "'a\\'b'"]);
    }

    #[test]
    fn what_is_not_closed_is_told_where_it_opens() {
        for (text, at) in [("a {{ b", 2), ("{# b", 0), ("{% raw %} b", 0), ("{{ 'b }}", 3)] {
            assert_eq!(scan(text).unwrap_err().range.start, at, "{text}");
        }
    }
}
