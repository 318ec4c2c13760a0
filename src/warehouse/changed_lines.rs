//! Order lines that are not what an earlier run saw, collected once for all models that a run refreshes from lines.
//!
//! The tables are made within the snapshot of the sources, and read outside of it: a transaction that joins a snapshot
//! sees no rows that came after it.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::fault;
use super::in_place::Limits;
use super::materialize::{joined, run_relation, set_limits};
use super::statement::{fill, qualified, splice};
use crate::error::Result;
use crate::project::quote_literal;
use chrono::{DateTime, Utc};

/// Beyond this share of all lines, making everything anew is cheaper.
const MOST_CHANGED: f64 = 0.25;

/// What is to be collected.
#[derive(Clone, Debug)]
pub struct Collecting<'a> {
    /// The run that collects.
    pub run_id: i64,
    /// Its instant.
    pub as_of: DateTime<Utc>,
    /// Name of the snapshot of the sources.
    pub snapshot: &'a str,
    /// How long its statements may take.
    pub limits: Limits,
    /// The run since which lines changed.
    pub since: i64,
    /// The snapshot in which that run saw the orders.
    pub seen: &'a str,
    /// Its instant.
    pub seen_from: DateTime<Utc>,
    /// Expressions over a line `o`: all lines of the keys that have changed lines are collected too.
    pub line_keys: &'a [String],
}

/// Name of the table of the lines that changed since a run.
#[must_use]
pub fn lines_relation(since: i64, run_id: i64) -> String {
    run_relation(&format!("raw_orders__since{since}"), run_id)
}

/// Name of the table of the lines that were updated or went since a run, as that run saw them.
#[must_use]
pub fn removed_lines_relation(since: i64, run_id: i64) -> String {
    run_relation(&format!("raw_orders__removed{since}"), run_id)
}

/// Name of the table of all lines of the keys that have changed lines.
#[must_use]
pub fn lines_of_keys_relation(since: i64, line_key: &str, run_id: i64) -> String {
    run_relation(&format!("raw_orders__since{since}__{}", mark(line_key)), run_id)
}

/// Name of the table of these keys, whose one column is `line_key`.
#[must_use]
pub fn line_keys_relation(since: i64, line_key: &str, run_id: i64) -> String {
    run_relation(&format!("raw_orders__since{since}__{}__keys", mark(line_key)), run_id)
}

fn mark(line_key: &str) -> String {
    blake3::hash(line_key.as_bytes()).to_hex()[..8].to_owned()
}

const DOING: &str = "changed order lines cannot be collected";

impl Warehouse {
    /// Collects the lines; the reason why it was given up, if it was.
    pub async fn collect_lines(&self, collecting: &Collecting<'_>) -> Result<Option<String>> {
        let told = |e: &tokio_postgres::Error| fault(DOING, e);
        let mut client = self.client().await?;
        for table in Self::lines_relations(collecting.since, collecting.line_keys, collecting.run_id) {
            self.drop_leftover(&client, &table).await?;
        }
        let transaction = joined(&mut client, "order lines", collecting.snapshot).await?;
        set_limits(&transaction, collecting.limits).await.map_err(|e| told(&e))?;
        let refused = self.collect_within(&transaction, collecting).await?;
        match refused {
            None => transaction.commit().await.map_err(|e| told(&e))?,
            Some(_) => transaction.rollback().await.map_err(|e| told(&e))?,
        }
        Ok(refused)
    }

    /// Drops what was collected; no step reads it any more.
    pub async fn drop_lines(&self, since: i64, line_keys: &[String], run_id: i64) -> Result<()> {
        let client = self.client().await?;
        for table in Self::lines_relations(since, line_keys, run_id) {
            self.drop_leftover(&client, &table).await?;
        }
        Ok(())
    }

    /// Whether the server understands the expression for the key of an order line; no line is read.
    pub async fn try_line_key(&self, client: &Client, line_key: &str) -> Result<()> {
        let asked = fill("SELECT [line_key] FROM {raw}.orders AS o LIMIT 0", &[("raw", &self.schemas.raw)]);
        let told = client.execute(&splice(&asked, &[("line_key", line_key)]), &[]).await;
        told.map(drop).map_err(|e| fault("the key of order lines cannot be told", &e))
    }

