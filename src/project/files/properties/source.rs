//! Sources: tables that others fill, with the age at which they are stale.

use super::column::{self, ColumnProperties};
use super::data_test::{self, TestProperties};
use super::{Entry, name, node};
use crate::project::files::config::{self, Config};
use crate::project::files::config_keys::Resource;
use crate::project::files::dbt_project::Quoting;
use crate::project::files::reader::{Fields, Reader};
use crate::project::files::render::Render;
use crate::project::yaml::Node;
use serde_json::Value as Json;

/// A source: a schema with tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceProperties {
    /// Its name, for `source('<name>', ...)`.
    pub name: String,
    /// Its description as written; may call `doc()`.
    pub description: String,
    /// The package whose source of this name it changes.
    pub overrides: Option<String>,
    /// The database; by default the target's.
    pub database: Option<String>,
    /// The schema; by default the source's name.
    pub schema: Option<String>,
    /// Who fills it.
    pub loader: String,
    /// The tables.
    pub tables: Vec<TableProperties>,
    /// What holds for all tables unless they say otherwise.
    pub defaults: TableDefaults,
    /// The file of the entry.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
    /// The entry as written, before rendering.
    pub json: Json,
}

/// What a source may say for all its tables, and a table for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableDefaults {
    /// Configuration; `meta` and `tags` from beside it are in it.
    pub config: Config,
    /// Which names are quoted.
    pub quoting: Quoting,
    /// The column that says when a row came.
    pub loaded_at_field: Option<String>,
    /// The query that says when the latest row came, as written.
    pub loaded_at_query: Option<String>,
    /// When it is stale; `Some(None)` is a written `null`, which switches the check off.
    pub freshness: Option<Option<Freshness>>,
}

/// One table of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableProperties {
    /// Its name, for `source(..., '<name>')`.
    pub name: String,
    /// Its description as written; may call `doc()`.
    pub description: String,
    /// Its name in the database, if that is another.
    pub identifier: Option<String>,
    /// Who fills it, if that is another than for the source.
    pub loader: Option<String>,
    /// What it says for itself.
    pub own: TableDefaults,
    /// For tools that make external tables, as written.
    pub external: Option<Json>,
    /// Its columns.
    pub columns: Vec<ColumnProperties>,
    /// Data tests about it as a whole.
    pub data_tests: Vec<TestProperties>,
    /// Where it stands.
    pub line: usize,
}

/// When a table is stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Older than this is a warning; `Some(None)` is a written `null`.
    pub warn_after: Option<Option<Period>>,
    /// Older than this is an error; `Some(None)` is a written `null`.
    pub error_after: Option<Option<Period>>,
    /// Which rows are looked at.
    pub filter: Option<String>,
}

/// A length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// How many.
    pub count: u64,
    /// `minute`, `hour` or `day`.
    pub period: String,
}

impl SourceProperties {
    /// What the file says of a table's configuration: the table over its source, `meta` and `tags` of both.
    ///
    /// Thresholds of freshness are merged by [`Freshness::over`], as a written `null` means something there.
    #[must_use]
    pub fn config_of(&self, table: &TableProperties) -> Config {
        let mut merged = self.defaults.config.clone();
        config::merge(&mut merged, &table.own.config);
        config::sort_tags(&mut merged);
        merged
    }
}

impl Period {
    /// The length in seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.count
            * match self.period.as_str() {
                "minute" => 60,
                "hour" => 3_600,
                _ => 86_400,
            }
    }
}

impl Freshness {
    /// What holds where a source and its table both speak: each threshold of the table over that of the source.
    #[must_use]
    pub fn over(&self, below: &Freshness) -> Freshness {
        Freshness {
            warn_after: self.warn_after.clone().or_else(|| below.warn_after.clone()),
            error_after: self.error_after.clone().or_else(|| below.error_after.clone()),
            filter: self.filter.clone().or_else(|| below.filter.clone()),
        }
    }
}

const KEYS: &[&str] = &[
    "name",
    "description",
    "overrides",
    "database",
    "dbname",
    "schema",
    "loader",
    "loaded_at_field",
    "loaded_at_query",
    "freshness",
    "quoting",
    "tags",
    "meta",
    "config",
    "tables",
    "docs",
    "catalog",
];
const TABLE_KEYS: &[&str] = &[
    "name",
    "description",
    "identifier",
    "loader",
    "loaded_at_field",
    "loaded_at_query",
    "freshness",
    "quoting",
    "tags",
    "meta",
    "config",
    "external",
    "columns",
    "data_tests",
    "tests",
    "docs",
    "data_type",
    "constraints",
];
const PERIODS: [&str; 3] = ["minute", "hour", "day"];

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<SourceProperties> {
    let fields = reader.fields(&entry.node, "a source", KEYS)?;
    let name = name(reader, &fields)?;
    let fields = fields.named(format!("source \"{name}\""));
    let mut tables: Vec<TableProperties> = Vec::new();
    for node in reader.items(&fields, "tables") {
        let Some(table) = table(reader, node, &fields.what, entry.render) else { continue };
        if tables.iter().any(|other| other.name == table.name) {
            let message = format!("{} has table \"{}\" twice", fields.what, table.name);
            reader.error(table.line, &table.name, message, "keep one of the two");
        }
        tables.push(table);
    }
    Some(SourceProperties {
        description: reader.text(&fields, "description").unwrap_or_default(),
        overrides: reader.text(&fields, "overrides"),
        database: reader.text(&fields, "database").or_else(|| reader.text(&fields, "dbname")),
        schema: reader.text(&fields, "schema"),
        loader: reader.text(&fields, "loader").unwrap_or_default(),
        defaults: defaults(reader, &fields),
        path: entry.path.clone(),
        line: fields.line,
        json: entry.written.clone(),
        tables,
        name,
    })
}

