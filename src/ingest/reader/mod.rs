//! Records out of a file, one at a time, in bounded memory: separated text or Parquet.

mod parquet;
#[cfg(test)]
mod parquet_tests;
mod parquet_text;
mod separated;

use super::file::OrderFile;
use super::mapping::FileFormat;
use crate::error::{Error, Result};
use csv::ByteRecord;
use parquet::ParquetRows;
use separated::SeparatedRows;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Characters of a rejected row's text that are kept.
const MAX_RAW_TEXT: usize = 2_000;
/// So many zero bytes in a row are no slip of a program: the disk or the upload lost a block.
const LOST_BLOCK: usize = 512;

/// Reads the records of one file.
pub struct RecordReader {
    rows: Rows,
    delimiter: u8,
    file_name: String,
    /// Names of the columns, without blanks around them.
    pub header: Vec<String>,
    record: ByteRecord,
}

enum Rows {
    Separated(Box<SeparatedRows>),
    Parquet(Box<ParquetRows>),
}

impl RecordReader {
    /// Reads the header of a file; `bytes_read` follows the bytes taken from the disk.
    pub fn open(file: &OrderFile, format: &FileFormat, bytes_read: Arc<AtomicU64>) -> Result<RecordReader> {
        if !file.is_parquet {
            return RecordReader::of_text(file.text(format.encoding, bytes_read)?, format, &file.name);
        }
        let (rows, header) = ParquetRows::open(file, bytes_read)?;
        Ok(RecordReader {
            rows: Rows::Parquet(Box::new(rows)),
            delimiter: format.delimiter,
            file_name: file.name.clone(),
            header,
            record: ByteRecord::new(),
        })
    }

    /// Reads the header of a text; `file_name` is for messages.
    pub fn of_text(text: Box<dyn Read + Send>, format: &FileFormat, file_name: &str) -> Result<RecordReader> {
        let mut record = ByteRecord::new();
        let (rows, header) = SeparatedRows::open(text, format, file_name, &mut record)?;
        Ok(RecordReader {
            rows: Rows::Separated(Box::new(rows)),
            delimiter: format.delimiter,
            file_name: file_name.to_owned(),
            header,
            record,
        })
    }

    /// Goes to the next record; false at the end of the file. Empty lines are none.
    pub fn advance(&mut self) -> Result<bool> {
        match &mut self.rows {
            Rows::Separated(rows) => rows.advance(&mut self.record),
            Rows::Parquet(rows) => rows.advance(&mut self.record),
        }
    }

    /// At the end of the file: refuses one that breaks off, as an upload leaves it that is still under way.
    /// `fields` is the number of fields of the last row.
    pub fn check_end(&self, fields: usize, columns: usize) -> Result<()> {
        match &self.rows {
            Rows::Separated(rows) => rows.check_end(fields, columns),
            // Parquet is read from its end: one that breaks off is refused at once.
            Rows::Parquet(_) => Ok(()),
        }
    }

    /// Refuses the file of a record that holds a block of zeros: what was lost there is more than a row.
    pub fn check_block(&self) -> Result<()> {
        let mut zeros = 0;
        for byte in self.record.as_slice() {
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            if zeros == LOST_BLOCK {
                return Err(Error::failed(format!("file \"{}\" is damaged", self.file_name))
                    .detail(format!(
                        "The row on line {} holds a block of zero bytes, as a lost write leaves it. Nothing was loaded.",
                        self.line()
                    ))
                    .hint("export or copy the file again"));
            }
        }
        Ok(())
    }

    /// The record's fields.
    #[must_use]
    pub fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// Line of the file on which the record begins, from 1; empty lines right before it count as part of it. Of a
    /// Parquet file, the number of the row.
    #[must_use]
    pub fn line(&self) -> u64 {
        match &self.rows {
            Rows::Separated(_) => self.record.position().map_or(0, csv::Position::line),
            Rows::Parquet(rows) => rows.row_number,
        }
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
}

#[cfg(test)]
mod tests;
