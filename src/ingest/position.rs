//! The position of a line within its order, in bounded memory, whatever the file's size.
//!
//! The lines of an order mostly stand together in a file, and then counting is enough. What has to be noticed is an
//! order that comes back later: its lines are *scattered*, and only the database can number them. So every order that
//! was begun leaves a fingerprint.

use std::hash::{DefaultHasher, Hasher};

/// Fingerprints that are kept at first: 4 MiB, of which every page is soon in use.
const FEW: usize = 1 << 20;
/// Fingerprints that are kept beside them where a file has more, in no order: 12 MiB.
const MORE: usize = 3 << 20;

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
    /// The orders begun, the first of them and the rest. A false alarm costs a slower load and nothing else: with a
    /// million orders it comes once in thousands of files.
    begun: [Fingerprints; 2],
    /// Each order so far was greater than all before, as exports by number have them.
    is_ascending: bool,
    /// Some of them left no fingerprint.
    is_forgetful: bool,
    is_scattered: bool,
}

impl Positions {
    pub(super) fn new() -> Positions {
        Positions {
            order_id: String::new(),
            last: 0,
            is_back: false,
            greatest: String::new(),
            begun: [Fingerprints::new(FEW), Fingerprints::new(MORE)],
            is_ascending: true,
            is_forgetful: false,
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
        self.is_ascending &= is_greater;
        let was_there = self.remember(order_id, is_greater);
        // Greater than all before is new for certain, however many there are.
        self.is_back = was_there && !is_greater;
        if is_greater {
            replace(&mut self.greatest, order_id);
        }
        replace(&mut self.order_id, order_id);
        self.last = 0;
    }

    /// Keeps the fingerprint of an order; whether it was there, or may have been where no more can be kept.
    fn remember(&mut self, order_id: &str, is_greater: bool) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(order_id.as_bytes());
        let hash = hasher.finish();
        let [first, rest] = &mut self.begun;
        match first.find(hash) {
            Ok(()) => return true,
            Err(slot) if !first.is_full() => return first.keep(hash, slot),
            Err(_) => {}
        }
        // A file that went upwards for so long will go on so, and needs no memory; if it does not, it is held for scattered.
        self.is_forgetful |= rest.is_full() || self.is_ascending;
        if self.is_forgetful {
            return !is_greater;
        }
        match rest.find(hash) {
            Ok(()) => true,
            Err(slot) => rest.keep(hash, slot),
        }
    }
}

/// Fingerprints in a table of fixed size, which takes memory with the first.
#[derive(Debug)]
struct Fingerprints {
    size: usize,
    /// 0 is a free slot.
    slots: Vec<u32>,
    count: usize,
}

impl Fingerprints {
    fn new(size: usize) -> Fingerprints {
        Fingerprints { size, slots: Vec::new(), count: 0 }
    }

    /// Beyond, looking for a free slot takes too long.
    fn is_full(&self) -> bool {
        self.count >= self.size / 10 * 9
    }

    /// Whether the fingerprint is there; the slot for it if not.
    fn find(&mut self, hash: u64) -> Result<(), usize> {
        if self.slots.is_empty() {
            self.slots = vec![0; self.size];
        }
        let mut slot = hash as usize % self.size;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                known if known == fingerprint(hash) => return Ok(()),
                _ => slot = (slot + 1) % self.size,
            }
        }
    }

    /// Takes a free slot; it was not there.
    fn keep(&mut self, hash: u64, slot: usize) -> bool {
        self.slots[slot] = fingerprint(hash);
        self.count += 1;
        false
    }
}

/// The half of a hash that the slot does not tell.
fn fingerprint(hash: u64) -> u32 {
    ((hash >> 32) as u32).max(1)
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
    fn orders_in_no_order_are_known_beyond_the_first_table() {
        let mut positions = Positions::new();
        positions.next("7", 1);
        positions.next("5", 2);
        positions.begun[0].count = FEW;
        positions.next("6", 3);
        positions.next("4", 4);
        assert!(!positions.is_scattered());
        positions.next("6", 5);
        assert!(positions.is_scattered());
    }

    #[test]
    fn beyond_the_memory_only_what_is_greater_counts_as_new() {
        for is_ascending in [true, false] {
            let mut positions = Positions::new();
            positions.is_ascending = is_ascending;
            positions.begun.iter_mut().for_each(|begun| begun.count = begun.size);
            positions.next("7", 1);
            positions.next("10", 2);
            positions.next("11", 3);
            assert!(!positions.is_scattered());
            assert!(positions.begun[1].slots.is_empty(), "memory that nobody needs");
            // It was begun, and left no fingerprint.
            positions.next("10", 4);
            assert!(positions.is_scattered());
        }
    }
}
