//! Order lines by time: of a window of days all events are found and sorted, then rows are made of them.
//!
//! A person's life is made again for each window, which costs little, and lets memory depend on the window alone.

use super::ordered::ordered;
use super::people::{bundle, bundles};
use super::rows::{RowFile, Rows};
use super::tables::{ORDERS, order_rows};
use super::{GenerateProgress, Writer};
use crate::analytics::generate::{Basket, Event};
use crate::error::Result;

/// Events of a window, where a day has not more alone: 16 MiB.
const WINDOW_EVENTS: u64 = 1 << 20;
/// Events whose rows are made at once; their rows are also a row group of a Parquet file.
const EVENTS: usize = 8_192;

/// Windows of days with about so many events, as days from and until.
fn windows(events_of_day: &[u64], events_max: u64) -> Vec<(u32, u32)> {
    let mut windows = Vec::new();
    let (mut from, mut held) = (0, 0);
    for (day, events) in (0..).zip(events_of_day) {
        if held > 0 && held + events > events_max {
            windows.push((from, day));
            (from, held) = (day, 0);
        }
        held += events;
    }
    windows.push((from, events_of_day.len() as u32));
    windows
}

impl<F: RowFile> Writer<'_, F> {
    /// Writes all order lines.
    pub(super) fn orders(&mut self, events_of_day: &[u64], progress: &mut dyn FnMut(GenerateProgress)) -> Result<()> {
        let shop = self.shop;
        let mut file = self.create(&ORDERS)?;
        let mut done = GenerateProgress { events_total: events_of_day.iter().sum(), ..GenerateProgress::default() };
        let mut events: Vec<Event> = Vec::new();
        for (from, until) in windows(events_of_day, WINDOW_EVENTS) {
            events.clear();
            let find = |chunk| {
                let mut found = Vec::new();
                for person in bundle(chunk, shop.persons()) {
                    shop.events_of(person, from * 86_400, until * 86_400, &mut |event| found.push(event));
                }
                found
            };
            ordered(self.threads, bundles(shop.persons()), find, |found| {
                events.extend(found);
                Ok(())
            })?;
            events.sort_unstable_by_key(Event::sort_key);
            let chunks: Vec<&[Event]> = events.chunks(EVENTS).collect();
            let written = done.events as u32;
            let make = |chunk: usize| {
                let mut rows = F::Rows::new(&ORDERS);
                let mut basket = Basket::default();
                for (number, event) in (written + (chunk * EVENTS) as u32 + 1..).zip(chunks[chunk]) {
                    order_rows(&mut rows, shop, number, event, &mut basket);
                }
                rows.seal();
                (rows, chunks[chunk].len() as u64)
            };
            ordered(self.threads, chunks.len(), make, |(rows, count)| {
                done.lines += rows.count();
                done.events += count;
                progress(done);
                file.append(rows)
            })?;
        }
        self.keep(file)
    }
}

#[cfg(test)]
mod tests {
    use super::windows;

    #[test]
    fn windows_hold_all_days_once_and_not_too_many_events() {
        assert_eq!(windows(&[3, 3, 3, 9, 1, 1], 6), [(0, 2), (2, 3), (3, 4), (4, 6)]);
        assert_eq!(windows(&[0, 0, 7, 0], 6), [(0, 3), (3, 4)]);
        assert_eq!(windows(&[1, 1], 6), [(0, 2)]);
    }
}
