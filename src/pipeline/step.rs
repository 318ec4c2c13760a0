//! One step of a run: render, materialize, index; the one `match` over the kinds of models.

use super::halt::Halt;
use super::lifetime;
use super::plan::{Step, StepKind};
use super::refit::{self, Fitting, Serving};
use super::refresh::{self, Former};
use crate::analytics::cluster;
use crate::analytics::cluster::FormerFit;
use crate::crash_point::reach;
use crate::error::{Error, Kind, Result};
use crate::project::{Access, Context, Database, Project};
use crate::warehouse::Warehouse;
use crate::warehouse::assign::Target;
use crate::warehouse::connect::Client;
use crate::warehouse::in_place::{Blocking, Limits, Session};
use crate::warehouse::materialize::{Filling, StoredTable, run_relation};
use crate::warehouse::refresh::Refreshed;
use crate::warehouse::statement::qualified;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What all steps of a run share.
pub struct RunContext {
    /// The database.
    pub warehouse: Warehouse,
    /// The parsed project.
    pub project: Arc<Project>,
    /// What templates see.
    pub context: Context,
    /// The run's number.
    pub run_id: i64,
    /// The run's instant.
    pub as_of: DateTime<Utc>,
    /// Hash of what each step's rows are made from.
    pub inputs: BTreeMap<String, String>,
    /// Limits of statements whose model sets none.
    pub limits: Limits,
    /// Name of the snapshot of the sources, and the steps that read within it.
    pub snapshot: Option<(String, BTreeSet<String>)>,
    /// What is known of the runs before, for models that are refreshed.
    pub former: Former,
    /// Fits are made anew, however young those are that readers see.
    pub refit: bool,
    /// What the run's views read besides refs and declared sources: it counts for the tables over them.
    pub hidden_reads: Mutex<BTreeMap<String, Vec<String>>>,
}

/// What a step has made.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// Its table; none for views.
    pub table: Option<StoredTable>,
    /// What it reads besides refs and declared sources.
    pub hidden_reads: Vec<String>,
    /// How many keys were made anew; none where all were.
    pub changed_keys: Option<i64>,
}

/// Times that a step is tried when the server, not the model, is the trouble.
const TRIES: u32 = 3;

