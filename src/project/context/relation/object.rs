//! The face of a relation in templates: attributes and methods.

use super::super::api;
use super::super::arguments::Arguments;
use super::super::containers::{dict, or_none};
use super::super::fault::invalid;
use super::{Relation, RelationType};
use crate::project::quote_identifier;
use minijinja::value::{DynObject, Enumerator, Object};
use minijinja::{Error, ErrorKind, State, Value};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Parts of a name, in order.
const PARTS: &[&str] = &["database", "schema", "identifier"];

/// A mapping, as in dbt: packages ask `relation is mapping` to tell it from text. It cannot be iterated over.
impl Object for Relation {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.attribute(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.as_ref().cmp(other.downcast_ref::<Self>()?))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_ref(), f)
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        self.method(method, args)
    }
}

/// Bytes that PostgreSQL keeps of a name.
const LONGEST_RELATION_NAME: usize = 63;

impl Relation {
    fn attribute(&self, name: &str) -> Option<Value> {
        let is = |kind: RelationType| Value::from(self.kind == Some(kind));
        // Views and tables can be renamed and replaced; a materialized view is dropped and made again.
        let swappable = || Value::from(matches!(self.kind, Some(RelationType::Table | RelationType::View)));
        Some(match name {
            "database" => or_none(self.database.as_deref()),
            "schema" => or_none(self.schema.as_deref()),
            "identifier" | "name" | "table" => or_none(self.identifier.as_deref()),
            "path" => self.path(),
            "type" => or_none(self.kind.map(RelationType::as_str)),
            "is_table" => is(RelationType::Table),
            "is_view" => is(RelationType::View),
            "is_cte" => is(RelationType::Cte),
            "is_materialized_view" => is(RelationType::MaterializedView),
            "is_pointer" => is(RelationType::PointerTable),
            "is_function" => is(RelationType::Function),
            // dbt-postgres has neither snapshots nor ephemeral models as types of their own.
            "is_snapshot" => Value::from(false),
            "can_be_renamed" | "can_be_replaced" => swappable(),
            "include_policy" => self.include.value(),
            "quote_policy" => self.quote.value(),
            "quote_character" => Value::from("\""),
            "limit" => or_none(self.limit),
            "dbt_created" => Value::from(self.dbt_created),
            "require_alias" => Value::from(true),
            "information_schema_view" => or_none(self.view.clone().flatten()),
            "metadata" => dict([("type", Value::from(self.class()))]),
            constant => Value::from(RelationType::ALL.into_iter().find(|(_, name, _)| *name == constant)?.2),
        })
    }

