//! Whether the clusters that readers see still serve: between two fits, customers are assigned to those there are.

use crate::analytics::cluster::FormerFit;
use crate::warehouse::assign::{Centroids, ScaledFeature};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Customers may lie this much farther from their centres (mean of the squares) than those that the fit was made on.
const MOST_DRIFT: f64 = 1.1;

/// The run that a fit is made in.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// Its number.
    pub run_id: i64,
    /// Its instant.
    pub as_of: DateTime<Utc>,
    /// The model's text and configuration.
    pub fingerprint: String,
}

/// A fit of an earlier run that is young enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// Where customers are assigned to.
    pub centroids: Centroids,
    /// The mean of the squared distances up to which they are.
    pub largest_mean_square: f64,
}

/// The facts of a new fit, with the run that made it.
#[must_use]
pub fn signed(mut facts: Value, fitting: &Fitting) -> Value {
    facts["fit"] = json!({ "run_id": fitting.run_id, "as_of": fitting.as_of, "fingerprint": fitting.fingerprint });
    facts
}

/// The published fit, if it was made by the same model less than `refit_days` ago.
#[must_use]
pub fn serving(published: &Value, now: &Fitting, refit_days: u32) -> Option<Serving> {
    let fit = published.get("fit")?;
    let fitted_at: DateTime<Utc> = serde_json::from_value(fit.get("as_of")?.clone()).ok()?;
    let age = now.as_of - fitted_at;
    let is_young = age >= chrono::TimeDelta::zero() && age < chrono::TimeDelta::days(i64::from(refit_days));
    if fit.get("fingerprint")?.as_str()? != now.fingerprint || !is_young {
        return None;
    }
    let former = FormerFit::of(published)?;
    let features = former.features().iter().map(|(name, scaler)| ScaledFeature {
        name: name.clone(),
        log: scaler.log,
        mean: scaler.mean,
        deviation: scaler.deviation,
    });
    let qualities = published.get("quality")?.as_array()?;
    let chosen = qualities.iter().find(|quality| quality["is_chosen"] == true)?;
    Some(Serving {
        centroids: Centroids { features: features.collect(), clusters: former.clusters().to_vec() },
        largest_mean_square: chosen.get("inertia_mean")?.as_f64()? * MOST_DRIFT,
    })
}

/// The facts of the published fit, for a run whose customers were assigned to its clusters.
#[must_use]
pub fn taken_over(mut published: Value, mean_square: f64) -> Value {
    let fit = &published["fit"];
    let day = fit["as_of"].as_str().and_then(|at| at.get(..10)).unwrap_or_default().to_owned();
    let made = format!("Customers were assigned to the clusters that run {} made as of {day}.", fit["run_id"]);
    // Of the fit, not of the assignments since.
    let reason = published["fit"]["reason"].as_str().or(published["reason"].as_str()).unwrap_or_default().to_owned();
    published["reason"] = json!(format!("{made} {reason}"));
    published["fit"]["reason"] = json!(reason);
    published["agreement_with_former"] = json!(1.0);
    published["assigned"] = json!({ "inertia_mean": mean_square });
    published
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn fitted(run_id: i64) -> Value {
        let facts = json!({
            "reason": "k = 1.", "features": ["x"], "scaling": {"x": {"log": true, "mean": 1.0, "deviation": 2.0}},
            "agreement_with_former": null,
            "quality": [{"k": 1, "inertia_mean": 0.5, "is_chosen": true}],
            "clusters": [{"cluster_id": 4, "size": 9, "z": {"x": 0.25}, "centroid": {"x": 3.0}}],
        });
        signed(facts, &Fitting { run_id, as_of: instant("2025-03-01T00:00:00Z"), fingerprint: "f".into() })
    }

    #[test]
    fn a_fit_serves_for_its_days_and_its_model() {
        let serves = |as_of: &str, fingerprint: &str, days| {
            serving(&fitted(7), &Fitting { run_id: 8, as_of: instant(as_of), fingerprint: fingerprint.into() }, days)
                .is_some()
        };
        assert!(serves("2025-03-01T00:00:00Z", "f", 7));
        assert!(serves("2025-03-07T23:59:59Z", "f", 7));
        assert!(!serves("2025-03-08T00:00:00Z", "f", 7));
        assert!(!serves("2025-03-01T00:00:00Z", "f", 0));
        assert!(!serves("2025-03-02T00:00:00Z", "another", 7));
        // A run of the past is not judged by what came after it.
        assert!(!serves("2025-02-28T00:00:00Z", "f", 7));
    }

    #[test]
    fn what_is_taken_over_tells_whose_it_is_however_often() {
        let now = Fitting { run_id: 8, as_of: instant("2025-03-02T00:00:00Z"), fingerprint: "f".into() };
        let once = taken_over(fitted(7), 0.52);
        let twice = taken_over(once.clone(), 0.53);
        for facts in [&once, &twice] {
            assert_eq!(
                facts["reason"],
                "Customers were assigned to the clusters that run 7 made as of 2025-03-01. k = 1."
            );
            let serving = serving(facts, &now, 7).expect("it serves");
            assert_eq!(serving.centroids.clusters, [(4, vec![0.25])]);
            assert!((serving.largest_mean_square - 0.55).abs() < 1e-12);
        }
        assert_eq!(twice["assigned"]["inertia_mean"], 0.53);
    }
}
