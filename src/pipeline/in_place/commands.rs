//! The smaller commands of a dbt project: show rows, look at sources, call a macro, write the catalogue.

use super::artifacts::{self, write};
use super::project::DbtLayout;
use super::report::NodeResult;
use super::run::Report;
use crate::error::{Error, Result};
use crate::project::artifact::catalog::{self, CatalogColumn, CatalogKind, CatalogRelation};
use crate::project::artifact::manifest::Outcomes;
use crate::project::manifest::{Compiler, Manifest, Node, Outcome, Resource, RunScope, json_value};
use crate::project::{Answer, Cell};
use crate::warehouse::Warehouse;
use crate::warehouse::in_place::docs::DocumentedRelation;
use crate::warehouse::in_place::{Blocking, Limits, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A compiler over a connection of its own.
pub async fn compiler(warehouse: &Warehouse, project: &DbtLayout, label: &str) -> Result<(Compiler, Arc<Session>)> {
    let session = Arc::new(Session::open(warehouse, Some(label), Limits::default()).await?);
    let database = Arc::new(Blocking::new(tokio::runtime::Handle::current(), session.clone()));
    let scope = RunScope::new(project.manifest.clone());
    let compiler = Compiler { world: project.world.clone(), scope: Arc::new(scope) }.over(database);
    Ok((compiler, session))
}

/// Runs what waits for the database on a thread that may.
pub async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::failed("a rendering ended without a word").source(e))?
}

/// SQL of a node.
pub async fn compile_node(warehouse: &Warehouse, project: &DbtLayout, id: &str) -> Result<String> {
    let (compiler, _session) = compiler(warehouse, project, id).await?;
    let node = node(&project.manifest, id)?;
    on_thread(move || compiler.node(&node).map(|compiled| compiled.code)).await
}

/// SQL of a text that may use all that models may.
pub async fn compile_inline(warehouse: &Warehouse, project: &DbtLayout, sql: &str) -> Result<String> {
    let (compiler, _session) = compiler(warehouse, project, "inline").await?;
    let node = Arc::new(inline(&project.manifest, sql));
    on_thread(move || compiler.inline(&node).map(|compiled| compiled.code)).await
}

