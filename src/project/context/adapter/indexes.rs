//! `adapter.parse_index`: one entry of the config `indexes`, checked.

use super::super::arguments::Arguments;
use super::super::containers::{list, or_none};
use super::super::fault::invalid;
use super::super::host::Host;
use minijinja::value::{Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use std::sync::Arc;

/// An index to be made.
#[derive(Debug)]
struct Index {
    columns: Vec<String>,
    unique: bool,
    method: Option<String>,
    invocation_id: String,
}

impl Object for Index {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "columns" => Some(list(self.columns.iter().map(Value::from).collect())),
            "unique" => Some(Value::from(self.unique)),
            "type" => Some(or_none(self.method.as_deref())),
            _ => None,
        }
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if method != "render" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let given = Arguments::bind("render", &["relation"], args)?;
        Ok(Value::from(self.name(&given.text("relation")?)))
    }
}

impl Index {
    /// A name that is the index's own and this run's: a table built under another name and renamed keeps its indexes,
    /// so the next run needs new names for the indexes of its successor.
    fn name(&self, relation: &str) -> String {
        let method = self.method.as_deref().unwrap_or_default();
        let unique = if self.unique { "unique" } else { "" };
        let parts =
            [self.columns.join(","), relation.to_owned(), unique.into(), method.into(), self.invocation_id.clone()];
        blake3::hash(parts.join("\0").as_bytes()).to_hex()[..32].to_owned()
    }
}

/// `parse_index(raw_index)`: columns, unique, type and `render(relation)` for the name; none for nothing.
pub(super) fn parse_index(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.parse_index", &["raw_index"], args)?;
    let Some(raw) = given.optional("raw_index") else { return Ok(Value::from(())) };
    if raw.kind() != ValueKind::Map {
        return Err(invalid(format!(
            "an entry of \"indexes\" is a {}; it should be a dict with \"columns\"",
            raw.kind()
        )));
    }
    for key in raw.try_iter()? {
        if !matches!(key.as_str(), Some("columns" | "unique" | "type")) {
            return Err(invalid(format!("an index has no \"{key}\"; it has columns, unique and type")));
        }
    }
    let field = |name: &str| raw.get_attr(name).ok().filter(|value| !value.is_none() && !value.is_undefined());
    let columns = field("columns").filter(|columns| columns.kind() == ValueKind::Seq);
    let columns = columns.ok_or_else(|| invalid("an index needs a list of \"columns\""))?;
    Ok(Value::from_object(Index {
        columns: columns.try_iter()?.map(|column| column.to_string()).collect(),
        unique: field("unique").is_some_and(|unique| unique.is_true()),
        method: field("type").map(|method| method.to_string()),
        invocation_id: host.invocation_id(),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    #[test]
    fn entries_are_checked_and_named() {
        let host = fake::parsing();
        let render = |text: &str| fake::render(&host, text);
        let parsed = "{% set i = adapter.parse_index({'columns': ['a', 'b'], 'unique': true}) %}";
        assert_eq!(
            render(&format!("{parsed}{{{{ i.columns | join(', ') }}}} {{{{ i.unique }}}} {{{{ i.type is none }}}}")),
            "a, b True True"
        );
        let name = |relation: &str| {
            render(&format!("{parsed}{{{{ i.render(api.Relation.create(identifier='{relation}')) }}}}"))
        };
        assert_eq!(name("x"), name("x"));
        assert_ne!(name("x"), name("y"));
        assert_eq!(name("x").len(), 32);
        assert_eq!(render("{{ adapter.parse_index(none) is none }}"), "True");
    }

    #[test]
    fn wrong_entries_are_told() {
        let told = |text: &str| fake::fault(&fake::parsing(), text);
        assert_eq!(
            told("{{ adapter.parse_index(['a']) }}"),
            "an entry of \"indexes\" is a sequence; it should be a dict with \"columns\""
        );
        assert_eq!(
            told("{{ adapter.parse_index({'column': 'a'}) }}"),
            "an index has no \"column\"; it has columns, unique and type"
        );
        assert_eq!(told("{{ adapter.parse_index({'columns': 'a'}) }}"), "an index needs a list of \"columns\"");
    }
}
