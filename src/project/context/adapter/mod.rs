//! `adapter`: what templates ask of the database, by the names that dbt's adapters have.
//!
//! A method is a function and a line in [`METHODS`]. In the parse phase each gives the empty answer that dbt gives.

mod columns;
mod constraints;
mod dispatch;
mod execution;
mod incremental;
mod indexes;
mod quoting;
mod relations;
mod schemas;
mod snapshots;

use super::arguments::Arguments;
use super::fault::invalid;
use super::host::Host;
use super::relation::Relation;
use crate::project::name::did_you_mean;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::fmt;
use std::sync::Arc;

type Method = fn(&Arc<dyn Host>, &mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

/// Every method, by subject.
const METHODS: &[(&str, Method)] = &[
    ("dispatch", dispatch::dispatch),
    ("type", kind),
    ("execute", execution::execute),
    ("add_query", execution::add_query),
    ("commit", execution::no_transaction),
    ("begin", execution::no_transaction),
    ("get_relation", relations::get_relation),
    ("load_relation", relations::load_relation),
    ("list_relations", relations::list_relations),
    ("list_relations_without_caching", relations::list_relations_without_caching),
    ("already_exists", relations::already_exists),
    ("drop_relation", relations::drop_relation),
    ("rename_relation", relations::rename_relation),
    ("truncate_relation", relations::truncate_relation),
    ("is_replaceable", relations::is_replaceable),
    ("cache_added", relations::cached),
    ("cache_dropped", relations::cached),
    ("cache_renamed", relations::cached),
    ("list_schemas", schemas::list_schemas),
    ("check_schema_exists", schemas::check_schema_exists),
    ("create_schema", schemas::create_schema),
    ("drop_schema", schemas::drop_schema),
    ("verify_database", schemas::verify_database),
    ("get_columns_in_relation", columns::get_columns_in_relation),
    ("get_columns_in_table", columns::get_columns_in_table),
    ("get_column_schema_from_query", columns::get_column_schema_from_query),
    ("get_missing_columns", columns::get_missing_columns),
    ("expand_target_column_types", columns::expand_target_column_types),
    ("convert_type", columns::convert_type),
    ("quote", quoting::quote),
    ("quote_as_configured", quoting::quote_as_configured),
    ("quote_seed_column", quoting::quote_seed_column),
    ("render_raw_columns_constraints", constraints::render_raw_columns_constraints),
    ("render_raw_model_constraints", constraints::render_raw_model_constraints),
    ("parse_index", indexes::parse_index),
    ("standardize_grants_dict", execution::standardize_grants_dict),
    ("valid_incremental_strategies", incremental::valid_incremental_strategies),
    ("get_incremental_strategy_macro", incremental::get_incremental_strategy_macro),
    ("valid_snapshot_target", snapshots::valid_snapshot_target),
    ("assert_valid_snapshot_target_given_strategy", snapshots::assert_valid_snapshot_target_given_strategy),
    ("get_hard_deletes_behavior", snapshots::get_hard_deletes_behavior),
    ("build_catalog_relation", no_catalog),
];

/// `adapter` of this rendering.
pub fn adapter(host: Arc<dyn Host>) -> Value {
    Value::from_object(Adapter(host))
}

struct Adapter(Arc<dyn Host>);

/// What it prints as; the rendering behind it is nobody's business.
impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<PostgresAdapter>")
    }
}

impl Object for Adapter {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == "behavior" {
            return Some(Value::from_object(Behavior(self.0.clone())));
        }
        let (name, method) = METHODS.iter().find(|(known, _)| *known == name)?;
        Some(Value::from_object(BoundMethod { name, method: *method, host: self.0.clone() }))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        if let Some((_, method)) = METHODS.iter().find(|(known, _)| *known == name) {
            return method(&self.0, state, args);
        }
        let hint = did_you_mean(name, METHODS.iter().map(|(known, _)| *known));
        let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
        // Not "unknown method": the methods of dicts would then be tried, and this text lost.
        Err(invalid(format!("adapter has no method \"{name}\"{hint}")))
    }
}

