//! `--sample`: the stretch of time whose rows are read, as `3 days` or as two instants.

use crate::error::{Error, Result};
use crate::pipeline::in_place::instant;
use crate::project::manifest::TimeWindow;
use chrono::{DateTime, Duration, Months, Utc};

/// The stretch that ends now, or the one between the two instants.
pub fn window(text: &str, now: DateTime<Utc>) -> Result<TimeWindow> {
    let wrong = || {
        Error::usage(format!("sample \"{text}\" cannot be read"))
            .hint("write a number and hours, days, months or years: --sample '3 days'; or two instants: --sample '{start: 2024-01-01, end: 2024-02-01}'")
    };
    if text.trim_start().starts_with('{') {
        let map: serde_json::Value = serde_saphyr::from_str(text).map_err(|e| wrong().detail(e.to_string()))?;
        let at = |key: &str| map.get(key).and_then(|value| value.as_str()).and_then(instant);
        return match (at("start"), at("end")) {
            (Some(start), Some(end)) if start < end => Ok(TimeWindow { start: Some(start), end: Some(end) }),
            _ => Err(wrong()),
        };
    }
    let mut words = text.split_whitespace();
    let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else { return Err(wrong()) };
    let count: u32 = count.parse().map_err(|_| wrong())?;
    let start = match unit.to_lowercase().trim_end_matches('s') {
        "hour" => now.checked_sub_signed(Duration::hours(count.into())),
        "day" => now.checked_sub_signed(Duration::days(count.into())),
        "month" => now.checked_sub_months(Months::new(count)),
        "year" => count.checked_mul(12).and_then(|months| now.checked_sub_months(Months::new(months))),
        _ => None,
    };
    Ok(TimeWindow { start: Some(start.ok_or_else(wrong)?), end: Some(now) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_of(text: &str) -> Option<String> {
        let now = instant("2024-03-31T12:00:00Z").expect("an instant");
        window(text, now).ok().and_then(|w| w.start).map(|at| at.format("%Y-%m-%d %H:%M").to_string())
    }

    #[test]
    fn a_span_ends_now() {
        assert_eq!(start_of("3 days").as_deref(), Some("2024-03-28 12:00"));
        assert_eq!(start_of("6 Hours").as_deref(), Some("2024-03-31 06:00"));
        assert_eq!(start_of("1 month").as_deref(), Some("2024-02-29 12:00"));
        assert_eq!(start_of("2 years").as_deref(), Some("2022-03-31 12:00"));
    }

    #[test]
    fn two_instants_are_taken_as_they_are_and_the_rest_is_refused() {
        assert_eq!(
            start_of("{'start': '2024-01-01', 'end': '2024-01-08 18:00:00'}").as_deref(),
            Some("2024-01-01 00:00")
        );
        for wrong in ["", "3", "days", "3 weeks", "-1 days", "9999999 years", "{start: 2024-02-01, end: 2024-01-01}"] {
            assert_eq!(start_of(wrong), None, "{wrong}");
        }
    }
}
