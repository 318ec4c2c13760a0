//! Macros, and the resources that are kept for the manifest: exposures, groups, metrics, the semantic layer, functions.

use super::{Entry, name, node};
use crate::project::files::config::Config;
use crate::project::files::config_keys::Resource;
use crate::project::files::reader::Reader;
use serde_json::Value as Json;

/// A resource that nothing here builds, kept as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Other {
    /// Its name.
    pub name: String,
    /// Its description as written; may call `doc()`.
    pub description: String,
    /// Configuration; `meta`, `tags` and `group` from beside it are in it.
    pub config: Config,
    /// The entry, rendered.
    pub json: Json,
    /// The entry as written.
    pub raw: Json,
    /// The file of the entry.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
}

/// What a file says about a macro.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MacroProperties {
    /// Its name.
    pub name: String,
    /// Its description as written; may call `doc()`.
    pub description: String,
    /// Its arguments.
    pub arguments: Vec<MacroArgument>,
    /// `docs` and `meta`, from beside `config` and from it.
    pub config: Config,
    /// The file of the entry.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
}

/// What a file says about an argument of a macro.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MacroArgument {
    /// Its name.
    pub name: String,
    /// Its type, in words.
    pub data_type: Option<String>,
    /// Its description as written.
    pub description: String,
}

/// Keys that dbt demands of each kind, beside the name.
fn required(noun: &str) -> &'static [&'static str] {
    match noun {
        "exposure" => &["type", "owner"],
        "group" => &["owner"],
        "metric" => &["label", "type", "type_params"],
        "semantic model" => &["model"],
        "saved query" => &["query_params"],
        "function" => &["returns"],
        _ => &[],
    }
}

/// Reads an entry that is kept; its inner keys are for other tools, so they are not judged.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry<'_>, noun: &str) -> Option<Other> {
    let fields = reader.open_fields(&entry.node, format!("a {noun}"))?;
    let name = name(reader, &fields)?;
    let fields = fields.named(format!("{noun} \"{name}\""));
    // A semantic layer that cannot be understood stops nobody from building tables.
    for key in required(noun).iter().filter(|key| fields.get(key).is_none()) {
        reader.warn(fields.line, &name, format!("{} has no {key}", fields.what), format!("add {key}:"));
    }
    let resource = match noun {
        "function" => Resource::Function,
        "saved query" => Resource::SavedQuery,
        _ => Resource::Documentation,
    };
    Some(Other {
        description: reader.text(&fields, "description").unwrap_or_default(),
        config: node::gathered_config_of(reader, &fields, resource),
        json: entry.node.json(),
        raw: entry.written.clone(),
        path: entry.path.clone(),
        line: fields.line,
        name,
    })
}

/// Reads an entry about a macro.
pub(super) fn read_macro(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<MacroProperties> {
    let keys = ["name", "description", "docs", "meta", "config", "arguments"];
    let fields = reader.fields(&entry.node, "a macro", &keys)?;
    let name = name(reader, &fields)?;
    let fields = fields.named(format!("macro \"{name}\""));
    let mut arguments = Vec::new();
    for item in reader.items(&fields, "arguments") {
        let what = format!("an argument of {}", fields.what);
        let Some(argument) = reader.fields(item, what, &["name", "type", "description"]) else { continue };
        let Some(name) = super::name(reader, &argument) else { continue };
        let data_type = reader.text(&argument, "type");
        let description = reader.text(&argument, "description").unwrap_or_default();
        arguments.push(MacroArgument { name, data_type, description });
    }
    Some(MacroProperties {
        description: reader.text(&fields, "description").unwrap_or_default(),
        config: node::gathered_config_of(reader, &fields, Resource::Documentation),
        path: entry.path.clone(),
        line: fields.line,
        arguments,
        name,
    })
}
