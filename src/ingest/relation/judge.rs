//! Why a row of a relation does not fit, column by column: the rejections of the reader of files, in SQL.
//!
//! A reason names no value, because rows are counted by it, and because values may be personal.

use super::column::Reader;
use super::rows::value_name;
use crate::ingest::instant::InstantFormat;
use crate::ingest::mapping::{Mapping, Recipe};
use crate::project::quote_literal;
use crate::warehouse::entity::{Column, Kind};

/// As the reader of files has it.
const TOO_MUCH: &str = "1000000000000000000";
const MISSING: &str = "the value is missing";
const NO_NUMBER: &str = "the value is not a number";

impl Reader {
    /// Why a row does not fit because of this column.
    pub(super) fn judge(&mut self, mapping: &Mapping, column: &Column, recipe: Option<&Recipe>) {
        let (name, value) = (column.name, value_name(column.name));
        if let (Some(made_up), "customer_id") = (&mapping.synthetic_customer, name) {
            return self.require(name, &made_up.hash_of);
        }
        let Some(recipe) = recipe else { return };
        let from = recipe.file_column();
        self.judge_texts(name, recipe);
        match column.kind {
            Kind::Number => {
                let reason = "the value is too large: 18 digits before the point are borne";
                self.reject(&format!("abs({value}) >= {TOO_MUCH}"), name, from, reason);
            }
            Kind::Share => {
                let reason = "the value is not a share from 0 to 1; a percentage needs scale = 0.01 in the mapping";
                self.reject(&format!("{value} NOT BETWEEN 0 AND 1"), name, from, reason);
            }
            Kind::Integer => {
                let wrong = format!("{name}_computed IS NOT NULL AND {value} IS NULL");
                self.reject(&wrong, name, from, "the value is not a whole number of 32 bits");
                // Where no line is named, lines are numbered; where one is, it is the key.
                self.reject(&format!("{value} IS NULL"), name, from, MISSING);
            }
            Kind::Flag => {
                let has_text = if from.is_some() { format!("{name}_text IS NOT NULL AND ") } else { String::new() };
                self.reject(&format!("{has_text}{value} IS NULL"), name, from, "the value is neither yes nor no");
            }
            Kind::OneOf(words) => {
                let list: Vec<String> = words.iter().map(|word| quote_literal(word)).collect();
                let reason = format!("the value is not one of {}", words.join(", "));
                self.reject(&format!("{value} NOT IN ({})", list.join(", ")), name, from, &reason);
            }
            Kind::Instant | Kind::Date => self.judge_window(mapping, column, from),
            Kind::Text | Kind::Currency => {}
        }
        let is_constant = matches!(recipe, Recipe::Constant(_) | Recipe::ConstantNumber(_));
        if column.is_required && !is_constant {
            self.reject(&format!("{value} IS NULL"), name, from, MISSING);
        }
    }

    /// Texts that are there and cannot be read.
    fn judge_texts(&mut self, name: &str, recipe: &Recipe) {
        let from = recipe.file_column();
        let has_text = format!("{name}_text IS NOT NULL");
        match recipe {
            Recipe::Expression { expression, .. } => {
                let columns = expression.columns();
                for (place, from) in columns.iter().enumerate() {
                    let wrong = format!("{name}_{place}_text IS NOT NULL AND {name}_{place}_number IS NULL");
                    self.reject(&wrong, name, Some(from), NO_NUMBER);
                }
                let all: Vec<String> =
                    (0..columns.len()).map(|n| format!("{name}_{n}_number IS NOT NULL AND ")).collect();
                let wrong = format!("{}{name}_computed IS NULL", all.concat());
                self.reject(&wrong, name, None, "the expression divides by zero");
            }
            Recipe::Number { .. } => {
                self.reject(&format!("{has_text} AND {name}_number IS NULL"), name, from, NO_NUMBER);
            }
            Recipe::Join { columns, .. } => self.require(name, columns),
            Recipe::Instant { formats, .. } => {
                let forms: Vec<&str> = formats.iter().map(InstantFormat::name).collect();
                let reason = format!("the value is not a date of the form {}, or does not exist", forms.join(" or "));
                self.reject(&format!("{has_text} AND {} IS NULL", value_name(name)), name, from, &reason);
            }
            Recipe::Text { .. } | Recipe::Constant(_) | Recipe::ConstantNumber(_) => {}
        }
    }

    /// Slips of the pen. Without a latest day the future is no slip here: a view has no day on which it was loaded, and
    /// the models leave out what lies after `as_of` and count it.
    fn judge_window(&mut self, mapping: &Mapping, column: &Column, from: Option<&str>) {
        let value = value_name(column.name);
        let latest = mapping.latest.map_or_else(|| "9999-12-31".to_owned(), |day| day.to_string());
        let (earliest, wrong) = match column.kind {
            Kind::Date => {
                let earliest = "1900-01-01".to_owned();
                (earliest.clone(), format!("{value} NOT BETWEEN DATE '{earliest}' AND DATE '{latest}'"))
            }
            _ => {
                let earliest = mapping.earliest.to_string();
                let after = format!("TIMESTAMPTZ '{latest} 00:00:00Z' + INTERVAL '24 hours'");
                let before = format!("{value} < TIMESTAMPTZ '{earliest} 00:00:00Z'");
                (earliest, format!("{before} OR {value} >= {after}"))
            }
        };
        let reason = format!("the value is not between {earliest} and {latest}");
        self.reject(&wrong, column.name, from, &reason);
    }

    fn require(&mut self, name: &str, columns: &[String]) {
        for (place, from) in columns.iter().enumerate() {
            self.reject(&format!("{name}_{place}_text IS NULL"), name, Some(from), MISSING);
        }
    }

    /// `from` is the column of the relation; without one, the reason names that of the table.
    fn reject(&mut self, wrong: &str, name: &str, from: Option<&str>, reason: &str) {
        let reason = quote_literal(&if from.is_some() { reason.to_owned() } else { format!("{name}: {reason}") });
        let from = from.map_or_else(|| "NULL".to_owned(), quote_literal);
        self.rejections.push(format!("WHEN {wrong} THEN ARRAY[{from}, {reason}]"));
    }
}
