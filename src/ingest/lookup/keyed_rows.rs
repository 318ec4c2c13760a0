//! Rows on disk that are found by a key: memory stays as it is, however many they are.
//!
//! Two files without names: the rows as they come, and a table of slots that is written anew, four times as large, when it
//! is half full. A slot holds the place of a row and some bits of its key's hash; the pages that are in use are the system's
//! to keep, and to take away.

use crate::config::temporary_dir;
use crate::error::{Error, Result};
use crate::ingest::file::unnamed_file;
use csv::ByteRecord;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::FileExt;

/// Slots at first.
const FEW_SLOTS: u64 = 1 << 10;
/// Bytes of a slot: 24 bits of the hash, then the row's place and 1; 0 is a free slot.
const SLOT: u64 = 8;
/// Bits of a row's place: there is room for a terabyte of rows.
const PLACE_BITS: u32 = 40;
/// Bytes of rows that are gathered before they are written.
const BUFFER: usize = 64 << 10;
/// Bytes before a row's fields: its length, its line.
const HEAD: usize = 4 + 8;

/// What became of a row.
pub(super) enum Added {
    /// It is there, or one with the same values was.
    Kept,
    /// Another row has its key and other values; the line of that one.
    Contradicts(u64),
}

/// Rows found by a key.
pub(super) struct KeyedRows {
    rows: File,
    /// Bytes of `rows` that are written; what follows is in `buffer`.
    written: u64,
    buffer: Vec<u8>,
    slots: File,
    slot_count: u64,
    count: u64,
    /// A row as it was read.
    row: Vec<u8>,
    file_name: String,
}

impl KeyedRows {
    /// None yet; `file_name` is for messages.
    pub(super) fn new(file_name: &str) -> Result<KeyedRows> {
        let (rows, slots) = (created(file_name)?, created(file_name)?);
        let file_name = file_name.to_owned();
        let rows = KeyedRows {
            rows,
            written: 0,
            buffer: Vec::with_capacity(BUFFER),
            slots,
            slot_count: FEW_SLOTS,
            count: 0,
            row: Vec::new(),
            file_name,
        };
        rows.told(rows.slots.set_len(FEW_SLOTS * SLOT))?;
        Ok(rows)
    }

