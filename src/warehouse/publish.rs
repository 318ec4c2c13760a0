//! Publish by pointer: one short fenced transaction moves every relation of a run; readers never wait.
//!
//! The rows lie ready in partitions. Only a changed definition needs DDL on a view, inside the same transaction, with
//! a short lock timeout and retries, so that a long BI query delays the publish and never the other readers.

use super::Warehouse;
use super::connect::Transaction;
use super::fault::{fault, fault_in};
use super::statement::{fill, qualified, splice};
use crate::error::{Error, Result};
use crate::project::{Access, quote_identifier, quote_literal};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// One relation whose pointer moves.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Name of the model or seed.
    pub relation: String,
    /// `view`, `table`, `seed`, `cluster` or `ltv`.
    pub materialization: String,
    /// Where the view goes.
    pub access: Access,
    /// What the view shows.
    pub body: ViewBody,
    /// Comment on the view.
    pub description: String,
    /// Comments on its columns.
    pub column_descriptions: BTreeMap<String, String>,
}

/// What a published view is made of.
#[derive(Clone, Debug)]
pub enum ViewBody {
    /// The rows of a partitioned parent that the pointer names.
    Pointer {
        /// The parent in the store.
        parent: String,
    },
    /// As `Pointer`, for a roll-back to another shape: the columns that readers have now, null where the old rows
    /// have none.
    EarlierShape {
        /// The parent in the store.
        parent: String,
    },
    /// A SELECT over other published views.
    Select {
        /// Its text.
        sql: String,
    },
}

/// Proof of leadership; every state change of a run compares it with the lease row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Name of the lease.
    pub lease: String,
    /// Token that grows with every change of leader.
    pub token: i64,
}

/// How long one try may wait for a view's lock, and how often it is tried.
pub(super) const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'";
pub(super) const TRIES: u32 = 60;

impl Publication {
    fn access_name(&self) -> &'static str {
        match self.access {
            Access::Public => "public",
            Access::Private => "private",
        }
    }

    /// Hash of the view and its comments: equal means that no DDL is needed.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let body = match &self.body {
            ViewBody::Pointer { parent } => format!("pointer {parent}"),
            ViewBody::EarlierShape { parent } => format!("earlier shape {parent}"),
            ViewBody::Select { sql } => format!("select {sql}"),
        };
        let text = format!("{body}\n{}\n{}\n{:?}", self.access_name(), self.description, self.column_descriptions);
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }
}

impl Warehouse {
    /// Schema of the published view: the public one, or the store for private models.
    #[must_use]
    pub fn schema_of(&self, access: Access) -> &str {
        match access {
            Access::Public => &self.schemas.marts,
            Access::Private => &self.schemas.store,
        }
    }

