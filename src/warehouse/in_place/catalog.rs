//! All relations of a run's schemas, read by one query at its start and kept right while its nodes build.

use super::session::Session;
use super::shape::kind_of;
use crate::error::Result;
use crate::project::{RelationKind, RelationName};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Ends of the names of relations that are being built; whatever carries one at the start of a run is left over.
pub(super) const FRESH: &str = "__qt_new";
pub(super) const AWAY: &str = "__qt_old";
pub(super) const BATCH: &str = "__qt_batch";

/// A relation as the catalogue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its number in `pg_class`.
    pub oid: u32,
    /// Table, view or materialized view.
    pub kind: RelationKind,
    /// Role that owns it.
    pub owner: String,
    /// `role=arwd/grantor` items; none where nothing was ever granted.
    pub acl: Vec<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// Hash of the definition that it was last built from, where relation and inputs are still those of that build.
    pub definition_hash: Option<String>,
    /// Numbers of the relations that a view reads from.
    inputs: Vec<u32>,
}

/// What the build of a relation changed.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// What it is now.
    pub(super) kind: RelationKind,
    /// Its number now.
    pub(super) oid: u32,
    /// What it was built from, where that is remembered.
    pub(super) definition_hash: Option<String>,
    /// Whether its columns may be others than before.
    pub(super) is_reshaped: bool,
}

/// The relations of a run's schemas, shared by its nodes.
#[derive(Debug, Default)]
pub struct Catalog {
    relations: Mutex<BTreeMap<(String, String), Relation>>,
}

impl Catalog {
    /// Reads all relations of these schemas in one query.
    pub async fn load(session: &Session, schemas: &[String]) -> Result<Catalog> {
        let sql = include_str!("../sql/in_place_catalog.sql");
        let rows = session.rows("relations cannot be listed", sql, &[(&schemas, Type::TEXT_ARRAY)]).await?;
        let relations = rows.iter().filter_map(read).collect();
        Ok(Catalog { relations: Mutex::new(relations) })
    }

    /// The relation of this name.
    #[must_use]
    pub fn get(&self, name: &RelationName) -> Option<Relation> {
        self.lock().get(&key(name)).cloned()
    }

    /// Names and kinds of the relations of a schema.
    #[must_use]
    pub fn relations(&self, schema: &str) -> Vec<(RelationName, RelationKind)> {
        let relations = self.lock();
        let within = relations.iter().filter(|((s, _), _)| s == schema);
        within.map(|((_, identifier), relation)| (name_of(schema, identifier), relation.kind)).collect()
    }

    /// Notes that rows were brought into a relation that is there, perhaps with other columns than before.
    pub(super) fn brought_in(&self, name: &RelationName, is_reshaped: bool) {
        if let Some(there) = self.get(name) {
            self.built(name, Built { kind: there.kind, oid: there.oid, definition_hash: None, is_reshaped });
        }
    }

    /// Notes that a relation was built from a definition. Where its columns may be others than before, whatever reads
    /// from it must be built anew.
    pub(super) fn built(&self, name: &RelationName, built: Built) {
        let Built { kind, oid, definition_hash, is_reshaped } = built;
        let mut relations = self.lock();
        let earlier = relations.remove(&key(name));
        if let Some(earlier) = &earlier {
            for reader in relations.values_mut().filter(|reader| reader.inputs.contains(&earlier.oid)) {
                if is_reshaped {
                    reader.definition_hash = None;
                }
                reader.inputs.push(oid);
            }
        }
        let blank = Relation {
            oid,
            kind,
            owner: String::new(),
            acl: Vec::new(),
            comment: None,
            definition_hash: None,
            inputs: Vec::new(),
        };
        relations.insert(key(name), Relation { oid, kind, definition_hash, ..earlier.unwrap_or(blank) });
    }

    /// Forgets a relation that is gone.
    pub fn forget(&self, name: &RelationName) {
        self.lock().remove(&key(name));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Relation>> {
        // Each change is a single insert or remove, so that a panic elsewhere leaves the map whole.
        self.relations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what a run that was killed left behind; names of what was dropped.
    pub async fn sweep(&self, session: &Session) -> Result<Vec<RelationName>> {
        let ends = [FRESH, AWAY, BATCH];
        let is_left_over = |name: &String| ends.iter().any(|end| name.ends_with(end));
        let left: Vec<(RelationName, RelationKind)> = self
            .lock()
            .iter()
            .filter(|((_, identifier), _)| is_left_over(identifier))
            .map(|((schema, identifier), relation)| (name_of(schema, identifier), relation.kind))
            .collect();
        for (name, kind) in &left {
            let relation = crate::warehouse::statement::qualified(&name.schema, &name.identifier);
            let sql = format!("DROP {} IF EXISTS {relation}", super::blocking::ddl_word(*kind));
            session.run(&format!("left-over relation {relation} cannot be dropped"), &sql).await?;
            self.forget(name);
        }
        Ok(left.into_iter().map(|(name, _)| name).collect())
    }
}

fn key(name: &RelationName) -> (String, String) {
    (name.schema.clone(), name.identifier.clone())
}

fn name_of(schema: &str, identifier: &str) -> RelationName {
    RelationName { database: String::new(), schema: schema.into(), identifier: identifier.into() }
}

fn read(row: &Row) -> Option<((String, String), Relation)> {
    let recorded: Option<String> = row.get("definition_hash");
    let relation = Relation {
        oid: row.get("relation_oid"),
        kind: kind_of(row.get("kind"))?,
        owner: row.get("owner"),
        acl: row.get::<_, Option<Vec<String>>>("acl").unwrap_or_default(),
        comment: row.get("comment"),
        definition_hash: recorded.filter(|_| row.get("is_as_recorded")),
        inputs: row.get("inputs"),
    };
    Some(((row.get("schema"), row.get("identifier")), relation))
}

/// A name beside `identifier` that fits into PostgreSQL's 63 bytes; a cut one stays unique by a hash.
pub(super) fn beside(identifier: &str, end: &str) -> String {
    const LONGEST: usize = 63;
    if identifier.len() + end.len() <= LONGEST {
        return format!("{identifier}{end}");
    }
    let hash = &blake3::hash(identifier.as_bytes()).to_hex()[..8];
    let mut cut = LONGEST - end.len() - hash.len() - 1;
    while !identifier.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}_{hash}{end}", &identifier[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_fit_and_stay_apart() {
        assert_eq!(beside("orders", FRESH), "orders__qt_new");
        let (one, two) = (beside(&"é".repeat(31), FRESH), beside(&format!("{}x", "é".repeat(30)), FRESH));
        assert!(one.len() <= 63 && two.len() <= 63 && one != two, "{one} {two}");
        assert!(one.ends_with(FRESH));
    }
}
