//! The progress of a load on standard error: rows, rows a second, and how long it will still take. Terminals only.

use super::print;
use crate::ingest::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The bar of one file.
pub struct LoadBar {
    bar: ProgressBar,
    began: Instant,
}

impl LoadBar {
    /// A bar that draws nothing where nobody looks.
    pub fn new() -> LoadBar {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        if let Ok(style) = ProgressStyle::with_template("  {bar:24} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        LoadBar { bar, began: Instant::now() }
    }

    /// Moves the bar.
    pub fn tell(&self, progress: Progress) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(progress.bytes_total.max(1));
        self.bar.set_position(progress.bytes_read);
        self.bar.set_message(words(progress, self.began.elapsed()));
    }
}

impl Drop for LoadBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `1,200 rows, 600 rows/s, 3.00 s left`
fn words(progress: Progress, elapsed: Duration) -> String {
    let count = |number: u64| print::grouped(i64::try_from(number).unwrap_or(i64::MAX));
    let seconds = elapsed.as_secs_f64().max(1e-3);
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // For people.
    let rate = (progress.rows_read as f64 / seconds) as u64;
    let mut words = format!("{} rows, {} rows/s", count(progress.rows_read), count(rate));
    if progress.bytes_read > 0 && progress.bytes_total > 0 {
        // What is packed is not read evenly; the bytes on disk are the best measure there is.
        #[allow(clippy::cast_precision_loss)]
        let left = progress.bytes_total.saturating_sub(progress.bytes_read) as f64 / progress.bytes_read as f64;
        words += &format!(", {} left", print::duration(elapsed.mul_f64(left.min(1e6))));
    }
    if progress.rows_rejected > 0 {
        words += &format!(", {} rejected", count(progress.rows_rejected));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_follows_from_the_bytes_read() {
        let progress = Progress { rows_read: 1_200, rows_rejected: 0, bytes_read: 400, bytes_total: 1_000 };
        assert_eq!(words(progress, Duration::from_secs(2)), "1,200 rows, 600 rows/s, 3.00 s left");
        let begun = Progress { bytes_read: 0, rows_rejected: 2, ..progress };
        assert_eq!(words(begun, Duration::from_secs(2)), "1,200 rows, 600 rows/s, 2 rejected");
    }
}
