//! A finished relation takes the place of another in one short transaction; readers see the old one or the new one.
//!
//! Owner, rights, comments, views on top and foreign keys of others go over to the new relation. What cannot go over
//! (a materialized view, a policy, a publication) keeps the old table: its rows are exchanged instead.

use super::blocking::ddl_word;
use super::catalog::{AWAY, FRESH, beside};
use super::dependents::{Dependents, in_the_way};
use super::patience::Patience;
use super::session::Session;
use super::shape::kind_of;
use crate::error::{Error, Result};
use crate::project::{RelationKind, RelationName, quote_identifier};
use crate::warehouse::statement::qualified;
use std::collections::BTreeSet;
use tokio_postgres::types::Type;

/// What a swap did.
#[derive(Debug, Default)]
pub(super) struct Swapped {
    /// Whether a relation was there before.
    pub(super) is_replacement: bool,
    /// Whether readers may find other columns than before.
    pub(super) is_reshaped: bool,
    /// Relations that were dropped because they no longer fit and will be built again.
    pub(super) dropped: Vec<RelationName>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

/// The two relations of a swap, as the catalogue has them.
struct Facts {
    old: Option<(u32, RelationKind)>,
    fresh_kind: RelationKind,
    is_same_shape: bool,
    carry_over: Vec<String>,
}

/// Puts the finished relation beside `name` in its place. The transaction stays open: what the caller adds becomes
/// visible together with the new relation.
pub(super) async fn swap(session: &Session, name: &RelationName, may_drop: &BTreeSet<RelationName>) -> Result<Swapped> {
    let mut patience = Patience::new(session, &name.identifier);
    loop {
        patience.begin(session).await?;
        match try_swap(session, name, may_drop).await {
            Ok(swapped) => {
                patience.done(session).await?;
                return Ok(swapped);
            }
            Err(e) => patience.again(session, e).await?,
        }
    }
}

async fn try_swap(session: &Session, name: &RelationName, may_drop: &BTreeSet<RelationName>) -> Result<Swapped> {
    let relation = qualified(&name.schema, &name.identifier);
    let doing = format!("relation {relation} cannot be replaced");
    let facts = facts(session, name, &doing).await?;
    let (fresh, away) = (beside(&name.identifier, FRESH), beside(&name.identifier, AWAY));
    let rename = |from: &str, to: &str, kind| {
        format!("ALTER {} {} RENAME TO {}", ddl_word(kind), qualified(&name.schema, from), quote_identifier(to))
    };
    let Some((old_oid, old_kind)) = facts.old else {
        session.run(&doing, &rename(&fresh, &name.identifier, facts.fresh_kind)).await?;
        settle_names(session, name, &doing).await?;
        return Ok(Swapped::default());
    };
    let dependents = Dependents::of(session, old_oid).await?;
    if !dependents.fixed.is_empty() {
        let are_tables = old_kind == RelationKind::Table && facts.fresh_kind == RelationKind::Table;
        if !(are_tables && facts.is_same_shape) {
            return Err(in_the_way(&relation, &dependents.fixed));
        }
        exchange_rows(session, name, &doing).await?;
        let note = format!("rows of {relation} were exchanged in place, because {} needs it", dependents.fixed[0]);
        return Ok(Swapped { is_replacement: true, notes: vec![note], ..Swapped::default() });
    }
    let mut statements = dependents.loosen_keys();
    statements.push(rename(&name.identifier, &away, old_kind));
    statements.push(rename(&fresh, &name.identifier, facts.fresh_kind));
    statements.extend(facts.carry_over);
    session.batch(&doing, &statements.join(";\n")).await?;
    let dropped = dependents.repoint(session, &relation, may_drop).await?;
    let mut statements = vec![format!("DROP {} {}", ddl_word(old_kind), qualified(&name.schema, &away))];
    statements.extend(dependents.fasten_keys());
    session.batch(&doing, &statements.join(";\n")).await?;
    settle_names(session, name, &doing).await?;
    let notes = dependents.notes();
    Ok(Swapped { is_replacement: true, is_reshaped: !facts.is_same_shape, dropped, notes })
}

async fn facts(session: &Session, name: &RelationName, doing: &str) -> Result<Facts> {
    let fresh = beside(&name.identifier, FRESH);
    let sql = include_str!("../sql/in_place_swap_facts.sql");
    let rows = session
        .rows(doing, sql, &[(&name.schema, Type::TEXT), (&name.identifier, Type::TEXT), (&fresh, Type::TEXT)])
        .await?;
    let missing = || Error::failed(format!("{doing}: the finished relation \"{fresh}\" is gone"));
    let row = rows.first().ok_or_else(missing)?;
    let old_kind = row.get::<_, Option<&str>>("old_kind").and_then(kind_of);
    Ok(Facts {
        old: row.get::<_, Option<u32>>("old_oid").zip(old_kind),
        fresh_kind: kind_of(row.get("fresh_kind")).ok_or_else(missing)?,
        is_same_shape: row.get("is_same_shape"),
        carry_over: row.get("carry_over"),
    })
}

/// The rows of the finished table into the one that stays. Readers see the old rows until the commit.
async fn exchange_rows(session: &Session, name: &RelationName, doing: &str) -> Result<()> {
    let relation = qualified(&name.schema, &name.identifier);
    let fresh = qualified(&name.schema, &beside(&name.identifier, FRESH));
    let statements = [
        format!("DELETE FROM {relation}"),
        format!("INSERT INTO {relation} TABLE {fresh}"),
        format!("DROP TABLE {fresh}"),
    ];
    session.batch(doing, &statements.join(";\n")).await
}

/// Indexes and constraints were made under names beside the old relation's; now those are free.
async fn settle_names(session: &Session, name: &RelationName, doing: &str) -> Result<()> {
    let sql = include_str!("../sql/in_place_settle_names.sql");
    let rows = session
        .rows(doing, sql, &[(&name.schema, Type::TEXT), (&name.identifier, Type::TEXT), (&FRESH, Type::TEXT)])
        .await?;
    let statements: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    if statements.is_empty() {
        return Ok(());
    }
    session.batch(doing, &statements.join(";\n")).await
}
