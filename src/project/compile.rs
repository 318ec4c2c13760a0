//! The second phase: models and data tests rendered with the relations of a run.

use super::context::{Relation, Target};
use super::database::RelationName;
use super::manifest::{Node, Phase, RunScope, World};
use super::name::did_you_mean;
use super::no_database::NoDatabase;
use super::tally::RowRule;
use super::{Context, DataTest, Project, check, nodes, statement};
use crate::error::{Error, Result};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;

/// See [`Project::compile`].
pub(super) fn model(project: &Project, name: &str, context: &Context) -> Result<String> {
    let Some(model) = project.models.get(name) else {
        let error = Error::config(format!("model \"{name}\" is not in the project"));
        return Err(match did_you_mean(name, project.models.keys().map(String::as_str)) {
            Some(hint) => error.hint(hint),
            None => error,
        });
    };
    let owner = format!("model \"{name}\"");
    let stage = Stage::new(project, &owner, nodes::model(project, model), name, model.refs.iter(), context)?;
    let sql = stage.render(&model.raw_sql)?;
    statement::check(&owner, &model.path, &model.raw_sql, &sql)?;
    Ok(trimmed(&sql))
}

/// See [`Project::compile_test`].
pub(super) fn test(project: &Project, name: &str, context: &Context) -> Result<String> {
    let Some(test) = project.tests.get(name) else {
        return Err(Error::config(format!("data test \"{name}\" is not in the project")));
    };
    let owner = format!("data test \"{name}\"");
    let stage = Stage::of_test(project, &owner, test, context)?;
    let argument = |key: &str| test.arguments.get(key).and_then(Json::as_str);
    if let Some(text) = argument("sql") {
        let sql = stage.render(text)?;
        statement::check(&owner, &test.path, text, &sql)?;
        return Ok(trimmed(&sql));
    }
    let render = |text: &str| stage.render(text).map(|sql| trimmed(&sql));
    let filter = test.filter.as_deref().map(render).transpose()?;
    let parent = argument("to").map(|to| render(&format!("{{{{ {to} }}}}"))).transpose()?;
    Ok(check::select(test, &stage.this, filter.as_deref(), parent.as_deref()))
}

/// What a data test asks of each row by itself; `None` for tests that compare rows, or that cannot be rendered.
pub(super) fn row_rule(project: &Project, test: &DataTest, context: &Context) -> Option<RowRule> {
    let condition = check::condition(test)?;
    let filter = match &test.filter {
        None => None,
        Some(text) => {
            let owner = format!("data test \"{}\"", test.name);
            Some(trimmed(&Stage::of_test(project, &owner, test, context).ok()?.render(text).ok()?))
        }
    };
    Some(RowRule { condition, filter })
}

/// The relation that a model or seed has in a run, as SQL.
pub(super) fn quoted_relation(name: &str, context: &Context) -> String {
    Relation::new(relation_of(name, context)).to_string()
}

/// A model that is compiled before it has a relation of its own is shown in the public schema.
fn relation_of(name: &str, context: &Context) -> RelationName {
    context.relations.get(name).cloned().unwrap_or_else(|| relation(&context.target_schema, name))
}

/// A node among the relations of a run.
struct Stage<'a> {
    project: &'a Project,
    owner: &'a str,
    world: Arc<World>,
    node: Arc<Node>,
    scope: Arc<RunScope>,
    /// The relation that the node builds or is about, as SQL.
    this: String,
}

impl<'a> Stage<'a> {
    fn of_test(project: &'a Project, owner: &'a str, test: &DataTest, context: &Context) -> Result<Stage<'a>> {
        let names = test.refs.iter().chain([&test.model]);
        Stage::new(project, owner, nodes::test(project, test), &test.model, names, context)
    }

    /// `name` is the model or seed that the node builds or is about; only relations seen while parsing are there.
    fn new<'b>(
        project: &'a Project,
        owner: &'a str,
        node: Node,
        name: &str,
        refs: impl Iterator<Item = &'b String>,
        context: &Context,
    ) -> Result<Stage<'a>> {
        let mut relations = HashMap::new();
        for reference in refs {
            let relation = context.relations.get(reference).ok_or_else(|| {
                Error::config(format!("{owner} refers to \"{reference}\", which has no relation in this run"))
            })?;
            relations.insert(nodes::id(project, reference), relation.clone());
        }
        for source in project.sources.values() {
            let schema = context.source_schemas.get(&source.name).unwrap_or(&source.schema);
            for (table, identifier) in &source.tables {
                let other = context.sources.get(&(source.name.clone(), table.clone())).cloned();
                let found = other.unwrap_or_else(|| relation(schema, identifier));
                relations.insert(nodes::source_id(&source.name, table), found);
            }
        }
        let this = relation_of(name, context);
        relations.insert(node.id.clone(), this.clone());
        let mut scope = RunScope::new(project.manifest());
        scope.relations = Arc::new(relations);
        scope.live = context.live.clone();
        scope.database = Some(context.database.clone().unwrap_or_else(|| Arc::new(NoDatabase)));
        let target =
            Target { name: context.target_name.clone(), schema: context.target_schema.clone(), ..Target::default() };
        Ok(Stage {
            project,
            owner,
            world: project.engine.world(&project.vars, &context.as_of, context.run_id, target),
            node: Arc::new(node),
            scope: Arc::new(scope),
            this: Relation::new(this).to_string(),
        })
    }

    fn render(&self, text: &str) -> Result<String> {
        let phase = Phase::Run(self.scope.clone());
        self.project.engine.render(self.owner, text, &self.world, &self.node, phase).0
    }
}

fn relation(schema: &str, identifier: &str) -> RelationName {
    RelationName { database: String::new(), schema: schema.to_owned(), identifier: identifier.to_owned() }
}

/// The statement without spaces around it and without a final semicolon.
fn trimmed(sql: &str) -> String {
    sql.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace()).to_owned()
}
