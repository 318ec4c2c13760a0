//! What each method of a criterion looks at.

use super::by_path::{self, Paths};
use super::criterion::{Criterion, Method};
use super::past::Past;
use super::{Candidate, Graph, by_name, wildcard};
use crate::error::{Error, Result};
use crate::project::files::version;
use crate::project::name::did_you_mean;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// dbt's words for kinds of resources that can be asked for.
const RESOURCE_TYPES: [&str; 14] = [
    "model",
    "analysis",
    "test",
    "snapshot",
    "operation",
    "seed",
    "source",
    "exposure",
    "metric",
    "group",
    "saved_query",
    "semantic_model",
    "unit_test",
    "function",
];
const TEST_TYPES: [&str; 5] = ["generic", "singular", "unit", "data", "schema"];
const VERSIONS: [&str; 4] = ["latest", "prerelease", "old", "none"];
const STATES: [&str; 10] = [
    "new",
    "old",
    "modified",
    "unmodified",
    "modified.body",
    "modified.configs",
    "modified.persisted_descriptions",
    "modified.relation",
    "modified.macros",
    "modified.contract",
];

/// The ids that a criterion finds, its operators left aside.
pub(super) fn find<'g>(graph: &'g dyn Graph, past: &dyn Past, criterion: &Criterion) -> Result<BTreeSet<&'g str>> {
    check(criterion)?;
    let paths = match criterion.method {
        Method::Path => Paths::known(graph).matching(&criterion.text()),
        _ => BTreeSet::new(),
    };
    let mut found = BTreeSet::new();
    for node in graph.nodes() {
        if fits(graph, past, criterion, &paths, node)? {
            found.insert(node.unique_id());
        }
    }
    Ok(found)
}

/// A value that can never find anything is a slip to tell, not an empty choice.
fn check(criterion: &Criterion) -> Result<()> {
    let value = criterion.text();
    let one_of = |words: &[&str], noun: &str| {
        if words.contains(&value.as_str()) {
            return Ok(());
        }
        Err(Error::usage(format!("selector \"{}\" names no {noun}", criterion.raw)).hint(
            did_you_mean(&value, words.iter().copied()).unwrap_or_else(|| format!("write one of {}", words.join(", "))),
        ))
    };
    let at_most = |parts: usize, form: &str| {
        if value.split('.').count() <= parts {
            return Ok(());
        }
        Err(Error::usage(format!("selector \"{}\" has too many dots", criterion.raw)).hint(format!("write {form}")))
    };
    match criterion.method {
        Method::ResourceType => one_of(&RESOURCE_TYPES, "resource type"),
        Method::TestType => one_of(&TEST_TYPES, "test type"),
        Method::Version => one_of(&VERSIONS, "kind of version"),
        Method::State => one_of(&STATES, "state"),
        Method::SourceStatus => one_of(&["fresher"], "source status"),
        Method::Source => at_most(3, "<source>, <source>.<table> or <package>.<source>.<table>"),
        Method::Exposure | Method::Metric | Method::SemanticModel | Method::SavedQuery | Method::UnitTest => {
            at_most(2, "<name> or <package>.<name>")
        }
        Method::Config if criterion.arguments.is_empty() => {
            Err(Error::usage(format!("selector \"{}\" names no configuration", criterion.raw))
                .hint("write config.<key>:<value>, as in config.materialized:table"))
        }
        _ => Ok(()),
    }
}

/// Nodes proper: what dbt keeps under `nodes` in the manifest, with configuration of their own.
pub(super) fn is_plain_node(node: &dyn Candidate) -> bool {
    matches!(node.resource_type(), "model" | "seed" | "snapshot" | "test" | "analysis" | "operation")
}

fn fits(
    graph: &dyn Graph,
    past: &dyn Past,
    criterion: &Criterion,
    paths: &BTreeSet<String>,
    node: &dyn Candidate,
) -> Result<bool> {
    let value = criterion.text();
    let like = |text: &str| wildcard::matches(&value, text);
    let kind = node.resource_type();
    Ok(match criterion.method {
        Method::Fqn => kind != "source" && by_name::matches(node, &value),
        Method::Tag => node.tags().iter().any(|tag| like(tag)),
        Method::Group => (is_plain_node(node) || kind == "metric") && node.group().is_some_and(like),
        Method::Access => kind == "model" && node.access() == Some(&value),
        Method::Source => kind == "source" && is_table(node, &value),
        Method::Path => by_path::is_in(node, paths),
        Method::File => by_path::is_file(node, &value),
        Method::Package if value == "this" => node.package() == graph.project(),
        Method::Package => like(node.package()),
        Method::Config => (is_plain_node(node) || kind == "source") && has_config(node, criterion),
        Method::TestName => match kind {
            "test" => node.generic_test().is_some_and(like),
            _ => kind == "unit_test" && like(node.name()),
        },
        Method::TestType => match value.as_str() {
            "unit" => kind == "unit_test",
            "singular" => kind == "test" && node.generic_test().is_none(),
            "data" => kind == "test",
            _ => kind == "test" && node.generic_test().is_some(),
        },
        Method::ResourceType => kind == value,
        Method::Exposure => kind == "exposure" && is_called(node, &value),
        Method::Metric => kind == "metric" && is_called(node, &value),
        Method::SemanticModel => kind == "semantic_model" && is_called(node, &value),
        Method::SavedQuery => kind == "saved_query" && is_called(node, &value),
        Method::UnitTest => kind == "unit_test" && is_called(node, &value),
        Method::Version => kind == "model" && is_version(node, &value),
        Method::State => is_state(past, node, &value)?,
        Method::Result => past.status(node.unique_id())?.is_some_and(|status| status == value),
        Method::SourceStatus => kind == "source" && past.is_fresher(node.unique_id())?,
        // Named selectors have become trees before anything is looked for.
        Method::Selector => false,
    })
}

