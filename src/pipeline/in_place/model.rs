//! Models: the one match over the materializations.

use super::hooks;
use super::report::{NodeResult, Status};
use super::step::Work;
use super::{finish, incremental, spec};
use crate::error::{Error, Result};
use crate::project::manifest::{Compiled, Manifest, Node};
use crate::project::name::did_you_mean;
use crate::project::statement;
use crate::warehouse::in_place::Outcome;
use crate::warehouse::in_place::matview::{self, MatviewDefinition, OnConfigurationChange};
use crate::warehouse::in_place::table::{self, TableDefinition};
use crate::warehouse::in_place::view::{self, ViewDefinition};
use serde_json::Value as Json;

/// The materializations of models, as `config(materialized=...)` names them.
pub const MATERIALIZATIONS: [&str; 5] = ["view", "table", "incremental", "ephemeral", "materialized_view"];

/// Builds a model with all that belongs to it.
pub async fn build(work: &Work) -> Result<NodeResult> {
    let began = work.run.now();
    let microbatch =
        work.node.materialized() == "incremental" && work.node.text("incremental_strategy") == Some("microbatch");
    if microbatch {
        return incremental::microbatch(work, began).await;
    }
    let compiled = work.compile().await?;
    refuse_no_query(work, &compiled.code)?;
    let compiled_at = Some((began, work.run.now()));
    let around = hooks::run_before(work).await?;
    let outcome = materialize(work, &compiled, around.is_any).await.map_err(|e| work.located(&compiled.code, e))?;
    finish::relation(work, &around.after, &outcome).await?;
    Ok(NodeResult {
        status: Status::Success,
        message: finish::message(work, &outcome),
        tag: Some(finish::tag(&work.node, &outcome)),
        rows: outcome.rows,
        compiled_at,
        compiled: Some(compiled.code),
        ctes: compiled.ctes,
        ..NodeResult::blank(&work.node.id)
    })
}

/// Refuses a model whose SQL is not one query.
pub fn refuse_no_query(work: &Work, sql: &str) -> Result<()> {
    let node = &work.node;
    statement::check(&node.label(), &work.run.manifest.shown_file(node), &node.raw_code, sql)
}

async fn materialize(work: &Work, compiled: &Compiled, has_hooks: bool) -> Result<Outcome> {
    let (run, node, session) = (&work.run, &work.node, &work.session);
    match node.materialized() {
        "view" => {
            let contract = spec::contract(node)?;
            if let Some(contract) = &contract {
                let relation = run.quoted(node);
                crate::warehouse::in_place::contract::check(session, &relation, contract, &compiled.code).await?;
            }
            let definition = ViewDefinition {
                name: node.relation(),
                select: compiled.code.clone(),
                always: has_hooks || work.is_full_refresh(),
                may_drop: run.relations.clone(),
                is_alone: !has_hooks && !finish::has_more(node),
                ..ViewDefinition::default()
            };
            view::build(session, &run.catalog, &definition).await
        }
        "table" => table::build(session, &run.catalog, &table_definition(work, &compiled.code)?).await,
        "incremental" => incremental::build(work, &compiled.code).await,
        "materialized_view" => {
            let definition = matview_definition(work, &compiled.code)?;
            matview::build(session, &run.catalog, &definition, work.is_full_refresh()).await
        }
        other => {
            check(&run.manifest, node)?;
            Err(Error::failed(format!("{} is {other}, of which no relation is made", node.label())))
        }
    }
}

/// A model's table.
pub fn table_definition(work: &Work, select: &str) -> Result<TableDefinition> {
    Ok(TableDefinition {
        name: work.node.relation(),
        select: select.to_owned(),
        header: work.node.text("sql_header").map(str::to_owned),
        is_unlogged: work.node.flag("unlogged").unwrap_or(false),
        indexes: spec::indexes(&work.node)?,
        contract: spec::contract(&work.node)?,
        may_drop: work.run.relations.clone(),
    })
}

fn matview_definition(work: &Work, select: &str) -> Result<MatviewDefinition> {
    let node = &work.node;
    Ok(MatviewDefinition {
        name: node.relation(),
        select: select.to_owned(),
        indexes: spec::indexes(node)?,
        on_configuration_change: match node.text("on_configuration_change") {
            None | Some("apply") => OnConfigurationChange::Apply,
            Some("continue") => OnConfigurationChange::Continue,
            Some("fail") => OnConfigurationChange::Fail,
            Some(_) => {
                let found = spec::present(node, "on_configuration_change").cloned().unwrap_or_default();
                return Err(spec::wrong(node, "on_configuration_change", &found, "apply, continue or fail"));
            }
        },
        may_drop: work.run.relations.clone(),
    })
}

/// Refuses a materialization that there is none of.
pub fn check(manifest: &Manifest, node: &Node) -> Result<()> {
    let given = spec::present(node, "materialized");
    let found = match given {
        None => return Ok(()),
        Some(Json::String(word)) => word,
        Some(other) => return Err(spec::wrong(node, "materialized", other, "one name")),
    };
    if MATERIALIZATIONS.contains(&found.as_str()) {
        return Ok(());
    }
    let place = spec::place(node, found);
    let starts = format!("materialization_{found}_");
    if let Some(written) = manifest.macros.values().find(|known| known.name.starts_with(&starts)) {
        return Err(Error::config(format!(
            "{} uses materialization \"{found}\", which is not supported",
            node.label()
        ))
        .detail(format!(
            "{place}\nIt is written in {} of package \"{}\"; Quintile builds relations itself.",
            written.file, written.package
        ))
        .hint(format!("use one of {}", MATERIALIZATIONS.join(", "))));
    }
    let hint = did_you_mean(found, MATERIALIZATIONS)
        .unwrap_or_else(|| format!("materializations there are: {}", MATERIALIZATIONS.join(", ")));
    Err(Error::config(format!("{} has an unknown materialization \"{found}\"", node.label())).detail(place).hint(hint))
}