    /// Moves the pointers of all `publications` to `run_id` in one transaction, in the order given.
    ///
    /// Every fence must still be held. Errors: a lost fence, a view that cannot be changed in place, or a lock that
    /// could not be had in about half a minute; in each case nothing moved.
    pub async fn publish(&self, run_id: i64, publications: &[Publication], fences: &[Fence]) -> Result<()> {
        let mut wait = Duration::from_millis(50);
        for attempt in 1..=TRIES {
            match self.try_publish(run_id, publications, fences).await {
                Err(e) if e.is_lock_trouble() && attempt < TRIES => {
                    tracing::warn!(run_id, attempt, "a reader holds a view that must change, trying again");
                    tokio::time::sleep(wait + Duration::from_millis(u64::from(attempt * 7 % 40))).await;
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
                Err(e) => return self.resolve_unknown_outcome(run_id, e).await,
                Ok(()) => return Ok(()),
            }
        }
        unreachable!("the last try returns")
    }

    async fn try_publish(&self, run_id: i64, publications: &[Publication], fences: &[Fence]) -> Result<()> {
        let doing = "publish failed";
        let mut client = self.client().await?;
        let live: BTreeMap<String, String> = self
            .live()
            .await?
            .into_iter()
            .map(|l| (l.relation, format!("{} {}", l.access, l.view_fingerprint)))
            .collect();
        let transaction = client.transaction().await.map_err(|e| fault(doing, &e))?;
        transaction.batch_execute(LOCK_TIMEOUT).await.map_err(|e| fault(doing, &e))?;
        for fence in fences {
            hold_fence(&transaction, fence).await?;
        }
        let workspace = &self.schemas.workspace;
        for publication in publications {
            let fingerprint = publication.fingerprint();
            let known = format!("{} {fingerprint}", publication.access_name());
            if live.get(&publication.relation) != Some(&known) {
                self.define_view(&transaction, publication).await?;
            }
            let parent = match &publication.body {
                ViewBody::Pointer { parent } | ViewBody::EarlierShape { parent } => Some(parent),
                ViewBody::Select { .. } => None,
            };
            let token = fences.last().map(|fence| fence.token);
            let moved = transaction
                .execute(
                    include_str!("sql/move_pointer.sql"),
                    &[
                        workspace,
                        &publication.relation,
                        &run_id,
                        &publication.materialization,
                        &publication.access_name(),
                        &parent,
                        &fingerprint,
                        &token,
                    ],
                )
                .await
                .map_err(|e| fault(doing, &e))?;
            if moved == 0 {
                return Err(Error::failed(format!(
                    "run {run_id} cannot be published: a newer run of \"{}\" is live",
                    publication.relation
                )));
            }
        }
        let marked = transaction
            .execute(include_str!("sql/mark_published.sql"), &[&run_id])
            .await
            .map_err(|e| fault(doing, &e))?;
        if marked == 0 {
            return Err(Error::failed(format!("run {run_id} cannot be published: it is not running any more")));
        }
        let facts = serde_json::json!({ "run_id": run_id, "relations": publications.len() });
        transaction
            .execute(include_str!("sql/audit.sql"), &[workspace, &"quintile", &"publish", &facts])
            .await
            .map_err(|e| fault(doing, &e))?;
        transaction.commit().await.map_err(|e| fault("publish: the answer to COMMIT was lost", &e))
    }

    /// A lost answer to COMMIT says nothing: the run's row tells whether it took place.
    async fn resolve_unknown_outcome(&self, run_id: i64, error: Error) -> Result<()> {
        if error.kind != crate::error::Kind::Unreachable {
            return Err(error);
        }
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let Ok(client) = self.client().await else { continue };
            let Ok(row) = client
                .query_one("SELECT published_at IS NOT NULL FROM quintile.runs WHERE run_id = $1", &[&run_id])
                .await
            else {
                continue;
            };
            return if row.get(0) { Ok(()) } else { Err(error) };
        }
        Err(error)
    }

    /// Makes or replaces the published view of a relation, with its comments.
    pub(super) async fn define_view(&self, transaction: &Transaction<'_>, publication: &Publication) -> Result<()> {
        let schema = self.schema_of(publication.access);
        let name = &publication.relation;
        let place = [("schema", schema), ("view", name.as_str())];
        let create = match &publication.body {
            ViewBody::Select { sql } => {
                splice(&fill("CREATE OR REPLACE VIEW {schema}.{view} AS\n[select]", &place), &[("select", sql)])
            }
            ViewBody::Pointer { parent } => {
                let columns = columns_of(transaction, &self.schemas.store, parent).await?;
                let shown: Vec<String> = columns.iter().map(|(name, _)| quote_identifier(name)).collect();
                self.pointer_view(name, schema, parent, &shown)
            }
            ViewBody::EarlierShape { parent } => {
                let there = columns_of(transaction, &self.schemas.store, parent).await?;
                let wanted = columns_of(transaction, schema, name).await?;
                self.pointer_view(name, schema, parent, &shown_of(&wanted, &there))
            }
        };
        let doing = format!("view \"{schema}.{name}\" cannot be changed");
        transaction.batch_execute("SAVEPOINT view_change").await.map_err(|e| fault(&doing, &e))?;
        if let Err(e) = transaction.batch_execute(&create).await {
            let incompatible =
                matches!(e.code(), Some(&SqlState::INVALID_TABLE_DEFINITION | &SqlState::WRONG_OBJECT_TYPE));
            if !incompatible {
                return Err(fault_in(&doing, &create, &e));
            }
            if publication.access == Access::Public {
                return Err(fault(&doing, &e).hint(format!(
                    "readers rely on its columns: only new ones at the end are taken. Give the changed model a new name beside \
                     the old one, or, if nobody reads it, drop the view yourself: DROP VIEW {}",
                    qualified(schema, name)
                )));
            }
            // Nobody but our own models reads a private view.
            transaction.batch_execute("ROLLBACK TO SAVEPOINT view_change").await.map_err(|e| fault(&doing, &e))?;
            let drop = fill("DROP VIEW {schema}.{view}", &place);
            transaction.batch_execute(&drop).await.map_err(|e| fault(&doing, &e))?;
            transaction.batch_execute(&create).await.map_err(|e| fault_in(&doing, &create, &e))?;
        }
        transaction.batch_execute("RELEASE SAVEPOINT view_change").await.map_err(|e| fault(&doing, &e))?;
        self.comment(transaction, publication).await
    }

