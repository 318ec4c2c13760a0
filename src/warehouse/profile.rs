//! What the columns of the raw tables hold, as a model's SELECT tells it.

use super::Warehouse;
use super::fault::{fault, fault_in};
use super::statement::splice;
use crate::error::Result;

/// A column of one source.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ColumnProfile {
    /// Name of the source.
    pub source: String,
    /// Name of the column.
    pub column_name: String,
    /// Lines of the source.
    pub line_count: i64,
    /// Share of them without a value.
    pub null_share: f64,
    /// Different values.
    pub distinct_count: i64,
    /// Smallest value; none for columns about a person.
    pub minimum: Option<String>,
    /// Largest value; none for columns about a person.
    pub maximum: Option<String>,
    /// The column leads to a person.
    pub is_personal: bool,
    /// The column's comment.
    pub description: Option<String>,
}

impl Warehouse {
    /// The rows of `select` (of one source, if it is named) by source and place of the column.
    pub async fn profile(&self, select: &str, source: Option<&str>) -> Result<Vec<ColumnProfile>> {
        let doing = "raw orders cannot be profiled";
        let sql = splice(include_str!("sql/profile.sql"), &[("select", select)]);
        let mut client = self.client().await?;
        // Nothing of it may change a row.
        let snapshot = client.snapshot().await.map_err(|e| fault(doing, &e))?;
        let rows = snapshot.query(&sql, &[&source]).await.map_err(|e| fault_in(doing, &sql, &e))?;
        snapshot.rollback().await.map_err(|e| fault(doing, &e))?;
        Ok(rows
            .iter()
            .map(|row| ColumnProfile {
                source: row.get("source"),
                column_name: row.get("column_name"),
                line_count: row.get("line_count"),
                null_share: row.get("null_share"),
                distinct_count: row.get("distinct_count"),
                minimum: row.get("minimum"),
                maximum: row.get("maximum"),
                is_personal: row.get("is_personal"),
                description: row.get("description"),
            })
            .collect())
    }
}
