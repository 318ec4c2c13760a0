//! Where a person is: every row about a customer, found by the catalogue and not by a list that somebody keeps.

use super::Warehouse;
use super::connect::Transaction;
use super::fault::fault;
use super::statement::{fill, qualified};
use crate::error::{Error, Result};
use crate::project::quote_identifier;
use serde_json::Value as Json;

/// A customer whose rows are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The customer's id, as the sources write it.
    pub customer_id: String,
    /// Only rows of this source, where a table tells the source.
    pub source: Option<String>,
    /// Columns that hold customer ids under another name: model and column.
    pub columns: Vec<(String, String)>,
}

impl Person {
    /// Models and columns of [`Person::columns`], as two lists.
    pub(super) fn named(&self) -> (Vec<&str>, Vec<&str>) {
        self.columns.iter().map(|(model, column)| (model.as_str(), column.as_str())).unzip()
    }
}

/// A column of a table that holds customer ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) schema: String,
    pub(super) relation: String,
    pub(super) column: String,
    pub(super) has_source: bool,
}

impl Place {
    /// The table as people read it.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.schema, self.relation)
    }

    /// The table as statements name it, with the alias that [`Place::condition`] uses.
    pub(super) fn table(&self) -> String {
        format!("{} AS t", qualified(&self.schema, &self.relation))
    }

    /// Rows of one of the ids `$1`, of source `$2` unless that is null or the table tells no source. Both are always
    /// named, so that every statement has the same parameters.
    pub(super) fn condition(&self) -> String {
        let of_source = if self.has_source { "t.source = $2::text" } else { "true" };
        format!("t.{}::text = ANY ($1) AND ($2::text IS NULL OR {of_source})", quote_identifier(&self.column))
    }
}

/// Rows about a person in one relation.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PersonRows {
    /// Schema and name.
    pub relation: String,
    /// The rows, whole.
    pub rows: Vec<Json>,
}

impl Warehouse {
    /// Every row about the person that Quintile holds: raw tables, rejected rows, and all runs that are kept, as they
    /// were at one moment. The audit log notes that it was asked for, not for whom.
    pub async fn export_person(&self, person: &Person) -> Result<Vec<PersonRows>> {
        let told = |e: tokio_postgres::Error| fault("rows of the person cannot be read", &e);
        let mut client = self.client().await?;
        let snapshot = client.snapshot().await.map_err(told)?;
        let ids = self.ids_of(&snapshot, person).await?;
        let mut found = Vec::new();
        for place in self.person_places(&snapshot, person).await? {
            let sql = format!("SELECT to_jsonb(t) FROM {} WHERE {}", place.table(), place.condition());
            let rows = snapshot.query(&sql, &[&ids, &person.source]).await.map_err(told)?;
            if !rows.is_empty() {
                let rows = rows.iter().map(|row| row.get(0)).collect();
                found.push(PersonRows { relation: place.name(), rows });
            }
        }
        let rejected = fill(include_str!("sql/person_rejected_rows.sql"), &[("raw", &self.schemas.raw)]);
        let rows = snapshot.query(&rejected, &[&person.customer_id, &person.source]).await.map_err(told)?;
        if !rows.is_empty() {
            let rows = rows.iter().map(|row| row.get(0)).collect();
            found.push(PersonRows { relation: format!("{}.rejected_rows", self.schemas.raw), rows });
        }
        let alerts = snapshot
            .query(include_str!("sql/person_alerts.sql"), &[&self.schemas.workspace, &ids])
            .await
            .map_err(told)?;
        if !alerts.is_empty() {
            let rows = alerts.iter().map(|row| row.get(0)).collect();
            found.push(PersonRows { relation: "quintile.alerts".into(), rows });
        }
        snapshot.rollback().await.map_err(told)?;
        if found.is_empty() {
            return Err(self.unknown_person());
        }
        let facts = serde_json::json!({
            "source": person.source,
            "relations": found.iter().map(|part| (part.relation.clone(), Json::from(part.rows.len()))).collect::<serde_json::Map<_, _>>(),
        });
        client
            .execute(include_str!("sql/audit.sql"), &[&self.schemas.workspace, &"quintile", &"export_person", &facts])
            .await
            .map_err(told)?;
        Ok(found)
    }

    /// The tables that hold the person, in order of their names.
    pub(super) async fn person_places(&self, transaction: &Transaction<'_>, person: &Person) -> Result<Vec<Place>> {
        let (models, columns) = person.named();
        let rows = transaction
            .query(include_str!("sql/person_places.sql"), &[&self.person_schemas(), &models, &columns])
            .await
            .map_err(|e| fault("tables with customers cannot be found", &e))?;
        Ok(rows
            .iter()
            .map(|row| Place {
                schema: row.get("schema_name"),
                relation: row.get("relation_name"),
                column: row.get("column_name"),
                has_source: row.get("has_source"),
            })
            .collect())
    }

    /// The id itself, and the pseudonym under which samples show it.
    pub(super) async fn ids_of(&self, transaction: &Transaction<'_>, person: &Person) -> Result<Vec<String>> {
        let row = transaction
            .query_one(include_str!("sql/person_pseudonym.sql"), &[&person.customer_id])
            .await
            .map_err(|e| fault("pseudonym of the person cannot be made", &e))?;
        Ok(vec![person.customer_id.clone(), row.get(0)])
    }

    /// Schemas that hold rows of persons. The public one holds views only.
    pub(super) fn person_schemas(&self) -> Vec<&str> {
        vec![&self.schemas.raw, &self.schemas.store]
    }

    /// The id is not repeated: what is printed ends in logs.
    pub(super) fn unknown_person(&self) -> Error {
        Error::failed(format!("customer is not found in workspace \"{}\"", self.schemas.workspace))
            .detail("No table holds the id, neither as it was written nor in a rejected row.")
            .hint("write the id as raw.orders has it: ids are compared letter by letter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_quoted_names_and_parameters() {
        let place =
            Place { schema: "raw".into(), relation: "orders".into(), column: "Buyer\"".into(), has_source: true };
        assert_eq!(place.table(), "\"raw\".\"orders\" AS t");
        let of_ids = "t.\"Buyer\"\"\"::text = ANY ($1)";
        assert_eq!(place.condition(), format!("{of_ids} AND ($2::text IS NULL OR t.source = $2::text)"));
        let place = Place { has_source: false, ..place };
        assert_eq!(place.condition(), format!("{of_ids} AND ($2::text IS NULL OR true)"));
    }
}
