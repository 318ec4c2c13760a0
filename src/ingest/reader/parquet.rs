//! Rows of a Parquet file as texts, so that the same mapping reads it.
//!
//! Columns are read in step, a batch of rows at a time: memory holds a page of each column, whatever the file's size.
//! A column within a group is named `group.column`; lists and maps have no place in a row and are left out.

use super::parquet_text::{Write, writer};
use crate::error::{Error, Result};
use crate::ingest::file::{Content, OrderFile};
use bytes::Bytes;
use csv::ByteRecord;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use std::cell::Cell;
use std::io::{BufReader, Read};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Once};

/// Rows that are read from each column before the first of them is given out.
const BATCH: usize = 1_024;
/// Bytes read at once where a page's header is looked for.
const BUFFER: usize = 8 * 1024;

/// The rows of one file.
pub(super) struct ParquetRows {
    file: SerializedFileReader<Source>,
    file_name: String,
    /// Places of the columns that fit a row.
    flat: Vec<usize>,
    next_group: usize,
    columns: Vec<Box<dyn Column>>,
    rows_in_batch: usize,
    next_row: usize,
    rows_left_in_group: i64,
    cell: Vec<u8>,
    /// Rows given out.
    pub(super) row_number: u64,
}

impl ParquetRows {
    /// Reads the file's schema, and gives the names of its columns back.
    pub(super) fn open(file: &OrderFile, bytes_read: Arc<AtomicU64>) -> Result<(ParquetRows, Vec<String>)> {
        let source = Source { content: file.content(bytes_read), length: file.bytes };
        let broken = |e: ParquetError| {
            Error::config(format!("file \"{}\" cannot be read", file.name))
                .detail("It begins as a Parquet file, and its schema cannot be read.")
                .hint("check that the file is complete")
                .source(e)
        };
        let reader = unpanicked(|| SerializedFileReader::new(source)).map_err(broken)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let leaves = schema.columns().iter().enumerate();
        let flat: Vec<usize> = leaves.filter(|(_, leaf)| leaf.max_rep_level() == 0).map(|(place, _)| place).collect();
        let names = flat.iter().map(|place| schema.column(*place).path().string()).collect();
        let rows = ParquetRows {
            file: reader,
            file_name: file.name.clone(),
            flat,
            next_group: 0,
            columns: Vec::new(),
            rows_in_batch: 0,
            next_row: 0,
            rows_left_in_group: 0,
            cell: Vec::new(),
            row_number: 0,
        };
        Ok((rows, names))
    }

    /// Puts the next row into `record`; false at the end of the file.
    pub(super) fn advance(&mut self, record: &mut ByteRecord) -> Result<bool> {
        if self.next_row == self.rows_in_batch && !unpanicked(|| self.read_batch()).map_err(|e| self.broken(e))? {
            return Ok(false);
        }
        record.clear();
        for column in &mut self.columns {
            self.cell.clear();
            column.write_next(&mut self.cell);
            record.push_field(&self.cell);
        }
        self.next_row += 1;
        self.row_number += 1;
        Ok(true)
    }

