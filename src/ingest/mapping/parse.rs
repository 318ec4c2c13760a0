//! The text of a mapping file to a [`Mapping`]; every problem is collected and told at once.

use super::{FileFormat, Format, Mapping, Recipe, SyntheticCustomer};
use crate::error::{Error, Result};
use crate::ingest::value::parse_number;
use crate::warehouse::entity::{Column, Entity, Kind};
use chrono::format::StrftimeItems;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use toml::{Table, Value};

/// The problems found so far; each is a sentence that begins with the key.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, key: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{key}: {what}."));
    }

    fn unknown_keys(&mut self, at: &str, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.add(&join_key(at, key), format!("there is no such key; known are {}", known.join(", ")));
        }
    }

    fn text(&mut self, at: &str, table: &Table, key: &str) -> Option<String> {
        match table.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.add(&join_key(at, key), format!("must be text, not {}", other.type_str()));
                None
            }
        }
    }

    fn flag(&mut self, at: &str, table: &Table, key: &str) -> Option<bool> {
        match table.get(key)? {
            Value::Boolean(flag) => Some(*flag),
            other => {
                self.add(&join_key(at, key), format!("must be true or false, not {}", other.type_str()));
                None
            }
        }
    }

    fn texts(&mut self, at: &str, table: &Table, key: &str) -> Option<Vec<String>> {
        let texts = table.get(key)?.as_array().and_then(|values| {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        if texts.is_none() {
            self.add(&join_key(at, key), "must be a list of texts");
        }
        texts
    }

    fn table<'a>(&mut self, root: &'a Table, key: &str) -> Option<&'a Table> {
        let table = root.get(key)?.as_table();
        if table.is_none() {
            self.add(key, "must be a table");
        }
        table
    }
}

fn join_key(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

pub(super) fn parse(path: &str, source: &str, text: &str) -> Result<Mapping> {
    let wrong = || Error::config(format!("mapping \"{source}\" is not right"));
    let root: Table = text.parse().map_err(|e: toml::de::Error| {
        wrong().detail(format!("{path}: {}", e.to_string().trim_end())).hint("correct the TOML")
    })?;
    let mut problems = Problems::default();
    let known = ["description", "source", "table", "file", "defaults", "columns", "synthetic_customer"];
    problems.unknown_keys("", &root, &known);
    let description = problems.text("", &root, "description").unwrap_or_default();
    // Several mappings may fill the tables of one source.
    let source = problems.text("", &root, "source").unwrap_or_else(|| source.to_owned());
    let entity = entity(&root, &mut problems);
    let file = file_format(&root, &mut problems);
    let (currency, timezone) = defaults(&root, &mut problems);
    let synthetic_customer = synthetic_customer(&root, &mut problems);
    let columns = columns(entity, &root, &mut problems);
    check_columns(entity, &root, currency.as_deref(), &mut problems);
    if !problems.0.is_empty() {
        let lines: Vec<String> = problems.0.iter().map(|problem| format!("{path}: {problem}")).collect();
        return Err(wrong().detail(lines.join("\n")).hint("docs/ingest.md describes every key"));
    }
    Ok(Mapping {
        source,
        description,
        entity,
        file,
        currency: currency.unwrap_or_default(),
        timezone,
        columns,
        synthetic_customer,
        checksum: blake3::hash(text.as_bytes()).to_hex().to_string(),
    })
}

fn entity(root: &Table, problems: &mut Problems) -> Entity {
    let Some(table) = problems.text("", root, "table") else { return Entity::Orders };
    Entity::of_table(&table).unwrap_or_else(|| {
        let tables: Vec<&str> = Entity::ALL.iter().map(|entity| entity.table()).collect();
        problems.add("table", format!("\"{table}\" is not known; use {}", tables.join(", ")));
        Entity::Orders
    })
}

fn file_format(root: &Table, problems: &mut Problems) -> FileFormat {
    let empty = Table::new();
    let file = problems.table(root, "file").unwrap_or(&empty);
    problems.unknown_keys("file", file, &["format", "delimiter", "header", "encoding", "nulls"]);
    let format = match problems.text("file", file, "format").as_deref() {
        None | Some("csv") => Format::Csv,
        Some("fixed_blanks") => Format::FixedBlanks,
        Some(other) => {
            problems.add("file.format", format!("\"{other}\" is not known; use csv or fixed_blanks"));
            Format::Csv
        }
    };
    let delimiter = problems.text("file", file, "delimiter");
    let delimiter = match (format, delimiter.as_deref().map(str::as_bytes)) {
        (Format::FixedBlanks, None) => b' ',
        (Format::FixedBlanks, Some(_)) => {
            problems.add("file.delimiter", "has no meaning with format fixed_blanks");
            b' '
        }
        (Format::Csv, None) => b',',
        (Format::Csv, Some([one])) if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n' | 0) => *one,
        (Format::Csv, Some(_)) => {
            problems.add("file.delimiter", "must be one ASCII character, and neither a quote nor a line end");
            b','
        }
    };
    if let Some(encoding) = problems.text("file", file, "encoding")
        && !encoding.eq_ignore_ascii_case("utf-8")
    {
        problems.add("file.encoding", format!("\"{encoding}\" cannot be read; convert the files to utf-8"));
    }
    FileFormat {
        format,
        delimiter,
        has_header: problems.flag("file", file, "header").unwrap_or(true),
        nulls: problems.texts("file", file, "nulls").unwrap_or_else(|| vec![String::new()]),
    }
}

fn defaults(root: &Table, problems: &mut Problems) -> (Option<String>, Tz) {
    let empty = Table::new();
    let defaults = problems.table(root, "defaults").unwrap_or(&empty);
    problems.unknown_keys("defaults", defaults, &["currency", "timezone"]);
    let timezone = problems.text("defaults", defaults, "timezone").unwrap_or_else(|| "UTC".into());
    let timezone = timezone.parse().unwrap_or_else(|_| {
        problems.add("defaults.timezone", format!("\"{timezone}\" is not an IANA time zone, as Europe/London is"));
        Tz::UTC
    });
    let currency = problems.text("defaults", defaults, "currency");
    if let Some(currency) = &currency
        && !(currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()))
    {
        problems.add("defaults.currency", format!("\"{currency}\" is not three capital letters, as GBP is"));
    }
    (currency, timezone)
}

