//! Relations that are sources themselves: what columns they have, and what stands in their first rows.

use super::Warehouse;
use super::fault::fault;
use super::statement::{fill, qualified};
use crate::error::Result;

impl Warehouse {
    /// Names of a relation's columns, in order; none where there is no such relation.
    pub async fn columns_of_relation(&self, schema: &str, name: &str) -> Result<Vec<String>> {
        let client = self.client().await?;
        let doing = format!("columns of {} cannot be read", qualified(schema, name));
        let rows = client
            .query(include_str!("sql/describe_table.sql"), &[&schema, &name])
            .await
            .map_err(|e| fault(&doing, &e))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// At most `count` rows of a relation, each with a text a column; no value is the empty text.
    pub async fn sample_relation(
        &self,
        schema: &str,
        name: &str,
        columns: &[String],
        count: i64,
    ) -> Result<Vec<Vec<String>>> {
        let client = self.client().await?;
        let sql = fill(include_str!("sql/sample_relation.sql"), &[("schema", schema), ("table", name)]);
        let rows = client
            .query(&sql, &[&columns, &count])
            .await
            .map_err(|e| fault(&format!("{} cannot be read", qualified(schema, name)), &e))?;
        Ok(rows.iter().map(|row| row.get("fields")).collect())
    }
}
