//! A mapping proposed from the header and a sample of the rows of a file or a relation, as TOML to be looked through.
//!
//! Names tell which column is which, values tell how it is written. What a sample cannot tell (whether 3/4 is in March
//! or in April) is said in a comment beside the choice that was made.

mod column;
mod sample;
mod target;
#[cfg(test)]
mod tests;

use super::file::OrderFile;
use super::mapping::{FileFormat, Format, SourceRelation};
use super::number::NumberFormat;
use crate::error::Result;
use crate::warehouse::entity::{Column, Entity, Kind};
use column::Facts;
use sample::Sample;
use std::fmt::Write;
use std::path::Path;

/// Written where no column fits, so that the mapping is whole and a load names what is to be corrected.
const UNKNOWN: &str = "NAME THE COLUMN";

/// Rows of a relation that are worth looking at.
#[allow(clippy::cast_possible_wrap)] // Ten thousand.
pub const ROWS: i64 = sample::MOST_ROWS as i64;

/// The text of a mapping for this file; `source` is for its comment only.
pub fn propose(path: &Path, source: Option<&str>) -> Result<String> {
    let file = OrderFile::open(path)?;
    let sample = Sample::of(&file)?;
    Ok(proposed(&format!("\"{}\"", file.name.replace(char::is_control, " ")), &sample, None, source))
}

/// The text of a mapping for a relation with these columns and first rows.
#[must_use]
pub fn propose_relation(
    relation: &SourceRelation,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    source: Option<&str>,
) -> String {
    let sample = Sample { format: FileFormat::default(), header, rows };
    proposed(&relation.quoted().replace(char::is_control, " "), &sample, Some(relation), source)
}

fn proposed(name: &str, sample: &Sample, relation: Option<&SourceRelation>, source: Option<&str>) -> String {
    let facts: Vec<Facts> = sample
        .header
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let values: Vec<&str> = sample.rows.iter().map(|row| row[place].as_str()).collect();
            Facts::of(name, &values)
        })
        .collect();
    let proposal = Proposal { sample, facts: &facts, entity: target::entity(&sample.header), relation };
    let (source, rows) = (source.unwrap_or("NAME"), sample.rows.len());
    let mut text = format!(
        "# Proposed from {name} and its first {rows} rows. Look through it, and keep it as config/sources/{source}.toml.\n"
    );
    proposal.write(&mut text);
    text
}

struct Proposal<'a> {
    sample: &'a Sample,
    facts: &'a [Facts],
    entity: Entity,
    /// The rows are those of a relation, and not of a file.
    relation: Option<&'a SourceRelation>,
}

