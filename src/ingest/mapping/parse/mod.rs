//! The text of a mapping file to a [`Mapping`]; every problem is collected and told at once.

mod customer;
mod file;
mod lookup;
mod problems;
mod recipe;
mod relation;
mod spellings;

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
    let known = [
        "description",
        "source",
        "table",
        "file",
        "relation",
        "defaults",
        "columns",
        "synthetic_customer",
        "lent_customer",
        "lookup",
    ];
    problems.unknown_keys("", &root, &known);
    let description = problems.text("", &root, "description").unwrap_or_default();
    // Several mappings may fill the tables of one source.
    let name = problems.text("", &root, "source").unwrap_or_else(|| source.to_owned());
    let entity = entity(&root, &mut problems);
    let (relation, file) = match relation::relation(&root, &mut problems) {
        Some((relation, format)) => (Some(relation), format),
        None => (None, file::file_format(&root, &mut problems)),
    };
    let defaults = file::defaults(&root, &mut problems);
    let synthetic_customer = customer::synthetic(&root, &mut problems);
    let lent_customer = customer::lent(&root, &mut problems);
    let lookups = lookup::lookups(&root, &mut problems);
    let spellings = spellings::spellings(&root, &mut problems);
    let columns = recipe::columns(entity, &root, &file, &mut problems);
    if relation.is_some() {
        relation::check(source, entity, &columns, &spellings, &root, &mut problems);
    }
    check_columns(entity, &root, defaults.currency.as_deref(), &mut problems);
    if !problems.0.is_empty() {
        let lines: Vec<String> = problems.0.iter().map(|problem| format!("{path}: {problem}")).collect();
        return Err(wrong().detail(lines.join("\n")).hint("docs/mappings.md describes every key"));
    }
    Ok(Mapping {
        source: name,
        description,
        entity,
        file,
        relation,
        currency: defaults.currency.unwrap_or_default(),
        timezone: defaults.timezone,
        earliest: defaults.earliest,
        latest: defaults.latest,
        columns,
        spellings,
        synthetic_customer,
        lent_customer,
        lookups,
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
mod tests;
