//! The fit of an earlier run, as its facts tell it: its clusters give today's their numbers, and how alike both part
//! today's customers is how stable the clustering is.

use super::agreement::adjusted_rand_index;
use super::kernel::nearest;
use super::lloyd::Partition;
use super::matching::continued;
use super::points::Points;
use crate::analytics::scale::Scaler;
use serde_json::Value;

/// Clusters of an earlier fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerFit {
    features: Vec<(String, Scaler)>,
    /// Number and centroid, in that fit's standard units.
    clusters: Vec<(i32, Vec<f64>)>,
}

impl FormerFit {
    /// Reads the facts of a fit ([`super::ClusterFit::facts`]); `None` where they are of another kind.
    #[must_use]
    pub fn of(facts: &Value) -> Option<FormerFit> {
        let names: Vec<String> = serde_json::from_value(facts.get("features")?.clone()).ok()?;
        let scaler = |name: &String| {
            let told = facts.get("scaling")?.get(name)?;
            let number = |key: &str| told.get(key)?.as_f64();
            let log = told.get("log")?.as_bool()?;
            Some((name.clone(), Scaler { log, mean: number("mean")?, deviation: number("deviation")? }))
        };
        let cluster = |told: &Value| {
            let id = i32::try_from(told.get("cluster_id")?.as_i64()?).ok()?;
            let z = names.iter().map(|name| told.get("z")?.get(name)?.as_f64()).collect::<Option<_>>()?;
            Some((id, z))
        };
        Some(FormerFit {
            features: names.iter().map(scaler).collect::<Option<_>>()?,
            clusters: facts.get("clusters")?.as_array()?.iter().map(cluster).collect::<Option<_>>()?,
        })
    }

    /// Name and scale of each feature.
    #[must_use]
    pub fn features(&self) -> &[(String, Scaler)] {
        &self.features
    }

    /// Number and centroid of each cluster, in the fit's standard units.
    #[must_use]
    pub fn clusters(&self) -> &[(i32, Vec<f64>)] {
        &self.clusters
    }

    /// Its centroids in the standard units of `scalers`; `None` where the features are others, or otherwise prepared.
    fn centroids(&self, scalers: &[(&str, Scaler)]) -> Option<Vec<Vec<f64>>> {
        let is_same = |((name, former), (other, scaler)): (&(String, Scaler), &(&str, Scaler))| {
            name == other && former.log == scaler.log
        };
        if self.features.len() != scalers.len() || !self.features.iter().zip(scalers).all(is_same) {
            return None;
        }
        let moved = |z: &Vec<f64>| {
            let places = z.iter().zip(&self.features).zip(scalers);
            places.map(|((z, (_, former)), (_, scaler))| former.moved(*z, scaler)).collect()
        };
        Some(self.clusters.iter().map(|(_, z)| moved(z)).collect())
    }

    /// The number of each of today's centroids: that of the former cluster which it continues, or one that is free.
    /// `None` where the fits cannot be compared.
    pub(super) fn numbers(&self, scalers: &[(&str, Scaler)], centroids: &[Vec<f64>]) -> Option<Vec<i32>> {
        let former = self.centroids(scalers)?;
        let continued = continued(centroids, &former);
        let taken: Vec<i32> = self.clusters.iter().map(|(id, _)| *id).collect();
        let mut free = (1..).filter(|number| !taken.contains(number));
        continued.iter().map(|place| place.map_or_else(|| free.next(), |place| Some(self.clusters[place].0))).collect()
    }

    /// The adjusted Rand index between today's partition and the one that the former centroids make of the same points.
    pub(super) fn agreement(&self, scalers: &[(&str, Scaler)], points: &Points, today: &Partition) -> Option<f64> {
        let former = Points { values: self.centroids(scalers)?.concat(), dimensions: points.dimensions };
        if former.values.is_empty() {
            return None;
        }
        let there = points.rows().map(|row| nearest(row, &former).0);
        adjusted_rand_index(there.zip(today.labels.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts() -> Value {
        json!({
            "features": ["recency_days", "monetary"],
            "scaling": {
                "recency_days": {"log": false, "mean": 10.0, "deviation": 2.0},
                "monetary": {"log": true, "mean": 3.0, "deviation": 0.5},
            },
            "clusters": [
                {"cluster_id": 2, "z": {"recency_days": -1.0, "monetary": 1.0}},
                {"cluster_id": 5, "z": {"recency_days": 1.0, "monetary": -1.0}},
            ],
        })
    }

    #[test]
    fn clusters_are_found_again_under_another_scale() {
        let former = FormerFit::of(&facts()).unwrap();
        let today = [
            ("recency_days", Scaler { log: false, mean: 12.0, deviation: 4.0 }),
            ("monetary", Scaler { log: true, mean: 3.0, deviation: 1.0 }),
        ];
        // Recency 8 and 12 are -1 and 0 today; monetary 3.5 and 2.5 are 0.5 and -0.5.
        assert_eq!(former.centroids(&today).unwrap(), [vec![-1.0, 0.5], vec![0.0, -0.5]]);
        let centroids = [vec![0.1, -0.6], vec![3.0, 3.0], vec![-0.9, 0.5]];
        assert_eq!(former.numbers(&today, &centroids), Some(vec![5, 1, 2]));
        let points = Points { values: vec![-1.0, 0.5, -0.9, 0.4, 0.0, -0.5, 0.1, -0.4], dimensions: 2 };
        let partition = |labels: [usize; 4]| Partition {
            centroids: Points { values: vec![0.0; 4], dimensions: 2 },
            labels: labels.to_vec(),
            inertia_mean: 0.0,
        };
        assert_eq!(former.agreement(&today, &points, &partition([1, 1, 0, 0])), Some(1.0));
        assert!(former.agreement(&today, &points, &partition([1, 0, 1, 0])).unwrap() < 0.0);
    }

    #[test]
    fn other_features_cannot_be_compared() {
        let former = FormerFit::of(&facts()).unwrap();
        let scaler = Scaler { log: true, mean: 0.0, deviation: 1.0 };
        assert_eq!(former.numbers(&[("recency_days", scaler), ("monetary", scaler)], &[vec![0.0, 0.0]]), None);
        assert_eq!(former.numbers(&[("monetary", scaler)], &[vec![0.0]]), None);
        let mut old = facts();
        old.as_object_mut().unwrap().remove("scaling");
        assert_eq!(FormerFit::of(&old), None);
    }
}
