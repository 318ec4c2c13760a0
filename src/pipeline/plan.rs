//! The plan of a run: which models and seeds are built, in which order, and what every `ref()` stands for.

use super::carry::Decision;
use super::spec::{self, Judging};
use crate::analytics::cluster::ClusterSpec;
use crate::analytics::ltv::LtvSpec;
use crate::error::{Error, Result};
use crate::project::{Access, Context, Materialization, Model, Project, RelationName};
use crate::warehouse::Warehouse;
use crate::warehouse::history::whole_relation;
use crate::warehouse::in_place::Limits;
use crate::warehouse::materialize::{Index, run_relation};
use crate::warehouse::runs::Live;
use crate::warehouse::sources::SourceTable;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One model or seed to build.
#[derive(Clone, Debug)]
pub struct Step {
    /// Name of the model or seed.
    pub name: String,
    /// What is done.
    pub kind: StepKind,
    /// Whether its pointer moves; helper views of a partial run have none.
    pub is_published: bool,
    /// Who may read it.
    pub access: Access,
    /// Indexes of its table.
    pub indexes: Vec<Index>,
    /// Steps that must be done before.
    pub parents: Vec<String>,
    /// See [`Project::fingerprint`].
    pub fingerprint: String,
    /// Sources that its SELECT names.
    pub sources: Vec<SourceTable>,
    /// Whether it compares with what was published before the run.
    pub is_comparing: bool,
    /// How long its statements may take.
    pub limits: Limits,
}

/// What is done with the rows; one variant a materialization, and seeds.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// COPY the file.
    Seed,
    /// CREATE VIEW.
    View,
    /// CREATE TABLE AS.
    Table,
    /// Fetch features, cluster, write back.
    Cluster {
        /// Key column.
        key: String,
        /// How.
        spec: ClusterSpec,
        /// Days for which customers are assigned to the clusters there are; 0 fits in every run.
        refit_days: u32,
    },
    /// Fetch histories, fit, predict, write back.
    Ltv {
        /// Key column.
        key: String,
        /// How.
        spec: LtvSpec,
        /// How estimators are judged.
        judging: Judging,
    },
    /// CREATE TABLE AS of the run's events; the publish adds them to those of earlier runs.
    History {
        /// Days after which rows may go.
        keep_days: Option<i32>,
    },
}

impl StepKind {
    /// The word for ledgers and lists.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            StepKind::Seed => "seed",
            StepKind::View => "view",
            StepKind::Table => "table",
            StepKind::Cluster { .. } => "cluster",
            StepKind::Ltv { .. } => "ltv",
            StepKind::History { .. } => "history",
        }
    }

    /// Whether the result is a table with rows of its own.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        !matches!(self, StepKind::View)
    }
}

/// All steps of a run, in an order in which each comes after its parents.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Plans a run of the selected names.
    ///
    /// A view costs nothing, so views that a selected model reads are made again for the run; a table that is read
    /// but not selected must have been published before, and is read through its pointer.
    pub fn new(
        project: &Project,
        warehouse: &Warehouse,
        select: &[String],
        exclude: &[String],
        live: &[Live],
    ) -> Result<Plan> {
        let selected = project.select(select, exclude)?;
        if selected.is_empty() {
            return Err(Error::usage("the selection picks nothing").hint("quintile ls lists the names"));
        }
        let mut planned = selected.clone();
        let mut pending: Vec<String> = selected.iter().cloned().collect();
        while let Some(name) = pending.pop() {
            for parent in project.parents(&name) {
                let is_view = project.models.get(&parent).is_some_and(|m| m.materialization == Materialization::View);
                if is_view && planned.insert(parent.clone()) {
                    pending.push(parent);
                }
            }
        }
        let published: BTreeSet<&str> =
            live.iter().filter(|l| project.published_name(&l.model) == l.relation).map(|l| l.model.as_str()).collect();
        let mut steps = Vec::new();
        for name in project.order(&planned) {
            let parents = project.parents(&name);
            if let Some(missing) = parents.iter().find(|p| !planned.contains(*p) && !published.contains(p.as_str())) {
                return Err(Error::usage(format!("model \"{name}\" reads \"{missing}\", which was never published"))
                    .hint(format!("build it too: quintile build --select +{name}")));
            }
            let parents = parents.into_iter().filter(|p| planned.contains(p)).collect();
            let mut step = step_of(project, &name, parents)?;
            step.sources = sources_of(project, warehouse, &name);
            let is_private_view = matches!(step.kind, StepKind::View) && step.access == Access::Private;
            step.is_published = selected.contains(&name) && !is_private_view;
            steps.push(step);
        }
        Ok(Plan { steps })
    }

    /// The step of this name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// What templates see while the run builds: what it builds are its own relations, what it carries on are the tables
    /// of the run that made them, others their published views.
    #[must_use]
    pub fn build_context(
        &self,
        project: &Project,
        warehouse: &Warehouse,
        run_id: i64,
        as_of: DateTime<Utc>,
        decisions: &BTreeMap<String, Decision>,
    ) -> Context {
        let mut context = published_context(project, warehouse, run_id, as_of);
        for step in &self.steps {
            let of_run = match decisions.get(&step.name) {
                Some(Decision::Carry(_) | Decision::Leave) if !step.kind.is_stored() => continue,
                Some(Decision::Carry(earlier)) => *earlier,
                _ => run_id,
            };
            let name = match (&step.kind, decisions.get(&step.name)) {
                // What it showed is what it shows.
                (StepKind::History { .. }, Some(Decision::Carry(_))) => continue,
                (StepKind::History { .. }, _) => whole_relation(&step.name, of_run),
                _ => run_relation(&step.name, of_run),
            };
            let relation = relation(&warehouse.schemas.store, &name);
            context.relations.insert(step.name.clone(), relation);
        }
        context
    }
}

