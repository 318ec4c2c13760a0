//! Checks of snapshots: whether a table is one, and what becomes of rows that vanish.

use super::super::arguments::Arguments;
use super::super::exceptions::{Raised, RaisedKind};
use super::super::host::Host;
use super::columns::columns_of;
use super::relation_in;
use super::relations::full_name;
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// Columns that every snapshot has.
const COLUMNS: [&str; 3] = ["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"];

/// `valid_snapshot_target(relation, column_names=None)`: an error if the table lacks a column of snapshots.
pub(super) fn valid_snapshot_target(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.valid_snapshot_target", &["relation", "column_names"], args)?;
    check(host, &given, "valid_snapshot_target", &COLUMNS)
}

/// `assert_valid_snapshot_target_given_strategy(relation, column_names, strategy)`
pub(super) fn assert_valid_snapshot_target_given_strategy(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let method = "assert_valid_snapshot_target_given_strategy";
    let given = Arguments::bind(
        "adapter.assert_valid_snapshot_target_given_strategy",
        &["relation", "column_names", "strategy"],
        args,
    )?;
    let hard_deletes = given.optional("strategy").and_then(|strategy| strategy.get_attr("hard_deletes").ok());
    let mut needed = COLUMNS.to_vec();
    if hard_deletes.is_some_and(|behaviour| behaviour.as_str() == Some("new_record")) {
        needed.push("dbt_is_deleted");
    }
    check(host, &given, method, &needed)
}

fn check(host: &Arc<dyn Host>, given: &Arguments, method: &str, needed: &[&str]) -> Result<Value, Error> {
    if host.database().is_none() {
        return Ok(Value::from(()));
    }
    let relation = relation_in(given, method, "relation")?;
    let columns = columns_of(host, &full_name(host, &relation))?;
    let renamed = given.optional("column_names");
    let wanted = needed.iter().filter_map(|name| match renamed {
        None => Some((*name).to_owned()),
        Some(names) => names
            .get_attr(name)
            .ok()
            .filter(|name| !name.is_none() && !name.is_undefined())
            .map(|name| name.to_string()),
    });
    let there = |name: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let missing: Vec<String> = wanted.filter(|name| !there(name)).collect();
    if missing.is_empty() {
        return Ok(Value::from(()));
    }
    let told = format!("{relation} is not a snapshot: it lacks the columns {}", missing.join(", "));
    Err(Raised::error(RaisedKind::Compiler, told))
}

/// `get_hard_deletes_behavior(config)`: `ignore`, `invalidate` or `new_record`, also from the older config.
pub(super) fn get_hard_deletes_behavior(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_hard_deletes_behavior", &["config"], args)?;
    if host.database().is_none() {
        return Ok(Value::from(()));
    }
    let config = given.required("config")?;
    let field = |name: &str| config.get_attr(name).ok().filter(|value| !value.is_none() && !value.is_undefined());
    let (older, newer) = (field("invalidate_hard_deletes"), field("hard_deletes"));
    let refuse = |text: &str| Err(Raised::error(RaisedKind::Compiler, text));
    if older.is_some() && newer.is_some() {
        return refuse("a snapshot cannot have both hard_deletes and invalidate_hard_deletes");
    }
    let invalidate = older.is_some_and(|older| older.is_true());
    match newer.as_ref().and_then(|newer| newer.as_str()) {
        _ if invalidate => Ok(Value::from("invalidate")),
        None | Some("ignore") => Ok(Value::from("ignore")),
        Some(word @ ("invalidate" | "new_record")) => Ok(Value::from(word)),
        Some(_) => refuse("hard_deletes of a snapshot is ignore, invalidate or new_record"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    #[test]
    fn a_table_without_the_columns_is_no_snapshot() {
        let told = |rest: &str| {
            fake::fault(
                &fake::answering(),
                &format!("{{% set r = adapter.get_relation('db', 'shop', 'orders') %}}{{{{ adapter.{rest} }}}}"),
            )
        };
        assert_eq!(
            told("valid_snapshot_target(r)"),
            "\"db\".\"shop\".\"orders\" is not a snapshot: it lacks the columns dbt_scd_id, dbt_valid_from, dbt_valid_to"
        );
        let names = "{'dbt_scd_id': 'id', 'dbt_valid_from': 'CODE', 'dbt_valid_to': 'until', 'dbt_is_deleted': 'gone'}";
        assert!(told(&format!("valid_snapshot_target(r, {names})")).ends_with("it lacks the columns until"));
        let strict =
            format!("assert_valid_snapshot_target_given_strategy(r, {names}, {{'hard_deletes': 'new_record'}})");
        assert!(told(&strict).ends_with("it lacks the columns until, gone"));
    }

    #[test]
    fn vanished_rows_are_ignored_unless_the_config_says_otherwise() {
        let host = fake::answering();
        let behaviour =
            |config: &str| fake::render(&host, &format!("{{{{ adapter.get_hard_deletes_behavior({config}) }}}}"));
        assert_eq!(behaviour("{}"), "ignore");
        assert_eq!(behaviour("{'invalidate_hard_deletes': true}"), "invalidate");
        assert_eq!(behaviour("{'hard_deletes': 'new_record'}"), "new_record");
        let told = |config: &str| fake::fault(&host, &format!("{{{{ adapter.get_hard_deletes_behavior({config}) }}}}"));
        assert!(told("{'hard_deletes': 'ignore', 'invalidate_hard_deletes': false}").contains("both"));
        assert!(told("{'hard_deletes': 'x'}").contains("is ignore, invalidate or new_record"));
    }
}
