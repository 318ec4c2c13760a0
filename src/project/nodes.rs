//! Quintile's own project as dbt's templates see one: its models, seeds, sources and data tests as nodes of a manifest.

use super::Project;
use super::engine::PACKAGE;
use super::manifest::{Manifest, Names, Node, Resource, SourceTable};
use super::model::{DataTest, Model};
use super::options::Config;
use std::sync::Arc;

/// Id of a model or seed, as far as the project knows it.
pub(super) fn id(project: &Project, name: &str) -> String {
    let kind = if project.seeds.contains_key(name) { Resource::Seed } else { Resource::Model };
    id_of(kind, name)
}

/// Id of a table of a source.
pub(super) fn source_id(source: &str, table: &str) -> String {
    format!("source.{PACKAGE}.{source}.{table}")
}

fn id_of(resource: Resource, name: &str) -> String {
    format!("{}.{PACKAGE}.{name}", resource.as_str())
}

/// A node of which nothing is known but its name, its file and its configuration: what the parse phase has.
pub(super) fn bare(resource: Resource, name: &str, path: &str, config: &Config) -> Node {
    Node {
        id: id_of(resource, name),
        package: PACKAGE.to_owned(),
        name: name.to_owned(),
        alias: name.to_owned(),
        path: path.split_once('/').map_or(path, |(_, below)| below).to_owned(),
        file: path.to_owned(),
        config: config.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        ..Node::blank(resource)
    }
}

/// A parsed model.
pub(super) fn model(project: &Project, model: &Model) -> Node {
    Node {
        raw_code: model.raw_sql.clone(),
        description: model.description.clone(),
        depends_on: needs(project, model.refs.iter(), &model.sources),
        ..bare(Resource::Model, &model.name, &model.path, &model.config)
    }
}

/// A data test; it stands for the relation that it is about.
pub(super) fn test(project: &Project, test: &DataTest) -> Node {
    Node {
        alias: test.model.clone(),
        depends_on: needs(project, test.refs.iter().chain([&test.model]), &test.sources),
        ..bare(Resource::Test, &test.name, &test.path, &Config::new())
    }
}

fn needs<'a>(project: &Project, refs: impl Iterator<Item = &'a String>, sources: &[(String, String)]) -> Vec<String> {
    let tables = sources.iter().map(|(source, table)| source_id(source, table));
    refs.map(|name| id(project, name)).chain(tables).collect()
}

/// All that templates can refer to, or find in `graph`.
pub(super) fn manifest(project: &Project) -> Manifest {
    let models = project.models.values().map(|found| model(project, found));
    let seeds = project.seeds.values().map(|seed| bare(Resource::Seed, &seed.name, &seed.path, &seed.config));
    let nodes: Vec<Node> = models.chain(seeds).collect();
    let tables = project.sources.values().flat_map(|source| {
        source.tables.iter().map(|(name, identifier)| {
            let mut table = SourceTable {
                id: source_id(&source.name, name),
                package: PACKAGE.to_owned(),
                source: source.name.clone(),
                name: name.clone(),
                source_description: source.description.clone(),
                ..SourceTable::default()
            };
            table.relation.schema.clone_from(&source.schema);
            table.relation.identifier.clone_from(identifier);
            table
        })
    });
    let tables: Vec<SourceTable> = tables.collect();
    let mut names = Names::default();
    nodes.iter().for_each(|node| names.add_node(node));
    tables.iter().for_each(|table| names.add_source(table));
    Manifest {
        root: PACKAGE.to_owned(),
        nodes: Arc::new(nodes.into_iter().map(|node| (node.id.clone(), node)).collect()),
        sources: Arc::new(tables.into_iter().map(|table| (table.id.clone(), table)).collect()),
        names: Arc::new(names),
        ..Manifest::default()
    }
}
