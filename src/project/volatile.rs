//! Words by which a SELECT gives other rows although its inputs are the same: the clock, chance, sequences.

use super::lexer::{Kind, tokens};

/// Words of the language, without parentheses.
const KEYWORDS: [&str; 7] = [
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "tablesample",
    // The server's settings and sessions are nobody's input.
    "current_user",
];

/// Functions of the server that are not decided by their arguments. Users' functions are found in the catalogue.
const FUNCTIONS: [&str; 22] = [
    "clock_timestamp",
    "current_setting",
    "currval",
    "gen_random_uuid",
    "inet_client_addr",
    "lastval",
    "nextval",
    "now",
    "pg_backend_pid",
    "pg_current_snapshot",
    "pg_current_wal_lsn",
    "pg_current_xact_id",
    "pg_relation_size",
    "pg_stat_file",
    "pg_total_relation_size",
    "random",
    "setval",
    "statement_timestamp",
    "timeofday",
    "transaction_timestamp",
    "txid_current",
    "uuid_generate_v4",
];

/// The first word that makes the rows differ from one time to the next, if there is one.
#[must_use]
pub fn volatile_word(sql: &str) -> Option<String> {
    let mut significant = tokens(sql).into_iter().filter(|t| !matches!(t.kind, Kind::Space | Kind::Comment)).peekable();
    let mut before_is_dot = false;
    while let Some(token) = significant.next() {
        let word = token.text.to_ascii_lowercase();
        let is_call = significant.peek().is_some_and(|next| next.is_symbol("("));
        let is_volatile = token.kind == Kind::Word
            && (KEYWORDS.contains(&word.as_str()) && !before_is_dot || is_call && FUNCTIONS.contains(&word.as_str()));
        if is_volatile {
            return Some(word);
        }
        before_is_dot = token.is_symbol(".");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::volatile_word;

    #[test]
    fn calls_and_keywords_are_found_and_names_are_not() {
        assert_eq!(volatile_word("SELECT NOW ()").as_deref(), Some("now"));
        assert_eq!(volatile_word("SELECT pg_catalog.random()").as_deref(), Some("random"));
        assert_eq!(volatile_word("SELECT Current_Date - 1").as_deref(), Some("current_date"));
        for sql in [
            "SELECT now FROM t",
            "SELECT 'now()' -- random()",
            "SELECT t.current_date FROM t",
            "SELECT \"now\" (1)",
            "SELECT date_trunc('day', as_of) FROM t",
        ] {
            assert_eq!(volatile_word(sql), None, "{sql}");
        }
    }
}
