//! Incremental models: new rows by a strategy, or batch by batch with a ledger of what is done.

use super::finish;
use super::hooks::{self, When};
use super::model::{refuse_no_query, table_definition};
use super::report::{BatchResults, NodeResult, Status};
use super::spec;
use super::step::Work;
use crate::error::{Error, Result};
use crate::project::manifest::Node;
use crate::project::name::did_you_mean;
use crate::warehouse::in_place::incremental::{self, IncrementalDefinition, Strategy, Window};
use crate::warehouse::in_place::intervals::{self, Batch, BatchSize, Finished, LedgerKey, Wanted};
use crate::warehouse::in_place::schema_change::OnSchemaChange;
use crate::warehouse::in_place::{Change, Outcome};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Strategies there are, as `incremental_strategy` names them.
const STRATEGIES: [&str; 4] = ["append", "delete+insert", "merge", "microbatch"];

/// Builds an incremental model that is not cut into batches.
pub async fn build(work: &Work, select: &str) -> Result<Outcome> {
    let strategy = match strategy_word(&work.node)? {
        "append" => Strategy::Append,
        "merge" => Strategy::Merge,
        _ => Strategy::DeleteInsert,
    };
    let definition = definition(work, select, strategy)?;
    incremental::build(&work.session, &work.run.catalog, &definition, work.is_full_refresh()).await
}

/// dbt's default: `delete+insert` with a unique key, `append` without one.
fn strategy_word(node: &Node) -> Result<&str> {
    let default = if spec::columns(node, "unique_key").is_empty() { "append" } else { "delete+insert" };
    let word = match node.text("incremental_strategy") {
        None | Some("default") => default,
        Some(word) => word,
    };
    if STRATEGIES.contains(&word) {
        return Ok(word);
    }
    let hint =
        did_you_mean(word, STRATEGIES).unwrap_or_else(|| format!("strategies there are: {}", STRATEGIES.join(", ")));
    Err(Error::config(format!("{} has an unknown incremental_strategy \"{word}\"", node.label()))
        .detail(spec::place(node, word))
        .hint(hint))
}

fn definition(work: &Work, select: &str, strategy: Strategy) -> Result<IncrementalDefinition> {
    let node = &work.node;
    let updates = spec::columns(node, "merge_update_columns");
    Ok(IncrementalDefinition {
        table: table_definition(work, select)?,
        strategy,
        unique_key: spec::columns(node, "unique_key"),
        predicates: [spec::columns(node, "incremental_predicates"), spec::columns(node, "predicates")].concat(),
        update_columns: (!updates.is_empty()).then_some(updates),
        exclude_columns: spec::columns(node, "merge_exclude_columns"),
        on_schema_change: on_schema_change(node)?,
    })
}

fn on_schema_change(node: &Node) -> Result<OnSchemaChange> {
    let Some(found) = spec::present(node, "on_schema_change") else { return Ok(OnSchemaChange::Ignore) };
    match found.as_str() {
        Some("ignore") => Ok(OnSchemaChange::Ignore),
        Some("fail") => Ok(OnSchemaChange::Fail),
        Some("append_new_columns") => Ok(OnSchemaChange::AppendNewColumns),
        Some("sync_all_columns") => Ok(OnSchemaChange::SyncAllColumns),
        _ => {
            let wanted = "ignore, fail, append_new_columns or sync_all_columns";
            Err(spec::wrong(node, "on_schema_change", found, wanted))
        }
    }
}

/// Refuses a configuration that no build could follow.
pub fn check(node: &Node) -> Result<()> {
    on_schema_change(node)?;
    if strategy_word(node)? == "microbatch" {
        event_time(node)?;
        begin(node)?;
        batch_size(node)?;
        lookback(node)?;
    }
    Ok(())
}

fn event_time(node: &Node) -> Result<&str> {
    node.text("event_time").ok_or_else(|| missing(node, "event_time"))
}

