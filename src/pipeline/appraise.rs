//! Judging estimators of lifetime value before a fit: the cuts of the past are read, and what the champion asks for beyond them.

use super::plan::Step;
use super::spec::Judging;
use super::step::RunContext;
use crate::analytics::Frame;
use crate::analytics::ltv::{Appraisal, Level};
use crate::error::{Error, Result};
use crate::warehouse::connect::Client;
use crate::warehouse::statement::qualified;
use serde_json::Value;

/// What the past said, and today's customers as far as the champion must know them.
pub struct Appraised {
    /// What the past said.
    pub appraisal: Appraisal,
    today: Option<Frame>,
}

impl Appraised {
    /// What the champion says of the customers `keys`; none where there is no champion.
    pub fn level(&self, keys: &[String]) -> Result<Option<Level>> {
        self.today.as_ref().map(|today| self.appraisal.level(today, keys)).transpose().map(Option::flatten)
    }
}

/// Judges all estimators; none where the model names no windows, or the data are too short for a cut.
pub async fn appraise(
    run: &RunContext,
    step: &Step,
    client: &Client,
    key: &str,
    judging: &Judging,
) -> Result<Option<Appraised>> {
    let relation = judging.windows.as_ref().and_then(|windows| run.context.relations.get(windows));
    let Some(relation) = relation.map(|relation| qualified(&relation.schema, &relation.identifier)) else {
        return Ok(None);
    };
    // All columns: a view has none but its own, whereas a stored model would bring `as_of`, which the frame refuses by name.
    let select = |which: &str| format!("SELECT w.* FROM {relation} AS w WHERE w.origin_n {which}");
    let windows = run.warehouse.read_frame_with(client, &select("> 0"), key).await?;
    let published = run.warehouse.published_fit(&step.name).await?;
    let former = published.as_ref().and_then(|facts| facts.pointer("/appraisal/champion/estimator"));
    let former = former.and_then(Value::as_str).map(str::to_owned);
    let objective = judging.objective;
    let judged = tokio::task::spawn_blocking(move || Appraisal::new(&windows, objective, former.as_deref())).await;
    let judged = judged.map_err(|e| Error::failed(format!("model \"{}\" failed", step.name)).source(e))??;
    let Some(appraisal) = judged else { return Ok(None) };
    let today = match appraisal.needs_features() {
        true => Some(run.warehouse.read_frame_with(client, &select("= 0"), key).await?),
        false => None,
    };
    Ok(Some(Appraised { appraisal, today }))
}
