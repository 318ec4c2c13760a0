//! A record of a file to a row of a raw table, or the reason why it does not fit.

use super::columns::{Way, Ways};
use super::expression::Expression;
use super::instant::{Window, parse_date, parse_instant};
use super::mapping::{Mapping, Recipe};
use super::number::NumberFormat;
use super::position::Positions;
use super::value::quoted;
use crate::error::Result;
use crate::warehouse::copy_rows::RowBuffer;
use crate::warehouse::entity::{Column, Entity, Kind};
use chrono::{DateTime, NaiveDate, Utc};
use csv::ByteRecord;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::borrow::Cow;
use std::fmt::Write;

/// Bytes of a field that are taken; longer ones are a broken row, not a description.
const MAX_FIELD: usize = 64 << 10;

/// Why a record does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Column of the file, if it is one.
    pub column: Option<String>,
    /// In words.
    pub reason: String,
}

/// Where a record stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Number of the data row, from 1.
    pub row_number: i32,
    /// Line, from 1, the header included.
    pub line: i64,
    /// The record's text, where rows with the same key are compared.
    pub raw_text: Option<String>,
    /// The customer that another file lends to this row.
    pub lent_customer: Option<String>,
}

/// What is the same for every row of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Number of the load.
    pub load_id: i64,
    /// The rows are compared with those that are there: each tells its origin.
    pub is_staged: bool,
    /// The instants that it bears.
    pub window: Window,
}

/// A mapping with the places of its columns in one file; turns records into rows of a binary COPY.
pub struct Converter<'a> {
    mapping: &'a Mapping,
    header: &'a [String],
    ways: Ways<'a>,
    destination: Destination,
    /// For orders, whose lines are numbered.
    positions: Option<Positions>,
}

type Converted<T> = std::result::Result<T, Rejection>;

impl<'a> Converter<'a> {
    /// Finds the mapping's columns in the header; `file_name` is for messages.
    pub fn new(
        mapping: &'a Mapping,
        header: &'a [String],
        file_name: &str,
        destination: Destination,
    ) -> Result<Converter<'a>> {
        let ways = Ways::find(mapping, header, file_name)?;
        let positions = (mapping.entity == Entity::Orders).then(Positions::new);
        Ok(Converter { mapping, header, ways, destination, positions })
    }

    /// Some lines of orders could not be numbered here; the database must do it.
    #[must_use]
    pub fn is_scattered(&self) -> bool {
        self.positions.as_ref().is_some_and(Positions::is_scattered)
    }

    /// Converts one record to one row; a record that does not fit leaves no row.
    pub fn convert(&mut self, record: &ByteRecord, origin: &Origin, rows: &mut RowBuffer) -> Converted<()> {
        self.check(record)?;
        let tail = if self.destination.is_staged { 3 } else { 1 };
        rows.begin_row(1 + self.mapping.entity.columns().len() + tail);
        let filled = self.fill(record, origin, rows);
        match &filled {
            Ok(()) => rows.keep_row(),
            Err(_) => rows.drop_row(),
        }
        filled
    }

    fn fill(&mut self, record: &ByteRecord, origin: &Origin, rows: &mut RowBuffer) -> Converted<()> {
        let Converter { mapping, ways, destination, positions, .. } = self;
        let row = Row { mapping, record, row_number: origin.row_number, window: destination.window };
        rows.text(&mapping.source);
        // The line is settled last, when all else of the row fits: what is rejected takes no position.
        let mut line = None;
        for (column, way) in mapping.entity.columns().iter().zip(&ways.columns) {
            match column.name {
                "line" if mapping.entity == Entity::Orders => line = Some(rows.leave_integer()),
                "customer_id" if let Some(made_up) = &mapping.synthetic_customer => {
                    rows.text(&made_up.customer(&row.required_fields(&ways.hashed)?));
                }
                "customer_id" if mapping.lent_customer.is_some() => rows.optional_text(origin.lent_customer.as_deref()),
                "id_is_synthetic" => rows.flag(mapping.has_synthetic_customers()),
                _ => row.write(column, way, rows)?,
            }
        }
        if let (Some(place), Some(positions)) = (line, positions) {
            let order_id = row.text(&ways.columns[ORDER_ID])?.unwrap_or_default();
            let number = match &ways.columns[LINE] {
                Way::Nothing => positions.next(&order_id, origin.row_number),
                way => {
                    let column = &mapping.entity.columns()[LINE];
                    let number = row.integer(column, way)?.ok_or_else(|| row.rejected(column, way, MISSING.into()))?;
                    positions.given(&order_id, number);
                    number
                }
            };
            rows.fill_integer(place, number);
        }
        rows.bigint(destination.load_id);
        if destination.is_staged {
            rows.bigint(origin.line);
            rows.optional_text(origin.raw_text.as_deref());
        }
        Ok(())
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

/// Digits before the point: more are a slip of a program, and sums of them would leave what other tools can hold.
const MOST_DIGITS: u32 = 18;
const TOO_MUCH: u128 = 10_u128.pow(MOST_DIGITS);
const MISSING: &str = "the value is missing";
/// Places of the two columns of an order line that make its key.
const ORDER_ID: usize = 0;
const LINE: usize = 1;

/// One record on its way.
struct Row<'r> {
    mapping: &'r Mapping,
    record: &'r ByteRecord,
    row_number: i32,
    window: Window,
}

