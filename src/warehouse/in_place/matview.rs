//! Materialized views: refreshed without stopping readers where that can be, rebuilt and swapped where they changed.

use super::catalog::{Catalog, FRESH, beside};
use super::index::{self, Index};
use super::record::{definition_hash, record};
use super::session::Session;
use super::swap::swap;
use super::table::{Change, Outcome, forget_dropped};
use crate::error::{Error, Result};
use crate::project::{RelationKind, RelationName};
use crate::warehouse::statement::qualified;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_postgres::types::Type;

/// dbt's answers to indexes that were changed in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConfigurationChange {
    /// They are made so.
    #[default]
    Apply,
    /// They stay, with a note.
    Continue,
    /// The run fails.
    Fail,
}

/// A materialized view to build.
#[derive(Clone, Debug, Default)]
pub struct MatviewDefinition {
    /// Where it goes.
    pub name: RelationName,
    /// Its SELECT, one statement.
    pub select: String,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// What happens when only they changed.
    pub on_configuration_change: OnConfigurationChange,
    /// Relations that this run builds again later, and that may be dropped where they no longer fit.
    pub may_drop: Arc<BTreeSet<RelationName>>,
}

/// Builds it, or refreshes it where its SELECT is that of the last build. The transaction is left open.
pub async fn build(
    session: &Session,
    catalog: &Catalog,
    view: &MatviewDefinition,
    full_refresh: bool,
) -> Result<Outcome> {
    let hash = definition_hash(&["materialized view", &view.select]);
    let there = catalog.get(&view.name).filter(|relation| relation.kind == RelationKind::MaterializedView);
    let is_same = there.is_some_and(|relation| relation.definition_hash.as_deref() == Some(hash.as_str()));
    if is_same && !full_refresh { refresh(session, view).await } else { rebuild(session, catalog, view, &hash).await }
}

async fn rebuild(session: &Session, catalog: &Catalog, view: &MatviewDefinition, hash: &str) -> Result<Outcome> {
    let name = &view.name;
    let relation = qualified(&name.schema, &name.identifier);
    let doing = format!("materialized view {relation} cannot be built");
    let fresh = qualified(&name.schema, &beside(&name.identifier, FRESH));
    session.run(&doing, &format!("DROP MATERIALIZED VIEW IF EXISTS {fresh}")).await?;
    session.run_around(&doing, &format!("CREATE MATERIALIZED VIEW {fresh} AS\n"), &view.select, "").await?;
    index::create_beside(session, name, &view.indexes).await?;
    session.run(&doing, &format!("ANALYZE {fresh}")).await?;
    let swapped = swap(session, name, &view.may_drop).await?;
    record(session, catalog, name, RelationKind::MaterializedView, hash, swapped.is_reshaped).await?;
    forget_dropped(catalog, &swapped.dropped);
    let change = if swapped.is_replacement { Change::Replaced } else { Change::Created };
    Ok(Outcome { change, rows: None, notes: swapped.notes, dropped: swapped.dropped })
}

async fn refresh(session: &Session, view: &MatviewDefinition) -> Result<Outcome> {
    let name = &view.name;
    let relation = qualified(&name.schema, &name.identifier);
    let doing = format!("materialized view {relation} cannot be refreshed");
    let mut outcome = Outcome::of(Change::Updated);
    if index::differs(session, name, &view.indexes).await? {
        match view.on_configuration_change {
            OnConfigurationChange::Apply => {
                index::apply(session, name, &view.indexes).await?;
            }
            OnConfigurationChange::Continue => {
                outcome.notes.push(format!("indexes of {relation} are not those of its configuration"));
            }
            OnConfigurationChange::Fail => {
                return Err(Error::failed(format!("indexes of {relation} are not those of its configuration"))
                    .hint("set on_configuration_change to apply, or correct the indexes"));
            }
        }
    }
    // Readers go on beside it only with a unique index over all rows and plain columns, and rows to compare with.
    let sql = "SELECT c.relispopulated AND EXISTS (
            SELECT FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                AND i.indpred IS NULL AND i.indexprs IS NULL
        )
        FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass($1)";
    let rows = session.rows(&doing, sql, &[(&relation, Type::TEXT)]).await?;
    let is_concurrent = rows.first().is_some_and(|row| row.get(0));
    let how = if is_concurrent { "CONCURRENTLY " } else { "" };
    session.begin().await?;
    session.run(&doing, &format!("REFRESH MATERIALIZED VIEW {how}{relation}")).await?;
    Ok(outcome)
}
