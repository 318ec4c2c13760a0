//! What a run publishes of its steps: the view of each relation, with its words.

use super::plan::{Plan, Step, StepKind, published_context};
use crate::error::{Error, Result};
use crate::project::{Context, Project};
use crate::warehouse::Warehouse;
use crate::warehouse::materialize::StoredTable;
use crate::warehouse::publish::{Publication, ViewBody};
use crate::warehouse::runs::Live;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Makes publications; knows what templates see outside a run.
pub struct Publisher<'a> {
    project: &'a Project,
    /// What templates see outside a run.
    pub context: Context,
}

impl<'a> Publisher<'a> {
    /// For the run of this number and instant.
    pub fn new(project: &'a Project, warehouse: &Warehouse, run_id: i64, as_of: DateTime<Utc>) -> Publisher<'a> {
        Publisher { project, context: published_context(project, warehouse, run_id, as_of) }
    }

    /// What is published of the steps that the run has built.
    pub fn all(&self, plan: &Plan, built: &[(String, Option<StoredTable>)]) -> Result<Vec<Publication>> {
        let tables: BTreeMap<&str, Option<&StoredTable>> =
            built.iter().map(|(name, table)| (name.as_str(), table.as_ref())).collect();
        plan.steps
            .iter()
            .filter(|step| step.is_published && tables.contains_key(step.name.as_str()))
            .map(|step| {
                let parent = tables.get(step.name.as_str()).copied().flatten().map(|table| table.parent.clone());
                self.one(step, parent)
            })
            .collect()
    }

    /// Whether the published view of a step shows what the step would publish now, over the rows that it has.
    pub fn is_shown_alike(&self, step: &Step, live: &Live) -> bool {
        let publication = self.one(step, live.parent_relation.clone());
        publication.is_ok_and(|publication| publication.fingerprint() == live.view_fingerprint)
    }

    fn one(&self, step: &Step, parent: Option<String>) -> Result<Publication> {
        let body = match (&step.kind, parent) {
            (StepKind::View, _) => ViewBody::Select { sql: self.project.compile(&step.name, &self.context)? },
            (StepKind::History { keep_days }, Some(table)) => ViewBody::History { table, keep_days: *keep_days },
            (_, Some(parent)) => ViewBody::Pointer { parent },
            (_, None) => return Err(Error::failed(format!("model \"{}\" was not built", step.name))),
        };
        let (description, columns) = match (self.project.models.get(&step.name), self.project.seeds.get(&step.name)) {
            (Some(model), _) => (model.description.clone(), &model.columns[..]),
            (None, Some(seed)) => (seed.description.clone(), &seed.documented[..]),
            (None, None) => (String::new(), &[][..]),
        };
        Ok(Publication {
            relation: self.project.published_name(&step.name),
            model: step.name.clone(),
            materialization: step.kind.name().into(),
            access: step.access,
            body,
            description,
            column_descriptions: columns.iter().map(|c| (c.name.clone(), c.description.clone())).collect(),
        })
    }
}
