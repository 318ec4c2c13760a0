//! A record of a file to an order line, or the reason why it does not fit.

use super::instant::parse_instant;
use super::mapping::{Mapping, Recipe, Target};
use super::number::parse_number;
use super::value::quoted;
use crate::error::{Error, Result};
use crate::warehouse::load::OrderLine;
use chrono::{DateTime, Utc};
use csv::ByteRecord;
use rust_decimal::Decimal;

/// Bytes of a field that are taken; longer ones are a broken row, not a description.
const MAX_FIELD: usize = 64 << 10;
/// Column names of a header that a message lists.
const LISTED: usize = 40;

/// Why a record does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Column of the file, if it is one.
    pub column: Option<String>,
    /// In words.
    pub reason: String,
}

/// A mapping with the places of its columns in one file.
pub struct Converter<'a> {
    mapping: &'a Mapping,
    header: &'a [String],
    /// Place of each file column that the mapping names.
    places: Vec<(&'a str, usize)>,
}

type Converted<T> = std::result::Result<T, Rejection>;

impl<'a> Converter<'a> {
    /// Finds the mapping's columns in the header; `file_name` is for messages.
    pub fn new(mapping: &'a Mapping, header: &'a [String], file_name: &str) -> Result<Converter<'a>> {
        let mut places = Vec::new();
        let mut problems = Vec::new();
        let mut is_missing = false;
        for name in mapping.file_columns() {
            let mut found = header.iter().enumerate().filter(|(_, column)| *column == name.trim());
            match (found.next(), found.next()) {
                (Some((place, _)), None) => places.push((name, place)),
                (Some(_), Some(_)) => problems.push(format!("Column \"{name}\" stands twice in the header.")),
                (None, _) => {
                    is_missing = true;
                    problems.push(match nearest(name, header) {
                        Some(near) => format!("Column \"{name}\" is missing; the nearest is \"{near}\"."),
                        None => format!("Column \"{name}\" is missing."),
                    });
                }
            }
        }
        if problems.is_empty() {
            return Ok(Converter { mapping, header, places });
        }
        if is_missing {
            problems.push(format!("The columns of the file are: {}.", listed(header)));
        }
        let hint = if header.len() == 1 {
            "the header has one column only; correct file.delimiter in the mapping"
        } else {
            "correct the names in the mapping, or name the mapping that is meant for this file"
        };
        let message = format!("file \"{file_name}\" does not fit mapping \"{}\"", mapping.source);
        Err(Error::config(message).detail(problems.join("\n")).hint(hint))
    }

    /// Converts one record; `row_number` is the number of the data row, from 1.
    pub fn convert(&self, record: &ByteRecord, row_number: i32) -> Converted<OrderLine> {
        self.check(record)?;
        let row = Row { converter: self, record, row_number };
        let (customer_id, id_is_synthetic) = match &self.mapping.synthetic_customer {
            Some(made_up) => (Some(row.made_up_customer(&made_up.hash_of, made_up.modulo)?), true),
            None => (row.text(Target::CustomerId)?, false),
        };
        let discount = row.number(Target::Discount)?.unwrap_or_default();
        if discount < Decimal::ZERO || discount > Decimal::ONE {
            return Err(row.rejected(
                Target::Discount,
                format!("\"{discount}\" is not a share from 0 to 1; a percentage needs scale = 0.01 in the mapping"),
            ));
        }
        Ok(OrderLine {
            order_id: row.required(Target::OrderId, row.text(Target::OrderId)?)?,
            line: row_number,
            customer_id,
            id_is_synthetic,
            ordered_at: row.required(Target::OrderedAt, row.instant(Target::OrderedAt)?)?,
            product_id: row.text(Target::ProductId)?,
            description: row.text(Target::Description)?,
            category: row.text(Target::Category)?,
            quantity: row.required(Target::Quantity, row.number(Target::Quantity)?)?,
            unit_price: row.required(Target::UnitPrice, row.number(Target::UnitPrice)?)?,
            discount,
            unit_cost: row.number(Target::UnitCost)?,
            channel: row.text(Target::Channel)?,
            country: row.text(Target::Country)?,
            currency: row.text(Target::Currency)?.unwrap_or_else(|| self.mapping.currency.clone()),
        })
    }

    /// What no row may have, whatever the mapping takes of it.
    fn check(&self, record: &ByteRecord) -> Converted<()> {
        if record.len() != self.header.len() {
            let reason = format!("the row has {} fields and the file has {} columns", record.len(), self.header.len());
            return Err(Rejection { column: None, reason });
        }
        let is_plain = record.as_slice().is_ascii() && !record.as_slice().contains(&0);
        if is_plain && record.as_slice().len() <= MAX_FIELD {
            return Ok(());
        }
        for (field, column) in record.iter().zip(self.header) {
            let reason = if field.len() > MAX_FIELD {
                format!("the value has {} bytes, more than {MAX_FIELD}", field.len())
            } else if field.contains(&0) {
                "the value holds a NUL character".to_owned()
            } else if std::str::from_utf8(field).is_err() {
                "the value is not valid UTF-8".to_owned()
            } else {
                continue;
            };
            return Err(Rejection { column: Some(column.clone()), reason });
        }
        Ok(())
    }
}

