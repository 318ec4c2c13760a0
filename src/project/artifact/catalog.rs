//! `catalog.json`, version 1: what the database says about the relations of the project.

use super::{Invocation, Schema};
use crate::project::database::RelationName;
use crate::project::manifest::Manifest;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Schema of this artifact.
pub const SCHEMA: Schema = Schema { name: "catalog", version: 1 };

/// A relation as the database's own catalogue describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogRelation {
    /// Its name.
    pub name: RelationName,
    /// What it is.
    pub kind: CatalogKind,
    /// Its comment.
    pub comment: Option<String>,
    /// The role that owns it.
    pub owner: String,
    /// Columns in their order.
    pub columns: Vec<CatalogColumn>,
}

/// What kind of relation it is, in the catalogue's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatalogKind {
    /// `BASE TABLE`, partitioned and foreign tables among them.
    #[default]
    BaseTable,
    /// `VIEW`
    View,
    /// `MATERIALIZED VIEW`
    MaterializedView,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Position, from 1; dropped columns leave gaps.
    pub index: i64,
    /// Its name.
    pub name: String,
    /// SQL type.
    pub data_type: String,
    /// Its comment.
    pub comment: Option<String>,
}

impl CatalogKind {
    /// The catalogue's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CatalogKind::BaseTable => "BASE TABLE",
            CatalogKind::View => "VIEW",
            CatalogKind::MaterializedView => "MATERIALIZED VIEW",
        }
    }
}

/// The artifact: relations that belong to no node and no source are left out.
#[must_use]
pub fn catalog(manifest: &Manifest, relations: &[CatalogRelation], errors: &[String], invocation: &Invocation) -> Json {
    let owners = Owners::new(manifest);
    let (mut nodes, mut sources) = (BTreeMap::new(), BTreeMap::new());
    for relation in relations {
        let key = key(&relation.name);
        if let Some(id) = owners.nodes.get(&key) {
            nodes.insert(*id, table(relation, id));
        }
        for id in owners.sources.get(&key).into_iter().flatten() {
            sources.insert(*id, table(relation, id));
        }
    }
    json!({
        "metadata": invocation.metadata(SCHEMA),
        "nodes": nodes,
        "sources": sources,
        "errors": (!errors.is_empty()).then_some(errors),
    })
}

/// Who owns a relation's name: one node at most, and any number of sources.
struct Owners<'a> {
    nodes: BTreeMap<[String; 3], &'a str>,
    sources: BTreeMap<[String; 3], Vec<&'a str>>,
}

impl<'a> Owners<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        // Tests whose failures are not stored, analyses and hooks have names too, and no relation.
        let built = manifest.nodes.iter().filter(|(_, node)| node.is_built() || node.test.is_some());
        let nodes = built.map(|(id, node)| (key(&node.relation()), id.as_str())).collect();
        let mut sources: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for (id, table) in manifest.sources.iter() {
            sources.entry(key(&table.relation)).or_default().push(id);
        }
        Owners { nodes, sources }
    }
}

/// Names are compared without regard to case, as dbt does, because other databases fold them to upper case.
fn key(name: &RelationName) -> [String; 3] {
    [&name.database, &name.schema, &name.identifier].map(|part| part.to_lowercase())
}

fn table(relation: &CatalogRelation, id: &str) -> Json {
    let column = |column: &CatalogColumn| {
        let dict = json!({
            "type": column.data_type, "index": column.index, "name": column.name, "comment": column.comment,
        });
        (column.name.clone(), dict)
    };
    json!({
        "metadata": {
            "type": relation.kind.as_str(),
            "schema": relation.name.schema,
            "name": relation.name.identifier,
            "database": relation.name.database,
            "comment": relation.comment,
            "owner": relation.owner,
        },
        "columns": relation.columns.iter().map(column).collect::<Map<_, _>>(),
        // PostgreSQL's catalogue is asked for no statistics, and dbt says so in this form.
        "stats": {
            "has_stats": {
                "id": "has_stats",
                "label": "Has Stats?",
                "value": false,
                "include": false,
                "description": "Indicates whether there are statistics for this table",
            },
        },
        "unique_id": id,
    })
}
