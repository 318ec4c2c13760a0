//! The leadership lease: one row, database time only, a fencing token that grows with every change of holder.

use super::Warehouse;
use super::connect::Client;
use super::fault::fault;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A lease that this process holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Name of the lease.
    pub name: String,
    /// Who holds it: one name a process.
    pub holder: String,
    /// The fence.
    pub token: i64,
}

impl Warehouse {
    /// Takes the lease if it is free: the lease and the database's time, or `None` while another holds it.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        lasting: Duration,
        wait: Duration,
    ) -> Result<Option<(Lease, DateTime<Utc>)>> {
        let sql = include_str!("sql/lease_acquire.sql");
        let row = self
            .answer_within(wait, "lease cannot be taken", async |client| {
                client.query_opt(sql, &[&name, &holder, &lasting.as_secs_f64()]).await
            })
            .await?;
        Ok(row.map(|row| {
            (Lease { name: name.into(), holder: holder.into(), token: row.get("fence") }, row.get("renewed_at"))
        }))
    }

    /// Prolongs the lease: the database's time, or `None` when it is lost.
    pub async fn renew_lease(&self, lease: &Lease, lasting: Duration, wait: Duration) -> Result<Option<DateTime<Utc>>> {
        let sql = include_str!("sql/lease_renew.sql");
        let row = self
            .answer_within(wait, "lease cannot be renewed", async |client| {
                client.query_opt(sql, &[&lease.name, &lease.holder, &lease.token, &lasting.as_secs_f64()]).await
            })
            .await?;
        Ok(row.map(|row| row.get("renewed_at")))
    }

    /// Ends the lease, so that another process can lead at once.
    pub async fn release_lease(&self, lease: &Lease, wait: Duration) -> Result<()> {
        let sql = include_str!("sql/lease_release.sql");
        self.answer_within(wait, "lease cannot be released", async |client| {
            client.execute(sql, &[&lease.name, &lease.holder, &lease.token]).await
        })
        .await?;
        Ok(())
    }

    /// Who holds the lease now, if anybody does.
    pub async fn lease_holder(&self, name: &str, wait: Duration) -> Result<Option<String>> {
        let sql = include_str!("sql/lease_holder.sql");
        let row = self
            .answer_within(wait, "lease cannot be read", async |client| client.query_opt(sql, &[&name]).await)
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Runs one short piece of work on a pooled connection and gives up after `wait`, connecting included.
    ///
    /// A connection that did not answer in time leaves the pool: its next user would wait behind the lost statement.
    pub(super) async fn answer_within<T>(
        &self,
        wait: Duration,
        doing: &str,
        work: impl AsyncFnOnce(&Client) -> std::result::Result<T, tokio_postgres::Error>,
    ) -> Result<T> {
        let late = || Error::unreachable(format!("{doing}: database did not answer within {} ms", wait.as_millis()));
        let deadline = tokio::time::Instant::now() + wait;
        let client = tokio::time::timeout_at(deadline, self.client()).await.map_err(|_| late())??;
        let answer = tokio::time::timeout_at(deadline, work(&client)).await;
        match answer {
            Ok(answer) => answer.map_err(|e| fault(doing, &e)),
            Err(_) => {
                client.discard();
                Err(late())
            }
        }
    }
}
