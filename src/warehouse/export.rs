//! Rows of a published relation as text, streamed: what a CSV export sends.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::fault;
use super::statement::qualified;
use crate::error::{Error, Result};
use crate::project::quote_identifier;
use futures_util::{StreamExt, pin_mut};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::Type;

/// Checks and the audit row take no longer, nor may the reader pause longer between two chunks.
const WAIT: Duration = Duration::from_secs(30);
/// Rows are gathered to chunks of this size.
const CHUNK_BYTES: usize = 64 * 1024;

/// A column of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportColumn {
    /// Its name.
    pub name: String,
    /// Whether it holds free text; numbers, dates and truth values cannot carry a formula.
    pub is_text: bool,
}

/// What is known before the first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportHead {
    /// The columns in order.
    pub columns: Vec<ExportColumn>,
    /// Number of rows to come.
    pub rows: i64,
}

impl Warehouse {
    /// Streams a published relation: the head through `opened` (`None` when there is no such relation), then chunks.
    /// An empty chunk is the end; chunks that stop without it are a part only.
    ///
    /// `write` appends one row to a chunk. Head, count and rows are of one snapshot. The audit row is written before
    /// the head is told: an export that cannot be recorded does not happen. Memory does not grow with the rows.
    pub async fn export(
        &self,
        relation: &str,
        opened: oneshot::Sender<Result<Option<ExportHead>>>,
        chunks: mpsc::Sender<Result<Vec<u8>>>,
        write: impl FnMut(&mut Vec<u8>, &[ExportColumn], &[Option<&str>]) + Send,
    ) {
        let mut client = match self.client().await {
            Ok(client) => client,
            Err(e) => return drop(opened.send(Err(e))),
        };
        let finished = self.stream(&mut client, relation, opened, &chunks, write).await;
        if !matches!(finished, Ok(true)) {
            // Rows may still be on their way: the next user of this connection would wait for them.
            client.discard();
        }
        if let Err(e) = finished {
            tracing::warn!(relation, error = %e, "export broke off");
            // The reader must not take the part for the whole.
            let _ = chunks.send_timeout(Err(e), WAIT).await;
        }
    }

    /// True when the connection is clean afterwards.
    async fn stream(
        &self,
        client: &mut Client,
        relation: &str,
        opened: oneshot::Sender<Result<Option<ExportHead>>>,
        chunks: &mpsc::Sender<Result<Vec<u8>>>,
        mut write: impl FnMut(&mut Vec<u8>, &[ExportColumn], &[Option<&str>]) + Send,
    ) -> Result<bool> {
        let told = |e: tokio_postgres::Error| fault("export broke off", &e);
        let transaction = client.snapshot().await.map_err(told)?;
        let late = |_| Error::unreachable("export cannot begin: database did not answer in time");
        let head = tokio::time::timeout(WAIT, self.head(&transaction, relation)).await.map_err(late).flatten();
        let Ok(Some(found)) = &head else {
            let is_answered = head.is_ok();
            // The one who waits may have gone; nothing is lost then.
            let _ = opened.send(head);
            // After an error a statement may still run: to wait for it would have no bound.
            return Ok(is_answered && transaction.rollback().await.is_ok());
        };
        let columns = found.columns.clone();
        if opened.send(head).is_err() {
            return Ok(transaction.rollback().await.is_ok());
        }
        let texts: Vec<String> =
            columns.iter().map(|column| format!("{}::text", quote_identifier(&column.name))).collect();
        let sql = format!("SELECT {} FROM {}", texts.join(", "), self.published(relation));
        let rows = transaction.query_raw(&sql, &[]).await.map_err(told)?;
        pin_mut!(rows);
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + 1024);
        while let Some(row) = rows.next().await {
            let row = row.map_err(told)?;
            {
                let cells: Vec<Option<&str>> = (0..columns.len()).map(|index| row.get(index)).collect();
                write(&mut chunk, &columns, &cells);
            }
            if chunk.len() >= CHUNK_BYTES {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES + 1024));
                // A reader that has gone, or that stopped reading, shall not hold a connection.
                if chunks.send_timeout(Ok(full), WAIT).await.is_err() {
                    return Ok(false);
                }
            }
        }
        if !chunk.is_empty() && chunks.send_timeout(Ok(chunk), WAIT).await.is_err() {
            return Ok(false);
        }
        // Without this end mark the reader knows that rows are missing, also where no error could be told.
        Ok(chunks.send_timeout(Ok(Vec::new()), WAIT).await.is_ok())
    }

    async fn head(&self, transaction: &Transaction<'_>, relation: &str) -> Result<Option<ExportHead>> {
        let told = |e: tokio_postgres::Error| fault("export cannot begin", &e);
        let known =
            transaction.query(include_str!("sql/page_relations.sql"), &[&self.schemas.marts]).await.map_err(told)?;
        if !known.iter().any(|row| row.get::<_, &str>("relation") == relation) {
            return Ok(None);
        }
        let published = self.published(relation);
        let statement = transaction.describe(&format!("SELECT * FROM {published}")).await.map_err(told)?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| ExportColumn { name: column.name().to_owned(), is_text: !is_plain(column.type_()) })
            .collect();
        let count =
            transaction.query_one(&format!("SELECT count(*) AS rows FROM {published}"), &[]).await.map_err(told)?;
        let rows: i64 = count.get("rows");
        // Another connection: this transaction only reads, and the record must stand whatever becomes of it.
        let audit = include_str!("sql/page_audit_export.sql");
        let recorder = self.client().await?;
        recorder.execute(audit, &[&self.schemas.workspace, &relation, &rows]).await.map_err(told)?;
        Ok(Some(ExportHead { columns, rows }))
    }

    fn published(&self, relation: &str) -> String {
        qualified(&self.schemas.marts, relation)
    }
}

/// Types whose text can begin no formula, apart from the sign of a number, which stays.
fn is_plain(kind: &Type) -> bool {
    [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::NUMERIC,
        Type::DATE,
        Type::TIMESTAMP,
        Type::TIMESTAMPTZ,
        Type::UUID,
    ]
    .contains(kind)
}
