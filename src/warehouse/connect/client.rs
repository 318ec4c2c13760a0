//! A connection of the pool, and a transaction on it: statements in one round trip, and none with a name.
//!
//! The driver's own methods name every statement (`s0`, `s1`, ...) before they run it. Behind a pooler in transaction
//! mode the name is unknown to the next server connection, or taken there. So the driver's client is not handed out.

use super::parameter::{Parameter, typed};
use crate::project::quote_literal;
use futures_util::TryStreamExt;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, CopyInSink, Error, IsolationLevel, Row, RowStream, SimpleQueryMessage, Statement};

/// The bytes of a COPY.
pub type CopyBytes = bytes::Bytes;

/// A pooled connection; it goes back to the pool when it is dropped.
pub struct Client(pub(super) deadpool_postgres::Object);

impl Client {
    /// Runs a statement; its rows.
    pub async fn query(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Vec<Row>, Error> {
        self.0.query_typed(sql, &typed(values)).await
    }

    /// Runs a statement that gives one row, no more and no less.
    pub async fn query_one(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Row, Error> {
        self.0.query_typed_one(sql, &typed(values)).await
    }

    /// Runs a statement that gives one row or none.
    pub async fn query_opt(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Option<Row>, Error> {
        self.0.query_typed_opt(sql, &typed(values)).await
    }

    /// Runs a statement; its rows as they come.
    pub async fn query_raw(&self, sql: &str, values: &[&dyn Parameter]) -> Result<RowStream, Error> {
        self.0.query_typed_raw(sql, typed(values)).await
    }

    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(&self, sql: &str, values: &[&dyn Parameter]) -> Result<u64, Error> {
        self.0.execute_typed(sql, &typed(values)).await
    }

    /// As [`Client::query`], with types other than those of the values.
    pub(in crate::warehouse) async fn query_typed(
        &self,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        self.0.query_typed(sql, values).await
    }

    /// Runs statements in one message, in one transaction unless they say otherwise.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.0.batch_execute(sql).await
    }

    /// Runs statements in one message; their rows as text.
    pub async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.0.simple_query(sql).await
    }

    /// Names and types of the columns that a statement would give; it is not run.
    pub async fn describe(&self, sql: &str) -> Result<Statement, Error> {
        self.0.prepare(sql).await
    }

    /// Starts `COPY ... FROM STDIN`.
    pub async fn copy_in(&self, sql: &str) -> Result<CopyInSink<CopyBytes>, Error> {
        self.0.copy_in(sql).await
    }

    /// Begins a transaction; rolled back when dropped without a commit.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction(tokio_postgres::Client::transaction(&mut self.0).await?))
    }

    /// Begins a transaction that only reads, and sees the same state from its first statement to its last.
    pub async fn snapshot(&mut self) -> Result<Transaction<'_>, Error> {
        let client: &mut tokio_postgres::Client = &mut self.0;
        let builder = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        Ok(Transaction(builder.start().await?))
    }

    /// Begins a transaction that writes, and reads what the exported snapshot of this name shows.
    pub async fn join_snapshot(&mut self, name: &str) -> Result<Transaction<'_>, Error> {
        let client: &mut tokio_postgres::Client = &mut self.0;
        let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await?;
        transaction.batch_execute(&format!("SET TRANSACTION SNAPSHOT {}", quote_literal(name))).await?;
        Ok(Transaction(transaction))
    }

    /// Takes the connection out of the pool and ends it, with whatever runs on it as far as the server notices.
    pub fn discard(self) {
        drop(deadpool_postgres::Object::take(self.0));
    }

    /// The driver's client, for the migration library alone.
    pub(in crate::warehouse) fn driver(&mut self) -> &mut tokio_postgres::Client {
        &mut self.0
    }

    /// What a request to cancel names.
    pub(in crate::warehouse) fn cancel_token(&self) -> CancelToken {
        self.0.cancel_token()
    }
}

/// An open transaction, or a savepoint in one; rolled back when dropped without a commit.
pub struct Transaction<'a>(tokio_postgres::Transaction<'a>);

impl Transaction<'_> {
    /// Runs a statement; its rows.
    pub async fn query(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Vec<Row>, Error> {
        self.query_raw(sql, values).await?.try_collect().await
    }

    /// Runs a statement that gives one row, no more and no less.
    pub async fn query_one(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Row, Error> {
        self.0.query_typed_one(sql, &typed(values)).await
    }

    /// Runs a statement that gives one row or none.
    pub async fn query_opt(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Option<Row>, Error> {
        self.0.query_typed_opt(sql, &typed(values)).await
    }

    /// Runs a statement; its rows as they come.
    pub async fn query_raw(&self, sql: &str, values: &[&dyn Parameter]) -> Result<RowStream, Error> {
        self.0.query_typed_raw(sql, typed(values)).await
    }

    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(&self, sql: &str, values: &[&dyn Parameter]) -> Result<u64, Error> {
        self.0.execute_typed(sql, &typed(values)).await
    }

    /// Runs statements in one message.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.0.batch_execute(sql).await
    }

    /// Names and types of the columns that a statement would give; it is not run.
    pub async fn describe(&self, sql: &str) -> Result<Statement, Error> {
        self.0.prepare(sql).await
    }

    /// Starts `COPY ... FROM STDIN`.
    pub async fn copy_in(&self, sql: &str) -> Result<CopyInSink<CopyBytes>, Error> {
        self.0.copy_in(sql).await
    }

    /// A savepoint: what fails in it leaves the transaction alive.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction(self.0.transaction().await?))
    }

    /// Ends the transaction and keeps what it did.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.commit().await
    }

    /// Ends the transaction and drops what it did.
    pub async fn rollback(self) -> Result<(), Error> {
        self.0.rollback().await
    }
}
