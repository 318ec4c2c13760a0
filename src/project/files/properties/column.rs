//! Columns of models, seeds, snapshots and source tables.

use super::data_test::{self, TestProperties};
use crate::project::files::config::{self, Config};
use crate::project::files::reader::Reader;
use crate::project::files::render::Render;
use crate::project::yaml::Node;
use serde_json::{Map, Value as Json};

/// What a file says about a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnProperties {
    /// Its name.
    pub name: String,
    /// Its description as written; may call `doc()`.
    pub description: String,
    /// Its type.
    pub data_type: Option<String>,
    /// Anything; from `meta` and from `config`.
    pub meta: Map<String, Json>,
    /// Tags of its tests; from `tags` and from `config`.
    pub tags: Vec<String>,
    /// Whether its name is quoted.
    pub quote: Option<bool>,
    /// Constraints, as written.
    pub constraints: Vec<Json>,
    /// Data tests about it.
    pub data_tests: Vec<TestProperties>,
    /// `config:` as written.
    pub config: Config,
    /// `day`, `hour`: for time spines.
    pub granularity: Option<String>,
    /// Where it stands.
    pub line: usize,
    /// The entry as JSON.
    pub json: Json,
}

const KEYS: &[&str] = &[
    "name",
    "description",
    "data_type",
    "meta",
    "tags",
    "quote",
    "constraints",
    "data_tests",
    "tests",
    "config",
    "granularity",
    "docs",
    "policy_tags",
];

/// The columns of `owner`; of two with one name the last counts.
pub(super) fn read<'n>(
    reader: &mut Reader<'_>,
    items: impl IntoIterator<Item = &'n Node>,
    owner: &str,
    render: Render<'_>,
) -> Vec<ColumnProperties> {
    let mut columns: Vec<ColumnProperties> = Vec::new();
    for node in items {
        let Some(fields) = reader.fields(node, format!("a column of {owner}"), KEYS) else { continue };
        let Some(name) = super::name(reader, &fields) else { continue };
        let fields = fields.named(format!("column \"{name}\" of {owner}"));
        let config = fields.get("config").map(config::of_node).unwrap_or_default();
        let mut meta = reader.object(&fields, "meta");
        meta.extend(config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default());
        let mut tags = reader.words(&fields, "tags").unwrap_or_default();
        tags.extend(data_test::words(config.get("tags")));
        let column = ColumnProperties {
            description: reader.text(&fields, "description").unwrap_or_default(),
            data_type: reader.text(&fields, "data_type"),
            quote: reader.flag(&fields, "quote"),
            constraints: reader.items(&fields, "constraints").iter().map(Node::json).collect(),
            data_tests: data_test::read(reader, &fields, Some(&name), render),
            granularity: reader.text(&fields, "granularity"),
            line: fields.line,
            json: node.json(),
            name,
            meta,
            tags,
            config,
        };
        if let Some(place) = columns.iter().position(|other| other.name == column.name) {
            let message = format!("{} is described twice; the last one counts", fields.what);
            reader.warn(column.line, &column.name, message, "keep one of the two");
            columns.remove(place);
        }
        columns.push(column);
    }
    columns
}