impl<'r> Row<'r> {
    /// Writes the value of one column.
    fn write(&self, column: &Column, way: &Way<'r>, rows: &mut RowBuffer) -> Converted<()> {
        let is_written = match column.kind {
            Kind::Text => self.text(way)?.map(|text| rows.text(&text)),
            Kind::Currency => {
                let text = self.text(way)?;
                rows.text(text.as_deref().unwrap_or(&self.mapping.currency));
                return Ok(());
            }
            Kind::OneOf(words) => match self.text(way)? {
                Some(text) if !words.contains(&text.as_ref()) => {
                    let reason = format!("{} is not one of {}", quoted(&text), words.join(", "));
                    return Err(self.rejected(column, way, reason));
                }
                text => text.map(|text| rows.text(&text)),
            },
            Kind::Number => self.amount(column, way)?.map(|number| rows.number(number)),
            Kind::Share => {
                rows.number(self.share(column, way)?);
                return Ok(());
            }
            Kind::Integer => self.integer(column, way)?.map(|number| rows.integer(number)),
            Kind::Flag => self.flag(column, way)?.map(|flag| rows.flag(flag)),
            Kind::Instant => self.instant(column, way)?.map(|instant| rows.instant(instant)),
            Kind::Date => self.date(column, way)?.map(|date| rows.date(date)),
        };
        match is_written {
            Some(()) => Ok(()),
            None if column.is_required => Err(self.rejected(column, way, MISSING.into())),
            None => {
                rows.null();
                Ok(())
            }
        }
    }

