//! Numbers as people read them: as many digits as the number deserves, and never 0 or 100 percent for what is neither.

/// With a comma between thousands and so many decimals.
pub(super) fn decimals(value: f64, places: usize) -> String {
    let text = format!("{:.places$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::with_capacity(text.len() + whole.len() / 3 + 1);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped = format!("{grouped}.{fraction}");
    }
    let is_zero = grouped.chars().all(|c| !c.is_ascii_digit() || c == '0');
    if value < 0.0 && !is_zero { format!("-{grouped}") } else { grouped }
}

/// `4,338`.
pub(super) fn whole(value: i64) -> String {
    // Counts of customers and days lie far below 2^53.
    decimals(value as f64, 0)
}

/// `1 day`, `2 days`.
pub(super) fn count(value: i64, noun: &str) -> String {
    format!("{} {noun}{}", whole(value), if value == 1 { "" } else { "s" })
}

/// Four significant digits, so that a product of two can be checked by hand: `0.6412`, `5.172`, `1,234`.
pub(super) fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let before_point = value.abs().log10().floor() as i64 + 1;
    let places = usize::try_from((4 - before_point).clamp(0, 8)).unwrap_or(0);
    let text = decimals(value, places);
    // Round numbers go without zeros behind the point.
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Two significant digits, for sentences that nobody calculates with: `5.7`, `0.68`, `12`.
pub(super) fn about(value: f64) -> String {
    match value {
        v if v == 0.0 || v >= 9.95 => decimals(v, 0),
        v if v >= 0.995 => decimals(v, 1),
        v if v >= 0.005 => decimals(v, 2),
        _ => "under 0.01".into(),
    }
}

/// `2,310.40 GBP`; cents are dropped where they are noise.
pub(super) fn money(value: f64, currency: Option<&str>) -> String {
    let places = if value.abs() >= 100_000.0 { 0 } else { 2 };
    let amount = match value {
        v if v > 0.0 && v < 0.005 => "under 0.01".to_owned(),
        v => decimals(v, places),
    };
    match currency {
        Some(currency) => format!("{amount} {currency}"),
        None => amount,
    }
}

/// A share as percent.
pub(super) fn percent(share: f64) -> String {
    match share {
        0.0 => "0 %".into(),
        1.0 => "100 %".into(),
        s if s > 0.0 && s < 0.001 => "under 0.1 %".into(),
        s if s < 1.0 && s > 0.999 => "over 99.9 %".into(),
        s if !(0.1..=0.99).contains(&s) && (0.0..1.0).contains(&s) => {
            let text = decimals(100.0 * s, 1);
            format!("{} %", text.trim_end_matches(".0"))
        }
        s => format!("{} %", decimals(100.0 * s, 0)),
    }
}

/// A stretch of time in the unit that people would take.
pub(super) fn span(days: i64) -> String {
    match days {
        ..=59 => count(days, "day"),
        60..=1094 => count((days as f64 / 7.0).round() as i64, "week"),
        _ => format!("{} years", decimals(days as f64 / 365.25, 1)),
    }
}

/// The first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_nothing_nor_all_is_not_told_as_such() {
        let told: Vec<String> =
            [0.0, 0.0004, 0.004, 0.05, 0.123, 0.6412, 0.985, 0.9951, 0.9996, 1.0].map(percent).into();
        assert_eq!(
            told,
            ["0 %", "under 0.1 %", "0.4 %", "5 %", "12 %", "64 %", "98 %", "99.5 %", "over 99.9 %", "100 %"]
        );
    }

    #[test]
    fn figures_have_four_digits_and_money_two_decimals() {
        let told: Vec<String> = [0.0, 0.000_123_456, 0.641_234, 5.172_3, 12.0, 123.456, 12_345.6].map(figure).into();
        assert_eq!(told, ["0", "0.0001235", "0.6412", "5.172", "12", "123.5", "12,346"]);
        assert_eq!(money(1_234_567.891, None), "1,234,568");
        assert_eq!(money(-12.3, Some("GBP")), "-12.30 GBP");
        assert_eq!(money(0.001, None), "under 0.01");
        assert_eq!(money(-0.001, None), "0.00");
    }

    #[test]
    fn sentences_have_fewer_digits() {
        let told: Vec<String> = [0.0, 0.001, 0.683, 0.997, 5.713, 12.3].map(about).into();
        assert_eq!(told, ["0", "under 0.01", "0.68", "1.0", "5.7", "12"]);
    }

    #[test]
    fn time_is_told_in_the_unit_of_its_length() {
        let told: Vec<String> = [1, 59, 60, 266, 1094, 1461].map(span).into();
        assert_eq!(told, ["1 day", "59 days", "9 weeks", "38 weeks", "156 weeks", "4.0 years"]);
        assert_eq!((count(4_338, "customer"), capital("élan")), ("4,338 customers".into(), "Élan".into()));
    }
}
