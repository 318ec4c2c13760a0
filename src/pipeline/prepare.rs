//! Before the first statement of a run that costs anything: sources fixed, decisions made, what is wrong already found.

use super::carry::{Decision, Grounds, decide};
use super::execute::{self, Batch};
use super::halt::Halt;
use super::inputs::{Known, constant_statements, hashes};
use super::plan::{Plan, StepKind, published_context};
use super::publications::Publisher;
use super::refresh::{self, Former};
use super::sources::SourceReads;
use super::step::RunContext;
use super::withdrawal;
use super::{BuildRequest, Event};
use crate::config::Settings;
use crate::crash_point::reach;
use crate::error::{Error, Result};
use crate::project::{Context, LiveRelation, Project};
use crate::warehouse::Warehouse;
use crate::warehouse::in_place::Limits;
use crate::warehouse::preflight::Trial;
use crate::warehouse::run_models::BuiltModel;
use crate::warehouse::runs::Live;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A run whose number is known.
#[derive(Clone, Debug)]
pub struct OpenRun {
    /// Its number.
    pub run_id: i64,
    /// Its instant.
    pub as_of: DateTime<Utc>,
    /// Which attempt at it this is.
    pub attempt: i32,
    /// What earlier attempts have finished, by name.
    pub finished: BTreeMap<String, BuiltModel>,
}

/// Everything that is decided before models are built.
pub struct Prepared {
    /// What the steps share.
    pub run: Arc<RunContext>,
    /// What is done about each step.
    pub decisions: BTreeMap<String, Decision>,
    /// The steps to build.
    pub batch: Batch,
    /// Models that cannot work, with the reason.
    pub wrong: Vec<(String, Error)>,
    /// What was built before the sources were fixed.
    pub early: execute::Outcome,
}

/// What a run is made from.
pub struct Making<'a> {
    /// The database.
    pub warehouse: &'a Warehouse,
    /// The settings.
    pub settings: &'a Settings,
    /// What was asked for.
    pub request: &'a BuildRequest,
    /// The parsed project.
    pub project: Arc<Project>,
    /// All steps.
    pub plan: Plan,
    /// How an early end is told.
    pub halt: Halt,
}

