//! Rows as Parquet: a row group for each bundle of rows, packed column by column on the thread that made them.

use super::rows::{Column, Kind, RowFile, Rows, Table};
use crate::error::{Error, Result};
use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, get_column_writer};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Digits of a decimal that fit 64 bits.
const PRECISION: i32 = 18;

/// Values of one column; those that are absent have definition level 0 and no value.
#[derive(Debug)]
enum Values {
    /// All texts one after the other, and where each ends.
    Text(Vec<u8>, Vec<usize>),
    Long(Vec<i64>),
    Day(Vec<i32>),
    Float(Vec<f64>),
    Boolean(Vec<bool>),
}

/// A packed column.
type Packed = (Bytes, ColumnCloseResult);

/// Some rows.
#[derive(Debug)]
pub(super) struct ParquetRows {
    table: &'static Table,
    columns: Vec<(Values, Vec<i16>)>,
    next: usize,
    count: u64,
    packed: Result<Vec<Packed>>,
}

impl ParquetRows {
    /// The next cell's column; `is_there` becomes its definition level.
    fn cell(&mut self, is_there: bool) -> &mut Values {
        let place = self.next;
        self.next += 1;
        if self.next == self.columns.len() {
            self.next = 0;
            self.count += 1;
        }
        let (values, levels) = &mut self.columns[place];
        levels.push(i16::from(is_there));
        values
    }

    fn pack(&mut self) -> parquet::errors::Result<Vec<Packed>> {
        let schema = SchemaDescriptor::new(schema(self.table)?);
        let properties = properties();
        let mut packed = Vec::with_capacity(self.columns.len());
        for (place, (values, levels)) in self.columns.drain(..).enumerate() {
            let mut buffer = TrackedWrite::new(Vec::new());
            let pages = Box::new(SerializedPageWriter::new(&mut buffer));
            let mut writer = get_column_writer(schema.column(place), properties.clone(), pages);
            let levels = Some(&levels[..]);
            match (&mut writer, values) {
                (ColumnWriter::ByteArrayColumnWriter(writer), Values::Text(bytes, ends)) => {
                    let bytes = Bytes::from(bytes);
                    let mut start = 0;
                    let slice = |end: usize| ByteArray::from(bytes.slice(std::mem::replace(&mut start, end)..end));
                    let values: Vec<ByteArray> = ends.into_iter().map(slice).collect();
                    writer.write_batch(&values, levels, None)?;
                }
                (ColumnWriter::Int64ColumnWriter(writer), Values::Long(values)) => {
                    writer.write_batch(&values, levels, None)?;
                }
                (ColumnWriter::Int32ColumnWriter(writer), Values::Day(values)) => {
                    writer.write_batch(&values, levels, None)?;
                }
                (ColumnWriter::DoubleColumnWriter(writer), Values::Float(values)) => {
                    writer.write_batch(&values, levels, None)?;
                }
                (ColumnWriter::BoolColumnWriter(writer), Values::Boolean(values)) => {
                    writer.write_batch(&values, levels, None)?;
                }
                _ => return Err(ParquetError::General("a column holds values of another kind".into())),
            }
            let closed = writer.close()?;
            packed.push((Bytes::from(buffer.into_inner()?), closed));
        }
        Ok(packed)
    }
}

