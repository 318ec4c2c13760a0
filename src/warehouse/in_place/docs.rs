//! The catalogue for `docs generate`: every relation of some schemas with its columns, in one query.

use super::session::Session;
use crate::error::Result;
use crate::project::RelationName;
use tokio_postgres::types::Type;

/// A relation as `catalog.json` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentedRelation {
    /// Its name, the database included.
    pub name: RelationName,
    /// `BASE TABLE`, `VIEW` or `MATERIALIZED VIEW`.
    pub relation_type: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Role that owns it.
    pub owner: String,
    /// Its columns in order.
    pub columns: Vec<DocumentedColumn>,
}

/// A column as `catalog.json` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentedColumn {
    /// Its name.
    pub name: String,
    /// Its number; numbers of dropped columns are not given again.
    pub index: i32,
    /// Its whole SQL type.
    pub data_type: String,
    /// Its comment.
    pub comment: Option<String>,
}

/// All relations of the schemas, by schema and name.
pub async fn relations(session: &Session, schemas: &[String]) -> Result<Vec<DocumentedRelation>> {
    let sql = include_str!("../sql/in_place_docs.sql");
    let rows = session.rows("catalogue cannot be read", sql, &[(&schemas, Type::TEXT_ARRAY)]).await?;
    let mut found: Vec<DocumentedRelation> = Vec::new();
    for row in &rows {
        let name = RelationName {
            database: row.get("database"),
            schema: row.get("schema"),
            identifier: row.get("identifier"),
        };
        let column = DocumentedColumn {
            name: row.get("column_name"),
            index: row.get("column_index"),
            data_type: row.get("column_type"),
            comment: row.get("column_comment"),
        };
        match found.last_mut().filter(|relation| relation.name == name) {
            Some(relation) => relation.columns.push(column),
            None => found.push(DocumentedRelation {
                name,
                relation_type: row.get("relation_type"),
                comment: row.get("relation_comment"),
                owner: row.get("owner"),
                columns: vec![column],
            }),
        }
    }
    Ok(found)
}