/// One record on its way.
struct Row<'a> {
    converter: &'a Converter<'a>,
    record: &'a ByteRecord,
    row_number: i32,
}

impl<'a> Row<'a> {
    fn recipe(&self, target: Target) -> Option<&'a Recipe> {
        self.converter.mapping.columns.get(&target)
    }

    /// The field of a file column; `None` where the mapping calls its text "no value".
    fn field(&self, column: &str) -> Option<&'a str> {
        let place = self.converter.places.iter().find(|(name, _)| *name == column)?.1;
        let text = std::str::from_utf8(self.record.get(place)?).ok()?;
        let nulls = &self.converter.mapping.file.nulls;
        let is_null = nulls.iter().any(|null| null == text || null == text.trim());
        (!is_null).then_some(text)
    }

    fn text(&self, target: Target) -> Converted<Option<String>> {
        Ok(match self.recipe(target) {
            Some(Recipe::Text { column, strip_suffix }) => self.field(column).map(|text| {
                let suffix = strip_suffix.as_deref().unwrap_or_default();
                text.strip_suffix(suffix).unwrap_or(text).to_owned()
            }),
            Some(Recipe::Constant(text)) => Some(text.clone()),
            Some(Recipe::Join { columns, row_number }) => {
                let mut joined = self.required_fields(columns)?.join("-");
                if *row_number {
                    joined.push_str(&format!("-{}", self.row_number));
                }
                Some(joined)
            }
            _ => None,
        })
    }

    fn number(&self, target: Target) -> Converted<Option<Decimal>> {
        let (column, scale) = match self.recipe(target) {
            Some(Recipe::Number { column, scale }) => (column, scale),
            Some(Recipe::ConstantNumber(number)) => return Ok(Some(*number)),
            _ => return Ok(None),
        };
        let Some(text) = self.field(column) else { return Ok(None) };
        let number = parse_number(text).map_err(|reason| self.rejected(target, reason))?;
        let scaled = scale.map_or(Some(number), |scale| number.checked_mul(scale));
        match scaled {
            Some(number) => Ok(Some(number)),
            None => Err(self.rejected(target, format!("{} is too large once scaled", quoted(text)))),
        }
    }

    fn instant(&self, target: Target) -> Converted<Option<DateTime<Utc>>> {
        let Some(Recipe::Instant { column, formats }) = self.recipe(target) else { return Ok(None) };
        let Some(text) = self.field(column) else { return Ok(None) };
        let zone = self.converter.mapping.timezone;
        let window = self.converter.mapping.window(DateTime::<Utc>::MAX_UTC);
        let instant = parse_instant(text, formats, zone).and_then(|instant| window.check(instant, text));
        instant.map(Some).map_err(|reason| self.rejected(target, reason))
    }

    /// `synthetic-0042`: a hash of the named columns, modulo the number of customers.
    fn made_up_customer(&self, columns: &[String], modulo: u64) -> Converted<String> {
        let mut hasher = blake3::Hasher::new();
        for text in self.required_fields(columns)? {
            hasher.update(text.as_bytes());
            // A byte that no text holds, so that ("ab", "c") and ("a", "bc") differ.
            hasher.update(&[0xff]);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        let width = (modulo - 1).to_string().len();
        Ok(format!("synthetic-{:0width$}", u64::from_le_bytes(first) % modulo))
    }

    fn required_fields(&self, columns: &[String]) -> Converted<Vec<&'a str>> {
        let field = |column: &String| {
            self.field(column)
                .ok_or_else(|| Rejection { column: Some(column.clone()), reason: "the value is missing".into() })
        };
        columns.iter().map(field).collect()
    }

    fn required<T>(&self, target: Target, value: Option<T>) -> Converted<T> {
        value.ok_or_else(|| self.rejected(target, "the value is missing".into()))
    }

    fn rejected(&self, target: Target, reason: String) -> Rejection {
        let column = match self.recipe(target) {
            Some(Recipe::Text { column, .. } | Recipe::Number { column, .. } | Recipe::Instant { column, .. }) => {
                column
            }
            _ => return Rejection { column: None, reason: format!("{}: {reason}", target.name()) },
        };
        Rejection { column: Some(column.clone()), reason }
    }
}