/// Builds one step; a passing fault of the server is tried again, a halt cancels the statement on the server.
pub async fn build(run: &Arc<RunContext>, step: &Step, halt: &Halt) -> Result<Built> {
    let mut attempt = 1;
    loop {
        match try_build(run, step, halt).await {
            // Where an end was asked for, the next run makes up for it.
            Err(e) if attempt < TRIES && e.may_pass() && halt.reason().is_none() => {
                tracing::warn!(model = step.name, attempt, reason = %e, "a passing fault of the server, trying again");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt * attempt))).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn try_build(run: &Arc<RunContext>, step: &Step, halt: &Halt) -> Result<Built> {
    let _turn = run.warehouse.turn().await?;
    let mut halt = halt.clone();
    let select = tokio::select! {
        select = compile(run, step) => select?,
        reason = halt.cancelled() => {
            return Err(Error::interrupted(format!("model \"{}\" was stopped: {reason}", step.name)));
        }
    };
    let mut client = run.warehouse.client().await?;
    let reason = {
        let work = materialize(run, step, &select, &mut client);
        tokio::select! {
            outcome = work => return outcome,
            reason = halt.cancelled() => reason,
        }
    };
    run.warehouse.cancel(client).await;
    Err(Error::interrupted(format!("model \"{}\" was stopped: {reason}", step.name)))
}

/// The step's SELECT; nothing for a seed. What is stored may ask the database while it is rendered.
///
/// A view is rendered a second time when it is published, over other relations: it gets no database, or its answers
/// could differ between the two.
async fn compile(run: &Arc<RunContext>, step: &Step) -> Result<String> {
    match step.kind {
        StepKind::Seed => return Ok(String::new()),
        StepKind::View => return run.project.compile(&step.name, &run.context),
        StepKind::Table | StepKind::History { .. } | StepKind::Cluster { .. } | StepKind::Ltv { .. } => {}
    }
    let session = Arc::new(Session::open(&run.warehouse, None, Limits::default()).await?);
    // One transaction, rolled back at the end: templates only ask, and what else they do is undone.
    session.begin().await?;
    let database: Arc<dyn Database> = Arc::new(Blocking::new(tokio::runtime::Handle::current(), session.clone()));
    let (shared, name) = (run.clone(), step.name.clone());
    let rendered = tokio::task::spawn_blocking(move || {
        let context = Context { database: Some(database), ..shared.context.clone() };
        shared.project.compile(&name, &context)
    });
    let compiled = rendered
        .await
        .map_err(|e| Error::failed(format!("model \"{}\" could not be rendered", step.name)).source(e))?;
    session.rollback().await?;
    compiled
}

async fn materialize(run: &RunContext, step: &Step, select: &str, client: &mut Client) -> Result<Built> {
    let warehouse = &run.warehouse;
    let within = run.snapshot.as_ref().filter(|(_, steps)| steps.contains(&step.name));
    let known = named_relations(run, step);
    let filling = Filling {
        model: &step.name,
        run_id: run.run_id,
        as_of: run.as_of,
        select,
        limits: step.limits.or(run.limits),
        snapshot: within.map(|(name, _)| name.as_str()),
        known: &known,
    };
    let mut hidden = hidden_in_views(run, step);
    let mut changed_keys = None;
    reach("model: begun").await?;
    match &step.kind {
        StepKind::View => {
            warehouse.store_view(client, &step.name, run.run_id, select).await?;
            keep_contract(run, step, client).await?;
            hidden.extend(warehouse.hidden_reads(client, &filling).await?);
            locked(&run.hidden_reads).insert(step.name.clone(), hidden.clone());
            return Ok(Built { hidden_reads: hidden, ..Built::default() });
        }
        StepKind::Seed => {
            let seed = run.project.seeds.get(&step.name);
            let seed = seed.ok_or_else(|| Error::config(format!("seed \"{}\" is not in the project", step.name)))?;
            warehouse.store_seed(client, seed, run.run_id, run.as_of).await?;
        }
        StepKind::Table | StepKind::History { .. } => {
            changed_keys = refresh_table(run, step, client, &filling).await?;
            if changed_keys.is_none() {
                hidden.extend(warehouse.store_select(client, &filling).await?);
                refresh::keep_shape(run, step, client).await?;
            }
        }
        StepKind::Cluster { key, spec, refit_days } => {
            hidden.extend(warehouse.hidden_reads(client, &filling).await?);
            let fitting = Fitting { run_id: run.run_id, as_of: run.as_of, fingerprint: step.fingerprint.clone() };
            let published = warehouse.published_fit(&step.name).await?;
            let former = published.as_ref().and_then(FormerFit::of);
            let days = if run.refit { 0 } else { *refit_days };
            let serving = published.and_then(|facts| Some((refit::serving(&facts, &fitting, days)?, facts)));
            let is_assigned = match serving {
                Some((serving, facts)) => assign(run, step, select, client, key, &serving, facts).await?,
                None => false,
            };
            if !is_assigned {
                let spec = spec.clone();
                fit(run, step, select, client, key, move |frame| {
                    let fit = cluster::fit(&frame, &spec, former.as_ref())?;
                    Ok((frame.keys, fit.columns, refit::signed(fit.facts, &fitting)))
                })
                .await?;
            }
        }
        StepKind::Ltv { key, spec, judging } => {
            hidden.extend(warehouse.hidden_reads(client, &filling).await?);
            lifetime::build(run, client, &lifetime::Request { step, select, key, spec, judging }).await?;
        }
    }
    reach("model: filled").await?;
    keep_contract(run, step, client).await?;
    let table = match &step.kind {
        StepKind::History { .. } => {
            let published = run.project.published_name(&step.name);
            warehouse.finish_history(client, &step.name, run.run_id, &step.indexes, &published).await?
        }
        _ => warehouse.finish_table(client, &step.name, run.run_id, &step.indexes).await?,
    };
    reach("model: indexed").await?;
    if run.project.models.get(&step.name).is_some_and(|model| model.config.get("record_fit") == Some(&true.into())) {
        warehouse.record_rows_as_fit(client, &step.name, run.run_id).await?;
    }
    hidden.sort();
    hidden.dedup();
    Ok(Built { table: Some(table), hidden_reads: hidden, changed_keys })
}

/// Fills the table from that of the run before where that can be done; how many keys were made anew.
///
/// What the SELECT reads besides its refs was found when the rows were made that are taken over: nothing.
async fn refresh_table(
    run: &RunContext,
    step: &Step,
    client: &mut Client,
    filling: &Filling<'_>,
) -> Result<Option<i64>> {
    let refreshing = match refresh::plan(run, step).await? {
        Ok(refreshing) => refreshing,
        Err(reason) => {
            tracing::debug!(model = step.name, reason, "made anew");
            return Ok(None);
        }
    };
    match run.warehouse.refresh_table(client, filling, &refreshing).await? {
        Refreshed::Done { changed_keys } => {
            tracing::debug!(model = step.name, changed_keys, "refreshed");
            run.former.note(&step.name);
            Ok(Some(changed_keys))
        }
        Refreshed::Refused(reason) => {
            tracing::debug!(model = step.name, reason, "made anew");
            Ok(None)
        }
    }
}

/// Quoted names of the relations that the step's template may name.
fn named_relations(run: &RunContext, step: &Step) -> Vec<String> {
    let refs = run.project.parents(&step.name);
    let refs = refs.iter().filter_map(|name| run.context.relations.get(name));
    let control = run.project.models.get(&step.name).into_iter().flat_map(|model| &model.sources);
    let lives = run.project.models.get(&step.name).into_iter().flat_map(|model| &model.lives);
    let lives = lives.filter_map(|name| run.context.live.get(name)).map(|live| &live.relation);
    refs.chain(lives)
        .map(|relation| qualified(&relation.schema, &relation.identifier))
        .chain(step.sources.iter().map(|source| qualified(&source.schema, &source.table)))
        .chain(control.filter(|(source, _)| source == "quintile").map(|(source, table)| qualified(source, table)))
        .collect()
}

/// What the views of the run that the step reads read themselves.
fn hidden_in_views(run: &RunContext, step: &Step) -> Vec<String> {
    let known = locked(&run.hidden_reads);
    step.parents.iter().filter_map(|parent| known.get(parent)).flatten().cloned().collect()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What readers rely on is looked at as soon as the columns are known, before indexes, tests and other models.
async fn keep_contract(run: &RunContext, step: &Step, client: &Client) -> Result<()> {
    if !step.is_published || step.access != Access::Public {
        return Ok(());
    }
    let (relation, version) = (run.project.published_name(&step.name), run.project.contract_version(&step.name));
    run.warehouse.refuse_breaking_change(client, &step.name, &relation, version, run.run_id).await
}

type Fitted = (Vec<String>, Vec<crate::analytics::Column>, serde_json::Value);

/// Fetches the features, computes on a thread of its own, writes the columns back and keeps the facts.
async fn fit<F>(run: &RunContext, step: &Step, select: &str, client: &Client, key: &str, compute: F) -> Result<()>
where
    F: FnOnce(crate::analytics::Frame) -> Result<Fitted> + Send + 'static,
{
    let named = |e| name_model(&step.name, e);
    let frame = run.warehouse.read_frame_with(client, select, key).await.map_err(named)?;
    let computed = tokio::task::spawn_blocking(move || compute(frame)).await;
    let (keys, columns, facts) =
        computed.map_err(|e| Error::failed(format!("model \"{}\" failed", step.name)).source(e))?.map_err(named)?;
    let table = run_relation(&step.name, run.run_id);
    let store = run.warehouse.schemas.store.clone();
    run.warehouse
        .write_frame(client, &store, &table, run.run_id, run.as_of, key, &keys, &columns)
        .await
        .map_err(named)?;
    run.warehouse.record_fit(run.run_id, &step.name, &facts).await
}

/// Assigns the customers to the clusters of a fit that is young enough, whose facts are given; whether they still lie there.
async fn assign(
    run: &RunContext,
    step: &Step,
    select: &str,
    client: &Client,
    key: &str,
    serving: &Serving,
    facts: Value,
) -> Result<bool> {
    let table = run_relation(&step.name, run.run_id);
    let target = Target { table: &table, key, run_id: run.run_id, as_of: run.as_of };
    let select = select.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    let (centroids, largest) = (&serving.centroids, serving.largest_mean_square);
    let done = run.warehouse.assign_clusters(client, select, centroids, &target, largest).await;
    let Some(mean_square) = done.map_err(|e| name_model(&step.name, e))? else {
        tracing::info!(model = step.name, "customers have moved away from their clusters, which are made anew");
        return Ok(false);
    };
    run.warehouse.record_fit(run.run_id, &step.name, &refit::taken_over(facts, mean_square)).await?;
    Ok(true)
}

/// The numerics do not know which model they serve.
pub(super) fn name_model(model: &str, error: Error) -> Error {
    if error.kind != Kind::Failed || error.message.starts_with("model ") {
        return error;
    }
    Error { message: format!("model \"{model}\" failed: {}", error.message), ..error }
}
