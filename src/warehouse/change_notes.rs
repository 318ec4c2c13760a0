//! Notes that the raw tables take of the statements which change them: whether anything is new is known without reading
//! a row.
//!
//! A table without notes (another role's, or one where a load was under way whenever we looked) is read instead; see
//! `sql/source_version.sql`.

use super::Warehouse;
use super::connect::Client;
use super::fault::fault;
use super::statement::{fill, qualified, splice};
use crate::error::Result;
use chrono::{DateTime, Utc};
use tokio_postgres::error::SqlState;

/// More notes of a table than this are added up to one.
const MANY_NOTES: i64 = 1_000;

impl Warehouse {
    /// Makes the statements that change a raw table leave notes; those that take orders away keep the lines.
    pub(super) fn note_changes_of(&self, table: &str) -> String {
        let place = [("raw", self.schemas.raw.as_str()), ("table", table)];
        let changes = fill(include_str!("sql/create_change_trigger.sql"), &place);
        match table {
            "orders" => {
                format!("{};\n{}", changes.trim_end(), fill(include_str!("sql/create_removal_triggers.sql"), &place))
            }
            _ => changes,
        }
    }

    /// Keeps the notes few where somebody writes row by row; left to the owner of the notes where that is another role.
    pub(super) async fn fold_change_notes(&self, client: &Client) -> Result<()> {
        let fold = include_str!("sql/change_notes_fold.sql");
        match client.execute(fold, &[&self.schemas.raw, &MANY_NOTES]).await {
            Err(e) if e.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(()),
            folded => folded.map(drop).map_err(|e| fault("notes of changes cannot be added up", &e)),
        }
    }

    /// Instant of the newest order before now, of the rows of `orders` or else of the raw table; none without orders.
    ///
    /// Of the raw table it is remembered as long as the table stays as it is: no index tells it.
    pub(super) async fn newest_order(
        &self,
        client: &Client,
        orders: Option<&str>,
    ) -> std::result::Result<Option<DateTime<Utc>>, tokio_postgres::Error> {
        let newest = include_str!("sql/find_newest_order.sql");
        if let Some(select) = orders {
            let sql = splice(newest, &[("orders", &format!("(\n{select}\n)"))]);
            return Ok(client.query_one(&sql, &[]).await?.get("before_now"));
        }
        let workspace = &self.schemas.workspace;
        let is_noted = client
            .query_opt(include_str!("sql/source_facts.sql"), &[&self.schemas.raw, &"orders"])
            .await?
            .is_some_and(|facts| facts.get("is_noted"));
        // Before the rows are read: a load that ends in between has made this version one that is never met again.
        let version = match is_noted {
            true => Some(noted_version(client, &self.schemas.raw, "orders").await?),
            false => None,
        };
        let known = client.query_opt(include_str!("sql/find_remembered_order.sql"), &[workspace, &version]).await?;
        if let Some(row) = known {
            return Ok(Some(row.get(0)));
        }
        let sql = splice(newest, &[("orders", &qualified(&self.schemas.raw, "orders"))]);
        let found = client.query_one(&sql, &[]).await?;
        if let (Some(version), Some(at)) = (&version, found.get::<_, Option<DateTime<Utc>>>("newest")) {
            client.execute(include_str!("sql/remember_newest_order.sql"), &[workspace, version, &at]).await?;
        }
        Ok(found.get("before_now"))
    }
}

/// The version of a table whose changes leave notes.
pub(super) async fn noted_version(
    client: &Client,
    schema: &str,
    table: &str,
) -> std::result::Result<String, tokio_postgres::Error> {
    let row = client.query_one(include_str!("sql/change_notes_version.sql"), &[&schema, &table]).await?;
    Ok(row.get("version"))
}
