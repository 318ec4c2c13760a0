//! The views that readers see: defined once, replaced in place, so that rights, comments and views on top live on.

use super::Warehouse;
use super::connect::Transaction;
use super::contract::{Column, columns_of};
use super::fault::{fault, fault_in};
use super::statement::{fill, qualified, splice};
use crate::error::{Error, Result};
use crate::project::{Access, quote_identifier, quote_literal};
use std::collections::BTreeMap;

use tokio_postgres::error::SqlState;

/// One relation whose pointer moves.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Name of the view: the model's, with `_v2` and so on for later versions of its contract.
    pub relation: String,
    /// Name of the model or seed.
    pub model: String,
    /// `view`, `table`, `seed`, `cluster`, `ltv` or `history`.
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
    /// The rows of a history up to the run that the pointer names.
    History {
        /// The table of its newest shape.
        table: String,
        /// Days after which rows may go.
        keep_days: Option<i32>,
    },
    /// A SELECT over other published views.
    Select {
        /// Its text.
        sql: String,
    },
}

impl Publication {
    /// The parent in the store, or the table of a history; none for a SELECT.
    pub(super) fn parent(&self) -> Option<&str> {
        match &self.body {
            ViewBody::Pointer { parent } => Some(parent),
            ViewBody::History { table, .. } => Some(table),
            ViewBody::Select { .. } => None,
        }
    }

    /// The SELECT, if it is one.
    pub(super) fn definition(&self) -> Option<&str> {
        match &self.body {
            ViewBody::Pointer { .. } | ViewBody::History { .. } => None,
            ViewBody::Select { sql } => Some(sql),
        }
    }

