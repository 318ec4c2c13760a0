//! Source freshness: when the newest row was loaded, and when that was looked at, both by the database's clock.

use super::session::Session;
use crate::error::{Error, Result};
use crate::project::RelationName;
use crate::warehouse::statement::qualified;
use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;

/// How the newest row of a source is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadedAt {
    /// `loaded_at_field`: an expression over the source's rows, and `filter`.
    Field {
        /// The expression.
        expression: String,
        /// Rows that count.
        filter: Option<String>,
    },
    /// `loaded_at_query`: a SELECT of one value.
    Query(String),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When the newest row was loaded; none where the source has no rows.
    pub max_loaded_at: Option<DateTime<Utc>>,
    /// When that was looked at.
    pub snapshotted_at: DateTime<Utc>,
}

/// Looks at a source. Times without a zone are taken as UTC, as in dbt.
pub async fn look(session: &Session, source: &RelationName, loaded_at: &LoadedAt) -> Result<Freshness> {
    let relation = qualified(&source.schema, &source.identifier);
    let doing = format!("freshness of source {relation} cannot be told");
    let select = match loaded_at {
        LoadedAt::Query(query) => query.clone(),
        LoadedAt::Field { expression, filter } => {
            let filter = filter.as_ref().map(|f| format!("\nWHERE {f}")).unwrap_or_default();
            format!("SELECT max({expression}) FROM {relation}{filter}")
        }
    };
    let described = session.describe(&doing, &select).await?;
    let [(column, sql_type, _)] = described.as_slice() else {
        return Err(Error::failed(format!("{doing}: the query returns {} columns", described.len()))
            .hint("let loaded_at_query select one value"));
    };
    let value = match *sql_type {
        Type::TIMESTAMP | Type::DATE => "(loaded_at::timestamp AT TIME ZONE 'UTC')",
        _ => "loaded_at::timestamptz",
    };
    let sql =
        format!("SELECT (SELECT {value} FROM (\n{select}\n) AS newest (loaded_at) LIMIT 1), statement_timestamp()");
    let rows = session.rows(&doing, &sql, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::failed(format!("{doing}: \"{column}\" is missing")))?;
    Ok(Freshness { max_loaded_at: row.get(0), snapshotted_at: row.get(1) })
}