fn synthetic_customer(root: &Table, problems: &mut Problems) -> Option<SyntheticCustomer> {
    let at = "synthetic_customer";
    let table = problems.table(root, at)?;
    problems.unknown_keys(at, table, &["hash_of", "modulo"]);
    let hash_of = problems.texts(at, table, "hash_of").unwrap_or_default();
    if hash_of.is_empty() {
        problems.add("synthetic_customer.hash_of", "must name one file column or more");
    }
    let modulo = table.get("modulo").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
    let modulo = modulo.filter(|n| *n > 0).unwrap_or_else(|| {
        problems.add("synthetic_customer.modulo", "must be a whole number above 0: how many customers to make up");
        1
    });
    Some(SyntheticCustomer { hash_of, modulo })
}

fn columns(entity: Entity, root: &Table, problems: &mut Problems) -> Vec<Option<Recipe>> {
    let empty = Table::new();
    let table = problems.table(root, "columns").unwrap_or(&empty);
    let mapped = |column: &&Column| column.is_mapped;
    let known: Vec<&str> = entity.columns().iter().filter(mapped).map(|column| column.name).collect();
    problems.unknown_keys("columns", table, &known);
    let given = |column: &Column| table.get(column.name).filter(|_| column.is_mapped);
    entity.columns().iter().map(|column| recipe(column, given(column)?, problems)).collect()
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
fn recipe(target: &Column, value: &Value, problems: &mut Problems) -> Option<Recipe> {
    let at = format!("columns.{}", target.name);
    let mut table = Table::new();
    match value {
        Value::String(column) => drop(table.insert("column".into(), Value::String(column.clone()))),
        Value::Table(given) => table.clone_from(given),
        other => {
            problems.add(&at, format!("must be a column's name or a table, not {}", other.type_str()));
            return None;
        }
    }
    let ways: Vec<&str> = ["column", "constant", "join"].into_iter().filter(|way| table.contains_key(*way)).collect();
    let [way] = ways[..] else {
        problems.add(&at, "needs exactly one of column, constant, join");
        return None;
    };
    let options: &[&str] = match way {
        "column" if is_dated(target.kind) => &["column", "format"],
        "column" if is_number(target.kind) => &["column", "scale"],
        "column" => &["column", "strip_suffix"],
        "join" => &["join", "row_number"],
        _ => &["constant"],
    };
    problems.unknown_keys(&at, &table, options);
    if is_dated(target.kind) && way != "column" {
        problems.add(&at, "must come from a column");
        return None;
    }
    match way {
        "column" => from_column(target.kind, &at, &table, problems),
        "constant" => constant(target.kind, &at, &table, problems),
        _ if is_number(target.kind) => {
            problems.add(&at, "is a number, and cannot be joined of texts");
            None
        }
        _ => {
            let columns = problems.texts(&at, &table, "join")?;
            if columns.is_empty() {
                problems.add(&join_key(&at, "join"), "must name one file column or more");
                return None;
            }
            Some(Recipe::Join { columns, row_number: problems.flag(&at, &table, "row_number").unwrap_or(false) })
        }
    }
}

fn from_column(kind: Kind, at: &str, table: &Table, problems: &mut Problems) -> Option<Recipe> {
    let column = problems.text(at, table, "column")?;
    if is_dated(kind) {
        let Some(format) = problems.text(at, table, "format") else {
            problems.add(at, "needs a format, as in { column = \"date\", format = \"%Y-%m-%d\" }");
            return None;
        };
        let Ok(items) = StrftimeItems::new(&format).parse_to_owned() else {
            problems.add(&join_key(at, "format"), format!("\"{format}\" is not a strftime format"));
            return None;
        };
        return Some(Recipe::Instant { column, format, items });
    }
    if !is_number(kind) {
        return Some(Recipe::Text { column, strip_suffix: problems.text(at, table, "strip_suffix") });
    }
    let scale = match table.get("scale") {
        None => None,
        Some(value) => {
            let scale = decimal(value);
            if scale.is_none_or(|scale| scale.is_zero()) {
                problems.add(&join_key(at, "scale"), "must be a number other than 0");
            }
            scale
        }
    };
    Some(Recipe::Number { column, scale })
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

/// A number written as such or as text. The shortest text of a float is what the file says, so 0.01 stays exact.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Integer(number) => Some(Decimal::from(*number)),
        Value::Float(number) => parse_number(&number.to_string()).ok(),
        Value::String(text) => parse_number(text).ok(),
        _ => None,
    }
}

