//! Tables: filled, constrained, indexed and analysed beside the old one, then swapped in.

use super::catalog::{Built, Catalog, FRESH, beside};
use super::contract::Contract;
use super::index::{self, Index};
use super::session::Session;
use super::swap::{Swapped, swap};
use crate::error::Result;
use crate::project::{RelationKind, RelationName, quote_literal};
use crate::warehouse::statement::qualified;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_postgres::types::Type;

/// A table to build.
#[derive(Clone, Debug, Default)]
pub struct TableDefinition {
    /// Where it goes.
    pub name: RelationName,
    /// Its SELECT, one statement.
    pub select: String,
    /// dbt's `sql_header`: statements before the one that builds.
    pub header: Option<String>,
    /// Whether it is lost when the server crashes, and cheaper to fill.
    pub is_unlogged: bool,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Its enforced contract.
    pub contract: Option<Contract>,
    /// Relations that this run builds again later, and that may be dropped where they no longer fit.
    pub may_drop: Arc<BTreeSet<RelationName>>,
}

/// What a build did to a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It took the place of another.
    Replaced,
    /// Rows were added, changed or removed.
    Updated,
    /// It is what it was; nothing was done.
    Unchanged,
}

/// What a build did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// To the relation.
    pub change: Change,
    /// Rows that were written, where the server counted them.
    pub rows: Option<u64>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// Relations of `may_drop` that no longer fitted and were dropped.
    pub dropped: Vec<RelationName>,
}

impl Outcome {
    pub(super) fn of(change: Change) -> Outcome {
        Outcome { change, rows: None, notes: Vec::new(), dropped: Vec::new() }
    }
}

/// Builds the table and swaps it in. With a transaction open at the start (an in-transaction pre-hook) all of it
/// happens there; else the filling commits on its own, beside the old table, and only the swap is a transaction. Either
/// way the transaction is left open for hooks, and the caller commits.
pub async fn build(session: &Session, catalog: &Catalog, table: &TableDefinition) -> Result<Outcome> {
    let rows = fill(session, table).await?;
    swap_in(session, catalog, &table.name, &table.may_drop, rows).await
}

/// Makes the table beside its name, ready to be swapped in; the count of its rows.
pub async fn fill(session: &Session, table: &TableDefinition) -> Result<u64> {
    let relation = qualified(&table.name.schema, &table.name.identifier);
    let doing = format!("table {relation} cannot be built");
    if let Some(contract) = &table.contract {
        super::contract::check(session, &relation, contract, &table.select).await?;
    }
    let fresh = qualified(&table.name.schema, &beside(&table.name.identifier, FRESH));
    drop_table(session, &doing, &fresh).await?;
    if let Some(header) = &table.header {
        session.execute(header).await?;
    }
    let rows = match &table.contract {
        None => create_as(session, &doing, &fresh, table.is_unlogged, &table.select).await?,
        Some(contract) => {
            let word = create_word(table.is_unlogged);
            let create = format!("{word} {fresh} (\n    {}\n)", contract.table_definition());
            session.run(&doing, &create).await?;
            let columns = contract.column_list();
            let before = format!("INSERT INTO {fresh} ({columns})\nSELECT {columns} FROM (\n");
            session.run_around(&doing, &before, &table.select, "\n) AS model").await?
        }
    };
    index::create_beside(session, &table.name, &table.indexes).await?;
    for key in table.contract.iter().flat_map(Contract::foreign_keys) {
        session.run(&doing, &format!("ALTER TABLE {fresh} {key}")).await?;
    }
    session.run(&doing, &format!("ANALYZE {fresh}")).await?;
    Ok(rows)
}

/// `CREATE TABLE ... AS`; the count of its rows.
pub(super) async fn create_as(
    session: &Session,
    doing: &str,
    table: &str,
    is_unlogged: bool,
    select: &str,
) -> Result<u64> {
    // The line ends before the SELECT and after it: it may begin with a comment, and end with one.
    let before = format!("{} {table} AS (\n", create_word(is_unlogged));
    session.run_around(doing, &before, select, "\n)").await
}

fn create_word(is_unlogged: bool) -> &'static str {
    if is_unlogged { "CREATE UNLOGGED TABLE" } else { "CREATE TABLE" }
}

/// Drops a table of ours by its quoted name. Looks first: `IF EXISTS` tells the client of every table that is missing.
pub(super) async fn drop_table(session: &Session, doing: &str, table: &str) -> Result<()> {
    let there = format!("SELECT 1 WHERE pg_catalog.to_regclass({}) IS NOT NULL", quote_literal(table));
    if session.rows(doing, &there, &[]).await?.is_empty() {
        return Ok(());
    }
    session.run(doing, &format!("DROP TABLE {table}")).await.map(|_| ())
}

/// Swaps in what [`fill`] made. The transaction is left open.
pub async fn swap_in(
    session: &Session,
    catalog: &Catalog,
    name: &RelationName,
    may_drop: &BTreeSet<RelationName>,
    rows: u64,
) -> Result<Outcome> {
    let swapped = swap(session, name, may_drop).await?;
    note_table(session, catalog, name, &swapped).await?;
    let change = if swapped.is_replacement { Change::Replaced } else { Change::Created };
    Ok(Outcome { change, rows: Some(rows), notes: swapped.notes, dropped: swapped.dropped })
}

/// The catalogue learns the number of the table that is there now.
pub(super) async fn note_table(
    session: &Session,
    catalog: &Catalog,
    name: &RelationName,
    swapped: &Swapped,
) -> Result<()> {
    let relation = qualified(&name.schema, &name.identifier);
    let sql = "SELECT pg_catalog.to_regclass($1)::oid";
    let rows = session.rows("table cannot be found", sql, &[(&relation, Type::TEXT)]).await?;
    if let Some(oid) = rows.first().and_then(|row| row.get::<_, Option<u32>>(0)) {
        let is_reshaped = swapped.is_reshaped;
        catalog.built(name, Built { kind: RelationKind::Table, oid, definition_hash: None, is_reshaped });
    }
    forget_dropped(catalog, &swapped.dropped);
    Ok(())
}

pub(super) fn forget_dropped(catalog: &Catalog, dropped: &[RelationName]) {
    dropped.iter().for_each(|name| catalog.forget(name));
}
