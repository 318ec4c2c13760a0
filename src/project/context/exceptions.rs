//! `exceptions.*`: errors and warnings that the author of a template raises, kept apart from all other errors.

use super::arguments::Arguments;
use super::fault::{behind, invalid};
use super::host::{Host, Level};
use crate::project::name::did_you_mean;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::fmt;
use std::sync::Arc;

/// What an author's error is about; decides how the node that raised it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaisedKind {
    /// The project is wrong: dbt's compilation error.
    Compiler,
    /// The database or what is in it is wrong.
    Database,
    /// A package is missing or of the wrong version.
    Dependency,
    /// A contract does not hold.
    Contract,
    /// The whole run must stop.
    FailFast,
    /// A macro has no version for this warehouse.
    NotImplemented,
}

/// An error that a template raised, in its author's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// What it is about.
    pub kind: RaisedKind,
    /// The words.
    pub text: String,
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Raised {}

impl Raised {
    /// The error as the template engine carries it.
    #[must_use]
    pub fn error(kind: RaisedKind, text: impl Into<String>) -> Error {
        let text = text.into();
        invalid(text.clone()).with_source(Raised { kind, text })
    }
}

/// What the author raised, if that is why a rendering failed.
#[must_use]
pub fn raised(error: &Error) -> Option<&Raised> {
    behind(error)
}

/// `exceptions` of this rendering.
pub fn exceptions(host: Arc<dyn Host>) -> Value {
    Value::from_object(Exceptions(host))
}

/// Functions that raise the text they are given, with what they raise.
const PLAIN: [(&str, RaisedKind); 9] = [
    ("raise_compiler_error", RaisedKind::Compiler),
    ("raise_database_error", RaisedKind::Database),
    ("raise_dependency_error", RaisedKind::Dependency),
    ("raise_fail_fast_error", RaisedKind::FailFast),
    ("raise_not_implemented", RaisedKind::NotImplemented),
    ("raise_cache_inconsistent", RaisedKind::Compiler),
    ("raise_invalid_property_yml_version", RaisedKind::Compiler),
    ("raise_duplicate_resource_name", RaisedKind::Compiler),
    ("raise_ambiguous_alias", RaisedKind::Compiler),
];

/// The other functions.
const OTHER: [&str; 8] = [
    "warn",
    "missing_config",
    "missing_materialization",
    "missing_relation",
    "relation_wrong_type",
    "column_type_missing",
    "raise_contract_error",
    "warn_snapshot_timestamp_data_types",
];

struct Exceptions(Arc<dyn Host>);

impl fmt::Debug for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<exceptions>")
    }
}

impl Object for Exceptions {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if let Some((name, kind)) = PLAIN.into_iter().find(|(name, _)| *name == method) {
            let given = Arguments::bind(name, &["msg", "node"], args)?;
            return Err(Raised::error(kind, given.text("msg")?));
        }
        let raise = |text: String| Err(Raised::error(RaisedKind::Compiler, text));
        match method {
            "warn" => {
                let given = Arguments::bind("warn", &["msg", "node"], args)?;
                self.0.say(Level::Warn, &given.text("msg")?);
                Ok(Value::from(""))
            }
            "missing_config" => {
                let given = Arguments::bind("missing_config", &["model", "name"], args)?;
                let node = given.required("model")?.get_attr("unique_id")?;
                raise(format!("{node} lacks the config \"{}\", which it needs", given.text("name")?))
            }
            "missing_materialization" => {
                let given = Arguments::bind("missing_materialization", &["model", "adapter_type"], args)?;
                let wanted = given.required("model")?.get_attr("config")?.get_attr("materialized")?;
                raise(format!("there is no materialization \"{wanted}\" for postgres and none for every adapter"))
            }
            "missing_relation" => {
                let given = Arguments::bind("missing_relation", &["relation", "model"], args)?;
                raise(format!("relation {} does not exist", given.text("relation")?))
            }
            "relation_wrong_type" => {
                let given = Arguments::bind("relation_wrong_type", &["relation", "expected_type", "model"], args)?;
                let relation = given.required("relation")?;
                raise(format!(
                    "{relation} is to become a {} and is a {}; drop it, or run with --full-refresh to have it dropped",
                    given.text("expected_type")?,
                    relation.get_attr("type")?
                ))
            }
            "column_type_missing" => {
                let given = Arguments::bind("column_type_missing", &["column_names"], args)?;
                raise(format!(
                    "a contract needs a data_type for every column; missing for {}",
                    given.text("column_names")?
                ))
            }
            "raise_contract_error" => {
                let given = Arguments::bind("raise_contract_error", &["yaml_columns", "sql_columns"], args)?;
                let text = contract(given.required("yaml_columns")?, given.required("sql_columns")?)?;
                Err(Raised::error(RaisedKind::Contract, text))
            }
            "warn_snapshot_timestamp_data_types" => {
                let names = &["snapshot_time_data_type", "updated_at_data_type"];
                let given = Arguments::bind("warn_snapshot_timestamp_data_types", names, args)?;
                self.0.say(
                    Level::Warn,
                    &format!(
                        "the snapshot's time is {} and updated_at is {}: comparing them may give wrong versions",
                        given.text("snapshot_time_data_type")?,
                        given.text("updated_at_data_type")?
                    ),
                );
                Ok(Value::from(""))
            }
            _ => {
                let known = PLAIN.into_iter().map(|(name, _)| name).chain(OTHER);
                let hint = did_you_mean(method, known).map_or(String::new(), |hint| format!("; {hint}"));
                Err(invalid(format!("exceptions has no method \"{method}\"{hint}")))
            }
        }
    }
}

