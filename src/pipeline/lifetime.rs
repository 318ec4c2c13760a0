//! The way of a lifetime value model: a fit that still serves is scored with; another one is made, judged on the past.
//!
//! Scoring is the same in every run: the moments that occur come from the server, the fit tells a row for each, and one statement
//! joins them to the customers (`warehouse::score_ltv`). What the program holds does not grow with the number of customers, but for
//! the fit (of a sample beyond [`CUSTOMERS_FITTED`]) and the champion's levels where it is no model of buying.

use super::appraise::{self, Appraised};
use super::plan::Step;
use super::refit::{self, Fitting};
use super::refit_ltv::{self, Serving};
use super::spec::{Judging, SeasonSetting};
use super::step::RunContext;
use crate::analytics::ltv::backtest::total::TotalInterval;
use crate::analytics::ltv::backtest::tracking::{self, Tracking, Weeks};
use crate::analytics::ltv::clock::Clock;
use crate::analytics::ltv::process::grouping::History;
use crate::analytics::ltv::{self, ESTIMATORS, Family, Fit, Learnt, LtvSpec, Outlook, Seasonal, appraisal};
use crate::error::{Error, Result};
use crate::warehouse::connect::Client;
use crate::warehouse::materialize::run_relation;
use crate::warehouse::score_ltv::{MomentCount, Scores, Scoring};
use crate::warehouse::statement::qualified;
use serde_json::{Value, json};
use std::sync::Arc;

/// Beyond this many customers a fit is made to a sample of them: its parameters' errors are then far below those of the model.
const CUSTOMERS_FITTED: f64 = 500_000.0;

/// Customers of today to whom a champion that learns is fitted; as many as the cuts of the past hold.
const CUSTOMERS_OF_CHAMPION: f64 = 20_000.0;

/// Customers whose features are held at a time while the champion tells their level.
const BATCH: usize = 20_000;

/// Days of a week.
const WEEK: f64 = 7.0;

/// What a lifetime value model asks for.
pub struct Request<'a> {
    /// Its step.
    pub step: &'a Step,
    /// The compiled SELECT of histories.
    pub select: &'a str,
    /// Key column.
    pub key: &'a str,
    /// How to predict.
    pub spec: &'a LtvSpec,
    /// How estimators are judged, and when anew.
    pub judging: &'a Judging,
}

/// What the rows are scored with.
struct Fitted {
    outlook: Option<Outlook>,
    champion: Option<Champion>,
    facts: Value,
    /// As of now, where they were looked at to tell whether the fit still serves.
    lives: Option<Lives>,
}

/// Who tells the level of the money, where that is no model of buying and leaving.
struct Champion {
    family: Family,
    fit: Arc<dyn Fit>,
}

impl Champion {
    fn new(estimator: &str, fit: Box<dyn Fit>) -> Self {
        let known = ESTIMATORS.iter().find(|known| known.name() == estimator);
        Champion { family: known.map_or(Family::Regressor, |known| known.family()), fit: Arc::from(fit) }
    }
}

/// The customers' histories in short, on the clock of an outlook.
struct Lives {
    clock: Clock,
    moments: Vec<MomentCount>,
}