/// SQL of the nodes, also written below `target/compiled`; all that cannot be rendered is told at once.
pub async fn compile(
    warehouse: &Warehouse,
    project: &DbtLayout,
    selected: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>> {
    let (compiler, session) = compiler(warehouse, project, "compile").await?;
    let nodes: Vec<Arc<Node>> =
        selected.iter().filter_map(|id| project.manifest.nodes.get(id)).cloned().map(Arc::new).collect();
    let rendered = on_thread(move || {
        Ok(nodes.iter().map(|node| (node.id.clone(), compiler.node(node))).collect::<Vec<(String, Result<_>)>>())
    })
    .await?;
    session.rollback().await?;
    let (mut texts, mut problems) = (BTreeMap::new(), Vec::new());
    let mut report = Report::default();
    for (id, outcome) in rendered {
        match outcome {
            Ok(compiled) => {
                report.results.push(NodeResult { compiled: Some(compiled.code.clone()), ..NodeResult::blank(&id) });
                texts.insert(id, compiled.code);
            }
            Err(e) => problems.push(e),
        }
    }
    super::project::refuse(problems)?;
    artifacts::write_artifacts(project, &report, &["compile".to_owned()])?;
    Ok(texts)
}

/// The name of a node as people write it.
#[must_use]
pub fn name_of(project: &DbtLayout, id: &str) -> String {
    project.manifest.nodes.get(id).map_or_else(|| id.to_owned(), |node| node.name.clone())
}

fn inline(manifest: &Manifest, sql: &str) -> Node {
    Node {
        id: format!("sql_operation.{}.inline_query", manifest.root),
        package: manifest.root.clone(),
        name: "inline_query".into(),
        file: "inline query".into(),
        raw_code: sql.to_owned(),
        ..Node::blank(Resource::Analysis)
    }
}

/// First rows of a node.
pub async fn show_node(warehouse: &Warehouse, project: &DbtLayout, id: &str, limit: i64) -> Result<Answer> {
    let known = node(&project.manifest, id)?;
    if known.resource == Resource::Seed {
        let name = known.relation();
        let sql = format!(
            "select * from {}.{}",
            crate::project::quote_identifier(&name.schema),
            crate::project::quote_identifier(&name.identifier)
        );
        return rows(warehouse, &sql, limit).await;
    }
    let sql = compile_node(warehouse, project, id).await?;
    rows(warehouse, &sql, limit)
        .await
        .map_err(|e| super::locate::in_file(&project.manifest, "SQL as rendered", &known, &sql, e))
}

/// First rows of a query that may use `ref()`.
pub async fn show_inline(warehouse: &Warehouse, project: &DbtLayout, sql: &str, limit: i64) -> Result<Answer> {
    let sql = compile_inline(warehouse, project, sql).await?;
    rows(warehouse, &sql, limit).await
}

async fn rows(warehouse: &Warehouse, sql: &str, limit: i64) -> Result<Answer> {
    let session = Session::open(warehouse, None, Limits::default()).await?;
    let limited = match limit {
        limit if limit < 0 => sql.to_owned(),
        limit => format!("select * from (\n{sql}\n) as shown limit {limit}"),
    };
    session.execute(&limited).await
}

fn node(manifest: &Manifest, id: &str) -> Result<Arc<Node>> {
    let found = manifest.nodes.get(id).cloned().map(Arc::new);
    found.ok_or_else(|| Error::config(format!("\"{id}\" is not a node of the project")))
}

/// Calls a macro, commits what it did.
pub async fn operation(
    warehouse: &Warehouse,
    project: &DbtLayout,
    name: &str,
    kwargs: &BTreeMap<String, serde_json::Value>,
) -> Result<()> {
    let (compiler, session) = compiler(warehouse, project, name).await?;
    let node = Arc::new(Node { raw_code: String::new(), ..inline(&project.manifest, "") });
    let (name, kwargs) = (name.to_owned(), kwargs.clone());
    on_thread(move || {
        let kwargs: Vec<(&str, minijinja::Value)> =
            kwargs.iter().map(|(key, value)| (key.as_str(), json_value(value))).collect();
        compiler.call(&node, &name, &[], &kwargs).map(|_| ())
    })
    .await?;
    session.commit().await
}

/// Writes `manifest.json` and `catalog.json`.
pub async fn docs(
    warehouse: &Warehouse,
    project: &DbtLayout,
    selected: &BTreeSet<String>,
    is_compiled: bool,
) -> Result<Vec<PathBuf>> {
    let mut outcomes = Outcomes::new();
    if is_compiled {
        let (compiler, _session) = compiler(warehouse, project, "docs").await?;
        for id in selected {
            let Some(node) = project.manifest.nodes.get(id).filter(|node| node.resource != Resource::Seed) else {
                continue;
            };
            let (compiler, node) = (compiler.clone(), Arc::new(node.clone()));
            let id = id.clone();
            let compiled = on_thread(move || compiler.node(&node)).await?;
            outcomes.insert(id, Outcome { compiled_code: Some(compiled.code), ..Outcome::default() });
        }
    }
    let manifest = artifacts::write_manifest(project, &outcomes)?;
    let schemas: BTreeSet<String> = project
        .manifest
        .nodes
        .values()
        .filter(|node| node.is_built())
        .map(|node| node.schema.clone())
        .chain(project.manifest.sources.values().map(|source| source.relation.schema.clone()))
        .collect();
    let session = Session::open(warehouse, None, Limits::default()).await?;
    let schemas: Vec<String> = schemas.into_iter().collect();
    let relations = crate::warehouse::in_place::docs::relations(&session, &schemas).await?;
    let relations: Vec<CatalogRelation> = relations.into_iter().map(documented).collect();
    let catalog = catalog::catalog(&project.manifest, &relations, &[], &artifacts::invocation(project));
    let path = write(&project.target_dir.join("catalog.json"), &catalog)?;
    Ok(vec![manifest, path])
}

/// What the database says of a relation, as the artifact shows it.
fn documented(relation: DocumentedRelation) -> CatalogRelation {
    CatalogRelation {
        kind: match relation.relation_type.as_str() {
            "VIEW" => CatalogKind::View,
            "MATERIALIZED VIEW" => CatalogKind::MaterializedView,
            _ => CatalogKind::BaseTable,
        },
        name: relation.name,
        comment: relation.comment,
        owner: relation.owner,
        columns: relation
            .columns
            .into_iter()
            .map(|column| CatalogColumn {
                index: i64::from(column.index),
                name: column.name,
                data_type: column.data_type,
                comment: column.comment,
            })
            .collect(),
    }
}

/// One line about what a project holds.
#[must_use]
pub fn census(manifest: &Manifest) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in manifest.nodes.values() {
        *counts.entry(node.resource.as_str()).or_default() += 1;
    }
    let words = [
        ("model", "model", "models"),
        ("seed", "seed", "seeds"),
        ("snapshot", "snapshot", "snapshots"),
        ("test", "data test", "data tests"),
        ("unit_test", "unit test", "unit tests"),
        ("analysis", "analysis", "analyses"),
        ("operation", "hook", "hooks"),
    ];
    let told_of = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let nodes = words.iter().filter_map(|(word, one, many)| Some(told_of(*counts.get(word)?, one, many)));
    let mut told: Vec<String> = nodes.collect();
    told.push(told_of(manifest.sources.len(), "source", "sources"));
    told.push(told_of(manifest.macros.len(), "macro", "macros"));
    told.join(", ")
}

/// A cell as text.
#[must_use]
pub fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Bool(flag) => flag.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Number(text) | Cell::Text(text) => text.clone(),
        Cell::Date(date) => date.to_string(),
        Cell::Time(time) => time.to_string(),
        Cell::Timestamp(instant) => instant.to_string(),
        Cell::TimestampTz(instant) => instant.to_rfc3339(),
    }
}

/// Rows as JSON: `{"node": ..., "show": [{...}]}`, as dbt prints them.
#[must_use]
pub fn answer_json(name: &str, answer: &Answer) -> serde_json::Value {
    let rows: Vec<serde_json::Value> = answer
        .rows
        .iter()
        .map(|row| {
            answer.columns.iter().cloned().zip(row.iter().map(cell_json)).collect::<serde_json::Map<_, _>>().into()
        })
        .collect();
    serde_json::json!({"node": name, "show": rows})
}

fn cell_json(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Bool(flag) => (*flag).into(),
        Cell::Int(number) => (*number).into(),
        Cell::Float(number) => (*number).into(),
        other => shown(other).into(),
    }
}
