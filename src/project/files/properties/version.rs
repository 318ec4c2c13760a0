//! Versions of a model: what each has of its own, and which of the model's columns.

use super::column::{self, ColumnProperties};
use super::data_test::{self, TestProperties};
use super::node::{NodeProperties, config_of, constraints};
use crate::project::files::config::Config;
use crate::project::files::config_keys::Resource;
use crate::project::files::reader::{Fields, Reader};
use crate::project::files::render::Render;
use crate::project::yaml::{Node, Yaml};
use serde_json::Value as Json;

/// One version of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VersionProperties {
    /// `1`, `2`, `beta`
    pub v: String,
    /// The file, without suffix, where it is not `<model>_v<v>`.
    pub defined_in: Option<String>,
    /// Its own description.
    pub description: Option<String>,
    /// Its own configuration, over the model's.
    pub config: Config,
    /// Its own constraints.
    pub constraints: Option<Vec<Json>>,
    /// Which of the model's columns it has: a list, or `*` for all; none of the two means all.
    pub include: Option<Vec<String>>,
    /// Which of the model's columns it has not.
    pub exclude: Vec<String>,
    /// Columns of its own.
    pub columns: Vec<ColumnProperties>,
    /// Its own data tests, instead of the model's.
    pub data_tests: Option<Vec<TestProperties>>,
    /// When it will go away, as written.
    pub deprecation_date: Option<String>,
    /// Where it stands.
    pub line: usize,
}

const VERSION_KEYS: &[&str] = &[
    "v",
    "defined_in",
    "description",
    "access",
    "config",
    "constraints",
    "docs",
    "data_tests",
    "tests",
    "columns",
    "deprecation_date",
];

/// The versions of a model.
pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_>, render: Render<'_>) -> Vec<VersionProperties> {
    let mut found = Vec::new();
    for node in reader.items(fields, "versions") {
        let Some(version) = reader.fields(node, format!("a version of {}", fields.what), VERSION_KEYS) else {
            continue;
        };
        let Some(v) = reader.required_text(&version, "v") else { continue };
        let version = version.named(format!("version {v} of {}", fields.what));
        let mut properties = VersionProperties {
            defined_in: reader.text(&version, "defined_in"),
            description: reader.text(&version, "description"),
            config: config_of(reader, &version, Resource::Model),
            constraints: constraints(reader, &version),
            deprecation_date: reader.text(&version, "deprecation_date"),
            data_tests: (version.has("data_tests") || version.has("tests"))
                .then(|| data_test::read(reader, &version, None, render)),
            line: version.line,
            v,
            ..VersionProperties::default()
        };
        version_columns(reader, &version, &mut properties, render);
        found.push(properties);
    }
    found
}

/// Among the columns of a version one item may say which of the model's columns it takes over.
fn version_columns(
    reader: &mut Reader<'_>,
    version: &Fields<'_>,
    properties: &mut VersionProperties,
    render: Render<'_>,
) {
    let Some(node) = version.get("columns") else { return };
    let items = reader.list(node, &format!("columns of {}", version.what));
    let is_choice = |item: &&Node| matches!(&item.value, Yaml::Map(keys) if keys.iter().any(|(k, _)| k.name == "include" || k.name == "exclude"));
    for (place, item) in items.iter().filter(is_choice).enumerate() {
        let what = format!("the choice of columns of {}", version.what);
        if place > 0 {
            reader.error(item.line, "", format!("{} has two choices of columns", version.what), "keep one of them");
        }
        let Some(choice) = reader.fields(item, what, &["include", "exclude"]) else { continue };
        let include = reader.words(&choice, "include").unwrap_or_else(|| vec!["*".to_owned()]);
        properties.include = (!include.iter().any(|name| name == "*" || name == "all")).then_some(include);
        properties.exclude = reader.words(&choice, "exclude").unwrap_or_default();
    }
    let own = items.iter().filter(|item| !is_choice(item));
    properties.columns = column::read(reader, own, &version.what, render);
}

/// Each version once, and the latest one among them.
pub(super) fn check(reader: &mut Reader<'_>, fields: &Fields<'_>, node: &NodeProperties) {
    let known: Vec<&str> = node.versions.iter().map(|version| version.v.as_str()).collect();
    for (place, version) in node.versions.iter().enumerate() {
        if known[..place].contains(&version.v.as_str()) {
            let message = format!("{} has version {} twice", fields.what, version.v);
            reader.error(version.line, "", message, "keep one of the two");
        }
    }
    if let (Some(latest), Some((key, _))) = (&node.latest_version, fields.entry("latest_version"))
        && !known.contains(&latest.as_str())
    {
        let message = format!("{} has no version {latest}, its latest_version", fields.what);
        reader.error(key.line, "latest_version", message, format!("known versions: {}", known.join(", ")));
    }
}
