//! Columns that other files give to the rows of the file that is loaded, by a key: exports that are spread over files.
//!
//! Memory holds one row of each file, whatever their sizes: the other files' rows lie in a [`KeyedRows`] on disk.

mod keyed_rows;

use super::file::OrderFile;
use super::mapping::{Lookup, Mapping};
use super::reader::RecordReader;
use crate::error::{Error, Result};
use csv::ByteRecord;
use keyed_rows::{Added, KeyedRows};
use std::sync::Arc;

/// The files that give columns, ready to be asked.
pub(super) struct Lookups {
    lookups: Vec<Ready>,
    /// Names of all columns of a widened row.
    pub(super) header: Vec<String>,
    widened: ByteRecord,
}

/// One file that gives columns.
struct Ready {
    rows: KeyedRows,
    /// Place of the key in a row that the files before have widened.
    key_place: usize,
    /// How many columns it gives.
    count: usize,
    /// The key asked for last: lines of one order mostly stand together.
    last_key: Vec<u8>,
    found: ByteRecord,
}

fn open(lookup: &Lookup, file: &OrderFile) -> Result<OrderFile> {
    let beside = file.path.parent().map(|folder| folder.join(&lookup.file));
    let hint = "lookup.file of the mapping is looked for beside the file that is loaded";
    OrderFile::open(&beside.unwrap_or_else(|| lookup.file.clone())).map_err(|e| e.hint(hint))
}

/// Makes the files part of what identifies a load: where they give other values, the rows are others.
pub(super) fn note(mapping: &mut Mapping, file: &OrderFile) -> Result<()> {
    for lookup in &mapping.lookups {
        let both = format!("{} {}", mapping.checksum, open(lookup, file)?.checksum);
        mapping.checksum = blake3::hash(both.as_bytes()).to_hex().to_string();
    }
    Ok(())
}

impl Lookups {
    /// Reads the files that the mapping names into their places on disk; `header` is of the file that is loaded.
    pub(super) fn open(mapping: &Mapping, file: &OrderFile, header: &[String]) -> Result<Lookups> {
        let (mut header, mut lookups) = (header.to_vec(), Vec::new());
        for lookup in &mapping.lookups {
            let key_place = place(&header, &lookup.on, &file.name)?;
            let rows = read(lookup, &open(lookup, file)?)?;
            let count = lookup.columns.len();
            lookups.push(Ready { rows, key_place, count, last_key: Vec::new(), found: ByteRecord::new() });
            header.extend(lookup.columns.iter().cloned());
        }
        Ok(Lookups { lookups, header, widened: ByteRecord::new() })
    }

    /// The row with the columns that the files give; empty ones where a file does not have its key.
    pub(super) fn widen<'r>(&'r mut self, record: &'r ByteRecord) -> Result<&'r ByteRecord> {
        if self.lookups.is_empty() {
            return Ok(record);
        }
        self.widened.clear();
        record.iter().for_each(|field| self.widened.push_field(field));
        for lookup in &mut self.lookups {
            // A row that is too short or too long is widened as well, and so stays too short or too long.
            let key = self.widened.get(lookup.key_place).unwrap_or_default();
            if lookup.last_key != key {
                lookup.last_key.clear();
                lookup.last_key.extend_from_slice(key);
                lookup.found.clear();
                if !lookup.rows.find(key, &mut lookup.found)? {
                    (0..lookup.count).for_each(|_| lookup.found.push_field(b""));
                }
            }
            if lookup.found.is_empty() {
                // No key was asked for before an empty one.
                (0..lookup.count).for_each(|_| lookup.found.push_field(b""));
            }
            lookup.found.iter().for_each(|field| self.widened.push_field(field));
        }
        Ok(&self.widened)
    }
}

/// Reads a whole file; only the key and the columns that it gives are kept.
fn read(lookup: &Lookup, file: &OrderFile) -> Result<KeyedRows> {
    let mut reader = RecordReader::open(file, &lookup.format, Arc::default())?;
    let header = std::mem::take(&mut reader.header);
    let key_place = place(&header, &lookup.on, &file.name)?;
    let places: Vec<usize> =
        lookup.columns.iter().map(|column| place(&header, column, &file.name)).collect::<Result<_>>()?;
    let mut rows = KeyedRows::new(&file.name)?;
    let mut fields = header.len();
    while reader.advance()? {
        let (record, line) = (reader.record(), reader.line());
        fields = record.len();
        if fields != header.len() {
            reader.check_end(fields, header.len())?;
            return Err(Error::failed(format!("file \"{}\" cannot be looked up", file.name))
                .detail(format!(
                    "The row on line {line} has {fields} fields, and the file has {} columns. Nothing was loaded.",
                    header.len()
                ))
                .hint("correct the row, or lookup.delimiter in the mapping"));
        }
        let values = places.iter().map(|place| record.get(*place).unwrap_or_default());
        match rows.add(line, record.get(key_place).unwrap_or_default(), values)? {
            Added::Kept => {}
            Added::Contradicts(first) => {
                return Err(Error::failed(format!("file \"{}\" has two rows for one {}", file.name, lookup.on))
                    .detail(format!(
                        "Lines {first} and {line} give other values of {}. Nothing was loaded.",
                        lookup.columns.join(", ")
                    ))
                    .hint("look up columns only that are the same for every row of a key"));
            }
        }
    }
    reader.check_end(fields, header.len())?;
    Ok(rows)
}

fn place(header: &[String], column: &str, file_name: &str) -> Result<usize> {
    header.iter().position(|name| name == column).ok_or_else(|| {
        Error::config(format!("file \"{file_name}\" has no column \"{column}\" to look up"))
            .detail(format!("Its columns are: {}.", header.join(", ")))
            .hint("correct lookup.on and lookup.columns in the mapping")
    })
}