impl Rows for ParquetRows {
    fn new(table: &'static Table) -> Self {
        let values = |column: &Column| match column.kind {
            Kind::Text => Values::Text(Vec::new(), Vec::new()),
            Kind::Integer | Kind::Decimal(_) | Kind::Instant => Values::Long(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Date => Values::Day(Vec::new()),
            Kind::Boolean => Values::Boolean(Vec::new()),
        };
        let columns = table.columns.iter().map(|column| (values(column), Vec::new())).collect();
        ParquetRows { table, columns, next: 0, count: 0, packed: Ok(Vec::new()) }
    }

    fn text(&mut self, value: Option<&str>) {
        if let (Values::Text(bytes, ends), Some(value)) = (self.cell(value.is_some()), value) {
            bytes.extend_from_slice(value.as_bytes());
            ends.push(bytes.len());
        }
    }

    fn id(&mut self, letter: char, digits: usize, number: Option<u32>) {
        if let (Values::Text(bytes, ends), Some(number)) = (self.cell(number.is_some()), number) {
            bytes.extend_from_slice(format!("{letter}{number:0digits$}").as_bytes());
            ends.push(bytes.len());
        }
    }

    fn integer(&mut self, value: i64) {
        if let Values::Long(values) = self.cell(true) {
            values.push(value);
        }
    }

    fn float(&mut self, value: f64) {
        if let Values::Float(values) = self.cell(true) {
            values.push(value);
        }
    }

    fn instant(&mut self, seconds: Option<i64>) {
        if let (Values::Long(values), Some(seconds)) = (self.cell(seconds.is_some()), seconds) {
            values.push(seconds * 1_000_000);
        }
    }

    fn date(&mut self, days: Option<i32>) {
        if let (Values::Day(values), Some(days)) = (self.cell(days.is_some()), days) {
            values.push(days);
        }
    }

    fn boolean(&mut self, value: bool) {
        if let Values::Boolean(values) = self.cell(true) {
            values.push(value);
        }
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn seal(&mut self) {
        self.packed = self.pack().map_err(|e| Error::failed("rows cannot be packed as Parquet").source(e));
    }
}

fn schema(table: &Table) -> parquet::errors::Result<TypePtr> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Decimal(scale) => {
                let decimal = LogicalType::decimal(scale as i32, PRECISION);
                (Physical::INT64, Some(decimal))
            }
            Kind::Float => (Physical::DOUBLE, None),
            Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
            Kind::Boolean => (Physical::BOOLEAN, None),
        };
        let mut builder = Type::primitive_type_builder(column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        if let Kind::Decimal(scale) = column.kind {
            builder = builder.with_precision(PRECISION).with_scale(scale as i32);
        }
        builder.build().map(Arc::new)
    };
    let fields = table.columns.iter().map(field).collect::<parquet::errors::Result<Vec<_>>>()?;
    Ok(Arc::new(Type::group_type_builder(table.name).with_fields(fields).build()?))
}

/// Zstandard at its fastest: a third of the bytes for a few percent of the time.
fn properties() -> WriterPropertiesPtr {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    Arc::new(WriterProperties::builder().set_compression(Compression::ZSTD(level)).build())
}

/// A Parquet file.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<File>,
    path: PathBuf,
}

impl ParquetFile {
    fn fault(path: &Path, error: ParquetError) -> Error {
        Error::failed(format!("file \"{}\" cannot be written", path.display())).source(error)
    }

    fn append_packed(&mut self, columns: Vec<Packed>) -> parquet::errors::Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (bytes, closed) in columns {
            group.append_column(&bytes, closed)?;
        }
        group.close().map(drop)
    }
}

impl RowFile for ParquetFile {
    type Rows = ParquetRows;
    const ENDING: &'static str = "parquet";

    fn create(path: &Path, table: &'static Table) -> Result<Self> {
        let file = File::create(path).map_err(|e| ParquetFile::fault(path, e.into()))?;
        let writer = schema(table).and_then(|schema| SerializedFileWriter::new(file, schema, properties()));
        Ok(ParquetFile { writer: writer.map_err(|e| ParquetFile::fault(path, e))?, path: path.to_owned() })
    }

    fn append(&mut self, rows: ParquetRows) -> Result<()> {
        let columns = rows.packed?;
        if rows.count == 0 {
            return Ok(());
        }
        self.append_packed(columns).map_err(|e| ParquetFile::fault(&self.path, e))
    }

    fn finish(mut self) -> Result<()> {
        self.writer.finish().map_err(|e| ParquetFile::fault(&self.path, e))?;
        self.writer.inner().sync_all().map_err(|e| ParquetFile::fault(&self.path, e.into()))
    }
}
