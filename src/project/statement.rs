//! What a model may be: one query. Two statements, `COMMIT`, or a query that changes data is refused before it is sent.

use super::excerpt;
use super::lexer::{Kind, Token, tokens};
use super::split::{Statement, statements};
use crate::error::{Error, Result};

/// Words that a query begins with.
const QUERIES: [&str; 4] = ["select", "with", "values", "table"];
/// Words of statements that change rows; a query may hold them in its WITH.
const CHANGES: [&str; 4] = ["insert", "update", "delete", "merge"];

/// Refuses SQL that is not one query; `owner` is `model "x"`, `text` the file's own text, which errors point into.
pub fn check(owner: &str, path: &str, text: &str, sql: &str) -> Result<()> {
    let found = statements(sql);
    let first = match found.as_slice() {
        [] => {
            return Err(Error::config(format!("{owner} has no SQL"))
                .detail(format!("The file is {path}."))
                .hint("write a SELECT, or remove the file"));
        }
        [first] => first,
        [_, second, ..] => {
            return Err(Error::config(format!("{owner} holds {} statements", found.len()))
                .detail(place(path, text, second.text))
                .hint("keep one query a file; a semicolon may only end it"));
        }
    };
    let words = significant(first);
    let Some(begin) = words.iter().find(|token| !token.is_symbol("(")) else { return Ok(()) };
    if !QUERIES.iter().any(|word| begin.is_word(word)) {
        return Err(Error::config(format!("{owner} is no query: it begins with {}", begin.text))
            .detail(place(path, text, &first.text[begin.start..]))
            .hint(
                "begin with SELECT, WITH, VALUES or TABLE; what becomes of the rows is for config(materialized=...)",
            ));
    }
    match change(&words).filter(|_| begin.is_word("with")) {
        None => Ok(()),
        Some(word) => Err(Error::config(format!("{owner} changes data: its WITH holds {}", word.text.to_uppercase()))
            .detail(place(path, text, &first.text[word.start..]))
            .hint("a model only reads; take the statement out")),
    }
}

/// The tokens that mean something.
fn significant<'a>(statement: &Statement<'a>) -> Vec<Token<'a>> {
    tokens(statement.text).into_iter().filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment)).collect()
}

/// The first statement of a WITH that changes data: in `AS (...)`, or after the last of its parts.
///
/// The words may also be names, of a column or of a part: those are followed by none of what follows the commands.
fn change<'a, 'b>(words: &'b [Token<'a>]) -> Option<&'b Token<'a>> {
    words.iter().enumerate().find_map(|(index, token)| {
        let before = index.checked_sub(1).and_then(|i| words.get(i));
        let opens = before.is_some_and(|t| t.is_symbol("(")) && {
            let earlier = index.checked_sub(2).and_then(|i| words.get(i));
            earlier.is_some_and(|t| t.is_word("as") || t.is_word("materialized"))
        };
        let follows = before.is_some_and(|t| t.is_symbol(")"));
        let is_change = CHANGES.iter().any(|word| token.is_word(word));
        ((opens || follows) && is_change && is_command(&words[index..])).then_some(token)
    })
}

/// Whether the tokens are `INSERT INTO`, `MERGE INTO`, `DELETE FROM`, or `UPDATE` with a `SET` at its own depth.
fn is_command(words: &[Token<'_>]) -> bool {
    let second = |word: &str| words.get(1).is_some_and(|token| token.is_word(word));
    if words.first().is_some_and(|token| token.is_word("update")) {
        let own = words.iter().skip(1).take_while(|t| !t.is_symbol("(") && !t.is_symbol(")") && !t.is_symbol(","));
        return own.into_iter().any(|token| token.is_word("set"));
    }
    second("into") || second("from")
}

/// Where the piece of SQL stands: in the file, if its first line is there as it was written, else as it was rendered.
fn place(path: &str, text: &str, piece: &str) -> String {
    let line = piece.lines().next().unwrap_or_default().trim_end();
    let word = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
    match text.find(line).filter(|_| !line.is_empty()) {
        Some(start) => excerpt::at_range(path, text, start..start + word.len().max(1)),
        None => format!("The file is {path}; the place is rendered as: {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sql: &str) -> Option<String> {
        check("model \"x\"", "models/x.sql", sql, sql).err().map(|e| e.message)
    }

    #[test]
    fn queries_pass_whatever_they_look_like() {
        for sql in [
            "select 1",
            "-- a comment\n/* another */ SELECT 1;",
            "(select 1) union all (select 2);",
            "((values (1)))",
            "table orders",
            "with a as (select 1) select * from a",
            "with recursive a(n) as not materialized (select 1) select ';' from a -- ; commit",
            "with update as (select 1 as delete) select delete from update",
            "with a as (select * from f() as (update text, \"set\" int)) select * from a for update",
            "select 'insert into t' as insert",
            "with a as (select 1) (select * from a)",
        ] {
            assert_eq!(told(sql), None, "{sql}");
        }
    }

    #[test]
    fn all_else_is_refused_by_name() {
        let cases = [
            ("", "model \"x\" has no SQL"),
            (" -- nothing\n ; /* at all */ ;", "model \"x\" has no SQL"),
            ("select 1; select 2", "model \"x\" holds 2 statements"),
            ("select 1; commit;", "model \"x\" holds 2 statements"),
            ("commit", "model \"x\" is no query: it begins with commit"),
            ("INSERT INTO t VALUES (1)", "model \"x\" is no query: it begins with INSERT"),
            ("(drop table t", "model \"x\" is no query: it begins with drop"),
            ("copy t to program 'x'", "model \"x\" is no query: it begins with copy"),
            ("do $$ begin end $$", "model \"x\" is no query: it begins with do"),
            ("\"select\" 1", "model \"x\" is no query: it begins with \"select\""),
            (
                "with a as (delete from t returning *) select * from a",
                "model \"x\" changes data: its WITH holds DELETE",
            ),
            (
                "with a as materialized (insert into t values (1) returning *) table a",
                "model \"x\" changes data: its WITH holds INSERT",
            ),
            ("with a as (select 1) update t set x = 1 from a", "model \"x\" changes data: its WITH holds UPDATE"),
            (
                "with a as (update t as u set x = 1 returning 1) select 1",
                "model \"x\" changes data: its WITH holds UPDATE",
            ),
            ("with a as (select 1) merge into t using a on true", "model \"x\" changes data: its WITH holds MERGE"),
        ];
        for (sql, message) in cases {
            assert_eq!(told(sql).as_deref(), Some(message), "{sql}");
        }
    }

    #[test]
    fn the_error_points_into_the_file_where_it_can() {
        let text = "{{ config() }}\nselect 1;\ndrop table t\n";
        let error = check("model \"x\"", "models/x.sql", text, "\nselect 1;\ndrop table t\n").expect_err("two");
        assert_eq!(error.detail.as_deref(), Some("models/x.sql:3:\n3 | drop table t\n  | ^^^^"));
        let error = check("model \"x\"", "models/x.sql", "{{ bad() }}", "drop table t").expect_err("no query");
        let rendered = "The file is models/x.sql; the place is rendered as: drop table t";
        assert_eq!(error.detail.as_deref(), Some(rendered));
    }
}
