//! Records out of separated text, one at a time, in bounded memory.

use super::mapping::{FileFormat, Format};
use crate::error::{Error, Result};
use csv::ByteRecord;
use std::io::Read;

/// A record longer than this is taken for a quote that is never closed.
const MAX_RECORD: usize = 16 << 20;
/// Characters of a rejected row's text that are kept.
const MAX_RAW_TEXT: usize = 2_000;

/// Reads the records of one file.
pub struct RecordReader {
    csv: csv::Reader<Bounded>,
    format: Format,
    delimiter: u8,
    file_name: String,
    /// Names of the columns, without blanks around them.
    pub header: Vec<String>,
    record: ByteRecord,
    scratch: Vec<u8>,
    /// The record was read to count the columns, and is still to be given out.
    is_pending: bool,
}

impl RecordReader {
    /// Reads the header; `file_name` is for messages.
    pub fn new(text: Box<dyn Read + Send>, format: &FileFormat, file_name: &str) -> Result<RecordReader> {
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(format.delimiter)
            .quoting(format.format == Format::Csv)
            // Not the library's own "CR LF or LF": that counts the lines of CR LF files one short.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(1 << 16)
            .from_reader(Bounded { text, left: MAX_RECORD, last: b'\n' });
        let mut reader = RecordReader {
            csv,
            format: format.format,
            delimiter: format.delimiter,
            file_name: file_name.to_owned(),
            header: Vec::new(),
            record: ByteRecord::new(),
            scratch: Vec::new(),
            is_pending: false,
        };
        let unreadable = |why: &str, hint: &str| {
            Error::config(format!("file \"{file_name}\" cannot be read")).detail(why).hint(hint)
        };
        if !reader.advance()? {
            return Err(unreadable("It holds no line.", "check that the export was finished"));
        }
        if format.has_header {
            let names = reader.record.iter().map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()));
            reader.header = names
                .collect::<std::result::Result<_, _>>()
                .map_err(|_| unreadable("Its header is not valid UTF-8.", "save the file as UTF-8"))?;
        } else {
            reader.header = (1..=reader.record.len()).map(|number| number.to_string()).collect();
            reader.is_pending = true;
        }
        Ok(reader)
    }

    /// Goes to the next record; false at the end of the file. Empty lines are none.
    pub fn advance(&mut self) -> Result<bool> {
        if std::mem::take(&mut self.is_pending) {
            return Ok(true);
        }
        loop {
            self.csv.get_mut().left = MAX_RECORD;
            let found = self.csv.read_byte_record(&mut self.record).map_err(|e| self.broken(e))?;
            if !found {
                return Ok(false);
            }
            self.drop_carriage_return();
            if self.format == Format::FixedBlanks {
                self.drop_blanks();
            }
            let is_empty_line = self.record.len() <= 1 && self.record.as_slice().is_empty();
            if !is_empty_line {
                return Ok(true);
            }
        }
    }

    /// At the end of the file: refuses one whose last row is short and has no line end, as an upload leaves it
    /// that is still under way. `fields` is the number of fields of that row.
    pub fn check_end(&self, fields: usize, columns: usize) -> Result<()> {
        if self.csv.get_ref().last == b'\n' || fields >= columns {
            return Ok(());
        }
        Err(Error::failed(format!("file \"{}\" breaks off in the middle of a row", self.file_name))
            .detail(format!("Its last row has {fields} of {columns} fields and no line end. Nothing was loaded."))
            .hint("load it again when it is complete"))
    }

    /// The record's fields.
    #[must_use]
    pub fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// Line of the file on which the record begins, from 1; empty lines right before it count as part of it.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// The record as separated text again, with replacement characters for what PostgreSQL cannot keep, cut where
    /// it is very long.
    #[must_use]
    pub fn raw_text(&self) -> String {
        let mut writer = csv::WriterBuilder::new().flexible(true).delimiter(self.delimiter).from_writer(Vec::new());
        // Bytes beyond the cut need not be copied: a character has at most four.
        let fields = self.record.iter().map(|field| &field[..field.len().min(4 * MAX_RAW_TEXT)]);
        let bytes = match writer.write_record(fields) {
            Ok(()) => writer.into_inner().unwrap_or_default(),
            Err(_) => self.record.as_slice().to_vec(),
        };
        let text = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
        let text = text.strip_suffix('\n').unwrap_or(&text);
        match text.char_indices().nth(MAX_RAW_TEXT) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text.to_owned(),
        }
    }

    /// Takes a CR that stands before the line's end off the last field.
    fn drop_carriage_return(&mut self) {
        let last = self.record.len().saturating_sub(1);
        if let Some(field) = self.record.get(last).and_then(|field| field.strip_suffix(b"\r")) {
            self.scratch.clear();
            self.scratch.extend_from_slice(field);
            self.record.truncate(last);
            self.record.push_field(&self.scratch);
        }
    }

    /// Leaves only the fields between runs of blanks.
    fn drop_blanks(&mut self) {
        let mut kept: ByteRecord = self.record.iter().filter(|field| !field.is_empty()).collect();
        kept.set_position(self.record.position().cloned());
        self.record = kept;
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

/// Whether [`RecordReader::raw_text`] kept all of a record: nothing was replaced, and nothing cut.
pub(super) fn is_whole(raw_text: &str) -> bool {
    let is_cut = raw_text.ends_with("...") && raw_text.chars().count() > MAX_RAW_TEXT;
    !is_cut && !raw_text.contains('\u{fffd}')
}

/// Text that ends with an error when a record takes too much of it.
struct Bounded {
    text: Box<dyn Read + Send>,
    left: usize,
    /// The byte read last.
    last: u8,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other("the row is too long"));
        }
        let end = buffer.len().min(self.left);
        let count = self.text.read(&mut buffer[..end])?;
        self.left -= count;
        if let Some(last) = buffer[..count].last() {
            self.last = *last;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn format(format: Format, delimiter: u8, has_header: bool) -> FileFormat {
        FileFormat { format, delimiter, has_header, nulls: vec![String::new()] }
    }

    fn reader(text: &[u8], format: &FileFormat) -> RecordReader {
        RecordReader::new(Box::new(std::io::Cursor::new(text.to_vec())), format, "orders.csv").unwrap()
    }

    fn all(reader: &mut RecordReader) -> Vec<(u64, String)> {
        let mut rows = Vec::new();
        while reader.advance().unwrap() {
            rows.push((reader.line(), reader.raw_text()));
        }
        rows
    }

    #[test]
    fn csv_with_mark_carriage_returns_and_quoted_line_ends() {
        let text = b"\xef\xbb\xbfid, name \r\n1,\"a\r\nb\"\r\n\r\n2,c";
        let mut reader = reader(text, &format(Format::Csv, b',', true));
        assert_eq!(reader.header, ["id", "name"]);
        let rows = all(&mut reader);
        assert_eq!(rows.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["1,\"a\r\nb\"", "2,c"]);
        assert_eq!(rows[0].0, 2);
    }

    #[test]
    fn blanks_separate_in_runs_and_lead_the_line() {
        let text = b" id  date   x\r\n 01 \"19970101  1 \r\n\r\n   \r\n 02 2  3\r\n";
        let mut reader = reader(text, &format(Format::FixedBlanks, b' ', true));
        assert_eq!(reader.header, ["id", "date", "x"]);
        assert!(reader.advance().unwrap());
        assert_eq!(reader.record(), &ByteRecord::from(vec!["01", "\"19970101", "1"]));
        assert!(reader.advance().unwrap());
        assert_eq!((reader.record().get(2), reader.line()), (Some(&b"3"[..]), 5));
        assert!(!reader.advance().unwrap());
    }

    #[test]
    fn without_header_the_columns_are_numbered_and_no_row_is_lost() {
        let mut reader = reader(b"a;b\nc;d\n", &format(Format::Csv, b';', false));
        assert_eq!(reader.header, ["1", "2"]);
        assert_eq!(all(&mut reader), [(1, "a;b".to_owned()), (2, "c;d".to_owned())]);
    }

    #[test]
    fn raw_text_is_fit_for_the_database() {
        let long = "x".repeat(3_000);
        let mut reader = reader(format!("a,b\nc\0d,{long}\n").as_bytes(), &format(Format::Csv, b',', true));
        assert!(reader.advance().unwrap());
        let text = reader.raw_text();
        assert!(text.starts_with("c\u{fffd}d,xxx") && text.ends_with("x..."));
        assert_eq!(text.chars().count(), MAX_RAW_TEXT + 3);
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_in_an_error_not_in_memory() {
        let mut text = b"a,b\n1,\"".to_vec();
        text.resize(MAX_RECORD + 100_000, b'x');
        let mut reader = reader(&text, &format(Format::Csv, b',', true));
        let error = reader.advance().unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("The row that begins on line 2 is longer than 16 MiB."));
    }

    #[test]
    fn a_last_row_that_is_short_and_has_no_line_end_is_told() {
        for (text, is_whole) in [("a,b\n1,2\n3", false), ("a,b\n1,2\n3\n", true), ("a,b\n1,2", true)] {
            let mut reader = reader(text.as_bytes(), &format(Format::Csv, b',', true));
            let mut fields = 2;
            while reader.advance().unwrap() {
                fields = reader.record().len();
            }
            assert_eq!(reader.check_end(fields, 2).is_ok(), is_whole, "{text}");
        }
    }

    #[test]
    fn text_that_breaks_off_is_an_error() {
        struct Broken(u8);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += 1;
                if self.0 > 1 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                buffer[..8].copy_from_slice(b"a,b\n1,2\n");
                Ok(8)
            }
        }
        let mut reader =
            RecordReader::new(Box::new(Broken(0)), &format(Format::Csv, b',', true), "orders.csv").unwrap();
        assert!(reader.advance().unwrap());
        assert_eq!(reader.advance().unwrap_err().message, "file \"orders.csv\" cannot be read to its end");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 1..200), is_blanks: bool) {
            let format = if is_blanks { format(Format::FixedBlanks, b' ', true) } else { format(Format::Csv, b',', true) };
            if let Ok(mut reader) = RecordReader::new(Box::new(std::io::Cursor::new(bytes)), &format, "orders.csv") {
                for (_, text) in all(&mut reader) {
                    prop_assert!(!text.contains('\0'));
                }
            }
        }
    }
}
