//! `selectors.yml`: selections with a name, as the tree that the file writes down.

use super::problem::Problem;
use super::reader::{Fields, Reader};
use super::render::{Render, rendered};
use crate::project::SourceFile;
use crate::project::yaml::{Node, Yaml};
use serde_json::Value as Json;

/// One named selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// Its name, for `--selector` and for `method: selector`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it holds where the command line selects nothing.
    pub is_default: bool,
    /// What it selects.
    pub definition: Definition,
    /// The file and the line of the entry.
    pub path: String,
    /// Line of the entry.
    pub line: usize,
    /// The entry as JSON, for the manifest.
    pub json: Json,
}

/// What a selector selects.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// The command line's language: `tag:nightly+`.
    Text(String),
    /// Anything that one of the parts selects, less the exclusions.
    Union(Vec<Definition>, Vec<Definition>),
    /// What all parts select, less the exclusions.
    Intersection(Vec<Definition>, Vec<Definition>),
    /// One criterion, less the exclusions.
    Method(MethodDefinition, Vec<Definition>),
    /// Another selector by its name, less the exclusions.
    Selector(String, Vec<Definition>),
}

/// One criterion in keys and values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodDefinition {
    /// `tag`, `config.materialized`
    pub method: String,
    /// What the method looks for.
    pub value: Json,
    /// `+` before.
    pub parents: bool,
    /// How far up.
    pub parents_depth: Option<u64>,
    /// `+` behind.
    pub children: bool,
    /// How far down.
    pub children_depth: Option<u64>,
    /// `@` before.
    pub childrens_parents: bool,
    /// Which tests come along.
    pub indirect_selection: Option<String>,
    /// Line of the criterion.
    pub line: usize,
}

const METHOD_KEYS: &[&str] = &[
    "method",
    "value",
    "parents",
    "parents_depth",
    "children",
    "children_depth",
    "childrens_parents",
    "indirect_selection",
    "exclude",
];

/// Reads the file.
pub fn read(file: &SourceFile, render: Render<'_>, problems: &mut Vec<Problem>) -> Vec<Selector> {
    let Some((mut reader, written)) = Reader::open(file, problems) else { return Vec::new() };
    let reader = &mut reader;
    let node = rendered(reader, &written, &|_| false, render);
    let Some(top) = reader.fields(&node, format!("\"{}\"", file.path), &["selectors", "version"]) else {
        return Vec::new();
    };
    let mut found: Vec<Selector> = Vec::new();
    for item in reader.items(&top, "selectors") {
        let Some(selector) = selector(reader, item, &file.path) else { continue };
        if let Some(other) = found.iter().find(|other| other.name == selector.name) {
            let message = format!("selector \"{}\" is defined twice", selector.name);
            reader.error(item.line, &selector.name, message, format!("the other one is on line {}", other.line));
        }
        if let Some(other) = found.iter().find(|other| other.is_default && selector.is_default) {
            let message = format!("selectors \"{}\" and \"{}\" are both the default", other.name, selector.name);
            reader.error(item.line, &selector.name, message, "keep default: true on one of them");
        }
        found.push(selector);
    }
    found
}

fn selector(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Selector> {
    let entry = reader.fields(node, "a selector", &["name", "definition", "description", "default"])?;
    let name = reader.required_text(&entry, "name")?;
    let what = format!("selector \"{name}\"");
    let description = reader.text(&entry, "description").unwrap_or_default();
    let is_default = reader.flag(&entry, "default").unwrap_or(false);
    let Some(definition) = entry.get("definition") else {
        reader.error(entry.line, &name, format!("{what} has no definition"), "add a line definition: ...");
        return None;
    };
    if let Yaml::Map(keys) = &definition.value
        && keys.len() > 1
        && keys.iter().any(|(key, _)| key.name == "union" || key.name == "intersection")
    {
        let message = format!("{what} has more than a union or an intersection at its root");
        reader.error(definition.line, "", message, "put the other keys inside of it");
        return None;
    }
    let definition = self::definition(reader, definition, &what)?;
    Some(Selector { name, description, is_default, definition, path: path.into(), line: node.line, json: node.json() })
}

fn definition(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Definition> {
    match &node.value {
        Yaml::Scalar(Json::String(text)) => Some(Definition::Text(text.clone())),
        Yaml::Map(_) => {
            let fields = reader.open_fields(node, what)?;
            if fields.has("union") {
                let (parts, exclude) = group(reader, &fields, "union")?;
                Some(Definition::Union(parts, exclude))
            } else if fields.has("intersection") {
                let (parts, exclude) = group(reader, &fields, "intersection")?;
                Some(Definition::Intersection(parts, exclude))
            } else {
                criterion(reader, &fields)
            }
        }
        _ => {
            let message = format!("a definition in {what} must be text or a map, not {}", node.kind());
            reader.error(node.line, "", message, "write method and value, union or intersection");
            None
        }
    }
}

/// The parts of a union or intersection, and what its one `exclude` entry takes away.
fn group(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<(Vec<Definition>, Vec<Definition>)> {
    let mut parts = Vec::new();
    let mut excluded = None;
    for item in reader.list(fields.get(key)?, &format!("{key} of {}", fields.what)) {
        let is_exclusion = matches!(&item.value, Yaml::Map(keys) if keys.len() == 1 && keys[0].0.name == "exclude");
        if !is_exclusion {
            parts.extend(definition(reader, item, &fields.what));
            continue;
        }
        if excluded.is_some() {
            let message = format!("{key} of {} has two exclude entries", fields.what);
            reader.error(item.line, "exclude", message, "put all exclusions into one list");
        }
        let fields = reader.open_fields(item, fields.what.clone())?;
        excluded = Some(exclusions(reader, &fields));
    }
    Some((parts, excluded.unwrap_or_default()))
}

fn exclusions(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Definition> {
    let items = reader.items(fields, "exclude");
    items.iter().filter_map(|item| definition(reader, item, &fields.what)).collect()
}

fn criterion(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Definition> {
    if let [(key, value)] = fields.entries()
        && !METHOD_KEYS.contains(&key.name.as_str())
    {
        // `tag: nightly` is short for method and value.
        let criterion =
            MethodDefinition { method: key.name.clone(), value: value.json(), line: key.line, ..Default::default() };
        return Some(match (key.name.as_str(), value.json()) {
            ("selector", Json::String(name)) => Definition::Selector(name, Vec::new()),
            _ => Definition::Method(criterion, Vec::new()),
        });
    }
    if fields.get("method").is_none() || fields.get("value").is_none() {
        let message = format!("a criterion of {} lacks its method or its value", fields.what);
        reader.error(fields.line, "", message, "write method: tag and value: nightly, or tag: nightly");
        return None;
    }
    reader.warn_of_unknown(fields, METHOD_KEYS);
    let exclude = exclusions(reader, fields);
    let method = reader.text(fields, "method")?;
    if method == "selector" {
        return Some(Definition::Selector(reader.text(fields, "value")?, exclude));
    }
    let criterion = MethodDefinition {
        method,
        value: fields.get("value").map(Node::json).unwrap_or_default(),
        parents: reader.flag(fields, "parents").unwrap_or(false),
        parents_depth: reader.count(fields, "parents_depth"),
        children: reader.flag(fields, "children").unwrap_or(false),
        children_depth: reader.count(fields, "children_depth"),
        childrens_parents: reader.flag(fields, "childrens_parents").unwrap_or(false),
        indirect_selection: reader.text(fields, "indirect_selection"),
        line: fields.line,
    };
    Some(Definition::Method(criterion, exclude))
}
