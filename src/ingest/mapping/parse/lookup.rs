//! `[[lookup]]`: files that give columns.

use super::file::{delimiter, encoding};
use super::problems::{Problems, join_key};
use crate::ingest::mapping::{FileFormat, Format, Lookup};
use toml::{Table, Value};

const LOOKUP: &str = "lookup";

pub(super) fn lookups(root: &Table, problems: &mut Problems) -> Vec<Lookup> {
    let Some(value) = root.get(LOOKUP) else { return Vec::new() };
    let tables: Option<Vec<&Table>> = value.as_array().and_then(|list| list.iter().map(Value::as_table).collect());
    let Some(tables) = tables else {
        problems.add(LOOKUP, "must be written as [[lookup]], once for each file");
        return Vec::new();
    };
    tables.into_iter().map(|table| lookup(table, problems)).collect()
}

fn lookup(table: &Table, problems: &mut Problems) -> Lookup {
    problems.unknown_keys(LOOKUP, table, &["file", "on", "columns", "delimiter", "encoding"]);
    let mut needed = |key: &str, what: &str| {
        let text = problems.text(LOOKUP, table, key).filter(|text| !text.is_empty());
        if text.is_none() && table.get(key).is_none_or(Value::is_str) {
            problems.add(&join_key(LOOKUP, key), what);
        }
        text.unwrap_or_default()
    };
    let file = needed("file", "must name a file, relative to the folder of the file that is loaded");
    let on = needed("on", "must name the column that both files have");
    let columns = problems.texts(LOOKUP, table, "columns").unwrap_or_default();
    if columns.is_empty() && table.get("columns").is_none_or(Value::is_array) {
        problems.add(&join_key(LOOKUP, "columns"), "must name one column or more");
    }
    let format = FileFormat {
        delimiter: delimiter(LOOKUP, Format::Csv, table, problems),
        encoding: encoding(LOOKUP, table, problems),
        ..FileFormat::default()
    };
    Lookup { file: file.into(), on, columns, format }
}
