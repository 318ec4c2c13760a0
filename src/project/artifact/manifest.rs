//! `manifest.json`, version 12: all that is known of the project before and after it is compiled.

use super::{Invocation, Schema, python_instant, selectors};
use crate::project::manifest::view::{self, Outcome, Stamp, primary_key};
use crate::project::manifest::{Config, Doc, Kept, MacroInfo, Manifest, Node, Resource};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Schema of this artifact.
pub const SCHEMA: Schema = Schema { name: "manifest", version: 12 };

/// Results by unique id.
pub type Outcomes = BTreeMap<String, Outcome>;

/// What the manifest says besides the project.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// `quoting:` of the project file, where it is not all on.
    pub quoting: Config,
    /// Folder of each package.
    pub root_paths: BTreeMap<String, String>,
}

/// The artifact, made while it is written: the dictionaries of thousands of nodes are never in memory together.
#[derive(Debug)]
pub struct Artifact<'a> {
    manifest: &'a Manifest,
    outcomes: &'a Outcomes,
    setting: &'a Setting,
    invocation: &'a Invocation,
}

impl<'a> Artifact<'a> {
    /// The artifact of a project after what became of its nodes.
    #[must_use]
    pub fn new(
        manifest: &'a Manifest,
        outcomes: &'a Outcomes,
        setting: &'a Setting,
        invocation: &'a Invocation,
    ) -> Artifact<'a> {
        Artifact { manifest, outcomes, setting, invocation }
    }
}

/// The artifact as one value, for what takes parts out of it.
#[must_use]
pub fn manifest(manifest: &Manifest, outcomes: &Outcomes, setting: &Setting, invocation: &Invocation) -> Json {
    // Maps with keys of text and plain values are all there is in it, which JSON can always hold.
    serde_json::to_value(Artifact::new(manifest, outcomes, setting, invocation)).unwrap_or_default()
}

impl Serialize for Artifact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Artifact { manifest, outcomes, setting, invocation } = *self;
        let stamp = Stamp {
            created_at: Some(invocation.started_at.timestamp_micros() as f64 / 1e6),
            root_paths: setting.root_paths.clone(),
        };
        let writer = Writer { manifest, outcomes, stamp };
        let (parents, children) = edges(manifest);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metadata", &metadata(manifest, setting, invocation))?;
        map.serialize_entry("nodes", &Each(|| writer.nodes(|resource| resource != Resource::UnitTest)))?;
        map.serialize_entry("sources", &Each(|| writer.sources()))?;
        map.serialize_entry("macros", &Each(|| writer.macros()))?;
        map.serialize_entry("docs", &Each(|| manifest.docs.iter().map(|(id, doc)| (id, doc_dict(doc)))))?;
        map.serialize_entry("exposures", &Each(|| writer.kept("exposure")))?;
        map.serialize_entry("metrics", &Each(|| writer.kept("metric")))?;
        map.serialize_entry("groups", &Each(|| writer.groups()))?;
        map.serialize_entry("selectors", &selectors::normalized(&manifest.selectors))?;
        map.serialize_entry("disabled", &Each(|| writer.disabled()))?;
        map.serialize_entry("parent_map", &parents)?;
        map.serialize_entry("child_map", &children)?;
        map.serialize_entry("group_map", &group_map(manifest))?;
        map.serialize_entry("saved_queries", &Each(|| writer.kept("saved_query")))?;
        map.serialize_entry("semantic_models", &Each(|| writer.kept("semantic_model")))?;
        map.serialize_entry("unit_tests", &Each(|| writer.nodes(|resource| resource == Resource::UnitTest)))?;
        map.serialize_entry("functions", &Map::new())?;
        map.end()
    }
}

/// A map whose members are made one by one.
struct Each<F>(F);

impl<F, I, K, V> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator<Item = (K, V)>,
    K: Serialize,
    V: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0)())
    }
}

fn metadata(manifest: &Manifest, setting: &Setting, invocation: &Invocation) -> Map<String, Json> {
    let mut metadata = invocation.metadata(SCHEMA);
    let quoted = |part: &str| setting.quoting.get(part).cloned().unwrap_or(Json::Bool(true));
    for (key, value) in [
        ("project_name", json!(manifest.root)),
        ("project_id", json!(view::project_id(&manifest.root))),
        // Nobody is told about runs, so there is no user to tell of.
        ("user_id", Json::Null),
        ("send_anonymous_usage_stats", json!(false)),
        ("adapter_type", json!("postgres")),
        (
            "quoting",
            json!({
                "database": quoted("database"), "schema": quoted("schema"), "identifier": quoted("identifier"),
                "column": null,
            }),
        ),
        ("run_started_at", json!(python_instant(invocation.started_at))),
    ] {
        metadata.insert(key.to_owned(), value);
    }
    metadata
}

struct Writer<'a> {
    manifest: &'a Manifest,
    outcomes: &'a Outcomes,
    stamp: Stamp,
}

