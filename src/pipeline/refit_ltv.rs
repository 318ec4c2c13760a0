//! Whether the fit of lifetime value that readers see still serves: between two fits, customers are scored with it.

use super::refit::Fitting;
use crate::analytics::ltv::Outlook;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// A fit of an earlier run that is young enough.
pub struct Serving {
    /// What to score with.
    pub outlook: Outlook,
    /// The champion, where it is no model of buying; its fit is kept under [`level_name`].
    pub champion: Option<String>,
    /// All facts of the fit.
    pub facts: Value,
    /// The run that made it.
    pub run_id: i64,
    /// Its age in whole days.
    pub days: u32,
}

/// The name under which a run keeps the fit of a champion that tells the level.
#[must_use]
pub fn level_name(model: &str) -> String {
    format!("{model}:level")
}

/// The published fit, if it was made by the same model less than `refit_days` ago, or the reason why a new one is made.
pub fn serving(published: Option<Value>, now: &Fitting, refit_days: u32) -> Result<Serving, String> {
    let Some(mut facts) = published else { return Err("no fit has been published".into()) };
    if refit_days == 0 {
        return Err("a fit is made in every run".into());
    }
    let fit = &facts["fit"];
    let Some(fitted_at) = fit["as_of"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok()) else {
        return Err("the published fit does not tell its age".into());
    };
    if fit["fingerprint"].as_str() != Some(&now.fingerprint) {
        return Err("the model has changed since the fit".into());
    }
    let age = now.as_of - fitted_at;
    if age < TimeDelta::zero() {
        return Err("the published fit knows what came later".into());
    }
    if age >= TimeDelta::days(i64::from(refit_days)) {
        return Err(format!("the fit is {} days old", age.num_days()));
    }
    let run_id = fit["run_id"].as_i64().ok_or("the published fit does not tell its run")?;
    let champion = fit["champion"].as_str().map(str::to_owned);
    // Days of a changed clock have 23 or 25 hours.
    let days = u32::try_from((age + TimeDelta::hours(12)).num_days()).unwrap_or(0);
    let outlook = facts.get("outlook").cloned().unwrap_or_default();
    let outlook: Outlook =
        serde_json::from_value(outlook).map_err(|_| "the published fit has nothing to score with".to_owned())?;
    if outlook.purchases.estimate.theta.len() != outlook.purchases.estimator.parameters().len() {
        return Err("the published fit has other parameters than its process".into());
    }
    if let Some(map) = facts.as_object_mut() {
        map.remove("tracking");
    }
    Ok(Serving { outlook, champion, facts, run_id, days })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::clock::Clock;
    use crate::analytics::ltv::{LtvSpec, Seasonal, learn};
    use crate::analytics::{Column, Frame};
    use crate::pipeline::refit;

    fn at(day: &str) -> DateTime<Utc> {
        format!("{day}T00:00:00Z").parse().expect("an instant")
    }

    /// Ninety customers who come back at different paces.
    fn published() -> Value {
        let rows = 0..90;
        let column = |name: &str, of: fn(u32) -> f64| Column::float(name, rows.clone().map(of).collect());
        let frame = Frame {
            keys: rows.clone().map(|i| format!("C{i}")).collect(),
            columns: vec![
                column("repeat_count", |i| f64::from(i % 9)),
                column("last_purchase_age_days", |i| if i % 9 == 0 { 0.0 } else { f64::from(20 + i) }),
                column("age_days", |i| f64::from(120 + i)),
                column("mean_repeat_value", |i| if i % 9 == 0 { f64::NAN } else { f64::from(10 + i % 7) }),
            ],
        };
        let spec =
            LtvSpec { estimator: "auto".into(), horizon_days: 365.0, discount_rate_annual: 0.1, margin_share: 1.0 };
        let facts = learn(&frame, &spec, None, &Seasonal::None).expect("a fit").facts;
        refit::signed(facts, &Fitting { run_id: 7, as_of: at("2025-03-01"), fingerprint: "f".into() })
    }

    fn reason(published: Option<Value>, day: &str, fingerprint: &str, days: u32) -> Option<String> {
        let now = Fitting { run_id: 8, as_of: at(day), fingerprint: fingerprint.into() };
        serving(published, &now, days).err()
    }

    #[test]
    fn a_fit_serves_for_its_days_and_its_model() {
        let of = |day: &str, fingerprint: &str, days| reason(Some(published()), day, fingerprint, days);
        assert_eq!(of("2025-03-01", "f", 30), None);
        assert_eq!(of("2025-03-30", "f", 30), None);
        assert_eq!(of("2025-03-31", "f", 30).as_deref(), Some("the fit is 30 days old"));
        assert_eq!(of("2025-03-02", "f", 0).as_deref(), Some("a fit is made in every run"));
        assert_eq!(of("2025-03-02", "g", 30).as_deref(), Some("the model has changed since the fit"));
        assert_eq!(of("2025-02-28", "f", 30).as_deref(), Some("the published fit knows what came later"));
        assert_eq!(reason(None, "2025-03-02", "f", 30).as_deref(), Some("no fit has been published"));
    }

    #[test]
    fn facts_that_cannot_be_scored_with_ask_for_a_fit() {
        let mut none = published();
        none["outlook"] = Value::Null;
        let nothing = "the published fit has nothing to score with";
        assert_eq!(reason(Some(none), "2025-03-02", "f", 30).as_deref(), Some(nothing));
        let mut unknown = published();
        unknown["outlook"]["purchases"]["estimator"] = "prophet".into();
        assert_eq!(reason(Some(unknown), "2025-03-02", "f", 30).as_deref(), Some(nothing));
        let mut short = published();
        short["outlook"]["purchases"]["estimate"]["theta"] = serde_json::json!([1.0]);
        assert!(reason(Some(short), "2025-03-02", "f", 30).is_some_and(|reason| reason.contains("other parameters")));
        let mut unsigned = published();
        unsigned["fit"] = Value::Null;
        assert!(reason(Some(unsigned), "2025-03-02", "f", 30).is_some_and(|reason| reason.contains("its age")));
    }

    #[test]
    fn what_is_had_back_scores_like_what_was_kept() {
        let now = Fitting { run_id: 8, as_of: at("2025-03-12"), fingerprint: "f".into() };
        let Ok(serving) = serving(Some(published()), &now, 30) else { panic!("it serves") };
        assert_eq!((serving.run_id, serving.days, serving.champion), (7, 11, None));
        let kept: Outlook = serde_json::from_value(published()["outlook"].clone()).expect("an outlook");
        let moments = [(0.0, 0.0), (3.0, 40.0), (3.0, 131.0)];
        let clock = Clock::calendar();
        assert_eq!(serving.outlook.moments(&moments, &clock), kept.moments(&moments, &clock));
    }
}
