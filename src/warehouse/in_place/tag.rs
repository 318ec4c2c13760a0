//! What a statement is, from its words: the command tag it will answer with, and whether it returns rows.
//!
//! The driver keeps the count of a command tag and drops its words, so they are derived here.

use crate::project::lexer::{Kind, tokens};

/// A statement by its leading words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Words outside of parentheses, upper case; enough of them to tell statements apart.
    words: Vec<String>,
}

/// What a statement does to the transaction around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// `BEGIN`, `START TRANSACTION`
    Opens,
    /// `COMMIT`, `END`, `ROLLBACK`, `ABORT`
    Closes,
    /// Everything else.
    None,
}

/// Words between `CREATE` and the kind of object.
const ADJECTIVES: [&str; 11] = [
    "OR",
    "REPLACE",
    "TEMP",
    "TEMPORARY",
    "UNLOGGED",
    "GLOBAL",
    "LOCAL",
    "RECURSIVE",
    "UNIQUE",
    "TRUSTED",
    "CONSTRAINT",
];

/// Kinds of object that have two words.
const TWO_WORDS: [&str; 6] = ["MATERIALIZED", "FOREIGN", "EVENT", "TEXT", "ACCESS", "DEFAULT"];

impl Command {
    /// Reads the words of a statement.
    pub(super) fn of(statement: &str) -> Command {
        let mut depth = 0_usize;
        let mut words = Vec::new();
        for token in tokens(statement) {
            match token.kind {
                Kind::Symbol if token.is_symbol("(") => depth += 1,
                Kind::Symbol if token.is_symbol(")") => depth = depth.saturating_sub(1),
                Kind::Word if depth == 0 => words.push(token.text.to_ascii_uppercase()),
                _ => {}
            }
        }
        Command { words }
    }

    fn word(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    /// The verb: of `WITH ... INSERT` it is `INSERT`.
    fn verb(&self) -> &str {
        match self.word(0) {
            "WITH" => {
                let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"];
                self.words.iter().map(String::as_str).find(|w| verbs.contains(w)).unwrap_or("SELECT")
            }
            // (select 1) union (select 2): every word stands in parentheses but UNION.
            "" | "UNION" | "EXCEPT" | "INTERSECT" => "SELECT",
            other => other,
        }
    }

    /// Whether it is a query, whose columns can be described before it runs.
    pub(super) fn is_query(&self) -> bool {
        match self.verb() {
            "SELECT" => !self.has("INTO"),
            "VALUES" | "TABLE" | "EXPLAIN" => true,
            _ => self.has("RETURNING"),
        }
    }

    /// Whether it may return rows that can be described only by running it.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.verb(), "SHOW" | "FETCH" | "EXECUTE" | "CALL")
    }

    /// What it does to the transaction around it.
    pub(super) fn effect(&self) -> Effect {
        match (self.word(0), self.word(1)) {
            ("BEGIN" | "START", _) => Effect::Opens,
            ("ROLLBACK", "TO") => Effect::None,
            ("ROLLBACK", _) if self.has("SAVEPOINT") => Effect::None,
            ("COMMIT" | "ROLLBACK" | "END" | "ABORT", _) if self.has("CHAIN") && !self.has("NO") => Effect::None,
            ("COMMIT" | "ROLLBACK", "PREPARED") => Effect::None,
            ("COMMIT" | "ROLLBACK" | "END" | "ABORT", _) => Effect::Closes,
            _ => Effect::None,
        }
    }

    /// The command tag with its count.
    pub(super) fn tag(&self, rows: u64) -> String {
        match self.verb() {
            "SELECT" | "VALUES" | "TABLE" => format!("SELECT {rows}"),
            "INSERT" => format!("INSERT 0 {rows}"),
            verb @ ("UPDATE" | "DELETE" | "MERGE" | "COPY" | "FETCH" | "MOVE") => format!("{verb} {rows}"),
            "CREATE" if self.fills() => format!("SELECT {rows}"),
            verb @ ("CREATE" | "DROP" | "ALTER") => format!("{verb} {}", self.object()),
            "TRUNCATE" => "TRUNCATE TABLE".into(),
            "LOCK" => "LOCK TABLE".into(),
            "REFRESH" => "REFRESH MATERIALIZED VIEW".into(),
            "START" => "START TRANSACTION".into(),
            "END" => "COMMIT".into(),
            "ABORT" => "ROLLBACK".into(),
            other => other.into(),
        }
    }

    /// `CREATE TABLE ... AS` and a materialized view with data answer with the rows they hold.
    fn fills(&self) -> bool {
        match self.object().as_str() {
            "TABLE" => self.has("AS"),
            "MATERIALIZED VIEW" => !(self.has("NO") && self.has("DATA")),
            _ => false,
        }
    }

    fn object(&self) -> String {
        let mut words = self.words[1..].iter().map(String::as_str).skip_while(|w| ADJECTIVES.contains(w));
        match (words.next(), words.next()) {
            (Some(first), Some(second)) if TWO_WORDS.contains(&first) => format!("{first} {second}"),
            (first, _) => first.unwrap_or_default().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_of_the_server() {
        for (sql, tag) in [
            ("select 1", "SELECT 3"),
            ("-- x\n with a as (insert into t values (1) returning *) select * from a", "SELECT 3"),
            ("with a as (select 1) insert into t select * from a", "INSERT 0 3"),
            ("(select 1) union all (select 2)", "SELECT 3"),
            ("delete from t", "DELETE 3"),
            ("create table t as select 1", "SELECT 3"),
            ("create unlogged table t as (select 1)", "SELECT 3"),
            ("create table t (a int)", "CREATE TABLE"),
            ("create or replace view v as select 1", "CREATE VIEW"),
            ("create unique index on t (a)", "CREATE INDEX"),
            ("drop materialized view m", "DROP MATERIALIZED VIEW"),
            ("vacuum analyze t", "VACUUM"),
            ("grant select on t to public", "GRANT"),
        ] {
            assert_eq!(Command::of(sql).tag(3), tag, "{sql}");
        }
    }

    #[test]
    fn queries_and_transactions_are_known() {
        for (sql, is_query) in [
            ("select 1", true),
            ("select 1 into t", false),
            ("insert into t values (1) returning a", true),
            ("insert into t select 1", false),
            ("table t", true),
            ("create view v as select 1", false),
        ] {
            assert_eq!(Command::of(sql).is_query(), is_query, "{sql}");
        }
        for (sql, effect) in [
            ("begin", Effect::Opens),
            ("commit", Effect::Closes),
            ("rollback to savepoint a", Effect::None),
            ("commit and chain", Effect::None),
            ("commit and no chain", Effect::Closes),
            ("select 1", Effect::None),
        ] {
            assert_eq!(Command::of(sql).effect(), effect, "{sql}");
        }
        assert!(Command::of("show timezone").is_opaque());
    }
}
