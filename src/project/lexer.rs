//! PostgreSQL's lexical rules, as far as quotes, comments and words go: enough to split statements safely.

/// What a stretch of SQL text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Space,
    /// `-- ...` or `/* ... */`, nested ones included.
    Comment,
    /// A keyword or a bare identifier.
    Word,
    /// A string, a quoted identifier or a dollar-quoted body.
    Quoted,
    /// One character of anything else.
    Symbol,
}

/// A stretch of SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// Where it begins, in bytes.
    pub(crate) start: usize,
    /// Its text.
    pub(crate) text: &'a str,
}

impl Token<'_> {
    /// Whether it is this symbol.
    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Whether it is this keyword, in any case.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }
}

/// All tokens of `sql`; put together again they are `sql`. What is not closed ends with the text.
///
/// Backslashes escape in `E''` only, as under `standard_conforming_strings = on`.
pub(crate) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < sql.len() {
        let (kind, length) = first_token(&sql[start..]);
        found.push(Token { kind, start, text: &sql[start..start + length] });
        start += length;
    }
    found
}

fn first_token(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    match bytes {
        [b, ..] if b.is_ascii_whitespace() => (Kind::Space, count(bytes, u8::is_ascii_whitespace)),
        [b'-', b'-', ..] => (Kind::Comment, count(bytes, |b| *b != b'\n')),
        [b'/', b'*', ..] => (Kind::Comment, block_comment(bytes)),
        [b'\'', ..] => (Kind::Quoted, quoted(bytes, 0, b'\'', false)),
        [b'"', ..] => (Kind::Quoted, quoted(bytes, 0, b'"', false)),
        [b'e' | b'E', b'\'', ..] => (Kind::Quoted, quoted(bytes, 1, b'\'', true)),
        [b'$', ..] => match dollar_quoted(rest) {
            Some(length) => (Kind::Quoted, length),
            None => (Kind::Symbol, 1),
        },
        [b, ..] if begins_word(*b) => (Kind::Word, count(bytes, |b| begins_word(*b) || is_inside_word(*b))),
        // A number is taken whole, so that `1e'` or `$1` never opens a string by accident.
        [b, ..] if b.is_ascii_digit() => (Kind::Symbol, count(bytes, u8::is_ascii_digit)),
        _ => (Kind::Symbol, 1),
    }
}

fn count(bytes: &[u8], holds: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().position(|b| !holds(b)).unwrap_or(bytes.len())
}

/// Every byte of a character beyond ASCII belongs to a name.
fn begins_word(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn is_inside_word(b: u8) -> bool {
    b.is_ascii_digit() || b == b'$'
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Length of the string whose opening quote stands at `open`; a doubled quote does not close it.
fn quoted(bytes: &[u8], open: usize, quote: u8, has_escapes: bool) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if has_escapes => at += 2,
            b if b == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Length of `$tag$ ... $tag$`, if `rest` begins with one.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag_end = rest[1..].find('$')? + 2;
    let tag = &rest[..tag_end];
    let name = &tag.as_bytes()[1..tag_end - 1];
    let is_tag =
        name.first().is_none_or(|b| begins_word(*b)) && name.iter().all(|b| begins_word(*b) || b.is_ascii_digit());
    if !is_tag {
        return None;
    }
    Some(rest[tag_end..].find(tag).map_or(rest.len(), |body| tag_end + body + tag_end))
}