    /// Reads the next rows of every column; false at the end of the file.
    fn read_batch(&mut self) -> ParquetResult<bool> {
        while self.rows_left_in_group == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            self.open_group()?;
        }
        let wanted = BATCH.min(usize::try_from(self.rows_left_in_group).unwrap_or(BATCH));
        for column in &mut self.columns {
            let found = column.read(wanted)?;
            if found != wanted {
                return Err(ParquetError::General(format!("a column ends after {found} of {wanted} rows")));
            }
        }
        self.rows_left_in_group -= wanted as i64;
        (self.rows_in_batch, self.next_row) = (wanted, 0);
        Ok(true)
    }

    fn open_group(&mut self) -> ParquetResult<()> {
        let group = self.file.get_row_group(self.next_group)?;
        self.next_group += 1;
        self.rows_left_in_group = group.metadata().num_rows().max(0);
        let schema = self.file.metadata().file_metadata().schema_descr_ptr();
        self.columns.clear();
        for place in &self.flat {
            let description = schema.column(*place);
            let max_level = description.max_def_level();
            let write = writer(&description);
            self.columns.push(match group.get_column_reader(*place)? {
                ColumnReader::BoolColumnReader(reader) => Leaf::boxed(reader, max_level, write.booleans()),
                ColumnReader::Int32ColumnReader(reader) => Leaf::boxed(reader, max_level, write.integers()),
                ColumnReader::Int64ColumnReader(reader) => Leaf::boxed(reader, max_level, write.long_integers()),
                ColumnReader::Int96ColumnReader(reader) => Leaf::boxed(reader, max_level, write.old_timestamps()),
                ColumnReader::FloatColumnReader(reader) => Leaf::boxed(reader, max_level, write.floats()),
                ColumnReader::DoubleColumnReader(reader) => Leaf::boxed(reader, max_level, write.doubles()),
                ColumnReader::ByteArrayColumnReader(reader) => Leaf::boxed(reader, max_level, write.texts()),
                ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                    Leaf::boxed(reader, max_level, write.fixed_texts())
                }
            });
        }
        Ok(())
    }

    fn broken(&self, cause: ParquetError) -> Error {
        Error::failed(format!("file \"{}\" cannot be read to its end", self.file_name))
            .detail(format!("Reading stopped after row {}.", self.row_number))
            .hint("check that the file is complete; nothing was loaded")
            .source(cause)
    }
}

thread_local! {
    /// This thread runs the library, and a panic is an answer.
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs the library on bytes that may be broken: where it takes them for impossible and panics, the file is at fault
/// and not the program. What was being read is not used any more then.
fn unpanicked<T>(read: impl FnOnce() -> ParquetResult<T>) -> ParquetResult<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let told = std::panic::take_hook();
        // What the library says on standard error is for its authors; the error says what is to be done.
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_READING.get() {
                told(panic);
            }
        }));
    });
    IS_READING.set(true);
    let read = std::panic::catch_unwind(AssertUnwindSafe(read));
    IS_READING.set(false);
    read.unwrap_or_else(|_| Err(ParquetError::General("the file contradicts itself".into())))
}

/// A column of whatever type, read in step with the others.
trait Column: Send {
    /// Reads the values of the next rows and gives their number back.
    fn read(&mut self, rows: usize) -> ParquetResult<usize>;
    /// Appends the text of the next row's value; nothing where it has none.
    fn write_next(&mut self, text: &mut Vec<u8>);
}

struct Leaf<T: DataType> {
    reader: ColumnReaderImpl<T>,
    /// The definition level of a row that has a value.
    max_level: i16,
    levels: Vec<i16>,
    values: Vec<T::T>,
    next_row: usize,
    next_value: usize,
    write: Write<T::T>,
}

impl<T: DataType> Leaf<T> {
    fn boxed(reader: ColumnReaderImpl<T>, max_level: i16, write: Write<T::T>) -> Box<dyn Column>
    where
        ColumnReaderImpl<T>: Send,
    {
        let (levels, values) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        Box::new(Leaf { reader, max_level, levels, values, next_row: 0, next_value: 0, write })
    }
}

impl<T: DataType> Column for Leaf<T>
where
    ColumnReaderImpl<T>: Send,
{
    fn read(&mut self, rows: usize) -> ParquetResult<usize> {
        self.levels.clear();
        self.values.clear();
        (self.next_row, self.next_value) = (0, 0);
        let levels = (self.max_level > 0).then_some(&mut self.levels);
        let (records, _, _) = self.reader.read_records(rows, levels, None, &mut self.values)?;
        Ok(records)
    }

    fn write_next(&mut self, text: &mut Vec<u8>) {
        let has_value = self.max_level == 0 || self.levels.get(self.next_row) == Some(&self.max_level);
        self.next_row += 1;
        if has_value && let Some(value) = self.values.get(self.next_value) {
            self.next_value += 1;
            (self.write)(value, text);
        }
    }
}

/// The file as the library asks for it.
struct Source {
    content: Content,
    length: u64,
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = BufReader<Content>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::with_capacity(BUFFER, self.content.at(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // A broken file may ask for more than there is; memory is not given for the asking.
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are beyond the file's end")));
        }
        let mut bytes = vec![0; length];
        self.content.at(start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
