//! Names: what a model may be called, how identifiers and literals are quoted, which known name was probably meant.

use crate::error::Error;

/// Longest model name; the store adds a suffix and PostgreSQL cuts identifiers at 63 bytes.
pub const LONGEST_NAME: usize = 40;

/// Quotes an identifier for SQL: `a"b` to `"a""b"`. The only place that does.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes text as a SQL literal: `it's` to `'it''s'`; right under `standard_conforming_strings = on`, the default.
///
/// For text where a parameter cannot stand: generated SELECTs (`accepted_values`, `as_of`), `COMMENT`, `CREATE TABLE AS`.
/// A NUL, which PostgreSQL cannot keep, is left out.
#[must_use]
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

/// Checks the name of a model, seed or singular test; `kind` is the noun for the message.
pub(crate) fn check_name(kind: &str, name: &str, path: &str) -> Option<Error> {
    let mut letters = name.chars();
    let well_formed = letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !well_formed {
        return Some(
            Error::config(format!("{kind} name \"{name}\" is not a plain lower-case name"))
                .detail(format!("The file is {path}."))
                .hint("rename the file: a letter a-z first, then letters a-z, digits and _"),
        );
    }
    let ends_like_a_run = name
        .rsplit_once("__r")
        .is_some_and(|(_, number)| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()));
    if ends_like_a_run {
        return Some(
            Error::config(format!("{kind} name \"{name}\" ends like a run's own table"))
                .detail(format!("The file is {path}; __r and a number mark the tables of single runs."))
                .hint("rename the file"),
        );
    }
    let ends_like_a_history = name
        .rsplit_once("__h")
        .is_some_and(|(_, shape)| shape.len() == 8 && shape.chars().all(|c| c.is_ascii_hexdigit()));
    if ends_like_a_history {
        return Some(
            Error::config(format!("{kind} name \"{name}\" ends like the table of a history"))
                .detail(format!("The file is {path}; __h and eight hexadecimal digits mark these tables."))
                .hint("rename the file"),
        );
    }
    if name.len() > LONGEST_NAME {
        return Some(
            Error::config(format!("{kind} name \"{name}\" is longer than {LONGEST_NAME} characters"))
                .detail(format!("The file is {path}; the name has {} characters.", name.len()))
                .hint("shorten the file's name"),
        );
    }
    None
}

/// The candidate nearest to `name`, if near enough to have been meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let tolerance = (length / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| (*distance <= tolerance && *distance < length) || extends(name, candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean "x"?` for the nearest candidate.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean \"{candidate}\"?"))
}

/// Whether one name is the other with something added at an end (`orders`, `stg_orders`).
fn extends(name: &str, candidate: &str) -> bool {
    let (short, long) = if name.len() < candidate.len() { (name, candidate) } else { (candidate, name) };
    short.len() >= 4 && (long.starts_with(short) || long.ends_with(short))
}

/// Levenshtein distance with neighbours swapped counted as one step (optimal string alignment).
fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before = vec![0; right.len() + 1];
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let changed = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + changed);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads one quoted token back; `None` if the quotes are not balanced or text follows.
    fn unquote(quoted: &str, quote: char) -> Option<String> {
        let mut letters = quoted.strip_prefix(quote)?.chars().peekable();
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            if letter != quote {
                text.push(letter);
            } else if letters.peek() == Some(&quote) {
                letters.next();
                text.push(quote);
            } else {
                return letters.next().is_none().then_some(text);
            }
        }
        None
    }

    #[test]
    fn a_name_like_that_of_a_runs_table_is_refused() {
        let refused = check_name("model", "orders__r5", "models/orders__r5.sql").expect("refused");
        assert_eq!(refused.message, "model name \"orders__r5\" ends like a run's own table");
        let refused = check_name("model", "orders__h0123abcd", "models/orders__h0123abcd.sql").expect("refused");
        assert_eq!(refused.message, "model name \"orders__h0123abcd\" ends like the table of a history");
        for fine in ["orders__r", "orders__h0123abc", "orders_r5", "orders__r5x", "stg_shop__orders"] {
            assert!(check_name("model", fine, "models/x.sql").is_none(), "{fine}");
        }
    }

    proptest! {
        #[test]
        fn identifiers_and_literals_read_back_as_they_were(name in "[ab\"'\\\\ ;é-]{0,12}") {
            prop_assert_eq!(unquote(&quote_identifier(&name), '"'), Some(name.clone()));
            prop_assert_eq!(unquote(&quote_literal(&name), '\''), Some(name.clone()));
            prop_assert_eq!(quote_identifier(&name).matches('"').count() % 2, 0);
        }
    }

    #[test]
    fn nearest_takes_typing_slips_and_missing_prefixes_but_no_strangers() {
        let known = ["stg_orders", "customer_orders", "rfm_scores"];
        assert_eq!(nearest("customer_order", known), Some("customer_orders"));
        assert_eq!(nearest("rfm_socres", known), Some("rfm_scores"));
        assert_eq!(nearest("orders", known), Some("stg_orders"));
        assert_eq!(nearest("STG_ORDERS", known), Some("stg_orders"));
        assert_eq!(nearest("weather", known), None);
    }

    #[test]
    fn edit_distance_counts_a_swap_as_one() {
        assert_eq!(edit_distance("abcd", "abdc"), 1);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
    }
}
