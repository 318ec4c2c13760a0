//! The rows of a load beside those that are there: what is new, what changed, what is the same.
//!
//! The unit is an order, a customer, a product, a campaign, a member of a campaign. A unit with any difference is
//! replaced as a whole, so that its `load_id` tells that it changed; an equal one is not touched. The tables that this
//! needs are ordinary ones, made and dropped in the load's transaction: a pooler may lend us any connection.

use super::connect::{Client, Parameter};
use super::entity::Entity;
use super::fault::fault;
use super::load_record::{LoadCounts, LoadedFile};
use super::statement::{fill, splice};
use crate::config::Schemas;
use crate::crash_point;
use crate::error::Result;

/// How the rows of a load relate to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// The database has to number the lines of orders.
    pub(super) is_scattered: bool,
    /// Two rows may have the same key.
    pub(super) may_conflict: bool,
    /// The rows come after the rest of their file: they join what is there, and nothing vanishes.
    pub(super) is_late: bool,
}

/// The tables of one load.
pub(super) struct Stage<'a> {
    client: &'a Client,
    schemas: &'a Schemas,
    entity: Entity,
    load_id: i64,
}

impl<'a> Stage<'a> {
    pub(super) fn new(client: &'a Client, schemas: &'a Schemas, entity: Entity, load_id: i64) -> Stage<'a> {
        Stage { client, schemas, entity, load_id }
    }

    /// Name of the table that takes the rows.
    pub(super) fn name(load_id: i64) -> String {
        format!("load_{load_id}")
    }

    /// Makes the table that takes the rows.
    pub(super) async fn create(&self) -> Result<()> {
        self.run(include_str!("sql/load_create_stage.sql"), &[]).await.map(drop)
    }

    /// Brings the table up to what the stage holds. Counts everything but the rows read and those rejected before.
    pub(super) async fn settle(&self, file: &LoadedFile, manner: Manner) -> Result<LoadCounts> {
        let mut counts = LoadCounts { load_id: self.load_id, ..LoadCounts::default() };
        let source = &file.source;
        if manner.is_late && self.entity == Entity::Orders && !manner.may_conflict {
            self.run(include_str!("sql/load_append_lines.sql"), &[source]).await?;
        } else if manner.is_scattered && !manner.may_conflict {
            self.run(include_str!("sql/load_number_lines.sql"), &[]).await?;
        }
        if manner.may_conflict {
            let key = self.entity.key().join(" and ");
            let values: [&dyn Parameter; 4] = [source, &file.file_name, &self.load_id, &key];
            counts.rows_rejected = self.run(include_str!("sql/load_reject_conflicts.sql"), &values).await?;
            counts.rows_duplicate = self.run(include_str!("sql/load_drop_duplicates.sql"), &[]).await?;
        }
        if manner.is_late {
            self.run(include_str!("sql/load_complete_units.sql"), &[source, &self.load_id]).await?;
        }
        crash_point::reach("load: rows staged").await?;
        // Without it the server takes every large load for a small one.
        self.run("ANALYZE {raw}.{stage} ([key])", &[]).await?;
        self.run(include_str!("sql/load_compare.sql"), &[]).await?;
        let counted = self.statement(include_str!("sql/load_count_units.sql"));
        let row = self.client.query_one(&counted, &[]).await.map_err(|e| self.told(&e))?;
        let (new, updated, unchanged): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        counts.rows_loaded = new + updated;
        counts.rows_updated = updated;
        counts.rows_unchanged = unchanged + counts.rows_duplicate;
        crash_point::reach("load: rows compared").await?;
        if updated > 0 {
            self.run(include_str!("sql/load_delete_updated.sql"), &[source]).await?;
        }
        if new + updated > 0 {
            self.run(include_str!("sql/load_insert_staged.sql"), &[]).await?;
        }
        if !manner.is_late {
            counts.rows_removed = self.remove_vanished(file).await?;
        }
        crash_point::reach("load: rows settled").await?;
        self.run(include_str!("sql/load_drop_stage.sql"), &[]).await?;
        Ok(counts)
    }

    /// Takes out the units that former loads of the file wrote and that it holds no more.
    async fn remove_vanished(&self, file: &LoadedFile) -> Result<i64> {
        let asked = self.statement(include_str!("sql/load_find_former.sql"));
        let rows = self.client.query(&asked, &[&file.source, &file.file_name]).await.map_err(|e| self.told(&e))?;
        let former: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        if former.is_empty() {
            return Ok(0);
        }
        self.run(include_str!("sql/load_delete_vanished.sql"), &[&file.source, &former]).await
    }

    async fn run(&self, template: &str, values: &[&dyn Parameter]) -> Result<i64> {
        let rows = self.client.execute(&self.statement(template), values).await.map_err(|e| self.told(&e))?;
        Ok(i64::try_from(rows).unwrap_or(i64::MAX))
    }

    fn told(&self, error: &tokio_postgres::Error) -> crate::error::Error {
        fault(&format!("rows cannot be brought into table \"{}\"", self.entity.table()), error)
    }

    /// The statement for this load's tables and the columns of its entity.
    fn statement(&self, template: &str) -> String {
        let (stage, units) = (Stage::name(self.load_id), format!("load_{}_units", self.load_id));
        let names =
            [("raw", self.schemas.raw.as_str()), ("table", self.entity.table()), ("stage", &stage), ("units", &units)];
        let all: Vec<&str> = self.entity.columns().iter().map(|column| column.name).collect();
        let (unit, key) = (self.entity.unit(), self.entity.key());
        let values: Vec<&str> = all.iter().filter(|name| !key.contains(name)).copied().collect();
        let of = |table: &str, columns: &[&str]| {
            columns.iter().map(|name| format!("{table}.{name}")).collect::<Vec<_>>().join(", ")
        };
        let coalesced: Vec<String> =
            unit.iter().map(|name| format!("COALESCE(s.{name}, t.{name}) AS {name}")).collect();
        let equal: Vec<String> = key.iter().map(|name| format!("t.{name} = s.{name}")).collect();
        let parts = [
            ("columns", all.join(", ")),
            ("s.columns", of("s", &all)),
            ("unit", unit.join(", ")),
            ("o.unit", of("o", unit)),
            ("s.unit", of("s", unit)),
            ("t.unit", of("t", unit)),
            ("u.unit", of("u", unit)),
            ("coalesced unit", coalesced.join(", ")),
            ("key", key.join(", ")),
            ("s.key", of("s", key)),
            ("r.key", of("r", key)),
            ("keys equal", equal.join(" AND ")),
            ("values", values.join(", ")),
            ("s.values", of("s", &values)),
            ("t.values", of("t", &values)),
        ];
        let parts: Vec<(&str, &str)> = parts.iter().map(|(name, part)| (*name, part.as_str())).collect();
        splice(&fill(template, &names), &parts)
    }
}
