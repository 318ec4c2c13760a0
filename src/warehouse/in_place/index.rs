//! Indexes as `config(indexes=[...])` asks for them, under names that stay the same from run to run.

use super::catalog::{FRESH, beside};
use super::record::definition_hash;
use super::session::Session;
use crate::error::Result;
use crate::project::{RelationName, quote_identifier};
use crate::warehouse::statement::qualified;
use tokio_postgres::types::Type;

/// An index of a table or materialized view. Columns may be expressions, as in dbt; the texts go into the statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Columns in order; a plain one is quoted, what is no plain name is taken as an expression.
    pub columns: Vec<String>,
    /// Whether two rows may not be alike in them.
    pub is_unique: bool,
    /// dbt's `type`: `btree`, `hash`, `gist`, `spgist`, `gin`, `brin`.
    pub method: Option<String>,
    /// Rows that it covers.
    pub predicate: Option<String>,
    /// Columns that are kept in it and not searched by.
    pub include: Vec<String>,
}

impl Index {
    /// `orders_1f2e3d4c5b6a`: the relation and a hash of everything the index is.
    #[must_use]
    pub fn name(&self, relation: &str) -> String {
        let unique = self.is_unique.to_string();
        let parts = [
            self.columns.join("\n"),
            unique,
            self.method().to_owned(),
            self.predicate.clone().unwrap_or_default(),
            self.include.join("\n"),
        ];
        let hash = definition_hash(&parts.each_ref().map(String::as_str));
        // Leaves room for the mark of a relation that is being built.
        let mut cut = relation.len().min(63 - FRESH.len() - 13);
        while !relation.is_char_boundary(cut) {
            cut -= 1;
        }
        format!("{}_{}", &relation[..cut], &hash[..12])
    }

    fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("btree")
    }

    /// The statement that makes it on `schema.relation` under `name`.
    fn statement(&self, schema: &str, relation: &str, name: &str) -> String {
        let listed =
            |columns: &[String]| columns.iter().map(|c| column_or_expression(c)).collect::<Vec<_>>().join(", ");
        let unique = if self.is_unique { "UNIQUE " } else { "" };
        let mut text = format!(
            "CREATE {unique}INDEX {} ON {} USING {} ({})",
            quote_identifier(name),
            qualified(schema, relation),
            quote_identifier(self.method()),
            listed(&self.columns)
        );
        if !self.include.is_empty() {
            text.push_str(&format!(" INCLUDE ({})", listed(&self.include)));
        }
        if let Some(predicate) = &self.predicate {
            text.push_str(&format!(" WHERE {predicate}"));
        }
        text
    }
}

/// dbt passes columns as they are written: `id`, `lower(name)`, `id desc`.
fn column_or_expression(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { quote_identifier(text) } else { text.to_owned() }
}

/// Makes the indexes of a relation that is being built beside `name`.
pub(super) async fn create_beside(session: &Session, name: &RelationName, indexes: &[Index]) -> Result<()> {
    let fresh = beside(&name.identifier, FRESH);
    for index in indexes {
        let stable = format!("{}{FRESH}", index.name(&name.identifier));
        let statement = index.statement(&name.schema, &fresh, &stable);
        session.run(&failed(name, index), &statement).await?;
    }
    Ok(())
}

/// Makes the indexes of a relation be those of its configuration: missing ones are made, those that an earlier
/// configuration made are dropped, and others are left alone. Statements that were run.
pub async fn apply(session: &Session, name: &RelationName, indexes: &[Index]) -> Result<Vec<String>> {
    let there = names_of(session, name).await?;
    let wanted: Vec<String> = indexes.iter().map(|index| index.name(&name.identifier)).collect();
    let mut run = Vec::new();
    for (index, stable) in indexes.iter().zip(&wanted) {
        if !there.contains(stable) {
            let statement = index.statement(&name.schema, &name.identifier, stable);
            session.run(&failed(name, index), &statement).await?;
            run.push(statement);
        }
    }
    for surplus in there.iter().filter(|n| !wanted.contains(n) && is_ours(n, &name.identifier)) {
        let statement = format!("DROP INDEX {}", qualified(&name.schema, surplus));
        session.run(&format!("index \"{surplus}\" cannot be dropped"), &statement).await?;
        run.push(statement);
    }
    Ok(run)
}

/// What [`apply`] would do, without doing it: whether anything would change.
pub(super) async fn differs(session: &Session, name: &RelationName, indexes: &[Index]) -> Result<bool> {
    let there = names_of(session, name).await?;
    let wanted: Vec<String> = indexes.iter().map(|index| index.name(&name.identifier)).collect();
    let has_surplus = there.iter().any(|n| !wanted.contains(n) && is_ours(n, &name.identifier));
    Ok(has_surplus || wanted.iter().any(|n| !there.contains(n)))
}

async fn names_of(session: &Session, name: &RelationName) -> Result<Vec<String>> {
    let sql = "SELECT indexname::text FROM pg_catalog.pg_indexes WHERE schemaname = $1 AND tablename = $2";
    let rows = session
        .rows("indexes cannot be listed", sql, &[(&name.schema, Type::TEXT), (&name.identifier, Type::TEXT)])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Whether we named it: the relation's name and twelve hexadecimal digits.
fn is_ours(index: &str, relation: &str) -> bool {
    index.rsplit_once('_').is_some_and(|(start, hash)| {
        relation.starts_with(start) && hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn failed(name: &RelationName, index: &Index) -> String {
    let columns = index.columns.join(", ");
    format!("index on ({columns}) of \"{}.{}\" cannot be made", name.schema, name.identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_definition_and_fit() {
        let index = Index { columns: vec!["id".into()], is_unique: true, ..Index::default() };
        let other = Index { columns: vec!["id".into()], ..Index::default() };
        assert_eq!(index.name("t"), index.clone().name("t"));
        assert_ne!(index.name("t"), other.name("t"));
        assert!(index.name(&"é".repeat(40)).len() + FRESH.len() <= 63);
        assert!(is_ours(&index.name("orders"), "orders") && !is_ours("orders_pkey", "orders"));
    }

    #[test]
    fn every_part_is_in_the_statement() {
        let index = Index {
            columns: vec!["id".into(), "lower(name)".into()],
            is_unique: true,
            method: Some("btree".into()),
            predicate: Some("id > 0".into()),
            include: vec!["note".into()],
        };
        assert_eq!(
            index.statement("s", "t", "i"),
            "CREATE UNIQUE INDEX \"i\" ON \"s\".\"t\" USING \"btree\" (\"id\", lower(name)) INCLUDE (\"note\") WHERE id > 0"
        );
    }
}
