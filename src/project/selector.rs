//! Selectors: dbt's small language for picking models and seeds out of the graph.
//!
//! An argument is a union of words between spaces; a word is an intersection of terms between commas;
//! a term is `[n]+method:value+[n]`, where the method may be left out.

use super::Project;
use super::graph::Graph;
use super::name::did_you_mean;
use super::options;
use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// Methods that a term may begin with.
const METHODS: [&str; 7] = ["name", "tag", "path", "source", "resource_type", "access", "config.materialized"];

/// All names that any of the arguments picks.
pub(super) fn pick(project: &Project, graph: &Graph, arguments: &[String]) -> Result<BTreeSet<String>> {
    let mut picked = BTreeSet::new();
    for word in arguments.iter().flat_map(|argument| argument.split_whitespace()) {
        let mut common: Option<BTreeSet<String>> = None;
        for term in word.split(',').filter(|term| !term.is_empty()) {
            let found = pick_term(project, graph, term)?;
            common = Some(match common {
                None => found,
                Some(common) => common.intersection(&found).cloned().collect(),
            });
        }
        picked.extend(common.unwrap_or_default());
    }
    Ok(picked)
}

/// A term without its plus signs, and how many steps up and down they ask for.
fn split_pluses(term: &str) -> (Option<usize>, &str, Option<usize>) {
    let steps = |digits: &str| if digits.is_empty() { Some(usize::MAX) } else { digits.parse().ok() };
    let (up, rest) = match term.split_once('+') {
        Some((digits, rest)) if digits.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty() => (steps(digits), rest),
        _ => (None, term),
    };
    match rest.rsplit_once('+') {
        Some((core, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) && !core.is_empty() => {
            (up, core, steps(digits))
        }
        _ => (up, rest, None),
    }
}

fn pick_term(project: &Project, graph: &Graph, term: &str) -> Result<BTreeSet<String>> {
    let (up, core, down) = split_pluses(term);
    let mut picked = BTreeSet::new();
    let roots = if let Some(value) = core.strip_prefix("source:") {
        // A source is not built, so its name alone picks nothing; what reads it is one step down.
        let Some(steps) = down else {
            return Err(Error::usage(format!("selector \"{term}\" picks nothing that is built"))
                .hint(format!("write {core}+ for the models that read it")));
        };
        let readers = source_readers(project, value, term)?;
        for reader in &readers {
            picked.extend(graph.descendants(reader, steps.saturating_sub(1)));
        }
        readers
    } else {
        let roots = match core.split_once(':') {
            Some((method, value)) => by_method(project, method, value, term)?,
            None if core.contains('/') || core.ends_with(".sql") || core.ends_with(".csv") => {
                by_path(project, core, term)?
            }
            None => by_name(project, core, term)?,
        };
        for root in roots.iter().filter(|_| down.is_some()) {
            picked.extend(graph.descendants(root, down.unwrap_or(0)));
        }
        roots
    };
    for root in roots.iter().filter(|_| up.is_some()) {
        picked.extend(graph.ancestors(root, up.unwrap_or(0)));
    }
    picked.extend(roots);
    Ok(picked)
}

fn by_method(project: &Project, method: &str, value: &str, term: &str) -> Result<BTreeSet<String>> {
    let models = project.models.values();
    let seeds = project.seeds.values();
    match method {
        "name" => by_name(project, value, term),
        "path" => by_path(project, value, term),
        "tag" => {
            let tagged = models.map(|m| (&m.name, &m.tags)).chain(seeds.map(|s| (&s.name, &s.tags)));
            let found =
                tagged.filter(|(_, tags)| tags.iter().any(|tag| matches(value, tag))).map(|(name, _)| name.clone());
            let known =
                project.models.values().flat_map(|m| &m.tags).chain(project.seeds.values().flat_map(|s| &s.tags));
            nonempty(found.collect(), term, "tag", value, known.map(String::as_str))
        }
        "access" => {
            let words = models.map(|m| (&m.name, m.access)).chain(seeds.map(|s| (&s.name, s.access)));
            let found = words.filter(|(_, access)| access.as_str() == value).map(|(name, _)| name.clone());
            nonempty(found.collect(), term, "access", value, ["public", "private"])
        }
        "config.materialized" => {
            let found =
                models.filter(|m| options::materialization(&m.config).as_str() == value).map(|m| m.name.clone());
            let known = super::Materialization::ALL.map(super::Materialization::as_str);
            nonempty(found.collect(), term, "materialization", value, known)
        }
        "resource_type" => match value {
            "model" => Ok(project.models.keys().cloned().collect()),
            "seed" => Ok(project.seeds.keys().cloned().collect()),
            _ => Err(Error::usage(format!("selector \"{term}\" names no resource type")).hint("write model or seed")),
        },
        _ => Err(Error::usage(format!("selector \"{term}\" has an unknown method \"{method}\""))
            .hint(did_you_mean(method, METHODS).unwrap_or_else(|| format!("known methods: {}", METHODS.join(", "))))),
    }
}

fn by_name(project: &Project, pattern: &str, term: &str) -> Result<BTreeSet<String>> {
    let names = || project.models.keys().chain(project.seeds.keys());
    let found = names().filter(|name| matches(pattern, name)).cloned().collect();
    nonempty(found, term, "model or seed", pattern, names().map(String::as_str))
}

fn by_path(project: &Project, pattern: &str, term: &str) -> Result<BTreeSet<String>> {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let files = || {
        let models = project.models.values().map(|m| (&m.name, &m.path));
        models.chain(project.seeds.values().map(|s| (&s.name, &s.path)))
    };
    let folders =
        || files().flat_map(|(_, path)| path.match_indices('/').map(|(end, _)| &path[..end]).chain([path.as_str()]));
    let inside =
        |path: &str| path.match_indices('/').any(|(end, _)| matches(pattern, &path[..end])) || matches(pattern, path);
    let found = files().filter(|(_, path)| inside(path)).map(|(name, _)| name.clone()).collect();
    nonempty(found, term, "path", pattern, folders())
}

fn source_readers(project: &Project, value: &str, term: &str) -> Result<BTreeSet<String>> {
    let full = |(source, table): &(String, String)| format!("{source}.{table}");
    let reads = |pair: &(String, String)| matches(value, &full(pair)) || matches(value, &pair.0);
    let found = project.models.values().filter(|m| m.sources.iter().any(reads)).map(|m| m.name.clone()).collect();
    let known: Vec<String> = project.models.values().flat_map(|m| m.sources.iter().map(full)).collect();
    nonempty(found, term, "source", value, known.iter().map(String::as_str))
}

/// A term that picks nothing is a slip of the pen, not an empty run.
fn nonempty<'a>(
    found: BTreeSet<String>,
    term: &str,
    kind: &str,
    value: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<String>> {
    if found.is_empty() {
        let error =
            Error::usage(format!("selector \"{term}\" picks nothing")).detail(format!("No {kind} is \"{value}\"."));
        return Err(error.hint(
            did_you_mean(value, known)
                .unwrap_or_else(|| "name a model or seed, or begin with tag:, path: or source:".into()),
        ));
    }
    Ok(found)
}

/// Shell pattern: `*` is any text without `/`, `**` any text, `?` one letter.
fn matches(pattern: &str, text: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**") {
        return text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| matches(rest, &text[i..]));
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let reach = text.find('/').unwrap_or(text.len());
        return (0..=reach).filter(|&i| text.is_char_boundary(i)).any(|i| matches(rest, &text[i..]));
    }
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    match (pattern.next(), text.next()) {
        (None, None) => true,
        (Some(p), Some(t)) => (p == t || (p == '?' && t != '/')) && matches(pattern.as_str(), text.as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pluses_are_steps_up_and_down() {
        assert_eq!(split_pluses("a"), (None, "a", None));
        assert_eq!(split_pluses("+a"), (Some(usize::MAX), "a", None));
        assert_eq!(split_pluses("2+a+1"), (Some(2), "a", Some(1)));
        assert_eq!(split_pluses("+tag:x+"), (Some(usize::MAX), "tag:x", Some(usize::MAX)));
        assert_eq!(split_pluses("+"), (None, "+", None));
    }

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        assert!(matches("persona_*", "persona_vips"));
        assert!(matches("*_scores", "rfm_scores"));
        assert!(!matches("models/*.sql", "models/marts/a.sql"));
        assert!(matches("models/**.sql", "models/marts/a.sql"));
        assert!(matches("?tg", "stg") && !matches("stg", "stg_"));
    }
}
