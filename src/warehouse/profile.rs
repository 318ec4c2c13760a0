//! What the columns of the raw tables hold, as the SELECTs of models tell it.

use super::Warehouse;
use super::fault::{fault, fault_in};
use super::statement::splice;
use crate::error::Result;

/// A column of one source and raw table.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ColumnProfile {
    /// Name of the source.
    pub source: String,
    /// The raw table.
    pub table_name: String,
    /// Name of the column.
    pub column_name: String,
    /// Rows of the source in the table.
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

/// The SELECTs that are asked; a project need not have the second.
#[derive(Clone, Debug)]
pub struct ProfileSelects {
    /// Columns of the orders, as `data_quality_columns` tells them.
    pub orders: String,
    /// Columns of the other raw tables, as `data_quality_table_columns` tells them.
    pub tables: Option<String>,
}

impl Warehouse {
    /// The rows of the SELECTs (of one source, if it is named) by source, table and place of the column.
    pub async fn profile(&self, selects: &ProfileSelects, source: Option<&str>) -> Result<Vec<ColumnProfile>> {
        let doing = "raw tables cannot be profiled";
        let mut statements = vec![splice(include_str!("sql/profile.sql"), &[("select", &selects.orders)])];
        if let Some(tables) = &selects.tables {
            statements.push(splice(include_str!("sql/profile_tables.sql"), &[("select", tables)]));
        }
        let mut client = self.client().await?;
        // Nothing of it may change a row.
        let snapshot = client.snapshot().await.map_err(|e| fault(doing, &e))?;
        let mut columns = Vec::new();
        for sql in statements {
            let rows = snapshot.query(&sql, &[&source]).await.map_err(|e| fault_in(doing, &sql, &e))?;
            columns.extend(rows.iter().map(column));
        }
        snapshot.rollback().await.map_err(|e| fault(doing, &e))?;
        // The tables of a source come together; within a source they keep their order.
        columns.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(columns)
    }
}

fn column(row: &tokio_postgres::Row) -> ColumnProfile {
    ColumnProfile {
        source: row.get("source"),
        table_name: row.get("table_name"),
        column_name: row.get("column_name"),
        line_count: row.get("line_count"),
        null_share: row.get("null_share"),
        distinct_count: row.get("distinct_count"),
        minimum: row.get("minimum"),
        maximum: row.get("maximum"),
        is_personal: row.get("is_personal"),
        description: row.get("description"),
    }
}
