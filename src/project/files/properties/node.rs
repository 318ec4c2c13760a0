//! Models, seeds, snapshots, analyses and singular tests.

use super::column::{self, ColumnProperties};
use super::data_test::{self, TestProperties};
use super::version::{self, VersionProperties};
use super::{Entry, name};
use crate::project::files::config::{self, Config};
use crate::project::files::config_keys::{self, Resource};
use crate::project::files::reader::{Fields, Reader};
use crate::project::files::version as order;
use crate::project::yaml::Node;
use serde_json::Value as Json;

/// What a file says about a node that has a file of its own, or about a snapshot that has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeProperties {
    /// Its name.
    pub name: String,
    /// Its description as written; may call `doc()`.
    pub description: String,
    /// Configuration; `meta`, `docs`, `group`, `access` and `contract` from beside it are in it.
    pub config: Config,
    /// Constraints over several columns, as written.
    pub constraints: Vec<Json>,
    /// Its columns.
    pub columns: Vec<ColumnProperties>,
    /// Data tests about it as a whole.
    pub data_tests: Vec<TestProperties>,
    /// Which version a reference without a version means.
    pub latest_version: Option<String>,
    /// Its versions, in the file's order.
    pub versions: Vec<VersionProperties>,
    /// When it will go away, as written.
    pub deprecation_date: Option<String>,
    /// Of a snapshot without a file: `ref('orders')` or `source('raw', 'orders')`.
    pub relation: Option<String>,
    /// Whether a seed's column names are quoted.
    pub quote_columns: Option<bool>,
    /// For the semantic layer, as written.
    pub time_spine: Option<Json>,
    /// The file and the line of the entry.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
    /// The entry as written, before rendering.
    pub json: Json,
}

impl NodeProperties {
    /// The columns of a version: those of the model that it includes, with its own over them.
    #[must_use]
    pub fn columns_of(&self, version: &VersionProperties) -> Vec<ColumnProperties> {
        let is_included = |column: &&ColumnProperties| {
            let is_listed = version.include.as_ref().is_none_or(|list| list.contains(&column.name));
            is_listed && !version.exclude.contains(&column.name)
        };
        let is_replaced = |column: &&ColumnProperties| version.columns.iter().any(|own| own.name == column.name);
        let inherited = self.columns.iter().filter(is_included).filter(|column| !is_replaced(column));
        inherited.chain(&version.columns).cloned().collect()
    }

    /// The version that a reference without one means: the one that is named, else the highest; none without versions.
    #[must_use]
    pub fn latest(&self) -> Option<&str> {
        let highest = || self.versions.iter().map(|version| version.v.as_str()).max_by(|a, b| order::compare(a, b));
        self.latest_version.as_deref().or_else(highest)
    }

    /// The data tests of a version: its own if it has a list, even an empty one, else the model's.
    #[must_use]
    pub fn tests_of<'a>(&'a self, version: &'a VersionProperties) -> &'a [TestProperties] {
        version.data_tests.as_deref().unwrap_or(&self.data_tests)
    }
}

/// What kind of node an entry is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Seed,
    Snapshot,
    Analysis,
    DataTest,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Kind::Model => "model",
            Kind::Seed => "seed",
            Kind::Snapshot => "snapshot",
            Kind::Analysis => "analysis",
            Kind::DataTest => "data test",
        }
    }

    fn resource(self) -> Resource {
        match self {
            Kind::Model | Kind::Analysis => Resource::Model,
            Kind::Seed => Resource::Seed,
            Kind::Snapshot => Resource::Snapshot,
            Kind::DataTest => Resource::DataTest,
        }
    }
}

const KEYS: &[&str] = &[
    "name",
    "description",
    "docs",
    "meta",
    "tags",
    "group",
    "access",
    "contract",
    "config",
    "constraints",
    "columns",
    "data_tests",
    "tests",
    "data_type",
    "quote_columns",
];
const MODEL_KEYS: &[&str] = &["latest_version", "versions", "deprecation_date", "time_spine"];
/// Keys that may stand beside `config` and belong into it.
const CONFIG_BESIDE: &[&str] = &["meta", "docs", "group", "access", "contract"];
/// Keys that sources and documentation may have in both places.
const GATHERED: &[&str] = &["meta", "tags", "group", "docs"];

pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_>, kind: Kind) -> Option<NodeProperties> {
    let more: &[&str] = match kind {
        Kind::Model => MODEL_KEYS,
        Kind::Snapshot => &["relation"],
        _ => &[],
    };
    let fields = reader.fields(&entry.node, format!("a {}", kind.noun()), &[KEYS, more].concat())?;
    let name = name(reader, &fields)?;
    let fields = fields.named(format!("{} \"{name}\"", kind.noun()));
    let columns = reader.items(&fields, "columns");
    let node = NodeProperties {
        description: reader.text(&fields, "description").unwrap_or_default(),
        config: config_of(reader, &fields, kind.resource()),
        constraints: constraints(reader, &fields).unwrap_or_default(),
        columns: column::read(reader, columns, &fields.what, entry.render),
        data_tests: data_test::read(reader, &fields, None, entry.render),
        latest_version: reader.text(&fields, "latest_version"),
        versions: version::read(reader, &fields, entry.render),
        deprecation_date: reader.text(&fields, "deprecation_date"),
        relation: reader.text(&fields, "relation"),
        quote_columns: reader.flag(&fields, "quote_columns"),
        time_spine: fields.get("time_spine").map(Node::json),
        path: entry.path.clone(),
        line: fields.line,
        json: entry.written.clone(),
        name,
    };
    version::check(reader, &fields, &node);
    Some(node)
}

/// `config:` with the keys that may also stand beside it.
pub(super) fn config_of(reader: &mut Reader<'_>, fields: &Fields<'_>, resource: Resource) -> Config {
    let mut found = Config::new();
    if let Some(node) = fields.get("config")
        && let Some(inner) = reader.open_fields(node, format!("config of {}", fields.what))
    {
        reader.warn_of_unknown(&inner, &config_keys::known_keys(resource));
        found = config::of_node(node);
    }
    if let Some((key, _)) = fields.entry("tags") {
        let message = format!("tags of {} are not read beside config", fields.what);
        reader.warn(key.line, "tags", message, "move them under config");
    }
    for (key, value) in fields.entries().iter().filter(|(key, _)| CONFIG_BESIDE.contains(&key.name.as_str())) {
        if value.is_null() {
            continue;
        }
        if found.contains_key(&key.name) {
            let message = format!("{} sets \"{}\" twice", fields.what, key.name);
            reader.error(key.line, &key.name, message, "keep the one under config");
        }
        if key.name == "meta" && reader.open_fields(value, format!("meta of {}", fields.what)).is_none() {
            continue;
        }
        found.insert(key.name.clone(), value.json());
    }
    found
}

/// `config:` of what dbt lets say `meta` and `tags` in two places: both count.
pub(super) fn gathered_config_of(reader: &mut Reader<'_>, fields: &Fields<'_>, resource: Resource) -> Config {
    let mut found = Config::new();
    for (key, value) in fields.entries().iter().filter(|(key, _)| GATHERED.contains(&key.name.as_str())) {
        config::merge(&mut found, &Config::from_iter([(key.name.clone(), value.json())]));
    }
    if let Some(node) = fields.get("config")
        && let Some(inner) = reader.open_fields(node, format!("config of {}", fields.what))
    {
        reader.warn_of_unknown(&inner, &config_keys::known_keys(resource));
        config::merge(&mut found, &config::of_node(node));
    }
    config::sort_tags(&mut found);
    found
}

pub(super) fn constraints(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Vec<Json>> {
    fields.has("constraints").then(|| {
        let mut found = Vec::new();
        for item in reader.items(fields, "constraints") {
            if let Some(constraint) = reader.open_fields(item, format!("a constraint of {}", fields.what)) {
                reader.required_text(&constraint, "type");
                found.push(item.json());
            }
        }
        found
    })
}
