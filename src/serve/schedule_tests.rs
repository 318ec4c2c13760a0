//! Tests of the schedule: the traps by hand, the rest by properties; the oracles stand beside.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a test's instant").with_timezone(&Utc)
}

/// The first `count` due times after `after`, written in the zone.
fn due(line: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let (crontab, tz) = (Crontab::parse(line).expect("a good line"), timezone(zone).expect("a zone"));
    let mut last = at(after);
    (0..count)
        .map(|_| {
            last = crontab.next_after(tz, last).expect("due again");
            last.with_timezone(&tz).format("%a %Y-%m-%d %H:%M %:z").to_string()
        })
        .collect()
}

#[test]
fn a_skipped_time_is_due_right_after_the_gap() {
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", 2),
        ["Sun 2027-03-28 03:00 +02:00", "Mon 2027-03-29 02:30 +02:00"]
    );
    // Two times in one gap are one instant, and so one slot.
    assert_eq!(
        due("0,30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", 2),
        ["Sun 2027-03-28 03:00 +02:00", "Mon 2027-03-29 02:00 +02:00"]
    );
}

#[test]
fn a_repeated_time_is_due_once() {
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", 2),
        ["Sun 2027-10-31 02:30 +02:00", "Mon 2027-11-01 02:30 +01:00"]
    );
}

#[test]
fn an_hourly_job_follows_elapsed_time() {
    assert_eq!(
        due("15 * * * *", "Europe/Berlin", "2027-10-30T23:20:00Z", 3),
        ["Sun 2027-10-31 02:15 +02:00", "Sun 2027-10-31 02:15 +01:00", "Sun 2027-10-31 03:15 +01:00"]
    );
    assert_eq!(
        due("15 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 2),
        ["Sun 2027-03-28 01:15 +01:00", "Sun 2027-03-28 03:15 +02:00"]
    );
}

#[test]
fn both_numbers_and_the_name_are_sunday() {
    let sunday = ["Sun 2026-11-22 04:00 +00:00", "Sun 2026-11-29 04:00 +00:00"];
    for line in ["0 4 * * 0", "0 4 * * 7", "0 4 * * SUN", "0 4 * * sun"] {
        assert_eq!(due(line, "UTC", "2026-11-21T00:00:00Z", 2), sunday, "{line}");
    }
    assert_eq!(due("@weekly", "UTC", "2026-11-21T00:00:00Z", 1), ["Sun 2026-11-22 00:00 +00:00"]);
}

#[test]
fn restricted_day_of_month_or_restricted_day_of_week_is_enough() {
    assert_eq!(
        due("0 0 13 * fri", "UTC", "2026-11-01T00:00:00Z", 5),
        [
            "Fri 2026-11-06 00:00 +00:00",
            "Fri 2026-11-13 00:00 +00:00",
            "Fri 2026-11-20 00:00 +00:00",
            "Fri 2026-11-27 00:00 +00:00",
            "Fri 2026-12-04 00:00 +00:00"
        ]
    );
    assert_eq!(
        due("0 0 1,15 * 1", "UTC", "2026-12-12T00:00:00Z", 3),
        ["Mon 2026-12-14 00:00 +00:00", "Tue 2026-12-15 00:00 +00:00", "Mon 2026-12-21 00:00 +00:00"]
    );
}

#[test]
fn a_leap_day_comes_every_four_years() {
    assert_eq!(
        due("0 0 29 2 *", "Asia/Tokyo", "2026-11-21T00:00:00Z", 2),
        ["Tue 2028-02-29 00:00 +09:00", "Sun 2032-02-29 00:00 +09:00"]
    );
    let error = Crontab::parse("0 0 30 2 *").expect_err("February has no 30th");
    assert_eq!(error.message, "schedule \"0 0 30 2 *\" never comes due");
}

#[test]
fn lists_names_and_steps_work_together() {
    assert_eq!(
        due("*/20 9-10 * jan,jul mon-fri", "UTC", "2027-01-01T09:50:00Z", 3),
        ["Fri 2027-01-01 10:00 +00:00", "Fri 2027-01-01 10:20 +00:00", "Fri 2027-01-01 10:40 +00:00"]
    );
}

#[test]
fn between_keeps_the_newest() {
    let crontab = Crontab::parse("@hourly").expect("a good line");
    let tz = timezone("UTC").expect("a zone");
    let slots = crontab.between(tz, at("2026-11-21T00:00:00Z"), at("2026-11-21T10:00:00Z"), 3);
    assert_eq!(slots, [at("2026-11-21T08:00:00Z"), at("2026-11-21T09:00:00Z"), at("2026-11-21T10:00:00Z")]);
}

#[test]
fn a_year_without_a_daemon_is_looked_through_quickly() {
    let crontab = Crontab::parse("* * * * *").expect("a good line");
    let tz = timezone("Europe/Berlin").expect("a zone");
    let begun = std::time::Instant::now();
    let (from, until) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let slots = crontab.between(tz, from, until, 1000);
    assert_eq!(slots.last(), Some(&until));
    assert!((500..=1000).contains(&slots.len()), "{} slots", slots.len());
    assert!(slots.windows(2).all(|pair| pair[1] - pair[0] == Duration::minutes(1)));
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it took {:?}", begun.elapsed());
}

/// Zones north, south, without daylight saving, with half hours, and with a half-hour change (Lord Howe).
const ZONES: [&str; 24] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Athens",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Bogota",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Africa/Johannesburg",
    "Atlantic/Azores",
];

proptest! {
    #[test]
    fn next_is_later_and_on_the_line(
        minute in 0_u32..60, hour in 0_u32..24, zone in 0_usize..ZONES.len(), start in 1_700_000_000_i64..2_100_000_000,
    ) {
        let tz = timezone(ZONES[zone]).expect("a zone");
        let crontab = Crontab::parse(&format!("{minute} {hour} * * *")).expect("a good line");
        let after = DateTime::from_timestamp(start, 0).expect("in range");
        let next = crontab.next_after(tz, after).expect("due again");
        prop_assert!(next > after);
        // A day has at most 25 hours, and a gap moves a slot by less than two.
        prop_assert!(next - after <= Duration::hours(27));
        // Asking from just before gives the same slot: no slot lies between.
        prop_assert_eq!(crontab.next_after(tz, next - Duration::seconds(1)), Some(next));
    }

    #[test]
    fn any_text_is_answered_without_a_panic(text in "[ -~]{0,30}") {
        let _ = Crontab::parse(&text);
    }
}