/// A method taken from the adapter without being called.
struct BoundMethod {
    name: &'static str,
    method: Method,
    host: Arc<dyn Host>,
}

impl fmt::Debug for BoundMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<method adapter.{}>", self.name)
    }
}

impl Object for BoundMethod {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        (self.method)(&self.host, state, args)
    }
}

/// `adapter.behavior.<flag>`: whether a behaviour that changed between versions of dbt is the new one.
struct Behavior(Arc<dyn Host>);

impl fmt::Debug for Behavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<Behavior>")
    }
}

impl Object for Behavior {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let on = self.0.behavior(key.as_str()?);
        Some(Value::from_object(Flag(on)))
    }
}

/// A flag that is true or false by itself and by `no_warn`, which in dbt asks without a warning.
#[derive(Debug)]
struct Flag(bool);

impl Object for Flag {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        matches!(key.as_str()?, "no_warn" | "setting").then(|| Value::from(self.0))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0
    }
}

fn kind(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Arguments::bind("type", &[], args)?;
    Ok(Value::from("postgres"))
}

/// Tables in external catalogues are not a matter of PostgreSQL.
fn no_catalog(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    Arguments::bind("build_catalog_relation", &["config"], args)?;
    Ok(Value::from(()))
}

/// The relation in this argument; text or a dict will not do.
fn relation_in(given: &Arguments, method: &str, name: &str) -> Result<Arc<Relation>, Error> {
    let value = given.required(name)?;
    value.downcast_object::<Relation>().ok_or_else(|| {
        let found = if value.is_none() { "none".to_owned() } else { format!("a {}", value.kind()) };
        invalid(format!(
            "adapter.{method}() takes a relation for \"{name}\", not {found}; api.Relation.create() makes one"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::containers::dict;
    use super::super::fake;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn unknown_methods_are_told_with_the_nearest_known() {
        let told = |text: &str| fake::fault(&fake::parsing(), text);
        assert_eq!(
            told("{{ adapter.get_columns_in_relations(x) }}"),
            "adapter has no method \"get_columns_in_relations\"; did you mean \"get_columns_in_relation\"?"
        );
        assert_eq!(told("{{ adapter.submit_python_job() }}"), "adapter has no method \"submit_python_job\"");
    }

    #[test]
    fn methods_can_be_kept_and_called_later() {
        let host = fake::parsing();
        assert_eq!(
            fake::render(&host, "{% set quote = adapter.quote %}{{ quote('a') }} {{ adapter.type() }}"),
            "\"a\" postgres"
        );
        assert_eq!(fake::render(&host, "{{ adapter.no_such is defined }}"), "False");
        assert_eq!(
            fake::render(&host, "{{ adapter }} {{ adapter.quote }} {{ 1 if adapter else 0 }}"),
            "<PostgresAdapter> <method adapter.quote> 1"
        );
    }

    #[test]
    fn behaviour_flags_are_off_unless_the_project_sets_them() {
        let text = "{% if adapter.behavior.enable_truthy_nulls_equals_macro.no_warn %}1{% else %}0{% endif %}\
                    {% if adapter.behavior.other %}1{% else %}0{% endif %}";
        assert_eq!(fake::render(&fake::parsing(), text), "00");
    }

    #[test]
    fn what_is_no_relation_is_refused() {
        let told = fake::fault(&fake::answering(), "{{ adapter.get_columns_in_relation('orders') }}");
        assert_eq!(
            told,
            "adapter.get_columns_in_relation() takes a relation for \"relation\", not a string; \
             api.Relation.create() makes one"
        );
    }

    #[test]
    fn every_name_is_there_once() {
        let names: BTreeSet<&str> = METHODS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), METHODS.len());
    }

    #[test]
    fn dicts_keep_their_order() {
        assert_eq!(dict([("b", Value::from(1)), ("a", Value::from(2))]).to_string(), "{'b': 1, 'a': 2}");
    }
}
