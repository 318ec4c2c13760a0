//! Records out of separated text: CSV with any delimiter, or runs of blanks.

use crate::error::{Error, Result};
use crate::ingest::mapping::{FileFormat, Format};
use csv::ByteRecord;
use std::io::Read;

/// A record longer than this is taken for a quote that is never closed.
pub(super) const MAX_RECORD: usize = 16 << 20;
/// A record of its own that is put after the text. Where it does not come out again, a quote swallowed it.
/// No delimiter and no text in UTF-8 holds these bytes.
const END: &[u8] = b"\n\xff\xfe\xfd\xfc\xfb\xf9\xf8\xf7\xf6\xf5\xff\xfe";

/// The rows of one text.
pub(super) struct SeparatedRows {
    csv: csv::Reader<Bounded>,
    format: Format,
    file_name: String,
    scratch: Vec<u8>,
    /// The record was read to count the columns, and is still to be given out.
    is_pending: bool,
    /// The end was seen.
    is_ended: bool,
}

impl SeparatedRows {
    /// Reads the header, and gives the names of the columns back.
    pub(super) fn open(
        text: Box<dyn Read + Send>,
        format: &FileFormat,
        file_name: &str,
        record: &mut ByteRecord,
    ) -> Result<(SeparatedRows, Vec<String>)> {
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(format.delimiter)
            .quoting(format.format == Format::Csv)
            // Not the library's own "CR LF or LF": that counts the lines of CR LF files one short.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(1 << 16)
            .from_reader(Bounded { text, left: MAX_RECORD, last: b'\n', end: END });
        let mut rows = SeparatedRows {
            csv,
            format: format.format,
            file_name: file_name.to_owned(),
            scratch: Vec::new(),
            is_pending: false,
            is_ended: false,
        };
        let unreadable = |why: &str, hint: &str| {
            Error::config(format!("file \"{file_name}\" cannot be read")).detail(why).hint(hint)
        };
        if !rows.advance(record)? {
            return Err(unreadable("It holds no line.", "check that the export was finished"));
        }
        if !format.has_header {
            rows.is_pending = true;
            return Ok((rows, (1..=record.len()).map(|number| number.to_string()).collect()));
        }
        let names = record.iter().map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()));
        let names = names.collect::<std::result::Result<_, _>>();
        let header = names
            .map_err(|_| unreadable("Its header is not valid UTF-8.", "set the file's encoding in the mapping"))?;
        Ok((rows, header))
    }

    /// Puts the next record into `record`; false at the end of the text. Empty lines are none.
    pub(super) fn advance(&mut self, record: &mut ByteRecord) -> Result<bool> {
        if std::mem::take(&mut self.is_pending) {
            return Ok(true);
        }
        if self.is_ended {
            return Ok(false);
        }
        loop {
            self.csv.get_mut().left = MAX_RECORD;
            let begin = self.csv.position().line();
            let found = self.csv.read_byte_record(record).map_err(|e| self.broken(e))?;
            let is_end = self.csv.get_ref().end.is_empty() && record.as_slice().ends_with(&END[1..]);
            if !found || is_end {
                self.is_ended = true;
                let is_alone = record.as_slice() == &END[1..];
                return if !found || is_alone { Ok(false) } else { Err(self.open_quote(begin)) };
            }
            self.drop_carriage_return(record);
            if self.format == Format::FixedBlanks {
                drop_blanks(record);
            }
            let is_empty_line = record.len() <= 1 && record.as_slice().is_empty();
            if !is_empty_line {
                return Ok(true);
            }
        }
    }

    pub(super) fn check_end(&self, fields: usize, columns: usize) -> Result<()> {
        if self.csv.get_ref().last == b'\n' || fields >= columns {
            return Ok(());
        }
        Err(Error::failed(format!("file \"{}\" breaks off in the middle of a row", self.file_name))
            .detail(format!("Its last row has {fields} of {columns} fields and no line end. Nothing was loaded."))
            .hint("load it again when it is complete"))
    }

    /// Takes a CR that stands before the line's end off the last field.
    fn drop_carriage_return(&mut self, record: &mut ByteRecord) {
        let last = record.len().saturating_sub(1);
        if let Some(field) = record.get(last).and_then(|field| field.strip_suffix(b"\r")) {
            self.scratch.clear();
            self.scratch.extend_from_slice(field);
            record.truncate(last);
            record.push_field(&self.scratch);
        }
    }

    fn open_quote(&self, line: u64) -> Error {
        Error::failed(format!("file \"{}\" ends within quotes", self.file_name))
            .detail(format!("The row that begins on line {line} has a quote that is never closed. Nothing was loaded."))
            .hint("load it again when it is complete, or correct the quote")
    }

    fn broken(&mut self, error: csv::Error) -> Error {
        let line = error.position().or(Some(self.csv.position())).map_or(0, csv::Position::line);
        let message = format!("file \"{}\" cannot be read to its end", self.file_name);
        if self.csv.get_ref().left == 0 {
            return Error::failed(message)
                .detail(format!("The row that begins on line {line} is longer than {} MiB.", MAX_RECORD >> 20))
                .hint("look for a quote that is never closed");
        }
        let told = Error::failed(message).detail(format!("Reading stopped after line {line}."));
        let told =
            if error.is_io_error() { told.hint("check that the file is complete; nothing was loaded") } else { told };
        told.source(error)
    }
}

/// Leaves only the fields between runs of blanks.
fn drop_blanks(record: &mut ByteRecord) {
    let mut kept: ByteRecord = record.iter().filter(|field| !field.is_empty()).collect();
    kept.set_position(record.position().cloned());
    *record = kept;
}

/// Text that ends with an error when a record takes too much of it, and with [`END`] otherwise.
struct Bounded {
    text: Box<dyn Read + Send>,
    left: usize,
    /// The byte of the text read last.
    last: u8,
    /// What is still to be given out after the text.
    end: &'static [u8],
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other("the row is too long"));
        }
        let room = buffer.len().min(self.left);
        let count = self.text.read(&mut buffer[..room])?;
        if let Some(last) = buffer[..count].last() {
            self.left -= count;
            self.last = *last;
            return Ok(count);
        }
        let count = self.end.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.end[..count]);
        self.end = &self.end[count..];
        Ok(count)
    }
}