/// How the columns of a query differ from those of its contract, by name.
fn contract(promised: &Value, found: &Value) -> Result<String, Error> {
    let columns = |columns: &Value| -> Result<Vec<(String, String)>, Error> {
        let column =
            |column: Value| Ok((column.get_attr("name")?.to_string(), column.get_attr("data_type")?.to_string()));
        columns.try_iter()?.map(column).collect()
    };
    let (promised, found) = (columns(promised)?, columns(found)?);
    if promised.is_empty() {
        return Ok("the contract is enforced and names no columns".to_owned());
    }
    let named = |columns: &[(String, String)], name: &str| {
        columns.iter().find(|(known, _)| known == name).map(|(_, data_type)| data_type.clone())
    };
    let mut differences: Vec<(String, String)> = Vec::new();
    for (name, data_type) in &found {
        match named(&promised, name) {
            None => differences.push((name.clone(), format!("{name} ({data_type}) is not in the contract"))),
            Some(wanted) if wanted != *data_type => {
                differences.push((name.clone(), format!("{name} is {data_type}, and the contract says {wanted}")));
            }
            Some(_) => {}
        }
    }
    for (name, data_type) in promised.iter().filter(|(name, _)| named(&found, name).is_none()) {
        differences.push((name.clone(), format!("{name} ({data_type}) is in the contract and not in the query")));
    }
    differences.sort();
    let lines: Vec<String> = differences.into_iter().map(|(_, line)| format!("  {line}")).collect();
    Ok(format!("the columns of the query are not those of its contract\n{}", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    fn thrown(text: &str) -> Raised {
        let error = fake::error(&fake::parsing(), text);
        raised(&error).cloned().unwrap_or_else(|| panic!("not raised by the author: {error}"))
    }

    #[test]
    fn the_authors_words_come_through_whole() {
        let told = thrown("{{ exceptions.raise_compiler_error('Bad `x`: {}\n  see docs') }}");
        assert_eq!(told, Raised { kind: RaisedKind::Compiler, text: "Bad `x`: {}\n  see docs".into() });
        assert_eq!(thrown("{% do exceptions.raise_database_error('d') %}").kind, RaisedKind::Database);
        assert_eq!(thrown("{% do exceptions.raise_fail_fast_error('d', node=none) %}").kind, RaisedKind::FailFast);
    }

    #[test]
    fn other_errors_are_not_the_authors() {
        assert!(raised(&fake::error(&fake::parsing(), "{{ nothing.x }}")).is_none());
        assert!(raised(&fake::error(&fake::parsing(), "{{ exceptions.raise_compiler_error() }}")).is_none());
    }

    #[test]
    fn warnings_are_said_and_print_nothing() {
        let host = fake::parsing();
        assert_eq!(fake::render(&host, "a{{ exceptions.warn('careful') }}b"), "ab");
        assert_eq!(host.said(), [(Level::Warn, "careful".to_owned())]);
    }

    #[test]
    fn facts_are_read_from_what_is_given() {
        let told =
            thrown("{{ exceptions.relation_wrong_type(api.Relation.create(identifier='t', type='view'), 'table') }}");
        assert_eq!(
            told.text,
            "\"t\" is to become a table and is a view; drop it, or run with --full-refresh to have it dropped"
        );
        assert_eq!(
            thrown("{{ exceptions.missing_config({'unique_id': 'model.p.m'}, 'k') }}").text,
            "model.p.m lacks the config \"k\", which it needs"
        );
    }

    #[test]
    fn a_contract_error_lists_every_difference_by_name() {
        let told = thrown(
            "{{ exceptions.raise_contract_error(
                [{'name': 'a', 'data_type': 'int'}, {'name': 'b', 'data_type': 'text'}, {'name': 'd', 'data_type': 'date'}],
                [{'name': 'c', 'data_type': 'int'}, {'name': 'b', 'data_type': 'int'}, {'name': 'd', 'data_type': 'date'}]) }}",
        );
        assert_eq!(told.kind, RaisedKind::Contract);
        assert_eq!(
            told.text,
            "the columns of the query are not those of its contract\n  a (int) is in the contract and not in the query\n  \
             b is int, and the contract says text\n  c (int) is not in the contract"
        );
    }

    #[test]
    fn an_unknown_function_is_told_with_the_nearest() {
        let told = fake::fault(&fake::parsing(), "{{ exceptions.raise_compile_error('x') }}");
        assert_eq!(told, "exceptions has no method \"raise_compile_error\"; did you mean \"raise_compiler_error\"?");
    }
}
