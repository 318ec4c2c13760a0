//! The order lines that changed since a run, collected once for all models of this run that are made of lines.

use super::super::carry::Decision;
use super::super::step::RunContext;
use super::{Told, wish};
use crate::error::Result;
use crate::project::{Materialization, Project};
use crate::warehouse::changed_lines::Collecting;
use crate::warehouse::runs::Live;
use std::collections::BTreeSet;

pub(super) fn orders() -> (String, String) {
    ("raw".to_owned(), "orders".to_owned())
}

/// Whether a view has a row for each order line, or some of them, and reads nothing but the orders.
pub(super) fn reads_orders_alone(project: &Project, view: &str) -> bool {
    let sources = project.models.get(view).map(|model| &model.sources);
    is_line_by_line(project, view)
        && sources.is_some_and(|sources| sources.iter().all(|source| *source == orders()))
        && project.parents(view).is_empty()
}

/// Collects the order lines that changed since a run, once, for all keys that models of this run ask for.
pub(super) async fn collect_lines(run: &RunContext, base: &Live) -> Result<Told> {
    let mut collected = run.former.lines.lock().await;
    if let Some(known) = collected.get(&base.run_id) {
        return Ok(known.as_ref().map(drop).map_err(Clone::clone));
    }
    let (Some(seen), Some((snapshot, _))) = (&base.sources_seen, &run.snapshot) else {
        return Ok(Err("changes of orders were not followed".into()));
    };
    let is_built = |name: &String| matches!(run.former.decisions.get(name), Some(Decision::Build));
    let wishes = run.project.models.keys().filter(|name| is_built(name)).filter_map(|name| {
        let reads_lines = run.project.parents(name).iter().any(|parent| is_line_by_line(&run.project, parent));
        run.project.models.get(name).and_then(wish).filter(|wish| reads_lines && !wish.line_key.is_empty())
    });
    let line_keys: Vec<String> = wishes.map(|wish| wish.line_key).collect::<BTreeSet<_>>().into_iter().collect();
    let collecting = Collecting {
        run_id: run.run_id,
        as_of: run.as_of,
        snapshot,
        limits: run.limits,
        since: base.run_id,
        seen,
        seen_from: base.as_of,
        line_keys: &line_keys,
    };
    let found = match run.warehouse.collect_lines(&collecting).await? {
        None => Ok(line_keys),
        Some(reason) => Err(reason),
    };
    let told = found.as_ref().map(drop).map_err(Clone::clone);
    collected.insert(base.run_id, found);
    Ok(told)
}

/// Whether a view has a row for each order line, or for some of them, and what it tells is in that line alone.
pub fn is_line_by_line(project: &Project, name: &str) -> bool {
    let model = project.models.get(name).filter(|model| model.materialization == Materialization::View);
    model.is_some_and(|model| model.config.get("line_by_line") == Some(&true.into()))
}
