//! Rows on their way into a file of either format: what a table looks like, and what a writer of rows must take.

use crate::error::Result;
use std::path::Path;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// Whole number.
    Integer,
    /// Number with so many decimals, given as a whole number of the last one.
    Decimal(u32),
    /// Floating point.
    Float,
    /// Seconds from 1970-01-01, in UTC.
    Instant,
    /// Days from 1970-01-01.
    Date,
    /// Yes or no.
    Boolean,
}

/// A column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Name in the header.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// A table: the name of its file, and its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Name of the file, without ending.
    pub name: &'static str,
    /// Columns, in order.
    pub columns: &'static [Column],
}

/// A column, in short.
pub(super) const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// Some rows of one table. Cells come in the order of the columns; `None` is "no value".
pub(super) trait Rows: Send {
    /// No rows yet.
    fn new(table: &'static Table) -> Self;
    /// A cell of kind text.
    fn text(&mut self, value: Option<&str>);
    /// A text made of a letter and a number of so many digits.
    fn id(&mut self, letter: char, digits: usize, number: Option<u32>);
    /// A cell of kind integer or decimal.
    fn integer(&mut self, value: i64);
    /// A cell of kind float.
    fn float(&mut self, value: f64);
    /// A cell of kind instant.
    fn instant(&mut self, seconds: Option<i64>);
    /// A cell of kind date.
    fn date(&mut self, days: Option<i32>);
    /// A cell of kind boolean.
    fn boolean(&mut self, value: bool);
    /// Rows that are complete.
    fn count(&self) -> u64;
    /// Called once, after the last row, on the thread that made them: costly packing is done here.
    fn seal(&mut self) {}
}

/// A file that rows are appended to.
pub(super) trait RowFile: Sized {
    /// Rows as this kind of file takes them.
    type Rows: Rows;
    /// Ending of the file's name.
    const ENDING: &'static str;
    /// An empty file for the table.
    fn create(path: &Path, table: &'static Table) -> Result<Self>;
    /// Appends rows.
    fn append(&mut self, rows: Self::Rows) -> Result<()>;
    /// Writes what is left, safely on the disk.
    fn finish(self) -> Result<()>;
}
