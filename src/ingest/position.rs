//! The position of a line within its order, in bounded memory, whatever the file's size.
//!
//! The lines of an order mostly stand together in a file, and then counting is enough. What has to be noticed is an
//! order that comes back later: its lines are *scattered*, and only the database can number them. So every order that
//! was begun leaves a fingerprint.

use std::hash::{DefaultHasher, Hasher};

/// Fingerprints that are kept: a power of two, 16 MiB of memory that is taken only as far as it is used.
const SLOTS: usize = 1 << 22;
/// Beyond, looking for a free slot takes too long.
const MOST_ORDERS: usize = SLOTS / 10 * 9;

/// Numbers the lines of one file.
#[derive(Debug)]
pub(super) struct Positions {
    /// The order of the last row, empty before the first.
    order_id: String,
    /// Its last line.
    last: i32,
    /// The order was begun before, or may have been.
    is_back: bool,
    /// The greatest order id so far: shorter ids are less, those of one length go by their bytes.
    greatest: String,
    /// Fingerprints of the orders begun; 0 is a free slot. A false alarm costs a slower load and nothing else: with a
    /// million orders it comes once in thousands of files.
    begun: Vec<u32>,
    count: usize,
    is_scattered: bool,
}

impl Positions {
    pub(super) fn new() -> Positions {
        Positions {
            order_id: String::new(),
            last: 0,
            is_back: false,
            greatest: String::new(),
            begun: vec![0; SLOTS],
            count: 0,
            is_scattered: false,
        }
    }

    /// Some lines could not be numbered, or the file names a line that is not after the one before.
    pub(super) fn is_scattered(&self) -> bool {
        self.is_scattered
    }

    /// The line of a row that fits. For an order that comes back it is the row's number: more than any position
    /// before, so that the lines keep their order until the database numbers them.
    pub(super) fn next(&mut self, order_id: &str, row_number: i32) -> i32 {
        if order_id != self.order_id {
            self.begin(order_id);
        }
        self.last = if self.is_back { row_number } else { self.last + 1 };
        self.is_scattered |= self.is_back;
        self.last
    }

    /// Takes note of a line that the file itself numbers.
    pub(super) fn given(&mut self, order_id: &str, line: i32) {
        if order_id != self.order_id {
            self.begin(order_id);
            self.is_scattered |= self.is_back;
        } else {
            self.is_scattered |= line <= self.last;
        }
        self.last = line;
    }

    fn begin(&mut self, order_id: &str) {
        let is_greater = (order_id.len(), order_id) > (self.greatest.len(), self.greatest.as_str());
        let was_there = if self.count < MOST_ORDERS { self.remember(order_id) } else { true };
        // Greater than all before is new for certain, however many there are.
        self.is_back = was_there && !is_greater;
        if is_greater {
            replace(&mut self.greatest, order_id);
        }
        replace(&mut self.order_id, order_id);
        self.last = 0;
    }

    /// Keeps the fingerprint of an order; whether it was there.
    fn remember(&mut self, order_id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(order_id.as_bytes());
        let hash = hasher.finish();
        let fingerprint = ((hash >> 32) as u32).max(1);
        let mut slot = hash as usize % SLOTS;
        loop {
            match self.begun[slot] {
                0 => break,
                known if known == fingerprint => return true,
                _ => slot = (slot + 1) % SLOTS,
            }
        }
        self.begun[slot] = fingerprint;
        self.count += 1;
        false
    }
}

fn replace(text: &mut String, by: &str) {
    text.clear();
    text.push_str(by);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(orders: &[&str]) -> (Vec<i32>, bool) {
        let mut positions = Positions::new();
        let lines = orders.iter().zip(1..).map(|(order, row)| positions.next(order, row)).collect();
        (lines, positions.is_scattered())
    }

    #[test]
    fn lines_that_stand_together_are_counted() {
        assert_eq!(lines(&["b", "b", "a", "c", "c", "c"]), (vec![1, 2, 1, 1, 2, 3], false));
        assert_eq!(lines(&["", ""]), (vec![1, 2], false));
    }

    #[test]
    fn an_order_that_comes_back_is_noticed_and_keeps_its_order() {
        assert_eq!(lines(&["b", "b", "a", "b", "b", "a", "c"]), (vec![1, 2, 1, 4, 5, 6, 1], true));
    }

    #[test]
    fn given_lines_must_ascend_within_orders_that_stand_together() {
        let is_scattered = |rows: &[(&str, i32)]| {
            let mut positions = Positions::new();
            rows.iter().for_each(|(order, line)| positions.given(order, *line));
            positions.is_scattered()
        };
        assert!(!is_scattered(&[("a", 1), ("a", 3), ("b", 1), ("b", 2)]));
        assert!(is_scattered(&[("a", 1), ("a", 1)]));
        assert!(is_scattered(&[("a", 1), ("b", 1), ("a", 2)]));
    }

    #[test]
    fn a_hundred_thousand_orders_raise_no_false_alarm() {
        let mut positions = Positions::new();
        // Downwards, so that being the greatest is no help.
        for order in (0..100_000).rev() {
            positions.next(&format!("{order:06}"), 1);
        }
        assert!(!positions.is_scattered());
        positions.next("050000", 100_001);
        assert!(positions.is_scattered());
    }

    #[test]
    fn beyond_the_memory_only_what_is_greater_counts_as_new() {
        let mut positions = Positions::new();
        positions.count = MOST_ORDERS;
        positions.next("7", 1);
        positions.next("10", 2);
        assert!(!positions.is_scattered());
        positions.next("8", 3);
        assert!(positions.is_scattered());
    }
}
