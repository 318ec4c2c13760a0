//! A model's `config(...)` as checked instructions for clustering, lifetime value and indexes.

use crate::analytics::cluster::{Algorithm, ClusterSpec};
use crate::analytics::ltv::LtvSpec;
use crate::analytics::ltv::backtest::Objective;
use crate::error::{Error, Result};
use crate::project::Model;
use crate::warehouse::in_place::Limits;
use crate::warehouse::materialize::Index;
use serde_json::Value;
use std::time::Duration;

/// `timeout_seconds`, `lock_timeout_seconds`: how long the model's statements, and their waits for a lock, may take.
pub fn limits(model: &Model) -> Limits {
    let seconds = |key: &str| model.config.get(key).and_then(Value::as_u64).map(Duration::from_secs);
    Limits { statement: seconds("timeout_seconds"), lock: seconds("lock_timeout_seconds") }
}

/// `keep_days`: how old rows of a history may become.
pub fn keep_days(model: &Model) -> Option<i32> {
    model.config.get("keep_days").and_then(Value::as_u64).and_then(|days| i32::try_from(days).ok())
}

/// The key column of a cluster or ltv model.
pub fn key(model: &Model) -> Result<String> {
    match model.config.get("key") {
        None => Ok("customer_id".into()),
        Some(Value::String(name)) if !name.is_empty() => Ok(name.clone()),
        Some(other) => Err(wrong(model, "key", other, "the name of a column")),
    }
}

/// `algorithm`, `k='auto'` or a number, `k_min`, `k_max`, `log`, `starts`, `seed`; and beside them `refit_days`.
pub fn cluster(model: &Model) -> Result<(ClusterSpec, u32)> {
    let k = match model.config.get("k") {
        None => None,
        Some(Value::String(word)) if word == "auto" => None,
        Some(Value::Number(n)) if n.as_u64().is_some_and(|k| (1..=64).contains(&k)) => n.as_u64().map(|k| k as usize),
        Some(other) => return Err(wrong(model, "k", other, "'auto' or a whole number from 1 to 64")),
    };
    let spec = ClusterSpec {
        algorithm: match model.config.get("algorithm").map(Value::as_str) {
            None | Some(Some("kmeans")) => Algorithm::KMeans,
            Some(Some("gaussian_mixture")) => Algorithm::GaussianMixture,
            Some(_) => {
                let found = model.config.get("algorithm").cloned().unwrap_or_default();
                return Err(wrong(model, "algorithm", &found, "'kmeans' or 'gaussian_mixture'"));
            }
        },
        k,
        k_min: count(model, "k_min", 2, 1, 64)?,
        k_max: count(model, "k_max", 8, 1, 64)?,
        log: match model.config.get("log") {
            None => true,
            Some(Value::Bool(log)) => *log,
            Some(other) => return Err(wrong(model, "log", other, "true or false")),
        },
        starts: count(model, "starts", 10, 1, 1000)?,
        seed: count(model, "seed", 42, 0, usize::MAX)? as u64,
    };
    if spec.k_min > spec.k_max {
        return Err(Error::config(format!(
            "model \"{}\" has k_min {} above k_max {}",
            model.name, spec.k_min, spec.k_max
        )));
    }
    let refit_days = count(model, "refit_days", 0, 0, 3650)? as u32;
    if refit_days > 0 && spec.algorithm == Algorithm::GaussianMixture {
        return Err(Error::config(format!("model \"{}\" has refit_days with a mixture", model.name))
            .detail("Between fits customers are assigned to the nearest centre, which is not what a mixture is.")
            .hint("leave refit_days out, or take algorithm='kmeans'"));
    }
    Ok((spec, refit_days))
}

/// Where the season of purchases comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SeasonSetting {
    /// None is taken into account.
    #[default]
    None,
    /// The customers' own repeat purchases, if they hold one.
    Own,
    /// A model with `month` and `factor`.
    Of(String),
}