/// Fills the model's table and keeps the facts of its fit.
pub async fn build(run: &RunContext, client: &Client, request: &Request<'_>) -> Result<()> {
    let (step, warehouse) = (request.step, &run.warehouse);
    let moments = warehouse.ltv_moments(client, request.select, &Clock::calendar()).await?;
    let fitted = match &moments {
        Some(moments) => serving(run, client, request, moments).await?,
        // A row that contradicts itself: the fit, which sees customers by name, refuses it.
        None => None,
    };
    let fitted = match fitted {
        Some(fitted) => fitted,
        None => fit(run, client, request, moments.as_deref()).await?,
    };
    let (table, select) = (run_relation(&step.name, run.run_id), request.select);
    let scoring =
        Scoring { model: &step.name, table: &table, key: request.key, run_id: run.run_id, as_of: run.as_of, select };
    let mut facts = fitted.facts;
    let (Some(outlook), Some(moments)) = (fitted.outlook, moments) else {
        warehouse.leave_ltv_empty(client, &scoring).await?;
        return warehouse.record_fit(run.run_id, &step.name, &facts).await;
    };
    let lives = match fitted.lives {
        Some(lives) => lives,
        None => {
            let lives = lives(run, client, request, &outlook, &moments).await?;
            let tracking = track(run, client, request, (&outlook, &lives), 0).await?;
            facts["tracking"] = told(&outlook, tracking);
            lives
        }
    };
    let levels = match fitted.champion {
        Some(champion) => {
            let season = outlook.season_of_window(champion.family, &lives.clock);
            facts["fit"]["season_of_window"] = json!(season);
            Some(levels(run, client, request, champion.fit, season).await?)
        }
        None => None,
    };
    let wanted: Vec<(f64, f64)> = lives.moments.iter().map(|moment| (moment.repeat_count, moment.days)).collect();
    let clock = lives.clock.clone();
    let (outlook, rows) = blocking(step, move || {
        let rows = outlook.moments(&wanted, &clock);
        Ok((outlook, rows))
    })
    .await?;
    let scores = Scores {
        moments: &rows,
        clock: &lives.clock,
        order_value: outlook.order_value(),
        margin_share: outlook.margin_share,
        is_dropout_identified: outlook.is_dropout_identified(),
        tells_purchases: outlook.tells_purchases(),
        churn: outlook.churn,
        levels: levels.as_deref(),
    };
    let total = warehouse.score_ltv(client, &scoring, &scores).await?;
    let interval: Option<TotalInterval> = serde_json::from_value(facts["appraisal"]["total"].clone()).ok();
    if let Some(interval) = interval {
        facts["appraisal"]["total"] = json!(interval.of(total));
    }
    warehouse.record_fit(run.run_id, &step.name, &facts).await
}

/// The fit that readers see, if it still serves.
async fn serving(
    run: &RunContext,
    client: &Client,
    request: &Request<'_>,
    moments: &[MomentCount],
) -> Result<Option<Fitted>> {
    let (step, judging) = (request.step, request.judging);
    let published = run.warehouse.published_fit(&step.name).await?;
    let refit_days = if run.refit { 0 } else { judging.refit_days };
    let found = refit_ltv::serving(published, &fitting(run, step), refit_days);
    let Serving { outlook, champion, mut facts, run_id, days } = match found {
        Ok(serving) => serving,
        Err(reason) => {
            tracing::info!(model = step.name, reason, "estimators are judged and fitted");
            return Ok(None);
        }
    };
    let lives = lives(run, client, request, &outlook, moments).await?;
    let tracking = track(run, client, request, (&outlook, &lives), days).await?;
    if let Some(alarm) = tracking.as_ref().and_then(|tracking| tracking.alarm.clone()) {
        tracing::info!(
            model = step.name,
            reason = alarm,
            "purchases have left the band of the fit, which is made anew"
        );
        return Ok(None);
    }
    let champion = match champion {
        None => None,
        Some(estimator) => {
            let kept = run.warehouse.fit_of(run_id, &refit_ltv::level_name(&step.name)).await?;
            let restored = kept.and_then(|kept| appraisal::restore(&estimator, &kept));
            let Some(restored) = restored else {
                tracing::info!(model = step.name, estimator, "the champion's fit cannot be had back and is made anew");
                return Ok(None);
            };
            Some(Champion::new(&estimator, restored))
        }
    };
    facts["tracking"] = told(&outlook, tracking);
    Ok(Some(Fitted { outlook: Some(outlook), champion, facts, lives: Some(lives) }))
}

