//! Unit tests of models: given rows stand for what the model reads, expected rows for what it gives.

use super::compile::{Compiled, Compiler};
use super::cte::{self, Cte};
use super::node::{Node, Ref};
use super::rendering::{Phase, Rendering};
use crate::error::{Error, Result};
use crate::project::context::Relation;
use crate::project::database::{ExistingColumn, RelationName};
use crate::project::jinja::Globals;
use crate::project::manifest::fault::refuse;
use crate::project::manifest::functions::json_value;
use crate::project::name::{quote_identifier, quote_literal};
use minijinja::Value;
use minijinja::value::{Kwargs, Rest};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of a unit test, as given or expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// Rows by column.
    Table(Vec<Map<String, Json>>),
    /// A SELECT that gives them.
    Sql(String),
}

/// One input of a unit test.
#[derive(Clone, Debug)]
struct Input {
    /// `ref('orders')`, `source('raw', 'orders')` or `this`.
    call: String,
    name: String,
    relation: Option<RelationName>,
    rows: Rows,
}

/// A unit test ready to run.
#[derive(Clone, Debug)]
pub struct UnitTest {
    /// The model's SELECT over the given rows.
    pub actual: Compiled,
    /// Expected rows.
    pub expected: Rows,
}

impl Compiler {
    /// Puts the given rows in the place of what the model reads.
    pub fn unit_test(&self, test: &Arc<Node>) -> Result<UnitTest> {
        let model = test.depends_on.iter().find_map(|id| {
            self.scope
                .manifest
                .nodes
                .get(id)
                .filter(|node| Some(node.name.as_str()) == test.extra.get("model").and_then(Json::as_str))
        });
        let model = model.ok_or_else(|| {
            Error::config(format!("{} is about an unknown model", test.label()))
                .detail(format!("The file is {}.", test.file))
        })?;
        let inputs = self.inputs(test, model)?;
        let columns_of = |input: &Input| -> Result<Vec<ExistingColumn>> {
            match (&self.scope.database, &input.relation) {
                (Some(database), Some(relation)) => database.columns(relation),
                _ => Ok(Vec::new()),
            }
        };
        let mut ctes = Vec::new();
        for input in &inputs {
            let sql = match &input.rows {
                Rows::Sql(sql) => sql.clone(),
                Rows::Table(rows) => {
                    let columns = columns_of(input)?;
                    if columns.is_empty() {
                        return Err(missing_input(test, input));
                    }
                    given_sql(test, input, rows, &columns)?
                }
            };
            ctes.push(Cte { id: String::new(), name: cte::cte_name(&input.name), sql });
        }
        let overrides = test.extra.get("overrides").and_then(Json::as_object).cloned().unwrap_or_default();
        let mut world = (*self.world).clone();
        world.vars.given.extend(map(&overrides, "vars"));
        for (name, value) in map(&overrides, "env_vars") {
            world.env.insert(name, super::test_name::python_str(&value));
        }
        let compiler = Compiler { world: Arc::new(world), scope: self.scope.clone() };
        let locals = self.locals(test, model, &inputs, &overrides);
        let node = Arc::new(model.clone());
        let rendering =
            Rendering::new(compiler.world.clone(), node.clone(), Phase::Run(compiler.scope.clone()), true, locals);
        let globals: Arc<dyn Globals> = rendering;
        let sql = compiler
            .world
            .library
            .render_text(&node.file, &node.raw_code, &globals)
            .map_err(|fault| self.world.told(&test.label(), fault))?;
        let actual = Compiled { code: cte::inject(&sql, &ctes), ctes };
        let expect = test.extra.get("expect").cloned().unwrap_or_default();
        Ok(UnitTest { actual, expected: rows(test, &expect)? })
    }

