//! Relations that exist: found, listed, dropped, renamed, emptied.

use super::super::arguments::Arguments;
use super::super::containers::{list, or_none};
use super::super::fault::{from_database, invalid};
use super::super::host::Host;
use super::super::relation::{Relation, RelationType};
use super::relation_in;
use crate::project::{Database, ExistingRelation, RelationKind, RelationName};
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `get_relation(database, schema, identifier)`: the relation with its type, or none.
pub(super) fn get_relation(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.get_relation", &["database", "schema", "identifier"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let name = RelationName {
        database: given.optional_text("database").unwrap_or_else(|| host.default_database()),
        schema: given.text("schema")?,
        identifier: given.text("identifier")?,
    };
    find(&*database, &name)
}

/// `load_relation(relation)`: the same by a relation that may not exist.
pub(super) fn load_relation(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.load_relation", &["relation"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    find(&*database, &full_name(host, &*relation_in(&given, "load_relation", "relation")?))
}

fn find(database: &dyn Database, name: &RelationName) -> Result<Value, Error> {
    let found = database.relation(name).map_err(from_database)?;
    Ok(or_none(found.map(|found| Relation::existing(found).value())))
}

/// `already_exists(schema, name)`
pub(super) fn already_exists(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.already_exists", &["schema", "name"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(false)) };
    let name = RelationName {
        database: host.default_database(),
        schema: given.text("schema")?,
        identifier: given.text("name")?,
    };
    Ok(Value::from(database.relation(&name).map_err(from_database)?.is_some()))
}

/// `list_relations(database, schema)`
pub(super) fn list_relations(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.list_relations", &["database", "schema"], args)?;
    relations_of(host, &given.text("schema")?)
}

/// `list_relations_without_caching(schema_relation)`
pub(super) fn list_relations_without_caching(
    host: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.list_relations_without_caching", &["schema_relation"], args)?;
    let schema = relation_in(&given, "list_relations_without_caching", "schema_relation")?;
    relations_of(host, &full_name(host, &schema).schema)
}

fn relations_of(host: &Arc<dyn Host>, schema: &str) -> Result<Value, Error> {
    let Some(database) = host.database() else { return Ok(list(Vec::new())) };
    let found = database.relations(schema).map_err(from_database)?;
    Ok(list(found.into_iter().map(|found| Relation::existing(found).value()).collect()))
}

/// `drop_relation(relation)`, which must know what it is.
pub(super) fn drop_relation(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.drop_relation", &["relation"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let relation = relation_in(&given, "drop_relation", "relation")?;
    let Some(kind) = relation.kind else {
        return Err(invalid(format!(
            "adapter.drop_relation() got {relation} without a type; take it from adapter.get_relation(), \
             or make it with api.Relation.create(type='table')"
        )));
    };
    let kind = stored_kind(kind, &relation, "dropped")?;
    let existing = ExistingRelation { name: full_name(host, &relation), kind };
    database.drop_relation(&existing).map_err(from_database)?;
    Ok(Value::from(()))
}

/// `rename_relation(from_relation, to_relation)`; the type, where it is not known, is that of the catalogue.
pub(super) fn rename_relation(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.rename_relation", &["from_relation", "to_relation"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let from = relation_in(&given, "rename_relation", "from_relation")?;
    let to = relation_in(&given, "rename_relation", "to_relation")?;
    let name = full_name(host, &from);
    let kind = match from.kind {
        Some(kind) => stored_kind(kind, &from, "renamed")?,
        None => {
            let found = database.relation(&name).map_err(from_database)?;
            found.ok_or_else(|| invalid(format!("relation {from} does not exist and cannot be renamed")))?.kind
        }
    };
    database.rename_relation(&ExistingRelation { name, kind }, &full_name(host, &to)).map_err(from_database)?;
    Ok(Value::from(()))
}

/// `truncate_relation(relation)`
pub(super) fn truncate_relation(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.truncate_relation", &["relation"], args)?;
    let Some(database) = host.database() else { return Ok(Value::from(())) };
    let relation = relation_in(&given, "truncate_relation", "relation")?;
    database.truncate_relation(&full_name(host, &relation)).map_err(from_database)?;
    Ok(Value::from(()))
}

/// `is_replaceable(relation, ...)`: always, for what can be renamed can be swapped in.
pub(super) fn is_replaceable(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.is_replaceable", &["relation", "conf_partition", "conf_cluster"], args)?;
    let _ = given.required("relation")?;
    Ok(Value::from(true))
}

