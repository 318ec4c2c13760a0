//! Schemas: listed, created, dropped; and the one database that there is.

use super::super::arguments::Arguments;
use super::super::containers::list;
use super::super::fault::{from_database, invalid};
use super::super::host::Host;
use super::relation_in;
use super::relations::full_name;
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `list_schemas(database)`
pub(super) fn list_schemas(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Arguments::bind("adapter.list_schemas", &["database"], args)?;
    let Some(database) = host.database() else { return Ok(list(Vec::new())) };
    Ok(list(database.schemas().map_err(from_database)?.into_iter().map(Value::from).collect()))
}

/// `check_schema_exists(database, schema)`
pub(super) fn check_schema_exists(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.check_schema_exists", &["database", "schema"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(false)) };
    let schema = given.text("schema")?;
    Ok(Value::from(database.schemas().map_err(from_database)?.contains(&schema)))
}

/// `create_schema(relation)`: the schema of the relation, unless it is there.
pub(super) fn create_schema(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.create_schema", &["relation"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let relation = relation_in(&given, "create_schema", "relation")?;
    database.create_schema(&full_name(host, &relation).schema).map_err(from_database)?;
    Ok(Value::from(()))
}

/// `drop_schema(relation)`: the schema of the relation with all that is in it.
///
/// A relation without a schema is refused rather than taken for the target's: dropping needs a name.
pub(super) fn drop_schema(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.drop_schema", &["relation"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let relation = relation_in(&given, "drop_schema", "relation")?;
    let schema =
        relation.schema.clone().ok_or_else(|| invalid("adapter.drop_schema() got a relation without a schema"))?;
    database.drop_schema(&schema).map_err(from_database)?;
    Ok(Value::from(()))
}

/// `verify_database(database)`: an error for any but the database of the connection, the only one PostgreSQL reaches.
pub(super) fn verify_database(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.verify_database", &["database"], args)?;
    let wanted = given.text("database")?;
    let wanted = wanted.trim_matches('"');
    let connected = host.default_database();
    if wanted.to_lowercase() != connected.to_lowercase() {
        return Err(invalid(format!(
            "database \"{wanted}\" cannot be reached from database \"{connected}\": \
             a connection of PostgreSQL sees one database"
        )));
    }
    Ok(Value::from(""))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    #[test]
    fn schemas_come_and_go() {
        let text = "{% set r = api.Relation.create(database='db', schema='audit', identifier='x') %}\
                    {{ adapter.check_schema_exists('db', 'audit') }}{% do adapter.create_schema(r) %}\
                    {{ adapter.check_schema_exists('db', 'audit') }} {{ adapter.list_schemas('db') | join(',') }} \
                    {%- do adapter.drop_schema(r.without_identifier()) %} {{ adapter.list_schemas('db') | join(',') }}";
        assert_eq!(fake::render(&fake::answering(), text), "FalseTrue public,shop,audit public,shop");
        assert_eq!(fake::render(&fake::parsing(), text), "FalseFalse  ");
    }

    #[test]
    fn only_a_named_schema_is_dropped() {
        let told = fake::fault(&fake::answering(), "{% do adapter.drop_schema(api.Relation.create(identifier='x')) %}");
        assert_eq!(told, "adapter.drop_schema() got a relation without a schema");
    }

    #[test]
    fn another_database_is_out_of_reach() {
        let host = fake::parsing();
        assert_eq!(
            fake::render(&host, "{{ adapter.verify_database('DB') }}{{ adapter.verify_database('\"db\"') }}"),
            ""
        );
        assert!(
            fake::fault(&host, "{{ adapter.verify_database('other') }}")
                .starts_with("database \"other\" cannot be reached from database \"db\"")
        );
    }
}