    /// Hash of the view and its comments: equal means that no DDL is needed.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let body = match &self.body {
            ViewBody::Pointer { parent } => format!("pointer {parent}"),
            ViewBody::History { table, .. } => format!("history {table}"),
            ViewBody::Select { sql } => format!("select {sql}"),
        };
        let text = format!("{body}\n{}\n{}\n{:?}", self.access.as_str(), self.description, self.column_descriptions);
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

    /// Makes or replaces the published view of a relation, with its comments.
    ///
    /// A view that is new gets the rights of `before`, the version that it stands beside.
    pub(super) async fn define_view(
        &self,
        transaction: &Transaction<'_>,
        publication: &Publication,
        before: Option<&str>,
    ) -> Result<()> {
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
            ViewBody::History { table, .. } => {
                let columns = columns_of(transaction, &self.schemas.store, table).await?;
                self.history_view(transaction, publication, &columns).await?
            }
        };
        let doing = format!("view \"{schema}.{name}\" cannot be changed");
        let is_new = columns_of(transaction, schema, name).await?.is_empty();
        transaction.batch_execute("SAVEPOINT view_change").await.map_err(|e| fault(&doing, &e))?;
        if let Err(e) = transaction.batch_execute(&create).await {
            let incompatible =
                matches!(e.code(), Some(&SqlState::INVALID_TABLE_DEFINITION | &SqlState::WRONG_OBJECT_TYPE));
            if !incompatible {
                return Err(fault_in(&doing, &create, &e));
            }
            if publication.access == Access::Public {
                return Err(fault(&doing, &e).hint(format!(
                    "readers rely on its columns: only new ones at the end are taken. Publish the changed model beside it \
                     with config(contract_version=2), or, if nobody reads it, drop the view yourself: DROP VIEW {}",
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
        if let (true, Some(before)) = (is_new, before) {
            let grants = transaction
                .query(include_str!("sql/copy_grants.sql"), &[&schema, &before, name])
                .await
                .map_err(|e| fault(&doing, &e))?;
            for row in &grants {
                transaction.batch_execute(row.get(0)).await.map_err(|e| fault(&doing, &e))?;
            }
        }
        self.comment(transaction, publication).await
    }

    /// Makes the view show what it showed before: the columns that readers have now stay, null where the earlier
    /// shape has none, because a view's columns can only grow.
    pub(super) async fn restore_view(&self, transaction: &Transaction<'_>, earlier: &Publication) -> Result<()> {
        let schema = self.schema_of(earlier.access);
        let name = &earlier.relation;
        let doing = format!("view \"{schema}.{name}\" cannot be set back");
        let wanted = columns_of(transaction, schema, name).await?;
        let create = match &earlier.body {
            ViewBody::Pointer { parent } => {
                let there = columns_of(transaction, &self.schemas.store, parent).await?;
                self.pointer_view(name, schema, parent, &shown_of(&wanted, &there))
            }
            // Its tables of all shapes.
            ViewBody::History { .. } => self.history_view(transaction, earlier, &wanted).await?,
            ViewBody::Select { sql } => {
                let prepared = transaction.describe(sql).await.map_err(|e| fault_in(&doing, sql, &e))?;
                // The driver tells no lengths and scales of types; a column that is there by name is the same one.
                let type_of = |column: &str| wanted.iter().find(|(name, _)| name == column).map(|(_, t)| t.clone());
                let columns = prepared.columns().iter().map(|column| column.name().to_owned());
                let there: Vec<(String, String)> =
                    columns.map(|name| (name.clone(), type_of(&name).unwrap_or_default())).collect();
                splice(
                    &fill(
                        "CREATE OR REPLACE VIEW {schema}.{view} AS\nSELECT [columns]\nFROM (\n[select]\n) AS earlier",
                        &[("schema", schema), ("view", name)],
                    ),
                    &[("columns", &shown_of(&wanted, &there).join(", ")), ("select", sql)],
                )
            }
        };
        transaction.batch_execute(&create).await.map_err(|e| fault_in(&doing, &create, &e))
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

    async fn history_view(
        &self,
        transaction: &Transaction<'_>,
        publication: &Publication,
        wanted: &[Column],
    ) -> Result<String> {
        let select = self.history_select(transaction, &publication.model, &publication.relation, wanted).await?;
        let place = [("schema", self.schema_of(publication.access)), ("view", publication.relation.as_str())];
        Ok(splice(&fill("CREATE OR REPLACE VIEW {schema}.{view} AS\n[select]", &place), &[("select", &select)]))
    }

    async fn comment(&self, transaction: &Transaction<'_>, publication: &Publication) -> Result<()> {
        let schema = self.schema_of(publication.access);
        let doing = format!("view \"{schema}.{}\" cannot be described", publication.relation);
        let place = [("schema", schema), ("view", publication.relation.as_str())];
        let failed = |e: tokio_postgres::Error| -> Error { fault(&doing, &e) };
        let mut statements = Vec::new();
        if !publication.description.is_empty() {
            statements.push(splice(
                &fill("COMMENT ON VIEW {schema}.{view} IS [text]", &place),
                &[("text", &quote_literal(&publication.description))],
            ));
        }
        for (column, _) in columns_of(transaction, schema, &publication.relation).await? {
            let text = publication.column_descriptions.get(&column).map(String::as_str).or(match column.as_str() {
                "run_id" => Some("Run that made the row; see quintile.runs."),
                "as_of" => Some("Instant that the row is true for; later orders are not in it."),
                _ => None,
            });
            let Some(text) = text else { continue };
            let named = [("schema", schema), ("view", publication.relation.as_str()), ("column", column.as_str())];
            statements.push(splice(
                &fill("COMMENT ON COLUMN {schema}.{view}.{column} IS [text]", &named),
                &[("text", &quote_literal(text))],
            ));
        }
        // One journey to the server: the view's lock is held meanwhile.
        transaction.batch_execute(&statements.join(";\n")).await.map_err(failed)
    }
}

/// The columns that a view has, from rows of another shape: null where they have none, further ones at the end.
pub(super) fn shown_of(wanted: &[(String, String)], there: &[(String, String)]) -> Vec<String> {
    let kept = wanted.iter().map(|column| match there.contains(column) {
        true => quote_identifier(&column.0),
        false => format!("NULL::{} AS {}", column.1, quote_identifier(&column.0)),
    });
    let further = there.iter().filter(|(name, _)| wanted.iter().all(|(other, _)| other != name));
    kept.chain(further.map(|(name, _)| quote_identifier(name))).collect()
}