    /// The field at a place; `None` where the mapping calls its text "no value", in every column or in this one.
    fn field(&self, place: usize, nulls: &[String]) -> Option<&'r str> {
        let text = std::str::from_utf8(self.record.get(place)?).ok()?;
        let trimmed = text.trim();
        let is_null = |null: &String| null == trimmed || null == text;
        let is_null = self.mapping.file.nulls.iter().any(is_null) || nulls.iter().any(is_null);
        (!is_null).then_some(text)
    }

    fn text(&self, way: &Way<'r>) -> Converted<Option<Cow<'r, str>>> {
        Ok(match way {
            Way::Field { place, recipe: Recipe::Text { strip_suffix, values, nulls, .. }, .. } => {
                self.field(*place, nulls).map(|text| {
                    // Not "" where there is none: to compare nothing costs more than all the rest of a field.
                    let text = strip_suffix.as_deref().and_then(|suffix| text.strip_suffix(suffix)).unwrap_or(text);
                    Cow::Borrowed(values.get(text).map_or(text, String::as_str))
                })
            }
            Way::Constant(Recipe::Constant(text)) => Some(Cow::Borrowed(text.as_str())),
            Way::Join { places, has_row_number } => {
                let mut joined = self.required_fields(places)?.join("-");
                if *has_row_number {
                    // Writing into text cannot fail.
                    let _ = write!(joined, "-{}", self.row_number);
                }
                Some(Cow::Owned(joined))
            }
            _ => None,
        })
    }

    fn number(&self, column: &Column, way: &Way<'r>) -> Converted<Option<Decimal>> {
        let (place, scale, format, nulls) = match way {
            Way::Field { place, recipe: Recipe::Number { scale, format, nulls, .. }, .. } => {
                (*place, scale, format, nulls)
            }
            Way::Constant(Recipe::ConstantNumber(number)) => return Ok(Some(*number)),
            Way::Expression { expression, format, places } => {
                return self.computed(column, expression, format, places);
            }
            _ => return Ok(None),
        };
        let Some(text) = self.field(place, nulls) else { return Ok(None) };
        let number = format.parse(text).map_err(|reason| self.rejected(column, way, reason))?;
        let scaled = scale.map_or(Some(number), |scale| number.checked_mul(scale));
        match scaled {
            Some(number) => Ok(Some(number)),
            None => Err(self.rejected(column, way, format!("{} is too large once scaled", quoted(text)))),
        }
    }

    /// The value of an expression; none where one of its columns has none.
    fn computed(
        &self,
        column: &Column,
        expression: &Expression,
        format: &NumberFormat,
        places: &[(&str, usize)],
    ) -> Converted<Option<Decimal>> {
        let mut values = Vec::with_capacity(places.len());
        for (name, place) in places {
            let Some(text) = self.field(*place, &[]) else { return Ok(None) };
            let number = format.parse(text);
            values.push(number.map_err(|reason| Rejection { column: Some((*name).to_owned()), reason })?);
        }
        let told = |reason| Rejection { column: None, reason: format!("{}: {reason}", column.name) };
        expression.evaluate(&values).map(Some).map_err(told)
    }

    /// A number of goods or of money.
    fn amount(&self, column: &Column, way: &Way<'r>) -> Converted<Option<Decimal>> {
        let number = self.number(column, way)?;
        match number.filter(|number| number.trunc().mantissa().unsigned_abs() >= TOO_MUCH) {
            None => Ok(number),
            Some(number) => {
                let reason = format!("\"{number}\" is too large: {MOST_DIGITS} digits before the point are borne");
                Err(self.rejected(column, way, reason))
            }
        }
    }

    fn share(&self, column: &Column, way: &Way<'r>) -> Converted<Decimal> {
        let share = self.number(column, way)?.unwrap_or_default();
        if share < Decimal::ZERO || share > Decimal::ONE {
            let reason =
                format!("\"{share}\" is not a share from 0 to 1; a percentage needs scale = 0.01 in the mapping");
            return Err(self.rejected(column, way, reason));
        }
        Ok(share)
    }

    fn integer(&self, column: &Column, way: &Way<'r>) -> Converted<Option<i32>> {
        let Some(number) = self.number(column, way)? else { return Ok(None) };
        match number.to_i32().filter(|_| number.fract().is_zero()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.rejected(column, way, format!("\"{number}\" is not a whole number of 32 bits"))),
        }
    }

    fn flag(&self, column: &Column, way: &Way<'r>) -> Converted<Option<bool>> {
        let Some(text) = self.text(way)? else { return Ok(None) };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Ok(Some(true)),
            "false" | "f" | "no" | "n" | "0" => Ok(Some(false)),
            _ => Err(self.rejected(column, way, format!("{} is neither yes nor no", quoted(&text)))),
        }
    }

    fn instant(&self, column: &Column, way: &Way<'r>) -> Converted<Option<DateTime<Utc>>> {
        let Way::Field { place, recipe: Recipe::Instant { formats, nulls, .. }, .. } = way else { return Ok(None) };
        let Some(text) = self.field(*place, nulls) else { return Ok(None) };
        let instant = parse_instant(text, formats, self.mapping.timezone);
        let checked = instant.and_then(|instant| self.window.check(instant, text));
        checked.map(Some).map_err(|reason| self.rejected(column, way, reason))
    }

    /// A day, which may lie before the window: people were born then.
    fn date(&self, column: &Column, way: &Way<'r>) -> Converted<Option<NaiveDate>> {
        let Way::Field { place, recipe: Recipe::Instant { formats, nulls, .. }, .. } = way else { return Ok(None) };
        let Some(text) = self.field(*place, nulls) else { return Ok(None) };
        let checked = parse_date(text, formats).and_then(|date| self.window.check_birth(date, text));
        checked.map(Some).map_err(|reason| self.rejected(column, way, reason))
    }

    fn required_fields(&self, places: &[(&str, usize)]) -> Converted<Vec<&'r str>> {
        let field = |(column, place): &(&str, usize)| {
            self.field(*place, &[])
                .ok_or_else(|| Rejection { column: Some((*column).to_owned()), reason: MISSING.into() })
        };
        places.iter().map(field).collect()
    }

    fn rejected(&self, column: &Column, way: &Way<'_>, reason: String) -> Rejection {
        match way.file_column() {
            Some(name) => Rejection { column: Some(name.to_owned()), reason },
            None => Rejection { column: None, reason: format!("{}: {reason}", column.name) },
        }
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
