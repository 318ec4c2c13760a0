//! Judging estimators of lifetime value before a fit: the cuts of the past are read, and what the champion asks for beyond them.

use super::plan::Step;
use super::spec::Judging;
use super::step::RunContext;
use crate::analytics::Frame;
use crate::analytics::ltv::{Appraisal, Fit};
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
    /// The champion's name and fit; none where it is a model of buying and leaving, which is fitted to all customers anyway.
    pub fn champion(&mut self) -> Result<Option<(&'static str, Box<dyn Fit>)>> {
        let Some(today) = self.today.take() else { return Ok(None) };
        let fit = self.appraisal.champion_fit(&today)?;
        Ok(self.appraisal.champion.estimator.zip(fit))
    }
}

/// Judges all estimators; none where the model names no windows, or the data are too short for a cut. A champion that learns is given
/// `share` of today's customers.
pub async fn appraise(
    run: &RunContext,
    step: &Step,
    client: &Client,
    key: &str,
    judging: &Judging,
    share: f64,
) -> Result<Option<Appraised>> {
    let (Some(past), Some(now)) = (windows(run, judging, "> 0"), today(run, judging)) else { return Ok(None) };
    let windows = run.warehouse.read_frame_with(client, &past, key).await?;
    let published = run.warehouse.published_fit(&step.name).await?;
    let former = published.as_ref().and_then(|facts| facts.pointer("/appraisal/champion/estimator"));
    let former = former.and_then(Value::as_str).map(str::to_owned);
    let objective = judging.objective;
    let judged = tokio::task::spawn_blocking(move || Appraisal::new(&windows, objective, former.as_deref())).await;
    let judged = judged.map_err(|e| Error::failed(format!("model \"{}\" failed", step.name)).source(e))??;
    let Some(appraisal) = judged else { return Ok(None) };
    let today = match appraisal.needs_features() {
        true => Some(run.warehouse.read_sample(client, &now, key, share).await?),
        false => None,
    };
    Ok(Some(Appraised { appraisal, today }))
}

/// The SELECT of all customers as of now, with their features.
pub fn today(run: &RunContext, judging: &Judging) -> Option<String> {
    windows(run, judging, "= 0")
}

fn windows(run: &RunContext, judging: &Judging, which: &str) -> Option<String> {
    let relation = judging.windows.as_ref().and_then(|windows| run.context.relations.get(windows))?;
    let relation = qualified(&relation.schema, &relation.identifier);
    // All columns: a view has none but its own, whereas a stored model would bring `as_of`, which the frame refuses by name.
    Some(format!("SELECT w.* FROM {relation} AS w WHERE w.origin_n {which}"))
}