/// What templates see outside a run: every name is its published view.
#[must_use]
pub fn published_context(project: &Project, warehouse: &Warehouse, run_id: i64, as_of: DateTime<Utc>) -> Context {
    let models = project.models.iter().map(|(name, model)| (name, model.access));
    let seeds = project.seeds.iter().map(|(name, seed)| (name, seed.access));
    let named = models.chain(seeds);
    let relations = named
        .map(|(name, access)| (name.clone(), relation(warehouse.schema_of(access), &project.published_name(name))))
        .collect();
    Context {
        relations,
        source_schemas: source_schemas(warehouse),
        sources: BTreeMap::new(),
        as_of: as_of.to_rfc3339(),
        run_id,
        target_schema: warehouse.schemas.marts.clone(),
        target_name: warehouse.schemas.workspace.clone(),
        live: Arc::default(),
        database: None,
    }
}

/// The tables behind the sources that a model names, but for Quintile's own, which a run writes itself.
fn sources_of(project: &Project, warehouse: &Warehouse, name: &str) -> Vec<SourceTable> {
    let schemas = source_schemas(warehouse);
    let named = project.models.get(name).into_iter().flat_map(|model| &model.sources);
    named
        .filter(|(source, _)| source != CONTROL)
        .map(|(source, table)| {
            let declared = project.sources.get(source);
            let schema = schemas.get(source).or(declared.map(|d| &d.schema)).unwrap_or(source).clone();
            let identifier = declared.and_then(|d| d.tables.get(table)).unwrap_or(table).clone();
            SourceTable { name: format!("{source}.{table}"), schema, table: identifier }
        })
        .collect()
}

/// The source whose tables are Quintile's own.
const CONTROL: &str = "quintile";

fn source_schemas(warehouse: &Warehouse) -> BTreeMap<String, String> {
    BTreeMap::from([("raw".to_owned(), warehouse.schemas.raw.clone()), (CONTROL.to_owned(), CONTROL.to_owned())])
}

fn relation(schema: &str, identifier: &str) -> RelationName {
    RelationName { database: String::new(), schema: schema.to_owned(), identifier: identifier.to_owned() }
}

fn step_of(project: &Project, name: &str, parents: Vec<String>) -> Result<Step> {
    let fingerprint = project.fingerprint(name);
    let Some(model) = project.models.get(name) else {
        let access = project.seeds.get(name).map_or(Access::Private, |seed| seed.access);
        let kind = StepKind::Seed;
        return Ok(Step {
            name: name.into(),
            kind,
            is_published: true,
            access,
            indexes: Vec::new(),
            parents,
            fingerprint,
            sources: Vec::new(),
            is_comparing: false,
            limits: Limits::default(),
        });
    };
    refuse_hidden_parents(project, model)?;
    let kind = match model.materialization {
        Materialization::View => StepKind::View,
        Materialization::Table => StepKind::Table,
        Materialization::Cluster => {
            let (spec, refit_days) = spec::cluster(model)?;
            StepKind::Cluster { key: spec::key(model)?, spec, refit_days }
        }
        Materialization::Ltv => {
            StepKind::Ltv { key: spec::key(model)?, spec: spec::ltv(model)?, judging: spec::judging(model)? }
        }
        Materialization::History => StepKind::History { keep_days: spec::keep_days(model) },
    };
    let mut indexes = spec::indexes(model)?;
    if let (StepKind::Cluster { key, .. } | StepKind::Ltv { key, .. }, true) = (&kind, indexes.is_empty()) {
        indexes.push(Index { columns: vec![key.clone()], is_unique: true });
    }
    Ok(Step {
        name: name.into(),
        kind,
        is_published: true,
        access: model.access,
        indexes,
        parents,
        fingerprint,
        sources: Vec::new(),
        is_comparing: !model.lives.is_empty(),
        limits: spec::limits(model),
    })
}

/// A public view is defined over published views, and a private view is not published.
fn refuse_hidden_parents(project: &Project, model: &Model) -> Result<()> {
    if model.materialization != Materialization::View || model.access != Access::Public {
        return Ok(());
    }
    let hidden = model.refs.iter().find(|name| {
        project
            .models
            .get(*name)
            .is_some_and(|parent| parent.materialization == Materialization::View && parent.access == Access::Private)
    });
    match hidden {
        None => Ok(()),
        Some(hidden) => {
            Err(Error::config(format!("public view \"{}\" reads the private view \"{hidden}\"", model.name))
                .detail("A private view lives only as long as its run.")
                .hint(format!("make \"{hidden}\" a table, or \"{}\" a table", model.name)))
        }
    }
}
