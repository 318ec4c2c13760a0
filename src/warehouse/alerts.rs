//! Alerts: what is raised, put into messages, delivered or given up. A message is never put together anew, so that whoever
//! gets it twice knows it by its key.

use super::Warehouse;
use super::fault::fault;
use super::statement::fill;
use crate::error::Result;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::error::SqlState;

const DOING: &str = "alerts cannot be kept";

/// Ended alerts are kept at least so long, to look at.
const KEPT_DAYS: i32 = 90;

/// One line of the list of alerts.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Alert {
    /// Its number.
    pub alert_id: i64,
    /// The run that it is about.
    pub run_id: i64,
    /// `fading`, `overdue`, `downgraded` or `run_failed`.
    pub kind: String,
    /// The customer; none for a run.
    pub customer_id: Option<String>,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// The message that it goes in.
    pub batch_id: Option<i64>,
    /// How often that was tried.
    pub tries: i32,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was taken.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// An alert as a message tells it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DueAlert {
    /// Its number.
    pub alert_id: i64,
    /// `fading`, `overdue`, `downgraded` or `run_failed`.
    pub kind: String,
    /// The customer; none for a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// The run that it is about.
    pub run_id: i64,
    /// The run's instant.
    pub as_of: DateTime<Utc>,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// What the warning says, where messages may tell it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// What a warning says.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Details {
    /// The sentence.
    pub message: String,
    /// What is at stake, as a decimal.
    pub value_at_stake: String,
    /// Its currency.
    pub currency: Option<String>,
}

/// A message that is due.
#[derive(Clone, Debug)]
pub struct DueMessage {
    /// Its key.
    pub batch_id: i64,
    /// How often it was tried already.
    pub tries: i32,
    /// What it tells.
    pub alerts: Vec<DueAlert>,
}

impl Warehouse {
    /// Raises the warnings that readers see and that were not told within `repeat_days`, and failed runs if wanted.
    pub async fn raise_alerts(&self, repeat_days: u32, with_failures: bool) -> Result<u64> {
        let workspace = &self.schemas.workspace;
        let days = i32::try_from(repeat_days).unwrap_or(i32::MAX);
        let client = self.client().await?;
        let warnings = fill(include_str!("sql/alerts_raise_warnings.sql"), &[("marts", &self.schemas.marts)]);
        let mut raised = match client.execute(&warnings, &[workspace, &days]).await {
            Ok(raised) => raised,
            // Nothing is published yet, or the project has no such model.
            Err(e) if e.code() == Some(&SqlState::UNDEFINED_TABLE) => 0,
            Err(e) => return Err(fault(DOING, &e)),
        };
        if with_failures {
            raised += client
                .execute(include_str!("sql/alerts_raise_failures.sql"), &[workspace])
                .await
                .map_err(|e| fault(DOING, &e))?;
        }
        client
            .execute(include_str!("sql/alerts_forget.sql"), &[workspace, &days.max(KEPT_DAYS)])
            .await
            .map_err(|e| fault(DOING, &e))?;
        Ok(raised)
    }

    /// The message that is due first, of at most `size` alerts; `with_details` tells what warnings say.
    pub async fn due_message(&self, size: usize, with_details: bool) -> Result<Option<DueMessage>> {
        let workspace = &self.schemas.workspace;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let client = self.client().await?;
        let batched = client.execute(include_str!("sql/alerts_batch.sql"), &[workspace, &size]).await;
        batched.map_err(|e| fault(DOING, &e))?;
        let rows =
            client.query(include_str!("sql/alerts_due.sql"), &[workspace]).await.map_err(|e| fault(DOING, &e))?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut message = DueMessage { batch_id: first.get("batch_id"), tries: first.get("tries"), alerts: Vec::new() };
        drop(client);
        message.alerts.extend(rows.iter().map(|row| DueAlert {
            alert_id: row.get("alert_id"),
            kind: row.get("kind"),
            customer_id: row.get("customer_id"),
            run_id: row.get("run_id"),
            as_of: row.get("as_of"),
            raised_at: row.get("raised_at"),
            details: None,
        }));
        if with_details {
            self.add_details(&mut message.alerts).await?;
        }
        Ok(Some(message))
    }

    /// What the warnings say, as far as their runs are still shown.
    async fn add_details(&self, alerts: &mut [DueAlert]) -> Result<()> {
        let sql = fill(include_str!("sql/alerts_messages.sql"), &[("marts", &self.schemas.marts)]);
        let runs: BTreeSet<i64> = alerts.iter().map(|alert| alert.run_id).collect();
        let client = self.client().await?;
        for run_id in runs {
            let of_run = alerts.iter().filter(|alert| alert.run_id == run_id);
            let (customers, kinds): (Vec<&str>, Vec<&str>) =
                of_run.filter_map(|alert| Some((alert.customer_id.as_deref()?, alert.kind.as_str()))).unzip();
            let rows = match client.query(&sql, &[&run_id, &customers, &kinds]).await {
                Ok(rows) => rows,
                Err(e) if e.code() == Some(&SqlState::UNDEFINED_TABLE) => continue,
                Err(e) => return Err(fault(DOING, &e)),
            };
            let mut found: BTreeMap<(String, Option<String>), Details> = rows
                .iter()
                .map(|row| {
                    let details = Details {
                        message: row.get("message"),
                        value_at_stake: row.get("value_at_stake"),
                        currency: row.get("currency"),
                    };
                    ((row.get("kind"), row.get("customer_id")), details)
                })
                .collect();
            for alert in alerts.iter_mut().filter(|alert| alert.run_id == run_id) {
                alert.details = found.remove(&(alert.kind.clone(), alert.customer_id.clone()));
            }
        }
        Ok(())
    }

    /// Notes that a message was taken.
    pub async fn alerts_delivered(&self, batch_id: i64) -> Result<()> {
        self.ledger(include_str!("sql/alerts_delivered.sql"), &[&self.schemas.workspace, &batch_id]).await
    }

    /// Notes that a message was not taken; after `max_tries` it is given up.
    pub async fn alerts_refused(&self, batch_id: i64, why: &str, pause_seconds: f64, max_tries: i32) -> Result<()> {
        self.ledger(
            include_str!("sql/alerts_refused.sql"),
            &[&self.schemas.workspace, &batch_id, &why, &pause_seconds, &max_tries],
        )
        .await
    }

    /// The newest alerts, of one state if one is given.
    pub async fn alerts(&self, limit: i64, state: Option<&str>) -> Result<Vec<Alert>> {
        let client = self.client().await?;
        let rows = client
            .query(include_str!("sql/alerts_list.sql"), &[&self.schemas.workspace, &limit, &state])
            .await
            .map_err(|e| fault("alerts cannot be read", &e))?;
        Ok(rows
            .iter()
            .map(|row| Alert {
                alert_id: row.get("alert_id"),
                run_id: row.get("run_id"),
                kind: row.get("kind"),
                customer_id: row.get("customer_id"),
                state: row.get("state"),
                raised_at: row.get("raised_at"),
                batch_id: row.get("batch_id"),
                tries: row.get("tries"),
                last_error: row.get("last_error"),
                delivered_at: row.get("delivered_at"),
            })
            .collect())
    }
}
