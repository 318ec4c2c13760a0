//! What a refreshed model reads, narrowed to the keys that changed: tables by their rows, views over narrowed tables.

use super::super::step::RunContext;
use super::{in_store, key_of};
use crate::error::Result;
use crate::project::{Context, Materialization, RelationName};
use crate::warehouse::materialize::run_relation;
use crate::warehouse::refresh::Narrowed;
use crate::warehouse::runs::Live;
use crate::warehouse::statement::qualified;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What the model reads now, or read before.
#[derive(Clone)]
pub(super) struct Side<'a> {
    pub name: &'static str,
    pub relations: BTreeMap<String, RelationName>,
    pub as_of: DateTime<Utc>,
    /// What was published before, for the side of before.
    pub former: Option<&'a BTreeMap<String, Live>>,
}

/// The narrowed relations of a refresh.
pub(super) struct Narrowing<'a> {
    pub run: &'a RunContext,
    pub step: &'a str,
    pub key: &'a str,
    pub tables: BTreeMap<String, RelationName>,
    pub narrowed: Vec<Narrowed>,
}

impl Narrowing<'_> {
    /// The rows of the changed keys of a keyed table, or of a keyed view over such tables.
    pub fn narrow(&mut self, parent: &str, side: &Side<'_>) -> Result<std::result::Result<RelationName, String>> {
        let store = &self.run.warehouse.schemas.store;
        let model = self.run.project.models.get(parent);
        if model.is_some_and(|m| m.materialization == Materialization::View) {
            let mut relations = side.relations.clone();
            for grandparent in self.run.project.parents(parent) {
                let model = self.run.project.models.get(&grandparent);
                if model.and_then(key_of).is_some_and(|key| key == self.key) {
                    match self.narrow(&grandparent, side)? {
                        Ok(relation) => relations.insert(grandparent, relation),
                        Err(reason) => return Ok(Err(reason)),
                    };
                }
            }
            let select = self.run.project.compile(parent, &Context { relations, ..self.run.context.clone() })?;
            return Ok(Ok(self.add_view(side, &select)));
        }
        let relation = match side.former {
            None => side.relations.get(parent).map(|r| qualified(&r.schema, &r.identifier)),
            Some(live) => {
                let live = live.get(parent).filter(|live| live.parent_relation.is_some());
                live.map(|live| qualified(store, &run_relation(parent, live.run_id)))
            }
        };
        let Some(relation) = relation else {
            return Ok(Err(format!("{parent} is no table of this run or the one before")));
        };
        // A table may be read by several views.
        if let Some(known) = self.tables.get(&relation) {
            return Ok(Ok(known.clone()));
        }
        let table = self.next_name(side);
        let narrowed = in_store(store, table.clone());
        self.tables.insert(relation.clone(), narrowed.clone());
        self.narrowed.push(Narrowed::Table { table, relation });
        Ok(Ok(narrowed))
    }

    pub fn add_view(&mut self, side: &Side<'_>, select: &str) -> RelationName {
        let store = &self.run.warehouse.schemas.store;
        let view = self.next_name(side);
        self.narrowed.push(Narrowed::View { view: view.clone(), select: select.to_owned() });
        in_store(store, view)
    }

    fn next_name(&self, side: &Side<'_>) -> String {
        format!("{}__{}{}", self.step, side.name, self.narrowed.len())
    }
}
