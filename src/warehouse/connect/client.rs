//! A connection of the pool, and a transaction on it: statements in one round trip, and none with a name.
//!
//! The driver's own methods name every statement (`s0`, `s1`, ...) before they run it. Behind a pooler in transaction
//! mode the name is unknown to the next server connection, or taken there. So the driver's client is not handed out.

use super::cancel::{Canceller, Peers};
use super::parameter::{Parameter, typed};
use super::pool::Era;
use crate::project::quote_literal;
use deadpool_postgres::Object;
use futures_util::TryStreamExt;
use std::time::Instant;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CopyInSink, Error, IsolationLevel, Row, RowStream, SimpleQueryMessage, Statement};

/// The bytes of a COPY.
pub type CopyBytes = bytes::Bytes;

/// A pooled connection; it goes back to the pool when it is dropped.
pub struct Client {
    lent: Object,
    watch: Watch,
    peers: Peers,
}

impl Client {
    pub(super) fn new(lent: Object, era: Era, peers: Peers) -> Client {
        let watch = Watch { era, created: Object::metrics(&lent).created };
        Client { lent, watch, peers }
    }

    /// Runs a statement; its rows.
    pub async fn query(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Vec<Row>, Error> {
        self.noted(self.driver().query_typed(sql, &typed(values)).await)
    }

    /// Runs a statement that gives one row, no more and no less.
    pub async fn query_one(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Row, Error> {
        self.noted(self.driver().query_typed_one(sql, &typed(values)).await)
    }

    /// Runs a statement that gives one row or none.
    pub async fn query_opt(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Option<Row>, Error> {
        self.noted(self.driver().query_typed_opt(sql, &typed(values)).await)
    }

    /// Runs a statement; its rows as they come.
    pub async fn query_raw(&self, sql: &str, values: &[&dyn Parameter]) -> Result<RowStream, Error> {
        self.noted(self.driver().query_typed_raw(sql, typed(values)).await)
    }

    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(&self, sql: &str, values: &[&dyn Parameter]) -> Result<u64, Error> {
        self.noted(self.driver().execute_typed(sql, &typed(values)).await)
    }

    /// As [`Client::query`], with types other than those of the values.
    pub(in crate::warehouse) async fn query_typed(
        &self,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        self.noted(self.driver().query_typed(sql, values).await)
    }

    /// Runs statements in one message, in one transaction unless they say otherwise.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.noted(self.driver().batch_execute(sql).await)
    }

    /// Runs statements in one message; their rows as text.
    pub async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.noted(self.driver().simple_query(sql).await)
    }

    /// Names and types of the columns that a statement would give; it is not run.
    pub async fn describe(&self, sql: &str) -> Result<Statement, Error> {
        self.noted(self.driver().prepare(sql).await)
    }

    /// Starts `COPY ... FROM STDIN`.
    pub async fn copy_in(&self, sql: &str) -> Result<CopyInSink<CopyBytes>, Error> {
        self.noted(self.driver().copy_in(sql).await)
    }

    /// Begins a transaction; rolled back when dropped without a commit.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        let watch = Some(self.watch.clone());
        Ok(Transaction { driver: self.driver_mut().transaction().await?, watch })
    }

    /// Begins a transaction that only reads, and sees the same state from its first statement to its last.
    pub async fn snapshot(&mut self) -> Result<Transaction<'_>, Error> {
        let builder = self.driver_mut().build_transaction();
        let builder = builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        Ok(Transaction { driver: builder.start().await?, watch: None })
    }

    /// Begins a transaction that writes, and reads what the exported snapshot of this name shows.
    pub async fn join_snapshot(&mut self, name: &str) -> Result<Transaction<'_>, Error> {
        let builder = self.driver_mut().build_transaction();
        let driver = builder.isolation_level(IsolationLevel::RepeatableRead).start().await?;
        driver.batch_execute(&format!("SET TRANSACTION SNAPSHOT {}", quote_literal(name))).await?;
        Ok(Transaction { driver, watch: None })
    }

    /// Takes the connection out of the pool and ends it, with whatever runs on it as far as the server notices.
    pub fn discard(self) {
        drop(Object::take(self.lent));
    }

    fn driver_mut(&mut self) -> &mut tokio_postgres::Client {
        &mut self.lent
    }

    /// What stops the statement that runs here.
    pub(in crate::warehouse) fn canceller(&self) -> Canceller {
        self.peers.canceller(self.driver())
    }

    fn driver(&self) -> &tokio_postgres::Client {
        &self.lent
    }

    fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.watch.noted(outcome)
    }
}

/// Tells the pool of a server that takes no writes.
#[derive(Clone)]
struct Watch {
    era: Era,
    /// When the connection was made.
    created: Instant,
}

impl Watch {
    fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.era.noted(self.created, outcome)
    }
}

/// An open transaction, or a savepoint in one; rolled back when dropped without a commit.
pub struct Transaction<'a> {
    driver: tokio_postgres::Transaction<'a>,
    /// `None` where writes are refused because we asked for it.
    watch: Option<Watch>,
}

impl Transaction<'_> {
    /// Runs a statement; its rows.
    pub async fn query(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Vec<Row>, Error> {
        self.noted(self.driver.query_typed_raw(sql, typed(values)).await)?.try_collect().await
    }

    /// Runs a statement that gives one row, no more and no less.
    pub async fn query_one(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Row, Error> {
        self.noted(self.driver.query_typed_one(sql, &typed(values)).await)
    }

    /// Runs a statement that gives one row or none.
    pub async fn query_opt(&self, sql: &str, values: &[&dyn Parameter]) -> Result<Option<Row>, Error> {
        self.noted(self.driver.query_typed_opt(sql, &typed(values)).await)
    }

    /// Runs a statement; its rows as they come.
    pub async fn query_raw(&self, sql: &str, values: &[&dyn Parameter]) -> Result<RowStream, Error> {
        self.noted(self.driver.query_typed_raw(sql, typed(values)).await)
    }

    /// Runs a statement; the number of rows that it changed.
    pub async fn execute(&self, sql: &str, values: &[&dyn Parameter]) -> Result<u64, Error> {
        self.noted(self.driver.execute_typed(sql, &typed(values)).await)
    }

    /// Runs statements in one message.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.noted(self.driver.batch_execute(sql).await)
    }

    /// Names and types of the columns that a statement would give; it is not run.
    pub async fn describe(&self, sql: &str) -> Result<Statement, Error> {
        self.noted(self.driver.prepare(sql).await)
    }

    /// Starts `COPY ... FROM STDIN`.
    pub async fn copy_in(&self, sql: &str) -> Result<CopyInSink<CopyBytes>, Error> {
        self.noted(self.driver.copy_in(sql).await)
    }

    /// A savepoint: what fails in it leaves the transaction alive.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction { driver: self.driver.transaction().await?, watch: self.watch.clone() })
    }

    /// Ends the transaction and keeps what it did.
    pub async fn commit(self) -> Result<(), Error> {
        self.driver.commit().await
    }

    /// Ends the transaction and drops what it did.
    pub async fn rollback(self) -> Result<(), Error> {
        self.driver.rollback().await
    }

    fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        match &self.watch {
            Some(watch) => watch.noted(outcome),
            None => outcome,
        }
    }
}