/// Judges all estimators on the past, and fits.
async fn fit(
    run: &RunContext,
    client: &Client,
    request: &Request<'_>,
    moments: Option<&[MomentCount]>,
) -> Result<Fitted> {
    let (step, warehouse) = (request.step, &run.warehouse);
    let customers: f64 = moments.into_iter().flatten().map(|moment| moment.customers).sum();
    let share = |most: f64| if customers > most { most / customers } else { 1.0 };
    let appraised = appraise::appraise(run, step, client, request.key, request.judging, share(CUSTOMERS_OF_CHAMPION));
    let mut appraised = appraised.await?;
    let named = |e| super::step::name_model(&step.name, e);
    let frame = warehouse.read_sample(client, request.select, request.key, share(CUSTOMERS_FITTED)).await;
    let frame = frame.map_err(named)?;
    let seasonal = seasonal(run, client, request, share(CUSTOMERS_FITTED)).await.map_err(named)?;
    let spec = request.spec.clone();
    let (learnt, champion) = blocking(step, move || {
        // First, because who is champion may hang on it.
        let champion = appraised.as_mut().map(Appraised::champion).transpose()?.flatten();
        let appraisal = appraised.as_ref().map(|Appraised { appraisal, .. }| appraisal);
        Ok((ltv::learn(&frame, &spec, appraisal, &seasonal)?, champion))
    })
    .await?;
    let Learnt { outlook, facts } = learnt;
    let mut facts = refit::signed(facts, &fitting(run, step));
    facts["fit"]["data_fingerprint"] = json!(run.inputs.get(&step.name));
    facts["fit"]["sample_share"] = json!(share(CUSTOMERS_FITTED));
    let champion = champion.filter(|_| outlook.is_some());
    if let Some((estimator, fit)) = &champion {
        facts["fit"]["champion"] = json!(estimator);
        warehouse.record_fit(run.run_id, &refit_ltv::level_name(&step.name), &fit.facts()).await?;
    }
    Ok(Fitted { outlook, champion: champion.map(|(estimator, fit)| Champion::new(estimator, fit)), facts, lives: None })
}

/// The season that the model's config asks for.
async fn seasonal(run: &RunContext, client: &Client, request: &Request<'_>, share: f64) -> Result<Seasonal> {
    let today = today(run);
    match &request.judging.season {
        SeasonSetting::None => Ok(Seasonal::None),
        SeasonSetting::Own => {
            let mut repeats = Vec::new();
            for (days_ago, count) in days(run, client, request).await?.unwrap_or_default() {
                let place = days_ago as usize;
                if repeats.len() <= place {
                    repeats.resize(place + 1, 0.0);
                }
                repeats[place] += count;
            }
            Ok(Seasonal::Own { today, repeats, share })
        }
        SeasonSetting::Of(model) => {
            let Some(relation) = run.context.relations.get(model) else { return Ok(Seasonal::None) };
            let relation = qualified(&relation.schema, &relation.identifier);
            let select = format!("SELECT s.month, s.factor FROM {relation} AS s");
            let frame = run.warehouse.read_frame_with(client, &select, "month").await?;
            let mut factors = [f64::NAN; 12];
            for (month, factor) in frame.keys.iter().zip(frame.floats("factor")?) {
                let place = month.parse::<usize>().ok().filter(|month| (1..=12).contains(month));
                let place = place.ok_or_else(|| {
                    Error::failed(format!("season \"{model}\" has a month {month}")).hint("months go from 1 to 12")
                })?;
                factors[place - 1] = *factor;
            }
            match factors.iter().position(|factor| factor.is_nan()) {
                None => Ok(Seasonal::Given { today, factors }),
                Some(place) => Err(Error::failed(format!("season \"{model}\" has no factor for month {}", place + 1))
                    .hint("give a row for each month, with 1 for an average one")),
            }
        }
    }
}

/// The last day of the run.
fn today(run: &RunContext) -> chrono::NaiveDate {
    (run.as_of - chrono::TimeDelta::microseconds(1)).date_naive()
}