    /// dbt's class; packages look for names that end in `Relation`.
    fn class(&self) -> &'static str {
        if self.view.is_some() { "InformationSchema" } else { "PostgresRelation" }
    }

    fn path(&self) -> Value {
        dict([
            ("database", or_none(self.database.as_deref())),
            ("schema", or_none(self.schema.as_deref())),
            ("identifier", or_none(self.identifier.as_deref())),
        ])
    }

    fn method(&self, method: &str, args: &[Value]) -> Result<Value, Error> {
        let changed = match method {
            "include" => {
                let given = Arguments::bind("include", PARTS, args)?;
                Relation { include: self.include.changed(Some(&parts_of(&given)))?, ..self.clone() }
            }
            "quote" => {
                let given = Arguments::bind("quote", PARTS, args)?;
                Relation { quote: self.quote.changed(Some(&parts_of(&given)))?, ..self.clone() }
            }
            "incorporate" | "replace" => self.incorporate(&Arguments::bind(
                "incorporate",
                &["path", "type", "include_policy", "quote_policy", "limit", "dbt_created"],
                args,
            )?)?,
            "replace_path" => {
                let given = Arguments::bind("replace_path", PARTS, args)?;
                self.with_path(|part| given.given(part).cloned())
            }
            "without_identifier" => {
                Arguments::bind("without_identifier", &[], args)?;
                let include = super::Policy { identifier: false, ..self.include };
                Relation { identifier: None, include, ..self.clone() }
            }
            "information_schema" => {
                let given = Arguments::bind("information_schema", &["view_name"], args)?;
                let view = given.optional("view_name").and_then(|name| name.as_str()).map(str::to_owned);
                self.information_schema(view)
            }
            "information_schema_only" => self.information_schema(None),
            _ => return self.question(method, args),
        };
        Ok(changed.checked()?.value())
    }

    /// Methods that do not answer a relation.
    fn question(&self, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "render" => Ok(Value::from(self.render())),
            "render_limited" => Ok(Value::from(self.render_limited())),
            "quoted" => {
                let given = Arguments::bind("quoted", &["identifier"], args)?;
                Ok(Value::from(quote_identifier(&given.text("identifier")?)))
            }
            "get" => {
                let given = Arguments::bind("get", &["key", "default"], args)?;
                let value = self.attribute(&given.text("key")?);
                Ok(value.or_else(|| given.given("default").cloned()).unwrap_or_else(|| Value::from(())))
            }
            "relation_max_name_length" => {
                Arguments::bind("relation_max_name_length", &[], args)?;
                Ok(Value::from(LONGEST_RELATION_NAME))
            }
            "matches" => self.matches(&Arguments::bind("matches", PARTS, args)?).map(Value::from),
            _ => api::relation_class_method(super::Policy::default(), method, args)
                .unwrap_or_else(|| Err(Error::from(ErrorKind::UnknownMethod))),
        }
    }

    fn incorporate(&self, given: &Arguments) -> Result<Relation, Error> {
        let mut changed = match given.optional("path") {
            Some(path) => self.with_path(|part| path.get_attr(part).ok().filter(|value| !value.is_undefined())),
            None => self.clone(),
        };
        if let Some(kind) = given.given("type") {
            changed.kind = api::relation_type(Some(kind))?;
        }
        changed.include = changed.include.changed(given.optional("include_policy"))?;
        changed.quote = changed.quote.changed(given.optional("quote_policy"))?;
        if given.given("limit").is_some() {
            changed.limit = given.optional_integer("limit")?.and_then(|limit| u64::try_from(limit).ok());
        }
        changed.dbt_created = given.flag("dbt_created", changed.dbt_created);
        Ok(changed)
    }

    /// The relation with the parts for which `new` has a value, `none` among them.
    fn with_path(&self, new: impl Fn(&str) -> Option<Value>) -> Relation {
        let part = |name: &str, old: &Option<String>| match new(name) {
            None => old.clone(),
            Some(value) if value.is_none() || value.is_undefined() => None,
            Some(value) => Some(value.to_string()),
        };
        Relation {
            database: part("database", &self.database),
            schema: part("schema", &self.schema),
            identifier: part("identifier", &self.identifier),
            ..self.clone()
        }
    }

    /// Whether the parts given are those of this relation.
    ///
    /// A name that differs only in case is an error rather than a guess: one of the two was meant.
    fn matches(&self, given: &Arguments) -> Result<bool, Error> {
        let sought: Vec<(&str, String)> =
            PARTS.iter().filter_map(|part| Some((*part, given.optional_text(part)?))).collect();
        if sought.is_empty() {
            return Err(invalid("matches() needs a database, a schema or an identifier"));
        }
        let own = |part: &str| match part {
            "database" => self.database.as_deref().unwrap_or_default(),
            "schema" => self.schema.as_deref().unwrap_or_default(),
            _ => self.identifier.as_deref().unwrap_or_default(),
        };
        let exact = sought.iter().all(|(part, value)| {
            let any_case = self.dbt_created && self.quote.part(part) == Some(false);
            own(part) == value || (any_case && own(part).to_lowercase() == value.to_lowercase())
        });
        let bare = |text: &str| text.to_lowercase().trim_matches('"').to_owned();
        if !exact && sought.iter().all(|(part, value)| bare(own(part)) == bare(value)) {
            let names: Vec<String> = sought.iter().map(|(_, value)| quote_identifier(value)).collect();
            return Err(invalid(format!(
                "relation {self} is there, but {} was searched for; drop it, or rename it to be less ambiguous",
                names.join(".")
            )));
        }
        Ok(exact)
    }
}

