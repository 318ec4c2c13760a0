//! Customers into the clusters of an earlier fit, by the server: between two fits nobody fetches the features.

use super::connect::{Client, Warehouse};
use super::copy::Transaction;
use super::fault::fault;
use super::frame::create_statement;
use super::statement::{fill, qualified, splice};
use crate::analytics::Column;
use crate::error::Result;
use crate::project::quote_identifier;
use chrono::{DateTime, Utc};

/// One feature of a fit, by name and scale: `z = (f(x) - mean) / deviation`, with `f` the logarithm of 1 + x or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledFeature {
    /// Its column in the SELECT.
    pub name: String,
    /// Whether the logarithm of 1 + x is taken first; below 0 counts as 0.
    pub log: bool,
    /// Mean after that.
    pub mean: f64,
    /// Standard deviation after that.
    pub deviation: f64,
}

/// Centres to which rows are assigned.
#[derive(Clone, Debug, PartialEq)]
pub struct Centroids {
    /// The features, in the order of the coordinates.
    pub features: Vec<ScaledFeature>,
    /// Number and coordinates (z) of each cluster; at least one.
    pub clusters: Vec<(i32, Vec<f64>)>,
}

/// Where the rows go, and of which run they are.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Table of the store, made anew.
    pub table: &'a str,
    /// The column that names a row.
    pub key: &'a str,
    /// The run.
    pub run_id: i64,
    /// Its instant.
    pub as_of: DateTime<Utc>,
}

impl Warehouse {
    /// Makes the table `target` of the customers in `select`, each with the number of the nearest centre and how clearly
    /// he belongs to it (1 - d1 / d2, as [`crate::analytics::cluster::fit`] has it).
    ///
    /// Returns the mean of the squared distances if at most `largest`; otherwise, or where a customer cannot be placed,
    /// the table is not made: a new fit is due, or has to tell what is wrong.
    pub async fn assign_clusters(
        &self,
        client: &Client,
        select: &str,
        centroids: &Centroids,
        target: &Target<'_>,
        largest: f64,
    ) -> Result<Option<f64>> {
        let relation = qualified(&self.schemas.store, target.table);
        let doing = format!("table \"{}\" cannot be written", target.table);
        let transaction = Transaction::begin(client).await?;
        let drop = format!("DROP TABLE IF EXISTS {relation} CASCADE");
        client.batch_execute(&drop).await.map_err(|e| fault(&doing, &e))?;
        let create = create_statement(&relation, target.key, &cluster_columns());
        client.batch_execute(&create).await.map_err(|e| fault(&doing, &e))?;
        let place = [("store", self.schemas.store.as_str()), ("table", target.table), ("key", target.key)];
        let sql = statement(&fill(include_str!("sql/assign_clusters.sql"), &place), select, centroids);
        let of = |value: fn(&ScaledFeature) -> f64| -> Vec<f64> { centroids.features.iter().map(value).collect() };
        let (means, deviations) = (of(|f| f.mean), of(|f| f.deviation));
        let coordinates: Vec<f64> = centroids.clusters.iter().flat_map(|(_, z)| z.iter().copied()).collect();
        let numbers: Vec<i32> = centroids.clusters.iter().map(|(number, _)| *number).collect();
        let values: [&dyn super::connect::Parameter; 6] =
            [&target.run_id, &target.as_of, &means, &deviations, &coordinates, &numbers];
        let row = match client.query_one(&sql, &values).await {
            Ok(row) => row,
            // A value that the arithmetic cannot hold, or a row without a key: the fit names the customer.
            Err(e) if e.code().is_some_and(|code| code.code().starts_with("22") || code.code().starts_with("23")) => {
                tracing::debug!(reason = %e, "customers cannot be assigned, a fit is made");
                return Ok(None);
            }
            Err(e) => return Err(fault(&doing, &e)),
        };
        let (count, unplaced): (i64, i64) = (row.get("row_count"), row.get("unplaced"));
        let mean_square: Option<f64> = row.get("mean_square");
        match mean_square.filter(|mean| count > 0 && unplaced == 0 && *mean <= largest) {
            Some(mean) => {
                transaction.commit().await?;
                Ok(Some(mean))
            }
            None => Ok(None),
        }
    }
}

/// The columns that a clustering has beside its key.
fn cluster_columns() -> [Column; 2] {
    [
        Column { name: "cluster_id".into(), values: crate::analytics::Values::Integer(Vec::new()) },
        Column::float("persona_confidence", Vec::new()),
    ]
}

/// The statement with an expression for each feature and centre.
fn statement(template: &str, select: &str, centroids: &Centroids) -> String {
    let width = centroids.features.len();
    let scores: Vec<String> = (1..)
        .zip(&centroids.features)
        .map(|(i, feature)| {
            let value = format!("f.{}::float8", quote_identifier(&feature.name));
            let value = if feature.log { format!("ln(1 + GREATEST({value}, 0))") } else { value };
            format!("({value} - ($3::float8[])[{i}]) / ($4::float8[])[{i}] AS z{i}")
        })
        .collect();
    let places: Vec<usize> = (1..=centroids.clusters.len()).collect();
    let distances: Vec<String> = places
        .iter()
        .map(|k| {
            let square = |i| {
                let gap = format!("(s.z{i} - ($5::float8[])[{}])", (k - 1) * width + i);
                format!("{gap} * {gap}")
            };
            format!("{} AS d{k}", (1..=width).map(square).collect::<Vec<_>>().join(" + "))
        })
        .collect();
    let listed = |of: &dyn Fn(&usize) -> String| places.iter().map(of).collect::<Vec<_>>().join(", ");
    let whens: Vec<String> = places.iter().map(|k| format!("WHEN n.d{k} THEN {k}")).collect();
    // The nearest centre itself is left out, but not another one as near: CASE takes the first.
    let other = |k: &usize| {
        let earlier: Vec<String> = (1..*k).map(|j| format!("n.d{j} <> n.first")).collect();
        let is_nearest = std::iter::once(format!("n.d{k} = n.first")).chain(earlier).collect::<Vec<_>>().join(" AND ");
        format!("CASE WHEN {is_nearest} THEN NULL ELSE n.d{k} END")
    };
    splice(
        template,
        &[
            ("scores", &scores.join(",\n        ")),
            ("distances", &distances.join(",\n        ")),
            ("all", &listed(&|k| format!("d.d{k}"))),
            ("places", &whens.join(" ")),
            ("others", &listed(&other)),
            // Last: what it holds is not looked into for the other names.
            ("select", select),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_and_centre_has_its_expression() {
        let feature = |name: &str, log| ScaledFeature { name: name.into(), log, mean: 0.0, deviation: 1.0 };
        let centroids = Centroids {
            features: vec![feature("days", true), feature("we\"ird", false)],
            clusters: vec![(3, vec![0.5, 1.0]), (1, vec![2.0, 3.0]), (2, vec![4.0, 5.0])],
        };
        let place = [("store", "s"), ("table", "t"), ("key", "id")];
        let template = fill(include_str!("sql/assign_clusters.sql"), &place);
        insta::assert_snapshot!(statement(&template, "SELECT 1 -- [all]", &centroids));
    }
}