/// The histories on the clock of an outlook, whose moments on the calendar are given.
async fn lives(
    run: &RunContext,
    client: &Client,
    request: &Request<'_>,
    outlook: &Outlook,
    moments: &[MomentCount],
) -> Result<Lives> {
    let oldest = moments.iter().map(|moment| moment.days).fold(0.0, f64::max);
    let clock = outlook.clock(today(run), oldest.ceil() as u32);
    let moments = match clock.table() {
        None => moments.to_vec(),
        Some(_) => run.warehouse.ltv_moments(client, request.select, &clock).await?.unwrap_or_default(),
    };
    Ok(Lives { clock, moments })
}

/// What the champion says of each customer, by key, in the season of the window ahead.
async fn levels(
    run: &RunContext,
    client: &Client,
    request: &Request<'_>,
    champion: Arc<dyn Fit>,
    season: f64,
) -> Result<Vec<(String, f64)>> {
    let Some(select) = appraise::today(run, request.judging) else {
        return Err(Error::failed(format!("model \"{}\" has no windows as of now", request.step.name)));
    };
    let mut reader = run.warehouse.read_batches(client, &select, request.key, BATCH).await?;
    let mut levels = Vec::new();
    while let Some(frame) = reader.next().await? {
        let champion = champion.clone();
        let told = blocking(request.step, move || {
            let level = appraisal::level(champion.as_ref(), &frame)?;
            Ok(frame
                .keys
                .into_iter()
                .zip(level.revenue.into_iter().map(|revenue| revenue * season))
                .collect::<Vec<_>>())
        });
        levels.extend(told.await?);
    }
    Ok(levels)
}

/// Repeat purchases of each day, counted back from today; none where the model names no such relation.
async fn days(run: &RunContext, client: &Client, request: &Request<'_>) -> Result<Option<Vec<(u32, f64)>>> {
    let relation = request.judging.tracking.as_ref().and_then(|model| run.context.relations.get(model));
    let Some(relation) = relation.map(|relation| qualified(&relation.schema, &relation.identifier)) else {
        return Ok(None);
    };
    let select = format!("SELECT t.days_ago, t.repeat_purchases FROM {relation} AS t WHERE t.days_ago >= 0");
    let frame = run.warehouse.read_frame_with(client, &select, "days_ago").await?;
    let counts = frame.floats("repeat_purchases")?;
    Ok(Some(
        frame.keys.iter().zip(counts).filter_map(|(days_ago, count)| Some((days_ago.parse().ok()?, *count))).collect(),
    ))
}

/// Weekly purchases against those that the fit expects.
async fn track(
    run: &RunContext,
    client: &Client,
    request: &Request<'_>,
    (outlook, lives): (&Outlook, &Lives),
    fit_days_ago: u32,
) -> Result<Option<Tracking>> {
    let Some(days) = days(run, client, request).await? else { return Ok(None) };
    let weeks = Weeks::new(&days, fit_days_ago);
    let histories: Vec<(History, f64)> = lives
        .moments
        .iter()
        .filter(|moment| moment.customers > 0.0)
        .map(|moment| {
            let age_weeks = moment.days / WEEK;
            (History { repeat_count: moment.repeat_count, age_weeks, ..History::NEW }, moment.customers)
        })
        .collect();
    let (process, theta) = (outlook.purchases.estimator, outlook.purchases.estimate.theta.clone());
    let clock = lives.clock.clone();
    blocking(request.step, move || Ok(tracking::track(process, &theta, (&histories, &clock), &weeks))).await
}

fn told(outlook: &Outlook, tracking: Option<Tracking>) -> Value {
    match tracking {
        None => Value::Null,
        Some(tracking) => {
            let mut told = json!(tracking);
            told["estimator"] = json!(outlook.purchases.estimator.name());
            told
        }
    }
}

fn fitting(run: &RunContext, step: &Step) -> Fitting {
    Fitting { run_id: run.run_id, as_of: run.as_of, fingerprint: step.fingerprint.clone() }
}

/// Computes on a thread of its own.
async fn blocking<T, F>(step: &Step, compute: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let computed = tokio::task::spawn_blocking(compute).await;
    let computed = computed.map_err(|e| Error::failed(format!("model \"{}\" failed", step.name)).source(e))?;
    computed.map_err(|e| super::step::name_model(&step.name, e))
}
