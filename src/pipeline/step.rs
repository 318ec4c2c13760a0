//! One step of a run: render, materialize, index; the one `match` over the kinds of models.

use super::plan::{Step, StepKind};
use crate::analytics::{cluster, ltv};
use crate::error::{Error, Kind, Result};
use crate::project::{Access, Context, Database, Project};
use crate::warehouse::Warehouse;
use crate::warehouse::connect::Client;
use crate::warehouse::in_place::{Blocking, Limits, Session};
use crate::warehouse::materialize::{StoredTable, run_relation};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What all steps of a run share.
pub struct RunContext {
    /// The database.
    pub warehouse: Warehouse,
    /// The parsed project.
    pub project: Project,
    /// What templates see.
    pub context: Context,
    /// The run's number.
    pub run_id: i64,
    /// The run's instant.
    pub as_of: DateTime<Utc>,
}

/// Times that a step is tried when the server, not the model, is the trouble.
const TRIES: u32 = 3;

/// Builds one step; a passing fault of the server is tried again, a halt cancels the statement on the server.
pub async fn build(
    run: &Arc<RunContext>,
    step: &Step,
    halt: &watch::Receiver<Option<String>>,
) -> Result<Option<StoredTable>> {
    let mut attempt = 1;
    loop {
        match try_build(run, step, halt).await {
            Err(e) if attempt < TRIES && e.may_pass() => {
                tracing::warn!(model = step.name, attempt, reason = %e, "a passing fault of the server, trying again");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt * attempt))).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn try_build(
    run: &Arc<RunContext>,
    step: &Step,
    halt: &watch::Receiver<Option<String>>,
) -> Result<Option<StoredTable>> {
    let _turn = run.warehouse.turn().await?;
    let mut halt = halt.clone();
    let select = tokio::select! {
        select = compile(run, step) => select?,
        reason = halt.wait_for(Option::is_some) => {
            let reason = reason.ok().and_then(|reason| reason.clone()).unwrap_or_default();
            return Err(Error::interrupted(format!("model \"{}\" was stopped: {reason}", step.name)));
        }
    };
    let mut client = run.warehouse.client().await?;
    let reason = {
        let work = materialize(run, step, &select, &mut client);
        tokio::select! {
            outcome = work => return outcome,
            reason = halt.wait_for(Option::is_some) => match reason {
                Ok(reason) => reason.clone().unwrap_or_default(),
                Err(_) => "the run ended".to_owned(),
            },
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
        StepKind::Table | StepKind::Cluster { .. } | StepKind::Ltv { .. } => {}
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

async fn materialize(run: &RunContext, step: &Step, select: &str, client: &mut Client) -> Result<Option<StoredTable>> {
    let warehouse = &run.warehouse;
    match &step.kind {
        StepKind::View => {
            warehouse.store_view(client, &step.name, run.run_id, select).await?;
            keep_contract(run, step, client).await?;
            return Ok(None);
        }
        StepKind::Seed => {
            let seed = run.project.seeds.get(&step.name);
            let seed = seed.ok_or_else(|| Error::config(format!("seed \"{}\" is not in the project", step.name)))?;
            warehouse.store_seed(client, seed, run.run_id, run.as_of).await?;
        }
        StepKind::Table => {
            warehouse.store_select(client, &step.name, run.run_id, run.as_of, select).await?;
        }
        StepKind::Cluster { key, spec } => {
            let spec = spec.clone();
            fit(run, step, select, client, key, move |frame| {
                let fit = cluster::fit(&frame, &spec)?;
                Ok((frame.keys, fit.columns, fit.facts))
            })
            .await?;
        }
        StepKind::Ltv { key, spec } => {
            let spec = spec.clone();
            fit(run, step, select, client, key, move |frame| {
                let fit = ltv::fit(&frame, &spec)?;
                Ok((frame.keys, fit.columns, fit.facts))
            })
            .await?;
        }
    }
    keep_contract(run, step, client).await?;
    warehouse.finish_table(client, &step.name, run.run_id, &step.indexes).await.map(Some)
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

/// The numerics do not know which model they serve.
fn name_model(model: &str, error: Error) -> Error {
    if error.kind != Kind::Failed || error.message.starts_with("model ") {
        return error;
    }
    Error { message: format!("model \"{model}\" failed: {}", error.message), ..error }
}
