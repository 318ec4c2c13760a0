//! A mapping: how the columns of a source's files become the columns of `raw.orders`.
//!
//! `config/sources/NAME.toml` describes the files of source `NAME`; `parse` reads one and tells all its problems at once.

mod parse;

use crate::error::{Error, Result};
use crate::ingest::instant::{InstantFormat, Window};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use encoding_rs::Encoding;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::Path;

/// A checked mapping file.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Name of the source: the file's name without `.toml`.
    pub source: String,
    /// What the source is, in words.
    pub description: String,
    /// How the files are written.
    pub file: FileFormat,
    /// Currency of the prices, unless a column says it.
    pub currency: String,
    /// Zone of times that name none.
    pub timezone: Tz,
    /// First day that is borne.
    pub earliest: NaiveDate,
    /// Last day that is borne, if the mapping names one.
    pub latest: Option<NaiveDate>,
    /// How to get each column of `raw.orders`.
    pub columns: BTreeMap<Target, Recipe>,
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
    /// How characters are written as bytes.
    pub encoding: &'static Encoding,
    /// Texts that mean "no value".
    pub nulls: Vec<String>,
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
}

/// A column of `raw.orders` that a mapping can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Required text.
    OrderId,
    /// Text; absent means a customer who is not known.
    CustomerId,
    /// Required instant.
    OrderedAt,
    /// Text.
    ProductId,
    /// Text.
    Description,
    /// Text.
    Category,
    /// Required number.
    Quantity,
    /// Required number.
    UnitPrice,
    /// Share of the price, 0 to 1; absent means 0.
    Discount,
    /// Number.
    UnitCost,
    /// Text.
    Channel,
    /// Text.
    Country,
    /// Text; absent means the default of the mapping.
    Currency,
}

impl Target {
    /// All targets, in the order of the table.
    pub const ALL: [Target; 13] = [
        Target::OrderId,
        Target::CustomerId,
        Target::OrderedAt,
        Target::ProductId,
        Target::Description,
        Target::Category,
        Target::Quantity,
        Target::UnitPrice,
        Target::Discount,
        Target::UnitCost,
        Target::Channel,
        Target::Country,
        Target::Currency,
    ];

    /// Name of the column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Target::OrderId => "order_id",
            Target::CustomerId => "customer_id",
            Target::OrderedAt => "ordered_at",
            Target::ProductId => "product_id",
            Target::Description => "description",
            Target::Category => "category",
            Target::Quantity => "quantity",
            Target::UnitPrice => "unit_price",
            Target::Discount => "discount",
            Target::UnitCost => "unit_cost",
            Target::Channel => "channel",
            Target::Country => "country",
            Target::Currency => "currency",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Target::Quantity | Target::UnitPrice | Target::Discount | Target::UnitCost)
    }

    fn is_required(self) -> bool {
        matches!(self, Target::OrderId | Target::OrderedAt | Target::Quantity | Target::UnitPrice)
    }
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
    /// Instant of a file column, by the first format that fits.
    Instant {
        /// Name in the file.
        column: String,
        /// One or more.
        formats: Vec<InstantFormat>,
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

    /// Names of the file columns that the mapping reads, each once, in order of their targets.
    #[must_use]
    pub fn file_columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for recipe in self.columns.values() {
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
