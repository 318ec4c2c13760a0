//! Numbers as people write them, read exactly: `1.234,50 €`, `12e-3`, `$ 1,200.00`.

use super::value::quoted;
use rust_decimal::Decimal;

/// The longest text that is taken for a number: 29 digits with their signs and separators need less.
const MAX_TEXT: usize = 120;

/// How the numbers of a column are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    /// Between units and tenths: a point or a comma.
    pub decimal: char,
    /// Between groups of three digits; `None` where there is none.
    pub thousands: Option<char>,
    /// Signs and codes that may stand before or after the number, as `$` and `EUR`.
    pub currency_signs: Vec<String>,
}

impl Default for NumberFormat {
    fn default() -> NumberFormat {
        NumberFormat { decimal: '.', thousands: None, currency_signs: Vec::new() }
    }
}

impl NumberFormat {
    /// Reads a number without rounding it.
    pub(crate) fn parse(&self, text: &str) -> Result<Decimal, String> {
        if self.is_plain() {
            return parse_number(text);
        }
        let trimmed = text.trim();
        if trimmed.len() > MAX_TEXT {
            return Err(format!("{} is not a number", quoted(trimmed)));
        }
        // The plain reader sees what is left of the text; a message shows the text as it stands in the file.
        let plain = self.plain(trimmed).ok_or_else(|| format!("{} is not a number", quoted(trimmed)))?;
        parse_number(&plain).map_err(|reason| reason.replacen(&quoted(&plain), &quoted(trimmed), 1))
    }

    fn is_plain(&self) -> bool {
        self.decimal == '.' && self.thousands.is_none() && self.currency_signs.is_empty()
    }

    /// The number with a point and without what only people need; `None` where a separator stands at a wrong place.
    fn plain(&self, text: &str) -> Option<String> {
        let (is_negative, text) = self.without_signs(text);
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut plain = String::with_capacity(text.len() + 1);
        if is_negative {
            plain.push('-');
        }
        match self.thousands.filter(|separator| whole.contains(*separator)) {
            None => plain.push_str(whole),
            Some(separator) => {
                // 1.23 is no number where the point separates thousands: read as 123 it would be a hundredfold.
                for (place, group) in whole.split(separator).enumerate() {
                    let is_group = if place == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
                    if !is_group || !group.bytes().all(|b| b.is_ascii_digit()) {
                        return None;
                    }
                    plain.push_str(group);
                }
            }
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(fraction);
        }
        // A point that is not the decimal sign would be taken for one.
        let points = plain.bytes().filter(|b| *b == b'.').count();
        (points == usize::from(fraction.is_some())).then_some(plain)
    }

    /// Takes off one sign and one currency sign, in whichever order they stand.
    fn without_signs<'a>(&self, text: &'a str) -> (bool, &'a str) {
        let (mut is_negative, mut has_sign, mut has_currency, mut rest) = (false, false, false, text);
        loop {
            let before = rest;
            if !has_sign && let Some(more) = rest.strip_prefix(['-', '+', '\u{2212}']) {
                is_negative = !rest.starts_with('+');
                (has_sign, rest) = (true, more.trim_start());
            }
            let sign = |rest: &'a str| {
                let signs = self.currency_signs.iter();
                signs.filter_map(|sign| rest.strip_prefix(sign.as_str()).or(rest.strip_suffix(sign.as_str()))).next()
            };
            if !has_currency && let Some(more) = sign(rest) {
                (has_currency, rest) = (true, more.trim());
            }
            if rest.len() == before.len() {
                return (is_negative, rest);
            }
        }
    }
}

/// Reads a number without rounding it: digits with a point, or with an exponent as floats are printed.
pub(crate) fn parse_number(text: &str) -> Result<Decimal, String> {
    let text = text.trim();
    let is_plain = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(is_plain) || !text.bytes().any(|b| b.is_ascii_digit()) {
        let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
        return Err(match word.as_str() {
            "nan" | "inf" | "infinity" => format!("{} is not a finite number", quoted(text)),
            _ => format!("{} is not a number", quoted(text)),
        });
    }
    let is_scientific = text.bytes().any(|b| matches!(b, b'e' | b'E'));
    let number = if is_scientific { Decimal::from_scientific(text) } else { Decimal::from_str_exact(text) };
    // The library does not tell "too long" from "malformed" in all cases; a float of any length tells.
    number.map_err(|_| match text.parse::<f64>() {
        Ok(_) => format!("{} cannot be kept exactly in 28 digits", quoted(text)),
        Err(_) => format!("{} is not a number", quoted(text)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn german() -> NumberFormat {
        NumberFormat { decimal: ',', thousands: Some('.'), currency_signs: vec!["€".into(), "EUR".into()] }
    }

    #[test]
    fn numbers_are_exact() {
        for (text, expected) in [
            ("12.345678901234567890", "12.345678901234567890"),
            (" -15.5 ", "-15.5"),
            ("1000000000000", "1000000000000"),
            ("0.0000001", "0.0000001"),
            ("1e-05", "0.00001"),
            ("2.5E3", "2500"),
            (".5", "0.5"),
        ] {
            assert_eq!(parse_number(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told() {
        let texts =
            ["", "abc", "NaN", "-inf", "Infinity", "0x1F", "1e400", "12,50", "$12", "1_000", "--1", "1.2.3", "e5"];
        let long = "9".repeat(80);
        let told: Vec<String> = texts.iter().chain([&long.as_str()]).map(|t| parse_number(t).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn numbers_are_read_as_their_country_writes_them() {
        for (text, expected) in [
            ("1.234,50 €", "1234.50"),
            ("-€ 12,5", "-12.5"),
            ("€-12,5", "-12.5"),
            ("\u{2212}3 EUR", "-3"),
            ("1.234.567", "1234567"),
            ("1234,5", "1234.5"),
            ("0,001", "0.001"),
        ] {
            assert_eq!(german().parse(text).map(|n| n.to_string()).as_deref(), Ok(expected), "{text}");
        }
        let swiss = NumberFormat { decimal: '.', thousands: Some('\u{2019}'), currency_signs: vec!["CHF".into()] };
        assert_eq!(swiss.parse("CHF 12\u{2019}000.05").map(|n| n.to_string()).as_deref(), Ok("12000.05"));
    }

    #[test]
    fn a_separator_at_a_wrong_place_is_no_number() {
        for text in
            ["12.50", "1.23", "1234.567", ".123", "1..234", "1,2,3", "1,234.5", "€ € 1", "- -1", "$ 1", "12,50.3"]
        {
            assert_eq!(german().parse(text), Err(format!("\"{text}\" is not a number")), "{text}");
        }
        assert_eq!(german().parse("nan €"), Err("\"nan €\" is not a finite number".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_a_reason(text in ".{0,40}") {
            if let Ok(number) = parse_number(&text) {
                prop_assert_eq!(parse_number(&number.to_string()).unwrap(), number);
            }
        }

        #[test]
        fn what_is_written_is_read(units in -999_999_999_i64..999_999_999, cents in 0..100_u32) {
            let digits = units.unsigned_abs().to_string();
            let mut grouped = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place).is_multiple_of(3) {
                    grouped.push('.');
                }
                grouped.push(digit);
            }
            let sign = if units < 0 { "-" } else { "" };
            let expected = parse_number(&format!("{sign}{digits}.{cents:02}")).unwrap();
            prop_assert_eq!(german().parse(&format!("{sign}{grouped},{cents:02} €")).unwrap(), expected);
        }
    }
}
