//! Numbers, money, shares and times as people read them.

use chrono::{DateTime, Utc};

/// `1234567` to `1,234,567`.
#[must_use]
pub fn integer(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// With thousands separators and this many decimals; an absent or endless number is a dash.
pub(super) fn decimal(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return "–".into();
    }
    let text = format!("{:.decimals$}", number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if number < 0.0 && !is_zero { "-" } else { "" };
    let whole = whole.parse::<i64>().map_or_else(|_| whole.to_owned(), integer);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Money with its currency; cents only where they matter, milliards shortened.
pub(super) fn money(amount: f64, currency: Option<&str>) -> String {
    if !amount.is_finite() {
        return "–".into();
    }
    let number = match amount.abs() {
        size if size >= 1e9 => format!("{} bn", decimal(amount / 1e9, 2)),
        size if size >= 1000.0 || matches!(currency, Some("JPY" | "KRW")) => decimal(amount, 0),
        _ => decimal(amount, 2),
    };
    let (sign, size) = number.strip_prefix('-').map_or(("", number.as_str()), |size| ("-", size));
    match currency {
        Some("EUR") => format!("{sign}€{size}"),
        Some("GBP") => format!("{sign}£{size}"),
        Some("USD") => format!("{sign}${size}"),
        Some("JPY") => format!("{sign}¥{size}"),
        Some(code) => format!("{sign}{code}\u{a0}{size}"),
        None => number,
    }
}

/// `0.1234` to `12.3%`; small shares keep a decimal, so that they are not shown as nothing.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if !percent.is_finite() => "–".into(),
        percent if percent > 0.0 && percent < 0.1 => "<0.1%".into(),
        percent if percent.abs() < 99.95 && percent != 0.0 => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// `9 Dec 2011, 24:00`-like instants are kept as they are: `10 Dec 2011, 00:00 UTC`.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// How long ago, in the largest unit that says enough.
pub(super) fn age(from: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - from).num_seconds();
    let told = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        i64::MIN..60 => "less than a minute".into(),
        60..5_400 => told(seconds / 60, "minute"),
        5_400..172_800 => told(seconds / 3_600, "hour"),
        172_800..7_776_000 => told(seconds / 86_400, "day"),
        7_776_000..63_072_000 => told(seconds / 2_629_800, "month"),
        _ => told(seconds / 31_557_600, "year"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn thousands_are_parted() {
        let told = [0, 7, 999, 1000, 541_909, -1_234_567].map(integer);
        assert_eq!(told, ["0", "7", "999", "1,000", "541,909", "-1,234,567"]);
        assert_eq!(decimal(1234.5, 2), "1,234.50");
        assert_eq!(decimal(-0.001, 2), "0.00");
        assert_eq!(decimal(f64::NAN, 2), "–");
    }

    #[test]
    fn money_keeps_its_currency_and_sign() {
        assert_eq!(money(8_911_407.9, Some("GBP")), "£8,911,408");
        assert_eq!(money(-12.5, Some("EUR")), "-€12.50");
        assert_eq!(money(1200.0, Some("CHF")), "CHF\u{a0}1,200");
        assert_eq!(money(2_340_000_000.0, None), "2.34 bn");
    }

    #[test]
    fn small_shares_do_not_vanish() {
        assert_eq!(
            [0.0, 0.0004, 0.011, 0.5, 0.9999, 1.0].map(percent),
            ["0%", "<0.1%", "1.1%", "50.0%", "100%", "100%"]
        );
    }

    #[test]
    fn ages_are_told_in_one_unit() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("in range");
        let told = |seconds: i64| age(now - TimeDelta::seconds(seconds), now);
        assert_eq!(told(5), "less than a minute");
        assert_eq!(told(60), "1 minute");
        assert_eq!(told(7_200), "2 hours");
        assert_eq!(told(259_200), "3 days");
        assert_eq!(told(15 * 31_557_600), "15 years");
        assert_eq!(told(-60), "less than a minute");
    }
}
