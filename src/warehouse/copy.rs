//! Rows into a table by binary COPY, and the transaction around it.

use super::connect::Client;
use super::fault::fault;
use crate::error::Result;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::pin::Pin;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

/// One value on its way into a binary COPY.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    /// `bigint`
    Bigint(i64),
    /// `integer`
    Integer(Option<i32>),
    /// `double precision`
    Float(Option<f64>),
    /// `real[]`
    Reals(&'a [f32]),
    /// `boolean`
    Boolean(Option<bool>),
    /// `text`
    Text(Option<&'a str>),
    /// `timestamptz`
    Instant(DateTime<Utc>),
}

impl Cell<'_> {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Cell::Bigint(value) => value,
            Cell::Integer(value) => value,
            Cell::Float(value) => value,
            Cell::Reals(value) => value,
            Cell::Boolean(value) => value,
            Cell::Text(value) => value,
            Cell::Instant(value) => value,
        }
    }
}

/// A running binary COPY into one table. Dropped before [`CopyIn::finish`], the server discards its rows.
pub(super) struct CopyIn {
    writer: Pin<Box<BinaryCopyInWriter>>,
    doing: String,
}

impl CopyIn {
    /// Starts `COPY ... FROM STDIN (FORMAT binary)`; `doing` is the start of the message of a failure.
    pub(super) async fn start(client: &Client, copy: &str, types: &[Type], doing: &str) -> Result<CopyIn> {
        let sink = client.copy_in(copy).await.map_err(|e| fault(doing, &e))?;
        Ok(CopyIn { writer: Box::pin(BinaryCopyInWriter::new(sink, types)), doing: doing.to_owned() })
    }

    /// Sends one row; it must have as many cells as the COPY has types.
    pub(super) async fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        // Gathered first, and by a closure: the method's path, held across the await, makes the future unfit for
        // another thread.
        #[allow(clippy::redundant_closure_for_method_calls)]
        let values: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| cell.as_sql()).collect();
        let sent = self.writer.as_mut().write_raw(values).await;
        sent.map_err(|e| fault(&self.doing, &e))
    }

    /// Ends the COPY and returns the number of rows that the server took.
    pub(super) async fn finish(mut self) -> Result<u64> {
        self.writer.as_mut().finish().await.map_err(|e| fault(&self.doing, &e))
    }
}

/// An open transaction on a shared connection; rolled back when dropped without [`Transaction::commit`].
///
/// The driver's own type wants the connection for itself (`&mut`), which callers that hold `&Client` do not have.
pub(super) struct Transaction<'a> {
    client: &'a Client,
    is_open: bool,
}

impl<'a> Transaction<'a> {
    /// `BEGIN`; the connection must not be in a transaction.
    pub(super) async fn begin(client: &'a Client) -> Result<Transaction<'a>> {
        // Set before the statement: a caller that goes away while BEGIN is under way must leave no open transaction.
        let transaction = Transaction { client, is_open: true };
        client.batch_execute("BEGIN").await.map_err(|e| fault("transaction cannot begin", &e))?;
        Ok(transaction)
    }

    /// `COMMIT`.
    pub(super) async fn commit(mut self) -> Result<()> {
        let committed = self.client.batch_execute("COMMIT").await;
        self.is_open = committed.is_err();
        committed.map_err(|e| fault("transaction cannot be committed", &e))
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // The driver puts a request on the wire's queue when it is polled first; nobody waits for the answer.
            let _ = self.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}
