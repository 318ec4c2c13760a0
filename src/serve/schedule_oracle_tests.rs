//! The schedule against two oracles: the `croner` crate, and a walk over every minute that knows nothing of crontab
//! libraries; over every zone of the IANA list in the ignored test, over a few in the one that always runs.

use super::*;
use chrono::{Datelike, Days};
use std::str::FromStr;

/// Lines of one time a day, compared over whole years: hours that clocks skip and repeat, weekdays, dates.
const SINGLE: [&str; 7] =
    ["30 2 * * *", "0 0 * * *", "30 2 * * 0", "0 2 1,15 * *", "45 1 13 * 5", "10 0 * * 1-5", "0 0 29 2 *"];
/// Lines of several times a day. Of those that a gap swallows `croner` drops all, and we run the job once after it.
const SEVERAL: [&str; 2] = ["15 1,2,3 * * *", "*/20 0-3 * * 6,0"];
/// Lines that are due all day, compared two days around each change of the clocks.
const FREQUENT: [&str; 3] = ["*/15 * * * *", "7 * * * *", "*/30 * * * 0"];

fn day(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().expect("a day")
}

/// A crontab line as bit sets, read in the simplest way.
struct Line {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both day fields are restricted: either is enough.
    either: bool,
    every_hour: bool,
}

impl Line {
    fn read(text: &str) -> Line {
        let words: Vec<&str> = text.split(' ').collect();
        let set = |index: usize, low: u64, high: u64| {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            words[index].split(',').fold(0_u64, |set, item| {
                let (span, step) = item.split_once('/').map_or((item, 1), |(span, step)| (span, number(step)));
                let (from, to) = match span.split_once('-') {
                    _ if span == "*" => (low, high),
                    Some((from, to)) => (number(from), number(to)),
                    None => (number(span), number(span)),
                };
                (from..=to).filter(|value| (value - from) % step == 0).fold(set, |set, value| set | 1 << value)
            })
        };
        Line {
            minutes: set(0, 0, 59),
            hours: set(1, 0, 23),
            days: set(2, 1, 31),
            months: set(3, 1, 12),
            weekdays: set(4, 0, 6),
            either: words[2] != "*" && words[4] != "*",
            every_hour: words[1] == "*",
        }
    }

    fn is_day(&self, day: i64) -> bool {
        let date = chrono::NaiveDate::from_epoch_days(i32::try_from(day).expect("in range")).expect("in range");
        let has = |set: u64, bit: u32| set >> bit & 1 == 1;
        let (dom, dow) = (has(self.days, date.day()), has(self.weekdays, date.weekday().num_days_from_sunday()));
        has(self.months, date.month()) && if self.either { dom || dow } else { dom && dow }
    }

    fn is_time(&self, minute_of_day: i64) -> bool {
        self.hours >> (minute_of_day / 60) & 1 == 1 && self.minutes >> (minute_of_day % 60) & 1 == 1
    }
}

/// Minutes that local clocks are ahead of UTC.
fn offset(tz: Tz, minute: i64) -> i64 {
    let instant = DateTime::from_timestamp(minute * 60, 0).expect("in range");
    let seconds = i64::from(instant.with_timezone(&tz).offset().fix().local_minus_utc());
    assert_eq!(seconds % 60, 0, "{tz} is off by seconds");
    seconds / 60
}

