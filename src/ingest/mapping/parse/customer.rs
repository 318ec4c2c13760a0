//! `[synthetic_customer]` and `[lent_customer]`: customers for files that have none.

use super::file::{delimiter, encoding};
use super::problems::{Problems, join_key};
use crate::ingest::mapping::{CustomerHash, FileFormat, Format, LentCustomer, SyntheticCustomer};
use std::path::PathBuf;
use toml::{Table, Value};

const SYNTHETIC: &str = "synthetic_customer";
const LENT: &str = "lent_customer";

pub(super) fn synthetic(root: &Table, problems: &mut Problems) -> Option<SyntheticCustomer> {
    let table = problems.table(root, SYNTHETIC)?;
    problems.unknown_keys(SYNTHETIC, table, &["rule", "hash_of", "modulo"]);
    let rule = match problems.text(SYNTHETIC, table, "rule").as_deref() {
        None | Some("blake3") => CustomerHash::Blake3,
        Some("hashtext") => CustomerHash::Hashtext,
        Some(other) => {
            let what = format!("\"{other}\" is not known; use blake3 or hashtext");
            problems.add(&join_key(SYNTHETIC, "rule"), what);
            CustomerHash::Blake3
        }
    };
    let hash_of = problems.texts(SYNTHETIC, table, "hash_of").unwrap_or_default();
    if hash_of.is_empty() {
        problems.add(&join_key(SYNTHETIC, "hash_of"), "must name one file column or more");
    }
    if rule == CustomerHash::Hashtext && hash_of.len() > 1 {
        problems.add(&join_key(SYNTHETIC, "hash_of"), "must name one file column only with rule hashtext");
    }
    let modulo = table.get("modulo").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
    let modulo = modulo.filter(|n| *n > 0).unwrap_or_else(|| {
        let what = "must be a whole number above 0: how many customers to make up";
        problems.add(&join_key(SYNTHETIC, "modulo"), what);
        1
    });
    Some(SyntheticCustomer { rule, hash_of, modulo })
}

pub(super) fn lent(root: &Table, problems: &mut Problems) -> Option<LentCustomer> {
    let table = problems.table(root, LENT)?;
    problems.unknown_keys(LENT, table, &["file", "column", "delimiter", "encoding"]);
    let mut needed = |key: &str, what: &str| {
        let text = problems.text(LENT, table, key).filter(|text| !text.is_empty());
        if text.is_none() && table.get(key).is_none_or(toml::Value::is_str) {
            problems.add(&join_key(LENT, key), what);
        }
        text.unwrap_or_default()
    };
    let file = PathBuf::from(needed("file", "must name a file, relative to the folder of the file that is loaded"));
    let column = needed("column", "must name the column of that file that holds the customers");
    let format = FileFormat {
        delimiter: delimiter(LENT, Format::Csv, table, problems),
        encoding: encoding(LENT, table, problems),
        ..FileFormat::default()
    };
    Some(LentCustomer { file, column, format })
}