    fn lines_relations(since: i64, line_keys: &[String], run_id: i64) -> Vec<String> {
        let of_key =
            |key: &String| [lines_of_keys_relation(since, key, run_id), line_keys_relation(since, key, run_id)];
        let of_all = [lines_relation(since, run_id), removed_lines_relation(since, run_id)];
        of_all.into_iter().chain(line_keys.iter().flat_map(of_key)).collect()
    }

    async fn collect_within(
        &self,
        transaction: &Transaction<'_>,
        collecting: &Collecting<'_>,
    ) -> Result<Option<String>> {
        let told = |e: &tokio_postgres::Error| fault(DOING, e);
        let Collecting { since, run_id, .. } = *collecting;
        let seen = quote_literal(collecting.seen);
        let is_recent = splice(include_str!("sql/line_is_recent.sql").trim_end(), &[("seen", &seen)]);
        let is_new = splice(include_str!("sql/line_is_new.sql"), &[("is_recent", &is_recent), ("seen", &seen)]);
        let (lines, removed) = (lines_relation(since, run_id), removed_lines_relation(since, run_id));
        let of_schemas = [
            ("schema", self.schemas.store.as_str()),
            ("raw", self.schemas.raw.as_str()),
            ("lines", lines.as_str()),
            ("removed", removed.as_str()),
        ];
        let parts = [
            ("is_new", is_new.as_str()),
            ("is_recent", &is_recent),
            ("seen", &seen),
            ("raw_name", &quote_literal(&self.schemas.raw)),
            ("seen_from", &quote_literal(&collecting.seen_from.to_rfc3339())),
            ("seen_to", &quote_literal(&collecting.as_of.to_rfc3339())),
        ];
        for template in [include_str!("sql/changed_lines.sql"), include_str!("sql/removed_lines.sql")] {
            let make = splice(&fill(template, &of_schemas), &parts);
            transaction.execute(&make, &[]).await.map_err(|e| told(&e))?;
        }
        let asked = fill(include_str!("sql/lines_are_few.sql"), &of_schemas);
        let orders = qualified(&self.schemas.raw, "orders");
        let row = transaction.query_one(&asked, &[&orders, &MOST_CHANGED]).await.map_err(|e| told(&e))?;
        if !row.get::<_, bool>(1) {
            return Ok(Some(format!("{} order lines have changed", row.get::<_, i64>(0))));
        }
        if row.get::<_, i64>(2) > 0 {
            return Ok(Some("orders were written beside a transaction that the run before found under way".into()));
        }
        for table in [&lines, &removed] {
            let place = [of_schemas[0], ("table", table.as_str())];
            let forget = fill("ALTER TABLE {schema}.{table} DROP COLUMN is_doubtful", &place);
            transaction.execute(&forget, &[]).await.map_err(|e| told(&e))?;
        }
        let mut made = vec![lines.clone(), removed.clone()];
        for line_key in collecting.line_keys {
            let (table, keys) =
                (lines_of_keys_relation(since, line_key, run_id), line_keys_relation(since, line_key, run_id));
            let place = [&of_schemas[..], &[("table", table.as_str()), ("keys", keys.as_str())]].concat();
            let parts = [("line_key", line_key.as_str()), ("is_new", is_new.as_str())];
            let statements = [
                splice(&fill(include_str!("sql/changed_line_keys.sql"), &place), &parts),
                fill("ANALYZE {schema}.{keys}", &place),
                splice(&fill(include_str!("sql/lines_of_keys.sql"), &place), &parts),
            ];
            for statement in statements {
                transaction.execute(&statement, &[]).await.map_err(|e| told(&e))?;
            }
            made.push(table);
        }
        for table in made {
            let analyze = fill("ANALYZE {schema}.{table}", &[of_schemas[0], ("table", table.as_str())]);
            transaction.execute(&analyze, &[]).await.map_err(|e| told(&e))?;
        }
        Ok(None)
    }
}

/// The customer of a line: who has no name is nobody.
pub const CUSTOMER: &str = "NULLIF(o.customer_id, '')";
