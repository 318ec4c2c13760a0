//! The second phase: models and data tests rendered with the relations of a run.

use super::frame::Scope;
use super::model::Model;
use super::name::{did_you_mean, quote_identifier};
use super::options::Config;
use super::{Context, Project, check};
use crate::error::{Error, Result};
use serde_json::Value as Json;
use std::collections::BTreeMap;
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
    let Model { refs, sources, config, .. } = model;
    let scope = scope(project, &owner, name, refs.iter(), sources, config.clone(), context)?;
    let (sql, _) = project.engine.render(&owner, &model.path, &model.raw_sql, scope);
    sql.map(|sql| statement(&sql))
}

/// See [`Project::compile_test`].
pub(super) fn test(project: &Project, name: &str, context: &Context) -> Result<String> {
    let Some(test) = project.tests.get(name) else {
        return Err(Error::config(format!("data test \"{name}\" is not in the project")));
    };
    let owner = format!("data test \"{name}\"");
    let names = test.refs.iter().chain([&test.model]);
    let scope = scope(project, &owner, &test.model, names, &test.sources, Config::new(), context)?;
    let render =
        |text: &str| project.engine.render(&owner, &test.path, text, scope.clone()).0.map(|sql| statement(&sql));
    let argument = |key: &str| test.arguments.get(key).and_then(Json::as_str);
    if let Some(sql) = argument("sql") {
        return render(sql);
    }
    let filter = test.filter.as_deref().map(render).transpose()?;
    let parent = argument("to").map(|to| render(&format!("{{{{ {to} }}}}"))).transpose()?;
    Ok(check::select(test, &scope.this, filter.as_deref(), parent.as_deref()))
}

/// What a rendering may see: only the relations that were seen when the project was parsed.
fn scope<'a>(
    project: &Project,
    owner: &str,
    name: &str,
    refs: impl Iterator<Item = &'a String>,
    sources: &[(String, String)],
    config: Config,
    context: &Context,
) -> Result<Scope> {
    let mut relations = BTreeMap::new();
    for reference in refs {
        let relation = context.relations.get(reference).ok_or_else(|| {
            Error::config(format!("{owner} refers to \"{reference}\", which has no relation in this run"))
        })?;
        relations.insert(reference.clone(), relation.clone());
    }
    let mut tables = BTreeMap::new();
    for (source, table) in sources {
        let declared = project.sources.get(source);
        let identifier = declared
            .and_then(|s| s.tables.get(table))
            .ok_or_else(|| Error::config(format!("{owner} reads unknown table \"{table}\" of source \"{source}\"")))?;
        let schema = context.source_schemas.get(source).or(declared.map(|s| &s.schema)).unwrap_or(source);
        let relation = format!("{}.{}", quote_identifier(schema), quote_identifier(identifier));
        tables.insert((source.clone(), table.clone()), relation);
    }
    // A model that is compiled before it has a relation of its own is shown in the public schema.
    let this = context.relations.get(name).cloned();
    let this =
        this.unwrap_or_else(|| format!("{}.{}", quote_identifier(&context.target_schema), quote_identifier(name)));
    Ok(Scope {
        relations: Some(relations),
        sources: tables,
        this,
        config,
        vars: Arc::new(project.vars.clone()),
        as_of: context.as_of.clone(),
        run_id: context.run_id,
        target_schema: context.target_schema.clone(),
        target_name: context.target_name.clone(),
    })
}

/// The statement without spaces around it and without a final semicolon.
fn statement(sql: &str) -> String {
    sql.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace()).to_owned()
}
