//! How a file is written, guessed from its beginning, and the rows that the guess gives.

use crate::error::Result;
use crate::ingest::file::OrderFile;
use crate::ingest::mapping::{FileFormat, Format};
use crate::ingest::number::parse_number;
use crate::ingest::reader::RecordReader;
use encoding_rs::Encoding;
use std::sync::Arc;

/// Bytes that are looked at for the encoding and the delimiter.
const BEGIN: u64 = 1 << 20;
/// Rows that are looked at for the columns.
pub(super) const MOST_ROWS: usize = 10_000;
/// Rows that must agree on a delimiter.
const AGREEING: usize = 200;
/// Delimiters in use; of two that fit alike the first is taken.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The beginning of a file, read.
pub(super) struct Sample {
    pub(super) format: FileFormat,
    pub(super) header: Vec<String>,
    /// Fields of rows that have as many as the header.
    pub(super) rows: Vec<Vec<String>>,
}

impl Sample {
    pub(super) fn of(file: &OrderFile) -> Result<Sample> {
        let mut format = FileFormat::default();
        if file.is_parquet {
            format.format = Format::Parquet;
        } else {
            let begin = file.begin(BEGIN)?;
            format.encoding = encoding(&begin);
            let text = format.encoding.decode(&begin).0.into_owned();
            (format.format, format.delimiter) = separation(&text);
        }
        let (header, rows) = read(file, &format)?;
        if file.is_parquet || is_header(&header, &rows) {
            return Ok(Sample { format, header, rows });
        }
        format.has_header = false;
        let (header, rows) = read(file, &format)?;
        Ok(Sample { format, header, rows })
    }
}

fn read(file: &OrderFile, format: &FileFormat) -> Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut reader = RecordReader::open(file, format, Arc::default())?;
    let header = reader.header.clone();
    let mut rows = Vec::new();
    while rows.len() < MOST_ROWS && reader.advance()? {
        if reader.record().len() == header.len() {
            rows.push(reader.record().iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect());
        }
    }
    Ok((header, rows))
}

fn encoding(begin: &[u8]) -> &'static Encoding {
    if let Some((marked, _)) = Encoding::for_bom(begin) {
        return marked;
    }
    let zeros = |odd: usize| begin.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let half = begin.len() / 2;
    if zeros(1) > half / 2 {
        return encoding_rs::UTF_16LE;
    }
    if zeros(0) > half / 2 {
        return encoding_rs::UTF_16BE;
    }
    match std::str::from_utf8(begin) {
        Ok(_) => encoding_rs::UTF_8,
        // The beginning may end within a character.
        Err(e) if e.error_len().is_none() => encoding_rs::UTF_8,
        Err(_) => encoding_rs::WINDOWS_1252,
    }
}

/// The delimiter by which most rows have as many fields as the first one; runs of blanks where there is none.
fn separation(text: &str) -> (Format, u8) {
    let counts = |delimiter: u8| -> (usize, usize) {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        let mut records = reader.byte_records().take(AGREEING).flatten().map(|record| record.len());
        let first = records.next().unwrap_or_default();
        let agreeing = records.filter(|fields| *fields == first).count();
        (if first > 1 { agreeing + 1 } else { 0 }, first)
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| counts(*delimiter));
    match best.filter(|delimiter| counts(*delimiter).0 > 0) {
        Some(delimiter) => (Format::Csv, delimiter),
        None => {
            let fields = |line: &str| line.split_ascii_whitespace().count();
            let mut lines = text.lines().take(AGREEING).filter(|line| !line.trim().is_empty());
            let first = lines.next().map_or(0, fields);
            let is_even = first > 1 && lines.clone().count() > 0 && lines.all(|line| fields(line) == first);
            if is_even { (Format::FixedBlanks, b' ') } else { (Format::Csv, b',') }
        }
    }
}

/// Names are there, differ, and are no values.
fn is_header(header: &[String], rows: &[Vec<String>]) -> bool {
    let is_name = |name: &String| name.chars().any(char::is_alphabetic) && parse_number(name).is_err();
    let distinct: std::collections::BTreeSet<&String> = header.iter().collect();
    let is_a_value = |(place, name): (usize, &String)| rows.iter().take(AGREEING).any(|row| row[place] == *name);
    let named = header.iter().filter(|name| is_name(name)).count();
    named * 2 > header.len() && distinct.len() == header.len() && !header.iter().enumerate().all(is_a_value)
}
