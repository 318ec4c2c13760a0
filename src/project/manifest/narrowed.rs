//! Names of narrowed relations: `--empty` and event time turn a `ref()` into a subquery, which needs a name of its own
//! only where the model gives it none.
//!
//! `from {{ ref('orders') }} as o` would otherwise read `from (...) _dbt_limit_subq_orders as o`, and PostgreSQL refuses
//! a second name. What stands behind the subquery is known only once the whole model is rendered.

/// What the names begin with.
const MARKS: [&str; 2] = [") _dbt_limit_subq_", ") _dbt_et_filter_subq_"];

/// Words that may follow a relation in FROM and that PostgreSQL takes for no alias.
const NO_ALIAS: [&str; 35] = [
    "and",
    "cross",
    "do",
    "else",
    "end",
    "except",
    "fetch",
    "for",
    "from",
    "full",
    "group",
    "having",
    "inner",
    "intersect",
    "into",
    "join",
    "left",
    "limit",
    "natural",
    "not",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "returning",
    "right",
    "select",
    "tablesample",
    "then",
    "union",
    "using",
    "when",
    "where",
    "window",
];

/// The SQL without the names that the model itself gives.
pub fn settled(sql: &str) -> String {
    let mut kept = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((at, mark)) = MARKS.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min() {
        let name_at = at + mark.len();
        let end = name_at + identifier_length(&rest[name_at..]);
        // The bracket stays; the name goes if another follows.
        let keep_to = if is_named(&rest[end..]) { at + 1 } else { end };
        kept.push_str(&rest[..keep_to]);
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// Bytes of the rest of an identifier.
fn identifier_length(text: &str) -> usize {
    text.find(|c: char| !is_part(c)).unwrap_or(text.len())
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Whether the text begins with an alias, blanks and comments aside.
fn is_named(text: &str) -> bool {
    let text = past_blanks(text);
    if text.starts_with('"') {
        return true;
    }
    let word = &text[..identifier_length(text)];
    let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    is_word && !NO_ALIAS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn past_blanks(text: &str) -> &str {
    let text = text.trim_start();
    if text.starts_with("--") {
        return past_blanks(text.split_once('\n').map_or("", |(_, after)| after));
    }
    if text.starts_with("/*") {
        return past_blanks(text.split_once("*/").map_or("", |(_, after)| after));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::settled;

    const BARE: &str = "(select * from a where false limit 0)";

    #[test]
    fn a_name_of_the_model_takes_the_place_of_ours() {
        for alias in [" as o", " AS o", " o", "\n  \"o\"", " -- why\n o where true", " /* x */ as o", " lefty"] {
            let sql = format!("select * from {BARE} _dbt_limit_subq_orders{alias}");
            assert_eq!(settled(&sql), format!("select * from {BARE}{alias}"));
        }
    }

    #[test]
    fn without_one_ours_stays() {
        for after in
            ["", " ", "\nwhere x", " LEFT JOIN b on true", ", b", ")", ";", " -- as o", " order by 1", "\nusing (id)"]
        {
            let sql = format!("select * from {BARE} _dbt_et_filter_subq_orders{after}");
            assert_eq!(settled(&sql), sql);
        }
    }

    #[test]
    fn every_relation_is_looked_at_by_itself() {
        let two = format!("from {BARE} _dbt_limit_subq_a as a join {BARE} _dbt_limit_subq_b on true");
        assert_eq!(settled(&two), format!("from {BARE} as a join {BARE} _dbt_limit_subq_b on true"));
        let nested = format!("from (select * from {BARE} _dbt_limit_subq_a where t) _dbt_et_filter_subq_a x");
        assert_eq!(settled(&nested), format!("from (select * from {BARE} _dbt_limit_subq_a where t) x"));
        assert_eq!(settled("select 'é' as é"), "select 'é' as é");
    }
}
