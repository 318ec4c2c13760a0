//! The keys of `config(...)`: which there are, what each may hold, and for which materialization it means something.

use super::model::{Access, Materialization};
use super::name::did_you_mean;
use crate::error::Error;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Configuration of a model or seed: key to value.
pub(super) type Config = BTreeMap<String, Json>;

/// What a value may be.
#[derive(Clone, Copy)]
enum Shape {
    Materialization,
    Access,
    Word,
    OneOf(&'static [&'static str]),
    Words,
    Flag,
    /// A whole number of at least this.
    Count(u64),
    /// A number in this closed interval.
    Number(f64, f64),
    /// `auto`, or a whole number of at least this.
    AutoOrCount(u64),
    List,
    Map,
}

/// One key.
struct Key {
    name: &'static str,
    shape: Shape,
    /// Materializations that know the key; none means all.
    of: &'static [Materialization],
}

const VIEW: &[Materialization] = &[Materialization::View];
const TABLE: &[Materialization] = &[Materialization::Table];
const CLUSTER: &[Materialization] = &[Materialization::Cluster];
const LTV: &[Materialization] = &[Materialization::Ltv];
const FITTED: &[Materialization] = &[Materialization::Cluster, Materialization::Ltv];
const HISTORY: &[Materialization] = &[Materialization::History];
/// Complete in each run, so that rows can be lost.
const WHOLE: &[Materialization] = &[Materialization::Table, Materialization::Cluster, Materialization::Ltv];
const STORED: &[Materialization] =
    &[Materialization::Table, Materialization::Cluster, Materialization::Ltv, Materialization::History];

/// The one list of keys of models; `docs/models.md` tells what each does.
const MODEL_KEYS: &[Key] = &[
    Key { name: "materialized", shape: Shape::Materialization, of: &[] },
    Key { name: "access", shape: Shape::Access, of: &[] },
    Key { name: "tags", shape: Shape::Words, of: &[] },
    Key { name: "meta", shape: Shape::Map, of: &[] },
    Key { name: "contract_version", shape: Shape::Count(1), of: &[] },
    Key { name: "max_row_loss_share", shape: Shape::Number(0.0, 1.0), of: WHOLE },
    Key { name: "indexes", shape: Shape::List, of: STORED },
    Key { name: "distributed_by", shape: Shape::Word, of: &[] },
    Key { name: "refresh", shape: Shape::OneOf(&["keys", "sums", "lines"]), of: TABLE },
    Key { name: "refresh_key", shape: Shape::Word, of: TABLE },
    Key { name: "line_key", shape: Shape::Word, of: TABLE },
    Key { name: "group_by", shape: Shape::Words, of: TABLE },
    Key { name: "settled_refs", shape: Shape::Words, of: TABLE },
    Key { name: "line_by_line", shape: Shape::Flag, of: VIEW },
    Key { name: "replicated", shape: Shape::Flag, of: STORED },
    Key { name: "timeout_seconds", shape: Shape::Count(1), of: STORED },
    Key { name: "lock_timeout_seconds", shape: Shape::Count(1), of: STORED },
    Key { name: "record_fit", shape: Shape::Flag, of: TABLE },
    Key { name: "keep_days", shape: Shape::Count(1), of: HISTORY },
    Key { name: "key", shape: Shape::Word, of: FITTED },
    Key { name: "algorithm", shape: Shape::Word, of: CLUSTER },
    Key { name: "k", shape: Shape::AutoOrCount(2), of: CLUSTER },
    Key { name: "k_min", shape: Shape::Count(2), of: CLUSTER },
    Key { name: "k_max", shape: Shape::Count(2), of: CLUSTER },
    Key { name: "log", shape: Shape::Flag, of: CLUSTER },
    Key { name: "starts", shape: Shape::Count(1), of: CLUSTER },
    Key { name: "seed", shape: Shape::Count(0), of: CLUSTER },
    Key { name: "refit_days", shape: Shape::Count(0), of: FITTED },
    Key { name: "estimator", shape: Shape::Word, of: LTV },
    Key { name: "windows", shape: Shape::Word, of: LTV },
    Key { name: "tracking", shape: Shape::Word, of: LTV },
    Key { name: "season", shape: Shape::Word, of: LTV },
    Key { name: "objective", shape: Shape::OneOf(&["balanced", "ranking", "totals"]), of: LTV },
    Key { name: "horizon_days", shape: Shape::Number(1.0, 3_650.0), of: LTV },
    Key { name: "discount_rate_annual", shape: Shape::Number(0.0, 10.0), of: LTV },
    Key { name: "margin_share", shape: Shape::Number(0.0, 1.0), of: LTV },
];

