//! The rows that are new since a run, of models whose other rows stay as they are: views of order lines, and histories. What holds for
//! each row by itself need not be asked of the others again.

use super::super::carry::Decision;
use super::super::step::RunContext;
use super::in_store;
use super::lines::{orders, reads_orders_alone};
use crate::error::Result;
use crate::project::{Context, Materialization, RelationName};
use crate::warehouse::changed_lines::lines_relation;
use crate::warehouse::materialize::run_relation;
use std::collections::BTreeMap;

/// The new rows of a model.
#[derive(Clone, Debug)]
pub struct News {
    /// Where they are.
    pub relation: RelationName,
    /// The run since which they are new.
    pub since: i64,
}

/// The new rows of each model that has some to tell, by its name.
pub async fn news(run: &RunContext) -> Result<BTreeMap<String, News>> {
    let mut found = views_of_new_lines(run).await?;
    found.extend(added_to_histories(run));
    Ok(found)
}

/// Makes the views of the lines that were collected for models of the run, by the views of all lines.
async fn views_of_new_lines(run: &RunContext) -> Result<BTreeMap<String, News>> {
    let collected = run.former.lines.lock().await;
    let Some(since) = collected.iter().filter_map(|(since, found)| found.is_ok().then_some(*since)).max() else {
        return Ok(BTreeMap::new());
    };
    let store = &run.warehouse.schemas.store;
    let lines = in_store(store, lines_relation(since, run.run_id));
    let context = Context { sources: BTreeMap::from([(orders(), lines)]), ..run.context.clone() };
    let mut found = BTreeMap::new();
    for name in run.context.relations.keys().filter(|name| reads_orders_alone(&run.project, name)) {
        let view = format!("{name}__new");
        let select = run.project.compile(name, &context)?;
        run.warehouse.store_view(&run.warehouse.client().await?, &view, run.run_id, &select).await?;
        let relation = in_store(store, run_relation(&view, run.run_id));
        found.insert(name.clone(), News { relation, since });
    }
    Ok(found)
}

/// What the run adds to its histories.
fn added_to_histories(run: &RunContext) -> impl Iterator<Item = (String, News)> {
    let is_built = |name: &String| matches!(run.former.decisions.get(name), Some(Decision::Build));
    let histories = run.project.models.values().filter(|model| model.materialization == Materialization::History);
    histories.filter(move |model| is_built(&model.name)).filter_map(|model| {
        let since = run.former.live.get(&model.name)?.run_id;
        let relation = in_store(&run.warehouse.schemas.store, run_relation(&model.name, run.run_id));
        Some((model.name.clone(), News { relation, since }))
    })
}
