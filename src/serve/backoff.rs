//! Pauses before another try: longer each time, and not the same for all who were refused together.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

/// The pause before try number `attempt` (the first pause is 0); `who` sets apart those who wait at the same time.
pub(super) fn pause(attempt: u32, who: impl Hash) -> Duration {
    let whole = FIRST.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(LONGEST);
    let mut hasher = DefaultHasher::new();
    (attempt, who).hash(&mut hasher);
    // From half of it to the whole.
    let share = f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or_default()) / f64::from(u32::MAX);
    whole.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_minute_and_differ_by_process() {
        for attempt in [0, 1, 2, 3, 4, 5, 40] {
            let whole = (2_u64.pow(attempt.min(6)) * 2).min(60);
            let pauses: Vec<Duration> = (0..50).map(|process| pause(attempt, process)).collect();
            let (least, most) = (Duration::from_secs(whole) / 2, Duration::from_secs(whole));
            assert!(pauses.iter().all(|pause| (least..=most).contains(pause)), "{attempt}: {pauses:?}");
            assert!(pauses.iter().max() > pauses.iter().min(), "{attempt}: all wait alike");
        }
    }
}
