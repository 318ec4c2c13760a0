//! Snapshots: the history of a SELECT's rows (slowly changing dimension, type 2), with dbt's columns and row ids.
//!
//! The SELECT runs once, into a table of its own; closing old versions and adding new ones is one statement.

use super::batch;
use super::catalog::Catalog;
use super::patience::Patience;
use super::schema_change::{OnSchemaChange, reconcile};
use super::session::Session;
use super::shape::typed_columns;
use super::table::{self, Change, Outcome, TableDefinition};
use crate::error::{Error, Result};
use crate::project::{RelationKind, quote_identifier};
use crate::warehouse::statement::qualified;

/// The instant of a change that carries none of its own, the same in all statements of a transaction.
const NOW: &str = "now()::timestamp without time zone";

/// How a changed row is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotStrategy {
    /// By a column that tells when the row was changed.
    Timestamp {
        /// The column, or an expression over the SELECT's columns.
        updated_at: String,
    },
    /// By comparing columns.
    Check {
        /// The columns; none for all.
        columns: Option<Vec<String>>,
        /// When the row was changed; none for the instant of the snapshot.
        updated_at: Option<String>,
    },
}

/// What becomes of rows that the SELECT no longer returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HardDeletes {
    /// Nothing.
    #[default]
    Ignore,
    /// Their last version is closed.
    Invalidate,
    /// It is closed, and a version that says so is added.
    NewRecord,
}

/// Names of the columns that a snapshot adds (`snapshot_meta_column_names`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaColumns {
    /// Id of the version.
    pub scd_id: String,
    /// When its row was changed.
    pub updated_at: String,
    /// From when it held.
    pub valid_from: String,
    /// Until when; null, or `dbt_valid_to_current`, while it holds.
    pub valid_to: String,
    /// `True` for the version that records a deletion; there with [`HardDeletes::NewRecord`] only.
    pub is_deleted: String,
}

impl Default for MetaColumns {
    fn default() -> Self {
        MetaColumns {
            scd_id: "dbt_scd_id".into(),
            updated_at: "dbt_updated_at".into(),
            valid_from: "dbt_valid_from".into(),
            valid_to: "dbt_valid_to".into(),
            is_deleted: "dbt_is_deleted".into(),
        }
    }
}

/// A snapshot to take.
#[derive(Clone, Debug)]
pub struct SnapshotDefinition {
    /// The table and the SELECT.
    pub table: TableDefinition,
    /// How a changed row is told.
    pub strategy: SnapshotStrategy,
    /// Columns or expressions that tell rows apart; at least one.
    pub unique_key: Vec<String>,
    /// What becomes of rows that are gone.
    pub hard_deletes: HardDeletes,
    /// An expression that stands for "still holds" instead of null.
    pub valid_to_current: Option<String>,
    /// Names of the added columns.
    pub columns: MetaColumns,
}

/// Takes the snapshot. The transaction is left open.
pub async fn build(session: &Session, catalog: &Catalog, snapshot: &SnapshotDefinition) -> Result<Outcome> {
    let name = &snapshot.table.name;
    let relation = qualified(&name.schema, &name.identifier);
    let doing = format!("snapshot {relation} cannot be taken");
    match catalog.get(name).map(|there| there.kind) {
        None => {
            let select = snapshot.first_select();
            let first = TableDefinition { select, ..snapshot.table.clone() };
            return table::build(session, catalog, &first).await;
        }
        Some(RelationKind::Table) => {}
        Some(kind) => {
            return Err(Error::failed(format!("{doing}: a {} has its name", kind.as_str().replace('_', " ")))
                .hint("rename the snapshot, or drop that relation"));
        }
    }
    let batch_name = batch::fill(session, &doing, name, &snapshot.table).await?;
    let mut patience = Patience::new(session, &name.identifier);
    loop {
        patience.begin(session).await?;
        match bring_in(session, snapshot, &doing, &batch_name).await {
            Ok((rows, is_reshaped)) => {
                patience.done(session).await?;
                catalog.brought_in(name, is_reshaped);
                return Ok(Outcome { rows: Some(rows), ..Outcome::of(Change::Updated) });
            }
            Err(e) => patience.again(session, e).await?,
        }
    }
}