/// Keys of seeds.
const SEED_KEYS: &[Key] = &[
    Key { name: "access", shape: Shape::Access, of: &[] },
    Key { name: "tags", shape: Shape::Words, of: &[] },
    Key { name: "meta", shape: Shape::Map, of: &[] },
    Key { name: "contract_version", shape: Shape::Count(1), of: &[] },
    Key { name: "max_row_loss_share", shape: Shape::Number(0.0, 1.0), of: &[] },
    Key { name: "column_types", shape: Shape::Map, of: &[] },
];

/// What is wrong with a key: which key, what about it, what to do.
pub(super) struct Complaint {
    pub key: String,
    pub message: String,
    pub hint: String,
}

impl Complaint {
    /// The error about `owner` (`model "x"`), with the place as its detail.
    pub fn into_error(self, owner: &str, place: String) -> Error {
        Error::config(format!("{owner} {}", self.message)).detail(place).hint(self.hint)
    }
}

/// Checks the merged configuration of a model.
pub(super) fn check_model(config: &Config) -> Vec<Complaint> {
    check(config, MODEL_KEYS, materialization(config))
}

/// Checks the configuration of a seed.
pub(super) fn check_seed(config: &Config) -> Vec<Complaint> {
    check(config, SEED_KEYS, Materialization::Table)
}

/// `upper` over `lower`: tags add up, `meta` merges by key, all else is replaced, as in dbt.
pub(super) fn merge(lower: &Config, upper: &Config) -> Config {
    let mut merged = lower.clone();
    for (key, value) in upper {
        let combined = match (key.as_str(), merged.get(key)) {
            ("tags", Some(below)) => {
                let mut tags = words(below);
                for tag in words(value) {
                    if !tags.contains(&tag) {
                        tags.push(tag);
                    }
                }
                Json::from(tags)
            }
            ("meta", Some(Json::Object(below))) => {
                let mut meta = below.clone();
                meta.extend(value.as_object().cloned().unwrap_or_default());
                Json::Object(meta)
            }
            _ => value.clone(),
        };
        merged.insert(key.clone(), combined);
    }
    merged
}

/// The materialization that the configuration asks for; view if it asks for none or an unknown one.
pub(super) fn materialization(config: &Config) -> Materialization {
    config.get("materialized").and_then(Json::as_str).and_then(Materialization::from_word).unwrap_or_default()
}

/// Who may read; public if the configuration says nothing or an unknown word.
pub(super) fn access(config: &Config) -> Access {
    config.get("access").and_then(Json::as_str).and_then(Access::from_word).unwrap_or_default()
}

/// Tags; one tag may stand without a list.
pub(super) fn tags(config: &Config) -> Vec<String> {
    config.get("tags").map(words).unwrap_or_default()
}

