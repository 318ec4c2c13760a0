//! Numbers that people wrote, in SQL: what is no number gives no value, and never an error.

use super::text::pattern_of;
use crate::ingest::number::NumberFormat;
use crate::project::quote_literal;

/// Longer texts are no numbers.
const MOST: usize = 120;
const EXPONENT: &str = "(?:[eE][-+]?[0-9]{1,2})?";
/// Types whose values are numbers already, however the texts beside them are written.
pub(super) const TYPES: &str = "'{smallint,integer,bigint,real,double precision,numeric}'::regtype[]";

/// The number in column `text`; `is_number` is a column that tells whether it is one already.
pub(super) fn number(text: &str, is_number: &str, format: &NumberFormat) -> String {
    let plain = format!("^\\s*[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+){EXPONENT}\\s*$");
    let fits = |pattern: &str| format!("length({text}) <= {MOST} AND {text} ~ {}", quote_literal(pattern));
    let plain = format!("CASE WHEN {} THEN {text}::numeric END", fits(&plain));
    if *format == NumberFormat::default() {
        return plain;
    }
    let written = format!("CASE WHEN {} THEN {}::numeric END", fits(&pattern(format)), without_signs(text, format));
    format!("CASE WHEN {is_number} THEN {plain} ELSE {written} END")
}

/// One sign and one currency sign in whichever order they stand, and groups of three digits where they are separated.
fn pattern(format: &NumberFormat) -> String {
    const SIGN: &str = "[-+\u{2212}]?\\s*";
    let decimal = pattern_of(&format.decimal.to_string());
    let whole = match format.thousands {
        Some(separator) => {
            format!("(?:[0-9]+|[0-9]{{1,3}}(?:{}[0-9]{{3}})+)", pattern_of(&separator.to_string()))
        }
        None => "[0-9]+".to_owned(),
    };
    let digits = format!("(?:{whole}(?:{decimal}[0-9]*)?{EXPONENT}|{decimal}[0-9]+{EXPONENT})");
    if format.currency_signs.is_empty() {
        return format!("^\\s*{SIGN}{digits}\\s*$");
    }
    let signs: Vec<String> = format.currency_signs.iter().map(|sign| pattern_of(sign)).collect();
    let currency = format!("(?:{})", signs.join("|"));
    format!(
        "^\\s*(?:{SIGN}{digits}|{SIGN}{currency}\\s*{digits}|{currency}\\s*{SIGN}{digits}|{SIGN}{digits}\\s*{currency})\\s*$"
    )
}

/// Digits, a point and a sign: the same text without what only people need.
fn without_signs(text: &str, format: &NumberFormat) -> String {
    let mut sql = text.to_owned();
    let mut replace = |from: &str, to: &str| {
        sql = format!("replace({sql}, {}, {})", quote_literal(from), quote_literal(to));
    };
    // Longer signs first: of `R$` no `R` must stay.
    let mut signs: Vec<&String> = format.currency_signs.iter().collect();
    signs.sort_by_key(|sign| std::cmp::Reverse(sign.len()));
    signs.iter().for_each(|sign| replace(sign, ""));
    if let Some(separator) = format.thousands {
        replace(&separator.to_string(), "");
    }
    if format.decimal != '.' {
        replace(&format.decimal.to_string(), ".");
    }
    replace("\u{2212}", "-");
    format!("regexp_replace({sql}, '\\s', '', 'g')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_need_no_second_way() {
        let plain = number("t", "n", &NumberFormat::default());
        assert!(!plain.contains("WHEN n THEN") && plain.ends_with("THEN t::numeric END"), "{plain}");
    }

    #[test]
    fn other_writings_are_told_by_a_pattern_and_native_numbers_left_alone() {
        let swiss =
            NumberFormat { decimal: '.', thousands: Some('\''), currency_signs: vec!["CHF".into(), "Fr.".into()] };
        let sql = number("t", "n", &swiss);
        assert!(sql.starts_with("CASE WHEN n THEN CASE WHEN length(t) <= 120"), "{sql}");
        assert!(sql.contains("(?:CHF|Fr\\.)") && sql.contains("replace(t, 'CHF', '')"), "{sql}");
    }
}
