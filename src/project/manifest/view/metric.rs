//! Metrics as dictionaries: short forms spelled out, the measures beneath each gathered.

use super::Stamp;
use super::kept::{add_created_at, body, config, depends_on};
use super::shape::{extend, fill_value};
use crate::project::manifest::node::{Config, Kept};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// How deep metrics may be made of metrics: a circle ends here.
const DEEPEST: usize = 32;

/// What only a metric has.
pub fn add(dict: &mut Map<String, Json>, kept: &Kept, all: &BTreeMap<String, Kept>, stamp: &Stamp) {
    let mut params = type_params(&kept.body);
    let mut gathered = Vec::new();
    gather(kept, all, &mut gathered, DEEPEST);
    params["input_measures"] = Json::Array(gathered);
    let config = config(kept, json!({"enabled": true, "group": null, "meta": {}}));
    let group = config.get("group").cloned();
    let tags = super::shape::listed(kept.body.get("tags").or_else(|| kept.body.get("config")?.get("tags")));
    extend(dict, body(kept, json!({"description": "", "label": null, "type": null})));
    extend(dict, json!({"type_params": params, "filter": filters(kept.body.get("filter")), "metadata": null}));
    extend(dict, body(kept, json!({"time_granularity": null})));
    extend(
        dict,
        json!({
            "meta": config["meta"],
            "tags": tags,
            "config": config,
            "unrendered_config": kept.body.get("config").cloned().unwrap_or_else(|| json!({})),
            "sources": [],
            "depends_on": depends_on(kept),
            "refs": [],
            "metrics": [],
        }),
    );
    add_created_at(dict, stamp);
    extend(dict, json!({"group": group}));
}

/// `metric('revenue')`: the name.
pub fn name_of_call(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("metric(")?.strip_suffix(')')?;
    Some(inside.trim().trim_matches(['\'', '"']))
}

/// Filters are one text, or a list of texts that must all hold.
pub fn filters(written: Option<&Json>) -> Json {
    let texts = super::shape::listed(written);
    let one = |text: Json| json!({"where_sql_template": text});
    if texts.is_empty() { Json::Null } else { json!({"where_filters": texts.into_iter().map(one).collect::<Vec<_>>()}) }
}

fn type_params(metric: &Config) -> Json {
    let pattern = json!({
        "measure": null, "input_measures": [], "numerator": null, "denominator": null, "expr": null, "window": null,
        "grain_to_date": null, "metrics": [], "conversion_type_params": null, "cumulative_type_params": null,
        "metric_aggregation_params": null,
    });
    let mut params = fill_value(pattern, metric.get("type_params"));
    params["measure"] = measure(&params["measure"]);
    params["numerator"] = input(&params["numerator"]);
    params["denominator"] = input(&params["denominator"]);
    params["window"] = window(&params["window"]);
    params["metrics"] = params["metrics"].as_array().into_iter().flatten().map(input).collect();
    if let Some(Json::Number(number)) = params.get("expr").cloned() {
        params["expr"] = json!(number.to_string());
    }
    if metric.get("type").and_then(Json::as_str) == Some("cumulative") {
        let given = params["cumulative_type_params"].clone();
        params["cumulative_type_params"] = cumulative(&given, &params);
    }
    if params["conversion_type_params"].is_object() {
        params["conversion_type_params"] = conversion(&params["conversion_type_params"]);
    }
    params
}

/// Window and grain may stand one level higher, where older projects write them.
fn cumulative(given: &Json, params: &Json) -> Json {
    let pattern = json!({
        "window": params["window"], "grain_to_date": params["grain_to_date"], "period_agg": "first", "metric": null,
    });
    let mut filled = fill_value(pattern, Some(given));
    filled["window"] = window(&filled["window"]);
    filled["metric"] = input(&filled["metric"]);
    filled
}

fn conversion(given: &Json) -> Json {
    let pattern = json!({
        "base_measure": null, "conversion_measure": null, "entity": null, "calculation": "conversion_rate",
        "window": null, "constant_properties": null,
    });
    let mut filled = fill_value(pattern, Some(given));
    filled["base_measure"] = measure(&filled["base_measure"]);
    filled["conversion_measure"] = measure(&filled["conversion_measure"]);
    filled["window"] = window(&filled["window"]);
    filled
}

/// A measure is named, or described.
fn measure(written: &Json) -> Json {
    let pattern =
        json!({"name": written, "filter": null, "alias": null, "join_to_timespine": false, "fill_nulls_with": null});
    described(written, pattern)
}

/// A metric that another is made of is named, or described.
fn input(written: &Json) -> Json {
    let pattern =
        json!({"name": written, "filter": null, "alias": null, "offset_window": null, "offset_to_grain": null});
    let mut filled = described(written, pattern);
    if filled.get("offset_window").is_some_and(Json::is_string) {
        filled["offset_window"] = window(&filled["offset_window"]);
    }
    filled
}

fn described(written: &Json, pattern: Json) -> Json {
    if written.is_null() {
        return Json::Null;
    }
    let mut filled = fill_value(pattern, Some(written));
    filled["filter"] = filters(Some(&filled["filter"]));
    filled
}

/// `7 days` is a count and a granularity.
fn window(written: &Json) -> Json {
    let Some((count, unit)) = written.as_str().and_then(|text| text.trim().split_once(char::is_whitespace)) else {
        return written.clone();
    };
    let unit = unit.trim().to_lowercase();
    let singular = unit.strip_suffix('s').unwrap_or(&unit);
    json!({"count": count.parse::<i64>().unwrap_or_default(), "granularity": singular})
}

/// Measures of the metric and of those that it is made of, each once.
fn gather(metric: &Kept, all: &BTreeMap<String, Kept>, gathered: &mut Vec<Json>, depth: usize) {
    for measure in own_measures(&metric.body) {
        if !gathered.contains(&measure) {
            gathered.push(measure);
        }
    }
    if depth > 0 {
        for name in inputs(&metric.body) {
            let found = all.values().find(|other| other.id.starts_with("metric.") && other.name == name);
            if let Some(other) = found {
                gather(other, all, gathered, depth - 1);
            }
        }
    }
}

fn own_measures(metric: &Config) -> Vec<Json> {
    let params = type_params(metric);
    let conversion = &params["conversion_type_params"];
    let all = [&params["measure"], &conversion["base_measure"], &conversion["conversion_measure"]];
    all.into_iter().filter(|measure| !measure.is_null()).cloned().collect()
}

/// Names of the measures that a metric names itself.
pub fn measures(metric: &Config) -> Vec<String> {
    own_measures(metric).iter().filter_map(|measure| measure["name"].as_str()).map(str::to_owned).collect()
}

/// Names of the metrics that a metric is made of.
pub fn inputs(metric: &Config) -> Vec<String> {
    let params = type_params(metric);
    let parts = [&params["numerator"], &params["denominator"], &params["cumulative_type_params"]["metric"]];
    let listed = params["metrics"].as_array().into_iter().flatten();
    let names = parts.into_iter().chain(listed).filter_map(|input| input.get("name")?.as_str());
    names.map(str::to_owned).collect()
}
