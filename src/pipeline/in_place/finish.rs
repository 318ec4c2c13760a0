//! What ends the build of every relation: hooks, grants and comments in its transaction, the commit, hooks after it.

use super::hooks::{self, Hook};
use super::spec;
use super::step::Work;
use crate::error::Result;
use crate::project::RelationKind;
use crate::project::manifest::Node;
use crate::warehouse::in_place::comments::{self, Comments};
use crate::warehouse::in_place::{Change, Outcome, grants};
use serde_json::Value as Json;

/// Whether grants or comments follow a build in its transaction; hooks aside.
pub fn has_more(node: &Node) -> bool {
    ["grants", "persist_docs"].iter().any(|key| spec::present(node, key).is_some())
}

/// Post-hooks, grants, comments, commit, post-hooks outside.
pub async fn relation(work: &Work, after: &[Hook], outcome: &Outcome) -> Result<()> {
    let (node, session) = (&work.node, &work.session);
    hooks::run(work, after, true).await?;
    let wanted = spec::grants(node)?;
    if !wanted.is_empty() {
        grants::apply(session, &node.relation(), &wanted).await?;
    }
    let asked =
        |part: &str| spec::present(node, "persist_docs").and_then(|docs| docs.get(part)).and_then(Json::as_bool);
    let mut comments = Comments::default();
    if asked("relation").unwrap_or(false) {
        comments.relation = Some(node.description.clone());
    }
    if asked("columns").unwrap_or(false) {
        comments.columns = node.columns.iter().map(|c| (c.name.clone(), c.description.clone())).collect();
    }
    if comments.relation.is_some() || !comments.columns.is_empty() {
        comments::apply(session, &node.relation(), kind(work), &comments).await?;
    }
    session.commit().await?;
    for note in &outcome.notes {
        tracing::warn!(node = node.id, "{note}");
    }
    hooks::run(work, after, false).await?;
    session.commit().await
}

/// What the relation is now.
fn kind(work: &Work) -> RelationKind {
    match work.node.materialized() {
        "view" => RelationKind::View,
        "materialized_view" => RelationKind::MaterializedView,
        _ => RelationKind::Table,
    }
}

/// The one line about a build.
pub fn message(work: &Work, outcome: &Outcome) -> String {
    match outcome.change {
        Change::Unchanged => "unchanged".to_owned(),
        _ => tag(&work.node, outcome),
    }
}

/// What the server says of the statement with which dbt builds such a relation.
pub fn tag(node: &Node, outcome: &Outcome) -> String {
    let is_merge = node.text("incremental_strategy") == Some("merge");
    let has_contract = node.config.get("contract").and_then(|contract| contract.get("enforced")) == Some(&true.into());
    match (node.materialized(), outcome.change, outcome.rows) {
        ("view", _, _) => "CREATE VIEW".to_owned(),
        ("materialized_view", Change::Unchanged | Change::Updated, _) => "REFRESH MATERIALIZED VIEW".to_owned(),
        ("materialized_view", _, _) => "CREATE MATERIALIZED VIEW".to_owned(),
        // dbt inserts the rows of a seed by statements, several rows each.
        ("seed", _, Some(rows)) => format!("INSERT {rows}"),
        ("incremental", Change::Updated, Some(rows)) if is_merge => format!("MERGE {rows}"),
        (_, Change::Updated, Some(rows)) => format!("INSERT 0 {rows}"),
        ("table" | "incremental", _, Some(rows)) if has_contract => format!("INSERT 0 {rows}"),
        (_, _, Some(rows)) => format!("SELECT {rows}"),
        _ => "OK".to_owned(),
    }
}