async fn bring_in(
    session: &Session,
    snapshot: &SnapshotDefinition,
    doing: &str,
    batch_name: &str,
) -> Result<(u64, bool)> {
    let name = &snapshot.table.name;
    let names = |columns: Vec<super::shape::TypedColumn>| columns.into_iter().map(|c| c.name).collect::<Vec<String>>();
    let target = names(typed_columns(session, &name.schema, &name.identifier).await?);
    snapshot.check_target(doing, &target)?;
    let source = names(typed_columns(session, &name.schema, batch_name).await?);
    let changed = snapshot.row_changed(&source, &target);
    let (columns, is_reshaped) = reconcile(session, name, batch_name, OnSchemaChange::AppendNewColumns).await?;
    let batch = qualified(&name.schema, batch_name);
    let statement = snapshot.statement(&batch, &columns, &changed);
    let rows = session.run(doing, &statement).await?;
    session.run(doing, &format!("DROP TABLE {batch}")).await?;
    Ok((rows, is_reshaped))
}

impl SnapshotDefinition {
    fn updated_at(&self) -> &str {
        match &self.strategy {
            SnapshotStrategy::Timestamp { updated_at } => updated_at,
            SnapshotStrategy::Check { updated_at, .. } => updated_at.as_deref().unwrap_or(NOW),
        }
    }

    /// The id of a version: dbt's text, so that a table that dbt began is carried on.
    fn scd_id(&self) -> String {
        let parts: Vec<&str> = self.unique_key.iter().map(String::as_str).chain([self.updated_at()]).collect();
        hash_of(&parts)
    }

    fn valid_to(&self, updated_at: &str) -> String {
        // The null has the type of the change's instant.
        let current = self.valid_to_current.as_deref().unwrap_or("NULL");
        format!("COALESCE(NULLIF({updated_at}, {updated_at}), {current})")
    }

    fn first_select(&self) -> String {
        let c = self.quoted();
        let updated_at = self.updated_at();
        let deleted = match self.hard_deletes {
            HardDeletes::NewRecord => format!(",\n    'False' AS {}", c.is_deleted),
            _ => String::new(),
        };
        format!(
            "SELECT *,\n    {} AS {},\n    {updated_at} AS {},\n    {updated_at} AS {},\n    {} AS {}{deleted}\nFROM (\n{}\n) AS source",
            self.scd_id(),
            c.scd_id,
            c.updated_at,
            c.valid_from,
            self.valid_to(updated_at),
            c.valid_to,
            self.table.select
        )
    }

    fn quoted(&self) -> MetaColumns {
        let quoted = |name: &str| quote_identifier(&name.to_lowercase());
        MetaColumns {
            scd_id: quoted(&self.columns.scd_id),
            updated_at: quoted(&self.columns.updated_at),
            valid_from: quoted(&self.columns.valid_from),
            valid_to: quoted(&self.columns.valid_to),
            is_deleted: quoted(&self.columns.is_deleted),
        }
    }

    fn check_target(&self, doing: &str, target: &[String]) -> Result<()> {
        let c = &self.columns;
        let mut needed = vec![&c.scd_id, &c.updated_at, &c.valid_from, &c.valid_to];
        if self.hard_deletes == HardDeletes::NewRecord {
            needed.push(&c.is_deleted);
        }
        let missing: Vec<String> =
            needed.into_iter().filter(|n| !target.contains(&n.to_lowercase())).map(|n| format!("\"{n}\"")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::failed(format!("{doing}: the table is no snapshot of this configuration"))
            .detail(format!("It lacks {}.", missing.join(", ")))
            .hint("add the columns, or correct snapshot_meta_column_names and hard_deletes"))
    }

    /// The condition under which `n`, the row now, differs from `o`, its version that still holds.
    fn row_changed(&self, source: &[String], target: &[String]) -> String {
        let columns = match &self.strategy {
            SnapshotStrategy::Timestamp { .. } => {
                return format!("o.{} < n.qt_updated_at", self.quoted().valid_from);
            }
            SnapshotStrategy::Check { columns: None, .. } => source.to_vec(),
            SnapshotStrategy::Check { columns: Some(chosen), .. } => chosen.iter().map(|c| plain(c, source)).collect(),
        };
        if columns.iter().any(|column| !target.contains(column)) {
            return "TRUE".into();
        }
        let differs = columns.iter().map(|c| {
            let column = quote_identifier(c);
            format!("o.{column} IS DISTINCT FROM n.{column}")
        });
        let all = differs.collect::<Vec<_>>().join(" OR ");
        if all.is_empty() { "FALSE".into() } else { all }
    }

