//! The memory of what each relation was built from, written in the transaction that builds it.

use super::catalog::{Built, Catalog};
use super::session::Session;
use crate::error::Result;
use crate::project::{RelationKind, RelationName};
use tokio_postgres::types::Type;

/// Hash of everything that decides what a relation is: 32 hexadecimal digits.
#[must_use]
pub fn definition_hash(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // With its length, so that text moved from one part to the next changes the hash.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Remembers the relation as it is now in database and catalogue; one statement.
pub(super) async fn record(
    session: &Session,
    catalog: &Catalog,
    name: &RelationName,
    kind: RelationKind,
    hash: &str,
    is_reshaped: bool,
) -> Result<()> {
    let oid = write(session, name, hash).await?;
    catalog.built(name, Built { kind, oid, definition_hash: Some(hash.to_owned()), is_reshaped });
    Ok(())
}

/// The statement of [`record`] alone: the relation's number.
pub(super) async fn write(session: &Session, name: &RelationName, hash: &str) -> Result<u32> {
    let sql = "SELECT quintile.remember($1, $2, $3)";
    let doing = format!("build of \"{}.{}\" cannot be recorded", name.schema, name.identifier);
    let rows = session
        .rows(&doing, sql, &[(&name.schema, Type::TEXT), (&name.identifier, Type::TEXT), (&hash, Type::TEXT)])
        .await?;
    let missing = || crate::error::Error::failed(format!("{doing}: it is not there any more"));
    rows.first().and_then(|row| row.get::<_, Option<u32>>(0)).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::definition_hash;

    #[test]
    fn text_that_moves_between_parts_changes_the_hash() {
        assert_eq!(definition_hash(&["ab", "c"]), definition_hash(&["ab", "c"]));
        assert_ne!(definition_hash(&["ab", "c"]), definition_hash(&["a", "bc"]));
        assert_eq!(definition_hash(&[]).len(), 32);
    }
}