/// The parts that were given, as a dict of changes for a policy.
fn parts_of(given: &Arguments) -> Value {
    dict(PARTS.iter().filter_map(|part| Some((*part, given.optional(part)?.clone()))))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    const MAKE: &str = "{% set r = api.Relation.create(database='db', schema='s', identifier='i', type='table') %}";

    fn render(text: &str) -> String {
        fake::render(&fake::parsing(), &format!("{MAKE}{text}"))
    }

    #[test]
    fn attributes_are_dbts() {
        assert_eq!(
            render("{{ r.database }} {{ r.schema }} {{ r.identifier }} {{ r.name }} {{ r.table }}"),
            "db s i i i"
        );
        assert_eq!(
            render("{{ r.type }} {{ r.is_table }} {{ r.is_view }} {{ r.is_cte }} {{ r.can_be_renamed }}"),
            "table True False False True"
        );
        assert_eq!(render("{{ r.include(database=false).path.database }} {{ r.path.schema }}"), "db s");
        assert_eq!(
            render("{{ r.View }} {{ r.nothing is defined }} {{ r is none }} {{ r is mapping }}"),
            "view False False True"
        );
        assert_eq!(
            render("{{ r.get('metadata').type }} {{ r.get('nope', 'd') }} {{ r.get('type') }}"),
            "PostgresRelation d table"
        );
        assert_eq!(render("{{ r.information_schema('x').metadata.type }}"), "InformationSchema");
        assert_eq!(render("{{ 'yes' if r else 'no' }}"), "yes");
    }

    #[test]
    fn packages_tell_a_relation_from_text() {
        let check = "{{ obj is mapping and obj.get('metadata', {}).get('type', '').endswith('Relation') }}";
        assert_eq!(render(&format!("{{% set obj = r %}}{check}")), "True");
        assert_eq!(render(&format!("{{% set obj = r | string %}}{check}")), "False");
    }

    #[test]
    fn parts_can_be_left_out_unquoted_and_replaced() {
        assert_eq!(render("{{ r.include(database=False) }}"), "\"s\".\"i\"");
        assert_eq!(render("{{ r.include(false) }}"), "\"s\".\"i\"");
        assert_eq!(render("{{ r.quote(identifier=False) }}"), "\"db\".\"s\".i");
        assert_eq!(render("{{ r.without_identifier() }}"), "\"db\".\"s\"");
        assert_eq!(render("{{ r.without_identifier().identifier is none }}"), "True");
        assert_eq!(render("{{ r.replace_path(identifier='j') }} {{ r }}"), "\"db\".\"s\".\"j\" \"db\".\"s\".\"i\"");
        assert_eq!(render("{{ r.incorporate(path={'schema': none}) }}"), "\"db\".\"i\"");
        assert_eq!(render("{{ r.incorporate(path={'identifier': 'j'}, type='view').type }}"), "view");
        assert_eq!(render("{{ r.incorporate(type=none).type is none }}"), "True");
        assert_eq!(render("{{ r.quoted('x') }} {{ r.render() }}"), "\"x\" \"db\".\"s\".\"i\"");
    }

    #[test]
    fn equality_takes_the_type_into_account() {
        let other = |kind: &str| format!("{{{{ r == api.Relation.create('db', 's', 'i', {kind}) }}}}");
        assert_eq!(render(&other("'table'")), "True");
        assert_eq!(render(&other("none")), "False");
        assert_eq!(render("{{ r in [r.include(database=true)] }} {{ [r, r] | unique | length }}"), "True 1");
    }

    #[test]
    fn matching_refuses_to_guess() {
        assert_eq!(render("{{ r.matches(database='db') }} {{ r.matches(identifier='x') }}"), "True False");
        let told = |text: &str| fake::fault(&fake::parsing(), &format!("{MAKE}{text}"));
        assert_eq!(
            told("{{ r.matches(identifier='I') }}"),
            "relation \"db\".\"s\".\"i\" is there, but \"I\" was searched for; drop it, or rename it to be less ambiguous"
        );
        assert_eq!(told("{{ r.matches() }}"), "matches() needs a database, a schema or an identifier");
    }
}
