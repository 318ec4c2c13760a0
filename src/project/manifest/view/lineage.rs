//! What metrics and saved queries need: they name measures and metrics, the graph knows ids.

use super::metric::{inputs, measures, name_of_call};
use crate::project::manifest::node::{Config, Kept};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Makes the metrics that measures ask for, and finds what metrics, saved queries and exposures need of each other.
///
/// Names that nothing bears are left to engines of the semantic layer to complain about.
pub fn link(kept: &mut BTreeMap<String, Kept>) {
    for metric in asked_for(kept) {
        kept.entry(metric.id.clone()).or_insert(metric);
    }
    let found: Vec<(String, Vec<String>)> = kept.iter().map(|(id, one)| (id.clone(), needs(one, kept))).collect();
    for (id, needed) in found {
        if let Some(one) = kept.get_mut(&id) {
            for parent in needed {
                if !one.depends_on.contains(&parent) {
                    one.depends_on.push(parent);
                }
            }
        }
    }
}

/// A measure with `create_metric: true` is a simple metric too.
fn asked_for(kept: &BTreeMap<String, Kept>) -> Vec<Kept> {
    let asks = |measure: &&Json| measure.get("create_metric").and_then(Json::as_bool) == Some(true);
    let of_model = |model: &Kept| -> Vec<Kept> {
        let measures = model.body.get("measures").and_then(Json::as_array).into_iter().flatten().filter(asks);
        measures.filter_map(|measure| metric_of(model, measure)).collect()
    };
    kept.values().filter(|one| one.id.starts_with("semantic_model.")).flat_map(of_model).collect()
}

fn metric_of(model: &Kept, measure: &Json) -> Option<Kept> {
    let name = measure.get("name")?.as_str()?;
    let label = measure.get("label").filter(|label| label.is_string()).cloned().unwrap_or_else(|| json!(name));
    let expr = measure.get("expr").filter(|expr| !expr.is_null()).cloned().unwrap_or_else(|| json!(name));
    let mut fqn = model.fqn.clone();
    fqn.pop();
    fqn.push(name.to_owned());
    let body = Config::from_iter([
        ("name".to_owned(), json!(name)),
        ("label".to_owned(), label),
        ("description".to_owned(), json!(measure.get("description").and_then(Json::as_str).unwrap_or_default())),
        ("type".to_owned(), json!("simple")),
        ("type_params".to_owned(), json!({"measure": name, "expr": expr})),
        ("config".to_owned(), json!({"enabled": true, "meta": {}})),
    ]);
    Some(Kept {
        id: format!("metric.{}.{name}", model.package),
        package: model.package.clone(),
        name: name.to_owned(),
        file: model.file.clone(),
        fqn,
        body,
        ..Kept::default()
    })
}

/// Ids of the metrics and semantic models that the entry names.
fn needs(one: &Kept, kept: &BTreeMap<String, Kept>) -> Vec<String> {
    let metric = |name: &str| kept.values().find(|other| other.id.starts_with("metric.") && other.name == name);
    let texts = |list: Option<&Json>| -> Vec<String> {
        list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let (metrics, models): (Vec<String>, Vec<&Kept>) = match super::kind_of(&one.id) {
        "metric" => {
            let models = measures(&one.body).into_iter().filter_map(|name| model_of(&name, kept)).collect();
            (inputs(&one.body), models)
        }
        "saved_query" => (texts(one.body.get("query_params").and_then(|params| params.get("metrics"))), Vec::new()),
        "exposure" => {
            let calls = texts(one.body.get("depends_on"));
            (calls.iter().filter_map(|call| name_of_call(call)).map(str::to_owned).collect(), Vec::new())
        }
        _ => (Vec::new(), Vec::new()),
    };
    let named = metrics.iter().filter_map(|name| metric(name));
    named.chain(models).map(|parent| parent.id.clone()).collect()
}

/// The semantic model that has this measure.
fn model_of<'a>(measure: &str, kept: &'a BTreeMap<String, Kept>) -> Option<&'a Kept> {
    kept.values().filter(|one| one.id.starts_with("semantic_model.")).find(|model| {
        let measures = model.body.get("measures").and_then(Json::as_array).into_iter().flatten();
        measures.filter_map(|one| one.get("name")?.as_str()).any(|name| name == measure)
    })
}
