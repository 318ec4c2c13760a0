//! Columns of relations and of queries, and the widening of columns that are too short.

use super::super::arguments::Arguments;
use super::super::column::Column;
use super::super::containers::{list, or_none};
use super::super::fault::{from_database, invalid};
use super::super::host::{Host, Level};
use super::super::relation::Relation;
use super::super::table::Table;
use super::relation_in;
use super::relations::full_name;
use crate::project::{RelationName, quote_identifier};
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `get_columns_in_relation(relation)`: in their order; none where the relation is not there.
pub(super) fn get_columns_in_relation(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_columns_in_relation", &["relation"], args)?;
    if host.database().is_none() {
        return Ok(list(Vec::new()));
    }
    let relation = relation_in(&given, "get_columns_in_relation", "relation")?;
    Ok(values(columns_of(host, &full_name(host, &relation))?))
}

/// `get_columns_in_table(schema, identifier)`, the name from before dbt 0.14.
pub(super) fn get_columns_in_table(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_columns_in_table", &["schema", "identifier"], args)?;
    if host.database().is_none() {
        return Ok(list(Vec::new()));
    }
    let (schema, identifier) = (given.text("schema")?, given.text("identifier")?);
    Ok(values(columns_of(host, &RelationName { database: host.default_database(), schema, identifier })?))
}

/// `get_column_schema_from_query(sql)`: with PostgreSQL's names of types, which dbt knows only by its driver's.
pub(super) fn get_column_schema_from_query(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_column_schema_from_query", &["sql"], args)?;
    if host.database().is_none() {
        return Ok(list(Vec::new()));
    }
    let described = host.describe(&given.text("sql")?).map_err(from_database)?;
    Ok(values(described.into_iter().map(Column::from).collect()))
}

/// `get_missing_columns(from_relation, to_relation)`: those of the first that the second lacks.
pub(super) fn get_missing_columns(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_missing_columns", &["from_relation", "to_relation"], args)?;
    let Some((from, to)) = both(host, &given, "get_missing_columns")? else { return Ok(list(Vec::new())) };
    let there = columns_of(host, &full_name(host, &to))?;
    let missing = columns_of(host, &full_name(host, &from))?;
    let missing = missing.into_iter().filter(|column| !there.iter().any(|known| known.name == column.name));
    Ok(values(missing.collect()))
}

/// `expand_target_column_types(from_relation, to_relation)`: makes text columns of the second as long as the first's.
pub(super) fn expand_target_column_types(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.expand_target_column_types", &["from_relation", "to_relation"], args)?;
    let Some((from, to)) = both(host, &given, "expand_target_column_types")? else { return Ok(Value::from(())) };
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let goals = columns_of(host, &full_name(host, &from))?;
    for column in columns_of(host, &full_name(host, &to))? {
        let Some(goal) = goals.iter().find(|goal| goal.name == column.name && column.can_expand_to(goal)) else {
            continue;
        };
        let longer = Column::string_type(&goal.string_size().to_string());
        host.say(Level::Debug, &format!("column {} of {to}: {} to {longer}", column.name, column.full_type()));
        // A longer limit needs no rewrite of the table. dbt copies the column and drops the old one with all that
        // depends on it; a dependent view makes this an error instead, and stays.
        let sql = format!("alter table {} alter column {} type {longer}", to.render(), quote_identifier(&column.name));
        database.execute(&sql).map_err(from_database)?;
    }
    Ok(Value::from(()))
}

/// `convert_type(agate_table, col_idx)`: the SQL type for a column of this content.
pub(super) fn convert_type(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.convert_type", &["agate_table", "col_idx"], args)?;
    let table = given.required("agate_table")?;
    let table = table.downcast_object_ref::<Table>();
    let table = table.ok_or_else(|| invalid("adapter.convert_type() takes a result of a query"))?;
    let place = given.optional_integer("col_idx")?.and_then(|place| usize::try_from(place).ok());
    Ok(or_none(place.and_then(|place| table.sql_type(place))))
}

/// The relation that columns come from, and the one they go to.
type Pair = (Arc<Relation>, Arc<Relation>);

/// Both relations of a comparison; none in the parse phase.
fn both(host: &Arc<dyn Host>, given: &Arguments, method: &str) -> Result<Option<Pair>, Error> {
    if host.database().is_none() {
        return Ok(None);
    }
    Ok(Some((relation_in(given, method, "from_relation")?, relation_in(given, method, "to_relation")?)))
}

/// Columns of the relation of this name.
pub(super) fn columns_of(host: &Arc<dyn Host>, name: &RelationName) -> Result<Vec<Column>, Error> {
    let Some(database) = host.database() else { return Ok(Vec::new()) };
    Ok(database.columns(name).map_err(from_database)?.into_iter().map(Column::from).collect())
}

fn values(columns: Vec<Column>) -> Value {
    list(columns.into_iter().map(Column::value).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    const RELATIONS: &str = "{% set old = adapter.get_relation('db', 'shop', 'orders') %}\
                             {% set new = adapter.get_relation('db', 'shop', 'orders_new') %}";

    fn render(text: &str) -> String {
        fake::render(&fake::answering(), &format!("{RELATIONS}{text}"))
    }

    #[test]
    fn columns_come_in_order_with_their_types() {
        let text = "{% for c in adapter.get_columns_in_relation(old) %}{{ c.quoted }} {{ c.data_type }};{% endfor %}";
        assert_eq!(render(text), "\"id\" integer;\"code\" character varying(8);");
        assert_eq!(
            render("{{ adapter.get_columns_in_relation(api.Relation.create(identifier='gone')) | length }}"),
            "0"
        );
        assert_eq!(
            render("{{ adapter.get_columns_in_table('shop', 'orders') | map(attribute='name') | join(',') }}"),
            "id,code"
        );
        assert_eq!(
            render("{{ adapter.get_column_schema_from_query('select 1') | map(attribute='data_type') | join(',') }}"),
            "integer,character varying(8)"
        );
        assert_eq!(fake::render(&fake::parsing(), "{{ adapter.get_columns_in_relation(none) | length }}"), "0");
    }

    #[test]
    fn missing_columns_are_those_of_the_first_relation_only() {
        assert_eq!(render("{{ adapter.get_missing_columns(new, old) | map(attribute='name') | join(',') }}"), "note");
        assert_eq!(render("{{ adapter.get_missing_columns(old, new) | length }}"), "0");
    }

    #[test]
    fn only_shorter_text_columns_are_widened() {
        let host = fake::answering();
        fake::render(&host, &format!("{RELATIONS}{{% do adapter.expand_target_column_types(new, old) %}}"));
        assert_eq!(
            host.asked(),
            ["alter table \"db\".\"shop\".\"orders\" alter column \"code\" type character varying(20)"]
        );
        let host = fake::answering();
        fake::render(&host, &format!("{RELATIONS}{{% do adapter.expand_target_column_types(old, new) %}}"));
        assert!(host.asked().is_empty());
    }

    #[test]
    fn types_follow_the_content() {
        let text = "{% set t = run_query('select * from orders') %}{{ adapter.convert_type(t, 0) }},{{ adapter.convert_type(t, 1) }},{{ adapter.convert_type(t, 2) }},{{ adapter.convert_type(t, 9) is none }}";
        assert_eq!(render(text), "integer,text,float8,True");
    }
}