    fn inputs(&self, test: &Node, model: &Node) -> Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for given in test.extra.get("given").and_then(Json::as_array).into_iter().flatten() {
            let call = given.get("input").and_then(Json::as_str).unwrap_or_default().trim().to_owned();
            let (function, names) = super::read::kept::call(&call);
            let (name, relation) = match (function, names.as_slice()) {
                ("ref", [.., name]) => {
                    let wanted =
                        Ref { package: (names.len() > 1).then(|| names[0].clone()), name: name.clone(), version: None };
                    let id = self.scope.manifest.names.node(&self.world.root, &test.package, &wanted);
                    let found = id
                        .and_then(|id| self.scope.manifest.nodes.get(id))
                        .ok_or_else(|| unknown_input(test, &call))?;
                    (name.clone(), (!found.is_ephemeral()).then(|| found.relation()))
                }
                ("source", [source, table]) => {
                    let id = self.scope.manifest.names.source(&self.world.root, &test.package, source, table);
                    let found = id
                        .and_then(|id| self.scope.manifest.sources.get(id))
                        .ok_or_else(|| unknown_input(test, &call))?;
                    (format!("{source}__{table}"), Some(found.relation.clone()))
                }
                _ if call == "this" => (model.name.clone(), Some(model.relation())),
                _ => return Err(unknown_input(test, &call)),
            };
            inputs.push(Input { name, relation, rows: rows(test, given)?, call });
        }
        Ok(inputs)
    }

    /// `ref`, `source`, `this` and the macros that the test replaces.
    fn locals(
        &self,
        test: &Node,
        model: &Node,
        inputs: &[Input],
        overrides: &Map<String, Json>,
    ) -> BTreeMap<String, Value> {
        let mut locals = BTreeMap::new();
        let by_key: BTreeMap<String, String> =
            inputs.iter().map(|input| (key_of(&input.call), input.name.clone())).collect();
        let shared = Arc::new(by_key);
        let label = test.label();
        let find = move |key: String| -> std::result::Result<Value, minijinja::Error> {
            match shared.get(&key) {
                Some(name) => Ok(Relation::ephemeral(name).value()),
                None => Err(refuse(format!("{label} gives no rows for {key}; add it under given:"))),
            }
        };
        let refs = find.clone();
        locals.insert(
            "ref".to_owned(),
            Value::from_function(move |args: Rest<Value>, _: Kwargs| {
                refs(format!("ref {}", args.last().map(ToString::to_string).unwrap_or_default()))
            }),
        );
        locals.insert(
            "source".to_owned(),
            Value::from_function(move |source: &str, table: &str| find(format!("source {source} {table}"))),
        );
        if let Some(this) = inputs.iter().find(|input| input.call == "this") {
            locals.insert("this".to_owned(), Relation::ephemeral(&this.name).value());
        }
        // Whether a model sees itself as incremental is the test's to say.
        let is_incremental = overrides.get("macros").and_then(|m| m.get("is_incremental")).and_then(Json::as_bool);
        locals.insert("is_incremental".to_owned(), Value::from_function(move || is_incremental.unwrap_or(false)));
        for (name, value) in map(overrides, "macros") {
            if name == "is_incremental" {
                continue;
            }
            let value = json_value(&value);
            match name.split_once('.') {
                None => {
                    locals.insert(name, Value::from_function(move |_: Rest<Value>| value.clone()));
                }
                Some((package, inner)) => {
                    let inner = (inner.to_owned(), value);
                    let base = self.world.package_macros(package);
                    locals.insert(package.to_owned(), super::functions::overridden_package(base, inner));
                }
            }
        }
        let _ = model;
        locals
    }
}

fn key_of(call: &str) -> String {
    let (function, names) = super::read::kept::call(call);
    match function {
        "ref" => format!("ref {}", names.last().cloned().unwrap_or_default()),
        "source" => format!("source {}", names.join(" ")),
        _ => call.to_owned(),
    }
}

fn map(body: &Map<String, Json>, key: &str) -> Map<String, Json> {
    body.get(key).and_then(Json::as_object).cloned().unwrap_or_default()
}

