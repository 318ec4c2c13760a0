//! Garbage of histories: rows that no state shows, rows that are too old, and tables of histories that are no more.

use super::Warehouse;
use super::connect::Transaction;
use super::detach::in_short_transaction;
use super::fault::fault;
use super::gc_bound::Bound;
use super::patience::LIMITS;
use super::statement::fill;
use crate::crash_point;
use crate::error::Result;

const DOING: &str = "rows of a history cannot be collected";

impl Warehouse {
    /// Removes what nobody can see of the histories; the names of the tables that are gone.
    ///
    /// Rows are deleted and not dropped: whoever reads an older state goes on seeing them.
    pub(super) async fn collect_histories(&self, bound: &Bound) -> Result<Vec<String>> {
        let workspace = &self.schemas.workspace;
        let mut client = self.client().await?;
        let kept =
            client.query(include_str!("sql/history_kept.sql"), &[workspace]).await.map_err(|e| fault(DOING, &e))?;
        for row in &kept {
            if bound.is_reached() {
                return Ok(Vec::new());
            }
            let model: &str = row.get(0);
            let transaction = client.transaction().await.map_err(|e| fault(DOING, &e))?;
            transaction.batch_execute(LIMITS).await.map_err(|e| fault(DOING, &e))?;
            self.collect_rows(&transaction, model).await?;
            transaction.commit().await.map_err(|e| fault(DOING, &e))?;
            crash_point::reach("gc: rows of a history collected").await?;
        }
        drop(client);
        self.drop_forgotten_histories(bound).await
    }

    /// The rows of one history, and the runs that need not be left out any more because nothing is left of them.
    async fn collect_rows(&self, transaction: &Transaction<'_>, model: &str) -> Result<()> {
        let told = |e: tokio_postgres::Error| fault(DOING, &e);
        let workspace = &self.schemas.workspace;
        let out =
            transaction.query(include_str!("sql/history_left_out.sql"), &[workspace, &model]).await.map_err(told)?;
        let mut gone: Vec<i64> = out.iter().map(|row| row.get(0)).collect();
        for table in self.history_tables(transaction, model).await? {
            let place = [("schema", self.schemas.store.as_str()), ("history", table.as_str())];
            for sql in [include_str!("sql/history_collect.sql"), include_str!("sql/history_expire.sql")] {
                transaction.execute(&fill(sql, &place), &[workspace, &model]).await.map_err(told)?;
            }
            let find = fill(include_str!("sql/history_runs_there.sql"), &place);
            let there = transaction.query(&find, &[&gone]).await.map_err(told)?;
            let there: Vec<i64> = there.iter().map(|row| row.get(0)).collect();
            gone.retain(|run_id| !there.contains(run_id));
        }
        if !gone.is_empty() {
            let forget = include_str!("sql/history_forget_left_out.sql");
            transaction.execute(forget, &[workspace, &model, &gone]).await.map_err(told)?;
        }
        Ok(())
    }

    /// Tables of histories that were withdrawn. While a run is at work all stay: it may be the first of its history.
    async fn drop_forgotten_histories(&self, bound: &Bound) -> Result<Vec<String>> {
        let client = self.client().await?;
        let forgotten = client
            .query(include_str!("sql/history_forgotten.sql"), &[&self.schemas.store, &self.schemas.workspace])
            .await
            .map_err(|e| fault(DOING, &e))?;
        drop(client);
        let mut dropped = Vec::new();
        for row in forgotten {
            let name: String = row.get(0);
            let place = [("schema", self.schemas.store.as_str()), ("name", name.as_str())];
            let drop = in_short_transaction(&fill("DROP TABLE IF EXISTS {schema}.{name}", &place));
            if self.execute_patiently(&drop, bound).await? {
                dropped.push(name);
            }
        }
        Ok(dropped)
    }
}