impl Making<'_> {
    /// Fixes the sources and decides what is done about each step.
    pub async fn prepare(&self, open: &OpenRun) -> Result<Prepared> {
        let reads = SourceReads::of(&self.plan);
        for name in &reads.late {
            tracing::warn!(
                model = name,
                "reads a source beside tables of the run, and so sees it later than the other models; a staging table avoids that"
            );
        }
        let live: BTreeMap<String, Live> = withdrawal::current(&self.project, self.warehouse.live().await?);
        let before = Arc::new(live_relations(&self.project, self.warehouse, &live).await?);
        self.warehouse.tend_raw_tables(&self.warehouse.client().await?).await?;
        let unnumbered = Publisher::new(&self.project, self.warehouse, 0, open.as_of);
        let statements = constant_statements(&self.plan, &self.project, &unnumbered.context);
        let early = self.build_early(open, &reads, &live, &before, &statements).await?;
        let snapshot = match reads.tables.is_empty() {
            true => None,
            false => Some(self.warehouse.snapshot_sources(&reads.tables).await?),
        };
        if let Some(snapshot) = &snapshot {
            self.warehouse.note_sources_seen(open.run_id, &snapshot.seen).await?;
        }
        reach("run: sources fixed").await?;
        let versions = match &snapshot {
            Some(snapshot) if self.settings.run.skip_unchanged => snapshot.versions(&reads.tables).await?,
            _ => BTreeMap::new(),
        };
        let hashes = self.hashes(open, &live, &versions, &statements);
        let mut decisions = self.decide(open, &hashes, &live);
        for (name, table) in &early.built {
            if let Some(table) = table {
                decisions.insert(name.clone(), Decision::Reuse(table.clone()));
            }
        }
        let names = to_build(&self.plan, &decisions);
        let joined = snapshot.as_ref().map(|snapshot| (snapshot.name.clone(), reads.within.clone()));
        let former = self.former(&names, live, &decisions)?;
        let run = self.context(open, &decisions, hashes, joined, &before, former);
        let wrong = self.try_out(&run, &reads, &names).await?;
        Ok(Prepared { run, decisions, batch: Batch { names, sources: snapshot }, wrong, early })
    }

    /// Tables that are read beside sources: within the snapshot they could not be seen if they came after it.
    async fn build_early(
        &self,
        open: &OpenRun,
        reads: &SourceReads,
        live: &BTreeMap<String, Live>,
        before: &Arc<BTreeMap<String, LiveRelation>>,
        statements: &BTreeMap<String, Option<String>>,
    ) -> Result<execute::Outcome> {
        if reads.early.is_empty() {
            return Ok(execute::Outcome::default());
        }
        let hashes = self.hashes(open, live, &BTreeMap::new(), statements);
        let decisions = self.decide(open, &hashes, live);
        let names: BTreeSet<String> =
            to_build(&self.plan, &decisions).into_iter().filter(|name| reads.early.contains(name)).collect();
        // What is built this early is made anew.
        let run = self.context(open, &decisions, hashes, None, before, Former::default());
        let batch = Batch { names, sources: None };
        let threads = self.settings.run.threads;
        execute::steps(&run, &self.plan, batch, threads, &self.halt, &self.request.progress).await
    }

    /// Whether nothing is taken over from runs before.
    fn rebuilds(&self) -> bool {
        self.request.rebuild || !self.settings.run.skip_unchanged
    }

    /// What models that are refreshed need to know; nothing where nothing is built.
    fn former(
        &self,
        names: &BTreeSet<String>,
        live: BTreeMap<String, Live>,
        decisions: &BTreeMap<String, Decision>,
    ) -> Result<Former> {
        if names.is_empty() {
            return Ok(Former::default());
        }
        let recipes = self.recipes()?;
        Ok(match self.rebuilds() {
            true => Former { recipes, ..Former::default() },
            false => Former { live, decisions: decisions.clone(), recipes, ..Former::default() },
        })
    }

    /// See [`refresh::recipe`].
    fn recipes(&self) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for step in self.plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Table)) {
            if let Some(recipe) = refresh::recipe(&self.project, self.warehouse, &step.name)? {
                found.insert(step.name.clone(), recipe);
            }
        }
        Ok(found)
    }

    fn hashes(
        &self,
        open: &OpenRun,
        live: &BTreeMap<String, Live>,
        sources: &BTreeMap<String, Option<String>>,
        statements: &BTreeMap<String, Option<String>>,
    ) -> BTreeMap<String, String> {
        let (run_id, attempt) = (open.run_id, open.attempt);
        let as_of = &open.as_of.to_rfc3339();
        hashes(&self.plan, &Known { project: &self.project, as_of, statements, sources, live, run_id, attempt })
    }

    fn decide(
        &self,
        open: &OpenRun,
        hashes: &BTreeMap<String, String>,
        live: &BTreeMap<String, Live>,
    ) -> BTreeMap<String, Decision> {
        let rebuild = self.rebuilds();
        let publisher = Publisher::new(&self.project, self.warehouse, open.run_id, open.as_of);
        let grounds = Grounds { hashes, live, finished: &open.finished, rebuild };
        decide(&self.plan, &grounds, |step, live| publisher.is_shown_alike(step, live))
    }

    fn context(
        &self,
        open: &OpenRun,
        decisions: &BTreeMap<String, Decision>,
        inputs: BTreeMap<String, String>,
        snapshot: Option<(String, BTreeSet<String>)>,
        before: &Arc<BTreeMap<String, LiveRelation>>,
        former: Former,
    ) -> Arc<RunContext> {
        let (run_id, as_of) = (open.run_id, open.as_of);
        let context = self.plan.build_context(&self.project, self.warehouse, run_id, as_of, decisions);
        let seconds = |set: Option<u64>| set.map(Duration::from_secs);
        Arc::new(RunContext {
            warehouse: self.warehouse.clone(),
            project: Arc::clone(&self.project),
            context: Context { live: Arc::clone(before), ..context },
            run_id,
            as_of,
            inputs,
            limits: Limits {
                statement: self.request.model_timeout.or(seconds(self.settings.run.model_timeout_seconds)),
                lock: seconds(self.settings.run.lock_timeout_seconds),
            },
            snapshot,
            former,
            refit: self.request.rebuild,
            hidden_reads: Mutex::new(BTreeMap::new()),
        })
    }

    /// Tries the models that read sources before any is built: a column that went away is found now, not after an hour.
    async fn try_out(
        &self,
        run: &RunContext,
        reads: &SourceReads,
        names: &BTreeSet<String>,
    ) -> Result<Vec<(String, Error)>> {
        let trials = trials(&self.plan, &self.project, &run.context, reads, names);
        if trials.is_empty() {
            return Ok(Vec::new());
        }
        self.warehouse.try_out(run.run_id, &trials).await
    }

    /// Tells what is not built, and notes it in the ledger.
    pub async fn note_carried(&self, open: &OpenRun, decisions: &BTreeMap<String, Decision>) -> Result<Vec<String>> {
        let mut carried = Vec::new();
        let mut reused = 0;
        for (name, decision) in decisions {
            match decision {
                Decision::Carry(from) => {
                    self.warehouse.carry_model(open.run_id, name, *from).await?;
                    carried.push(name.clone());
                }
                Decision::Reuse(_) => reused += 1,
                Decision::Build | Decision::Leave => {}
            }
        }
        let left = decisions.values().filter(|decision| matches!(decision, Decision::Leave)).count();
        self.request.progress.tell(Event::Spared { unchanged: carried.len(), finished: reused, unread: left });
        Ok(carried)
    }
}