/// `rows` in the format that the entry names; CSV texts and fixtures were turned into rows when the project was read.
fn rows(test: &Node, entry: &Json) -> Result<Rows> {
    match (entry.get("format").and_then(Json::as_str).unwrap_or("dict"), entry.get("rows")) {
        ("sql", Some(Json::String(sql))) => Ok(Rows::Sql(sql.trim().trim_end_matches(';').to_owned())),
        ("dict" | "csv", Some(Json::Array(items))) => {
            let table = items.iter().map(|item| item.as_object().cloned());
            table.collect::<Option<Vec<_>>>().map(Rows::Table).ok_or_else(|| malformed(test))
        }
        ("dict" | "csv", None | Some(Json::Null)) => Ok(Rows::Table(Vec::new())),
        _ => Err(malformed(test)),
    }
}

fn malformed(test: &Node) -> Error {
    Error::config(format!("{} has rows that are not well-formed", test.label()))
        .detail(format!("The file is {}.", test.file))
        .hint("write rows as a list of {column: value}, or format: csv or sql with a text")
}

fn unknown_input(test: &Node, call: &str) -> Error {
    Error::config(format!("{} gives rows for an unknown input \"{call}\"", test.label()))
        .detail(format!("The file is {}.", test.file))
        .hint("write input: ref('model'), source('source', 'table') or this")
}

fn missing_input(test: &Node, input: &Input) -> Error {
    Error::failed(format!("{} needs the columns of {}, which is not built", test.label(), input.call)).hint(
        "build it first (quintile run --select ... --empty makes it without rows), or give the rows as format: sql",
    )
}

/// Given rows as a SELECT with the types of the relation; columns that are not given are NULL.
fn given_sql(test: &Node, input: &Input, rows: &[Map<String, Json>], columns: &[ExistingColumn]) -> Result<String> {
    if let Some(stranger) =
        rows.iter().flat_map(Map::keys).find(|key| !columns.iter().any(|c| c.name.eq_ignore_ascii_case(key)))
    {
        let known = columns.iter().map(|column| column.name.as_str());
        let error =
            Error::config(format!("{} gives {} a column \"{stranger}\", which it has not", test.label(), input.call));
        return Err(match crate::project::name::did_you_mean(stranger, known) {
            Some(hint) => error.hint(hint),
            None => error.detail(format!(
                "Its columns are {}.",
                columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
            )),
        });
    }
    let typed: Vec<(&str, &str)> = columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str())).collect();
    Ok(rows_sql(rows, &typed))
}

/// Rows as a SELECT of these columns and types.
pub fn rows_sql(rows: &[Map<String, Json>], columns: &[(&str, &str)]) -> String {
    let one = |row: Option<&Map<String, Json>>| {
        let cells = columns.iter().map(|(name, data_type)| {
            let value = row.and_then(|row| row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v));
            let literal = match value {
                None | Some(Json::Null) => "null".to_owned(),
                Some(Json::String(text)) => quote_literal(text),
                Some(Json::Bool(flag)) => flag.to_string(),
                Some(Json::Number(number)) => number.to_string(),
                Some(nested) => quote_literal(&nested.to_string()),
            };
            format!("cast({literal} as {data_type}) as {}", quote_identifier(name))
        });
        format!("select {}", cells.collect::<Vec<_>>().join(", "))
    };
    match rows {
        [] => format!("{} where false", one(None)),
        rows => rows.iter().map(|row| one(Some(row))).collect::<Vec<_>>().join("\nunion all\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_become_typed_selects_and_no_rows_keep_the_columns() {
        let row = json!({"id": 1, "name": "it's", "at": null});
        let rows = vec![row.as_object().cloned().unwrap_or_default()];
        let columns = [("id", "integer"), ("name", "text"), ("at", "date"), ("more", "numeric")];
        assert_eq!(
            rows_sql(&rows, &columns),
            "select cast(1 as integer) as \"id\", cast('it''s' as text) as \"name\", cast(null as date) as \"at\", \
             cast(null as numeric) as \"more\""
        );
        assert_eq!(rows_sql(&[], &columns[..1]), "select cast(null as integer) as \"id\" where false");
    }
}
