//! What hangs on a relation that is replaced: views are made to read from the new one, nothing is dropped unasked.

use super::session::Session;
use crate::error::{Error, Result};
use crate::project::RelationName;
use crate::warehouse::statement::qualified;
use std::collections::BTreeSet;
use tokio_postgres::types::Type;

/// What hangs on one relation.
#[derive(Debug, Default)]
pub(super) struct Dependents {
    /// Views that read from it directly.
    pub(super) views: Vec<View>,
    /// Foreign keys of other tables that point to it.
    pub(super) foreign_keys: Vec<ForeignKey>,
    /// Descriptions of everything else: it cannot be moved to another relation.
    pub(super) fixed: Vec<String>,
}

/// A view with what is needed to make it anew.
#[derive(Debug)]
pub(super) struct View {
    oid: u32,
    schema: String,
    name: String,
    definition: String,
    options: String,
    rule_xmin: String,
}

/// A foreign key of another table.
#[derive(Debug)]
pub(super) struct ForeignKey {
    /// Its quoted name.
    name: String,
    /// The quoted table that has it.
    table: String,
    definition: String,
}

impl Dependents {
    /// Reads what hangs on a relation, with the views' definitions as they are now.
    pub(super) async fn of(session: &Session, oid: u32) -> Result<Dependents> {
        let sql = include_str!("../sql/in_place_dependents.sql");
        let rows = session.rows("dependents cannot be listed", sql, &[(&oid, Type::OID)]).await?;
        let mut found = Dependents::default();
        for row in rows {
            let text = |column: &str| row.get::<_, Option<String>>(column).unwrap_or_default();
            match row.get::<_, &str>("what") {
                "view" => found.views.push(View {
                    oid: row.get("oid"),
                    schema: text("schema"),
                    name: text("name"),
                    definition: text("definition"),
                    options: text("options"),
                    rule_xmin: text("rule_xmin"),
                }),
                "foreign key" => found.foreign_keys.push(ForeignKey {
                    name: text("name"),
                    table: text("definition"),
                    definition: text("options"),
                }),
                _ => found.fixed.push(text("definition")),
            }
        }
        Ok(found)
    }

    /// Makes the views read from what now has the old relation's name. Those that no longer fit are dropped if they, and
    /// all that reads from them, are among `may_drop`; names of what was dropped. An error names the view in the way.
    pub(super) async fn repoint(
        &self,
        session: &Session,
        replaced: &str,
        may_drop: &BTreeSet<RelationName>,
    ) -> Result<Vec<RelationName>> {
        let mut dropped: Vec<RelationName> = Vec::new();
        for view in &self.views {
            if dropped.iter().any(|name| name.schema == view.schema && name.identifier == view.name) {
                continue;
            }
            session.batch("swap failed", "SAVEPOINT quintile_view").await?;
            match session.run("view cannot be made anew", &view.statement()).await {
                Ok(_) => session.batch("swap failed", "RELEASE SAVEPOINT quintile_view").await?,
                Err(e) if e.is_lock_trouble() || e.sqlstate.is_none() => return Err(e),
                Err(e) => {
                    session.batch("swap failed", "ROLLBACK TO SAVEPOINT quintile_view").await?;
                    dropped.extend(view.give_way(session, replaced, may_drop, e).await?);
                }
            }
        }
        self.remember_rules(session).await?;
        Ok(dropped)
    }

    /// A view of ours that was made anew from its own definition is still the one that was recorded.
    async fn remember_rules(&self, session: &Session) -> Result<()> {
        if self.views.is_empty() {
            return Ok(());
        }
        let oids: Vec<u32> = self.views.iter().map(|view| view.oid).collect();
        let rules: Vec<&str> = self.views.iter().map(|view| view.rule_xmin.as_str()).collect();
        let sql = "UPDATE quintile.in_place_relations AS i SET rule_xmin = r.xmin::text
            FROM unnest($1, $2) AS v (oid, rule_xmin)
            JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = v.oid AND r.rulename = '_RETURN'
            WHERE i.relation_oid = v.oid AND i.rule_xmin = v.rule_xmin";
        session.rows("swap failed", sql, &[(&oids, Type::OID_ARRAY), (&rules, Type::TEXT_ARRAY)]).await?;
        Ok(())
    }