/// What the documentation promises, minute by minute: `from` is left out, `until` is not.
fn walk(tz: Tz, lines: &[Line], from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Vec<DateTime<Utc>>> {
    let mut due = vec![Vec::new(); lines.len()];
    let (first, last) = (from.timestamp() / 60, until.timestamp() / 60);
    let mut previous = first + offset(tz, first);
    // The latest time that local clocks have shown: what comes at or before it is a repetition.
    let mut shown = previous;
    let mut today = i64::MIN;
    let mut is_day = vec![false; lines.len()];
    let (mut here, mut next) = (offset(tz, first), offset(tz, (first / 60 + 1) * 60));
    for minute in first + 1..=last {
        if minute % 60 == 0 {
            (here, next) = (next, offset(tz, minute + 60));
        }
        let local = minute + if here == next { here } else { offset(tz, minute) };
        if local.div_euclid(1440) != today {
            today = local.div_euclid(1440);
            is_day = lines.iter().map(|line| line.is_day(today)).collect();
        }
        for (index, line) in lines.iter().enumerate() {
            let is_now = is_day[index] && line.is_time(local.rem_euclid(1440)) && (line.every_hour || local > shown);
            let mut skipped = if line.every_hour { 0..0 } else { previous + 1..local };
            if is_now || skipped.any(|l| line.is_day(l.div_euclid(1440)) && line.is_time(l.rem_euclid(1440))) {
                due[index].push(DateTime::from_timestamp(minute * 60, 0).expect("in range"));
            }
        }
        previous = local;
        shown = shown.max(local);
    }
    due
}

fn ours(line: &str, tz: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let crontab = Crontab::parse(line).expect("a good line");
    let next = |last: &DateTime<Utc>| crontab.next_after(tz, *last).filter(|next| *next <= until);
    std::iter::successors(next(&from), next).collect()
}

fn by_croner(line: &str, tz: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let line = croner::Cron::from_str(line).expect("a good line");
    let next = |last: &DateTime<Utc>| {
        let next = line.find_next_occurrence(&last.with_timezone(&tz), false).expect("due again");
        Some(next.with_timezone(&Utc)).filter(|next| *next <= until)
    };
    std::iter::successors(next(&from), next).collect()
}

/// Instants near which local clocks change, to the day.
fn changes(tz: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let days = std::iter::successors(Some(from), |day| day.checked_add_days(Days::new(1)));
    let days: Vec<_> = days.take_while(|day| *day < until).collect();
    let at = |day: &DateTime<Utc>| offset(tz, day.timestamp() / 60);
    days.windows(2).filter(|pair| at(&pair[0]) != at(&pair[1])).map(|pair| pair[0]).collect()
}

/// Compares lines in a zone with what the walk finds; the number of due times.
fn compare_walked(lines: &[&str], tz: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> usize {
    let read: Vec<Line> = lines.iter().map(|line| Line::read(line)).collect();
    let walked = walk(tz, &read, from, until);
    let compared = lines.iter().zip(&walked).map(|(line, walked)| {
        let due = ours(line, tz, from, until);
        assert_same(&due, walked, &format!("{line} in {tz}, minutes walked"));
        due.len()
    });
    compared.sum()
}

/// Fails with the first difference only: the lists are long.
fn assert_same(due: &[DateTime<Utc>], expected: &[DateTime<Utc>], what: &str) {
    let at = (0..due.len().max(expected.len())).find(|index| due.get(*index) != expected.get(*index));
    if let Some(at) = at {
        panic!("{what}: due time {at} is {:?}, expected {:?}", due.get(at), expected.get(at));
    }
}

/// Compares one zone with both oracles; the numbers of due times compared with each.
fn compare(tz: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> (usize, usize) {
    let mut walked = compare_walked(&SINGLE, tz, from, until) + compare_walked(&SEVERAL, tz, from, until);
    for change in changes(tz, from, until) {
        walked += compare_walked(&FREQUENT, tz, change - Duration::days(2), change + Duration::days(3));
    }
    let cronered = SINGLE.iter().map(|line| {
        let due = ours(line, tz, from, until);
        assert_same(&due, &by_croner(line, tz, from, until), &format!("{line} in {tz}, croner"));
        due.len()
    });
    (walked, cronered.sum())
}

/// Zones north, south, without daylight saving, with half hours, and with a half-hour change (Lord Howe).
const SOME: [Tz; 12] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::Europe__London,
    Tz::Europe__Dublin,
    Tz::Africa__Casablanca,
    Tz::America__New_York,
    Tz::America__St_Johns,
    Tz::America__Santiago,
    Tz::Asia__Jerusalem,
    Tz::Asia__Kathmandu,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Chatham,
];

#[test]
fn two_years_of_some_zones_equal_both_oracles() {
    let compared: Vec<_> = SOME.iter().map(|tz| compare(*tz, day(2027), day(2029))).collect();
    let (walked, cronered) = compared.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    assert!(walked > 100_000 && cronered > 25_000, "only {walked} and {cronered} due times were compared");
}

/// `make faults` runs it; alone: `cargo test --lib --profile faults -- --ignored every_zone --nocapture`.
#[test]
#[allow(clippy::print_stdout)] // The figures are what it is run for.
#[ignore = "takes minutes in the dev profile; make faults runs it"]
fn ten_years_of_every_zone_equal_both_oracles() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let zones = chrono_tz::TZ_VARIANTS;
    let work = || {
        let (mut walked, mut cronered) = (0, 0);
        while let Some(tz) = zones.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            let (by_walk, by_croner) = compare(*tz, day(2027), day(2037));
            walked += by_walk;
            cronered += by_croner;
        }
        (walked, cronered)
    };
    let (walked, cronered) = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().map(|t| t.join().expect("no difference")).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    });
    println!(
        "{} zones, 2027 to 2036, {} lines: {walked} due times equal those of the walk, {cronered} those of croner; 0 differences",
        zones.len(),
        SINGLE.len() + SEVERAL.len() + FREQUENT.len(),
    );
    assert!(zones.len() > 500 && walked > 10_000_000, "{} zones, {walked} due times", zones.len());
}
