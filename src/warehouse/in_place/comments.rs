//! `persist_docs`: descriptions become comments, and only those that changed are written.

use super::session::Session;
use crate::error::Result;
use crate::project::{RelationKind, RelationName, quote_identifier, quote_literal};
use crate::warehouse::statement::qualified;
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// Descriptions to keep in the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Of the relation; none where `persist_docs` leaves it out.
    pub relation: Option<String>,
    /// Of columns, by name; columns that the relation has not are passed over.
    pub columns: BTreeMap<String, String>,
}

/// Writes the comments that differ; how many. Call it in the transaction of the build, after the swap.
pub async fn apply(session: &Session, name: &RelationName, kind: RelationKind, comments: &Comments) -> Result<usize> {
    if *comments == Comments::default() {
        return Ok(0);
    }
    let relation = qualified(&name.schema, &name.identifier);
    let sql = "SELECT a.attname::text, COALESCE(d.description, '')
        FROM (
            SELECT NULL AS attname, 0::int2 AS attnum
            UNION ALL
            SELECT attname, attnum FROM pg_catalog.pg_attribute
            WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped
        ) AS a
        LEFT JOIN pg_catalog.pg_description AS d ON d.objoid = pg_catalog.to_regclass($1)
            AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = a.attnum";
    let rows = session.rows("comments cannot be read", sql, &[(&relation, Type::TEXT)]).await?;
    let mut statements = Vec::new();
    for row in &rows {
        let (column, there): (Option<&str>, &str) = (row.get(0), row.get(1));
        let (wanted, object) = match column {
            None => (comments.relation.as_ref(), format!("{} {relation}", super::blocking::ddl_word(kind))),
            Some(c) => (find(&comments.columns, c), format!("COLUMN {relation}.{}", quote_identifier(c))),
        };
        if let Some(text) = wanted.filter(|text| *text != there) {
            statements.push(format!("COMMENT ON {object} IS {}", quote_literal(text)));
        }
    }
    if !statements.is_empty() {
        session.batch(&format!("comments on {relation} cannot be written"), &statements.join(";\n")).await?;
    }
    Ok(statements.len())
}

/// The name as it is, or as PostgreSQL folds an unquoted one.
fn find<'a>(columns: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    columns.get(name).or_else(|| columns.iter().find(|(c, _)| c.to_lowercase() == name).map(|(_, text)| text))
}
