//! Views: replaced where they changed, left alone where nothing changed, rebuilt and swapped where their columns changed.

use super::catalog::{Catalog, FRESH, beside};
use super::patience::Patience;
use super::record::{definition_hash, record, write};
use super::session::Session;
use super::sql_fault::SqlFault;
use super::swap::swap;
use super::table::{Change, Outcome, forget_dropped};
use crate::error::{Error, Result};
use crate::project::{RelationKind, RelationName};
use crate::warehouse::statement::qualified;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A view to build.
#[derive(Clone, Debug, Default)]
pub struct ViewDefinition {
    /// Where it goes.
    pub name: RelationName,
    /// Its SELECT, one statement.
    pub select: String,
    /// Storage parameters: `security_barrier=true`.
    pub options: Vec<String>,
    /// Builds even where nothing changed: a hook or `--full-refresh` asks for it.
    pub always: bool,
    /// Relations that this run builds again later, and that may be dropped where they no longer fit.
    pub may_drop: Arc<BTreeSet<RelationName>>,
    /// Nothing follows in its transaction: it is committed in the round trip that builds it.
    pub is_alone: bool,
}

impl ViewDefinition {
    fn hash(&self) -> String {
        definition_hash(&["view", &self.select, &self.options.join(", ")])
    }

    fn head(&self, create: &str, identifier: &str) -> String {
        let options = match self.options.is_empty() {
            true => String::new(),
            false => format!(" WITH ({})", self.options.join(", ")),
        };
        format!("{create} {}{options} AS\n", qualified(&self.name.schema, identifier))
    }
}

/// Builds the view. Unchanged: nothing is sent to the server, and no transaction is opened. Else the transaction may be
/// left open for hooks, and the caller commits.
pub async fn build(session: &Session, catalog: &Catalog, view: &ViewDefinition) -> Result<Outcome> {
    let hash = view.hash();
    let existing = catalog.get(&view.name);
    let existing_kind = existing.as_ref().map(|relation| relation.kind);
    if !view.always && existing_kind == Some(RelationKind::View) {
        let known = existing.and_then(|relation| relation.definition_hash);
        if known.as_deref() == Some(hash.as_str()) {
            return Ok(Outcome::of(Change::Unchanged));
        }
    }
    let relation = qualified(&view.name.schema, &view.name.identifier);
    let doing = format!("view {relation} cannot be built");
    if matches!(existing_kind, None | Some(RelationKind::View)) {
        match replace(session, catalog, view, &doing, &hash).await {
            Ok(()) => {
                let change = if existing_kind.is_some() { Change::Replaced } else { Change::Created };
                return Ok(Outcome::of(change));
            }
            // 42P16: the columns changed. 42809: something else has the name by now.
            Err(e) if !is_refused_replacement(&e) => return Err(e),
            Err(_) => {}
        }
    }
    rebuild(session, catalog, view, &doing, &hash).await
}

fn is_refused_replacement(error: &Error) -> bool {
    // Of the SELECT's own faults some have the same state; those point at a place in it.
    SqlFault::of(error).is_some_and(|f| matches!(f.sqlstate.as_str(), "42P16" | "42809") && f.position.is_none())
}

async fn replace(session: &Session, catalog: &Catalog, view: &ViewDefinition, doing: &str, hash: &str) -> Result<()> {
    let head = view.head("CREATE OR REPLACE VIEW", &view.name.identifier);
    let mut patience = Patience::new(session, &view.name.identifier);
    let is_alone = view.is_alone && !session.is_in_transaction();
    loop {
        // All of it is on the wire before the first answer is there: one round trip.
        let end = async {
            match is_alone {
                true => session.end().await,
                false => Ok(()),
            }
        };
        let (begun, created, recorded, ended) = futures_util::future::join4(
            patience.begin(session),
            session.run_around(doing, &head, &view.select, ""),
            write(session, &view.name, hash),
            end,
        )
        .await;
        let done = begun.and(created).and(recorded).and_then(|oid| ended.map(|()| oid));
        match done {
            Ok(oid) => {
                if !is_alone {
                    patience.done(session).await?;
                }
                let built = super::catalog::Built {
                    kind: RelationKind::View,
                    oid,
                    definition_hash: Some(hash.to_owned()),
                    is_reshaped: true,
                };
                catalog.built(&view.name, built);
                return Ok(());
            }
            Err(e) => patience.again(session, e).await?,
        }
    }
}

/// Builds the view beside the relation that has its name, and swaps.
async fn rebuild(
    session: &Session,
    catalog: &Catalog,
    view: &ViewDefinition,
    doing: &str,
    hash: &str,
) -> Result<Outcome> {
    let fresh = beside(&view.name.identifier, FRESH);
    session.begin().await?;
    let drop = format!("DROP VIEW IF EXISTS {}", qualified(&view.name.schema, &fresh));
    session.run(doing, &drop).await?;
    session.run_around(doing, &view.head("CREATE VIEW", &fresh), &view.select, "").await?;
    let swapped = swap(session, &view.name, &view.may_drop).await?;
    record(session, catalog, &view.name, RelationKind::View, hash, swapped.is_reshaped).await?;
    forget_dropped(catalog, &swapped.dropped);
    Ok(Outcome { change: Change::Replaced, rows: None, notes: swapped.notes, dropped: swapped.dropped })
}
