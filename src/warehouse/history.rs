//! Histories: each run adds the events that it found to one table, and the pointer decides how far readers see.
//!
//! A run's events are built in a table of their own, as every model's rows are, and are added to the history's table just
//! before the publish, under the fence. The view shows the rows of all runs up to the pointer. So a run that is not
//! published shows nothing, and a roll-back shows the history as it was, without touching a row. Rows of runs that the
//! pointer passed by (a publish that failed, runs that a roll-back turned away from) are told in `quintile.live.left_out`.
//!
//! There is one table a shape. A column that came later is null in the rows before it; no row is ever rewritten.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::contract::{Column, columns_of};
use super::fault::{fault, fault_in};
use super::fence::{Fence, hold};
use super::materialize::{Index, StoredTable, execute, failed, run_relation, shape_of};
use super::public_view::shown_of;
use super::statement::{NOTICE_LOST_CLIENT, fill, splice};
use crate::crash_point;
use crate::error::Result;
use crate::project::{quote_identifier, quote_literal};
use std::collections::BTreeSet;

/// Gathers statistics anew when so many parts of a table are new.
const NEWS_SHARE: f64 = 0.1;

/// Name of the run's own view of a history: what readers see, and the run's events. No model has such a name.
#[must_use]
pub fn whole_relation(model: &str, run_id: i64) -> String {
    format!("{model}$all__r{run_id}")
}

impl Warehouse {
    /// Makes the run's events of a history ready to be added to it, and the view that shows both to the run.
    ///
    /// `published` is the history's view.
    pub async fn finish_history(
        &self,
        client: &mut Client,
        model: &str,
        run_id: i64,
        indexes: &[Index],
        published: &str,
    ) -> Result<StoredTable> {
        let columns = self.check_run_table(client, model, run_id, indexes).await?;
        let (store, table) = (self.schemas.store.as_str(), run_relation(model, run_id));
        let history = format!("{model}__h{}", shape_of(&columns, indexes));
        let place = [("schema", store), ("table", table.as_str()), ("history", history.as_str())];
        execute(client, model, &fill(include_str!("sql/history_create.sql"), &place)).await?;
        // By run, rows are hidden, collected and read: "what happened in this one".
        let of_run = fill(
            "CREATE INDEX IF NOT EXISTS {index} ON {schema}.{history} (run_id)",
            &[("index", &format!("{history}_run")), ("schema", store), ("history", &history)],
        );
        execute(client, model, &of_run).await?;
        self.index_both(client, model, &history, &table, indexes).await?;
        let transaction = client.transaction().await.map_err(|e| fault(&failed(model), &e))?;
        let own = splice(&fill("SELECT [columns]\nFROM {schema}.{table}", &place), &[("columns", &names_of(&columns))]);
        let earlier = self.history_select(&transaction, model, published, &columns).await?;
        let view = splice(
            &fill(
                "CREATE OR REPLACE VIEW {schema}.{view} AS\n[earlier]\nUNION ALL\n[own]",
                &[("schema", store), ("view", &whole_relation(model, run_id))],
            ),
            &[("earlier", &earlier), ("own", &own)],
        );
        transaction.batch_execute(&view).await.map_err(|e| fault_in(&failed(model), &view, &e))?;
        transaction.commit().await.map_err(|e| fault(&failed(model), &e))?;
        self.measured(client, model, history, &table).await
    }

    /// Adds the run's events to the history's table; nobody sees them before its pointer moves.
    ///
    /// The fence keeps out a process that lost its lease: nobody would know that its rows are to be left out.
    pub async fn append_history(
        &self,
        client: &mut Client,
        model: &str,
        run_id: i64,
        history: &str,
        fence: &Fence,
    ) -> Result<()> {
        let told = |e: tokio_postgres::Error| fault(&failed(model), &e);
        let store = self.schemas.store.as_str();
        let table = run_relation(model, run_id);
        let place = [("schema", store), ("table", table.as_str()), ("history", history)];
        let transaction = client.transaction().await.map_err(told)?;
        transaction.batch_execute(NOTICE_LOST_CLIENT).await.map_err(told)?;
        let forget = fill(include_str!("sql/history_forget_run.sql"), &place);
        transaction.execute(&forget, &[&run_id]).await.map_err(told)?;
        let columns = columns_of(&transaction, store, &table).await?;
        let append = splice(&fill(include_str!("sql/history_append.sql"), &place), &[("columns", &names_of(&columns))]);
        let added = transaction.execute(&append, &[]).await.map_err(told)?;
        // Last: it locks the lease's row, which is renewed meanwhile.
        hold(&transaction, fence).await?;
        transaction.commit().await.map_err(told)?;
        crash_point::reach("history: appended").await?;
        self.analyse_history(client, model, history, added).await
    }