/// How estimators of lifetime value are judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judging {
    /// Model with cuts of the past; none are judged without it.
    pub windows: Option<String>,
    /// What the champion is chosen for.
    pub objective: Objective,
    /// Model with the repeat purchases of each day, which tell when a fit has drifted; nothing is watched without it.
    pub tracking: Option<String>,
    /// The season that purchases are told by.
    pub season: SeasonSetting,
    /// Days for which customers are scored with the fit there is; 0 fits in every run.
    pub refit_days: u32,
}

/// `windows`, `objective`, `tracking`, `season`, `refit_days`.
pub fn judging(model: &Model) -> Result<Judging> {
    let objective = match model.config.get("objective") {
        None => Objective::default(),
        Some(value) => value
            .as_str()
            .and_then(Objective::named)
            .ok_or_else(|| wrong(model, "objective", value, "'balanced', 'ranking' or 'totals'"))?,
    };
    let named = |key: &str| match model.config.get(key) {
        None => Ok(None),
        Some(Value::String(name)) if model.refs.contains(name) => Ok(Some(name.clone())),
        Some(other) => Err(wrong(model, key, other, "the name of a model that it refers to by ref()")),
    };
    Ok(Judging {
        windows: named("windows")?,
        objective,
        tracking: named("tracking")?,
        season: match model.config.get("season").and_then(Value::as_str) {
            None | Some("none") => SeasonSetting::None,
            Some("own") if model.config.contains_key("tracking") => SeasonSetting::Own,
            Some("own") => {
                return Err(Error::config(format!("model \"{}\" has season = 'own' without tracking", model.name))
                    .detail("Its own season is found in the repeat purchases of each day, which tracking names.")
                    .hint("add tracking='ltv_days', or set season='none'"));
            }
            Some(_) => named("season")?.map_or(SeasonSetting::None, SeasonSetting::Of),
        },
        refit_days: count(model, "refit_days", 0, 0, 3650)? as u32,
    })
}

/// `estimator`, `horizon_days`, `discount_rate_annual`, `margin_share`.
pub fn ltv(model: &Model) -> Result<LtvSpec> {
    Ok(LtvSpec {
        estimator: match model.config.get("estimator") {
            None => "auto".into(),
            Some(Value::String(name)) => name.clone(),
            Some(other) => return Err(wrong(model, "estimator", other, "the name of an estimator, or 'auto'")),
        },
        horizon_days: number(model, "horizon_days", 365.0, 1.0, 3650.0)?,
        discount_rate_annual: number(model, "discount_rate_annual", 0.1, 0.0, 10.0)?,
        margin_share: number(model, "margin_share", 1.0, 0.0, 1.0)?,
    })
}

/// `indexes=[{'columns': ['customer_id'], 'unique': true}]`.
pub fn indexes(model: &Model) -> Result<Vec<Index>> {
    let Some(value) = model.config.get("indexes") else { return Ok(Vec::new()) };
    let shape = "a list of {'columns': [names], 'unique': true or false}";
    let entries = value.as_array().ok_or_else(|| wrong(model, "indexes", value, shape))?;
    entries
        .iter()
        .map(|entry| {
            let columns: Option<Vec<String>> = entry
                .get("columns")
                .and_then(Value::as_array)
                .map(|names| names.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect());
            let columns = columns.filter(|c| !c.is_empty()).ok_or_else(|| wrong(model, "indexes", entry, shape))?;
            let is_unique = entry.get("unique").and_then(Value::as_bool).unwrap_or(false);
            Ok(Index { columns, is_unique })
        })
        .collect()
}

fn count(model: &Model, key: &str, default: usize, least: usize, most: usize) -> Result<usize> {
    match model.config.get(key) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| wrong(model, key, value, &format!("a whole number from {least} to {most}"))),
    }
}

fn number(model: &Model, key: &str, default: f64, least: f64, most: f64) -> Result<f64> {
    match model.config.get(key) {
        None => Ok(default),
        Some(value) => value
            .as_f64()
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| wrong(model, key, value, &format!("a number from {least} to {most}"))),
    }
}

fn wrong(model: &Model, key: &str, found: &Value, wanted: &str) -> Error {
    Error::config(format!("model \"{}\" has {key} = {found}, which is not {wanted}", model.name))
        .detail(format!("In {}.", model.path))
}