fn words(value: &Json) -> Vec<String> {
    match value {
        Json::String(word) => vec![word.clone()],
        Json::Array(items) => items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn check(config: &Config, keys: &[Key], materialization: Materialization) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (name, value) in config {
        let complaint = match keys.iter().find(|key| key.name == name) {
            None => Some((
                format!("has an unknown config key \"{name}\""),
                did_you_mean(name, keys.iter().map(|k| k.name)).unwrap_or_else(|| {
                    let all: Vec<&str> = keys.iter().map(|k| k.name).collect();
                    format!("known keys: {}; keep facts of your own under meta", all.join(", "))
                }),
            )),
            Some(key) if !key.of.is_empty() && !key.of.contains(&materialization) => {
                let of: Vec<&str> = key.of.iter().map(|m| m.as_str()).collect();
                Some((
                    format!(
                        "has config key \"{name}\", which means nothing for materialized='{}'",
                        materialization.as_str()
                    ),
                    format!("remove it, or set materialized to {}", of.join(" or ")),
                ))
            }
            Some(key) => fault(key.shape, value)
                .map(|allowed| (format!("has config {name}={value}, which cannot be"), format!("allowed: {allowed}"))),
        };
        if let Some((message, hint)) = complaint {
            complaints.push(Complaint { key: name.clone(), message, hint });
        }
    }
    if let (Some(low), Some(high)) = (number(config, "k_min"), number(config, "k_max"))
        && low > high
    {
        complaints.push(Complaint {
            key: "k_min".into(),
            message: format!("has config k_min={low}, more than k_max={high}"),
            hint: "set k_min to k_max or less".into(),
        });
    }
    complaints
}

fn number(config: &Config, key: &str) -> Option<u64> {
    config.get(key).and_then(Json::as_u64)
}

/// What would be allowed, if the value is not of this shape.
fn fault(shape: Shape, value: &Json) -> Option<String> {
    let (good, allowed) = match shape {
        Shape::Materialization => (
            value.as_str().and_then(Materialization::from_word).is_some(),
            Materialization::ALL.map(Materialization::as_str).join(", "),
        ),
        Shape::Access => (value.as_str().and_then(Access::from_word).is_some(), "public, private".to_owned()),
        Shape::Word => (value.as_str().is_some_and(|w| !w.trim().is_empty()), "text".to_owned()),
        Shape::OneOf(words) => (value.as_str().is_some_and(|w| words.contains(&w)), words.join(", ")),
        Shape::Words => (
            value.is_string() || value.as_array().is_some_and(|list| list.iter().all(Json::is_string)),
            "text, or a list of texts".to_owned(),
        ),
        Shape::Flag => (value.is_boolean(), "true, false".to_owned()),
        Shape::Count(least) => {
            (value.as_u64().is_some_and(|n| n >= least), format!("a whole number of at least {least}"))
        }
        Shape::Number(low, high) => {
            (value.as_f64().is_some_and(|n| (low..=high).contains(&n)), format!("a number from {low} to {high}"))
        }
        Shape::AutoOrCount(least) => (
            value.as_str() == Some("auto") || value.as_u64().is_some_and(|n| n >= least),
            format!("'auto', or a whole number of at least {least}"),
        ),
        Shape::List => (value.is_array(), "a list".to_owned()),
        Shape::Map => (value.is_object(), "a map".to_owned()),
    };
    (!good).then_some(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(value: &Json) -> Config {
        value.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    #[test]
    fn the_file_wins_over_the_yaml_but_tags_add_up_and_meta_merges() {
        let yaml =
            config(&json!({"materialized": "view", "tags": ["daily", "rfm"], "meta": {"owner": "a", "since": 1}}));
        let file = config(&json!({"materialized": "table", "tags": "rfm", "meta": {"owner": "b"}}));
        let merged = merge(&yaml, &file);
        assert_eq!(materialization(&merged), Materialization::Table);
        assert_eq!(tags(&merged), ["daily", "rfm"]);
        assert_eq!(merged["meta"], json!({"owner": "b", "since": 1}));
    }

    #[test]
    fn every_shape_refuses_what_it_is_not() {
        let good =
            config(&json!({"materialized": "cluster", "access": "private", "tags": "x", "meta": {}, "key": "id",
            "k": "auto", "k_min": 2, "k_max": 8, "log": true, "starts": 1, "seed": 0, "indexes": []}));
        assert!(check_model(&good).is_empty());
        for (key, value) in [
            ("k", json!("many")),
            ("k", json!(1)),
            ("k_min", json!(2.5)),
            ("log", json!("yes")),
            ("starts", json!(0)),
            ("seed", json!(-1)),
            ("indexes", json!({})),
            ("meta", json!([])),
            ("tags", json!([1])),
            ("key", json!(" ")),
            ("access", json!("protected")),
            ("k_min", json!(9)),
        ] {
            let mut bad = good.clone();
            bad.insert(key.to_owned(), value.clone());
            let keys: Vec<String> = check_model(&bad).into_iter().map(|c| c.key).collect();
            assert_eq!(keys, [key], "{key}={value}");
        }
        let ltv = config(&json!({"materialized": "ltv", "horizon_days": 0, "margin_share": 1.5, "k": 3}));
        assert_eq!(check_model(&ltv).len(), 3);
    }
}
