//! `api.Relation` and `api.Column`: the classes of which templates make relations and columns.

use super::arguments::Arguments;
use super::column::Column;
use super::containers::{dict, list};
use super::fault::invalid;
use super::host::Host;
use super::relation::{Policy, Relation, RelationType};
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::fmt;
use std::sync::Arc;

/// `api`, with the quoting of the project.
pub fn api(host: &Arc<dyn Host>) -> Value {
    let relation = Value::from_object(RelationClass { quoting: host.quoting() });
    dict([("Relation", relation), ("Column", Value::from_object(ColumnClass))])
}

struct RelationClass {
    quoting: Policy,
}

impl fmt::Debug for RelationClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<class PostgresRelation>")
    }
}

impl Object for RelationClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        RelationType::ALL.into_iter().find(|(_, constant, _)| *constant == name).map(|(.., word)| Value::from(word))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        relation_class_method(self.quoting, method, args)
            .unwrap_or_else(|| Err(invalid(format!("api.Relation has no method \"{method}\""))))
    }
}

/// Methods of the class, which every relation has too; none if there is no such method.
pub(super) fn relation_class_method(quoting: Policy, method: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    Some(match method {
        "create" => create(quoting, args),
        "create_from" => create_from(quoting, args),
        "add_ephemeral_prefix" => Arguments::bind("add_ephemeral_prefix", &["name"], args)
            .and_then(|given| Ok(Value::from(Relation::ephemeral_name(&given.text("name")?)))),
        "scd_args" => scd_args(args),
        "get_relation_type" => Arguments::bind("get_relation_type", &["type"], args)
            .and_then(|given| Ok(Value::from(RelationType::from_word(&given.text("type")?)?.as_str()))),
        _ => return None,
    })
}

fn create(quoting: Policy, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind(
        "create",
        &[
            "database",
            "schema",
            "identifier",
            "type",
            "quote_policy",
            "include_policy",
            "limit",
            "dbt_created",
            "catalog",
            "catalog_name",
        ],
        args,
    )?;
    let relation = Relation {
        database: given.optional_text("database"),
        schema: given.optional_text("schema"),
        identifier: given.optional_text("identifier"),
        kind: relation_type(given.given("type"))?,
        include: Policy::default().changed(given.optional("include_policy"))?,
        quote: quoting.changed(given.optional("quote_policy"))?,
        limit: given.optional_integer("limit")?.and_then(|limit| u64::try_from(limit).ok()),
        dbt_created: given.flag("dbt_created", false),
        ..Relation::default()
    };
    Ok(relation.checked()?.value())
}

/// The relation of a node: a dict with `database`, `schema` and `alias`, as `model` and the entries of `graph` are.
fn create_from(quoting: Policy, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("create_from", &["quoting", "relation_config", "type"], args)?;
    let node = given.required("relation_config")?;
    let field = |name: &str| {
        node.get_attr(name)
            .ok()
            .filter(|value| !value.is_none() && !value.is_undefined())
            .map(|value| value.to_string())
    };
    let relation = Relation {
        database: field("database"),
        schema: field("schema"),
        identifier: field("identifier").or_else(|| field("alias")).or_else(|| field("name")),
        kind: relation_type(given.given("type"))?,
        quote: quoting,
        ..Relation::default()
    };
    Ok(relation.checked()?.value())
}

/// The columns whose values tell one version of a row from the next in a snapshot.
fn scd_args(args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("scd_args", &["primary_key", "updated_at"], args)?;
    let key = given.required("primary_key")?;
    let mut names = match key.as_str() {
        Some(_) => vec![key.clone()],
        None => key.try_iter()?.collect(),
    };
    names.push(given.required("updated_at")?.clone());
    Ok(list(names))
}

/// The type that a template gave: a word, or nothing.
pub(super) fn relation_type(given: Option<&Value>) -> Result<Option<RelationType>, Error> {
    match given.filter(|value| !value.is_none() && !value.is_undefined()) {
        None => Ok(None),
        Some(word) => RelationType::from_word(word.as_str().unwrap_or(&word.to_string())).map(Some),
    }
}

struct ColumnClass;

impl fmt::Debug for ColumnClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<class PostgresColumn>")
    }
}

impl Object for ColumnClass {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let names = &["column", "dtype", "char_size", "numeric_precision", "numeric_scale"];
        let given = Arguments::bind("api.Column", names, args)?;
        Ok(Value::from_object(Column {
            name: given.text("column")?,
            data_type: given.text("dtype")?,
            char_size: given.optional_integer("char_size")?,
            numeric_precision: given.optional_integer("numeric_precision")?,
            numeric_scale: given.optional_integer("numeric_scale")?,
        }))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        column_class_method(method, args)
            .unwrap_or_else(|| Err(invalid(format!("api.Column has no method \"{method}\""))))
    }
}

