//! The text of a mapping file to a [`Mapping`]; every problem is collected and told at once.

mod customer;
mod file;
mod problems;
mod recipe;

use super::Mapping;
use crate::error::{Error, Result};
use crate::warehouse::entity::{Column, Entity, Kind};
use problems::Problems;
use toml::Table;

pub(super) fn parse(path: &str, source: &str, text: &str) -> Result<Mapping> {
    let wrong = || Error::config(format!("mapping \"{source}\" is not right"));
    let root: Table = text.parse().map_err(|e: toml::de::Error| {
        wrong().detail(format!("{path}: {}", e.to_string().trim_end())).hint("correct the TOML")
    })?;
    let mut problems = Problems::default();
    let known = ["description", "table", "file", "defaults", "columns", "synthetic_customer", "lent_customer"];
    problems.unknown_keys("", &root, &known);
    let description = problems.text("", &root, "description").unwrap_or_default();
    let entity = entity(&root, &mut problems);
    let file = file::file_format(&root, &mut problems);
    let defaults = file::defaults(&root, &mut problems);
    let synthetic_customer = customer::synthetic(&root, &mut problems);
    let lent_customer = customer::lent(&root, &mut problems);
    let columns = recipe::columns(entity, &root, &file, &mut problems);
    check_columns(entity, &root, defaults.currency.as_deref(), &mut problems);
    if !problems.0.is_empty() {
        let lines: Vec<String> = problems.0.iter().map(|problem| format!("{path}: {problem}")).collect();
        return Err(wrong().detail(lines.join("\n")).hint("docs/mappings.md describes every key"));
    }
    Ok(Mapping {
        source: source.to_owned(),
        description,
        entity,
        file,
        currency: defaults.currency.unwrap_or_default(),
        timezone: defaults.timezone,
        earliest: defaults.earliest,
        latest: defaults.latest,
        columns,
        synthetic_customer,
        lent_customer,
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

fn check_columns(entity: Entity, root: &Table, currency: Option<&str>, problems: &mut Problems) {
    let is_given = |name: &str| root.get("columns").is_some_and(|table| table.get(name).is_some());
    let is_missing = |column: &&Column| column.is_required && column.is_mapped && !is_given(column.name);
    for column in entity.columns().iter().filter(is_missing) {
        problems.add(&format!("columns.{}", column.name), "is missing");
    }
    let rules: Vec<&str> =
        ["synthetic_customer", "lent_customer"].into_iter().filter(|rule| root.contains_key(*rule)).collect();
    match (entity, is_given("customer_id"), &rules[..]) {
        (Entity::Orders, false, []) => problems.add(
            "columns.customer_id",
            "is missing; a file without customers needs a table [synthetic_customer] or [lent_customer]",
        ),
        (Entity::Orders, true, [rule, ..]) => problems.add(rule, "cannot stand beside columns.customer_id"),
        (Entity::Orders, false, [_, second]) => problems.add(second, "cannot stand beside synthetic_customer"),
        (Entity::Orders, ..) | (_, _, []) => {}
        (_, _, [rule, ..]) => problems.add(rule, "has a meaning for orders only"),
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
        assert_eq!(mapping.columns[&Target::Quantity], Recipe::ConstantNumber(Decimal::ONE));
        let scale = Some(Decimal::new(1, 2));
        assert_eq!(mapping.columns[&Target::Discount], Recipe::Number { column: "percent".into(), scale });
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
