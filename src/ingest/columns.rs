//! The columns of a mapping in the header of one file: found once, then every row goes by places.

use super::expression::Expression;
use super::mapping::{Mapping, Recipe};
use super::number::NumberFormat;
use crate::error::{Error, Result};

/// Column names of a header that a message lists.
const LISTED: usize = 40;

/// How to get each column of the table out of a record of this file.
pub(super) struct Ways<'a> {
    /// In the order of the table's columns.
    pub(super) columns: Vec<Way<'a>>,
    /// Names and places of what a made-up customer is a hash of.
    pub(super) hashed: Vec<(&'a str, usize)>,
}

/// How to get one column.
pub(super) enum Way<'a> {
    /// The mapping does not say.
    Nothing,
    /// Out of one field.
    Field {
        /// Its name in this file.
        column: &'a str,
        /// Its place in the record.
        place: usize,
        /// What is done with it.
        recipe: &'a Recipe,
    },
    /// The same in every row.
    Constant(&'a Recipe),
    /// Computed of several fields.
    Expression {
        /// The formula.
        expression: &'a Expression,
        /// How the numbers are written.
        format: &'a NumberFormat,
        /// Names and places of its columns, in its order.
        places: Vec<(&'a str, usize)>,
    },
    /// Out of several fields.
    Join {
        /// Their names and places.
        places: Vec<(&'a str, usize)>,
        /// The number of the data row comes last.
        has_row_number: bool,
    },
}

impl<'a> Way<'a> {
    /// Name of the file's column, if it is one.
    pub(super) fn file_column(&self) -> Option<&'a str> {
        match self {
            Way::Field { column, .. } => Some(column),
            _ => None,
        }
    }
}

impl<'a> Ways<'a> {
    /// Finds the mapping's columns in the header, or tells all that are missing; `file_name` is for messages.
    pub(super) fn find(mapping: &'a Mapping, header: &'a [String], file_name: &str) -> Result<Ways<'a>> {
        let places = places(mapping, header, file_name)?;
        // Every name that the mapping reads has a place now, where the file may spell it otherwise.
        let place = |name: &str| places.iter().find(|(known, _)| *known == name).map_or(0, |(_, place)| *place);
        let named = |name: &str| (header.get(place(name)).map_or("", String::as_str), place(name));
        let all = |names: &'a [String]| names.iter().map(|name| named(name)).collect();
        let way = |recipe: &'a Option<Recipe>| match recipe {
            None => Way::Nothing,
            Some(Recipe::Join { columns, row_number }) => {
                Way::Join { places: all(columns), has_row_number: *row_number }
            }
            Some(recipe @ (Recipe::Constant(_) | Recipe::ConstantNumber(_))) => Way::Constant(recipe),
            Some(Recipe::Expression { expression, format }) => {
                Way::Expression { expression, format, places: all(expression.columns()) }
            }
            Some(recipe) => recipe.file_column().map_or(Way::Nothing, |name| {
                let (column, place) = named(name);
                Way::Field { column, place, recipe }
            }),
        };
        Ok(Ways {
            columns: mapping.columns.iter().map(way).collect(),
            hashed: mapping.synthetic_customer.as_ref().map(|made_up| all(&made_up.hash_of)).unwrap_or_default(),
        })
    }
}

fn places<'a>(mapping: &'a Mapping, header: &[String], file_name: &str) -> Result<Vec<(&'a str, usize)>> {
    let mut places = Vec::new();
    let mut problems = Vec::new();
    let mut is_missing = false;
    for name in mapping.file_columns() {
        let spellings = mapping.spellings(name);
        let is_meant = |column: &str| spellings.iter().any(|spelling| spelling.trim() == column);
        let mut found = header.iter().enumerate().filter(|(_, column)| is_meant(column));
        match (found.next(), found.next()) {
            (Some((place, _)), None) => places.push((name, place)),
            (Some((_, first)), Some((_, second))) if first != second => problems
                .push(format!("Columns \"{first}\" and \"{second}\" both stand in the header, for one that is read.")),
            (Some((_, column)), Some(_)) => problems.push(format!("Column \"{column}\" stands twice in the header.")),
            (None, _) => {
                is_missing = true;
                let names = format!("\"{}\"", spellings.join("\" or \""));
                problems.push(match spellings.iter().find_map(|spelling| nearest(spelling, header)) {
                    Some(near) => format!("Column {names} is missing; the nearest is \"{near}\"."),
                    None => format!("Column {names} is missing."),
                });
            }
        }
    }
    if problems.is_empty() {
        return Ok(places);
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
        [defaults]
        currency = "EUR"
        [columns]
        order_id = "Order"
        customer_id = "Customer"
        ordered_at = { column = "Date", format = "%Y-%m-%d" }
        quantity = "Qty"
        unit_price = "Price"
    "#;

    #[test]
    fn a_header_that_does_not_fit_is_told_with_the_nearest_names() {
        let mapping = Mapping::parse("shop.toml", "shop", MAPPING).unwrap();
        let header = ["order", "CustomerID", "Date", "Date", "unit_price", "qty", "Percent"].map(str::to_owned);
        let error = Ways::find(&mapping, &header, "orders.csv").err().unwrap();
        insta::assert_snapshot!(error.report());
        let header = ["Order;Customer;Date;Qty;Price;Percent".to_owned()];
        let error = Ways::find(&mapping, &header, "orders.csv").err().unwrap();
        assert!(error.hint.unwrap().contains("file.delimiter"));
    }

    #[test]
    fn a_column_is_found_by_whichever_of_its_names_the_header_has() {
        let text = MAPPING.replace("\"Order\"", "[\"Order\", \"Invoice\"]").replace("\"Qty\"", "[\"Qty\", \"Units\"]");
        let mapping = Mapping::parse("shop.toml", "shop", &text).unwrap();
        for (order, units) in [("Order", "Units"), ("Invoice", "Qty")] {
            let header = ["Price", order, "Customer", units, "Date"].map(str::to_owned);
            let ways = Ways::find(&mapping, &header, "orders.csv").unwrap();
            let found: Vec<_> = ways.columns.iter().filter_map(Way::file_column).collect();
            assert_eq!(found, [order, "Customer", "Date", units, "Price"]);
            assert!(matches!(ways.columns[0], Way::Field { place: 1, .. }));
        }
        let header = ["Price", "Order", "Invoice", "Customer", "Quant", "Date"].map(str::to_owned);
        let error = Ways::find(&mapping, &header, "orders.csv").err().unwrap();
        insta::assert_snapshot!(error.report());
    }

    #[test]
    fn distance_counts_edits() {
        let count = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!((count("kitten", "sitting"), count("", "abc"), count("abc", "abc")), (3, 3, 0));
    }
}
