//! `[columns]`: how to get each column of the table.

use super::file::{NUMBER_KEYS, decimal, number_format};
use super::problems::{Problems, join_key};
use crate::ingest::expression::Expression;
use crate::ingest::instant::InstantFormat;
use crate::ingest::mapping::{FileFormat, Recipe};
use crate::warehouse::entity::{Column, Entity, Kind};
use std::collections::BTreeMap;
use toml::{Table, Value};

pub(super) fn columns(entity: Entity, root: &Table, file: &FileFormat, problems: &mut Problems) -> Vec<Option<Recipe>> {
    let empty = Table::new();
    let table = problems.table(root, "columns").unwrap_or(&empty);
    let mapped = |column: &&Column| column.is_mapped;
    let known: Vec<&str> = entity.columns().iter().filter(mapped).map(|column| column.name).collect();
    problems.unknown_keys("columns", table, &known);
    let given = |column: &Column| table.get(column.name).filter(|_| column.is_mapped);
    entity.columns().iter().map(|column| recipe(column, given(column)?, file, problems)).collect()
}

/// Whether values of this kind are read as numbers.
fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Share | Kind::Integer)
}

/// Whether values of this kind are read by a date format.
fn is_dated(kind: Kind) -> bool {
    matches!(kind, Kind::Instant | Kind::Date)
}

/// One entry of `[columns]`; `None` where a problem was found.
fn recipe(target: &Column, value: &Value, file: &FileFormat, problems: &mut Problems) -> Option<Recipe> {
    let at = format!("columns.{}", target.name);
    let mut table = Table::new();
    match value {
        Value::String(_) | Value::Array(_) => drop(table.insert("column".into(), value.clone())),
        Value::Table(given) => table.clone_from(given),
        other => {
            problems.add(&at, format!("must be a column's name, several or a table, not {}", other.type_str()));
            return None;
        }
    }
    let ways: Vec<&str> =
        ["column", "constant", "join", "expression"].into_iter().filter(|way| table.contains_key(*way)).collect();
    let [way] = ways[..] else {
        problems.add(&at, "needs exactly one of column, constant, join, expression");
        return None;
    };
    let options: &[&str] = match way {
        "column" if is_dated(target.kind) => &["column", "format", "nulls"],
        "column" if is_number(target.kind) => &["column", "scale", "nulls"],
        "column" => &["column", "strip_suffix", "values", "nulls"],
        "join" => &["join", "row_number"],
        "expression" => &["expression"],
        _ => &["constant"],
    };
    let takes_format = is_number(target.kind) && way != "constant";
    let format_keys = if takes_format { &NUMBER_KEYS[..] } else { &[] };
    problems.unknown_keys(&at, &table, &[options, format_keys].concat());
    if is_dated(target.kind) && way != "column" {
        problems.add(&at, "must come from a column");
        return None;
    }
    match way {
        "column" => from_column(target.kind, &at, &table, file, problems),
        "constant" => constant(target.kind, &at, &table, problems),
        "expression" => expression(target.kind, &at, &table, file, problems),
        _ => join(target.kind, &at, &table, problems),
    }
}

fn from_column(kind: Kind, at: &str, table: &Table, file: &FileFormat, problems: &mut Problems) -> Option<Recipe> {
    let column = match table.get("column") {
        // What is wrong with a list is told where all lists are gathered.
        Some(Value::Array(names)) => names.first()?.as_str()?.to_owned(),
        _ => problems.text(at, table, "column")?,
    };
    let nulls = problems.texts(at, table, "nulls").unwrap_or_default();
    if is_dated(kind) {
        return Some(Recipe::Instant { column, formats: formats(at, table, problems)?, nulls });
    }
    if !is_number(kind) {
        let strip_suffix = problems.text(at, table, "strip_suffix");
        return Some(Recipe::Text { column, strip_suffix, values: values(at, table, problems), nulls });
    }
    let scale = table.get("scale").map(|value| {
        let scale = decimal(value).filter(|scale| !scale.is_zero());
        if scale.is_none() {
            problems.add(&join_key(at, "scale"), "must be a number other than 0");
        }
        scale
    });
    let format = number_format(at, table, &file.numbers, problems);
    Some(Recipe::Number { column, scale: scale.flatten(), format, nulls })
}

/// One format or several, of which the first that fits is taken.
fn formats(at: &str, table: &Table, problems: &mut Problems) -> Option<Vec<InstantFormat>> {
    let names = match table.get("format") {
        None => return Some(vec![InstantFormat::Iso]),
        Some(Value::String(format)) => vec![format.clone()],
        Some(_) => problems.texts(at, table, "format")?,
    };
    if names.is_empty() {
        problems.add(&join_key(at, "format"), "must be a format or a list of formats");
    }
    let mut formats = Vec::new();
    for name in &names {
        match InstantFormat::parse(name) {
            Some(format) => formats.push(format),
            None => problems.add(
                &join_key(at, "format"),
                format!("\"{name}\" is not a strftime format, nor iso, epoch_seconds or epoch_milliseconds"),
            ),
        }
    }
    (!formats.is_empty()).then_some(formats)
}

/// `values = { "M" = "male" }`: other words for some values.
fn values(at: &str, table: &Table, problems: &mut Problems) -> BTreeMap<String, String> {
    let Some(value) = table.get("values") else { return BTreeMap::new() };
    let pairs = value.as_table().and_then(|pairs| {
        let pair = |(from, to): (&String, &Value)| Some((from.clone(), to.as_str()?.to_owned()));
        pairs.iter().map(pair).collect::<Option<BTreeMap<String, String>>>()
    });
    match pairs {
        Some(pairs) if pairs.values().all(|to| !to.contains('\0')) => pairs,
        _ => {
            problems.add(&join_key(at, "values"), "must be a table of texts, as { M = \"male\" }");
            BTreeMap::new()
        }
    }
}

fn constant(kind: Kind, at: &str, table: &Table, problems: &mut Problems) -> Option<Recipe> {
    let value = table.get("constant")?;
    let constant = if is_number(kind) {
        decimal(value).map(Recipe::ConstantNumber)
    } else {
        value.as_str().filter(|text| !text.contains('\0')).map(|text| Recipe::Constant(text.to_owned()))
    };
    if constant.is_none() {
        let kind = if is_number(kind) { "a number" } else { "text" };
        problems.add(&join_key(at, "constant"), format!("must be {kind}"));
    }
    constant
}

fn expression(kind: Kind, at: &str, table: &Table, file: &FileFormat, problems: &mut Problems) -> Option<Recipe> {
    let text = problems.text(at, table, "expression")?;
    let format = number_format(at, table, &file.numbers, problems);
    if !is_number(kind) {
        problems.add(at, "is no number, and cannot be computed");
        return None;
    }
    match Expression::parse(&text) {
        Ok(expression) => Some(Recipe::Expression { expression, format }),
        Err(why) => {
            problems.add(&join_key(at, "expression"), format!("cannot be read: {why}"));
            None
        }
    }
}

fn join(kind: Kind, at: &str, table: &Table, problems: &mut Problems) -> Option<Recipe> {
    if is_number(kind) {
        problems.add(at, "is a number, and cannot be joined of texts");
        return None;
    }
    let columns = problems.texts(at, table, "join")?;
    if columns.is_empty() {
        problems.add(&join_key(at, "join"), "must name one file column or more");
        return None;
    }
    Some(Recipe::Join { columns, row_number: problems.flag(at, table, "row_number").unwrap_or(false) })
}
