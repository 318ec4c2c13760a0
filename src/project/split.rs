//! Several statements in one text, one by one: hooks and `run_query` may hold several, a message holds one.

use super::lexer::{Kind, Token, tokens};

/// One statement of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without the semicolon and without white space around it.
    pub text: &'a str,
    /// Characters of the whole text that stand before it, so that a position in it can be told in the whole.
    pub characters_before: usize,
}

/// The statements of `sql` in order; pieces of nothing but white space and comments are left out.
///
/// A semicolon ends a statement unless it stands in quotes, comments, parentheses or the `BEGIN ATOMIC` body of a
/// function, the same as in psql.
#[must_use]
pub fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let (mut start, mut parentheses) = (0, 0_usize);
    let mut body = Body::default();
    let mut is_empty = true;
    for token in tokens(sql) {
        body.see(token);
        match token.kind {
            Kind::Symbol if token.text == "(" => parentheses += 1,
            Kind::Symbol if token.text == ")" => parentheses = parentheses.saturating_sub(1),
            Kind::Symbol if token.text == ";" && parentheses == 0 && body.depth == 0 => {
                if !is_empty {
                    found.push(piece(sql, start, token.start));
                }
                (start, is_empty, body) = (token.start + 1, true, Body::default());
                continue;
            }
            _ => {}
        }
        is_empty &= matches!(token.kind, Kind::Space | Kind::Comment);
    }
    if !is_empty {
        found.push(piece(sql, start, sql.len()));
    }
    found
}

fn piece(sql: &str, start: usize, end: usize) -> Statement<'_> {
    let text = &sql[start..end];
    let first = start + text.len() - text.trim_start().len();
    Statement { text: text.trim(), characters_before: sql[..first].chars().count() }
}

/// Follows `CREATE [OR REPLACE] FUNCTION | PROCEDURE ... BEGIN ATOMIC ... END`.
#[derive(Default)]
struct Body {
    words_seen: usize,
    is_create: bool,
    is_routine: bool,
    depth: usize,
}

impl Body {
    fn see(&mut self, token: Token<'_>) {
        if token.kind != Kind::Word {
            return;
        }
        self.words_seen += 1;
        if self.words_seen == 1 {
            self.is_create = token.is_word("create");
        }
        let names_routine = token.is_word("function") || token.is_word("procedure");
        self.is_routine |= self.is_create && self.words_seen <= 4 && names_routine;
        if !self.is_routine {
            return;
        }
        if token.is_word("begin") || (self.depth > 0 && token.is_word("case")) {
            self.depth += 1;
        } else if token.is_word("end") {
            self.depth = self.depth.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn semicolons_in_quotes_comments_and_bodies_do_not_split() {
        for whole in [
            "select ';'",
            "select 'it''s; fine'",
            "select E'a\\';b'",
            "select e'\\\\;'",
            "select \"a;\"\"b;\"",
            "select $$;$$",
            "select $a$ ; $$ ; $a$",
            "select $é$;$é$",
            "select 1 -- ; not here",
            "select /* ; /* ; */ ; */ 1",
            "create rule r as on insert to t do also (select 1; select 2)",
            "create function f() returns int begin atomic select case when true then 1 end; select 2; end",
            "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END",
            "do $$ begin perform 1; end $$",
        ] {
            assert_eq!(texts(whole), [whole]);
        }
    }

    #[test]
    fn statements_come_one_by_one_with_their_places() {
        assert_eq!(texts("select 1; select 2 ;; -- end\n ; "), ["select 1", "select 2"]);
        assert_eq!(texts("select '\\'; select 2"), ["select '\\'", "select 2"]);
        assert_eq!(texts("select a$b;select $1;select 2"), ["select a$b", "select $1", "select 2"]);
        assert_eq!(texts("begin; commit"), ["begin", "commit"]);
        assert!(texts(" -- nothing\n/* at all */;;").is_empty());
        let both = statements("select 'ü';\n select x");
        assert_eq!((both[0].characters_before, both[1].characters_before), (0, 13));
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for open in ["select 'a; b", "select \"a; b", "select $x$ ; $y$", "/* ; ", "select E'\\"] {
            assert!(texts(open).len() <= 1, "{open}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_without_loss(sql in "[ -~\\n;'\"$é]{0,80}") {
            let together: String = tokens(&sql).iter().map(|t| t.text).collect();
            prop_assert_eq!(&together, &sql);
            for statement in statements(&sql) {
                let from_there: String = sql.chars().skip(statement.characters_before).collect();
                prop_assert!(from_there.starts_with(statement.text));
            }
        }

        #[test]
        fn quoted_text_never_splits(text in "[ -~\\n]{0,40}") {
            let literal = crate::project::quote_literal(&text);
            let name = crate::project::quote_identifier(&text);
            let first = format!("select {literal} as {name}");
            let both = format!("{first}; select 2");
            prop_assert_eq!(texts(&both), [first.as_str(), "select 2"]);
        }
    }
}
