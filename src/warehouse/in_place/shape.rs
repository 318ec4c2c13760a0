//! What relations there are and what columns they have, or what columns a SELECT would have.

use super::session::Session;
use crate::error::Result;
use crate::project::{ExistingColumn, ExistingRelation, RelationKind, RelationName};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// A column with its whole SQL type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedColumn {
    /// Its name, unquoted.
    pub name: String,
    /// `character varying(20)`, `numeric(10,2)`
    pub data_type: String,
}

impl TypedColumn {
    /// The column with its type taken apart: `numeric(10,2)` is `numeric` of 10 digits, 2 of them after the point.
    #[must_use]
    pub fn into_existing(self) -> ExistingColumn {
        let (base, sizes) = match (self.data_type.split_once('('), self.data_type.split_once(')')) {
            (Some((base, rest)), Some((_, after))) => {
                let sizes: Vec<Option<u32>> =
                    rest.split(')').next().unwrap_or_default().split(',').map(|n| n.trim().parse().ok()).collect();
                (format!("{}{after}", base.trim_end()), sizes)
            }
            _ => (self.data_type.clone(), Vec::new()),
        };
        let size = |place: usize| sizes.get(place).copied().flatten();
        let is_character = base.starts_with("character");
        let is_numeric = base == "numeric";
        ExistingColumn {
            name: self.name,
            char_size: size(0).filter(|_| is_character),
            numeric_precision: size(0).filter(|_| is_numeric),
            numeric_scale: size(1).filter(|_| is_numeric),
            data_type: base,
        }
    }
}

/// Names of all schemas.
pub async fn schemas(session: &Session) -> Result<Vec<String>> {
    let sql = "SELECT nspname::text FROM pg_catalog.pg_namespace ORDER BY nspname";
    let rows = session.rows("schemas cannot be listed", sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The relation of this name, if there is one.
pub async fn relation(session: &Session, name: &RelationName) -> Result<Option<ExistingRelation>> {
    let sql = include_str!("../sql/in_place_relations.sql");
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&name.schema, Type::TEXT), (&name.identifier, Type::TEXT)];
    let rows = session.rows("relations cannot be listed", sql, &params).await?;
    Ok(rows.first().and_then(|row| existing(row, &name.database)))
}

/// All relations of a schema, by name.
pub async fn relations(session: &Session, schema: &str) -> Result<Vec<ExistingRelation>> {
    let sql = include_str!("../sql/in_place_relations.sql");
    let all: Option<&str> = None;
    let rows = session.rows("relations cannot be listed", sql, &[(&schema, Type::TEXT), (&all, Type::TEXT)]).await?;
    Ok(rows.iter().filter_map(|row| existing(row, "")).collect())
}

fn existing(row: &Row, database: &str) -> Option<ExistingRelation> {
    let name = RelationName { database: database.into(), schema: row.get("schema"), identifier: row.get("identifier") };
    Some(ExistingRelation { name, kind: kind_of(row.get("kind"))? })
}

/// The kind for `pg_class.relkind`.
pub(super) fn kind_of(relkind: &str) -> Option<RelationKind> {
    match relkind {
        "r" | "p" | "f" => Some(RelationKind::Table),
        "v" => Some(RelationKind::View),
        "m" => Some(RelationKind::MaterializedView),
        _ => None,
    }
}

/// Columns as `information_schema.columns` tells them, those of materialized views included; none without a relation.
pub async fn columns(session: &Session, name: &RelationName) -> Result<Vec<ExistingColumn>> {
    let sql = include_str!("../sql/in_place_columns.sql");
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&name.schema, Type::TEXT), (&name.identifier, Type::TEXT)];
    let rows = session.rows("columns cannot be listed", sql, &params).await?;
    let size = |row: &Row, column: &str| row.get::<_, Option<i32>>(column).and_then(|n| u32::try_from(n).ok());
    let column = |row: &Row| ExistingColumn {
        name: row.get("name"),
        data_type: row.get("data_type"),
        char_size: size(row, "char_size"),
        numeric_precision: size(row, "numeric_precision"),
        numeric_scale: size(row, "numeric_scale"),
    };
    Ok(rows.iter().map(column).collect())
}

/// Columns of a relation with their whole types, in order.
pub async fn typed_columns(session: &Session, schema: &str, identifier: &str) -> Result<Vec<TypedColumn>> {
    let sql = include_str!("../sql/describe_table.sql");
    let rows =
        session.rows("columns cannot be listed", sql, &[(&schema, Type::TEXT), (&identifier, Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| TypedColumn { name: row.get(0), data_type: row.get(1) }).collect())
}

/// Columns that a SELECT would return. It is described by the server and not run.
pub async fn select_columns(session: &Session, select: &str) -> Result<Vec<TypedColumn>> {
    let described = session.describe("columns of the query cannot be told", select).await?;
    let oids: Vec<u32> = described.iter().map(|(_, sql_type, _)| sql_type.oid()).collect();
    let modifiers: Vec<i32> = described.iter().map(|(_, _, modifier)| *modifier).collect();
    let sql = "SELECT pg_catalog.format_type(t.oid, t.modifier) \
               FROM unnest($1, $2) WITH ORDINALITY AS t (oid, modifier, place) ORDER BY t.place";
    let rows =
        session.rows("types cannot be named", sql, &[(&oids, Type::OID_ARRAY), (&modifiers, Type::INT4_ARRAY)]).await?;
    let named = described.into_iter().zip(&rows);
    Ok(named.map(|((name, _, _), row)| TypedColumn { name, data_type: row.get(0) }).collect())
}
