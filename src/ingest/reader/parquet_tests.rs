//! Parquet files of every packing, with nulls, groups and many batches, come out as their texts.

use super::RecordReader;
use crate::error::Result;
use crate::ingest::file::OrderFile;
use crate::ingest::mapping::FileFormat;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

const SCHEMA: &str = "message orders {
    required binary id (STRING);
    optional int32 day (DATE);
    required int64 at (TIMESTAMP(NANOS,true));
    optional fixed_len_byte_array(4) price (DECIMAL(9,2));
    required double weight;
    required boolean gift;
    optional group address { optional binary city (STRING); }
    optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
}";

fn texts(values: impl IntoIterator<Item = String>) -> Vec<ByteArray> {
    values.into_iter().map(|text| ByteArray::from(text.into_bytes())).collect()
}

/// Writes the rows `from..to`; every third row has no day, no price and no city.
fn write_group(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, from: usize, to: usize) {
    let rows = || from..to;
    let present: Vec<usize> = rows().filter(|row| !row.is_multiple_of(3)).collect();
    let levels =
        |present: i16| -> Vec<i16> { rows().map(|row| if row.is_multiple_of(3) { 0 } else { present }).collect() };
    macro_rules! column {
        ($type:ty, $values:expr, $levels:expr) => {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<$type>().write_batch(&$values, $levels.as_deref(), None).unwrap();
            column.close().unwrap();
        };
    }
    let none: Option<Vec<i16>> = None;
    column!(ByteArrayType, texts(rows().map(|row| format!("A{row}"))), none);
    column!(Int32Type, present.iter().map(|row| 19_417 + *row as i32).collect::<Vec<_>>(), Some(levels(1)));
    column!(Int64Type, rows().map(|row| 1_700_000_000_000_000_000 + row as i64).collect::<Vec<_>>(), none);
    let cents = |row: &usize| FixedLenByteArray::from((*row as i32 - 5).to_be_bytes().to_vec());
    column!(FixedLenByteArrayType, present.iter().map(cents).collect::<Vec<_>>(), Some(levels(1)));
    column!(DoubleType, rows().map(|row| row as f64 / 10.0).collect::<Vec<_>>(), none);
    column!(BoolType, rows().map(|row| row % 2 == 0).collect::<Vec<_>>(), none);
    column!(ByteArrayType, texts(present.iter().map(|row| format!("City {}", row % 7))), Some(levels(2)));
    let mut tags = group.next_column().unwrap().unwrap();
    let nothing: Vec<i16> = rows().map(|_| 0).collect();
    tags.typed::<ByteArrayType>().write_batch(&[], Some(&nothing), Some(&nothing)).unwrap();
    tags.close().unwrap();
}

fn file(groups: &[(usize, usize)], packing: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(packing).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for (from, to) in groups {
        let mut group = writer.next_row_group().unwrap();
        write_group(&mut group, *from, *to);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn open(bytes: &[u8]) -> Result<RecordReader> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.parquet");
    std::fs::write(&path, bytes).unwrap();
    RecordReader::open(&OrderFile::open(&path)?, &FileFormat::default(), Arc::default())
}

fn rows(bytes: &[u8]) -> Result<Vec<String>> {
    let mut reader = open(bytes)?;
    let mut rows = Vec::new();
    while reader.advance()? {
        assert_eq!(reader.record().len(), reader.header.len());
        rows.push(reader.raw_text());
    }
    Ok(rows)
}

#[test]
fn every_packing_gives_the_same_rows() {
    let expected = [
        "A0,,2023-11-14 22:13:20Z,,0,true,",
        "A1,2023-03-02,2023-11-14 22:13:20.000000001Z,-0.04,0.1,false,City 1",
        "A2,2023-03-03,2023-11-14 22:13:20.000000002Z,-0.03,0.2,true,City 2",
        "A3,,2023-11-14 22:13:20.000000003Z,,0.3,false,",
    ];
    for packing in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        assert_eq!(rows(&file(&[(0, 4)], packing)).unwrap(), expected, "{packing}");
    }
    let reader = open(&file(&[(0, 4)], Compression::SNAPPY)).unwrap();
    assert_eq!(reader.header, ["id", "day", "at", "price", "weight", "gift", "address.city"]);
}

#[test]
fn columns_stay_in_step_over_batches_and_row_groups() {
    let rows = rows(&file(&[(0, 2_500), (2_500, 2_500), (2_500, 5_001)], Compression::SNAPPY)).unwrap();
    assert_eq!(rows.len(), 5_001);
    for (number, row) in rows.iter().enumerate() {
        assert!(row.starts_with(&format!("A{number},")), "{row}");
        let city = if number.is_multiple_of(3) { String::new() } else { format!("City {}", number % 7) };
        assert!(row.ends_with(&format!(",{},{city}", number % 2 == 0)), "{row}");
    }
}

#[test]
fn a_file_that_is_cut_is_refused() {
    let whole = file(&[(0, 100)], Compression::SNAPPY);
    let error = rows(&whole[..whole.len() - 20]).unwrap_err();
    assert_eq!(error.message, "file \"orders.parquet\" cannot be read");
    assert!(rows(b"PAR1").is_err());
}

#[test]
fn a_file_with_broken_bytes_ends_in_rows_or_an_error() {
    let whole = file(&[(0, 300)], Compression::SNAPPY);
    let (mut read, mut refused) = (0, 0);
    for place in (0..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[place] ^= 0xff;
        match rows(&broken) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && read > 0, "{refused} refused, {read} read");
}
