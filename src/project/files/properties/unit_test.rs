//! Unit tests: rows that a model is given, and the rows it must make of them.

use super::{Entry, name, node};
use crate::project::files::config::Config;
use crate::project::files::config_keys::Resource;
use crate::project::files::reader::Reader;
use crate::project::yaml::{Node, Yaml};
use serde_json::{Map, Value as Json};

/// One unit test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitTestProperties {
    /// Its name.
    pub name: String,
    /// The model it is about.
    pub model: String,
    /// Its description as written.
    pub description: String,
    /// What stands in for the model's inputs.
    pub given: Vec<Fixture>,
    /// What must come out.
    pub expect: Fixture,
    /// Values that macros answer instead of running.
    pub macros: Map<String, Json>,
    /// Values of variables.
    pub vars: Map<String, Json>,
    /// Values of environment variables.
    pub env_vars: Map<String, Json>,
    /// Configuration.
    pub config: Config,
    /// The only versions it is for.
    pub include_versions: Option<Vec<String>>,
    /// The versions it is not for.
    pub exclude_versions: Option<Vec<String>>,
    /// The file of the entry.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
    /// The entry as written, before rendering.
    pub json: Json,
}

/// Rows, in the file or beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fixture {
    /// `ref('orders')`, `source('raw', 'orders')`, `this`; empty for what is expected.
    pub input: String,
    /// A list of maps, or text in the format; null where a fixture file has the rows.
    pub rows: Json,
    /// How the rows are written.
    pub format: Format,
    /// The name of a file below a `fixtures` folder.
    pub fixture: Option<String>,
    /// Where it stands.
    pub line: usize,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One map a row.
    #[default]
    Dict,
    /// Text with a header line.
    Csv,
    /// A SELECT.
    Sql,
}

impl Format {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Dict => "dict",
            Format::Csv => "csv",
            Format::Sql => "sql",
        }
    }
}

const KEYS: &[&str] =
    &["name", "model", "description", "given", "expect", "overrides", "config", "versions", "tags", "meta"];

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<UnitTestProperties> {
    let fields = reader.fields(&entry.node, "a unit test", KEYS)?;
    let name = name(reader, &fields)?;
    let fields = fields.named(format!("unit test \"{name}\""));
    let model = reader.required_text(&fields, "model");
    for key in ["given", "expect"].into_iter().filter(|key| !fields.has(key)) {
        reader.error(fields.line, "", format!("{} has no {key}", fields.what), format!("add {key}:"));
    }
    let mut found = UnitTestProperties {
        description: reader.text(&fields, "description").unwrap_or_default(),
        config: node::config_of(reader, &fields, Resource::UnitTest),
        path: entry.path.clone(),
        line: fields.line,
        json: entry.written.clone(),
        name,
        ..UnitTestProperties::default()
    };
    for item in reader.items(&fields, "given") {
        found.given.extend(fixture(reader, item, &fields.what, true));
    }
    if let Some(node) = fields.get("expect") {
        found.expect = fixture(reader, node, &fields.what, false).unwrap_or_default();
    }
    if let Some(node) = fields.get("overrides") {
        let what = format!("overrides of {}", fields.what);
        if let Some(overrides) = reader.fields(node, what, &["macros", "vars", "env_vars"]) {
            found.macros = reader.object(&overrides, "macros");
            found.vars = reader.object(&overrides, "vars");
            found.env_vars = reader.object(&overrides, "env_vars");
        }
    }
    if let Some(node) = fields.get("versions")
        && let Some(versions) = reader.fields(node, format!("versions of {}", fields.what), &["include", "exclude"])
    {
        found.include_versions = reader.words(&versions, "include");
        found.exclude_versions = reader.words(&versions, "exclude");
        if found.include_versions.is_some() && found.exclude_versions.is_some() {
            let message = format!("{} both includes and excludes versions", fields.what);
            reader.error(node.line, "", message, "keep one of the two");
        }
    }
    found.model = model?;
    Some(found)
}

fn fixture(reader: &mut Reader<'_>, node: &Node, owner: &str, is_input: bool) -> Option<Fixture> {
    let what = format!("{} of {owner}", if is_input { "a given input" } else { "expect" });
    let keys: &[&str] = if is_input { &["input", "rows", "format", "fixture"] } else { &["rows", "format", "fixture"] };
    let fields = reader.fields(node, what, keys)?;
    let input = if is_input { reader.required_text(&fields, "input")? } else { String::new() };
    let fixture = reader.text(&fields, "fixture");
    let rows = fields.get("rows");
    let format = match reader.text(&fields, "format").as_deref() {
        Some("dict") => Format::Dict,
        Some("csv") => Format::Csv,
        Some("sql") => Format::Sql,
        Some(other) => {
            let message = format!("format \"{other}\" of {} is unknown", fields.what);
            reader.error(node.line, other, message, "write dict, csv or sql");
            return None;
        }
        None => Format::Dict,
    };
    let line = rows.map_or(fields.line, |rows| rows.line);
    match (rows.map(|rows| &rows.value), format) {
        (Some(_), _) if fixture.is_some() => {
            reader.error(line, "rows", format!("{} has both rows and a fixture", fields.what), "keep one of the two");
        }
        (None, _)
        | (Some(Yaml::List(_)), Format::Dict)
        | (Some(Yaml::Scalar(Json::String(_))), Format::Csv | Format::Sql) => {}
        (Some(_), Format::Dict) => {
            reader.error(
                line,
                "rows",
                format!("rows of {} must be a list of maps", fields.what),
                "write - {column: value}",
            );
        }
        (Some(_), _) => {
            let message = format!("rows of {} must be text in the format {}", fields.what, format.as_str());
            reader.error(line, "rows", message, "write rows: | and the text below");
        }
    }
    if format == Format::Dict {
        for row in
            rows.into_iter().flat_map(|rows| if let Yaml::List(rows) = &rows.value { rows.as_slice() } else { &[] })
        {
            reader.open_fields(row, format!("a row of {}", fields.what));
        }
    }
    Some(Fixture { input, rows: rows.map(Node::json).unwrap_or_default(), format, fixture, line })
}