fn table(reader: &mut Reader<'_>, node: &Node, source: &str, render: Render<'_>) -> Option<TableProperties> {
    let fields = reader.fields(node, format!("a table of {source}"), TABLE_KEYS)?;
    let name = name(reader, &fields)?;
    let fields = fields.named(format!("table \"{name}\" of {source}"));
    let columns = reader.items(&fields, "columns");
    Some(TableProperties {
        description: reader.text(&fields, "description").unwrap_or_default(),
        identifier: reader.text(&fields, "identifier"),
        loader: reader.text(&fields, "loader"),
        own: defaults(reader, &fields),
        external: fields.get("external").map(Node::json),
        columns: column::read(reader, columns, &fields.what, render),
        data_tests: data_test::read(reader, &fields, None, render),
        line: fields.line,
        name,
    })
}

fn defaults(reader: &mut Reader<'_>, fields: &Fields<'_>) -> TableDefaults {
    let found = TableDefaults {
        config: node::gathered_config_of(reader, fields, Resource::Source),
        quoting: quoting(reader, fields),
        loaded_at_field: reader.text(fields, "loaded_at_field"),
        loaded_at_query: reader.text(fields, "loaded_at_query"),
        freshness: freshness(reader, fields),
    };
    if found.loaded_at_field.as_deref() == Some("") {
        let message = format!("loaded_at_field of {} is empty", fields.what);
        reader.error(fields.line, "loaded_at_field", message, "name a column, or leave the key out");
    }
    if let (Some(_), Some((key, _))) = (&found.loaded_at_field, fields.entry("loaded_at_query")) {
        let message = format!("{} has both loaded_at_field and loaded_at_query", fields.what);
        reader.error(key.line, "loaded_at_query", message, "keep one of the two");
    }
    found
}

fn quoting(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Quoting {
    let Some(node) = fields.get("quoting") else { return Quoting::default() };
    let keys = ["database", "schema", "identifier", "column"];
    let Some(quoting) = reader.fields(node, format!("quoting of {}", fields.what), &keys) else {
        return Quoting::default();
    };
    Quoting {
        database: reader.flag(&quoting, "database"),
        schema: reader.flag(&quoting, "schema"),
        identifier: reader.flag(&quoting, "identifier"),
    }
}

/// `freshness`, beside `config` or in it.
fn freshness(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Option<Freshness>> {
    if fields.has("freshness") {
        let Some(node) = fields.get("freshness") else { return Some(None) };
        return Some(thresholds(reader, node, &fields.what));
    }
    let config = reader.open_fields(fields.get("config")?, format!("config of {}", fields.what))?;
    if !config.has("freshness") {
        return None;
    }
    let Some(node) = config.get("freshness") else { return Some(None) };
    Some(thresholds(reader, node, &fields.what))
}

fn thresholds(reader: &mut Reader<'_>, node: &Node, owner: &str) -> Option<Freshness> {
    let keys = ["warn_after", "error_after", "filter"];
    let fields = reader.fields(node, format!("freshness of {owner}"), &keys)?;
    let mut period = |key: &str| {
        fields
            .has(key)
            .then(|| fields.get(key).and_then(|node| self::period(reader, node, &format!("{key} of {owner}"))))
    };
    Some(Freshness {
        warn_after: period("warn_after"),
        error_after: period("error_after"),
        filter: reader.text(&fields, "filter"),
    })
}

fn period(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Period> {
    let fields = reader.fields(node, what, &["count", "period"])?;
    if fields.entries().is_empty() {
        return None;
    }
    let period = reader.required_text(&fields, "period")?;
    if !PERIODS.contains(&period.as_str()) {
        reader.error(
            node.line,
            &period,
            format!("period \"{period}\" of {what} is unknown"),
            "write minute, hour or day",
        );
        return None;
    }
    if fields.get("count").is_none() {
        reader.error(node.line, "", format!("{what} has no count"), "add a line count: ...");
    }
    Some(Period { count: reader.count(&fields, "count")?, period })
}