/// What the models that compare with it find published.
async fn live_relations(
    project: &Project,
    warehouse: &Warehouse,
    live: &BTreeMap<String, Live>,
) -> Result<BTreeMap<String, LiveRelation>> {
    let named: BTreeSet<&String> = project.models.values().flat_map(|model| &model.lives).collect();
    if named.is_empty() {
        return Ok(BTreeMap::new());
    }
    warehouse.live_relations(live, &Vec::from_iter(named)).await
}

/// What templates see when they are shown outside a run: `live()` gives what is published now.
pub async fn compile_context(project: &Project, warehouse: &Warehouse, as_of: DateTime<Utc>) -> Result<Context> {
    let live = withdrawal::current(project, warehouse.live().await?);
    let live = Arc::new(live_relations(project, warehouse, &live).await?);
    Ok(Context { live, ..published_context(project, warehouse, 0, as_of) })
}

fn to_build(plan: &Plan, decisions: &BTreeMap<String, Decision>) -> BTreeSet<String> {
    let built = plan.steps.iter().filter(|step| matches!(decisions.get(&step.name), Some(Decision::Build)));
    built.map(|step| step.name.clone()).collect()
}

/// The SELECTs over sources that can be tried before anything is built: views, and the tables within the snapshot.
pub fn trials(
    plan: &Plan,
    project: &Project,
    context: &Context,
    reads: &SourceReads,
    names: &BTreeSet<String>,
) -> Vec<Trial> {
    let context = Context { database: None, ..context.clone() };
    let mut trials: Vec<Trial> = Vec::new();
    // Views over sources and such views: what else they read is not there yet.
    let mut views: BTreeSet<&str> = BTreeSet::new();
    for step in plan.steps.iter().filter(|step| names.contains(&step.name)) {
        let is_view = matches!(step.kind, StepKind::View);
        let is_ready = step.parents.iter().all(|p| views.contains(p.as_str()) || !names.contains(p));
        if !is_ready || !(is_view || reads.within.contains(&step.name)) {
            continue;
        }
        // A template that asks the database is compiled when its turn comes.
        if let Ok(select) = project.compile(&step.name, &context) {
            trials.push(Trial { model: step.name.clone(), select, parents: step.parents.clone(), is_view });
            if is_view {
                views.insert(&step.name);
            }
        }
    }
    trials
}