/// Methods of the class, which every column has too; none if there is no such method.
pub(super) fn column_class_method(method: &str, args: &[Value]) -> Option<Result<Value, Error>> {
    Some(match method {
        "create" => Arguments::bind("create", &["name", "label_or_dtype"], args).and_then(|given| {
            let data_type = Column::translate_type(&given.text("label_or_dtype")?).to_owned();
            Ok(Value::from_object(Column::new(given.text("name")?, data_type)))
        }),
        "from_description" => Arguments::bind("from_description", &["name", "raw_data_type"], args).and_then(|given| {
            let (name, described) = (given.text("name")?, given.text("raw_data_type")?);
            Ok(Value::from_object(Column::from_description(name, &described).map_err(invalid)?))
        }),
        "translate_type" => Arguments::bind("translate_type", &["dtype"], args)
            .and_then(|given| Ok(Value::from(Column::translate_type(&given.text("dtype")?)))),
        "string_type" => Arguments::bind("string_type", &["size"], args)
            .and_then(|given| Ok(Value::from(Column::string_type(&given.text("size")?)))),
        "numeric_type" => Arguments::bind("numeric_type", &["dtype", "precision", "scale"], args).and_then(|given| {
            let digits = (given.optional_text("precision"), given.optional_text("scale"));
            Ok(Value::from(Column::numeric_type(&given.text("dtype")?, digits)))
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    fn render(text: &str) -> String {
        fake::render(&fake::parsing(), text)
    }

    #[test]
    fn relations_are_made_by_position_and_by_name() {
        assert_eq!(render("{{ api.Relation.create(identifier='a') }}"), "\"a\"");
        assert_eq!(render("{{ api.Relation.create('db', 's') }}"), "\"db\".\"s\"");
        assert_eq!(
            render("{{ api.Relation.create(schema='s', identifier='i', limit=0) }}"),
            "(select * from \"s\".\"i\" where false limit 0) _dbt_limit_subq_i"
        );
        assert_eq!(
            render("{{ api.Relation.create(schema='s', identifier='i', quote_policy={'identifier': false}) }}"),
            "\"s\".i"
        );
        assert_eq!(
            render("{{ api.Relation.create(database='d', schema='s', include_policy={'database': false}) }}"),
            "\"s\""
        );
        assert_eq!(
            render("{{ api.Relation.create_from(none, {'database': 'd', 'schema': 's', 'alias': 'm', 'name': 'n'}) }}"),
            "\"d\".\"s\".\"m\""
        );
    }

    #[test]
    fn the_class_knows_its_words() {
        let words = "{{ api.Relation.Table }} {{ api.Relation.View }} {{ api.Relation.CTE }} {{ api.Relation.External }} \
                     {{ api.Relation.MaterializedView }} {{ api.Relation.get_relation_type('view') }}";
        assert_eq!(render(words), "table view cte external materialized_view view");
        assert_eq!(render("{{ api.Relation.add_ephemeral_prefix('x') }}"), "__dbt__cte__x");
        assert_eq!(
            render(
                "{{ api.Relation.scd_args(['a', 'b'], 'u') | join(',') }} {{ api.Relation.scd_args('id', 'u') | join(',') }}"
            ),
            "a,b,u id,u"
        );
    }

    #[test]
    fn quoting_of_the_project_is_the_default() {
        let host = fake::quoting(Policy { database: false, ..Policy::default() });
        assert_eq!(fake::render(&host, "{{ api.Relation.create('db', 's', 'i') }}"), "db.\"s\".\"i\"");
    }

    #[test]
    fn wrong_words_are_told() {
        let told = fake::fault(&fake::parsing(), "{{ api.Relation.create(type='tabel') }}");
        assert!(told.starts_with("\"tabel\" is not a type of relation; known are table, view"), "{told}");
        let told = fake::fault(&fake::parsing(), "{{ api.Relation.make() }}");
        assert_eq!(told, "api.Relation has no method \"make\"");
    }

    #[test]
    fn columns_are_made_as_dbt_makes_them() {
        assert_eq!(render("{{ api.Column('a', 'character varying', 20).data_type }}"), "character varying(20)");
        assert_eq!(
            render("{{ api.Column.create('b', 'string').dtype }} {{ api.Column.translate_type('TIMESTAMP') }}"),
            "TEXT TIMESTAMP"
        );
        assert_eq!(
            render(
                "{{ api.Column.string_type(5) }} {{ api.Column.numeric_type('numeric', 5, 2) }} {{ api.Column.numeric_type('numeric', none, 2) }}"
            ),
            "character varying(5) numeric(5,2) numeric"
        );
        assert_eq!(render("{{ api.Column.from_description('c', 'numeric(10,2)').numeric_scale }}"), "2");
    }
}
