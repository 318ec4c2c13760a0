//! A mapping: how the columns of a source's files become the columns of a raw table.
//!
//! `config/sources/NAME.toml` describes the files of source `NAME`; `parse` reads one and tells all its problems at once.

mod parse;

use crate::error::{Error, Result};
use crate::warehouse::entity::{Column, Entity};
use chrono::format::Item;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use std::path::Path;

/// A checked mapping file.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Name of the source: the mapping's `source`, or the file's name without `.toml`.
    pub source: String,
    /// What the source is, in words.
    pub description: String,
    /// The raw table that the files fill.
    pub entity: Entity,
    /// How the files are written.
    pub file: FileFormat,
    /// Currency of the prices, unless a column says it.
    pub currency: String,
    /// Zone of times that name none.
    pub timezone: Tz,
    /// How to get each column, in the order of [`Entity::columns`]; `None` where the mapping does not say.
    pub columns: Vec<Option<Recipe>>,
    /// How customer ids are made up, for files that have none.
    pub synthetic_customer: Option<SyntheticCustomer>,
    /// blake3 of the mapping file's text, in hexadecimal digits.
    pub checksum: String,
}

/// `[file]`: how the files are written.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFormat {
    /// Separated values or runs of blanks.
    pub format: Format,
    /// The separator; a blank for [`Format::FixedBlanks`].
    pub delimiter: u8,
    /// Whether the first line names the columns; if not, their names are `1`, `2`, ...
    pub has_header: bool,
    /// Texts that mean "no value".
    pub nulls: Vec<String>,
}

/// Ways to separate values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One delimiter between values, `"` around values that hold it.
    Csv,
    /// Runs of blanks between values and before the first.
    FixedBlanks,
}

/// How to get one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    /// Text of a file column, without `strip_suffix` where it ends so.
    Text {
        /// Name in the file.
        column: String,
        /// Taken off the end.
        strip_suffix: Option<String>,
    },
    /// Number of a file column, times `scale`.
    Number {
        /// Name in the file.
        column: String,
        /// Factor.
        scale: Option<Decimal>,
    },
    /// Instant of a file column, by a `strftime` format.
    Instant {
        /// Name in the file.
        column: String,
        /// The format as written.
        format: String,
        /// The format, read.
        items: Vec<Item<'static>>,
    },
    /// The same text in every row.
    Constant(String),
    /// The same number in every row.
    ConstantNumber(Decimal),
    /// Texts of file columns joined by `-`, then perhaps the number of the data row.
    Join {
        /// Names in the file.
        columns: Vec<String>,
        /// Ends with `-` and the number of the data row.
        row_number: bool,
    },
}

/// `[synthetic_customer]`: a customer id out of a hash, for files without customers.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticCustomer {
    /// File columns that decide the customer.
    pub hash_of: Vec<String>,
    /// Number of customers made up.
    pub modulo: u64,
}

impl Mapping {
    /// The columns of the table with how to get them.
    pub fn recipes(&self) -> impl Iterator<Item = (&'static Column, Option<&Recipe>)> {
        self.entity.columns().iter().zip(self.columns.iter().map(Option::as_ref))
    }

    /// How to get the column of this name.
    #[must_use]
    pub fn recipe(&self, name: &str) -> Option<&Recipe> {
        self.columns.get(self.entity.place(name)?)?.as_ref()
    }

    /// Reads `<dir>/<source>.toml`. A mapping that is missing is told with the list of those there are.
    pub fn load(dir: &Path, source: &str) -> Result<Mapping> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if source.is_empty() || !source.chars().all(is_plain) {
            return Err(Error::usage(format!("source name \"{source}\" cannot be used"))
                .hint("use letters, digits, underscores and hyphens"));
        }
        let path = dir.join(format!("{source}.toml"));
        let text = std::fs::read_to_string(&path).map_err(|e| {
            let error = Error::config(format!("mapping \"{source}\" cannot be read"));
            match (e.kind(), available(dir)) {
                (std::io::ErrorKind::NotFound, names) if names.is_empty() => error
                    .detail(format!("There is no mapping in {}.", dir.display()))
                    .hint(format!("create {}", path.display())),
                (std::io::ErrorKind::NotFound, names) => error
                    .detail(format!("The mappings in {} are: {}.", dir.display(), names.join(", ")))
                    .hint(format!("name one of them, or create {}", path.display())),
                _ => error.detail(format!("The file is {}.", path.display())).source(e),
            }
        })?;
        Mapping::parse(&path.display().to_string(), source, &text)
    }

    /// Reads a mapping's text; `path` is for messages only.
    pub fn parse(path: &str, source: &str, text: &str) -> Result<Mapping> {
        parse::parse(path, source, text)
    }

    /// Names of the file columns that the mapping reads, each once, in the order of the table's columns.
    #[must_use]
    pub fn file_columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for recipe in self.columns.iter().flatten() {
            match recipe {
                Recipe::Text { column, .. } | Recipe::Number { column, .. } | Recipe::Instant { column, .. } => {
                    names.push(column);
                }
                Recipe::Join { columns, .. } => names.extend(columns.iter().map(String::as_str)),
                Recipe::Constant(_) | Recipe::ConstantNumber(_) => {}
            }
        }
        names.extend(self.synthetic_customer.iter().flat_map(|made_up| made_up.hash_of.iter().map(String::as_str)));
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }
}

/// Names of the mappings in a folder, sorted; none for a folder that cannot be read.
#[must_use]
pub fn available(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = files
        .filter_map(|file| file.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}
