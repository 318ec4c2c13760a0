//! The row-count guard: a public relation that lost too many of its rows is a broken source, not news.

use super::plan::{Plan, Step, StepKind};
use super::step::RunContext;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::project::{Access, Project};
use crate::warehouse::materialize::{StoredTable, run_relation};
use std::collections::BTreeMap;

/// What was built, with its table; none for views.
type Built = (String, Option<StoredTable>);

/// The relations that lost more rows against what is published than they may, each with the whole story.
pub async fn refuse_row_loss(
    run: &RunContext,
    plan: &Plan,
    settings: &Settings,
    built: &[Built],
) -> Result<Vec<(String, String)>> {
    let published: BTreeMap<String, i64> =
        run.warehouse.live().await?.into_iter().filter_map(|l| Some((l.relation, l.row_count?))).collect();
    let refused = built.iter().filter_map(|(name, table)| {
        // The rows of a history are what is new, and news may be few.
        let is_whole = |step: &&Step| !matches!(step.kind, StepKind::History { .. });
        let step = plan.step(name).filter(|step| step.access == Access::Public).filter(is_whole)?;
        let before = *published.get(&run.project.published_name(name))?;
        let share = allowed_share(&run.project, step, settings.run.max_row_loss_share);
        let lost = loss(before, table.as_ref()?.row_count, share)?;
        let table = format!("{}.{}", run.warehouse.schemas.store, run_relation(name, run.run_id));
        let error = Error::failed(format!("model \"{name}\" {lost}"))
            .detail(format!(
                "What was built is kept in table \"{table}\" until the next failed run; readers see the run before."
            ))
            .hint("look at its sources; quintile build --accept-row-loss publishes it as it is, this once");
        Some((name.clone(), error.report()))
    });
    Ok(refused.collect())
}

/// The model's own share, else the project's; none refuses only a relation that lost all.
fn allowed_share(project: &Project, step: &Step, general: Option<f64>) -> Option<f64> {
    let config = match (project.models.get(&step.name), project.seeds.get(&step.name)) {
        (Some(model), _) => &model.config,
        (None, Some(seed)) => &seed.config,
        (None, None) => return general,
    };
    config.get("max_row_loss_share").and_then(serde_json::Value::as_f64).or(general)
}

/// Why the loss is too much, if it is.
#[allow(clippy::cast_precision_loss)] // Row counts are far below 2^52.
fn loss(before: i64, now: i64, allowed: Option<f64>) -> Option<String> {
    if before <= 0 || now >= before {
        return None;
    }
    if now == 0 && allowed.is_none_or(|share| share < 1.0) {
        return Some(format!("has no rows, and {before} are published"));
    }
    let (share, allowed) = ((before - now) as f64 / before as f64, allowed?);
    (share > allowed).then(|| {
        format!(
            "has {now} rows, and {before} are published: it lost {:.1} %, and max_row_loss_share allows {:.1} %",
            share * 100.0,
            allowed * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::loss;

    #[test]
    fn losing_all_is_refused_unless_all_may_be_lost() {
        assert_eq!(loss(200, 0, None).as_deref(), Some("has no rows, and 200 are published"));
        assert_eq!(loss(200, 0, Some(0.5)).as_deref(), Some("has no rows, and 200 are published"));
        assert_eq!(loss(200, 0, Some(1.0)), None);
        assert_eq!(loss(0, 0, Some(0.0)), None);
    }

    #[test]
    fn losing_a_part_is_refused_past_the_share() {
        assert_eq!(loss(200, 1, None), None);
        assert_eq!(loss(200, 100, Some(0.5)), None);
        assert_eq!(loss(200, 300, Some(0.0)), None);
        let told = loss(200, 99, Some(0.5)).expect("too much");
        assert_eq!(told, "has 99 rows, and 200 are published: it lost 50.5 %, and max_row_loss_share allows 50.0 %");
        assert!(loss(200, 199, Some(0.0)).is_some());
    }
}
