//! A node's configuration as instructions for the warehouse, checked.

use crate::error::{Error, Result};
use crate::project::excerpt_of_word;
use crate::project::manifest::Node;
use crate::warehouse::in_place::contract::{Constraint, Contract, ContractColumn, Rule};
use crate::warehouse::in_place::index::Index;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// `indexes: [{columns: [a], unique: true, type: btree}]`
pub fn indexes(node: &Node) -> Result<Vec<Index>> {
    let Some(value) = present(node, "indexes") else { return Ok(Vec::new()) };
    let shape = "a list of {'columns': [names], 'unique': true or false, 'type': method}";
    let entries = value.as_array().ok_or_else(|| wrong(node, "indexes", value, shape))?;
    entries
        .iter()
        .map(|entry| {
            let columns = texts(entry.get("columns"));
            if columns.is_empty() {
                return Err(wrong(node, "indexes", entry, shape));
            }
            let text = |key: &str| entry.get(key).and_then(Json::as_str).map(str::to_owned);
            Ok(Index {
                columns,
                is_unique: entry.get("unique").and_then(Json::as_bool).unwrap_or(false),
                method: text("type").or_else(|| text("method")),
                predicate: text("where"),
                include: texts(entry.get("include")),
            })
        })
        .collect()
}

/// `grants: {select: [reader]}`, privilege to roles.
pub fn grants(node: &Node) -> Result<BTreeMap<String, Vec<String>>> {
    let Some(value) = present(node, "grants") else { return Ok(BTreeMap::new()) };
    let map = value.as_object().ok_or_else(|| wrong(node, "grants", value, "a map of privileges to roles"))?;
    // `+select` adds to what folders grant; by now the layers are one.
    Ok(map
        .iter()
        .map(|(privilege, roles)| (privilege.trim_start_matches('+').to_owned(), texts(Some(roles))))
        .collect())
}

/// The enforced contract, if there is one.
pub fn contract(node: &Node) -> Result<Option<Contract>> {
    let enforced = present(node, "contract").and_then(|c| c.get("enforced")).and_then(Json::as_bool).unwrap_or(false);
    if !enforced {
        return Ok(None);
    }
    let mut columns = Vec::new();
    for column in &node.columns {
        let data_type = column.data_type.clone().ok_or_else(|| {
            Error::config(format!("{} has a contract, but column \"{}\" has no data_type", node.label(), column.name))
                .detail(format!("The columns are described in {}.", node.patch_file.as_deref().unwrap_or(&node.file)))
                .hint("give every column its data_type, or set contract: {enforced: false}")
        })?;
        columns.push(ContractColumn {
            name: column.name.clone(),
            is_quoted: column.quote.unwrap_or(false),
            data_type,
            constraints: column.constraints.iter().map(|body| constraint(node, body)).collect::<Result<_>>()?,
        });
    }
    if columns.is_empty() {
        return Err(Error::config(format!("{} has a contract, but no columns are described", node.label()))
            .hint("list its columns with name and data_type in a property file"));
    }
    let constraints = node.constraints.iter().map(|body| constraint(node, body)).collect::<Result<_>>()?;
    Ok(Some(Contract { columns, constraints }))
}

fn constraint(node: &Node, body: &Json) -> Result<Constraint> {
    let text = |key: &str| body.get(key).and_then(Json::as_str).map(str::to_owned);
    let word = text("type").unwrap_or_default();
    let rule = match word.as_str() {
        "not_null" => Rule::NotNull,
        "unique" => Rule::Unique,
        "primary_key" => Rule::PrimaryKey,
        "foreign_key" => Rule::ForeignKey { to: text("to"), to_columns: texts(body.get("to_columns")) },
        "check" => Rule::Check,
        "custom" => Rule::Custom,
        _ => {
            let known = "not_null, unique, primary_key, foreign_key, check, custom";
            return Err(Error::config(format!("{} has an unknown constraint \"{word}\"", node.label()))
                .detail(place(node, &word))
                .hint(format!("known constraints: {known}")));
        }
    };
    Ok(Constraint { rule, name: text("name"), columns: texts(body.get("columns")), expression: text("expression") })
}

/// One column or several: `unique_key`, `check_cols`, `merge_update_columns`.
pub fn columns(node: &Node, key: &str) -> Vec<String> {
    texts(present(node, key))
}

/// A value that is set.
pub fn present<'n>(node: &'n Node, key: &str) -> Option<&'n Json> {
    node.config.get(key).filter(|value| !value.is_null())
}

/// One text, or a list of texts.
pub fn texts(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::String(text)) => vec![text.clone()],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The error for a value that cannot be.
pub fn wrong(node: &Node, key: &str, found: &Json, wanted: &str) -> Error {
    Error::config(format!("{} has config {key}={found}, which is not {wanted}", node.label())).detail(place(node, key))
}

/// Where the node configures `key`: the line of its own file, else the file that describes it.
pub fn place(node: &Node, key: &str) -> String {
    let described = node.patch_file.as_deref().unwrap_or(&node.file);
    if node.raw_code.contains(key) {
        excerpt_of_word(&node.file, &node.raw_code, key)
    } else {
        format!("The file is {described}.")
    }
}
