//! A mapping: how the columns of a source's files, or of its relation, become the columns of a raw table.
//!
//! `config/sources/NAME.toml` describes source `NAME`; `parse` reads one and tells all its problems at once.

mod lookup;
mod parse;
mod relation;
mod synthetic;

pub use lookup::Lookup;
pub use relation::SourceRelation;
pub use synthetic::{CustomerHash, SyntheticCustomer};

use crate::error::{Error, Result};
use crate::ingest::expression::Expression;
use crate::ingest::instant::{InstantFormat, Window};
use crate::ingest::number::NumberFormat;
use crate::warehouse::entity::{Column, Entity};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use encoding_rs::Encoding;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A checked mapping file.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Name of the source: the mapping's `source`, or the file's name without `.toml`.
    pub source: String,
    /// What the source is, in words.
    pub description: String,
    /// The raw table that the files fill.
    pub entity: Entity,
    /// How the files are written, or the texts in the relation's columns.
    pub file: FileFormat,
    /// The relation of the database that the source is; its rows are read where they are, and no file is loaded.
    pub relation: Option<SourceRelation>,
    /// Currency of the prices, unless a column says it.
    pub currency: String,
    /// Zone of times that name none.
    pub timezone: Tz,
    /// First day that is borne.
    pub earliest: NaiveDate,
    /// Last day that is borne, if the mapping names one.
    pub latest: Option<NaiveDate>,
    /// How to get each column, in the order of [`Entity::columns`]; `None` where the mapping does not say.
    pub columns: Vec<Option<Recipe>>,
    /// Names that a file column may have, the one that the rest of the mapping knows first.
    pub(super) spellings: Vec<Vec<String>>,
    /// How customer ids are made up, for files that have none.
    pub synthetic_customer: Option<SyntheticCustomer>,
    /// Which file lends its customers, for files that have none.
    pub lent_customer: Option<LentCustomer>,
    /// Which files give columns, in the order in which they are asked.
    pub lookups: Vec<Lookup>,
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
    /// How characters are written as bytes.
    pub encoding: &'static Encoding,
    /// Texts that mean "no value".
    pub nulls: Vec<String>,
    /// How numbers are written, unless a column says it.
    pub numbers: NumberFormat,
}

impl Default for FileFormat {
    /// CSV with commas in UTF-8.
    fn default() -> FileFormat {
        FileFormat {
            format: Format::Csv,
            delimiter: b',',
            has_header: true,
            encoding: encoding_rs::UTF_8,
            nulls: vec![String::new()],
            numbers: NumberFormat::default(),
        }
    }
}

/// Ways to separate values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One delimiter between values, `"` around values that hold it.
    Csv,
    /// Runs of blanks between values and before the first.
    FixedBlanks,
    /// Parquet, which is known by its bytes: the other formats take such a file too.
    Parquet,
}

/// How to get one column. `nulls` are texts that mean "no value" in this column, beside those of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    /// Text of a file column.
    Text {
        /// Name in the file.
        column: String,
        /// Taken off the end, where the text ends so.
        strip_suffix: Option<String>,
        /// Other words for some texts.
        values: BTreeMap<String, String>,
        /// Texts that mean "no value".
        nulls: Vec<String>,
    },
    /// Number of a file column, times `scale`.
    Number {
        /// Name in the file.
        column: String,
        /// Factor.
        scale: Option<Decimal>,
        /// How it is written.
        format: NumberFormat,
        /// Texts that mean "no value".
        nulls: Vec<String>,
    },
    /// Arithmetic over numbers of file columns; no value where one of them has none.
    Expression {
        /// The formula.
        expression: Expression,
        /// How the numbers are written.
        format: NumberFormat,
    },
    /// Instant or day of a file column, by the first format that fits.
    Instant {
        /// Name in the file.
        column: String,
        /// One or more.
        formats: Vec<InstantFormat>,
        /// Texts that mean "no value".
        nulls: Vec<String>,
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

impl Recipe {
    /// Name of the one file column that it reads.
    #[must_use]
    pub fn file_column(&self) -> Option<&str> {
        match self {
            Recipe::Text { column, .. } | Recipe::Number { column, .. } | Recipe::Instant { column, .. } => {
                Some(column)
            }
            _ => None,
        }
    }

    /// Texts that mean "no value" in its column only.
    #[must_use]
    pub fn nulls(&self) -> &[String] {
        match self {
            Recipe::Text { nulls, .. } | Recipe::Number { nulls, .. } | Recipe::Instant { nulls, .. } => nulls,
            _ => &[],
        }
    }
}

/// `[lent_customer]`: customers of another file, row by row, for files that were made from it and lost theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct LentCustomer {
    /// Relative to the folder of the file that is loaded.
    pub file: PathBuf,
    /// Column of that file.
    pub column: String,
    /// How that file is written.
    pub format: FileFormat,
}

/// Clocks of other systems go ahead, and days of other zones begin earlier; more is no order of today.
const AHEAD: TimeDelta = TimeDelta::days(2);

impl Mapping {
    /// The instants that a load at `now` bears.
    #[must_use]
    pub fn window(&self, now: DateTime<Utc>) -> Window {
        let begin = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let named = self.latest.and_then(|day| day.succ_opt()).map(|next| begin(next) - TimeDelta::nanoseconds(1));
        let ahead = now.checked_add_signed(AHEAD).unwrap_or(now);
        Window { earliest: begin(self.earliest), latest: named.unwrap_or(ahead) }
    }

    /// The columns of the table with how to get them.
    pub fn recipes(&self) -> impl Iterator<Item = (&'static Column, Option<&Recipe>)> {
        self.entity.columns().iter().zip(self.columns.iter().map(Option::as_ref))
    }

    /// How to get the column of this name.
    #[must_use]
    pub fn recipe(&self, name: &str) -> Option<&Recipe> {
        self.columns.get(self.entity.place(name)?)?.as_ref()
    }

    /// The names by which a header may know this column.
    pub(super) fn spellings<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut all = vec![name];
        let lists = self.spellings.iter().filter(|list| list.first().is_some_and(|first| first == name));
        lists.flatten().for_each(|other| {
            if !all.contains(&other.as_str()) {
                all.push(other);
            }
        });
        all
    }

    /// Whether the customers are made up or lent, and not those of the file.
    #[must_use]
    pub fn has_synthetic_customers(&self) -> bool {
        self.synthetic_customer.is_some() || self.lent_customer.is_some()
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

    /// The mapping, if its source is files.
    pub fn of_files(self) -> Result<Mapping> {
        match &self.relation {
            None => Ok(self),
            Some(relation) => Err(Error::usage(format!("source \"{}\" has no files to load", self.source))
                .detail(format!("Its mapping reads relation {}, which each run reads as it stands.", relation.quoted()))
                .hint("run it without loading: quintile build")),
        }
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
                Recipe::Join { columns, .. } => names.extend(columns.iter().map(String::as_str)),
                Recipe::Expression { expression, .. } => names.extend(expression.columns().iter().map(String::as_str)),
                _ => names.extend(recipe.file_column()),
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