impl<'a> Writer<'a> {
    fn nodes(&self, wanted: impl Fn(Resource) -> bool) -> impl Iterator<Item = (&'a String, Json)> {
        let tests = primary_key::tests_by_node(self.manifest.nodes.values());
        let nodes = self.manifest.nodes.iter().filter(move |(_, node)| wanted(node.resource));
        nodes.map(move |(id, node)| {
            let tests = tests.get(id.as_str()).map(Vec::as_slice).unwrap_or_default();
            (id, Json::Object(view::full(node, self.outcomes.get(id), tests, &self.stamp)))
        })
    }

    fn sources(&self) -> impl Iterator<Item = (&'a String, Json)> {
        self.manifest.sources.iter().map(|(id, table)| (id, view::source(table, &self.stamp)))
    }

    fn macros(&self) -> impl Iterator<Item = (&'a String, Json)> {
        self.manifest.macros.iter().map(|(id, one)| (id, macro_dict(one, &self.stamp)))
    }

    fn kept(&self, kind: &str) -> impl Iterator<Item = (&'a String, Json)> {
        let mine = self.manifest.kept.iter().filter(move |(id, _)| view::kind_of(id) == kind);
        mine.map(|(id, one)| (id, self.one_kept(one)))
    }

    fn groups(&self) -> impl Iterator<Item = (&'a String, Json)> {
        self.manifest.groups.iter().map(|(id, group)| (id, self.one_kept(group)))
    }

    fn one_kept(&self, kept: &Kept) -> Json {
        view::kept(kept, &self.manifest.nodes, &self.manifest.kept, &self.stamp)
    }

    /// Lists, because several nodes of one name may be switched off.
    fn disabled(&self) -> impl Iterator<Item = (&'a String, Vec<Json>)> {
        let node = |node: &Node| Json::Object(view::full(node, None, &[], &self.stamp));
        let lists = self.manifest.disabled.iter();
        let nodes = lists.map(move |(id, nodes)| (id, nodes.iter().map(node).collect::<Vec<_>>()));
        let sources = self.manifest.disabled_sources.iter();
        let sources = sources.map(|(id, table)| (id, vec![view::source(table, &self.stamp)]));
        let kept = self.manifest.disabled_kept.iter().map(|(id, kept)| (id, vec![self.one_kept(kept)]));
        nodes.chain(sources).chain(kept)
    }
}

fn macro_dict(one: &MacroInfo, stamp: &Stamp) -> Json {
    let docs = view::docs(&one.docs);
    let argument = |written: &Json| {
        json!({
            "name": written.get("name"), "type": written.get("type"),
            "description": written.get("description").and_then(Json::as_str).unwrap_or_default(),
        })
    };
    // Materializations are the only macros that may be in another language than SQL; ours are not.
    let languages = one.name.starts_with("materialization_").then_some(["sql"]);
    json!({
        "name": one.name,
        "resource_type": "macro",
        "package_name": one.package,
        "path": one.file,
        "original_file_path": one.file,
        "unique_id": one.id,
        "macro_sql": one.text,
        "depends_on": {"macros": one.macros},
        "description": one.description,
        "meta": one.meta,
        "docs": docs,
        "config": {"meta": one.meta, "docs": docs},
        "patch_path": one.patch_file.as_ref().map(|file| format!("{}://{file}", one.package)),
        "arguments": one.arguments.iter().map(argument).collect::<Vec<_>>(),
        "created_at": stamp.created_at,
        "supported_languages": languages,
    })
}

fn doc_dict(doc: &Doc) -> Json {
    json!({
        "name": doc.name,
        "resource_type": "doc",
        "package_name": doc.package,
        "path": doc.path,
        "original_file_path": doc.file,
        "unique_id": doc.id,
        "block_contents": doc.text,
    })
}

/// Ids by id.
type Edges<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// What each member of the graph needs, and what needs it, in order of the alphabet.
fn edges(manifest: &Manifest) -> (Edges<'_>, Edges<'_>) {
    let ids = manifest.nodes.keys().chain(manifest.sources.keys()).chain(manifest.kept.keys()).map(String::as_str);
    let mut parents: Edges<'_> = ids.map(|id| (id, Vec::new())).collect();
    let mut children = parents.clone();
    for (id, needed) in &mut parents {
        let parents = manifest.nodes.get(*id).map_or_else(|| manifest.parents(id), view::parents);
        needed.extend(parents.iter().map(String::as_str));
        needed.sort_unstable();
        for parent in needed {
            if let Some(list) = children.get_mut(*parent) {
                list.push(id);
            }
        }
    }
    (parents, children)
}

/// Ids of the members of each group.
fn group_map(manifest: &Manifest) -> Edges<'_> {
    let mut map: Edges<'_> = manifest.groups.values().map(|g| (g.name.as_str(), Vec::new())).collect();
    let of_nodes = manifest.nodes.iter().filter_map(|(id, node)| Some((id, node.group.as_deref()?)));
    let of_kept = manifest.kept.iter().filter_map(|(id, kept)| Some((id, group_of(&kept.body)?)));
    for (id, group) in of_nodes.chain(of_kept) {
        if let Some(members) = map.get_mut(group) {
            members.push(id);
        }
    }
    map
}

fn group_of(body: &Config) -> Option<&str> {
    body.get("config").and_then(|config| config.get("group")).or_else(|| body.get("group"))?.as_str()
}