    fn statement(&self, batch: &str, columns: &[String], changed: &str) -> String {
        let c = self.quoted();
        let target = qualified(&self.table.name.schema, &self.table.name.identifier);
        let keys = |prefix: &str| {
            let numbered = self.unique_key.iter().enumerate();
            numbered.map(|(n, key)| format!(", {key} AS {prefix}{n}")).collect::<String>()
        };
        let same_key = (0..self.unique_key.len()).map(|n| format!("o.qt_key_{n} = n.qt_key_{n}"));
        let same_key = same_key.collect::<Vec<_>>().join(" AND ");
        let holds = |row: &str| match &self.valid_to_current {
            Some(current) => format!("({row}{0} = {current} OR {row}{0} IS NULL)", c.valid_to),
            None => format!("{row}{} IS NULL", c.valid_to),
        };
        let is_record = self.hard_deletes == HardDeletes::NewRecord;
        let changed = match is_record {
            true => format!("({changed} OR o.{} = 'True')", c.is_deleted),
            false => format!("({changed})"),
        };
        let (updated_at, list) = (self.updated_at(), columns.join(", "));
        let of = |row: &str| columns.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
        let (deleted_column, not_deleted) = match is_record {
            true => (format!(", {}", c.is_deleted), ", 'False'"),
            false => (String::new(), ""),
        };
        let gone = match is_record {
            true => format!("n.qt_key_0 IS NULL AND o.{} IS DISTINCT FROM 'True'", c.is_deleted),
            false => "n.qt_key_0 IS NULL".into(),
        };
        let closes_gone = match self.hard_deletes {
            HardDeletes::Ignore => String::new(),
            _ => format!(
                "\n    UNION ALL\n    SELECT o.{}, {NOW} FROM o LEFT JOIN n ON {same_key} WHERE {gone}",
                c.scd_id
            ),
        };
        let adds_gone = match is_record {
            true => format!(
                "\nUNION ALL\nSELECT {}, {}, {NOW}, {NOW}, o.{}, 'True'\nFROM o LEFT JOIN n ON {same_key} WHERE {gone}",
                of("o"),
                hash_of(&[&format!("o.{}", c.scd_id), NOW]),
                c.valid_to
            ),
            false => String::new(),
        };
        format!(
            "WITH o AS (\n    SELECT *{open_keys} FROM {target} WHERE {open}\n),\nn AS (\n    \
             SELECT *{new_keys}, {updated_at} AS qt_updated_at, {scd_id} AS qt_scd_id FROM {batch}\n),\n\
             closing (scd_id, valid_to) AS (\n    \
             SELECT o.{scd}, n.qt_updated_at FROM n JOIN o ON {same_key} WHERE {changed}{closes_gone}\n),\n\
             closed AS (\n    UPDATE {target} AS t SET {valid_to} = closing.valid_to FROM closing\n    \
             WHERE t.{scd} = closing.scd_id AND {still_open}\n)\n\
             INSERT INTO {target} ({list}, {scd}, {updated}, {valid_from}, {valid_to}{deleted_column})\n\
             SELECT {new_columns}, n.qt_scd_id, n.qt_updated_at, n.qt_updated_at, {new_valid_to}{not_deleted}\n\
             FROM n LEFT JOIN o ON {same_key} WHERE o.qt_key_0 IS NULL OR {changed}{adds_gone}",
            open_keys = keys("qt_key_"),
            new_keys = keys("qt_key_"),
            open = holds(""),
            still_open = holds("t."),
            scd_id = self.scd_id(),
            scd = c.scd_id,
            updated = c.updated_at,
            valid_from = c.valid_from,
            valid_to = c.valid_to,
            new_columns = of("n"),
            new_valid_to = self.valid_to("n.qt_updated_at"),
        )
    }
}

/// `md5` over the parts as dbt puts them together.
fn hash_of(parts: &[&str]) -> String {
    let texts: Vec<String> = parts.iter().map(|part| format!("COALESCE(CAST({part} AS varchar), '')")).collect();
    format!("md5({})", texts.join(" || '|' || "))
}

/// A column as it is written, or as PostgreSQL folds it.
fn plain(column: &str, source: &[String]) -> String {
    let bare = column.trim().trim_matches('"').to_owned();
    if source.contains(&bare) { bare } else { bare.to_lowercase() }
}
