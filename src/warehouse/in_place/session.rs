//! One node's connection: transactions with limits, statements one by one, faults with their place.
//!
//! Nothing outlives a transaction (`SET LOCAL` only), so that a pooler in transaction mode may stand between.

use super::cell::cell;
use super::sql_fault::{Place, SqlFault};
use super::tag::{Command, Effect};
use crate::error::Result;
use crate::project::Answer;
use crate::project::split::statements;
use crate::warehouse::Warehouse;
use crate::warehouse::connect::{Client, CopyBytes};
use crate::warehouse::fault::fault_in;
use futures_util::FutureExt;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CopyInSink, Row, SimpleQueryMessage};

/// How long the statements of a transaction may take; `None` leaves the server's own setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For each statement.
    pub statement: Option<Duration>,
    /// For each wait for a lock.
    pub lock: Option<Duration>,
}

impl Limits {
    /// These limits, and those of `other` where these set none.
    #[must_use]
    pub fn or(self, other: Limits) -> Limits {
        Limits { statement: self.statement.or(other.statement), lock: self.lock.or(other.lock) }
    }
}

/// How often a session that is stopped is told so while somebody still holds it.
const STOPS: u32 = 50;
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// A connection of the pool that works for one node. Dropped within a transaction, it rolls back.
pub struct Session {
    /// Shared with nobody; the pointer lets [`Session::discard`] take the connection out of a value that has a drop.
    client: Arc<Client>,
    /// Put before every statement that is the user's; empty or a comment with a space after it.
    comment: String,
    limits: Limits,
    is_open: AtomicBool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("comment", &self.comment).field("is_open", &self.is_open).finish()
    }
}

impl Session {
    /// Takes a connection from the pool. `node` is named in a comment before each statement of the node.
    pub async fn open(warehouse: &Warehouse, node: Option<&str>, limits: Limits) -> Result<Session> {
        let client = warehouse.client().await?;
        let comment = node.map(comment_for).unwrap_or_default();
        Ok(Session { client: Arc::new(client), comment, limits, is_open: AtomicBool::new(false) })
    }

    /// The same connection for the next node.
    #[must_use]
    pub fn for_node(mut self, node: &str) -> Session {
        self.comment = comment_for(node);
        self
    }

    /// Takes the connection out of the pool and ends it, and its transaction with it.
    pub fn discard(self) {
        self.is_open.store(false, Ordering::Relaxed);
        let client = Arc::clone(&self.client);
        drop(self);
        if let Some(client) = Arc::into_inner(client) {
            client.discard();
        }
    }

    /// Stops the statement that runs, for good: dropping a future alone stops nothing on the server.
    ///
    /// A template may still hold the session on a thread of its own. What it sends next is stopped as well, until it
    /// lets go; then the connection ends, because a request to cancel that comes late would hit its next user.
    pub async fn stop(self: Arc<Self>) {
        let canceller = self.client.canceller();
        let mut session = self;
        for _ in 0..STOPS {
            canceller.cancel().await;
            match Arc::try_unwrap(session) {
                Ok(alone) => return alone.discard(),
                Err(shared) => session = shared,
            }
            tokio::time::sleep(STOP_INTERVAL).await;
        }
    }

    /// Whether a transaction is open.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Begins a transaction under the session's limits, unless one is open.
    pub async fn begin(&self) -> Result<()> {
        if self.is_in_transaction() {
            return Ok(());
        }
        // Set first: a caller that goes away meanwhile must leave no open transaction.
        self.is_open.store(true, Ordering::Relaxed);
        self.batch("transaction cannot begin", &begin_statement(self.limits)).await
    }

    /// As [`Session::begin`], with another limit for locks; in one round trip.
    pub(super) async fn begin_with_lock_limit(&self, lock: Duration) -> Result<()> {
        self.is_open.store(true, Ordering::Relaxed);
        let limits = Limits { lock: Some(lock), ..self.limits };
        self.batch("transaction cannot begin", &begin_statement(limits)).await
    }