    fn pointer_view(&self, name: &str, schema: &str, parent: &str, columns: &[String]) -> String {
        splice(
            &fill(
                include_str!("sql/create_pointer_view.sql"),
                &[("schema", schema), ("view", name), ("store", &self.schemas.store), ("parent", parent)],
            ),
            &[
                ("workspace", &quote_literal(&self.schemas.workspace)),
                ("relation", &quote_literal(name)),
                ("columns", &columns.join(", ")),
            ],
        )
    }

    async fn comment(&self, transaction: &Transaction<'_>, publication: &Publication) -> Result<()> {
        let schema = self.schema_of(publication.access);
        let doing = format!("view \"{schema}.{}\" cannot be described", publication.relation);
        let place = [("schema", schema), ("view", publication.relation.as_str())];
        if !publication.description.is_empty() {
            let statement = splice(
                &fill("COMMENT ON VIEW {schema}.{view} IS [text]", &place),
                &[("text", &quote_literal(&publication.description))],
            );
            transaction.batch_execute(&statement).await.map_err(|e| fault(&doing, &e))?;
        }
        let described = transaction
            .query(include_str!("sql/describe_table.sql"), &[&schema, &publication.relation])
            .await
            .map_err(|e| fault(&doing, &e))?;
        for column in described.iter().map(|row| row.get::<_, String>(0)) {
            let text = publication.column_descriptions.get(&column).map(String::as_str).or(match column.as_str() {
                "run_id" => Some("Run that made the row; see quintile.runs."),
                "as_of" => Some("Instant that the row is true for; later orders are not in it."),
                _ => None,
            });
            let Some(text) = text else { continue };
            let named = [("schema", schema), ("view", publication.relation.as_str()), ("column", column.as_str())];
            let statement = splice(
                &fill("COMMENT ON COLUMN {schema}.{view}.{column} IS [text]", &named),
                &[("text", &quote_literal(text))],
            );
            transaction.batch_execute(&statement).await.map_err(|e| fault(&doing, &e))?;
        }
        Ok(())
    }
}

/// Names and types of a relation's columns, in order.
async fn columns_of(transaction: &Transaction<'_>, schema: &str, relation: &str) -> Result<Vec<(String, String)>> {
    let described = transaction
        .query(include_str!("sql/describe_table.sql"), &[&schema, &relation])
        .await
        .map_err(|e| fault(&format!("columns of \"{schema}.{relation}\" cannot be read"), &e))?;
    Ok(described.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The columns that a view has, from rows of another shape: null where they have none, further ones at the end.
fn shown_of(wanted: &[(String, String)], there: &[(String, String)]) -> Vec<String> {
    let kept = wanted.iter().map(|column| match there.contains(column) {
        true => quote_identifier(&column.0),
        false => format!("NULL::{} AS {}", column.1, quote_identifier(&column.0)),
    });
    let further = there.iter().filter(|(name, _)| wanted.iter().all(|(other, _)| other != name));
    kept.chain(further.map(|(name, _)| quote_identifier(name))).collect()
}

/// Locks the lease row until the transaction ends; a changed token means that another process took over.
pub(super) async fn hold_fence(transaction: &Transaction<'_>, fence: &Fence) -> Result<()> {
    let held = transaction
        .query_opt(include_str!("sql/hold_fence.sql"), &[&fence.lease, &fence.token])
        .await
        .map_err(|e| fault("publish failed", &e))?;
    match held {
        Some(_) => Ok(()),
        None => Err(Error::failed(format!("lease \"{}\" was lost to another process", fence.lease))
            .detail("Nothing was published by this run; the other process goes on.")),
    }
}