    /// Statements that take the foreign keys off, to run before the old relation is dropped.
    pub(super) fn loosen_keys(&self) -> Vec<String> {
        let loosen = |key: &ForeignKey| format!("ALTER TABLE {} DROP CONSTRAINT {}", key.table, key.name);
        self.foreign_keys.iter().map(loosen).collect()
    }

    /// Statements that point the foreign keys to the new relation. Rows that are there are not checked: that would hold
    /// the lock for as long as the other table is large, and a table that is built later may not have its rows yet.
    pub(super) fn fasten_keys(&self) -> Vec<String> {
        let fasten = |key: &ForeignKey| {
            let definition = key.definition.trim_end_matches(" NOT VALID");
            format!("ALTER TABLE {} ADD CONSTRAINT {} {definition} NOT VALID", key.table, key.name)
        };
        self.foreign_keys.iter().map(fasten).collect()
    }

    /// What the user should know about the foreign keys.
    pub(super) fn notes(&self) -> Vec<String> {
        let note =
            |key: &ForeignKey| format!("foreign key {} of {} is kept without a check of its rows", key.name, key.table);
        self.foreign_keys.iter().map(note).collect()
    }
}

impl View {
    fn statement(&self) -> String {
        let options = if self.options.is_empty() { String::new() } else { format!(" WITH ({})", self.options) };
        format!(
            "CREATE OR REPLACE VIEW {}{options} AS {}",
            qualified(&self.schema, &self.name),
            self.definition.trim_end().trim_end_matches(';')
        )
    }

    /// Drops the view with what reads from it, if all of that will be built again.
    async fn give_way(
        &self,
        session: &Session,
        replaced: &str,
        may_drop: &BTreeSet<RelationName>,
        error: Error,
    ) -> Result<Vec<RelationName>> {
        let sql = include_str!("../sql/in_place_readers.sql");
        let rows = session.rows("dependents cannot be listed", sql, &[(&self.oid, Type::OID)]).await?;
        let all: Vec<(RelationName, String)> = rows
            .iter()
            .map(|row| {
                let name = RelationName { schema: row.get(0), identifier: row.get(1), ..RelationName::default() };
                (name, row.get(2))
            })
            .collect();
        let is_ours =
            |name: &RelationName| may_drop.iter().any(|m| m.schema == name.schema && m.identifier == name.identifier);
        if let Some((stranger, _)) = all.iter().find(|(name, _)| !is_ours(name)) {
            let view = qualified(&stranger.schema, &stranger.identifier);
            let reason = error.message.rsplit_once(": ").map_or(error.message.as_str(), |(_, reason)| reason);
            let mut told = Error::failed(format!("view {view} stands in the way of the new {replaced}"))
                .detail(format!("It does not fit the new columns: {reason}. Nothing was changed."))
                .hint(format!(
                    "change or drop the view (DROP VIEW {view}), or keep the columns it reads from in the model"
                ));
            told.sqlstate = error.sqlstate;
            return Err(told);
        }
        for (name, kind) in all.iter().rev() {
            let relation = qualified(&name.schema, &name.identifier);
            session.run("swap failed", &format!("DROP {kind} IF EXISTS {relation}")).await?;
        }
        Ok(all.into_iter().map(|(name, _)| name).collect())
    }
}

/// The error for what cannot be moved to another relation.
pub(super) fn in_the_way(replaced: &str, fixed: &[String]) -> Error {
    Error::failed(format!("{} stands in the way of the new {replaced}", fixed[0]))
        .detail(format!(
            "It is bound to the relation that is there, whose columns are not those of the new one. In the way: {}. \
             Nothing was changed.",
            fixed.join(", ")
        ))
        .hint("drop it, run again, and create it anew; while the columns stay the same it is not in the way")
}
