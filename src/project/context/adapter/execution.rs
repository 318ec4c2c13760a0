//! `adapter.execute` and its kin: SQL that a template runs by itself, and what it makes of the answer.

use super::super::arguments::Arguments;
use super::super::containers::{dict, list, tuple};
use super::super::fault::invalid;
use super::super::host::Host;
use super::super::{statements, table::Table};
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `execute(sql, auto_begin=False, fetch=False, limit=None)` gives the response and a table.
pub(super) fn execute(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.execute", &["sql", "auto_begin", "fetch", "limit"], args)?;
    let limit = given.optional_integer("limit")?.and_then(|limit| usize::try_from(limit).ok());
    let answered = statements::execute(host, &given.text("sql")?, given.flag("fetch", false), limit)?;
    Ok(statements::pair(host, answered))
}

/// `add_query(sql)` runs it; dbt answers a connection and a cursor, neither of which a template can use.
pub(super) fn add_query(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = &["sql", "auto_begin", "bindings", "abridge_sql_log"];
    let given = Arguments::bind("adapter.add_query", names, args)?;
    if given.optional("bindings").is_some() {
        return Err(invalid("adapter.add_query() takes no bindings; write the values into the SQL"));
    }
    statements::execute(host, &given.text("sql")?, false, None)?;
    Ok(tuple(vec![Value::from(()), Value::from(())]))
}

/// `commit()`, `begin()`: transactions are the run's, which commits a node whole or not at all.
pub(super) fn no_transaction(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Arguments::bind("adapter.commit", &[], args)?;
    Ok(Value::from(""))
}

/// `standardize_grants_dict(table)`: grantees by privilege, as `grants:` of a config has them.
pub(super) fn standardize_grants_dict(
    _: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.standardize_grants_dict", &["grants_table"], args)?;
    let table = given.required("grants_table")?;
    let table = table.downcast_object_ref::<Table>().ok_or_else(|| {
        invalid("adapter.standardize_grants_dict() takes a result with the columns grantee and privilege_type")
    })?;
    let column =
        |name: &str| table.column(name).ok_or_else(|| invalid(format!("the table of grants has no column \"{name}\"")));
    let mut grants: Vec<(Value, Vec<Value>)> = Vec::new();
    for (grantee, privilege) in column("grantee")?.into_iter().zip(column("privilege_type")?) {
        match grants.iter_mut().find(|(known, _)| *known == privilege) {
            Some((_, grantees)) => grantees.push(grantee),
            None => grants.push((privilege, vec![grantee])),
        }
    }
    Ok(dict(grants.into_iter().map(|(privilege, grantees)| (privilege, list(grantees)))))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    #[test]
    fn execute_gives_response_and_table() {
        let host = fake::answering();
        let text = "{% set res, table = adapter.execute('select * from orders', fetch=True, limit=2) %}{{ res }} {{ table | length }}";
        assert_eq!(fake::render(&host, text), "SELECT 3 2");
        let text = "{% set res, table = adapter.execute('select * from orders') %}{{ res.code }} {{ table | length }}";
        assert_eq!(fake::render(&host, text), "SELECT 0");
        assert_eq!(fake::render(&fake::parsing(), text), " 0");
    }

    #[test]
    fn add_query_runs_and_commit_does_nothing() {
        let host = fake::answering();
        assert_eq!(fake::render(&host, "{% do adapter.add_query('analyze') %}{{ adapter.commit() }}"), "");
        assert_eq!(host.asked(), ["analyze"]);
        assert!(fake::fault(&host, "{% do adapter.add_query('x', bindings=[1]) %}").contains("no bindings"));
    }

    #[test]
    fn grants_are_grouped_by_privilege() {
        let text = "{{ adapter.standardize_grants_dict(run_query('show grants')) }}";
        assert_eq!(fake::render(&fake::answering(), text), "{'select': ['ann', 'bob'], 'insert': ['ann']}");
        let told =
            fake::fault(&fake::answering(), "{{ adapter.standardize_grants_dict(run_query('select nothing')) }}");
        assert_eq!(told, "the table of grants has no column \"grantee\"");
    }
}
