//! Rows as comma-separated text: UTF-8, quotes where they are needed, instants as `2024-02-29 12:30:00Z`.
//!
//! Written by hand because the writer is the work: millions of numbers, and a day whose text is that of the row before.

use super::rows::{Kind, RowFile, Rows, Table};
use crate::error::{Error, Result};
use chrono::{Datelike, NaiveDate};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

const SECONDS_OF_A_DAY: i64 = 86_400;

/// Some rows.
#[derive(Debug)]
pub(super) struct CsvRows {
    table: &'static Table,
    bytes: Vec<u8>,
    /// Column of the next cell.
    next: usize,
    count: u64,
    /// The day of the last instant or date, and its text: rows come by time.
    day: (i64, [u8; 10]),
}

impl CsvRows {
    fn end_cell(&mut self) {
        self.next += 1;
        if self.next == self.table.columns.len() {
            self.next = 0;
            self.count += 1;
            self.bytes.push(b'\n');
        } else {
            self.bytes.push(b',');
        }
    }

    fn padded(&mut self, mut value: u64, digits: usize) {
        let start = self.bytes.len();
        self.bytes.resize(start + digits, b'0');
        for place in (start..start + digits).rev() {
            self.bytes[place] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }

    fn number(&mut self, value: u64) {
        let digits = value.checked_ilog10().unwrap_or(0) as usize + 1;
        self.padded(value, digits);
    }

    fn day(&mut self, day: i64) {
        if self.day.0 != day {
            let date = NaiveDate::from_epoch_days(day as i32).unwrap_or_default();
            let start = self.bytes.len();
            self.padded(date.year().unsigned_abs().into(), 4);
            self.bytes.push(b'-');
            self.padded(date.month().into(), 2);
            self.bytes.push(b'-');
            self.padded(date.day().into(), 2);
            self.day.0 = day;
            self.day.1.copy_from_slice(&self.bytes[start..]);
            return;
        }
        self.bytes.extend_from_slice(&self.day.1);
    }
}

impl Rows for CsvRows {
    fn new(table: &'static Table) -> Self {
        CsvRows { table, bytes: Vec::new(), next: 0, count: 0, day: (i64::MIN, [0; 10]) }
    }

    fn text(&mut self, value: Option<&str>) {
        if let Some(value) = value {
            let needs_quotes = value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
            if needs_quotes {
                self.bytes.push(b'"');
                self.bytes.extend(value.replace('"', "\"\"").bytes());
                self.bytes.push(b'"');
            } else {
                self.bytes.extend_from_slice(value.as_bytes());
            }
        }
        self.end_cell();
    }

    fn id(&mut self, letter: char, digits: usize, number: Option<u32>) {
        if let Some(number) = number {
            self.bytes.push(letter as u8);
            let needed = number.checked_ilog10().unwrap_or(0) as usize + 1;
            self.padded(number.into(), digits.max(needed));
        }
        self.end_cell();
    }

    fn integer(&mut self, value: i64) {
        if value < 0 {
            self.bytes.push(b'-');
        }
        let size = value.unsigned_abs();
        match self.table.columns[self.next].kind {
            Kind::Decimal(scale) => {
                let unit = 10u64.pow(scale);
                self.number(size / unit);
                if !size.is_multiple_of(unit) {
                    self.bytes.push(b'.');
                    self.padded(size % unit, scale as usize);
                }
            }
            _ => self.number(size),
        }
        self.end_cell();
    }

    fn float(&mut self, value: f64) {
        // Writing into a vector cannot fail.
        let _ = write!(self.bytes, "{value}");
        self.end_cell();
    }

    fn instant(&mut self, seconds: Option<i64>) {
        if let Some(seconds) = seconds {
            self.day(seconds.div_euclid(SECONDS_OF_A_DAY));
            let of_day = seconds.rem_euclid(SECONDS_OF_A_DAY) as u64;
            self.bytes.push(b' ');
            self.padded(of_day / 3_600, 2);
            self.bytes.push(b':');
            self.padded(of_day / 60 % 60, 2);
            self.bytes.push(b':');
            self.padded(of_day % 60, 2);
            self.bytes.push(b'Z');
        }
        self.end_cell();
    }

    fn date(&mut self, days: Option<i32>) {
        if let Some(days) = days {
            self.day(days.into());
        }
        self.end_cell();
    }

    fn boolean(&mut self, value: bool) {
        self.bytes.extend_from_slice(if value { b"true" } else { b"false" });
        self.end_cell();
    }

    fn count(&self) -> u64 {
        self.count
    }
}

/// A file of comma-separated text.
#[derive(Debug)]
pub(super) struct CsvFile {
    file: File,
    path: PathBuf,
}

impl CsvFile {
    fn fault(path: &Path, error: std::io::Error) -> Error {
        Error::failed(format!("file \"{}\" cannot be written", path.display())).source(error)
    }
}

impl RowFile for CsvFile {
    type Rows = CsvRows;
    const ENDING: &'static str = "csv";

    fn create(path: &Path, table: &'static Table) -> Result<Self> {
        let mut file = File::create(path).map_err(|e| CsvFile::fault(path, e))?;
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        file.write_all(format!("{}\n", names.join(",")).as_bytes()).map_err(|e| CsvFile::fault(path, e))?;
        Ok(CsvFile { file, path: path.to_owned() })
    }

    fn append(&mut self, rows: CsvRows) -> Result<()> {
        self.file.write_all(&rows.bytes).map_err(|e| CsvFile::fault(&self.path, e))
    }

    fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(|e| CsvFile::fault(&self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::column;
    use super::*;

    static TABLE: Table = Table {
        name: "t",
        columns: &[
            column("name", Kind::Text),
            column("id", Kind::Text),
            column("count", Kind::Integer),
            column("price", Kind::Decimal(2)),
            column("share", Kind::Float),
            column("at", Kind::Instant),
            column("on", Kind::Date),
            column("is", Kind::Boolean),
        ],
    };

    #[test]
    fn cells_are_written_as_any_reader_takes_them() {
        let mut rows = CsvRows::new(&TABLE);
        rows.text(Some("a, \"b\""));
        rows.id('C', 5, Some(42));
        rows.integer(-7);
        rows.integer(-1205);
        rows.float(0.25);
        rows.instant(Some(1_709_209_805));
        rows.date(Some(-1));
        rows.boolean(true);
        rows.text(None);
        rows.id('C', 2, Some(12_345));
        rows.integer(0);
        rows.integer(500);
        rows.float(1e-9);
        rows.instant(None);
        rows.date(None);
        rows.boolean(false);
        assert_eq!(rows.count(), 2);
        let text = String::from_utf8(rows.bytes).unwrap();
        assert_eq!(
            text,
            "\"a, \"\"b\"\"\",C00042,-7,-12.05,0.25,2024-02-29 12:30:05Z,1969-12-31,true\n,C12345,0,5,0.000000001,,,false\n"
        );
    }
}