fn listed(header: &[String]) -> String {
    let shown: Vec<&str> = header.iter().take(LISTED).map(String::as_str).collect();
    match header.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The column that is most like `name`, if one is alike enough: case, blanks and underscores do not count.
fn nearest<'a>(name: &str, header: &'a [String]) -> Option<&'a str> {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).take(60).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let distances = header.iter().take(2_000).map(|column| (distance(&wanted, &plain(column)), column));
    let (edits, column) = distances.min_by_key(|(edits, _)| *edits)?;
    (edits * 2 <= wanted.len()).then_some(column)
}

/// Levenshtein's distance: insertions, deletions and replacements that turn `a` into `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPING: &str = r#"
        [file]
        nulls = ["", "N/A"]
        [defaults]
        currency = "EUR"
        [columns]
        order_id = "Order"
        customer_id = { column = "Customer", strip_suffix = ".0" }
        ordered_at = { column = "Date", format = "%Y-%m-%d" }
        quantity = "Qty"
        unit_price = "Price"
        discount = { column = "Percent", scale = 0.01 }
        channel = { constant = "online" }
    "#;
    const HEADER: [&str; 6] = ["Order", "Customer", "Date", "Qty", "Price", "Percent"];

    fn convert(mapping: &str, fields: &[&[u8]]) -> Converted<OrderLine> {
        let mapping = Mapping::parse("shop.toml", "shop", mapping).unwrap();
        let header = HEADER.map(str::to_owned);
        Converter::new(&mapping, &header, "orders.csv").unwrap().convert(&ByteRecord::from(fields.to_vec()), 7)
    }

    #[test]
    fn a_row_that_fits_is_kept_exactly() {
        let line = convert(MAPPING, &[b"A1", b" Zo\xc3\xab.0", b"2023-03-01", b"-2", b"12.3450", b"5"]).unwrap();
        assert_eq!(line.customer_id.as_deref(), Some(" Zo\u{eb}"));
        assert_eq!((line.quantity.to_string(), line.unit_price.to_string()), ("-2".into(), "12.3450".into()));
        assert_eq!((line.discount.to_string(), line.line), ("0.05".into(), 7));
        assert_eq!((line.currency.as_str(), line.channel.as_deref()), ("EUR", Some("online")));
    }

    #[test]
    fn a_customer_may_be_missing() {
        let line = convert(MAPPING, &[b"A1", b" N/A ", b"2023-03-01", b"1", b"1", b""]).unwrap();
        assert_eq!((line.customer_id, line.discount), (None, Decimal::ZERO));
    }

    #[test]
    fn every_reason_is_in_words() {
        let long = vec![b'x'; MAX_FIELD + 1];
        let rows: [&[&[u8]]; 12] = [
            &[b"A1", b"C", b"2023-03-01", b"x", b"1", b""],
            &[b"A1", b"C", b"2023-02-30", b"1", b"1", b""],
            &[b"A1", b"C", b"2023-03-01", b"1", b"NaN", b""],
            &[b"A1", b"C", b"2023-03-01", b"1", b"1e400", b""],
            &[b"", b"C", b"2023-03-01", b"1", b"1", b""],
            &[b"A1", b"C", b"N/A", b"1", b"1", b""],
            &[b"A1", b"C\0", b"2023-03-01", b"1", b"1", b""],
            &[b"A1", b"C\xff", b"2023-03-01", b"1", b"1", b""],
            &[b"A1", b"C", b"2023-03-01"],
            &[b"A1", &long, b"2023-03-01", b"1", b"1", b""],
            &[b"A1", b"C", b"1492-10-12", b"1", b"1", b""],
            &[b"A1", b"C", b"2023-03-01", b"1", b"1", b"500"],
        ];
        let told: Vec<String> = rows
            .iter()
            .map(|row| convert(MAPPING, row).unwrap_err())
            .map(|told| format!("{}: {}", told.column.unwrap_or_else(|| "-".into()), told.reason))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn ids_are_joined_and_customers_made_up() {
        let mapping = MAPPING
            .replace("\"Order\"", "{ join = [\"Customer\", \"Date\"], row_number = true }")
            .replace("customer_id = { column = \"Customer\", strip_suffix = \".0\" }", "")
            + "[synthetic_customer]\nhash_of = [\"Order\"]\nmodulo = 1000";
        let row = |order: &'static [u8]| [order, b"00001", b"2023-03-01", b"1", b"1", b""];
        let line = convert(&mapping, &row(b"A1")).unwrap();
        assert_eq!((line.order_id.as_str(), line.id_is_synthetic), ("00001-2023-03-01-7", true));
        let customer = line.customer_id.unwrap();
        assert_eq!(customer.len(), "synthetic-000".len());
        assert_eq!(convert(&mapping, &row(b"A1")).unwrap().customer_id.as_ref(), Some(&customer));
        assert_ne!(convert(&mapping, &row(b"A2")).unwrap().customer_id.as_ref(), Some(&customer));
        let told = convert(&mapping, &row(b"")).unwrap_err();
        assert_eq!((told.column.as_deref(), told.reason.as_str()), (Some("Order"), "the value is missing"));
    }

    #[test]
    fn a_header_that_does_not_fit_is_told_with_the_nearest_names() {
        let mapping = Mapping::parse("shop.toml", "shop", MAPPING).unwrap();
        let header = ["order", "CustomerID", "Date", "Date", "unit_price", "qty", "Percent"].map(str::to_owned);
        let error = Converter::new(&mapping, &header, "orders.csv").err().unwrap();
        insta::assert_snapshot!(error.report());
        let header = ["Order;Customer;Date;Qty;Price;Percent".to_owned()];
        let error = Converter::new(&mapping, &header, "orders.csv").err().unwrap();
        assert!(error.hint.unwrap().contains("file.delimiter"));
    }

    #[test]
    fn distance_counts_edits() {
        let count = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!((count("kitten", "sitting"), count("", "abc"), count("abc", "abc")), (3, 3, 0));
    }
}