/// `cache_added(relation)` and the like: there is no cache that a template must keep true.
pub(super) fn cached(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Arguments::bind("adapter.cache_*", &["relation", "to_relation"], args)?;
    Ok(Value::from(""))
}

/// The name, with the target's database and schema where a part is missing.
pub(super) fn full_name(host: &Arc<dyn Host>, relation: &Relation) -> RelationName {
    let name = relation.name();
    let or = |part: String, missing: fn(&dyn Host) -> String| if part.is_empty() { missing(&**host) } else { part };
    RelationName {
        database: or(name.database, |host| host.default_database()),
        schema: or(name.schema, |host| host.default_schema()),
        identifier: name.identifier,
    }
}

fn stored_kind(kind: RelationType, relation: &Relation, action: &str) -> Result<RelationKind, Error> {
    RelationKind::from_word(kind.as_str())
        .ok_or_else(|| invalid(format!("relation {relation} is a {}, which cannot be {action}", kind.as_str())))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    fn render(text: &str) -> String {
        fake::render(&fake::answering(), text)
    }

    #[test]
    fn relations_are_found_with_their_type_or_not_at_all() {
        assert_eq!(
            render("{% set r = adapter.get_relation('db', 'shop', 'paid') %}{{ r }} {{ r.type }}"),
            "\"db\".\"shop\".\"paid\" view"
        );
        assert_eq!(
            render("{{ adapter.get_relation(database=none, schema='shop', identifier='orders').is_table }}"),
            "True"
        );
        assert_eq!(render("{{ adapter.get_relation('db', 'shop', 'gone') is none }}"), "True");
        assert_eq!(render("{{ adapter.load_relation(api.Relation.create(identifier='paid')).is_view }}"), "True");
        assert_eq!(
            render("{{ adapter.already_exists('shop', 'orders') }} {{ adapter.already_exists('shop', 'x') }}"),
            "True False"
        );
        assert_eq!(
            render("{{ adapter.list_relations('db', 'shop') | map(attribute='name') | join(',') }}"),
            "orders,paid,orders_new"
        );
        let listed = "{{ adapter.list_relations_without_caching(api.Relation.create(schema='none')) | length }}";
        assert_eq!(render(listed), "0");
    }

    #[test]
    fn while_parsing_there_is_nothing() {
        let host = fake::parsing();
        let text = "{{ adapter.get_relation('a', 'b', 'c') is none }} {{ adapter.list_relations('a', 'b') | length }} {{ adapter.already_exists('a', 'b') }}";
        assert_eq!(fake::render(&host, text), "True 0 False");
        assert_eq!(
            fake::render(
                &host,
                "{{ adapter.get_relation(none, none, none) is none }}{{ adapter.drop_relation(none) is none }}"
            ),
            "TrueTrue"
        );
    }

    #[test]
    fn changes_reach_the_database() {
        let text = "{% set orders = adapter.get_relation('db', 'shop', 'orders') %}\
                    {% do adapter.rename_relation(orders, orders.incorporate(path={'identifier': 'old'})) %}\
                    {% do adapter.drop_relation(adapter.get_relation('db', 'shop', 'paid')) %}\
                    {{ adapter.list_relations('db', 'shop') | map(attribute='name') | join(',') }}";
        assert_eq!(render(text), "old,orders_new");
        let host = fake::answering();
        fake::render(&host, "{% do adapter.truncate_relation(api.Relation.create('db', 'shop', 'orders')) %}");
        assert_eq!(host.asked(), ["truncate \"orders\""]);
        let text = "{% do adapter.rename_relation(api.Relation.create(identifier='paid'), api.Relation.create(identifier='p2')) %}{{ adapter.get_relation('db', 'shop', 'p2').type }}";
        assert_eq!(render(text), "view");
    }

    #[test]
    fn what_has_no_type_is_not_dropped() {
        let told = |text: &str| fake::fault(&fake::answering(), text);
        assert!(
            told("{{ adapter.drop_relation(api.Relation.create(identifier='orders')) }}")
                .starts_with("adapter.drop_relation() got \"orders\" without a type")
        );
        assert_eq!(
            told("{{ adapter.drop_relation(api.Relation.create(identifier='c', type='cte')) }}"),
            "relation \"c\" is a cte, which cannot be dropped"
        );
        assert_eq!(
            told(
                "{{ adapter.rename_relation(api.Relation.create(identifier='x'), api.Relation.create(identifier='y')) }}"
            ),
            "relation \"x\" does not exist and cannot be renamed"
        );
        assert!(told("{{ adapter.drop_relation(none) }}").contains("not none"));
    }
}