    /// Keeps a row. One without a key is found by nobody, and is not kept.
    pub(super) fn add<'v>(
        &mut self,
        line: u64,
        key: &'v [u8],
        values: impl Iterator<Item = &'v [u8]>,
    ) -> Result<Added> {
        if key.is_empty() {
            return Ok(Added::Kept);
        }
        let place = self.written + self.buffer.len() as u64;
        let begin = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(&line.to_le_bytes());
        for field in std::iter::once(key).chain(values) {
            // A record is read up to 16 MiB, so that lengths fit.
            self.buffer.extend_from_slice(&(field.len() as u32).to_le_bytes());
            self.buffer.extend_from_slice(field);
        }
        let length = (self.buffer.len() - begin - HEAD) as u32;
        self.buffer[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
        let hash = hash(key);
        if self.read_row_of(hash, key)? {
            let is_same = self.row[HEAD..] == self.buffer[begin + HEAD..];
            self.buffer.truncate(begin);
            return Ok(if is_same { Added::Kept } else { Added::Contradicts(line_of(&self.row)) });
        }
        if (place + 1) >> PLACE_BITS > 0 {
            return Err(Error::failed(format!("file \"{}\" is too large to be looked up", self.file_name))
                .detail(format!("The columns that are looked up have more than {} GiB.", 1 << (PLACE_BITS - 30)))
                .hint("split the files by the key"));
        }
        if self.count * 2 >= self.slot_count {
            self.grow()?;
        }
        let free = self.free_slot(&self.slots, self.slot_count, hash)?;
        let entry = mark(hash) << PLACE_BITS | (place + 1);
        self.told(self.slots.write_all_at(&entry.to_le_bytes(), free * SLOT))?;
        self.count += 1;
        if self.buffer.len() >= BUFFER {
            self.told(self.rows.write_all_at(&self.buffer, self.written))?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(Added::Kept)
    }

    /// Appends the values of the row with this key to `values`; false where there is none.
    pub(super) fn find(&mut self, key: &[u8], values: &mut ByteRecord) -> Result<bool> {
        if key.is_empty() || !self.read_row_of(hash(key), key)? {
            return Ok(false);
        }
        fields(&self.row).skip(1).for_each(|field| values.push_field(field));
        Ok(true)
    }

    /// Whether a row has this key; it is in `self.row` then.
    fn read_row_of(&mut self, hash: u64, key: &[u8]) -> Result<bool> {
        let mut slot = hash % self.slot_count;
        loop {
            let entry = self.entry(&self.slots, slot)?;
            if entry == 0 {
                return Ok(false);
            }
            if entry >> PLACE_BITS == mark(hash) {
                self.read_row((entry & ((1 << PLACE_BITS) - 1)) - 1)?;
                if fields(&self.row).next() == Some(key) {
                    return Ok(true);
                }
            }
            slot = (slot + 1) % self.slot_count;
        }
    }

    fn read_row(&mut self, place: u64) -> Result<()> {
        let mut row = std::mem::take(&mut self.row);
        let read = if let Some(begin) = place.checked_sub(self.written).and_then(|begin| usize::try_from(begin).ok()) {
            let kept = &self.buffer[begin..];
            row.clear();
            row.extend_from_slice(&kept[..HEAD + length_of(kept)]);
            Ok(())
        } else {
            // Most rows are short and come with the first look.
            row.resize(512.min((self.written - place) as usize), 0);
            self.rows.read_exact_at(&mut row, place).and_then(|()| {
                let (had, length) = (row.len(), HEAD + length_of(&row));
                row.resize(length, 0);
                if length > had { self.rows.read_exact_at(&mut row[had..], place + had as u64) } else { Ok(()) }
            })
        };
        self.row = row;
        self.told(read)
    }

    fn entry(&self, slots: &File, slot: u64) -> Result<u64> {
        let mut entry = [0; SLOT as usize];
        self.told(slots.read_exact_at(&mut entry, slot * SLOT))?;
        Ok(u64::from_le_bytes(entry))
    }

    fn free_slot(&self, slots: &File, slot_count: u64, hash: u64) -> Result<u64> {
        let mut slot = hash % slot_count;
        while self.entry(slots, slot)? != 0 {
            slot = (slot + 1) % slot_count;
        }
        Ok(slot)
    }

    /// Makes a larger table. Where a row belongs in it is told by its key, which is read again.
    fn grow(&mut self) -> Result<()> {
        let (slots, slot_count) = (created(&self.file_name)?, self.slot_count * 4);
        self.told(slots.set_len(slot_count * SLOT))?;
        for slot in 0..self.slot_count {
            let entry = self.entry(&self.slots, slot)?;
            if entry != 0 {
                self.read_row((entry & ((1 << PLACE_BITS) - 1)) - 1)?;
                let hash = hash(fields(&self.row).next().unwrap_or_default());
                let free = self.free_slot(&slots, slot_count, hash)?;
                self.told(slots.write_all_at(&entry.to_le_bytes(), free * SLOT))?;
            }
        }
        (self.slots, self.slot_count) = (slots, slot_count);
        Ok(())
    }

    fn told<T>(&self, done: std::io::Result<T>) -> Result<T> {
        done.map_err(|e| unwritable(&self.file_name, e))
    }
}

fn created(file_name: &str) -> Result<File> {
    unnamed_file(&temporary_dir()).map_err(|e| unwritable(file_name, e))
}

fn unwritable(file_name: &str, cause: std::io::Error) -> Error {
    Error::failed(format!("rows of file \"{file_name}\" cannot be kept for looking them up"))
        .detail(format!("The folder is {}.", temporary_dir().display()))
        .hint("set TMPDIR to a folder with room for them")
        .source(cause)
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}

/// The bits of a hash that a slot holds: not those that tell the slot.
fn mark(hash: u64) -> u64 {
    hash >> PLACE_BITS
}

fn number(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

/// Bytes of a row's fields.
fn length_of(row: &[u8]) -> usize {
    number(row)
}

fn line_of(row: &[u8]) -> u64 {
    row[4..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The key, then the values.
fn fields(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = row.get(HEAD..).unwrap_or_default();
    std::iter::from_fn(move || {
        let after = rest.get(4..)?;
        let (field, left) = after.split_at_checked(number(rest))?;
        rest = left;
        Some(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &mut KeyedRows, key: &str) -> Option<Vec<String>> {
        let mut values = ByteRecord::new();
        let is_there = rows.find(key.as_bytes(), &mut values).unwrap();
        is_there.then(|| values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect())
    }

    fn add(rows: &mut KeyedRows, line: u64, key: &str, values: &[&str]) -> Option<u64> {
        match rows.add(line, key.as_bytes(), values.iter().map(|value| value.as_bytes())).unwrap() {
            Added::Kept => None,
            Added::Contradicts(first) => Some(first),
        }
    }

    #[test]
    fn every_row_is_found_again_however_many_there_are() {
        let mut rows = KeyedRows::new("orders.csv").unwrap();
        for line in 0..20_000_u64 {
            // Some are longer than what is read at once.
            let wide = "x".repeat(if line.is_multiple_of(1_000) { 2_000 } else { 3 });
            assert_eq!(add(&mut rows, line, &format!("o{line}"), &[&line.to_string(), &wide]), None);
        }
        for line in (0..20_000).rev() {
            let wide = if line % 1_000 == 0 { 2_000 } else { 3 };
            let values = found(&mut rows, &format!("o{line}")).unwrap();
            assert_eq!((values[0].as_str(), values[1].len(), values.len()), (line.to_string().as_str(), wide, 2));
        }
        for key in ["o20000", "", "O1"] {
            assert_eq!(found(&mut rows, key), None, "{key}");
        }
    }

    #[test]
    fn a_key_may_come_again_with_the_same_values_only() {
        let mut rows = KeyedRows::new("orders.csv").unwrap();
        assert_eq!(add(&mut rows, 2, "a", &["1", ""]), None);
        assert_eq!(add(&mut rows, 3, "a", &["1", ""]), None);
        assert_eq!(add(&mut rows, 4, "a", &["", "1"]), Some(2));
        // Nobody asks for rows without a key.
        assert_eq!((add(&mut rows, 5, "", &["1", "2"]), add(&mut rows, 6, "", &["3", "4"])), (None, None));
        assert_eq!(found(&mut rows, "a"), Some(vec!["1".to_owned(), String::new()]));
    }
}
