//! Constraints of contracts as they stand in a `CREATE TABLE`.

use super::super::arguments::Arguments;
use super::super::containers::list;
use super::super::fault::invalid;
use super::super::host::Host;
use crate::project::quote_identifier;
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// Types of constraints that a `schema.yml` may name.
const TYPES: [&str; 6] = ["check", "not_null", "unique", "primary_key", "foreign_key", "custom"];

/// One constraint as it was written.
struct Constraint {
    kind: String,
    name: Option<String>,
    expression: Option<String>,
    columns: Vec<String>,
    to: Option<String>,
    to_columns: Vec<String>,
}

impl Constraint {
    fn read(raw: &Value) -> Result<Self, Error> {
        let field = |name: &str| raw.get_attr(name).ok().filter(|value| !value.is_none() && !value.is_undefined());
        let text = |name: &str| field(name).map(|value| value.to_string()).filter(|text| !text.is_empty());
        let texts = |name: &str| -> Result<Vec<String>, Error> {
            field(name).map_or(Ok(Vec::new()), |list| Ok(list.try_iter()?.map(|item| item.to_string()).collect()))
        };
        let kind = text("type").ok_or_else(|| invalid(format!("constraint {raw} has no type")))?;
        if !TYPES.contains(&kind.as_str()) {
            return Err(invalid(format!("\"{kind}\" is not a type of constraint; known are {}", TYPES.join(", "))));
        }
        Ok(Constraint {
            kind,
            name: text("name"),
            expression: text("expression"),
            columns: texts("columns")?,
            to: text("to"),
            to_columns: texts("to_columns")?,
        })
    }

    /// What a foreign key refers to.
    fn reference(&self) -> Option<String> {
        match &self.to {
            Some(to) if !self.to_columns.is_empty() => Some(format!("{to} ({})", self.to_columns.join(", "))),
            _ => self.expression.clone(),
        }
    }

    /// The constraint behind a column; none where a part that it needs is missing.
    fn of_column(&self) -> Option<String> {
        let expression = self.expression.as_deref();
        let with = |words: &str| Some(format!("{words} {}", expression.unwrap_or_default()).trim_end().to_owned());
        match self.kind.as_str() {
            "check" => expression.map(|expression| format!("check ({expression})")),
            "not_null" => with("not null"),
            "unique" => with("unique"),
            "primary_key" => with("primary key"),
            "foreign_key" => self.reference().map(|reference| format!("references {reference}")),
            _ => expression.map(str::to_owned),
        }
    }

    /// The constraint on a line of its own; none for those that only columns have.
    fn of_model(&self) -> Option<String> {
        let columns = self.columns.join(", ");
        let expression = self.expression.as_deref();
        let over_columns = |words: &str| {
            let expression = expression.map_or(String::new(), |expression| format!(" {expression}"));
            Some(format!("{words}{expression} ({columns})"))
        };
        let text = match self.kind.as_str() {
            "check" => expression.map(|expression| format!("check ({expression})")),
            "unique" => over_columns("unique"),
            "primary_key" => over_columns("primary key"),
            "foreign_key" => {
                self.reference().map(|reference| format!("foreign key ({columns}) references {reference}"))
            }
            "custom" => expression.map(str::to_owned),
            _ => None,
        }?;
        let name = self.name.as_ref().map_or(String::new(), |name| format!("constraint {name} "));
        Some(format!("{name}{text}"))
    }
}

/// `render_raw_columns_constraints(raw_columns)`: one line a column, type and constraints.
pub(super) fn render_raw_columns_constraints(
    _: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.render_raw_columns_constraints", &["raw_columns"], args)?;
    let columns = given.required("raw_columns")?;
    let mut lines = Vec::new();
    for key in columns.try_iter()? {
        let column = columns.get_item(&key)?;
        let name = column.get_attr("name")?.to_string();
        let quoted = column.get_attr("quote")?.is_true();
        let data_type = column.get_attr("data_type")?;
        if data_type.is_none() || data_type.is_undefined() {
            return Err(invalid(format!("column \"{name}\" of a contract has no data_type")));
        }
        let mut parts = vec![if quoted { quote_identifier(&name) } else { name }, data_type.to_string()];
        let constraints = column.get_attr("constraints")?;
        if !constraints.is_none() && !constraints.is_undefined() {
            for constraint in constraints.try_iter()? {
                parts.extend(Constraint::read(&constraint)?.of_column());
            }
        }
        lines.push(Value::from(parts.join(" ")));
    }
    Ok(list(lines))
}

/// `render_raw_model_constraints(raw_constraints)`: one line a constraint.
pub(super) fn render_raw_model_constraints(
    _: &Arc<dyn Host>,
    _: &mut State<'_, '_>,
    args: &[Value],
) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.render_raw_model_constraints", &["raw_constraints"], args)?;
    let mut lines = Vec::new();
    for constraint in given.required("raw_constraints")?.try_iter()? {
        lines.extend(Constraint::read(&constraint)?.of_model().map(Value::from));
    }
    Ok(list(lines))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    fn render(text: &str) -> String {
        fake::render(&fake::parsing(), text)
    }

    #[test]
    fn columns_print_as_dbt_prints_them() {
        let columns = "{'a': {'name': 'a', 'data_type': 'int', 'constraints': [
            {'type': 'not_null'}, {'type': 'primary_key'}, {'type': 'check', 'expression': 'a > 0'},
            {'type': 'foreign_key', 'to': 'x', 'to_columns': ['b']}, {'type': 'foreign_key', 'expression': 'x (b)'},
            {'type': 'unique'}, {'type': 'custom', 'expression': 'foo bar'}, {'type': 'check'}]},
            'b': {'name': 'b c', 'data_type': 'text', 'quote': true, 'constraints': []}}";
        assert_eq!(
            render(&format!("{{{{ adapter.render_raw_columns_constraints(raw_columns={columns}) | join('|') }}}}")),
            "a int not null primary key check (a > 0) references x (b) references x (b) unique foo bar|\"b c\" text"
        );
    }

    #[test]
    fn models_print_as_dbt_prints_them() {
        let constraints =
            "[{'type': 'unique', 'columns': ['a', 'b'], 'name': 'u'}, {'type': 'check', 'expression': 'a>0'},
            {'type': 'primary_key', 'columns': ['a'], 'expression': 'nulls distinct'},
            {'type': 'foreign_key', 'columns': ['a'], 'to': 't', 'to_columns': ['x']},
            {'type': 'foreign_key', 'columns': ['a'], 'expression': 't (x)'},
            {'type': 'custom', 'expression': 'exclude using gist (x with =)', 'name': 'n'},
            {'type': 'not_null', 'columns': ['a']}]";
        assert_eq!(
            render(&format!(
                "{{{{ adapter.render_raw_model_constraints(raw_constraints={constraints}) | join('|') }}}}"
            )),
            "constraint u unique (a, b)|check (a>0)|primary key nulls distinct (a)|foreign key (a) references t (x)|\
             foreign key (a) references t (x)|constraint n exclude using gist (x with =)"
        );
    }

    #[test]
    fn wrong_constraints_are_told() {
        let told = |text: &str| fake::fault(&fake::parsing(), text);
        assert!(
            told("{{ adapter.render_raw_model_constraints([{'type': 'bad'}]) }}")
                .starts_with("\"bad\" is not a type of constraint; known are check")
        );
        assert_eq!(
            told("{{ adapter.render_raw_columns_constraints({'a': {'name': 'a'}}) }}"),
            "column \"a\" of a contract has no data_type"
        );
    }
}
