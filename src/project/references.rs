//! What `ref` and `source` name must exist, and nothing may need itself.

use super::Project;
use super::excerpt;
use super::model::{Materialization, Model};
use super::name::did_you_mean;
use crate::error::Error;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Unknown names in `ref` and `source`, and cycles; `test_places` tells where each generic test is declared.
pub(super) fn check(project: &Project, test_places: &BTreeMap<String, String>) -> Vec<Error> {
    let mut found = Vec::new();
    for model in project.models.values() {
        let place = |needle: &str| excerpt::at_quoted(&model.path, &model.raw_sql, needle);
        let owner = format!("model \"{}\"", model.name);
        found.extend(model.refs.iter().filter_map(|name| unknown_ref(project, &owner, name, place(name))));
        found.extend(model.lives.iter().filter_map(|name| unknown_ref(project, &owner, name, place(name))));
        found.extend(compares_in_a_view(model, &owner));
        found.extend(model.sources.iter().filter_map(|pair| unknown_source(project, &owner, pair, &place)));
    }
    for test in project.tests.values() {
        let sql = test.arguments.get("sql").and_then(Json::as_str).unwrap_or_default();
        let place = |needle: &str| match test_places.get(&test.name) {
            Some(place) => place.clone(),
            None => excerpt::at_quoted(&test.path, sql, needle),
        };
        let owner = format!("data test \"{}\"", test.name);
        let names = test.refs.iter().chain(Some(&test.model).filter(|model| !model.is_empty()));
        found.extend(names.filter_map(|name| unknown_ref(project, &owner, name, place(name))));
        found.extend(test.sources.iter().filter_map(|pair| unknown_source(project, &owner, pair, &place)));
    }
    for cycle in project.graph().cycles() {
        let files: Vec<&str> =
            cycle.iter().skip(1).filter_map(|n| project.models.get(n)).map(|m| m.path.as_str()).collect();
        found.push(
            Error::config(format!("models refer to each other in a circle: {}", cycle.join(" → ")))
                .detail(format!("The files are {}.", files.join(", ")))
                .hint("take one ref() out of the circle, or move what both need into a model of its own"),
        );
    }
    found
}

/// The published view would be compared with itself.
fn compares_in_a_view(model: &Model, owner: &str) -> Option<Error> {
    if model.materialization != Materialization::View || model.lives.is_empty() {
        return None;
    }
    Some(
        Error::config(format!("{owner} uses live(), and is a view"))
            .detail(excerpt::at_word(&model.path, &model.raw_sql, "live"))
            .hint("make it a table or a history: what was live before a run is known while it builds, and not later"),
    )
}

fn unknown_ref(project: &Project, owner: &str, name: &str, place: String) -> Option<Error> {
    if project.models.contains_key(name) || project.seeds.contains_key(name) {
        return None;
    }
    let known = project.models.keys().chain(project.seeds.keys()).map(String::as_str);
    let hint =
        did_you_mean(name, known).unwrap_or_else(|| "add the model, or declare a table of others as a source".into());
    Some(Error::config(format!("{owner} refers to unknown model \"{name}\"")).detail(place).hint(hint))
}

fn unknown_source(
    project: &Project,
    owner: &str,
    (source, table): &(String, String),
    place: &dyn Fn(&str) -> String,
) -> Option<Error> {
    let (what, needle, hint) = match project.sources.get(source) {
        None => {
            (format!("source \"{source}\""), source, did_you_mean(source, project.sources.keys().map(String::as_str)))
        }
        Some(known) if !known.tables.contains_key(table) => (
            format!("table \"{table}\" of source \"{source}\""),
            table,
            did_you_mean(table, known.tables.keys().map(String::as_str)),
        ),
        Some(_) => return None,
    };
    let hint = hint.unwrap_or_else(|| "declare it under sources: in a schema.yml".into());
    Some(Error::config(format!("{owner} reads unknown {what}")).detail(place(needle)).hint(hint))
}