fn check_columns(entity: Entity, root: &Table, currency: Option<&str>, problems: &mut Problems) {
    let is_given = |name: &str| root.get("columns").is_some_and(|table| table.get(name).is_some());
    let is_missing = |column: &&Column| column.is_required && column.is_mapped && !is_given(column.name);
    for column in entity.columns().iter().filter(is_missing) {
        problems.add(&format!("columns.{}", column.name), "is missing");
    }
    let has_rule = root.contains_key("synthetic_customer");
    match (entity, is_given("customer_id"), has_rule) {
        (Entity::Orders, true, true) => problems.add("synthetic_customer", "cannot stand beside columns.customer_id"),
        (Entity::Orders, false, false) => problems
            .add("columns.customer_id", "is missing; a file without customers needs a table [synthetic_customer]"),
        (Entity::Orders, ..) | (_, _, false) => {}
        (_, _, true) => problems.add("synthetic_customer", "has a meaning for orders only"),
    }
    let has_default = currency.is_some() || root.get("defaults").is_some_and(|table| table.get("currency").is_some());
    if !has_default && entity.columns().iter().any(|column| column.kind == Kind::Currency) {
        problems.add("defaults.currency", "is missing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        description = "a shop"
        [file]
        delimiter = ";"
        nulls = ["", "N/A"]
        [defaults]
        currency = "EUR"
        timezone = "Europe/Berlin"
        [columns]
        order_id = { join = ["customer", "date"], row_number = true }
        customer_id = { column = "customer", strip_suffix = ".0" }
        ordered_at = { column = "date", format = "%d.%m.%Y" }
        quantity = { constant = "1" }
        unit_price = "total"
        discount = { column = "percent", scale = 0.01 }
    "#;

    fn report(text: &str) -> String {
        parse("config/sources/shop.toml", "shop", text).unwrap_err().report()
    }

    #[test]
    fn a_right_mapping_is_read_whole() {
        let mapping = parse("shop.toml", "shop", GOOD).unwrap();
        assert_eq!((mapping.file.delimiter, mapping.file.has_header), (b';', true));
        assert_eq!(mapping.timezone, Tz::Europe__Berlin);
        assert_eq!(mapping.recipe("quantity"), Some(&Recipe::ConstantNumber(Decimal::ONE)));
        let scale = Some(Decimal::new(1, 2));
        assert_eq!(mapping.recipe("discount"), Some(&Recipe::Number { column: "percent".into(), scale }));
        assert_eq!(mapping.file_columns(), ["customer", "date", "total", "percent"]);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        insta::assert_snapshot!(report(
            r#"
            colour = "red"
            [file]
            format = "xml"
            delimiter = ",,"
            header = "yes"
            encoding = "latin-1"
            nulls = "N/A"
            [defaults]
            currency = "pounds"
            timezone = "London"
            [columns]
            customer_id = { column = "a", constant = "b" }
            ordered_at = "date"
            quantity = { column = "q", scale = "much", format = "%d" }
            unit_price = { constant = "free" }
            channel = 3
            shop = "Shop"
            [synthetic_customer]
            modulo = -1
            "#
        ));
    }

    #[test]
    fn what_is_missing_is_told() {
        insta::assert_snapshot!(report("description = \"nothing\""));
    }

    #[test]
    fn a_format_that_strftime_does_not_know_is_told() {
        let report = report(&GOOD.replace("%d.%m.%Y", "%d.%Q"));
        assert!(report.contains("columns.ordered_at.format: \"%d.%Q\" is not a strftime format."), "{report}");
    }

    #[test]
    fn broken_toml_is_told_with_its_place() {
        insta::assert_snapshot!(report("[file]\nformat = csv\n"));
    }
}