/// Builds what is missing of a microbatch model, one transaction a batch; a batch that fails does not stop the others.
pub async fn microbatch(work: &Work, began: DateTime<Utc>) -> Result<NodeResult> {
    let node = &work.node;
    let event_time = event_time(node)?.to_owned();
    let size = batch_size(node)?;
    let options = &work.run.options;
    let full_refresh = work.is_full_refresh();
    let is_there = incremental::is_incremental(&work.run.catalog, &node.relation(), full_refresh);
    let relation = work.run.quoted(node);
    let key = LedgerKey { workspace: &work.run.warehouse.schemas.workspace, relation: &relation };
    let done = if is_there { intervals::built(&work.session, key).await? } else { std::collections::BTreeMap::new() };
    work.session.commit().await?;
    let only = match (options.event_time_start, options.event_time_end) {
        (Some(from), Some(to)) => Some((from.and_utc(), to.and_utc())),
        _ => None,
    };
    let wanted = Wanted {
        begin: begin(node)?,
        now: work.compiler.world.started_at,
        size,
        lookback: lookback(node)?,
        only,
        full_refresh: !is_there,
    };
    let batches = intervals::to_build(&wanted, &done);
    let before = hooks::of(node, When::Before);
    let after = hooks::of(node, When::After);
    hooks::run(work, &before, false).await?;
    hooks::run(work, &before, true).await?;
    work.session.commit().await?;
    let mut result = NodeResult { compiled_at: Some((began, work.run.now())), ..NodeResult::blank(&node.id) };
    let mut failures: Vec<String> = Vec::new();
    let (mut built, mut rows) = (0_usize, 0_u64);
    let mut ended = BatchResults::default();
    let mut must_create = !is_there;
    for batch in &batches {
        match one_batch(work, &event_time, *batch, must_create, key).await {
            Ok((outcome, sql)) => {
                built += 1;
                must_create = false;
                rows += outcome.rows.unwrap_or(0);
                ended.successful.push((batch.start, batch.end));
                result.compiled = Some(sql);
            }
            Err(e) if e.kind == crate::error::Kind::Interrupted || e.may_pass() => return Err(e),
            Err(e) => {
                work.session.rollback().await?;
                let finished = finished(work, *batch, None);
                intervals::record(&work.session, key, &finished).await?;
                work.session.commit().await?;
                ended.failed.push((batch.start, batch.end));
                failures.push(format!("batch {}: {}", batch.start.format("%Y-%m-%d %H:%M"), e.report()));
                // Without a first batch there is no table that a second one could go into.
                if must_create {
                    break;
                }
            }
        }
    }
    let outcome = Outcome { change: Change::Updated, rows: Some(rows), notes: Vec::new(), dropped: Vec::new() };
    if built > 0 {
        finish::relation(work, &after, &outcome).await?;
    }
    result.rows = Some(rows);
    result.batches = Some(ended);
    result.status = match (failures.is_empty(), built) {
        (true, _) => Status::Success,
        (false, 0) => Status::Error,
        (false, _) => Status::PartialSuccess,
    };
    let told = format!("{built} of {} batches", batches.len());
    result.message = if failures.is_empty() { told } else { format!("{told}\n{}", failures.join("\n")) };
    Ok(result)
}

async fn one_batch(
    work: &Work,
    event_time: &str,
    batch: Batch,
    must_create: bool,
    key: LedgerKey<'_>,
) -> Result<(Outcome, String)> {
    let compiled = work.blocking(move |compiler, node| compiler.within(batch.start, batch.end).node(node)).await?;
    refuse_no_query(work, &compiled.code)?;
    let window = Window { event_time: event_time.to_owned(), start: batch.start, end: batch.end };
    let definition = definition(work, &compiled.code, Strategy::Microbatch(window))?;
    let outcome = incremental::build(&work.session, &work.run.catalog, &definition, must_create).await?;
    if must_create {
        intervals::forget(&work.session, key).await?;
    }
    let finished = finished(work, batch, outcome.rows);
    intervals::record(&work.session, key, &finished).await?;
    work.session.commit().await?;
    Ok((outcome, compiled.code))
}

fn finished(work: &Work, batch: Batch, rows: Option<u64>) -> Finished<'_> {
    Finished {
        batch,
        is_built: rows.is_some(),
        run: &work.compiler.world.invocation_id,
        rows: rows.and_then(|rows| i64::try_from(rows).ok()),
        fingerprint: &work.node.checksum,
        as_of: work.compiler.world.started_at,
    }
}

fn batch_size(node: &Node) -> Result<BatchSize> {
    match node.text("batch_size") {
        Some("hour") => Ok(BatchSize::Hour),
        Some("day") => Ok(BatchSize::Day),
        Some("month") => Ok(BatchSize::Month),
        Some("year") => Ok(BatchSize::Year),
        Some(_) => {
            let found = spec::present(node, "batch_size").cloned().unwrap_or_default();
            Err(spec::wrong(node, "batch_size", &found, "hour, day, month or year"))
        }
        None => Err(missing(node, "batch_size")),
    }
}

fn lookback(node: &Node) -> Result<u32> {
    match spec::present(node, "lookback") {
        None => Ok(1),
        Some(value) => value
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .ok_or_else(|| spec::wrong(node, "lookback", value, "a whole number of batches")),
    }
}

fn begin(node: &Node) -> Result<DateTime<Utc>> {
    let value = spec::present(node, "begin").ok_or_else(|| missing(node, "begin"))?;
    let text = value.as_str().unwrap_or_default();
    instant(text).ok_or_else(|| spec::wrong(node, "begin", value, "a date or an instant, as 2024-01-01"))
}

/// `2024-01-01`, `2024-01-01 10:00:00`, `2024-01-01T10:00:00Z`.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    text.parse::<DateTime<Utc>>()
        .ok()
        .or_else(|| text.replace(' ', "T").parse::<NaiveDateTime>().ok().map(|at| at.and_utc()))
        .or_else(|| text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|at| at.and_utc()))
}

fn missing(node: &Node, key: &str) -> Error {
    Error::config(format!("{} is a microbatch model without {key}", node.label()))
        .detail(spec::place(node, "config("))
        .hint(match key {
            "event_time" => "set config(event_time='...') to the column that tells when a row came to be",
            "begin" => "set config(begin='2024-01-01') to the date of the first batch",
            _ => "set config(batch_size='day'), or to hour, month or year",
        })
}