    /// Statistics of a table that grew by a good part; else those of before tell enough.
    #[allow(clippy::cast_precision_loss)] // Row counts are far below 2^52.
    async fn analyse_history(&self, client: &Client, model: &str, history: &str, added: u64) -> Result<()> {
        let place = [("schema", self.schemas.store.as_str()), ("history", history)];
        let known = client
            .query_one(
                "SELECT reltuples::float8 FROM pg_catalog.pg_class WHERE oid = $1::text::regclass",
                &[&super::statement::qualified(&self.schemas.store, history)],
            )
            .await
            .map_err(|e| fault(&failed(model), &e))?;
        if added as f64 > NEWS_SHARE * known.get::<_, f64>(0).max(0.0) {
            execute(client, model, &fill("ANALYZE {schema}.{history}", &place)).await?;
        }
        Ok(())
    }

    /// The rows of a history up to its pointer, in the columns wanted.
    pub(super) async fn history_select(
        &self,
        transaction: &Transaction<'_>,
        model: &str,
        relation: &str,
        wanted: &[Column],
    ) -> Result<String> {
        let store = self.schemas.store.as_str();
        let mut parts = Vec::new();
        for table in self.history_tables(transaction, model).await? {
            let there = columns_of(transaction, store, &table).await?;
            let mut shown = shown_of(wanted, &there);
            shown.truncate(wanted.len());
            parts.push(splice(
                &fill(include_str!("sql/history_rows.sql"), &[("store", store), ("table", &table)]),
                &[
                    ("workspace", &quote_literal(&self.schemas.workspace)),
                    ("relation", &quote_literal(relation)),
                    ("columns", &shown.join(", ")),
                ],
            ));
        }
        Ok(parts.join("UNION ALL\n"))
    }

    /// The tables of a history, the newest shape first.
    pub(super) async fn history_tables(&self, transaction: &Transaction<'_>, model: &str) -> Result<Vec<String>> {
        let rows = transaction
            .query(include_str!("sql/history_tables.sql"), &[&self.schemas.store, &model])
            .await
            .map_err(|e| fault(&format!("tables of history \"{model}\" cannot be found"), &e))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The run up to which a history shows rows, before its pointer moves; 0 where it shows none.
    pub(super) async fn history_pointer(&self, transaction: &Transaction<'_>, relation: &str) -> Result<i64> {
        let row = transaction
            .query_opt(include_str!("sql/history_pointer.sql"), &[&self.schemas.workspace, &relation])
            .await
            .map_err(|e| fault("publish failed", &e))?;
        Ok(row.map_or(0, |row| row.get(0)))
    }

    /// After the pointer of a history moved from run `before` to `run_id`: rows of runs in between are left out.
    pub(super) async fn extend_history(
        &self,
        transaction: &Transaction<'_>,
        (model, relation): (&str, &str),
        (before, run_id): (i64, i64),
        keep_days: Option<i32>,
    ) -> Result<()> {
        let told = |e: tokio_postgres::Error| fault("publish failed", &e);
        let mut left_behind: BTreeSet<i64> = BTreeSet::new();
        for table in self.history_tables(transaction, model).await? {
            let place = [("schema", self.schemas.store.as_str()), ("history", table.as_str())];
            let find = fill(include_str!("sql/history_left_behind.sql"), &place);
            let rows = transaction.query(&find, &[&before, &run_id]).await.map_err(told)?;
            left_behind.extend(rows.iter().map(|row| row.get::<_, i64>(0)));
        }
        let left_behind: Vec<i64> = left_behind.into_iter().collect();
        transaction
            .execute(
                include_str!("sql/history_extend.sql"),
                &[&self.schemas.workspace, &relation, &left_behind, &keep_days],
            )
            .await
            .map_err(told)?;
        Ok(())
    }
}

fn names_of(columns: &[Column]) -> String {
    columns.iter().map(|(name, _)| quote_identifier(name)).collect::<Vec<_>>().join(", ")
}