fn is_table(node: &dyn Candidate, value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let (package, source, table) = match parts[..] {
        [source] => ("*", source, "*"),
        [source, table] => ("*", source, table),
        [package, source, table] => (package, source, table),
        _ => return false,
    };
    wildcard::matches(package, node.package())
        && node.source_name().is_some_and(|name| wildcard::matches(source, name))
        && wildcard::matches(table, node.name())
}

fn is_called(node: &dyn Candidate, value: &str) -> bool {
    match value.split_once('.') {
        Some((package, name)) => wildcard::matches(package, node.package()) && wildcard::matches(name, node.name()),
        None => wildcard::matches(value, node.name()),
    }
}

fn has_config(node: &dyn Candidate, criterion: &Criterion) -> bool {
    let mut keys = criterion.arguments.iter();
    // `pre-hook` is `pre_hook` to dbt's templates and selectors.
    let first =
        keys.next().and_then(|key| node.config().get(key).or_else(|| node.config().get(&key.replace('_', "-"))));
    let Some(value) = first.and_then(|first| keys.try_fold(first, |value, key| value.get(key))) else { return false };
    let wanted = &criterion.value;
    let text = wanted.as_str().unwrap_or_default();
    let is_severity = criterion.arguments == ["severity"];
    let equals = |value: &Json| match value {
        Json::Bool(flag) => wanted == value || text.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
        Json::String(word) if is_severity => word.eq_ignore_ascii_case(text),
        _ => wanted == value,
    };
    match value {
        Json::Array(items) => items.iter().any(equals),
        single => equals(single),
    }
}

fn is_version(node: &dyn Candidate, value: &str) -> bool {
    let (own, latest) = (node.version(), node.latest_version());
    let order = own.zip(latest).map(|(own, latest)| version::compare(own, latest));
    match value {
        "latest" => order == Some(Ordering::Equal),
        "prerelease" => order == Some(Ordering::Greater),
        "old" => order == Some(Ordering::Less),
        _ => own.is_none(),
    }
}

fn is_state(past: &dyn Past, node: &dyn Candidate, value: &str) -> Result<bool> {
    let changes = past.changes(node.unique_id())?;
    // Only nodes proper and functions have a body and descriptions to compare; sources have a relation and a config too.
    let kind = node.resource_type();
    let has_body = is_plain_node(node) || kind == "function";
    let has_relation = has_body || kind == "source";
    let has_config = has_relation || matches!(kind, "exposure" | "metric" | "semantic_model" | "saved_query");
    Ok(match value {
        "new" => changes.is_new,
        "old" => !changes.is_new,
        "modified" => changes.is_modified(),
        "unmodified" => !changes.is_modified(),
        "modified.body" => has_body && (changes.is_new || changes.body),
        "modified.configs" => has_config && (changes.is_new || changes.configs),
        "modified.persisted_descriptions" => has_body && (changes.is_new || changes.persisted_descriptions),
        "modified.relation" => has_relation && (changes.is_new || changes.relation),
        "modified.contract" => has_body && (changes.is_new || changes.contract),
        _ => changes.macros,
    })
}

/// What a criterion of this method could have named, for the nearest one.
pub(super) fn known(graph: &dyn Graph, method: Method) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    if method == Method::Path {
        let paths = Paths::known(graph);
        known.extend(paths.files.into_iter().chain(paths.folders));
        return known;
    }
    for node in graph.nodes() {
        let name = || node.name().to_owned();
        let kind = node.resource_type();
        match method {
            Method::Fqn if kind != "source" => {
                known.insert(name());
                known.extend(node.fqn().iter().cloned());
            }
            Method::Tag => known.extend(node.tags().iter().cloned()),
            Method::Group => known.extend(node.group().map(str::to_owned)),
            Method::Access => known.extend(["private", "protected", "public"].map(str::to_owned)),
            Method::Source => {
                known.extend(node.source_name().map(|source| format!("{source}.{}", node.name())));
                known.extend(node.source_name().map(str::to_owned));
            }
            Method::File => known.extend(node.original_file_path().rsplit('/').next().map(str::to_owned)),
            Method::Package => {
                known.insert(node.package().to_owned());
            }
            Method::TestName => known.extend(node.generic_test().map(str::to_owned)),
            Method::Exposure | Method::Metric | Method::SemanticModel | Method::SavedQuery | Method::UnitTest
                if kind == method.as_str() =>
            {
                known.insert(name());
            }
            _ => {}
        }
    }
    known
}