    /// Ends the transaction whatever came of it: with a statement that failed it is rolled back, else it is committed.
    ///
    /// For whoever sends it behind statements before their answers are there, and judges by those.
    pub(super) async fn end(&self) -> Result<()> {
        self.batch("transaction cannot be ended", "COMMIT").await?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Commits the open transaction, if there is one.
    pub async fn commit(&self) -> Result<()> {
        if !self.is_in_transaction() {
            return Ok(());
        }
        // COMMIT of a transaction that failed is a silent roll-back; a statement before it is an error then.
        self.batch("transaction cannot be committed", "SELECT 1; COMMIT").await?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Rolls the open transaction back, if there is one.
    pub async fn rollback(&self) -> Result<()> {
        if !self.is_in_transaction() {
            return Ok(());
        }
        self.batch("transaction cannot be rolled back", "ROLLBACK").await?;
        self.is_open.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Runs the user's statements in order; the answer is that of the last one. No statement gives an empty answer.
    ///
    /// `BEGIN`, `COMMIT` and `ROLLBACK` among them are followed. Errors hold a [`SqlFault`].
    pub async fn execute(&self, sql: &str) -> Result<Answer> {
        let mut answer = Answer::default();
        for statement in statements(sql) {
            answer = self.execute_one(statement.text, statement.characters_before).await?;
        }
        Ok(answer)
    }

    async fn execute_one(&self, statement: &str, offset: usize) -> Result<Answer> {
        let command = Command::of(statement);
        let sent = format!("{}{statement}", self.comment);
        let place = Place { before: self.comment.chars().count(), length: statement.chars().count(), offset };
        let told = |e: tokio_postgres::Error| SqlFault::told("statement failed", &e, place);
        if command.effect() == Effect::Opens {
            self.is_open.store(true, Ordering::Relaxed);
        }
        let answer = if command.is_query() {
            if self.is_in_transaction() {
                self.query(&sent, &command).await.map_err(told)?
            } else {
                // Described and run in one transaction, or a pooler might send the two to different servers. All of
                // it is on the wire before the first answer is there: one round trip.
                let all = futures_util::future::join3(self.begin(), self.query(&sent, &command), self.end());
                let (begun, answer, ended) = all.await;
                begun?;
                let answer = answer.map_err(told)?;
                ended?;
                answer
            }
        } else if command.is_opaque() {
            answer_of(&self.client.simple_query(&sent).await.map_err(told)?, &[], &command)
        } else {
            let rows = self.client.execute(&sent, &[]).await.map_err(told)?;
            Answer { tag: command.tag(rows), rows_affected: rows, ..Answer::default() }
        };
        if command.effect() == Effect::Closes {
            self.is_open.store(false, Ordering::Relaxed);
        }
        Ok(answer)
    }

    async fn query(&self, sql: &str, command: &Command) -> std::result::Result<Answer, tokio_postgres::Error> {
        // EXPLAIN of a statement that writes cannot be told from others here, and needs no types.
        if command.tag(0) == "EXPLAIN" {
            return Ok(answer_of(&self.client.simple_query(sql).await?, &[], command));
        }
        let both = futures_util::future::join(self.client.describe(sql), self.client.simple_query(sql));
        let (described, messages) = both.await;
        // A statement that cannot be described fails with the better error there.
        let types: Vec<Type> = described?.columns().iter().map(|column| column.type_().clone()).collect();
        Ok(answer_of(&messages?, &types, command))
    }

    /// Runs one statement made of the user's `body` between texts of ours; the count of its rows.
    ///
    /// The extended protocol refuses a second statement in it.
    pub(super) async fn run_around(&self, doing: &str, before: &str, body: &str, after: &str) -> Result<u64> {
        let before = format!("{}{before}", self.comment);
        let place = Place { before: before.chars().count(), length: body.chars().count(), offset: 0 };
        let sent = format!("{before}{body}{after}");
        self.client.execute(&sent, &[]).await.map_err(|e| SqlFault::told(doing, &e, place))
    }

    /// Describes a statement without running it: names, types and type modifiers of its columns.
    pub(super) async fn describe(&self, doing: &str, sql: &str) -> Result<Vec<(String, Type, i32)>> {
        let place = Place { before: 0, length: sql.chars().count(), offset: 0 };
        let is_own = !self.is_in_transaction();
        self.begin().await?;
        let prepared = self.client.describe(sql).await;
        if is_own {
            self.rollback().await?;
        }
        let prepared = prepared.map_err(|e| SqlFault::told(doing, &e, place))?;
        let told = |c: &tokio_postgres::Column| (c.name().to_owned(), c.type_().clone(), c.type_modifier());
        Ok(prepared.columns().iter().map(told).collect())
    }

    /// Runs one statement of ours; the count of its rows.
    pub(super) async fn run(&self, doing: &str, sql: &str) -> Result<u64> {
        self.client.execute(sql, &[]).await.map_err(|e| fault_in(doing, sql, &e))
    }

    /// Runs one statement of ours with parameters, in one round trip; its rows.
    pub(super) async fn rows(
        &self,
        doing: &str,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>> {
        self.client.query_typed(sql, params).await.map_err(|e| fault_in(doing, sql, &e))
    }

    /// Runs statements of ours in one message; a fault in one ends them all.
    pub(super) async fn batch(&self, doing: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(|e| fault_in(doing, sql, &e))
    }

    /// Starts `COPY ... FROM STDIN`.
    pub(super) async fn copy_in(&self, doing: &str, sql: &str) -> Result<CopyInSink<CopyBytes>> {
        self.client.copy_in(sql).await.map_err(|e| fault_in(doing, sql, &e))
    }

    /// What `SET LOCAL lock_timeout` goes back to.
    pub(super) fn lock_timeout(&self) -> String {
        self.limits.lock.map_or_else(|| "DEFAULT".into(), |wait| wait.as_millis().to_string())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_in_transaction() {
            // The driver puts a request on the wire's queue when it is polled first; nobody waits for the answer.
            let _ = self.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

fn begin_statement(limits: Limits) -> String {
    let mut text = String::from("BEGIN");
    for (setting, limit) in [("statement_timeout", limits.statement), ("lock_timeout", limits.lock)] {
        if let Some(limit) = limit {
            text.push_str(&format!("; SET LOCAL {setting} = {}", limit.as_millis()));
        }
    }
    text
}

/// A comment cannot be closed from within.
fn comment_for(node: &str) -> String {
    format!("/* quintile: {} */ ", node.replace("*/", "* /").replace("/*", "/ *"))
}

fn answer_of(messages: &[SimpleQueryMessage], types: &[Type], command: &Command) -> Answer {
    let mut answer = Answer::default();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                answer.columns = columns.iter().map(|column| column.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => {
                let typed = |place| cell(types.get(place).unwrap_or(&Type::TEXT), row.get(place));
                answer.rows.push((0..row.len()).map(typed).collect());
            }
            SimpleQueryMessage::CommandComplete(rows) => answer.rows_affected = *rows,
            _ => {}
        }
    }
    answer.tag = command.tag(answer.rows_affected);
    answer
}