impl Proposal<'_> {
    fn write(&self, text: &mut String) {
        let mut line = |written: String| {
            text.push_str(&written);
            text.push('\n');
        };
        let place = if self.relation.is_some() { "relation" } else { "file" };
        line(format!("description = \"\"\ntable = {}\n\n[{place}]", quoted(self.entity.table())));
        let numbers = self.numbers();
        self.file().into_iter().chain(number_keys(&numbers)).for_each(&mut line);
        let has_money = self.entity.columns().iter().any(|column| column.kind == Kind::Currency);
        line(format!("\n[defaults]{}", if has_money { "\n# Not told by the file.\ncurrency = \"EUR\"" } else { "" }));
        line("# Of times that name no zone.\ntimezone = \"UTC\"\n\n[columns]".into());
        let mut used = Vec::new();
        for column in self.entity.columns().iter().filter(|column| column.is_mapped) {
            let fits = |place: usize| !used.contains(&place) && self.fits(column.kind, place, &numbers);
            let found = target::place(column.name, &self.sample.header, fits);
            used.extend(found);
            let recipe = match found {
                Some(place) => Some(self.recipe(column, place)),
                None => self.without_column(column),
            };
            recipe.into_iter().for_each(&mut line);
        }
        for (name, place) in self.sample.header.iter().zip(0..) {
            if !used.contains(&place) {
                line(format!("# not read: {}", quoted(name)));
            }
        }
        if self.entity == Entity::Orders && !self.has("customer_id", &used) {
            let order = target::place("order_id", &self.sample.header, |_| true);
            let hashed =
                order.or((!self.sample.header.is_empty()).then_some(0)).map(|place| &self.sample.header[place]);
            line("\n# No column of customers was found: these are made up, and what repeats is noise.".into());
            line(format!(
                "[synthetic_customer]\nhash_of = [{}]\nmodulo = 1000",
                quoted(hashed.map_or(UNKNOWN, |name| name))
            ));
        }
    }

    fn has(&self, target: &str, used: &[usize]) -> bool {
        target::place(target, &self.sample.header, |place| used.contains(&place)).is_some()
    }

    fn file(&self) -> Vec<String> {
        let FileFormat { format, delimiter, has_header, encoding, .. } = &self.sample.format;
        let mut keys = Vec::new();
        match format {
            _ if self.relation.is_some() => {
                keys.extend(self.relation.map(|name| format!("name = {}", quoted(&name.quoted()))));
            }
            Format::Csv => keys.push(format!("delimiter = {}", quoted(&char::from(*delimiter).to_string()))),
            Format::FixedBlanks => keys.push("format = \"fixed_blanks\"".into()),
            Format::Parquet => keys.push("format = \"parquet\"".into()),
        }
        if *format != Format::Parquet && self.relation.is_none() {
            keys.push(format!("header = {has_header}\nencoding = {}", quoted(&encoding.name().to_lowercase())));
        }
        let mut nulls = vec![""];
        for null in self.facts.iter().flat_map(|facts| &facts.nulls) {
            if !nulls.contains(null) {
                nulls.push(null);
            }
        }
        keys.push(format!("nulls = [{}]", nulls.into_iter().map(quoted).collect::<Vec<_>>().join(", ")));
        keys
    }

    /// How most columns of prices are written: one that is not plain decides.
    fn numbers(&self) -> NumberFormat {
        let formats =
            self.facts.iter().filter(|facts| facts.instants.is_empty()).filter_map(|facts| facts.numbers.clone());
        formats
            .into_iter()
            .max_by_key(|format| (format.decimal == ',', format.thousands.is_some(), format.currency_signs.len()))
            .unwrap_or_default()
    }

    fn fits(&self, kind: Kind, place: usize, numbers: &NumberFormat) -> bool {
        let facts = &self.facts[place];
        let is_number = facts.numbers.is_some() || !facts.has_values;
        match kind {
            Kind::Instant | Kind::Date => !facts.instants.is_empty(),
            Kind::Number | Kind::Share => is_number,
            Kind::Integer => is_number && numbers.currency_signs.is_empty(),
            Kind::OneOf(_) | Kind::Flag => false,
            Kind::Text | Kind::Currency => true,
        }
    }

    fn recipe(&self, column: &Column, place: usize) -> String {
        let (name, facts) = (quoted(&self.sample.header[place]), &self.facts[place]);
        let key = column.name;
        match column.kind {
            Kind::Instant | Kind::Date => {
                let is_european = self.sample.format.delimiter == b';' || self.numbers().decimal == ',';
                let chosen = facts.instants.iter().find(|format| is_european == format.starts_with("%d"));
                let chosen = chosen.or(facts.instants.first()).map_or("iso", String::as_str);
                let mut text = String::new();
                if facts.instants.len() > 1 {
                    // Writing into text cannot fail.
                    let _ = writeln!(text, "# AMBIGUOUS: all values fit {}. Choose.", facts.instants.join(" and "));
                }
                text + &if chosen == "iso" {
                    format!("{key} = {name}")
                } else {
                    format!("{key} = {{ column = {name}, format = {} }}", quoted(chosen))
                }
            }
            Kind::Share if facts.is_percent => {
                format!("# Percent in the file, a share in the table.\n{key} = {{ column = {name}, scale = 0.01 }}")
            }
            Kind::Text if facts.is_float_artefact && key.ends_with("_id") => {
                format!(
                    "# The ids went through a float: 17850.0 is 17850.\n{key} = {{ column = {name}, strip_suffix = \".0\" }}"
                )
            }
            _ => format!("{key} = {name}"),
        }
    }

    /// What stands for a required column that the file does not have.
    fn without_column(&self, column: &Column) -> Option<String> {
        if !column.is_required {
            return None;
        }
        Some(match column.name {
            "quantity" => {
                "# No column of units was found: a line is one, at its whole price.\nquantity = { constant = 1 }".into()
            }
            "order_id" => {
                let columns: Vec<String> = ["customer_id", "ordered_at"]
                    .iter()
                    .filter_map(|name| target::place(name, &self.sample.header, |_| true))
                    .map(|place| quoted(&self.sample.header[place]))
                    .collect();
                let columns = if columns.is_empty() { quoted(UNKNOWN) } else { columns.join(", ") };
                // The rows of a relation have no numbers.
                let number = if self.relation.is_none() { ", row_number = true" } else { "" };
                format!(
                    "# No column of orders was found: each line gets an order of its own.\norder_id = {{ join = [{columns}]{number} }}"
                )
            }
            name => format!("{name} = {}", quoted(UNKNOWN)),
        })
    }
}

fn number_keys(format: &NumberFormat) -> Vec<String> {
    let mut keys = Vec::new();
    if format.decimal == ',' {
        keys.push("decimal = \",\"".to_owned());
    }
    keys.extend(format.thousands.map(|sign| format!("thousands = {}", quoted(&sign.to_string()))));
    if !format.currency_signs.is_empty() {
        let signs: Vec<String> = format.currency_signs.iter().map(|sign| quoted(sign)).collect();
        keys.push(format!("currency_signs = [{}]", signs.join(", ")));
    }
    keys
}

/// Text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
